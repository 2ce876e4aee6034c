"""The calculation of an order is checked by somebody else before the first dose, and the check is of what stands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from tests.options import INFUSION
from tests.proofs import shown, signing

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import Refused
from clinic.access.proof import NotProven
from clinic.actions.commit import Stale
from clinic.actions.governance import approve
from clinic.actions.plan import Wish, check_calculation, decide_card, decide_plan, standing
from clinic.actions.profile import state_facts
from clinic.actions.session import open_session
from clinic.queries.governance import shipped
from clinic.queries.person import Chart, chart, plan
from clinic.queries.plan import OrderCheck, calculation_check, order_check
from clinic.queries.session import objections
from clinic.record.models import Signature
from ketapath.domain.plan import DoseCalculation
from ketapath.errors import BadInput

READY = "treatment-resistant-depression"
Visit = Callable[..., Client]
Who = Callable[[str], Account]


def look(by: Account) -> Chart:
    found = chart(by.practice, READY)
    assert found is not None
    return found


def wish(found: Chart, **fields: object) -> Wish:
    usual = {"outcome": "accepted", "reason": "", "seen": standing(found), "digest": plan(found).inputs_digest}
    return Wish(**(usual | fields))  # type: ignore[arg-type]


def sign(by: Account, **fields: object) -> OrderCheck:
    found = look(by)
    decide_plan(found, INFUSION, wish(found, **fields), by=by, key="", proof=shown(by))
    check = order_check(look(by))
    assert check is not None
    return check


def checked(check: OrderCheck, by: Account, key: str = "") -> None:
    check_calculation(look(by), check.seen, by=by, key=key, proof=shown(by))


def unchecked(by: Account) -> str | None:
    check = order_check(look(by))
    assert check is not None
    return calculation_check(check)


def against(by: Account) -> list[str]:
    found = look(by)
    assert found.open_visit is not None
    return [one.words for one in objections(found, found.open_visit) if "calculation" in one.words]


def test_both_calculations_are_shown_with_their_inputs_rounding_and_cap(account: Who) -> None:
    check = sign(account("prescriber"), outcome="changed", dose_mg=30.0, reason="frail")
    assert isinstance(check.now, DoseCalculation)
    assert check.then is not None
    assert (check.ordered_mg, check.then.dose_mg, check.now.dose_mg) == (30.0, 35.0, 35.0)
    assert (check.then.formula, check.then.exact_mg, check.then.rounded_to_mg) == ("0.5 mg/kg x 71.4 kg", 35.7, 1.0)
    assert check.then.cap_mg is not None
    assert all(fact.on is not None for fact in check.then.inputs if fact.path == "vitals.weight_kg")


def test_until_a_second_person_has_checked_it_a_dose_needs_a_reason(account: Who) -> None:
    prescriber, nurse = account("prescriber"), account("nurse")
    check = sign(prescriber)
    open_session(look(nurse), by=nurse, key="")
    assert len(against(nurse)) == 1
    checked(check, nurse, key="once")
    checked(check, nurse, key="once")
    assert against(nurse) == []
    assert Signature.objects.filter(patient_id=READY, meaning="calculation").count() == 1


def test_nobody_checks_their_own_order_unless_the_clinic_says_so_by_name(account: Who) -> None:
    prescriber = account("prescriber")
    check = sign(prescriber)
    with pytest.raises(BadInput, match="another person"):
        checked(check, prescriber)
    name = "order_checked_by_another"
    item = next(item for item in shipped() if item.id == name)
    (limit,) = item.limits
    approve(
        [(name, item.version)], {name: {limit.key: 0.0}}, reason="one prescriber works here", by=account("director")
    )
    checked(check, prescriber)
    assert unchecked(prescriber) is None


def test_a_check_is_of_the_order_that_stands_and_another_order_is_checked_anew(account: Who) -> None:
    prescriber, nurse = account("prescriber"), account("nurse")
    first = sign(prescriber)
    checked(first, nurse)
    found = look(prescriber)
    changed = wish(found, outcome="changed", dose_mg=30.0, reason="less")
    decide_card(found, "adjust", changed, by=prescriber, key="", proof=shown(prescriber))
    assert unchecked(nurse) is not None
    with pytest.raises(Stale):
        checked(first, nurse)


def test_a_pause_of_the_plan_leaves_the_check_as_it_is(account: Who) -> None:
    prescriber, nurse = account("prescriber"), account("nurse")
    checked(sign(prescriber), nurse)
    found = look(prescriber)
    decide_card(found, "pause", wish(found, reason="away"), by=prescriber, key="", proof=shown(prescriber))
    assert unchecked(nurse) is None


def test_a_changed_dose_is_ordered_in_the_steps_of_its_protocol(account: Who) -> None:
    for typed in (35.123456, 0.5):
        with pytest.raises(BadInput, match="steps of 1 mg"):
            sign(account("prescriber"), outcome="changed", dose_mg=typed, reason="frail")
    assert sign(account("prescriber"), outcome="changed", dose_mg=30.0, reason="frail").ordered_mg == 30.0


def drifted(by: Account) -> list[tuple[str, str]]:
    found = look(by)
    assert found.open_visit is not None
    said = objections(found, found.open_visit)
    return [(one.kind, one.words) for one in said if "By the facts of today" in one.words]


def test_a_weight_that_changes_the_dose_is_for_a_prescriber_whatever_was_checked(account: Who) -> None:
    prescriber, nurse = account("prescriber"), account("nurse")
    checked(sign(prescriber), nurse)
    open_session(look(nurse), by=nurse, key="")
    state_facts(look(nurse), {"vitals.weight_kg": "68"}, by=nurse, reason="", key="")
    assert drifted(nurse) == []  # less than a tenth
    state_facts(look(nurse), {"vitals.weight_kg": "45"}, by=nurse, reason="", key="")
    ((kind, words),) = drifted(nurse)
    assert (kind, "22 mg (0.5 mg/kg x 45 kg)" in words, "35 mg (0.5 mg/kg x 71.4 kg)" in words) == (
        "prescriber", True, True,
    )  # fmt: skip


def test_a_dose_that_was_changed_on_the_card_is_held_against_the_facts_that_it_was_changed_on(account: Who) -> None:
    prescriber, nurse = account("prescriber"), account("nurse")
    sign(prescriber)
    found = look(prescriber)
    changed = wish(found, outcome="changed", dose_mg=30.0, reason="less")
    decide_card(found, "adjust", changed, by=prescriber, key="", proof=shown(prescriber))
    check = order_check(look(nurse))
    assert check is not None
    assert check.then is not None
    assert (check.ordered_mg, check.then.formula, check.differs) == (30.0, "0.5 mg/kg x 71.4 kg", "")
    state_facts(look(nurse), {"vitals.weight_kg": "90"}, by=nurse, reason="", key="")
    check = order_check(look(nurse))
    assert check is not None
    assert "45 mg (0.5 mg/kg x 90 kg)" in check.differs


def test_without_a_weight_no_calculation_is_right_and_a_prescriber_is_needed(
    account: Who, monkeypatch: pytest.MonkeyPatch
) -> None:
    prescriber, nurse = account("prescriber"), account("nurse")
    check = sign(prescriber)
    later = clock.now() + timedelta(days=35)  # the weighing is older than a weighing may be
    monkeypatch.setattr(clock, "now", lambda: later)
    open_session(look(nurse), by=nurse, key="")
    ((kind, words),) = drifted(nurse)
    assert (kind, "weight" in words) == ("prescriber", True)
    with pytest.raises(BadInput, match="comes out by the facts of today"):
        checked(check, nurse)


def test_whoever_may_not_check_is_refused_and_a_proof_of_somebody_else_is_none(account: Who) -> None:
    check = sign(account("prescriber"))
    therapist, nurse = account("therapist"), account("nurse")
    with pytest.raises(Refused):
        checked(check, therapist)
    with pytest.raises(NotProven):
        check_calculation(look(nurse), check.seen, by=nurse, key="", proof=shown(account("prescriber")))


def test_the_page_shows_the_calculation_and_takes_the_signature_of_a_colleague(browser_of: Visit, account: Who) -> None:
    check = sign(account("prescriber"))
    page = f"/patients/{READY}"
    assert b"You signed this order" in browser_of("prescriber").get(page).content
    client = browser_of("nurse", signs=True)
    assert b"The calculation is right" in client.get(page).content
    fields = {"key": "k", "seen": check.seen.text, **signing(account("nurse"))}
    assert client.post(f"{page}/plan/check", fields).status_code == 302
    assert b"calculation checked" in client.get(page).content
