"""Markers are shown with their evidence, change nothing as shipped, and a gate that opens says so."""

from __future__ import annotations

import functools
import json
import math
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
import yaml
from tests.markers import BY, SOURCE, approved, card, with_cards
from tests.records import CLINIC, KNOWLEDGE, PATIENT, TODAY, days_ago, good_record, intake, person, quantity, record

from ketapath import journey
from ketapath.biomarkers import biomarkers
from ketapath.cli import main
from ketapath.domain.biomarker import MarkerView
from ketapath.domain.clinic import Approval
from ketapath.domain.plan import Option, Plan
from ketapath.education import claims_in
from ketapath.errors import BadInput, KnowledgeError
from ketapath.knowledge import FOLDER, Knowledge, documents, load
from ketapath.knowledge.cards import parse_card, parse_validity, problems
from ketapath.knowledge.cases import check
from ketapath.knowledge.impact import impact
from ketapath.knowledge.listing import listing, shown
from ketapath.knowledge.policy import MARKER, awaiting, items, read_policy, under_policy
from ketapath.pharmacology.worked import worked
from ketapath.report import biomarkers_json, biomarkers_text, plan_html, plan_json, plan_text, say

MET = good_record(gene__bdnf_rs6265="Val/Met")
SLOW = good_record(lab__cyp2b6_genotype="*6/*6")


def plan(data: bytes, knowledge: Knowledge = KNOWLEDGE) -> Plan:
    return journey.planned(person(data), CLINIC, knowledge, seed=1)


def option(data: bytes, knowledge: Knowledge = KNOWLEDGE, product: str = "racemic") -> Option:
    found = as_shipped(data) if knowledge is KNOWLEDGE else plan(data, knowledge)
    return next(o for o in found.options if o.product == product)


@functools.cache
def as_shipped(data: bytes) -> Plan:
    return plan(data)


def view(data: bytes, name: str, knowledge: Knowledge = KNOWLEDGE) -> MarkerView:
    return next(v for v in biomarkers(person(data), knowledge, CLINIC, seed=1) if v.id == name)


def response(found: Option) -> float:
    assert found.benefit is not None
    return found.benefit["p_response"].p50


def dosing(ratio: float, **changes: Any) -> dict[str, Any]:
    """The invented card as one that moves the first dose by vein."""
    return card(
        suppose__0__measure="dose-ratio", suppose__0__value=ratio, suppose__0__interval=None,
        effect__on="dose", effect__direction="lowers" if ratio < 1 else "raises", effect__bound=0.2, **changes,
    )  # fmt: skip


# what is shipped


@pytest.mark.parametrize("name", sorted(KNOWLEDGE.biomarkers))
def test_no_shipped_card_passes_and_each_rule_it_fails_has_a_reason(name: str) -> None:
    failed = KNOWLEDGE.failures(KNOWLEDGE.biomarkers[name])
    assert {f.id for f in failed} >= {"MKV-001", "MKV-004", "MKV-006"}
    assert all(say(f.asks, KNOWLEDGE.texts) and say(f.reason, KNOWLEDGE.texts) for f in failed)
    assert f"{MARKER}{name}" not in {i.id for i in items(KNOWLEDGE)}


def test_every_marker_that_a_record_can_state_has_a_card() -> None:
    stated = [r["path"] for r in yaml.safe_load((FOLDER / "profile" / "biomarkers.yaml").read_text())]
    read = [path for found in KNOWLEDGE.biomarkers.values() for path in found.reads]
    assert sorted(read) == sorted([*stated, "lab.cyp2b6_genotype"])


