"""Care team, restricted chart, emergency and its review, a caregiver's page: as the people of the clinic meet them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from tests.loops import run

from clinic import clock
from clinic.access.models import Account, AuditRow, Emergency, Relationship, Restriction
from clinic.access.sign_in import new_code, sign_in
from clinic.actions.alerts import raise_alert
from clinic.actions.team import break_glass, join_team, let_in, restrict
from clinic.queries.today import today, unseen
from clinic.record.models import Current, Notice, PatientLine, Practice, Version
from clinic.web.streams import _events

Visit = Callable[[str], Client]
Who = Callable[[str], Account]
HIDDEN, OPEN_ONE, OWN = "treatment-resistant-depression", "aneurysm", "first-language-arabic"
WHY = "found unconscious in the waiting room"


@pytest.fixture
def hidden(account: Who) -> PatientLine:
    """One person of the demonstration whose chart is the nurse's alone."""
    director = account("director")
    join_team(HIDDEN, "nurse", reason="", by=director)
    restrict(HIDDEN, reason="a colleague of ours", by=director)
    return PatientLine.objects.get(patient_id=HIDDEN, practice=director.practice)


def text(client: Client, address: str) -> str:
    return client.get(address).content.decode()


@pytest.mark.requirement(12, 13, 17)
def test_a_hidden_person_is_on_no_page_of_whoever_may_not_open_the_chart(
    browser_of: Visit, account: Who, hidden: PatientLine
) -> None:
    Notice.objects.create(
        practice=hidden.practice, patient_id=HIDDEN, role="nurse", key="plan.signed", made_at=clock.now()
    )
    for name, is_inside in (("nurse", True), ("prescriber", False), ("director", False)):
        client = browser_of(name)
        pages = [text(client, address) for address in ("/today", "/patients", f"/patients?q={hidden.family}")]
        shown = [re.sub(rf'value="(/patients\?q=)?{hidden.family}"', "", page) for page in pages]  # less what was asked
        assert [hidden.family in page for page in shown] == [is_inside] * 3
        counted = unseen(account(name)).filter(role=name).count()
        assert (f'<span class="count">{counted}' in pages[0]) is (counted > 0)
        for address in ("", "/plan", "/response", f"/source/Patient/{HIDDEN}"):
            assert (client.get(f"/patients/{HIDDEN}{address}").status_code == 200) is is_inside
        bench = "/bench?a_way=racemic/iv&a_dose=35&a_minutes=40&patient="
        assert (client.get(bench + HIDDEN).status_code == 200) is is_inside
    assert today(account("nurse")).waiting["notices"] == today(account("prescriber")).waiting["notices"] + 1


@pytest.mark.requirement(13, 36)
def test_what_is_hidden_looks_like_what_does_not_exist_and_the_refusal_is_on_the_trail(
    browser_of: Visit, hidden: PatientLine
) -> None:
    client = browser_of("prescriber")
    there, nowhere = (client.get(f"/patients/{name}") for name in (HIDDEN, "nobody-at-all"))
    plain = [re.sub(r'value="[^"]{60,}"', "", answer.content.decode()) for answer in (there, nowhere)]
    assert (there.status_code, plain[0].replace(HIDDEN, "nobody-at-all")) == (nowhere.status_code, plain[1])
    assert dict(there.headers).keys() == dict(nowhere.headers).keys()
    rows = AuditRow.objects.order_by("-id")[:2]
    assert {(row.act, row.outcome, row.patient_id) for row in rows} == {
        ("read-chart", "refused", HIDDEN), ("read-chart", "refused", "nobody-at-all"),
    }  # fmt: skip


@pytest.mark.requirement(10)
def test_an_emergency_is_opened_shown_told_and_reviewed(
    browser_of: Visit, account: Who, hidden: PatientLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, director = browser_of("therapist"), browser_of("director")
    assert "/emergency" in text(client, "/patients")
    born = hidden.born_on.isoformat() if hidden.born_on else ""
    short = client.post("/emergency", {"identity": HIDDEN, "reason": "now"})
    assert short.status_code == 400
    assert HIDDEN in short.content.decode()  # what was typed is kept
    answer = client.post("/emergency", {"family": hidden.family.upper(), "born_on": born, "reason": WHY}, follow=True)
    assert answer.redirect_chain == [(f"/patients/{HIDDEN}", 302)]
    assert "It closes in 60 minutes" in answer.content.decode()
    assert "It closes in" in text(client, f"/patients/{HIDDEN}/response")
    assert "It closes in" not in text(client, f"/patients/{OPEN_ONE}")
    row = AuditRow.objects.filter(act="read-chart", who="therapist", patient_id=HIDDEN).latest("id")
    emergency = Emergency.objects.get()
    assert f"Emergency/{emergency.pk}" in row.entities
    assert "A chart was opened in an emergency" in text(director, "/today")
    assert "1 to be reviewed" in text(director, "/governance")
    assert "emergencies" not in text(browser_of("nurse"), "/governance")
    assert WHY in text(director, "/emergency/review")
    assert director.post("/emergency/review", {"emergency": emergency.pk, "finding": "ok"}).status_code == 400
    director.post("/emergency/review", {"emergency": emergency.pk, "finding": "It had to be: the ward confirms."})
    emergency.refresh_from_db()
    assert (emergency.reviewed_by, emergency.review) == ("Dr Eli Novak", "It had to be: the ward confirms.")
    assert "to be reviewed" not in text(director, "/governance")
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=61))
    assert client.get(f"/patients/{HIDDEN}").status_code == 404


