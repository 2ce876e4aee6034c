"""The plan composer: what it says of the order, of what is not known, of a what-if, and what it stores: nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from tests.options import INFUSION, SPRAY
from tests.proofs import shown

from clinic import clock
from clinic.access.models import Account, AuditRow
from clinic.access.permission import reach
from clinic.actions.plan import Wish, decide_plan, standing
from clinic.actions.profile import state_facts
from clinic.queries.decisions import held_back, reviewed
from clinic.queries.person import Chart, chart, plan
from clinic.record.models import Current, Version
from clinic.web.plan_asked import wanted
from clinic.web.plan_charts import people, trade_off
from clinic.web.plan_table import rows

READY = "treatment-resistant-depression"
PAGE = f"/patients/{READY}/plan"
Visit = Callable[..., Client]
Who = Callable[[str], Account]
HTMX = {"HX-Request": "true"}


def look(by: Account, patient_id: str = READY) -> Chart:
    found = chart(by.practice, patient_id)
    assert found is not None
    return found


def words(page: bytes) -> str:
    """What is read on a page, without its marks."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page.decode())))


def letters_in(found: str) -> list[str]:
    return re.findall(r'class="way-letter [a-z]+" aria-hidden="true">(.)<', found)


def test_no_order_without_how_much_it_means(browser_of: Visit) -> None:
    text = words(browser_of("prescriber").get(PAGE).content)
    before, _, after = text.partition("Suggested order")
    assert "Suggestions to choose among, none of them an order." in before
    assert "No material difference between the first and" in before
    assert "Suggested first." in after
    assert re.search(r"A is better in nearly all possible cases|A is better in \d of 10 possible cases", after)


def test_what_was_refused_leads_back_to_the_option_it_was_typed_for(browser_of: Visit, account: Who) -> None:
    client, options = browser_of("prescriber"), plan(look(account("prescriber"))).options
    second = options[1].id
    answer = client.post(PAGE, {"option": second, "outcome": "changed", "dose_mg": "x"})
    assert answer.status_code == 400
    assert 'href="#sign-B"' in answer.content.decode()
    assert 'id="sign-B"' in answer.content.decode()


def test_what_nobody_was_asked_about_is_said_to_be_a_default(browser_of: Visit, account: Who) -> None:
    client, nurse = browser_of("prescriber"), account("nurse")
    text = words(client.get(PAGE).content)
    assert "one visit less is worth 0.5 better days site default: nobody asked yet" in text
    assert "Not asked, so it counts nothing: one hour less" in text
    state_facts(look(nurse), {"preference.worth_visit_days": "2"}, by=nurse, reason="asked", key="")
    text = words(client.get(PAGE).content)
    assert "one visit less is worth 2 better days (said on" in text
    assert "nobody asked yet" not in text


def test_a_what_if_ranks_anew_and_stores_nothing(browser_of: Visit, account: Who) -> None:
    client = browser_of("prescriber")
    client.get(PAGE)
    before = Current.objects.count(), Version.objects.count(), plan(look(account("nurse")))
    usual, heavy = (client.get(PAGE, {"visits": v}, headers=HTMX).content.decode() for v in ("0", "3"))
    assert letters_in(usual) != letters_in(heavy)
    assert "Nothing was stored" in heavy
    assert "<html" not in heavy
    assert (Current.objects.count(), Version.objects.count(), plan(look(account("nurse")))) == before


def test_a_what_if_works_without_scripts_and_leaves_the_options_as_they_are(browser_of: Visit) -> None:
    client = browser_of("prescriber")
    plain, supposed = (client.get(PAGE, fields).content.decode() for fields in ({}, {"visits": "3"}))
    assert "What if: the order would be" in supposed
    assert "What if: the order would be" not in plain
    options = [re.findall(r'name="option" value="([^"]+)"', page) for page in (plain, supposed)]
    assert options[0] == options[1] != []


