"""The demonstration is what a real clinic would have left: many stages, seeded, replayable, rebuilt the same."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Collection
from datetime import timedelta

import numpy as np
import pytest
from fhir.resources.R4B import get_fhir_model_class

from clinic import clock
from clinic.access.models import Account, AuditRow, SignInCode
from clinic.access.verification import verify
from clinic.actions.session import chart_vitals
from clinic.actions.watches import watch_sessions
from clinic.demo.day import DAY, fitting
from clinic.demo.going import Going
from clinic.demo.load import NotADemo, accounts, load_demo
from clinic.demo.sitting import Sitting
from clinic.demo.stages import STAGES, generator, items, total_after
from clinic.jobs import do_next
from clinic.practice.models import Alert, Count, Difference, LedgerLine
from clinic.queries.person import Chart, candidacy, chart
from clinic.queries.plan import replay
from clinic.queries.schedule import day_span
from clinic.queries.signatures import signatures, why_unsigned
from clinic.record.models import Booking, Current, ExposureLine, PatientLine, Practice, Term, VisitLine
from clinic.record.projections import rebuild
from ketapath.domain.session import Visit
from ketapath.fhir.readback import notes

Who = Callable[[str], Account]


pytestmark = pytest.mark.usefixtures("whole")


@pytest.fixture
def harbour(account: Who) -> Practice:
    return account("nurse").practice


def test_twelve_people_stand_at_different_stages(harbour: Practice) -> None:
    lines = PatientLine.objects.filter(practice=harbour, patient_id__in=STAGES)
    assert len(lines) == 12
    assert sorted({line.sessions for line in lines}) == [0, 3, 5, 6]
    assert lines.exclude(visit_open="").count() == 2
    assert lines.filter(plan_status="active").count() == 6
    assert len({line.last_score for line in lines}) >= 7
    verdicts = {candidacy(found).verdict for line in lines if (found := chart(harbour, line.patient_id))}
    assert verdicts == {"eligible", "caution", "defer", "not-eligible", "undetermined"}


def test_everybody_who_is_treated_has_an_order_scores_and_pressures_that_rise_and_fall(harbour: Practice) -> None:
    for patient_id in ("first-language-arabic", "chronic-pain"):
        found = chart(harbour, patient_id)
        assert found is not None
        assert found.person is not None
        assert found.plan is not None
        assert len([s for s in found.person.scores if s.instrument == "phq9"]) >= 3
        for visit in found.visits:
            systolic = [r.value for r in visit.readings if r.quantity == "vitals.systolic_mmhg"]
            assert max(systolic) > systolic[0]
            assert systolic[-1] < max(systolic)


def test_scores_come_from_a_seed_and_are_noisy() -> None:
    stage = STAGES["first-language-arabic"]
    first, again = ([total_after(stage, n, generator("x")) for n in range(7)] for _ in range(2))
    assert first == again
    rng = np.random.default_rng(1)
    drawn = [total_after(stage, 6, rng) for _ in range(500)]
    assert 1.4 < np.std(drawn) < 2.1
    assert all(sum(items(total, rng)) == total and items(total, rng)[8] == 0 for total in range(25))


def test_loading_twice_loads_once_and_real_people_keep_it_out(account: Who) -> None:
    before = Current.objects.count()
    assert load_demo() is False
    assert Current.objects.count() == before
    Practice.objects.create(slug="real", name="Real")
    with pytest.raises(NotADemo):
        load_demo()


def test_the_derived_tables_of_the_whole_demonstration_are_rebuilt_the_same(harbour: Practice) -> None:
    def derived() -> list[list[str]]:
        return [
            sorted(json.dumps({k: v for k, v in row.items() if k != "id"}, default=str)
                   for row in table.objects.filter(practice=harbour).values())
            for table in (Term, PatientLine, VisitLine, ExposureLine)
        ]  # fmt: skip

    before = derived()
    PatientLine.objects.filter(practice=harbour).update(family="wrong", sessions=99)
    ExposureLine.objects.filter(practice=harbour).delete()
    assert rebuild(harbour) == len(STAGES) + len(fitting(clock.local(clock.now(), harbour.zone)))
    assert derived() == before


@pytest.mark.requirement(52)
@pytest.mark.parametrize(
    "whose", [STAGES, pytest.param((), marks=pytest.mark.slow)], ids=["twelve people", "everybody"]
)
def test_every_recommendation_ever_made_comes_out_again_to_the_bit(harbour: Practice, whose: Collection[str]) -> None:
    made = Current.objects.filter(practice=harbour, kind="RiskAssessment")
    made = made.filter(patient_id__in=whose) if whose else made
    assert made.count() >= (7 if whose else 20)
    for row in made:
        found = replay(harbour, row.identity)
        assert found is not None
        assert (found.same_build, found.differences) == (True, ()), row.identity


def test_the_trail_tells_the_story_in_order_of_time(harbour: Practice) -> None:
    assert verify().is_intact
    rows = list(AuditRow.objects.filter(practice=harbour.slug).order_by("id"))
    assert [r.at for r in rows] == sorted(r.at for r in rows)
    told = {"import-record", "decide-plan", "open-session", "give-dose", "answer-score", "decide-card", "sign-note"}
    assert told <= {r.act for r in rows}
    assert rows[-1].at <= clock.now()


@pytest.mark.requirement(43, 46)
def test_every_plan_order_dose_and_note_of_the_story_is_signed_by_who_did_it(harbour: Practice) -> None:
    for patient_id in ("first-language-arabic", "ptsd-with-depression", "seventy-four-with-falls"):
        found = chart(harbour, patient_id)
        assert found is not None
        held = signatures(found)
        given = [v.administration for v in found.visits if v.administration and v.administration.ended_at]
        names = {f"MedicationAdministration/{one.origin.id}" for one in given}
        names |= {f"CarePlan/{p.origin.id}" for p in found.plans}
        names |= {f"DocumentReference/{n.origin.id}" for n in notes(found.bundle)}
        assert names <= set(held)
        assert why_unsigned(found) is None
        assert {(s.username, s.meaning) for group in held.values() for s in group} <= {
            ("prescriber", "order"), ("nurse", "calculation"), ("nurse", "administration"), ("nurse", "author"),
            ("therapist", "author"), ("nurse", "check"), ("prescriber", "check"),
        }  # fmt: skip
        assert "changed" not in {s.state for group in held.values() for s in group}


def test_today_has_people_at_every_phase_in_eight_rooms(harbour: Practice) -> None:
    coming = fitting(clock.local(clock.now(), harbour.zone))
    if len(coming) < len(DAY):
        pytest.skip("in the small hours and late in the evening not everybody comes")
    begin, end = day_span(clock.today(harbour.zone), harbour.zone)
    today = Booking.objects.filter(practice=harbour, kind="session", starts_at__gte=begin, starts_at__lt=end)
    assert Counter(today.values_list("status", flat=True)) == {
        "fulfilled": 7, "arrived": 8, "booked": 7, "cancelled": 1, "noshow": 1
    }  # fmt: skip
    assert len(set(today.values_list("room", flat=True))) == 8
    here = PatientLine.objects.filter(practice=harbour).exclude(visit_open="")
    assert set(here.values_list("visit_step", flat=True)) == {
        "arrived", "re-screen", "ready", "dosing", "observing", "leaving"
    }  # fmt: skip
    doses = ExposureLine.objects.filter(practice=harbour, given_on=clock.today(harbour.zone))
    assert {(d.product, d.route) for d in doses} == {("racemic", "iv"), ("racemic", "im"), ("esketamine", "nasal")}
    open_ones = Alert.objects.filter(practice=harbour, closed_at=None)
    assert {"certificate.expiring", "stock.difference", "form.overdue"} <= set(open_ones.values_list("kind", flat=True))


def test_what_was_given_today_is_in_the_book_and_yesterday_was_counted(harbour: Practice) -> None:
    today = clock.today(harbour.zone)
    uses = LedgerLine.objects.filter(practice=harbour, kind="use")
    for one in uses:
        dose = ExposureLine.objects.get(practice=harbour, administration=one.administration_id)
        assert (float(one.given_mg), one.day) == (dose.dose_mg, today)
    assert Count.objects.filter(practice=harbour, counted_on=today - timedelta(days=1)).count() == 3
    assert [d.state for d in Difference.objects.filter(practice=harbour)] == ["explained"]


@pytest.mark.slow
def test_the_day_goes_on_by_itself_until_everybody_is_home(harbour: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also though one person's pressure is too high when they might have gone."""
    discharge, held = Sitting._discharge, list[str]()

    def too_high_at_first(one: Sitting, found: Chart, visit: Visit, by: Account) -> None:
        if not held:
            held.append(one.guest.identity)
            said = {"vitals.systolic_mmhg": "186", "vitals.diastolic_mmhg": "112"}
            chart_vitals(found, said, by=by, key="")
            found = one.look()
        discharge(one, found, visit, by)

    monkeypatch.setattr(Sitting, "_discharge", too_high_at_first)
    at = clock.now()
    with clock.supposed(at):
        going = Going.begin(harbour)
    is_on, turns = True, 0
    while is_on and turns < 200:
        with clock.supposed(at):
            is_on = going.turn()
            while do_next():
                pass
            watch_sessions(harbour)
        at, turns = at + timedelta(minutes=3), turns + 1
    assert not is_on
    assert held
    begin, end = day_span(going.on, harbour.zone)
    today = Booking.objects.filter(practice=harbour, kind="session", starts_at__gte=begin, starts_at__lt=end)
    assert not today.filter(status__in=("booked", "arrived")).exists()
    assert not PatientLine.objects.filter(practice=harbour).exclude(visit_open="").exists()
    told = Alert.objects.filter(practice=harbour, raised_at__gte=going.since)
    assert {"measurement.item9"} <= set(told.values_list("kind", flat=True))
    assert not told.filter(kind__in=("measurement.item9", "session.reading_overdue"), closed_at=None).exists()


def test_a_clock_that_ran_fast_goes_on_at_the_walls_pace_and_never_back(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_rate", "_ahead", "_started_at", "_started_wall"):
        monkeypatch.setattr(clock, name, getattr(clock, name))
    clock.run_at(3600)
    time.sleep(0.02)
    fast = clock.now()
    clock.run_at(1.0)
    assert timedelta() <= clock.now() - fast < timedelta(minutes=10)


@pytest.mark.requirement(1)
def test_nobody_in_it_has_a_password(account: Who) -> None:
    assert not [a.username for a in accounts() if a.has_usable_password()]
    assert not SignInCode.objects.exists()


def test_an_outside_model_of_fhir_finds_nothing_wrong_with_what_the_clinic_writes(harbour: Practice) -> None:
    """fhir.resources' R4B models; what is the same in R4 for every resource that we write."""
    wrong = []
    for row in Current.objects.filter(practice=harbour):
        try:
            get_fhir_model_class(row.kind).model_validate(json.loads(row.content))
        except ValueError as problem:
            wrong.append(f"{row}: {str(problem)[:300]}")
    assert not wrong, "\n".join(wrong[:5])
