"""The page of a session: its steps in order, what waits in a browser taken in once, and what is drawn beside what."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from tests.clinic.test_loop import asked_today, look, sign
from tests.clinic.test_runner import ALL_ELSE, PRESSURE, Wait, charted, dosing, wait  # noqa: F401  a fixture
from tests.options import SPRAY

from clinic import clock
from clinic.access.models import Account
from clinic.actions.session import chart_vitals, open_session
from clinic.queries.session import room
from clinic.queries.session_checked import calculation
from clinic.queries.session_expected import expected
from clinic.web.session_advice import about_language, sheet_language
from clinic.web.session_charts import session_chart

Who = Callable[[str], Account]
Visit = Callable[..., Client]
PAGE = "/patients/treatment-resistant-depression/session"
SYSTOLIC, DIASTOLIC = "vitals.systolic_mmhg", "vitals.diastolic_mmhg"


def entry(kind: str = "reading", *, ago_min: float = 0.0, values: dict[str, str] | None = None, words: str = "") -> Any:
    at = clock.now() - timedelta(minutes=ago_min)
    return {"key": str(uuid4()), "at": at.isoformat(), "kind": kind, "values": values or {}, "words": words}


def send(client: Client, *entries: Any, by: str = "nurse") -> Any:
    body = json.dumps({"by": by, "entries": entries})
    return client.post(f"{PAGE}/observed", body, content_type="application/json")


@pytest.fixture
def nurse(account: Who, wait: Wait) -> Account:  # noqa: F811
    """The nurse, with an infusion that has run for ten minutes."""
    found = dosing(account, wait)
    wait(10)
    return found


def arrived(account: Who) -> Account:
    """The nurse, with somebody who has just come for an infusion."""
    nurse = account("nurse")
    sign(account("prescriber"))
    open_session(look(nurse), by=nurse, key="")
    return nurse


def test_what_waited_is_kept_once_at_its_own_time_and_what_cannot_be_is_refused_alone(
    browser_of: Visit, nurse: Account
) -> None:
    client = browser_of("nurse")
    early = entry(ago_min=6, values={SYSTOLIC: "141", DIASTOLIC: "88"})
    late = entry(ago_min=1, values={"session.distress_0_10": "3"})
    wrong = entry(values={SYSTOLIC: "999", DIASTOLIC: "80"})
    ahead = entry(ago_min=-30, values={SYSTOLIC: "140", DIASTOLIC: "80"})
    pause = entry("pause", ago_min=4)
    batch = (late, wrong, pause, early, ahead)
    outcomes = [one["outcome"] for one in send(client, *batch).json()["results"]]
    assert outcomes == ["kept", "refused", "kept", "kept", "refused"]
    again = send(client, *batch).json()["results"]
    assert [one["outcome"] for one in again] == outcomes
    assert all(one["why"] and one["next"] for one in again if one["outcome"] == "refused")
    visit = look(nurse).visits[-1]
    read = {(r.quantity, r.value): r.at for r in visit.readings if r.under_drug}
    assert read[SYSTOLIC, 141.0] == clock.now() - timedelta(minutes=6)
    assert read["session.distress_0_10", 3.0] == clock.now() - timedelta(minutes=1)
    assert len(read) == 3
    assert [event.at for event in visit.said("pause")] == [clock.now() - timedelta(minutes=4)]


def test_a_page_that_lost_what_waited_is_told_which_of_its_keys_have_arrived(browser_of: Visit, nurse: Account) -> None:
    client = browser_of("nurse")
    kept, wrong = entry(values={SYSTOLIC: "141", DIASTOLIC: "88"}), entry(values={SYSTOLIC: "999", DIASTOLIC: "80"})
    send(client, kept, wrong)
    asked = [kept["key"], wrong["key"], str(uuid4())]
    body = json.dumps({"by": "nurse", "entries": [], "asked": asked})
    answer = client.post(f"{PAGE}/observed", body, content_type="application/json").json()
    assert answer == {"results": [], "had": [kept["key"]]}


@pytest.mark.requirement(43, 46)
def test_what_is_signed_or_lets_somebody_go_is_never_taken_from_a_queue(browser_of: Visit, nurse: Account) -> None:
    before = look(nurse).visits[-1].events
    kinds = ("order", "order-checked", "witness", "end", "escort", "discharge-ready", "discharge-overridden")
    answers = send(browser_of("nurse"), *(entry(kind, words="all is well") for kind in kinds)).json()["results"]
    assert [answer["outcome"] for answer in answers] == ["refused"] * len(kinds)
    assert look(nurse).visits[-1].events == before


@pytest.mark.requirement(46)
def test_nobody_sends_what_somebody_else_has_charted(browser_of: Visit, nurse: Account) -> None:
    before = len(look(nurse).visits[-1].readings)
    answer = send(browser_of("prescriber"), entry(values={SYSTOLIC: "141", DIASTOLIC: "88"}))
    assert answer.status_code == 409
    assert "nurse made these" in answer.json()["why"]
    assert len(look(nurse).visits[-1].readings) == before
    assert send(browser_of("coordinator"), entry(), by="coordinator").status_code == 404


@pytest.mark.parametrize(
    "body", ["", "[]", "{", '{"by": "nurse"}', '{"by": "nurse", "entries": [{"key": "x", "at": "now", "values": {}}]}',
             '{"by": "nurse", "entries": [null]}', '{"by": "nurse", "entries": [], "asked": [1]}'],
)  # fmt: skip
def test_what_is_no_list_of_observations_is_told_so(browser_of: Visit, nurse: Account, body: str) -> None:
    answer = browser_of("nurse").post(f"{PAGE}/observed", body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["why"]


def test_the_page_says_what_is_predicted_draws_what_is_observed_and_names_what_it_cannot_predict(
    browser_of: Visit, nurse: Account
) -> None:
    client = browser_of("nurse")
    client.post(
        PAGE, {"step": "record", SYSTOLIC: "151", DIASTOLIC: "93", "session.dissociation_0_10": "4", "key": "k"}
    )
    page = client.get(PAGE).content.decode()
    assert "Predicted, not measured; limits act on observed values only." in page
    assert "Sedation, oxygen, nausea and distress are not predicted" in page
    assert "limit 180" in page
    found = look(nurse)
    here = room(found, found.visits[-1])
    foreseen = expected(found, here)
    drawn = session_chart(here, foreseen, clock.local(clock.now(), found.practice.zone))
    assert drawn is not None
    for words in ("151 mmHg at 10:15, observed", "93 mmHg at 10:15, observed", "4 of 10 at 10:15, observed"):
        assert words in drawn.svg
    row = next(cells for cells in drawn.rows if cells[0] == "10:15")
    assert row[3::2] == ["151", "93", "4"]
    middle = [float(cell.split(" ")[0]) for cell in row[2::2]]
    felt = next(band for band in foreseen.effects.bands if band.quantity == "dissociation")  # type: ignore[union-attr]
    assert middle[2] == pytest.approx(10 * felt.p50[felt.times_min.index(10.0)], abs=0.05)
    assert 126 < middle[0] < 151  # above the pressure at rest of this visit


def test_a_later_session_never_teaches_what_was_expected_of_an_earlier_one(account: Who) -> None:
    found = look(account("nurse"), "ptsd-with-depression")
    given = sorted((v for v in found.visits if v.was_dosed), key=lambda v: v.opened_at)
    learned = [expected(found, room(found, visit)).sessions for visit in given]
    assert learned == list(range(len(given)))


def test_devices_are_counted_with_their_clock_and_a_refused_one_is_no_device(
    browser_of: Visit,
    account: Who,
    wait: Wait,  # noqa: F811
) -> None:
    nurse = dosing(account, wait, concentration="", option=SPRAY)
    charted(nurse, "device")
    wait(2)
    client = browser_of("nurse")
    page = client.get(PAGE).content.decode()
    assert re.search(r"The next one not before 10:10: 5 minutes apart", page)
    answer = client.post(PAGE, {"step": "event", "kind": "device", "key": "d2"})
    assert answer.status_code == 400
    assert "5 minutes between two devices" in answer.content.decode()
    client.post(PAGE, {"step": "event", "kind": "device-refused", "words": "sneezed", "key": "d3"})
    page = client.get(PAGE).content.decode()
    assert "1 not used" in page
    assert "28 mg so far" in page


def test_low_light_stays_until_one_signs_out(browser_of: Visit) -> None:
    client = browser_of("nurse")
    assert client.post("/session/low-light", {"dim": "yes", "next": "/today"}).headers["Location"] == "/today"
    assert "data-low-light" in client.get("/today").content.decode()
    assert client.post("/session/low-light", {"dim": "no", "next": "//elsewhere.example"}).headers["Location"] == "/"
    assert "data-low-light" not in client.get("/today").content.decode()


def test_the_sheet_for_the_way_home_is_in_the_persons_language_with_english_beside_it(browser_of: Visit) -> None:
    client = browser_of("nurse")
    page = client.get("/patients/first-language-arabic/session/advice").content.decode()
    assert '<section class="card advice" lang="ar" dir="rtl">' in page
    assert "لا تقد سيارة" in page
    assert "Do not drive" in page
    assert "Nobody at a clinic has read the sheet in Arabic yet" in page
    page = client.get("/patients/first-language-arabic/session/advice?in=de").content.decode()
    assert "keine gefährlichen Maschinen" in page
    assert "The person speaks Arabic, and this sheet is in another language." in page
    page = client.get("/patients/first-language-arabic/session/advice?in=xx").content.decode()
    assert 'lang="ar"' in page
    page = client.get("/patients/treatment-resistant-depression/session/advice").content.decode()
    assert page.count("Do not drive") == 1
    assert "Nobody at a clinic" not in page


def test_the_sheet_says_where_the_language_is_unknown_or_has_no_words(account: Who) -> None:
    found = look(account("nurse"), "first-language-arabic")
    assert found.person is not None
    language = found.person.known["person.language"]
    known = {**found.person.known, "person.language": replace(language, value="so-SO")}
    somali = replace(found, person=replace(found.person, known=known))
    assert sheet_language(somali) == "en"
    assert "There is no sheet in so yet" in about_language(somali, "en")
    nothing = {path: fact for path, fact in known.items() if path != "person.language"}
    unknown = replace(found, person=replace(found.person, known=nothing))
    assert "does not say which language" in about_language(unknown, "en")


def test_a_limit_stands_above_everything_with_what_was_measured_and_a_note_stands_below(
    browser_of: Visit,
    nurse: Account,
    wait: Wait,  # noqa: F811
) -> None:
    chart_vitals(look(nurse), {**PRESSURE, **ALL_ELSE}, by=nurse, key="")
    wait(12)
    here = room(look(nurse), look(nurse).visits[-1])
    assert "MON-004" in {finding.id for finding in here.prompts}
    client = browser_of("nurse")
    page = client.get(PAGE).content.decode()
    assert "data-limit" not in page
    assert (
        "Consider a new set of readings now" not in page
    )  # the next set is not overdue, and the page says when it is due
    client.post(PAGE, {"step": "record", SYSTOLIC: "186", DIASTOLIC: "112", "vitals.spo2_percent": "98", "key": "k"})
    page = client.get(PAGE).content.decode()
    limit = page.index('data-limit="MON-008"')
    assert limit < page.index("<h1")
    assert "186/112 mmHg, 10:27" in page[limit : page.index("<h1")]
    assert page.index("Larger rises go with older age") > page.index('id="session-notes"') > page.index("<h1")
    assert page.index('id="checkin"') < page.index('id="giving"') < page.index('id="due"')


def test_the_order_is_checked_against_weight_dose_for_each_kilogram_and_its_calculation(
    browser_of: Visit,
    account: Who,
    wait: Wait,  # noqa: F811
) -> None:
    nurse = arrived(account)
    page = browser_of("nurse").get(PAGE).content.decode()
    box = page[page.index('id="check"') : page.index('id="start"')]
    here = room(look(nurse), look(nurse).visits[-1])
    assert here.order is not None
    found = calculation(look(nurse), here)
    assert found.weight_kg is not None
    assert found.per_kg == pytest.approx(here.order.dose_mg / found.weight_kg)
    for words in (f"{found.weight_kg:g} kg", "mg/kg", "How the dose was calculated", "Rounded", "At most", "In stock"):
        assert words in box
    assert all(lot.number in box for lot in found.lots)


def test_answers_that_were_not_changed_are_not_stated_again(
    browser_of: Visit,
    account: Who,
    wait: Wait,  # noqa: F811
) -> None:
    nurse = arrived(account)
    asked_today(nurse)
    client, path = browser_of("nurse"), "today.hours_since_alcohol"
    page = client.get(PAGE).content.decode()
    assert re.search(rf'name="{path}" data-was="240"[^>]*value="240"', page)
    mark = look(nurse).mark
    client.post(PAGE, {"step": "record", path: "240", "key": "k"})
    assert look(nurse).mark == mark
    wait(1)
    client.post(PAGE, {"step": "record", path: "7", SYSTOLIC: "126", DIASTOLIC: "79", "key": "l"})
    page = client.get(PAGE).content.decode()
    assert re.search(rf'name="{path}" data-was="7"', page)
    assert f"fact?path={path}" in page[page.index('id="start"') :]