def test_every_marker_is_shown_with_grade_other_people_reasons_and_that_it_does_not_change_the_plan() -> None:
    views = biomarkers(person(good_record()), KNOWLEDGE, CLINIC)
    assert [v.id for v in views] == list(KNOWLEDGE.biomarkers)
    for found in views:
        assert say(found.verdict, KNOWLEDGE.texts) == "Does not change the plan."
        assert found.grade
        assert found.fails
        assert found.evidence
        assert all(study.evidence.key in KNOWLEDGE.sources for study in found.studies)
        assert bool(found.what_if) is (found.no_what_if is None)
        assert say(found.label, KNOWLEDGE.texts) == "not used"
    by_id = {v.id: v for v in views}
    best = by_id["cyp2b6-star6"].best_out_of_sample
    assert best is not None
    assert (best.evidence.key, best.n) == ("RAO16", 30)
    assert by_id["delta-sleep-ratio"].best_out_of_sample is None


def test_a_result_is_shown_with_its_day_and_one_that_is_not_there_is_not_asked_for() -> None:
    assert view(good_record(), "bdnf-val66met").reported == ()
    (found,) = view(MET, "bdnf-val66met").reported
    assert (found.fact.value, found.fact.on, found.set_aside) == ("Val/Met", TODAY, None)
    assert [f.id for f in view(MET, "bdnf-val66met").says] == ["PGX-003", "PGX-004", "PGX-008", "PGX-010"]
    paths = {path for c in KNOWLEDGE.biomarkers.values() for path in c.reads}
    candidacy = journey.assessed(person(record(patient=PATIENT)), CLINIC, KNOWLEDGE)
    asked = [m.path for m in candidacy.missing] + [m.path for w in candidacy.work_up for m in w.lacking]
    assert asked
    assert not paths & set(asked)


def test_a_result_that_is_too_old_is_shown_as_set_aside() -> None:
    old = good_record(quantity("1988-5", 7.0, "mg/L", on=days_ago(60)))
    (found,) = view(old, "inflammation").reported
    assert found.set_aside is not None
    assert "60 days old" in say(found.set_aside, KNOWLEDGE.texts)


# what would be if


def test_the_published_effect_on_the_liver_raises_area_more_than_peak_and_is_not_used() -> None:
    found = view(SLOW, "cyp2b6-star6")
    (peak,) = (w for w in found.what_if if (w.option, w.quantity, w.effect.result) == ("racemic/iv", "peak", "*6/*6"))
    (area,) = (w for w in found.what_if if (w.option, w.quantity, w.effect.result) == ("racemic/iv", "area", "*6/*6"))
    assert 1.0 < peak.then.p50 / peak.now.p50 < 1.2
    # Six times slower enzymes leave a third to a half of the clearance, because blood flow limits the liver.
    assert 2.0 < area.then.p50 / area.now.p50 < 3.0
    assert (peak.is_this_person, found.says[0].id) == (True, "PGX-001")
    exposure = option(SLOW).exposure
    assert exposure is not None
    assert peak.now.p50 == pytest.approx(exposure.p50)


def test_a_correlation_moves_the_probability_as_people_drawn_with_that_correlation_would() -> None:
    found = view(good_record(), "delta-sleep-ratio")
    above = next(w for w in found.what_if if w.option == "racemic/iv" and w.effect.sd == 1.0)
    below = next(w for w in found.what_if if w.option == "racemic/iv" and w.effect.sd == -1.0)
    assert below.then.p50 < above.now.p50 < above.then.p50
    assert above.effect.interval is not None
    # The band joins that of the plan with the interval of the effect: its weak end below, its strong end above.
    (weak, strong), normal = above.effect.interval, NormalDist()
    for end, r in (("p05", weak), ("p95", strong)):
        there = (normal.inv_cdf(getattr(above.now, end)) + r) / math.sqrt(1 - r**2)
        assert getattr(above.then, end) == pytest.approx(normal.cdf(there))
    rng = np.random.default_rng(1)
    r, marker = above.effect.value, rng.normal(size=400_000)
    gain = r * marker + math.sqrt(1 - r**2) * rng.normal(size=marker.size)
    limit = np.quantile(gain, 1 - above.now.p50)
    near = np.abs(marker - 1.0) < 0.02
    assert np.mean(gain[near] >= limit) == pytest.approx(above.then.p50, abs=0.02)