@pytest.mark.parametrize("typed", ["-1", "x", "1e3", "99", "NaN", "<i>"])
def test_a_number_that_is_none_is_named_and_ranks_nothing(browser_of: Visit, typed: str) -> None:
    page = browser_of("prescriber").get(PAGE, {"visits": typed}, headers=HTMX).content.decode()
    assert "A number from 0 to 3" in page
    assert "What if: the order would be" not in page
    assert "<i>" not in page


def test_cost_that_is_not_known_is_said_and_never_drawn_as_nothing(browser_of: Visit) -> None:
    page = browser_of("prescriber").get(PAGE, {"by": "cost"}).content.decode()
    assert "What the person would pay is not known: a price or the coverage is missing." in page
    assert 'class="chart trade-off"' not in page


def test_every_option_is_on_the_drawing_once_and_in_its_table(account: Who) -> None:
    options = plan(look(account("nurse"))).options
    drawn = trade_off(options, "visits")
    assert drawn is not None
    assert re.findall(r'class="letter"[^>]*>([A-H])<', drawn.svg) != []
    assert sorted(re.findall(r'class="letter"[^>]*>([A-H])<', drawn.svg)) == list("ABCDEFGH"[: len(options)])
    assert [row[0] for row in drawn.rows] == list("ABCDEFGH"[: len(options)])


def test_letters_of_one_place_stand_beside_each_other(account: Who) -> None:
    drawn = trade_off([plan(look(account("nurse"))).options[0]] * 4, "visits")
    assert drawn is not None
    places = [(float(x), float(y)) for x, y in re.findall(r'<rect class="box" x="([\d.]+)" y="([\d.]+)"', drawn.svg)]
    assert len(places) == 4
    for i, (x, y) in enumerate(places):
        assert all(abs(x - ox) >= 24 or abs(y - oy) >= 24 for ox, oy in places[:i]), "one letter covers another"


def test_an_option_without_a_prediction_stands_in_a_lane_of_its_own(account: Who) -> None:
    options = list(plan(look(account("nurse"))).options[:2])
    options[1] = replace(options[1], benefit=None)
    drawn = trade_off(options, "visits")
    assert drawn is not None
    assert "benefit not predictable" in drawn.svg
    assert drawn.rows[1][2] == "not predictable"


def test_as_many_people_are_filled_as_the_harm_is_expected_in() -> None:
    drawn = people(0.07, 0.15, words="about 7 in 100")
    parts = dict(re.findall(r'<path class="(\w+)" d="([^"]*)"', drawn))
    assert {kind: path.count("M") for kind, path in parts.items()} == {"hit": 7, "may": 8, "none": 85}
    assert 'aria-label="about 7 in 100"' in drawn


def test_two_options_stand_side_by_side_with_what_differs_marked(browser_of: Visit, account: Who) -> None:
    page = browser_of("prescriber").get(PAGE, {"one": INFUSION, "other": SPRAY}).content.decode()
    table = page[page.index('class="comparison pair"') :].partition("</table>")[0]
    options = {o.id: o for o in plan(look(account("nurse"))).options}
    found = [row for row in rows((options[INFUSION], options[SPRAY])) if row.cells]
    assert table.count("≠ differs") == sum(row.differs for row in found) > 0
    assert table.count("= same") == sum(not row.differs for row in found) > 0
    assert table.count('<th scope="row">') == len(found)


@pytest.mark.parametrize("fields", [{"one": INFUSION, "other": INFUSION}, {"one": "no-such", "other": SPRAY}])
def test_nothing_stands_beside_itself(account: Who, fields: dict[str, str]) -> None:
    found = look(account("nurse"))
    offered = plan(found)
    asked = wanted(fields, found, offered.options, offered.worths)
    assert asked.one is not None
    assert asked.other is not None
    assert asked.one.id != asked.other.id


def test_the_schedule_shows_the_dose_that_each_session_would_have(browser_of: Visit, account: Who) -> None:
    found = look(account("nurse"))
    raised = next(o for o in plan(found).options if len(o.steps) > 1)
    page = browser_of("prescriber").get(PAGE).content.decode()
    articles = page.split("<article")[1:]
    strip = articles[plan(found).options.index(raised)].partition('class="strip"')[2].partition("</svg>")[0]
    written = re.findall(r'<text class="dose"[^>]*>([\d.]+)<', strip)
    assert list(dict.fromkeys(written)) == [f"{step.dose_mg:g}" for step in raised.steps]


