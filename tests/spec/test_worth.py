"""Worth ordering? What a test, a scale or a question would change, found by planning again with each answer."""

from __future__ import annotations

from functools import lru_cache

import pytest
from tests.markers import approved, card
from tests.records import CLINIC, KNOWLEDGE, PATIENT, good_record, intake, person, record

from ketapath import journey
from ketapath.domain.clinic import Clinic
from ketapath.domain.plan import Option
from ketapath.domain.profile import Profile
from ketapath.domain.worth import WorthOrdering
from ketapath.knowledge import Knowledge
from ketapath.plan.worth import worth_ordering
from ketapath.profile import with_fact
from ketapath.report import say

PRESSURE = ("vitals.systolic_mmhg",)
HALF = ("history.aneurysm", "history.child_pugh", "consent.capacity", "lab.alt_times_upper_limit")


def worths(
    someone: Profile, clinic: Clinic = CLINIC, knowledge: Knowledge = KNOWLEDGE, shares: dict[str, float] | None = None
) -> dict[str, WorthOrdering]:
    plan = journey.planned(someone, clinic, knowledge, seed=1)
    return {w.id: w for w in worth_ordering(someone, plan, clinic, knowledge, seed=1, shares=shares)}


@lru_cache(maxsize=4)
def worths_without(*paths: str) -> dict[str, WorthOrdering]:
    return worths(person(good_record(without=paths)))


@lru_cache(maxsize=1)
def half() -> Profile:
    return person(good_record(without=HALF))


def first(someone: Profile) -> Option | None:
    options = journey.planned(someone, CLINIC, KNOWLEDGE, seed=1).options
    return options[0] if options else None


def stands(option: Option | None) -> tuple[object, ...]:
    """What a clinician would see of the first option: which it is, its dose, and whether it may be given."""
    if option is None:
        return ()
    dose = None if option.dose is None else option.dose.dose_mg
    return option.id, dose, option.verdict in ("eligible", "caution") and dose is not None


def brute_share(someone: Profile, path: str) -> float:
    """The share of the answers with which a whole new plan shows another first option."""
    spec, now = KNOWLEDGE.paths[path], stands(first(someone))
    others = 0
    for value in spec.admissible:
        supposed = float(value) if spec.type == "number" and not isinstance(value, str) else value
        others += stands(first(with_fact(someone, path, supposed, unit=spec.unit))) != now
    return others / len(spec.admissible)


def test_a_pressure_that_decides_about_a_start_is_found_and_says_what_it_does() -> None:
    found = worths_without(*PRESSURE)
    today = found[PRESSURE[0]]
    assert 0.0 < today.share < 1.0
    by_value = {r.value: r for r in today.results}
    assert by_value["120"].then.key == "ordering.then.opens"
    assert not by_value["185"].changes
    assert today.why_none is None
    assert today.needed_by


def test_a_pressure_at_home_that_would_stop_a_start_is_found() -> None:
    home = worths_without()["vitals.home_systolic_mean_mmhg"]
    high = max(home.results, key=lambda r: float(r.value))
    assert high.changes
    assert "could no longer be given" in say(high.then, KNOWLEDGE.texts)
    assert home.averts


@pytest.mark.parametrize("path", ["history.child_pugh", "preference.worth_visit_days", "lab.alt_times_upper_limit"])
def test_the_share_is_that_of_planning_anew_with_each_answer(path: str) -> None:
    someone = half()
    assert worths_without(*HALF)[path].share == pytest.approx(brute_share(someone, path))


@pytest.mark.slow
def test_every_share_is_that_of_planning_anew() -> None:
    someone = half()
    wrong = {
        path: (w.share, share)
        for path, w in worths_without(*HALF).items()
        if w.kind != "marker" and w.share != pytest.approx(share := brute_share(someone, path))
    }
    assert wrong == {}


def test_a_fact_that_no_rule_reads_is_worth_nothing_and_says_so() -> None:
    unread = [
        w for w in worths_without(*PRESSURE).values() if w.why_none and w.why_none.key == "ordering.none.not_read"
    ]
    assert unread
    for found in unread:
        assert (found.share, found.gain and found.gain.p50, found.averts) == (0.0, 0.0, False)


def test_what_the_work_up_asks_for_is_named_with_its_rule_though_it_changes_nothing() -> None:
    someone = person(good_record(without=("consent.signed",)))
    found = worths(someone)["consent.signed"]
    assert found.share == 0.0
    assert {rule.id for rule in found.needed_by} & {
        w.finding.id for w in journey.assessed(someone, CLINIC, KNOWLEDGE).work_up
    }


