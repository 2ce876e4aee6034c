"""The trade-off exercise at the clinic: one choice a screen, back, skipped and stopped, saved, and then in the plan."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client

from clinic.access.models import Account, AuditRow
from clinic.access.permission import Refused
from clinic.actions.preferences import state_preferences
from clinic.queries.person import Chart, chart, ordering, plan
from clinic.queries.preferences import answers_of, code_of, kept
from clinic.record.models import Current
from clinic.record.read import history
from ketapath.errors import BadInput
from ketapath.plan.preferences import PATHS, Answer

READY = "treatment-resistant-depression"
PAGE = f"/patients/{READY}/preferences"
GLADLY = "visits.2.more-visits.1.more-visits.0.more"
CONTRADICTING = "visits.2.more-visits.1.as_now-visits.3.as_now"
Who = Callable[[str], Account]


def look(who: Account) -> Chart:
    found = chart(who.practice, READY)
    assert found is not None
    return found


def buttons(page: str) -> list[str]:
    """The answers that a screen offers, as their buttons carry them."""
    return [unescape(code) for code in re.findall(r'<button name="said" value="([^"]*)"', page)]


def heading(page: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", page)
    return found[1] if found else ""


def test_the_exercise_is_walked_through_to_its_end_and_saved(browser_of: Callable[[str], Client], account: Who) -> None:
    client = browser_of("nurse")
    assert "default of ours" in client.get(PAGE).content.decode()
    page, screens, said = client.get(PAGE, {"said": ""}).content.decode(), 0, ""
    while buttons(page):
        assert f"Question {screens + 1} of about" in page
        assert len(buttons(page)) == 4
        said = buttons(page)[0]
        page, screens = client.get(PAGE, {"said": said}).content.decode(), screens + 1
    assert 6 <= screens <= 12
    assert heading(page) == "What the choices come to"
    before = Current.objects.filter(patient_id=READY).count()
    answer = client.post(PAGE, {"said": said, "key": "walked"})
    assert answer.status_code == 302
    assert Current.objects.filter(patient_id=READY).count() == before + 1
    row = AuditRow.objects.filter(act="state-fact").latest("id")
    assert (row.outcome, row.patient_id) == ("done", READY)
    assert any(one.is_known for one in kept(look(account("nurse"))))


def test_what_was_saved_was_entered_by_whoever_sat_there_and_keeps_every_answer(account: Who) -> None:
    state_preferences(look(account("nurse")), answers_of(GLADLY), by=account("nurse"), key="k")
    found = look(account("nurse"))
    assert found.person is not None
    fact = found.person.known[PATHS["visits"]]
    assert fact.value == pytest.approx(1 / 12, abs=1e-4)
    (stored,) = history(found.practice, fact.origin.resource, fact.origin.id)
    assert stored.changed_by == account("nurse").name
    assert GLADLY in stored.reason


def test_saved_choices_rank_the_options_and_need_no_second_save(account: Who) -> None:
    nurse = account("nurse")
    before = plan(look(nurse))
    assert before.worths[0].stated is None
    first = state_preferences(look(nurse), answers_of(GLADLY), by=nurse, key="once")
    assert not first.is_repeat
    assert state_preferences(look(nurse), answers_of(GLADLY), by=nurse, key="once").is_repeat
    after = plan(look(nurse))
    assert after.worths[0].stated is not None
    assert after.options[0].id != before.options[0].id


def test_back_skip_and_stop(browser_of: Callable[[str], Client]) -> None:
    client = browser_of("nurse")
    page = client.get(PAGE, {"said": "visits.2.more-visits.1.more"}).content.decode()
    assert f'href="{PAGE}?said=visits.2.more"' in page
    skipped = client.get(PAGE, {"said": "visits.2.skip"}).content.decode()
    assert all("hours" in code for code in buttons(skipped))
    stopped = client.get(PAGE, {"said": "visits.2.more", "stop": "1"}).content.decode()
    assert "nothing to save" in stopped
    assert 'name="key"' not in stopped


def test_answers_that_do_not_fit_are_said_and_stay_a_range(browser_of: Callable[[str], Client], account: Who) -> None:
    client, nurse = browser_of("nurse"), account("nurse")
    page = client.get(PAGE, {"said": CONTRADICTING, "stop": "1"}).content.decode()
    assert "do not fit" in page
    client.post(PAGE, {"said": CONTRADICTING, "key": "range"})
    visits = kept(look(nurse))[0]
    assert not visits.fits
    assert "do not fit" in client.get(PAGE).content.decode()
    state_preferences(look(nurse), answers_of(GLADLY), by=nurse, key="again")
    assert kept(look(nurse))[0].fits


def test_the_screens_that_a_person_sees_show_no_risk_and_nobody_else(browser_of: Callable[[str], Client]) -> None:
    client = browser_of("nurse")
    for query in ({}, {"said": ""}, {"said": GLADLY, "stop": "1"}):
        page = client.get(PAGE, query).content.decode()
        assert 'class="risks"' not in page
        assert 'class="person"' not in page


@pytest.mark.parametrize("wrong", ["nonsense", "visits.9.more", "visits.2.maybe", "visits", "-" * 50, "visits.٣.more"])
def test_an_address_that_is_none_is_refused_in_words(browser_of: Callable[[str], Client], wrong: str) -> None:
    answer = browser_of("nurse").get(PAGE, {"said": wrong})
    assert answer.status_code == 400
    assert "Begin" in answer.content.decode()


def test_nothing_asked_to_the_end_is_not_saved(browser_of: Callable[[str], Client], account: Who) -> None:
    assert browser_of("nurse").post(PAGE, {"said": "visits.2.more", "key": "k"}).status_code == 400
    with pytest.raises(BadInput):
        state_preferences(look(account("nurse")), (), by=account("nurse"), key="k2")


def test_whoever_may_state_no_fact_may_not_save_choices(account: Who) -> None:
    with pytest.raises(Refused):
        state_preferences(look(account("nurse")), answers_of(GLADLY), by=account("therapist"), key="k")


def test_answers_come_back_from_an_address_as_they_went_in() -> None:
    answers = (Answer(thing="visits", step=2, chose="as-now"), Answer(thing="cost", step=0, chose="skip"))
    assert answers_of(code_of(answers)) == answers
    assert answers_of("") == ()


def test_worth_ordering_stands_at_once_and_its_table_follows(browser_of: Callable[[str], Client], account: Who) -> None:
    client, address = browser_of("prescriber"), f"/patients/{READY}/worth"
    page = client.get(address).content.decode()
    assert 'hx-trigger="load"' in page
    assert "<table" not in page.partition("<h1>")[2]
    table = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in table
    things = ordering(look(account("prescriber")))
    changing = [one for one in things if one.share]
    assert table.count("<tr>") == len(changing) + 1
    assert "preset rules are not met" in table
    whole = client.get(address, {"whole": "1"}).content.decode()
    assert changing[0].label in unescape(whole)


def test_the_plan_and_the_profile_lead_to_both_pages(browser_of: Callable[[str], Client]) -> None:
    client = browser_of("nurse")
    for page in (f"/patients/{READY}", f"/patients/{READY}/plan"):
        shown = client.get(page).content.decode()
        assert f"/patients/{READY}/worth" in shown
        assert PAGE in shown
