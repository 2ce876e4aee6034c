"""An override is asked for by one person and signed by another; nothing is signed or dosed in spite of less."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from tests.options import INFUSION
from tests.proofs import shown, signing

from clinic.access.models import Account
from clinic.access.permission import Refused
from clinic.actions.candidacy import ask_override, end_override, sign_override
from clinic.actions.plan import Wish, decide_plan, standing
from clinic.actions.profile import state_facts
from clinic.queries.person import Chart, candidacy, chart, plan
from clinic.record.models import Version
from ketapath.errors import BadInput

Who = Callable[[str], Account]
READY, RULE = "treatment-resistant-depression", "CON-027"


def look(by: Account) -> Chart:
    found = chart(by.practice, READY)
    assert found is not None
    return found


def ask(by: Account, *, rule: str = RULE, reason: str = "urologist agrees", days: int = 14) -> str:
    found = look(by)
    review_on = found.as_of + timedelta(days=days)
    done = ask_override(found, rule, reason=reason, review_on=review_on, by=by, key="", proof=shown(by))
    return next(iter(done.versions)).partition("/")[2]


@pytest.fixture
def ill(account: Who) -> Account:
    """The prescriber of somebody with urinary symptoms, a relative contraindication."""
    by = account("prescriber")
    state_facts(look(by), {"history.urinary_symptoms_active": "yes"}, by=by, reason="told today", key="")
    return by


def sign_plan(by: Account) -> None:
    found = look(by)
    seen = {"seen": standing(found), "digest": plan(found).inputs_digest}
    decide_plan(
        found,
        INFUSION,
        Wish(outcome="accepted", reason="all the same", **seen),
        by=by,
        key="",
        proof=shown(by),
    )


def test_a_plan_in_spite_of_it_needs_two_people(account: Who, ill: Account) -> None:
    with pytest.raises(BadInput, match="two people"):
        sign_plan(ill)
    name = ask(ill)
    with pytest.raises(BadInput, match="two people"):
        sign_plan(ill)
    with pytest.raises(BadInput, match="another person"):
        sign_override(look(ill), name, by=ill, key="", proof=shown(ill))
    sign_override(look(ill), name, by=account("director"), key="", proof=shown(account("director")))
    assert candidacy(look(ill)).verdict == "caution"
    sign_plan(ill)
    assert look(ill).plan is not None
    end_override(look(ill), name, reason="worse again", by=ill, key="")
    assert candidacy(look(ill)).verdict == "defer"
    assert [v.changed_by for v in Version.objects.filter(identity=name).order_by("id")] == [
        "Dr Ada Lindqvist", "Dr Eli Novak", "Dr Ada Lindqvist",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "reason", "days", "names"),
    [
        ("CON-001", "she insists", 14, "relative contraindication"),  # absolute
        ("CON-016", "she insists", 14, "relative contraindication"),  # does not speak of her
        (RULE, " ", 14, "reason"),
        (RULE, "urologist agrees", -1, "day of review"),
        (RULE, "urologist agrees", 91, "day of review"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(ill: Account, rule: str, reason: str, days: int, names: str) -> None:
    with pytest.raises(BadInput, match=names):
        ask(ill, rule=rule, reason=reason, days=days)


@pytest.mark.parametrize("username", ["nurse", "therapist", "coordinator", "patient"])
def test_only_a_prescriber_asks_and_only_prescriber_or_director_signs(
    account: Who, ill: Account, username: str
) -> None:
    with pytest.raises(Refused):
        ask(account(username))
    name = ask(ill)
    with pytest.raises(Refused):
        sign_override(look(ill), name, by=account(username), key="", proof=shown(account(username)))


def test_the_page_asks_signs_and_ends(account: Who, ill: Account, browser_of: Callable[..., Client]) -> None:
    page, other = browser_of("prescriber", signs=True), browser_of("director", signs=True)
    first, second = signing(ill), signing(account("director"))
    address = f"/patients/{READY}/override"
    until = (look(ill).as_of + timedelta(days=7)).isoformat()
    for lacking in ({"review_on": "", **first}, {"review_on": until, **first, "secret": "not mine"}):
        wrong = page.post(address, {"rule": RULE, "reason": "kept words", "key": "a", **lacking})
        assert wrong.status_code == 400
        assert b"kept words" in wrong.content
    asking = {"rule": RULE, "reason": "agreed", "review_on": until, "key": "b", **first}
    assert page.post(address, asking).status_code == 302
    (asked,) = look(ill).person.overrides  # type: ignore[union-attr]
    assert b"Sign as the second person" not in page.get(f"/patients/{READY}").content
    shown_page = other.get(f"/patients/{READY}").content.decode()
    assert "Sign as the second person" in shown_page
    seen = re.search(rf'name="seen" value="(DetectedIssue/{asked.id}/[^"]+)"', shown_page)
    assert seen
    signs = {"step": "sign", "override": asked.id, "seen": seen[1], "key": "c", **second}
    assert other.post(address, {**signs, "seen": seen[1][:-1] + "x"}).status_code == 409  # not what stands
    assert other.post(address, signs).status_code == 302
    page_now = page.get(f"/patients/{READY}").content
    assert b"second signature Dr Eli Novak" in page_now
    assert b"signed by Dr Ada Lindqvist, Prescriber" in page_now
    ended = {"step": "end", "override": asked.id, "reason": "symptoms worse", "key": "d"}
    assert page.post(address, ended).status_code == 302
    assert candidacy(look(ill)).verdict == "defer"
