"""Ketamine given elsewhere: which form and salt it was, and what cannot be counted is named instead of left out."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from tests.records import CLINIC, KNOWLEDGE, SUBJECT, TODAY, days_ago, good_record, infusion, person, record

from ketapath import report
from ketapath.domain.followup import Exposure
from ketapath.domain.profile import Profile
from ketapath.followup import exposure
from ketapath.response.history import history
from ketapath.response.treatment import doses_given, why_not_predicted

UNII = "http://fdasis.nlm.nih.gov"
SALT = {"coding": [{"system": UNII, "code": "O18YUO0I83"}]}
ALL = {"system": UNII, "code": "690G0D6V8H"}


def given(identity: str = "given", *, mg: float = 50.0, on: str = "", unit: str = "mg", **more: Any) -> dict[str, Any]:
    """One administration of another clinic: of "ketamine" four days ago unless told otherwise."""
    made = infusion(days_ago(4), mg=mg) | {"id": identity, "effectiveDateTime": on or days_ago(4).isoformat()}
    made["dosage"] = {"dose": {"value": mg, "unit": unit}}
    del made["effectivePeriod"]
    if "medicationReference" in more:
        del made["medicationCodeableConcept"]
    return made | more


def named(words: str, identity: str = "given", **more: Any) -> dict[str, Any]:
    return given(identity, medicationCodeableConcept={"text": words}, **more)


def ledger(*resources: Any) -> Exposure:
    return exposure(person(record(*resources)), CLINIC, KNOWLEDGE)


def sums(found: Exposure) -> dict[str, float]:
    return {w.product: w.mg for w in found.windows if w.days == 30}


def reasons(found: Exposure) -> dict[str, str]:
    return {one.origin.id: one.why.key.removeprefix("uncounted.") for one in found.uncounted}


@pytest.mark.parametrize(("mg", "unit"), [(-50, "mg"), (-5, "mL"), (50_000, "mg"), (51, "g")])
def test_an_impossible_amount_is_no_dose_and_is_named(mg: float, unit: str) -> None:
    found = ledger(given("good"), given("odd", mg=mg, unit=unit, on=days_ago(3).isoformat()))
    assert sums(found) == {"racemic": 50.0}
    assert reasons(found) == {"odd": "amount"}
    assert f"{mg:g} {unit}" in report.exposure_text(found, KNOWLEDGE)


HELD = {"resourceType": "Medication", "id": "m", "code": SALT}


@pytest.mark.parametrize(
    "resources",
    [
        [given(medicationCodeableConcept=SALT)],
        [given(medicationReference={"reference": "#m"}, contained=[HELD])],
        [given(medicationReference={"reference": "Medication/m"}), HELD],
        [given(medicationReference={"reference": "Medication/m/_history/2"}), HELD],
    ],
    ids=["inline", "contained", "in the bundle", "a version in the bundle"],
)
def test_hydrochloride_is_base_by_the_same_factor_wherever_it_is_named(resources: list[Any]) -> None:
    assert sums(ledger(*resources)) == {"racemic": pytest.approx(43.35, abs=0.01)}


@pytest.mark.parametrize(
    "words",
    ["S ketamine", "S-ketamine", "(S)-ketamine", "S(+)-Ketamine", "Ketamine-S", "ketamine (S-enantiomer)",
     "S-enantiomer of ketamine", "Ketanest S 25 mg/ml", "Esketamin", "Spravato 28 mg"],
)  # fmt: skip
def test_what_is_s_is_s(words: str) -> None:
    assert sums(ledger(named(words))) == {"esketamine": 50.0}


@pytest.mark.parametrize(
    "words",
    ["Ketamine", "(R,S)-ketamine", "RS-ketamine", "(±)-ketamine", "racemic ketamine", "ketamine s.c.", "Ketamine HCl",
     "patient's ketamine", "Kétamine"],
)  # fmt: skip
def test_the_racemate_is_the_racemate(words: str) -> None:
    assert sums(ledger(named(words))) == {"racemic": 50.0}


@pytest.mark.parametrize(
    "words", ["R-ketamine", "(-)-ketamine", "arketamine", "Ketanest", "ketamine isomer", "escetamina", "norketamine"]
)
def test_another_form_or_one_that_is_not_told_is_counted_nowhere_and_named(words: str) -> None:
    found = ledger(named(words))
    assert (found.doses, reasons(found)) == ((), {"given": "form"})
    assert words in report.exposure_text(found, KNOWLEDGE)


def test_a_code_and_words_that_disagree_tell_no_form() -> None:
    both = {"text": "S-ketamine", "coding": [ALL]}
    assert reasons(ledger(given(medicationCodeableConcept=both))) == {"given": "form"}
    agreeing = {"text": "Ketanest", "coding": [ALL]}
    assert sums(ledger(given(medicationCodeableConcept=agreeing))) == {"racemic": 50.0}


def test_an_amount_that_may_be_of_another_medicine_is_not_counted() -> None:
    assert reasons(ledger(named("Midazolam and ketamine"))) == {"given": "mixed"}


def test_a_day_a_form_or_a_medicine_that_is_not_known_makes_sums_and_sessions_at_least() -> None:
    month = days_ago(4).isoformat()[:7]
    nowhere = given("nowhere", medicationReference={"reference": "Medication/gone"})
    found = ledger(given("good"), given("month", on=month), named("Ketanest", "brand"), nowhere)
    assert reasons(found) == {"month": "day", "brand": "form", "nowhere": "medicine"}
    window = next(w for w in found.windows if w.days == 30)
    assert (window.mg, window.is_least, window.uncounted) == (50.0, True, 3)
    limit = found.limits[0]
    # The brand and the one without a name were given on the day of the counted one: they add no session.
    assert (limit.sessions, limit.sessions_at_most, limit.is_reached) == (1, 2, False)


def test_a_month_alone_may_be_any_of_its_days_and_no_other() -> None:
    found = ledger(given("good"), given("old", on="2026-06"))
    assert [w.uncounted for w in found.windows] == [0, 0, 1, 1]
    assert ledger(given("ahead", on="2026-12")).uncounted == ()


def test_whether_a_limit_is_reached_is_unknown_where_what_is_uncounted_decides() -> None:
    eleven = [given(str(n), on=days_ago(n).isoformat()) for n in range(11)]
    assert ledger(*eleven).limits[0].is_reached is False
    assert ledger(*eleven, given("month", on=days_ago(4).isoformat()[:7])).limits[0].is_reached is None
    assert ledger(*eleven, given("12", on=days_ago(12).isoformat())).limits[0].is_reached is True


def taken(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationStatement", "id": "home", "status": "active", "subject": SUBJECT,
        "medicationCodeableConcept": {"text": "ketamine oral"}, "effectivePeriod": {"start": "2026-09-01"}, **more,
    }  # fmt: skip


def test_ketamine_that_is_taken_at_home_is_named_and_leaves_the_limit_unknown() -> None:
    found = ledger(given("good"), taken())
    assert reasons(found) == {"home": "taken"}
    assert [(one.sessions_at_most, one.is_reached) for one in found.limits] == [(None, None)] * 3
    over = ledger(given("good"), taken(status="completed", effectivePeriod={"start": "2026-01", "end": "2026-02"}))
    assert [one.is_reached for one in over.limits] == [False, False, None]
    assert ledger(taken(status="not-taken")).uncounted == ()


def test_another_medicine_is_no_ketamine_and_an_unread_name_is_told_once() -> None:
    found = ledger(given("good"), named("Midazolam", "known"), named("Ringer's lactate", "unread"))
    assert found.uncounted == ()
    assert found.limits[0].is_reached is False
    assert [n.values["names"] for n in found.notes if n.key == "exposure.note.unread"] == ["Ringer's lactate"]


def course(*more: Any) -> Profile:
    return person(good_record(*(infusion(days_ago(n)) for n in (14, 11, 7)), *more))


def unknown(someone: Profile) -> set[str]:
    return {fact.path for fact in someone.unusable if fact.reason is not None and fact.reason.key == "fact.uncounted"}


def test_rules_do_not_read_a_number_of_sessions_that_may_be_too_small() -> None:
    assert course().known["course.sessions_given"].value == 3.0
    someone = course(given("later", on="2026-11"))
    assert "course.sessions_given" not in someone.known
    assert unknown(someone) == {
        "course.sessions_given", "course.mean_interval_days", "course.days_since_first_session",
        "course.days_since_last_session",
    }  # fmt: skip
    between = course(given("odd", mg=-1, on=days_ago(9).isoformat()))
    assert unknown(between) == {"course.sessions_given", "course.mean_interval_days"}
    assert unknown(course(given("long ago", on="2019"))) == set()
    assert "profile.uncounted" in {note.key for note in someone.notes}


def test_no_course_is_predicted_from_sessions_that_may_not_be_all() -> None:
    def why(someone: Profile) -> str | None:
        given = doses_given(someone.doses, TODAY)
        reason, _ = why_not_predicted(history(someone), given, KNOWLEDGE.response, has_depression_scale=True)
        return None if reason is None else reason.key

    assert why(course()) is None
    assert why(course(named("Ketanest"))) == "response.dose_uncounted"
    assert why(course(named("Ketanest", on=days_ago(400).isoformat()))) is None


def test_a_day_of_the_future_is_not_uncounted_either() -> None:
    assert person(record(named("Ketanest", on="2027-01-01")), as_of=date(2026, 11, 24)).uncounted == ()