@pytest.mark.requirement(4, 10)
def test_a_password_that_rests_keeps_nobody_from_an_emergency(account: Who, hidden: PatientLine) -> None:
    therapist = account("therapist")
    for _ in range(11):
        assert sign_in("therapist", "wrong") is None
    opened = sign_in("therapist", new_code(therapist))
    assert opened is not None
    assert opened.account == therapist
    assert break_glass(identity=HIDDEN, reason=WHY, by=therapist) == HIDDEN


@pytest.mark.requirement(13)
def test_an_emergency_that_finds_nobody_says_the_same_whoever_exists(browser_of: Visit, hidden: PatientLine) -> None:
    client, said = browser_of("nurse"), set()
    by_name = {"family": hidden.family, "born_on": "1901-01-01"}
    for form in ({"identity": "hillside-one"}, {"identity": "nobody"}, by_name):
        answer = client.post("/emergency", {**form, "reason": WHY})
        assert answer.status_code == 400
        said.add(re.sub(r'value="[^"]*"', "", answer.content.decode()))
    assert len(said) == 1


@pytest.mark.requirement(10, 20)
def test_the_team_page_adds_ends_opens_and_restricts(browser_of: Visit, account: Who) -> None:
    client, page = browser_of("director"), f"/patients/{OPEN_ONE}/team"
    client.post(page, {"step": "join", "account": "therapist"})
    let = {"step": "let-in", "account": "caregiver", "kind": "caregiver", "part": "chart", "reason": "her wish"}
    client.post(page, let)
    client.post(page, {"step": "restrict", "reason": "a colleague of ours"})
    shown = text(client, page)
    for words in ("Chidi Arnaud", "Sami Mansour", "her wish", "a colleague of ours", "appointments and answers"):
        assert words in shown
    assert client.get(f"/patients/{OPEN_ONE}").status_code == 404
    wrong = client.post(page, {"step": "let-in", "account": "caregiver", "kind": "guardian", "reason": "kept words"})
    assert wrong.status_code == 400
    assert "kept words" in wrong.content.decode()
    number = Relationship.objects.get(account=account("therapist"), patient_id=OPEN_ONE).pk
    assert browser_of("nurse").post(page, {"step": "leave", "number": number}).status_code == 404
    assert browser_of("therapist").post(page, {"step": "lift"}).status_code == 404
    client.post(page, {"step": "leave", "number": number})
    client.post(page, {"step": "lift"})
    assert browser_of("nurse").get(f"/patients/{OPEN_ONE}").status_code == 200
    assert client.post(page, {"step": "nonsense"}).status_code == 404


@pytest.mark.requirement(20)
def test_a_caregiver_sees_each_person_with_the_parts_that_were_given(browser_of: Visit, account: Who) -> None:
    client, coordinator = browser_of("caregiver"), account("coordinator")
    assert "Answers to questionnaires" in text(client, "/my")
    let_in(OPEN_ONE, "caregiver", "caregiver", [], last_day=None, reason="", by=coordinator)
    both, bare = text(client, "/my"), text(client, f"/my/people/{OPEN_ONE}")
    assert f"/my/people/{OWN}" in both
    assert f"/my/people/{OPEN_ONE}" in both
    assert "not among what was opened to you" in bare
    assert "PHQ-9" not in bare
    for address in (f"/my/people/{HIDDEN}", "/my/people/hillside-one", f"/patients/{OWN}", "/patients", "/today"):
        assert client.get(address).status_code == 404
    Relationship.objects.filter(account=account("caregiver")).update(until=clock.now())
    assert "Nothing is open to you now" in text(client, "/my")
    assert client.get(f"/my/people/{OWN}").status_code == 404
    patient = browser_of("patient")
    assert patient.get(f"/my/people/{OWN}").status_code == 200
    assert patient.get(f"/my/people/{OPEN_ONE}").status_code == 404


@pytest.mark.parametrize("username", ["patient", "caregiver"])
def test_help_stands_first_on_the_page_with_the_number_or_until_there_is_one_with_its_words(
    browser_of: Visit, account: Who, username: str
) -> None:
    client, practice = browser_of(username), account(username).practice
    first = re.compile(r'<aside class="help-now"[^>]*><a href="([^"]+)".*<main.*id="crisis"', re.DOTALL)
    assert first.findall(text(client, "/my")) == [f"tel:{practice.settings['crisis']['line']}"]
    Practice.objects.filter(pk=practice.pk).update(settings={**practice.settings, "crisis": {}})
    assert first.findall(text(client, "/my")) == ["#crisis"]
    assert "help-now" not in text(browser_of("nurse"), "/today")


