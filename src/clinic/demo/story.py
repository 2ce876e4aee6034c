"""What has happened in the demonstration so far? Each person's days, played in order of time through the clinic's acts.

Nothing is written behind the scenes: the people of the house import, sign, dose, ask and decide at the times of the
story, so that the record, the trail and every page are what a real clinic would have left.
"""

from __future__ import annotations

import heapq
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from clinic import clock
from clinic.access.models import Account
from clinic.actions.alerts import act
from clinic.actions.forms import remind_of_forms
from clinic.actions.governance import state_of_clinic
from clinic.actions.notes import Writing, save_note
from clinic.actions.patients import import_record
from clinic.actions.plan import Wish, check_calculation, decide_card, decide_plan, standing
from clinic.actions.profile import state_facts
from clinic.actions.response import answer_score
from clinic.actions.rooms import set_room
from clinic.actions.schedule import book, cancel
from clinic.actions.session import chart_vitals, close_session, end_dose, open_session, start_dose
from clinic.actions.session_steps import check_order, confirm_consent, finish_rescreen
from clinic.actions.team import join_team
from clinic.actions.today import see_notice
from clinic.actions.watches import look_at_house
from clinic.demo.around import Around
from clinic.demo.charts import NOTHING_AGAINST, ON_LEAVING, ON_THE_DAY, typed
from clinic.demo.cupboard import count_up, stock_up
from clinic.demo.day import ROOMS, SIGNED_DAYS_AGO, Coming, fitting, moment, referred
from clinic.demo.people import people
from clinic.demo.sitting import Sitting, shown_by
from clinic.demo.stages import RISES, STAGES, Stage, generator, items, personal, total_after, vitals
from clinic.jobs import do_next
from clinic.practice.models import Alert
from clinic.queries.gates import full_hands
from clinic.queries.person import Chart, chart, plan
from clinic.queries.plan import order_check
from clinic.queries.session import order_of, room
from clinic.record.models import Notice, Practice

_AGREED = "Discussed with the person: aims, limits, and what else there is."
SESSION_NOTE = "First session. Calm throughout, a little dizzy at half an hour; went home with a friend."
CALLED = "Called and talked it through: no plan, no intent; knows the crisis line. Seen again at the next session."
PROCESS_NOTE = "Spoke of floating above a lake, and of an old friend. Wants to come back to it before the next session."
_LATEST_ARRIVAL = timedelta(minutes=90)


@dataclass(slots=True)
class Story:
    """Everything that happens in one practice, by its instant."""

    practice: Practice
    staff: Mapping[str, Account]
    waiting: list[tuple[datetime, int, Callable[[], object]]] = field(default_factory=list)
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def tell(self, at: datetime, what: Callable[[], object]) -> None:
        """At this instant, this."""
        heapq.heappush(self.waiting, (at, next(self.numbers), what))

    def play(self, until: datetime) -> None:
        """Let everything happen that has its time by then; what happens may tell more."""
        while self.waiting and self.waiting[0][0] <= until:
            at, _, what = heapq.heappop(self.waiting)
            with clock.supposed(at):
                what()
                while do_next():
                    pass

    def check_emergency_kit(self) -> None:
        """The medical lead finds it complete and says so."""
        state_of_clinic({"clinic.emergency_kit_checked": "yes"}, by=self.staff["director"])
        self.practice.refresh_from_db()

    def at(self, day: date, hour: int, minute: int = 0) -> datetime:
        """An instant by the practice's own clock."""
        return datetime.combine(day, time(hour, minute), ZoneInfo(self.practice.zone))


def play(practice: Practice, staff: Mapping[str, Account], *, with_day: bool) -> None:
    """The story up to this moment: who came, what was signed and given, who is in the house now.

    `with_day` tells the whole day in eight rooms beside the twelve people.
    """
    story, now = Story(practice=practice, staff=staff), clock.now()
    today = clock.today(practice.zone)
    first = today - timedelta(days=max(stage.signed_days_ago for stage in STAGES.values()))
    for days in range(0, (today - first).days + 1, 28):
        story.tell(story.at(first + timedelta(days=days), 7), story.check_emergency_kit)
    for identity, stage in STAGES.items():
        _Person(story=story, identity=identity, stage=stage, today=today, now=now, has_room=with_day).begin()
    if with_day:
        _the_day(story, first, today, now)
    story.play(now)