def test_knowing_never_costs() -> None:
    gains = [w.gain for missing in (PRESSURE, HALF) for w in worths_without(*missing).values() if w.gain is not None]
    assert len(gains) > 40
    assert min(g.p50 for g in gains) >= 0.0
    assert max(g.p50 for g in gains) > 1.0


def test_whoever_would_rather_have_no_visits_gains_nothing_by_being_allowed_to_start() -> None:
    found = worths(person(good_record(without=("history.aneurysm",), preference__worth_visit_days=8.0)))
    opens = next(r for r in found["history.aneurysm"].results if r.value == "no")
    assert opens.then.key == "ordering.then.opens"
    assert opens.better_days == 0.0


def test_what_a_person_would_give_up_for_fewer_visits_is_worth_asking() -> None:
    found = worths_without(*PRESSURE)["preference.worth_visit_days"]
    assert found.kind == "preference"
    assert found.share > 0
    assert found.gain is not None
    assert found.gain.p05 <= found.gain.p50 <= found.gain.p95


@pytest.mark.parametrize("card", list(KNOWLEDGE.biomarkers))
def test_a_genotype_or_a_scan_is_worth_nothing_as_shipped(card: str) -> None:
    found = worths_without(*PRESSURE)[card]
    assert (found.share, found.gain and found.gain.p50) == (0.0, 0.0)
    assert found.why_none is not None
    assert found.why_none.key == "ordering.none.marker_fails"
    assert "preset rules" in say(found.why_none, KNOWLEDGE.texts)


def test_a_marker_that_passes_and_is_approved_is_worth_what_it_moves() -> None:
    passing = card(
        effect__on="dose", effect__bound=0.2, suppose__0__measure="dose-ratio", suppose__0__value=0.8,
        suppose__0__interval=None,
    )  # fmt: skip
    found = worths(person(good_record(without=("gene.bdnf_rs6265",))), knowledge=approved(passing))["invented"]
    assert 0.0 < found.share < 1.0
    assert found.why_none is None


def test_a_start_that_waits_for_several_facts_says_that_one_alone_opens_nothing() -> None:
    found = worths_without(*HALF)["consent.capacity"]
    assert found.share == 0.0
    assert found.why_none is not None
    assert found.why_none.key == "ordering.none.others_open"
    assert [rule.id for rule in found.needed_by]


def test_the_last_fact_that_a_start_waits_for_gains_what_treatment_does() -> None:
    found = worths_without("history.aneurysm")["history.aneurysm"]
    opens = next(r for r in found.results if r.value == "no")
    assert opens.then.key == "ordering.then.opens"
    assert opens.better_days is not None
    assert opens.better_days > 5
    ruled_out = next(r for r in found.results if r.value == "yes")
    assert (ruled_out.then.key, ruled_out.better_days) == ("ordering.then.none_left", None)
    assert found.averts


def test_answers_weigh_as_often_as_stated_or_published_and_a_price_is_the_clinics_or_not_known() -> None:
    without = worths_without("history.aneurysm")["history.aneurysm"]
    assert [r.weight for r in without.results] == [0.5, 0.5]
    assert "all weigh the same" in say(without.weights, KNOWLEDGE.texts)
    someone = person(good_record(without=("history.aneurysm", "diagnosis.bipolar", "lab.tsh_miu_per_l")))
    priced = Clinic(rems_certified=True, prices={"test lab.tsh_miu_per_l": 40.0}, currency="USD")
    found = worths(someone, priced, shares={"history.aneurysm": 0.03})
    assert {r.value: r.weight for r in found["history.aneurysm"].results} == pytest.approx({"yes": 0.03, "no": 0.97})
    bipolar = {r.value: r.weight for r in found["diagnosis.bipolar"].results}
    assert bipolar["yes"] == pytest.approx(
        (KNOWLEDGE.figure("screening_bipolar_low") + KNOWLEDGE.figure("screening_bipolar_high")) / 2
    )
    assert found["diagnosis.bipolar"].evidence
    assert (found["lab.tsh_miu_per_l"].cost, found["history.aneurysm"].cost) == (40.0, None)


def test_nothing_is_ordered_for_somebody_who_has_died() -> None:
    assert worths(person(record(intake({}), patient=PATIENT | {"deceasedBoolean": True}))) == {}