@pytest.mark.requirement(16)
def test_a_role_that_was_changed_counts_at_the_next_request_of_an_open_session(browser_of: Visit, account: Who) -> None:
    client = browser_of("prescriber")
    assert client.get("/patients").status_code == 200
    Account.objects.filter(username="prescriber").update(role="researcher")
    assert client.get("/patients").status_code == 404
    assert client.get("/", follow=True).redirect_chain == [("/bench", 302)]


@pytest.mark.requirement(16, 17)
def test_a_stream_ends_once_its_account_may_see_the_day_no_more(account: Who, monkeypatch: pytest.MonkeyPatch) -> None:
    number = account("nurse").pk
    looks = iter([(1, 0), (1, 0), None])

    async def signed_in(_stay: str) -> bool:
        return True

    monkeypatch.setattr("clinic.web.streams._state", lambda _number: next(looks))
    monkeypatch.setattr("clinic.web.streams.LOOK_EVERY_S", 0)
    monkeypatch.setattr("clinic.web.streams._is_signed_in", signed_in)

    async def heard() -> list[str]:
        return [words async for words in _events(number, "stay")]

    assert run(heard()) == [": open\n\n"]


@pytest.mark.requirement(15)
def test_fields_that_a_form_does_not_have_change_nothing(browser_of: Visit, account: Who) -> None:
    client = browser_of("nurse")
    extra = {
        "role": "director", "practice": "hillside", "owner": "nurse", "version": "99", "is_active": "no", "id": "mine",
        "patient_id": OPEN_ONE, "part": "process-notes", "scopes": "write", "total": "0", "score": "0", "made_by": "me",
        "until": "2099-01-01", "reviewed_by": "me", "by": "Dr Ada Lindqvist", "at": "2001-01-01", "status": "amended",
    }  # fmt: skip
    before = counted()
    items = {f"phq9_{number}": "1" for number in range(1, 10)}
    said = client.post(f"/patients/{HIDDEN}/fact", {"path": "social.ride_home", "said": "yes", "key": "f", **extra})
    scored = client.post(f"/patients/{HIDDEN}/score/phq9", {**items, "key": "s", **extra})
    assert (said.status_code, scored.status_code) == (302, 302)
    nurse = account("nurse")
    assert (nurse.role, nurse.practice.slug, nurse.is_active) == ("nurse", "harbour", True)
    for row in Version.objects.filter(patient_id=HIDDEN).order_by("-id")[:2]:
        assert (row.version, row.part, row.changed_by, row.practice.slug) == (1, "chart", "Bo Marsh", "harbour")
        assert "mine" not in row.identity
        assert '"status": "amended"' not in row.content
        assert "2001-01-01" not in row.content
    assert counted() == before


def counted() -> tuple[int, ...]:
    """What a form about one person must never touch: another person's record, and who reaches whom."""
    others = Version.objects.filter(patient_id=OPEN_ONE)
    return (others.count(), Restriction.objects.count(), Emergency.objects.count(), Relationship.objects.count())


@pytest.mark.requirement(17)
def test_a_practice_counts_its_own_people_alone(browser_of: Visit) -> None:
    other = Practice.objects.get(slug="hillside")
    made = raise_alert(other, kind="measurement.item9", patient_id="hillside-one")
    pages = {name: text(browser_of(name), "/today") for name in ("prescriber", "hillside-prescriber")}
    ours = Notice.objects.filter(practice__slug="harbour", seen_at=None, role="prescriber").count()
    assert (f'<span class="count">{ours}<' in pages["prescriber"]) is (ours > 0)
    assert [f'href="/alerts/{made.pk}"' in page for page in pages.values()] == [False, True]
    assert '<span class="count">1<' in pages["hillside-prescriber"]
    assert "Call now" in pages["hillside-prescriber"]
    assert Current.objects.filter(practice=other).exists()


def test_notices_of_ones_own_role_stand_first_and_are_what_the_rail_counts(
    account: Who, browser_of: Callable[[str], Client]
) -> None:
    nurse = account("nurse")
    Notice.objects.update(seen_at=clock.now())
    said = {
        "practice": nurse.practice,
        "patient_id": "treatment-resistant-depression",
        "key": "plan.signed",
        "made_at": clock.now(),
    }
    Notice.objects.create(**said, role="prescriber")
    Notice.objects.create(**said, role="nurse")
    assert [notice.role for notice, _line in today(nurse).notices] == ["nurse", "prescriber"]
    rail = browser_of("nurse").get("/knowledge").content.decode().partition("</nav>")[0]
    assert '<span class="count">1<span class="hidden"> notices' in rail