def _the_day(story: Story, first: date, today: date, now: datetime) -> None:
    """Rooms, cupboard, and everybody who comes today and was not here before this week."""
    practice, staff = story.practice, story.staff
    story.tell(story.at(first, 6, 30), lambda: open_rooms(staff["coordinator"]))
    _the_house(story, today)
    coming = fitting(clock.local(now, practice.zone))
    for number, one in enumerate(coming):
        _Visitor(story=story, one=one, today=today, now=now).begin(number)
    around = Around(practice=practice, staff=staff, today=today, now=now)
    for at, what in around.told(frozenset(one.identity for one in coming)):
        story.tell(at, what)


def open_rooms(by: Account) -> None:
    """Eight treatment rooms and two for talking."""
    for place, code in enumerate(ROOMS, start=1):
        set_room(code, name=f"Room {place}", kind="treatment", place=place, by=by)
    for place, name in enumerate(("Garden room", "Quiet room"), start=1):
        set_room(f"talk-{place}", name=name, kind="talking", place=place, by=by)


def _the_house(story: Story, today: date) -> None:
    """What happens beside the people: deliveries, yesterday's count, this morning's look at what is overdue."""
    staff, practice = story.staff, story.practice
    story.tell(story.at(today - timedelta(days=2), 7, 30), lambda: stock_up(staff["pharmacist"], staff["nurse-osei"]))
    counted = story.at(today - timedelta(days=1), 18, 30)
    story.tell(counted, lambda: count_up(staff["pharmacist"], staff["nurse-osei"]))
    story.tell(story.at(today, 0, 10), lambda: _look_round(practice))


def _look_round(practice: Practice) -> None:
    look_at_house(practice)
    remind_of_forms(practice)


class _Visitor:
    """The part in the story of somebody who comes today and was not here before this week."""

    def __init__(self, *, story: Story, one: Coming, today: date, now: datetime) -> None:
        self.story, self.one, self.today = story, one, today
        self.starts = clock.local(moment(now) + timedelta(minutes=one.starts), story.practice.zone)
        self.sitting = Sitting(practice=story.practice, staff=story.staff, guest=one.guest, on=today)

    def begin(self, number: int) -> None:
        """A few days ago the record comes and a plan is signed; each at a time of their own."""
        met = self.today - timedelta(days=SIGNED_DAYS_AGO)
        at = self.story.at(met, 10) + timedelta(minutes=9 * number)
        self.story.tell(at, lambda: self._arrive(met))
        signer = ("prescriber", "prescriber-aziz")[number % 2]
        self.story.tell(at + timedelta(minutes=4), lambda: self._sign(self.story.staff[signer]))
        self.story.tell(self.starts - timedelta(minutes=10), self._go_on)
        if self.one.is_low:
            self.story.tell(self.starts + timedelta(minutes=6), lambda: answer_alerts(self.story, self.one.identity))
        if self.one.comes == "cancelled":
            early = min(self.starts - timedelta(hours=2), self.story.at(self.today, 8))
            self.story.tell(early, self._cancel)

    def _arrive(self, met: date) -> None:
        bundle = referred(self.one, met).bundle()
        import_record(json.dumps(bundle, ensure_ascii=False).encode(), by=self.story.staff["coordinator"])

    def _sign(self, by: Account) -> None:
        found = self.sitting.look()
        usual = next(o for o in plan(found).options if o.protocol_id == self.one.option and o.is_usual)
        wish = Wish(outcome="accepted", reason=_AGREED, seen=standing(found), digest=plan(found).inputs_digest)
        decide_plan(found, usual.id, wish, by=by, key="", proof=shown_by(by))
        found, nurse = self.sitting.look(), self.story.staff["nurse-reyes"]
        check = order_check(found)
        if check is not None:
            check_calculation(found, check.seen, by=nurse, key="", proof=shown_by(nurse))
        book_today(self.sitting.look(), self.starts, self.one.room, by=self.story.staff["coordinator"])

    def _go_on(self) -> None:
        """Everything that has its time by now, then again when the next thing has."""
        step = self.sitting.next()
        while step is not None and step[0] <= clock.now():
            step[1]()
            step = self.sitting.next()
        if step is not None:
            self.story.tell(step[0], self._go_on)

    def _cancel(self) -> None:
        found = self.sitting.look()
        [booked] = [b for b in found.bookings if b.kind == "session"]
        why = "Has a fever; called this morning."
        cancel(found, booked.origin.id, reason=why, by=self.story.staff["coordinator"], key="")


