"""Laws of markers: as shipped no result of a gene, a blood test, an image or an EEG changes who is treated or how."""

from __future__ import annotations

import functools
from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.markers import approved, card
from tests.records import (
    CLINIC,
    KNOWLEDGE,
    PATIENT,
    TODAY,
    complete,
    days_ago,
    infusion,
    intake,
    person,
    phq9,
    record,
    spread,
)

from ketapath import journey
from ketapath.domain.candidacy import Candidacy
from ketapath.domain.plan import DecisionCard, Option, Plan
from ketapath.knowledge import FOLDER, Knowledge, PathSpec, parse_yaml

PATHS = [
    r["path"] for r in parse_yaml((FOLDER / "profile" / "biomarkers.yaml").read_bytes(), where="biomarkers.yaml")
] + ["lab.cyp2b6_genotype"]

COURSE = [infusion(days_ago(d)) for d in (20, 17, 13, 10, 6, 3)] + [
    phq9(spread(18), on=days_ago(21)),
    phq9(spread(11), on=days_ago(9)),
]
BASES: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "good": (complete(), [phq9(spread(18))]),
    "ruled out": (complete() | {"history.aneurysm": True}, [phq9(spread(18))]),
    "gaps": ({p: v for p, v in complete().items() if not p.startswith("history.")}, [phq9(spread(18))]),
    "under treatment": (complete(), COURSE),
    "depression unknown": ({p: v for p, v in complete().items() if p != "diagnosis.depression"}, []),
}


def results(spec: PathSpec) -> st.SearchStrategy[Any]:
    """Anything a record may state at this path, impossible numbers and words that nobody planned for included."""
    if spec.type == "number":
        assert spec.limits is not None
        low, high = spec.limits
        return st.floats(low, high, allow_nan=False) | st.sampled_from([low - 1.0, low, high, high + 1.0])
    words = st.sampled_from(spec.words) if spec.words else st.sampled_from(["*1/*1", "*1/*6", "*6/*6", "*22/*22"])
    return words | st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=20)


REPORTED = st.fixed_dictionaries({}, optional={p: results(KNOWLEDGE.paths[p]) for p in PATHS})


def said(
    base: str, reported: dict[str, Any], on: date, knowledge: Knowledge = KNOWLEDGE
) -> tuple[Candidacy, Plan, DecisionCard]:
    facts, more = BASES[base]
    stated = [intake(reported, on=on, identity="markers")] if reported else []
    someone = person(record(intake(facts), *more, *stated, patient=PATIENT))
    plan = journey.planned(someone, CLINIC, knowledge, seed=1)
    candidacy, _course, decision = journey.treated(someone, CLINIC, knowledge, seed=1)
    return candidacy, replace(plan, inputs_digest=""), decision


@functools.cache
def without(base: str) -> tuple[Candidacy, Plan, DecisionCard]:
    return said(base, {}, TODAY)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(sorted(BASES)), REPORTED, st.sampled_from([TODAY, days_ago(20), days_ago(400)]))
def test_no_result_changes_candidacy_dose_order_schedule_or_the_next_step(
    base: str, reported: dict[str, Any], on: date
) -> None:
    assert said(base, reported, on) == without(base)


def test_the_bases_differ_so_that_equality_means_something() -> None:
    found = {base: without(base) for base in BASES}
    assert len({repr(c) for c, _, _ in found.values()}) >= 4
    assert found["good"][1].options[1].dose is not None
    assert not found["ruled out"][1].options
    assert found["under treatment"][2].decision == "adjust"


FIXTURES = st.fixed_dictionaries(
    {
        "suppose__0__value": st.floats(0.01, 0.999),
        "effect__bound": st.floats(0.001, 0.1),
        "effect__options": st.sampled_from([["racemic/iv"], ["esketamine/nasal"], ["racemic/iv", "esketamine/nasal"]]),
    }
)


@settings(max_examples=10, deadline=None)
@given(FIXTURES, st.sampled_from(["Val/Val", "Val/Met", "Met/Met"]))
def test_an_approved_card_moves_only_what_it_declares_and_never_beyond_its_bound(
    changes: dict[str, Any], result: str
) -> None:
    knowledge = approved(card(**changes, suppose__0__interval=None))
    candidacy, plan, decision = said("good", {"gene.bdnf_rs6265": result}, TODAY, knowledge)
    expected, before, unmoved = without("good")
    assert replace(candidacy, knowledge_version="") == replace(expected, knowledge_version="")
    assert decision.decision == unmoved.decision
    for now, was in zip(plan.options, before.options, strict=True):
        declared = f"{now.product}/{now.route}" in changes["effect__options"] and result != "Val/Val"
        assert bool(now.markers) is declared
        assert rest(now) == rest(was)
        assert now.benefit is not None
        assert was.benefit is not None
        for name, band in was.benefit.items():
            moved = now.benefit[name]
            most = changes["effect__bound"] if declared and name == "p_response" else 0.0
            for end in ("p05", "p50", "p95"):
                assert -most - 1e-12 <= getattr(moved, end) - getattr(band, end) <= 0.0
            assert moved.p05 <= moved.p50 <= moved.p95


def rest(option: Option) -> Option:
    """The option without what a marker on response may touch, and without the version that its basis names."""
    return replace(option, benefit=None, markers=(), basis=replace(option.basis, knowledge_version=""))