def test_without_a_dose_or_an_expected_response_nothing_is_tried_out_and_the_view_says_why() -> None:
    bare = record(intake({"gene.bdnf_rs6265": "Val/Met"}), patient=PATIENT)
    for found in biomarkers(person(bare), KNOWLEDGE, CLINIC):
        doses = [w for w in found.what_if if w.option == "racemic/iv"]
        assert not doses
        assert found.what_if or found.no_what_if is not None
    died = record(patient=PATIENT | {"deceasedBoolean": True})
    assert all(not v.what_if for v in biomarkers(person(died), KNOWLEDGE, CLINIC))


# the gate


def test_a_card_that_meets_every_rule_passes_and_waits_for_a_named_clinician() -> None:
    knowledge = with_cards(card())
    assert knowledge.failures(knowledge.biomarkers["invented"]) == ()
    assert option(MET, knowledge).markers == ()
    assert say(view(MET, "invented", knowledge).verdict, knowledge.texts).startswith(
        "Does not change the plan: it meets"
    )
    assert MARKER + "invented" in {i.id for i in items(knowledge)}
    assert MARKER + "invented" not in {i.id for i in awaiting(knowledge, {})}  # nobody has to approve it


def test_an_approved_card_moves_the_expected_response_within_its_bound_and_says_so() -> None:
    knowledge = approved(card())
    before, after = option(MET), option(MET, knowledge)
    odds = 0.8 * response(before) / (1 - response(before))
    assert response(after) == pytest.approx(odds / (1 + odds))
    assert abs(response(after) - response(before)) <= 0.1
    (move,) = after.markers
    assert (move.option, move.before, move.after, move.bound) == ("racemic/iv", response(before), response(after), 0.1)
    said = say(move.statement, knowledge.texts)
    for words in ("Invented marker", "Met", BY, TODAY.isoformat(), "version 2", "at most 10 in 100"):
        assert words in said
    for form in (
        plan_text(plan(MET, knowledge), person(MET), knowledge).replace("\n  ", " ").replace("  ", " "),
        plan_html(plan(MET, knowledge), person(MET), knowledge),
        json.dumps(plan_json(plan(MET, knowledge), person(MET), knowledge)),
    ):
        assert f"approved by {BY} on" in form
    found = view(MET, "invented", knowledge)
    assert (len(found.moves), found.what_if) == (2, ())
    assert say(found.label, knowledge.texts) == "used within its bound"
    assert response(option(good_record(gene__bdnf_rs6265="Val/Val"), knowledge)) == response(before)
    assert option(good_record(), knowledge).markers == ()


def test_an_effect_beyond_the_bound_stops_at_the_bound() -> None:
    knowledge = approved(card(suppose__0__value=0.1, suppose__0__interval=None))
    assert response(option(MET, knowledge)) == pytest.approx(response(option(MET)) - 0.1)


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("MKV-001", {"validity__external_validation__cohorts": 0}),
        ("MKV-002", {"validity__external_validation__n": 199}),
        ("MKV-003", {"validity__external_validation__interval": [0.5, 0.8]}),
        ("MKV-003", {"validity__external_validation__measure": "p value"}),
        ("MKV-004", {"validity__calibration__interval": [1.01, 1.3]}),
        ("MKV-005", {"validity__calibration__interval": [0.2, 1.3]}),
        ("MKV-006", {"validity__net_benefit__interval": [0.0, 0.05]}),
        ("MKV-006", {"validity__net_benefit__threshold": None}),
        ("MKV-006", {"validity__net_benefit": None}),
        ("MKV-007", {"validity__net_benefit__trust": "summary"}),
        ("MKV-007", {"suppose__0__trust": "unread"}),
        ("MKV-008", {"effect__bound": 0.11}),
        ("MKV-008", {"effect": None}),
    ],
)
def test_a_card_that_fails_by_one_rule_cannot_be_approved_and_moves_nothing(rule: str, changes: dict[str, Any]) -> None:
    record_ = card(**changes)
    knowledge = approved(record_)
    found = knowledge.biomarkers["invented"]
    assert {f.id for f in knowledge.failures(found)} == {rule}
    assert found.approved is None
    with pytest.raises(BadInput, match="marker invented"):
        read_policy(f"approvals:\n- {{item: marker invented, by: {BY}, day: 2026-11-20}}".encode(), knowledge)
    # Even where an approval got onto the card, the gate is asked again.
    mark = approved(card()).biomarkers["invented"].approved
    forced = replace(knowledge, biomarkers={**knowledge.biomarkers, "invented": replace(found, approved=mark)})
    found_options = plan(MET, forced).options
    assert all(o.markers == () for o in found_options)
    assert [response(o) for o in found_options] == [response(o) for o in as_shipped(MET).options]