def answer_alerts(story: Story, patient_id: str) -> None:
    """The prescriber calls about what this person's answers called for."""
    for alert in Alert.objects.filter(practice=story.practice, patient_id=patient_id, closed_at=None):
        act(alert.pk, CALLED, by=story.staff["prescriber"], closes=True)


def book_today(found: Chart, starts: datetime, room: str, *, by: Account) -> None:
    """The session that the plan has on that day, at this time by the clinic's clock, in this room."""
    assert found.plan is not None
    planned = next(v for v in found.plan.visits if v.kind == "session" and v.on == starts.date())
    at = starts.time().replace(second=0, microsecond=0)
    book(found, "session", starts.date(), at, room=room, planned=planned, ride="arranged", by=by, key="")


class _Person:
    """One person's part of the story."""

    def __init__(
        self, *, story: Story, identity: str, stage: Stage, today: date, now: datetime, has_room: bool
    ) -> None:
        self.story, self.identity, self.stage, self.today, self.now = story, identity, stage, today, now
        self.has_room = has_room
        self.rng = generator(identity)
        self.prescriber, self.nurse = story.staff["prescriber"], story.staff["nurse"]
        self.held = 0

    def begin(self) -> None:
        """The record comes from the referrer on the day of the first meeting, or today."""
        met = self.today - timedelta(days=self.stage.signed_days_ago)
        at = self.story.at(met, 8, 30) if self.stage.signed_days_ago else self.now
        self.story.tell(at, lambda: self._arrive(met, at))

    def look(self) -> Chart:
        """The record as it stands."""
        found = chart(self.story.practice, self.identity)
        assert found is not None
        return found

    def _arrive(self, met: date, at: datetime) -> None:
        referred = next(c for c in people(met) if c.identity == self.identity)
        bundle = personal(referred, self.stage, self.rng).bundle()
        import_record(json.dumps(bundle, ensure_ascii=False).encode(), by=self.story.staff["coordinator"])
        if self.stage.option:
            self.story.tell(at + timedelta(minutes=0 if at == self.now else 40), self._sign)

    def _sign(self) -> None:
        found = self.look()
        shown = shown_by(self.prescriber)
        usual = next(o for o in plan(found).options if o.protocol_id == self.stage.option and o.is_usual)
        decide_plan(found, usual.id, self._wish(found), by=self.prescriber, key="", proof=shown)
        self._check_calculation()
        days = [visit.on for visit in self.look().sessions_ahead]
        for day in days[: self.stage.sessions]:
            self.story.tell(self.story.at(day, 9, 50), self._visit)
            if self.stage.dose_mg is not None and day == days[1]:
                self.story.tell(self.story.at(day, 16), self._raise)
        self.story.tell(clock.now() + timedelta(minutes=25), self._notice)
        first = days[0]
        week = timedelta(days=7)
        score_day = first + week if self.stage.sessions else self.today
        while score_day < self.today:
            self.story.tell(self.story.at(score_day, 18, 15), self._score)
            score_day += week
        at = self.now - (timedelta(minutes=75) if self.stage.now == "watched" else timedelta(minutes=20))
        since_midnight = self.now - self.story.at(self.today, 0)
        if self.stage.now and since_midnight > _LATEST_ARRIVAL:
            starts = clock.local(moment(at), self.story.practice.zone)
            if self.has_room:
                book_today(self.look(), starts, self.stage.room, by=self.story.staff["coordinator"])
            self.story.tell(at, self._visit)

    def _notice(self) -> None:
        """The nurse reads what has come in for nurses; what is for the prescriber waits for the visitor."""
        for notice in Notice.objects.filter(practice=self.story.practice, role="nurse", seen_at=None):
            see_notice(notice.pk, by=self.nurse)

    def _visit(self) -> None:
        """Arrival, questions, pressure at rest, dose, readings, home; as far as the time allows."""
        start, stage = clock.now(), self.stage
        open_session(self.look(), by=self.nurse, key="")
        state_facts(self.look(), self._answers(), by=self.nurse, reason="", key="")
        is_today = clock.today(self.story.practice.zone) == self.today
        rest = (stage.arrives_with if is_today else None) or stage.rest
        weight = {"vitals.weight_kg": f"{stage.weight_kg + self.rng.normal(0, 0.4):.1f}"}
        chart_vitals(self.look(), vitals(rest, 0.0, self.rng) | weight, by=self.nurse, key="")
        if is_today and stage.now == "arrived":
            return
        self._check()
        begun = start + timedelta(minutes=20)
        length = 40 if "iv" in stage.option else 10
        self.story.tell(begun, self._dose)
        for minute, rise in RISES:
            self.story.tell(begun + timedelta(minutes=minute), partial(self._read, rest, rise))
        self.story.tell(begun + timedelta(minutes=length), self._end)
        self.story.tell(begun + timedelta(minutes=125), self._home)

    def _check(self) -> None:
        """Consent confirmed, re-screen finished, order checked by two people."""
        confirm_consent(self.look(), by=self.nurse, key="")
        finish_rescreen(self.look(), by=self.nurse, key="")
        for by in (self.nurse, self.prescriber):
            found = self.look()
            assert found.open_visit is not None
            order = order_of(found, found.open_visit)
            assert order is not None
            check_order(found, order.seen, by=by, key="", proof=shown_by(by))

    def _answers(self) -> dict[str, str]:
        """What is asked on the day: as at intake, and what is asked anew before every dose."""
        found = self.look()
        assert found.open_visit is not None
        asked = {spec.path for spec in room(found, found.open_visit).asks}
        said = {path: value for path, value in {**NOTHING_AGAINST, **ON_THE_DAY}.items() if path in asked}
        return {"scale.suicide_risk": "low", **typed(said)}

    def _leaving(self) -> None:
        """What is asked before going home."""
        found = self.look()
        assert found.open_visit is not None
        asked = {spec.path for spec in room(found, found.open_visit).asks}
        said = {path: value for path, value in ON_LEAVING.items() if path in asked}
        state_facts(found, typed(said), by=self.nurse, reason="", key="")

    def _dose(self) -> None:
        reason = "A colleague watches with me." if full_hands(self.nurse) else ""
        start_dose(self.look(), by=self.nurse, reason=reason, key="")

    def _read(self, rest: tuple[int, int], rise: float) -> None:
        chart_vitals(self.look(), vitals(rest, rise, self.rng), by=self.nurse, key="")

    def _end(self) -> None:
        signed = self.look().plan
        assert signed is not None
        given = f"{signed.dose_mg:g}"
        shown = shown_by(self.nurse)
        end_dose(self.look(), given, stopped_early=False, by=self.nurse, reason="", key="", proof=shown)
        self.held += 1

    def _home(self) -> None:
        self._leaving()
        close_session(self.look(), by=self.nurse, reason="", key="")
        if self.held == 1:
            self._write("progress", SESSION_NOTE, self.nurse)
            self._join("therapist")
            self._write("process", PROCESS_NOTE, self.story.staff["therapist"])

    def _join(self, role: str) -> None:
        """Take somebody into this person's care team, which process notes are bound to."""
        join_team(self.identity, self.story.staff[role].username, reason="psychotherapy", by=self.prescriber)

    def _write(self, kind: str, text: str, by: Account) -> None:
        save_note(self.look(), Writing(kind=kind, text=text), by=by, key="", proof=shown_by(by))

    def _raise(self) -> None:
        found = self.look()
        wish = self._wish(found, outcome="changed", reason="Well tolerated twice; the usual dose.")
        decide_card(found, "adjust", wish, by=self.prescriber, key="", proof=shown_by(self.prescriber))
        self._check_calculation()

    def _check_calculation(self) -> None:
        """The nurse checks the calculation of the order, as before every first dose on it."""
        found = self.look()
        check = order_check(found)
        if check is not None:
            check_calculation(found, check.seen, by=self.nurse, key="", proof=shown_by(self.nurse))

    def _score(self) -> None:
        given = items(total_after(self.stage, self.held, self.rng), self.rng)
        answer_score(self.look(), "phq9", given, by=self.nurse, key="")
        if clock.today(self.story.practice.zone) < self.today - timedelta(days=7):
            self.story.tell(clock.now() + timedelta(minutes=6), self._answer)

    def _answer(self) -> None:
        """What is of the last week waits for the visitor."""
        answer_alerts(self.story, self.identity)

    def _wish(self, found: Chart, *, outcome: str = "accepted", reason: str = _AGREED) -> Wish:
        return Wish(
            outcome="changed" if outcome == "changed" else "accepted",
            reason=reason,
            seen=standing(found),
            digest=plan(found).inputs_digest,
            dose_mg=self.stage.dose_mg if outcome == "changed" else None,
        )
