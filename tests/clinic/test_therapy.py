"""Therapy around a dose: hours and who may hold them, touch, exposures, and the wall around process notes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.test import Client
from tests.proofs import shown

from clinic import clock
from clinic.access.models import Account, AuditRow
from clinic.access.permission import Refused
from clinic.actions.commit import KeyReused, Stale
from clinic.actions.notes import Writing, save_note
from clinic.actions.session import open_session
from clinic.actions.staff import Seen, file_certificate
from clinic.actions.team import join_team
from clinic.actions.therapy import Hour, agree_touch, chart_exposure, hold_hour, withdraw_exposure, withdraw_hour
from clinic.queries.person import Chart, chart
from clinic.queries.therapy import Step, Therapy, therapy
from ketapath.domain.therapy import HourKind
from ketapath.errors import BadInput
from ketapath.fhir.therapy import hours

DOSED, TREATED = "ptsd-with-depression", "first-language-arabic"
Who = Callable[[str], Account]


def look(by: Account, patient_id: str = TREATED) -> Chart:
    found = chart(by.practice, patient_id)
    assert found is not None
    return found


def seen_by(by: Account, patient_id: str = TREATED) -> Therapy:
    return therapy(look(by, patient_id), by)


def own_notes(by: Account) -> int:
    return sum(len(step.own_process_notes) for step in seen_by(by).steps)


def hour(
    *, kind: HourKind = "integration", alliance: str = "", reason: str = "", visit: str = "", back: int = 1,
    minutes: str = "50",
) -> Hour:  # fmt: skip
    return Hour(
        kind=kind, modality="trauma-focused", at=clock.now() - timedelta(hours=back), minutes=minutes,
        therapist="therapist", alliance=alliance, reason=reason, visit_id=visit,
    )  # fmt: skip


def certify(account: Who, kind: str = "trauma-focused") -> None:
    seen = Seen(username="therapist", kind=kind, valid_from=date(2025, 1, 1))
    file_certificate(seen, by=account("coordinator"))


def test_a_therapist_without_a_certificate_is_shown_and_needs_a_reason(account: Who) -> None:
    therapist = account("therapist")
    with pytest.raises(BadInput, match="no certificate"):
        hold_hour(look(therapist), hour(), by=therapist, key="")
    hold_hour(look(therapist), hour(reason="supervised by Dr Novak", alliance="8"), by=therapist, key="")
    certify(account)
    hold_hour(look(therapist), hour(reason="not needed", back=2), by=therapist, key="")
    second, first = sorted(hours(look(therapist).bundle), key=lambda one: one.at)
    assert (first.has_certificate, first.reason, first.alliance) == (False, "supervised by Dr Novak", 8)
    assert (second.has_certificate, second.reason, second.alliance) == (True, "", None)
    named = next(t for t in seen_by(therapist).therapists if t.account == therapist)
    assert named.modalities == ("trauma-focused",)


def test_an_hour_is_on_record_once_under_one_key_and_can_be_withdrawn(account: Who) -> None:
    nurse, said = account("nurse"), hour(reason="x", alliance="3")
    hold_hour(look(nurse), said, by=nurse, key="one")
    hold_hour(look(nurse), said, by=nurse, key="one")
    (held,) = hours(look(nurse).bundle)
    with pytest.raises(BadInput, match="reason"):
        withdraw_hour(look(nurse), held.origin.id, reason=" ", by=nurse, key="")
    withdraw_hour(look(nurse), held.origin.id, reason="another person", by=nurse, key="")
    assert hours(look(nurse).bundle) == ()
    assert look(nurse).person is not None
    assert "therapy.alliance_0_10" not in look(nurse).person.known  # type: ignore[union-attr]
    with pytest.raises(Stale):
        withdraw_hour(look(nurse), held.origin.id, reason="again", by=nurse, key="")


def test_an_hour_is_over_stands_once_and_prepares_for_what_comes_after_it(account: Who) -> None:
    nurse = account("nurse")
    with pytest.raises(BadInput, match="an hour that is over"):
        hold_hour(look(nurse), hour(reason="x", minutes="61"), by=nurse, key="")
    hold_hour(look(nurse), hour(reason="x"), by=nurse, key="a")
    with pytest.raises(BadInput, match="no other hour"):
        hold_hour(look(nurse), hour(reason="x", kind="psychotherapy"), by=nurse, key="b")
    dosed = next(v for v in look(nurse).visits if v.was_dosed)
    with pytest.raises(BadInput, match="a session that it prepared for"):
        hold_hour(look(nurse), hour(reason="x", kind="preparation", back=3, visit=dosed.origin.id), by=nurse, key="c")
    assert len(hours(look(nurse).bundle)) == 1


def test_what_was_charted_of_somebody_else_is_taken_back_with_a_reason(account: Who) -> None:
    nurse = account("nurse")
    visit = next(v for v in look(nurse, DOSED).visits if v.was_dosed)
    given = visit.administration
    assert given is not None
    chart_exposure(
        look(nurse, DOSED), "touch", "hand held", visit_id=visit.origin.id, at=given.started_at, by=nurse, key=""
    )

    def step() -> Step:
        return next(s for s in seen_by(nurse, DOSED).steps if s.link.visit_id == visit.origin.id)

    touch = next(one for one in step().exposures if one.kind == "touch")
    assert step().is_touch_unagreed
    with pytest.raises(BadInput, match="reason"):
        withdraw_exposure(look(nurse, DOSED), touch.event_id, reason="", by=nurse, key="")
    withdraw_exposure(look(nurse, DOSED), touch.event_id, reason="of another person", by=nurse, key="")
    assert not step().touched
    with pytest.raises(Stale):
        withdraw_exposure(look(nurse, DOSED), touch.event_id, reason="again", by=nurse, key="")


@pytest.mark.parametrize("alliance", ["11", "-1", "7.5", "good"])
def test_a_rating_of_working_together_is_a_whole_number_to_ten(account: Who, alliance: str) -> None:
    therapist = account("therapist")
    with pytest.raises(BadInput, match="working together"):
        hold_hour(look(therapist), hour(reason="x", alliance=alliance), by=therapist, key="")


@pytest.mark.parametrize("role", ["coordinator", "pharmacist", "director", "patient", "caregiver"])
def test_who_does_not_treat_holds_no_hour_and_asks_for_no_touch(account: Who, role: str) -> None:
    found, by = look(account("nurse")), account(role)
    with pytest.raises(Refused):
        hold_hour(found, hour(reason="x"), by=by, key="")
    with pytest.raises(Refused):
        agree_touch(found, is_agreed=False, what="", by=by, key="")


def test_touch_is_agreed_before_a_visit_never_in_it_and_a_no_counts_at_once(account: Who) -> None:
    nurse = account("nurse")
    assert seen_by(nurse).touch is None
    with pytest.raises(BadInput, match="to what the person agrees"):
        agree_touch(look(nurse), is_agreed=True, what=" ", by=nurse, key="")
    agree_touch(look(nurse), is_agreed=True, what="a hand on the shoulder", by=nurse, key="")
    agreed = seen_by(nurse).touch
    assert agreed is not None
    assert (agreed.is_agreed, agreed.what) == (True, "a hand on the shoulder")
    stale = look(nurse)
    open_session(look(nurse), by=nurse, key="")
    with pytest.raises(BadInput, match="a yes during a visit"):
        agree_touch(look(nurse), is_agreed=True, what="more", by=nurse, key="")
    with pytest.raises(Stale):  # the page was opened before the person arrived
        agree_touch(stale, is_agreed=True, what="more", by=nurse, key="")
    agree_touch(look(nurse), is_agreed=False, what="", by=nurse, key="")
    refused = seen_by(nurse).touch
    assert refused is not None
    assert not refused.is_agreed


def test_touch_without_agreement_is_on_record_and_stands_out(account: Who) -> None:
    nurse = account("nurse")
    visit = next(v for v in look(nurse, DOSED).visits if v.was_dosed)
    assert visit.administration is not None
    at = visit.administration.started_at
    chart_exposure(look(nurse, DOSED), "touch", "hand held", visit_id=visit.origin.id, at=at, by=nurse, key="")
    step = next(s for s in seen_by(nurse, DOSED).steps if s.link.visit_id == visit.origin.id)
    assert step.is_touch_unagreed


def test_an_exposure_is_on_record_once_under_one_key(account: Who) -> None:
    nurse = account("nurse")
    visit = look(nurse, DOSED).visits[-1].origin.id
    said = {"minutes": "35", "tolerance": "9", "visit_id": visit, "at": clock.now()}
    for _ in range(2):
        chart_exposure(look(nurse, DOSED), "music", "Slow strings", **said, by=nurse, key="e")  # type: ignore[arg-type]
    (one,) = next(s for s in seen_by(nurse, DOSED).steps if s.link.visit_id == visit).exposures
    assert (one.kind, one.title, one.minutes, one.tolerance, one.by) == ("music", "Slow strings", 35, 9, "Bo Marsh")
    with pytest.raises(KeyReused):
        chart_exposure(look(nurse, DOSED), "light", "Dim", visit_id=visit, by=nurse, key="e")
    before = clock.now() - timedelta(days=1)
    for wrong in ({"title": ""}, {"kind": "smell"}, {"minutes": "0"}, {"tolerance": "11"}, {"at": before}):
        fields = {"kind": "light", "title": "Dim", **wrong}
        kind, title = str(fields.pop("kind")), str(fields.pop("title"))
        with pytest.raises(BadInput):
            chart_exposure(look(nurse, DOSED), kind, title, visit_id=visit, **fields, by=nurse, key="")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="a session of this person"):
        chart_exposure(look(nurse), "light", "Dim", visit_id=visit, by=nurse, key="")


def test_that_a_process_note_exists_is_shown_to_its_author_alone(
    account: Who, browser_of: Callable[..., Client]
) -> None:
    therapist, other = account("therapist"), account("prescriber")
    Account.objects.create(username="second", name="Second", role="therapist", practice=therapist.practice)
    join_team(TREATED, "second", reason="", by=account("prescriber"))
    before = own_notes(therapist)
    save_note(
        look(therapist), Writing(kind="process", text="In confidence."), by=therapist, key="", proof=shown(therapist)
    )
    assert own_notes(therapist) == before + 1
    for reader in (other, account("nurse"), account("director"), account("second")):
        assert own_notes(reader) == 0
    pages = {
        name: browser_of(name).get(f"/patients/{TREATED}/therapy").content.decode()
        for name in ("therapist", "prescriber", "second")
    }
    assert "of yours" in pages["therapist"]
    for name in ("prescriber", "second"):
        assert "rocess note" not in pages[name]
        assert "In confidence" not in pages[name]


def test_a_preparation_note_is_signed_once_aims_roles_and_limits_are_stated(account: Who) -> None:
    therapist = account("therapist")
    parts = {"aims": "Sleep.", "roles": "Chidi sits beside."}
    draft = Writing(kind="preparation", text="", sections=parts)
    with pytest.raises(BadInput, match="limits"):
        save_note(look(therapist), draft, by=therapist, key="", proof=shown(therapist))
    save_note(look(therapist), draft, by=therapist, key="")
    whole = Writing(kind="preparation", text="", sections={**parts, "limits": "No touch."})
    save_note(look(therapist), whole, by=therapist, key="", proof=shown(therapist))
    notes = [one.note for one in seen_by(therapist).notes_beside]  # no session is planned
    assert len(notes) == 2  # the draft is the author's own to see
    signed = next(note for note in notes if note.state == "signed")
    assert signed.sections == {**parts, "limits": "No touch."}
    assert "No touch." in signed.text
    others = [one.note for one in seen_by(account("nurse")).notes_beside]
    assert [note.origin.id for note in others] == [signed.origin.id]


def test_the_page_keeps_what_was_typed_and_the_trail_says_what_was_done(
    account: Who, browser_of: Callable[..., Client]
) -> None:
    client, page = browser_of("therapist"), f"/patients/{TREATED}/therapy"
    now = clock.local(clock.now() - timedelta(minutes=70), account("therapist").practice.zone)
    form = {
        "step": "hour", "kind": "psychotherapy", "modality": "interpersonal", "therapist": "therapist",
        "on": f"{now:%Y-%m-%d}", "at": f"{now:%H:%M}", "minutes": "50", "alliance": "7", "key": "k",
    }  # fmt: skip
    refused = client.post(page, form)
    assert refused.status_code == 400
    assert "no certificate" in refused.content.decode()
    assert 'value="7"' in refused.content.decode()
    done = client.post(page, {**form, "reason": "in training"}, follow=True).content.decode()
    assert "The hour is on record" in done
    assert "in training" in done
    assert AuditRow.objects.filter(act="hold-therapy", outcome="done", patient_id=TREATED).count() == 1
    assert client.post(page, {"step": "nonsense"}).status_code == 404