def test_a_retracted_source_closes_the_gate_again() -> None:
    knowledge = approved(card(), source=replace(SOURCE, retracted=True))
    assert [f.id for f in knowledge.failures(knowledge.biomarkers["invented"])] == ["MKV-007"]
    assert option(MET, knowledge).markers == ()


@pytest.mark.parametrize("version", ["1", "3"])
def test_an_approval_of_another_version_moves_nothing(version: str) -> None:
    knowledge = approved(card(), version=version)
    assert knowledge.biomarkers["invented"].approved is None
    assert option(MET, knowledge).markers == ()


def test_an_approval_by_nobody_moves_nothing() -> None:
    nobody = Approval(item=MARKER + "invented", version="2", by=" ", on=TODAY)
    assert under_policy(with_cards(card()), {nobody.item: nobody}).biomarkers["invented"].approved is None


@pytest.mark.parametrize(("ratio", "mg"), [(0.9, 32.0), (0.5, 28.0), (1.1, 38.0), (1.9, 42.0)])
def test_an_approved_card_moves_a_dose_by_weight_in_whole_steps_within_its_bound(ratio: float, mg: float) -> None:
    knowledge = approved(dosing(ratio, effect__options=["racemic/iv", "esketamine/nasal"]))
    moved = option(MET, knowledge)
    assert moved.dose is not None
    assert moved.dose.dose_mg == mg
    assert moved.steps[0].dose_mg == mg
    assert all(step.dose_mg > mg for step in moved.steps[1:])
    assert "Invented marker" in moved.dose.formula
    assert [m.on for m in moved.markers] == ["dose"]
    spray, shipped = option(MET, knowledge, "esketamine"), option(MET, product="esketamine")
    assert spray.dose == shipped.dose  # the label sets the milligrams of a device
    assert spray.markers == ()


def test_a_raised_dose_stays_under_the_cap_of_its_protocol() -> None:
    heavy = good_record(vitals__weight_kg=98.0, vitals__height_cm=170.0, gene__bdnf_rs6265="Val/Met")
    moved = option(heavy, approved(dosing(1.2)))
    assert moved.dose is not None
    assert (moved.dose.dose_mg, moved.dose.cap_mg) == (50.0, 50.0)


def test_an_approved_card_moves_the_expected_level_within_its_bound() -> None:
    levels = card(
        reads=["lab.cyp2b6_genotype"], suppose__0__when={"path": "lab.cyp2b6_genotype", "is": "*6/*6"},
        suppose__0__measure="intrinsic-clearance-ratio", suppose__0__value=0.01, suppose__0__interval=None,
        effect__on="exposure", effect__direction="raises", effect__bound=0.1,
    )  # fmt: skip
    before, after = option(SLOW).exposure, option(SLOW, approved(levels)).exposure
    assert before is not None
    assert after is not None
    assert after.p50 == pytest.approx(1.1 * before.p50)


def test_a_move_against_the_declared_direction_is_no_move() -> None:
    knowledge = approved(card(suppose__0__value=1.5, suppose__0__interval=None))
    assert response(option(MET, knowledge)) == response(option(MET))


def test_two_cards_that_move_the_same_thing_move_nothing_because_nobody_validated_them_together() -> None:
    both = approved(card(), card(id="other"))
    assert all(o.markers == () for o in plan(MET, both).options)
    assert "not validated together" in say(view(MET, "other", both).verdict, both.texts)