def test_rules_that_speak_alike_of_several_options_are_told_once(browser_of: Visit, account: Who) -> None:
    page = browser_of("prescriber").get(PAGE).content.decode()
    options = plan(look(account("nurse"))).options
    for part in ("monitoring", "stop_rules", "information"):
        said = [getattr(option, part) for option in options]
        told = sum(bool(one) and one not in said[:place] for place, one in enumerate(said))
        assert page.count(f'id="{part}-') == told < len(options)
    for target in re.findall(r'href="#((?:monitoring|stop_rules|information)-[A-H])"', page):
        assert f'id="{target}"' in page


def test_a_person_whom_ketamine_does_not_suit_gets_the_reason_and_no_chart(browser_of: Visit) -> None:
    page = browser_of("prescriber").get("/patients/aneurysm/plan").content.decode()
    assert "No way to treat with ketamine is open" in page
    assert "trade-off" not in page
    assert "What else there is" in page


def test_whoever_may_not_sign_sees_everything_but_the_form(browser_of: Visit) -> None:
    page = browser_of("nurse").get(PAGE).content.decode()
    assert "Suggested order" in page
    assert "A prescriber signs a plan." in page
    assert 'name="outcome"' not in page


def test_a_weight_that_is_missing_is_said_where_the_dose_would_stand(browser_of: Visit) -> None:
    page = words(browser_of("prescriber").get("/patients/seventy-four-with-falls/plan").content)
    assert "No dose can be given: weight on record cannot be relied on today" in page
    assert "benefit not predictable" in page


@pytest.mark.parametrize(
    ("counts", "shown_as"),
    [
        ([30, 7, 6], (30, 7, 6)),
        ([30, 0, 0], (30, 0, 0)),
        ([30, 7, 2], (30, None, None)),
        ([30, 0, 1], (None, 0, None)),
        ([4, 3, 2], (None, None, None)),
    ],
)
def test_no_small_number_can_be_read_or_worked_out(counts: list[int], shown_as: tuple[int | None, ...]) -> None:
    assert held_back(counts) == shown_as


def test_the_director_sees_how_often_the_first_option_was_taken(browser_of: Visit, account: Who) -> None:
    by = account("prescriber")
    since = clock.now() - timedelta(minutes=5)
    first = plan(look(by)).options[0].id
    for number in range(6):
        found = look(by)
        wish = Wish(
            outcome="rejected", reason=f"needles {number}", seen=standing(found), digest=plan(found).inputs_digest
        )
        decide_plan(found, first, wish, by=by, key="")
    seen_by_director = reviewed(reach(account("director"), "review-decisions"), "plan", since=since)
    group = next(group for group in seen_by_director.groups if group.name == "1")
    assert group.counts[2] is None or group.counts[2] >= 6
    assert seen_by_director.reasons[0].words == "needles 5"
    page = browser_of("director").get("/decisions").content.decode()
    assert "Suggested first" in page
    assert "needles 5" in page
    assert READY not in page
    assert AuditRow.objects.latest("id").act == "review-decisions"


@pytest.mark.parametrize("role", ["prescriber", "nurse", "coordinator", "patient"])
def test_nobody_else_reviews_decisions(browser_of: Visit, role: str) -> None:
    assert browser_of(role).get("/decisions").status_code == 404


def test_few_decisions_show_neither_numbers_nor_reasons(account: Who) -> None:
    by, since = account("prescriber"), clock.now() - timedelta(minutes=5)
    found = look(by)
    wish = Wish(outcome="accepted", reason="", seen=standing(found), digest=plan(found).inputs_digest)
    decide_plan(found, INFUSION, wish, by=by, key="", proof=shown(by))
    seen = reviewed(reach(account("director"), "review-decisions"), "card", since=since)
    assert (seen.groups, seen.reasons, seen.is_few) == ((), (), True)