def test_a_clinic_may_ask_for_more_than_the_preset_figures_and_never_for_less() -> None:
    stricter = Approval(item="marker_validation_n", version="200", by=BY, on=TODAY, values={"value": 500.0})
    pass_mark = Approval(item=MARKER + "invented", version="2", by=BY, on=TODAY)
    approvals = {"marker_validation_n": stricter, pass_mark.item: pass_mark}
    knowledge = under_policy(with_cards(card()), approvals)
    assert [f.id for f in knowledge.failures(knowledge.biomarkers["invented"])] == ["MKV-002"]
    assert option(MET, knowledge).markers == ()
    for item, value in (
        ("marker_validation_n", 199), ("marker_slope_low", 0.1), ("marker_slope_high", 5),
        ("marker_bound_probability", 0.5), ("marker_bound_share", 0.9),
    ):  # fmt: skip
        data = f"approvals:\n- {{item: {item}, by: {BY}, day: 2026-11-20, values: {{value: {value}}}}}"
        with pytest.raises(BadInput):
            read_policy(data.encode(), KNOWLEDGE)


# the files


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"effect__on": "eligibility"}, "effect on is 'eligibility'"),
        ({"effect__on": "priority"}, "effect on is 'priority'"),
        ({"studies__0__source": "NOBODY"}, "NOBODY"),
        ({"validity__calibration__source": "NOBODY"}, "NOBODY"),
        ({"suppose__0__interval": [0.9, 0.7]}, "ends before it begins"),
        ({"validity": {"external_validation": None}}, "each of external_validation"),
        ({"studies": []}, "needs studies"),
        ({"kind": "feeling"}, "kind is 'feeling'"),
        ({"weight": 1}, "unknown fields"),
    ],
)
def test_a_card_that_cannot_be_meant_is_refused_by_name(changes: dict[str, Any], names: str) -> None:
    with pytest.raises(KnowledgeError, match=names):
        with_cards(card(**changes))


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"suppose__0__value": 0.95}, "outside its interval"),
        ({"validity__calibration__value": 2.0}, "outside its interval"),
        ({"studies__0__figure__value": 2.0}, "outside its interval"),
        ({"reads": ["gene.bdnf_rs6265", "gene.nothing"]}, "gene.nothing"),
        ({"reads": ["lab.crp_mg_per_l"]}, "does not name"),
        ({"rules": ["CON-001"]}, "CON-001"),
        ({"effect__direction": "raises"}, "direction"),
        ({"effect__on": "dose"}, "cannot move dose"),
        ({"suppose__0__when": None}, "cannot move"),
        ({"suppose__0__value": -1.0, "suppose__0__interval": None}, "impossible"),
        ({"suppose": []}, "no word on why"),
    ],
)
def test_the_check_finds_what_no_schema_sees(changes: dict[str, Any], names: str) -> None:
    sources = {**KNOWLEDGE.sources, SOURCE.key: SOURCE}
    found = list(problems(parse_card(card(**changes), sources, where="test"), KNOWLEDGE.paths, KNOWLEDGE.rules))
    assert any(names in problem for problem in found), found
    whole = parse_card(card(), sources, where="test")
    assert list(problems(whole, KNOWLEDGE.paths, KNOWLEDGE.rules)) == []


def test_nothing_is_called_read_of_a_source_that_was_not() -> None:
    with pytest.raises(KnowledgeError, match="secondary only"):
        with_cards(card(), source=replace(SOURCE, read="secondary only"))


@pytest.mark.parametrize("gone", ["external_validation", "calibration", "net_benefit"])
def test_a_gate_that_does_not_test_every_part_is_refused(gone: str) -> None:
    document = yaml.safe_load((FOLDER / "biomarkers" / "validity.yaml").read_text())
    document["rules"] = [r for r in document["rules"] if r["part"] != gone]
    with pytest.raises(KnowledgeError, match=gone):
        list(parse_validity(document, where="test"))
    with pytest.raises(KnowledgeError):
        list(parse_validity({"rules": []}, where="test"))


def test_the_check_wants_a_case_of_the_gate_and_of_each_supposed_result(tmp_path: Path) -> None:
    folder = tmp_path / "knowledge"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    assert not check(KNOWLEDGE, today=date(2026, 11, 25), claims_in=claims_in, worked=worked, folder=folder).problems
    cases = folder / "biomarkers" / "cards" / "cyp2b6-star6.cases.yaml"
    lines = cases.read_text().splitlines()
    cases.write_text("\n".join(line for line in lines if "unknown" not in line))
    found = check(KNOWLEDGE, today=date(2026, 11, 25), claims_in=claims_in, worked=worked, folder=folder).problems
    assert len(found) == 2
    cases.write_text("\n".join(lines).replace("MKV-001, ", ""))
    found = check(KNOWLEDGE, today=date(2026, 11, 25), claims_in=claims_in, worked=worked, folder=folder).problems
    assert any("case of the gate" in problem for problem in found)


def test_a_card_put_into_the_folder_and_approved_in_a_policy_file_moves_a_plan(tmp_path: Path) -> None:
    folder = tmp_path / "knowledge"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (folder / "biomarkers" / "cards" / "invented.yaml").write_text(yaml.safe_dump(card()))
    source = {f: str(getattr(SOURCE, f)) for f in ("key", "citation", "locator", "read", "note", "read_on")}
    (folder / "sources" / "invented.yaml").write_text(yaml.safe_dump([source | {"retracted": False}]))
    knowledge = load(folder, cache=tmp_path)
    policy = f"approvals:\n- {{item: marker invented, version: '2', by: {BY}, day: 2026-11-24}}"
    here = under_policy(knowledge, read_policy(policy.encode(), knowledge))
    assert here.version != knowledge.version
    assert [m.approved.by for m in option(MET, here).markers] == [BY]
    assert option(MET, knowledge).markers == ()


def test_cards_are_listed_shown_and_followed_from_a_source() -> None:
    mine = [i for i in listing(KNOWLEDGE) if i["kind"] == "biomarker"]
    assert {i["id"] for i in mine} == set(KNOWLEDGE.biomarkers)
    assert not any(i["needs_approval"] for i in mine)
    assert all(i["section"] == "biomarkers" and i["grade"] and i["trust"] for i in mine)
    form = shown(KNOWLEDGE, "cyp2b6-star6")
    assert form is not None
    assert form["fails"]
    json.dumps(form)
    assert impact(documents(), "RAO16")["biomarker"] == ["cyp2b6-star6"]


# what a person reads


def test_the_command_shows_every_marker_as_text_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = tmp_path / "person.json"
    bundle.write_bytes(SLOW)
    assert main(["biomarkers", str(bundle), "--on", str(TODAY)]) == 0
    text = capsys.readouterr().out
    assert "No marker changes the plan. Nothing here asks for a test." in text
    assert text.count("Does not change the plan.") == len(KNOWLEDGE.biomarkers)
    assert "what if, not used: *6/*6, this person's result" in text
    assert "No usable effect size in our evidence." in text
    assert main(["biomarkers", str(bundle), "--on", str(TODAY), "--json"]) == 0
    form = json.loads(capsys.readouterr().out)
    assert form["changes_plan"] is False
    (found,) = (m for m in form["markers"] if m["id"] == "cyp2b6-star6")
    assert found["what_if"]["label"] == "not used"
    assert found["reported"][0]["value"] == "*6/*6"
    assert found["fails"][0]["reason"] == "not in our evidence"
    assert found["best_out_of_sample"]["key"] == "RAO16"


def test_where_a_marker_counts_the_words_on_top_say_so() -> None:
    knowledge = approved(card())
    views = biomarkers(person(MET), knowledge, CLINIC, seed=1)
    assert "approved by name moves the plan" in biomarkers_text(views, person(MET), knowledge)
    form = biomarkers_json(views, person(MET), knowledge)
    assert form["changes_plan"] is True
    assert [m["id"] for m in form["markers"] if m["changes_plan"]] == ["invented"]
