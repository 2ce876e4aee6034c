"""What comes next for one person who is booked today, and when? Worked out from the record as it stands.

The story of the loaded day and the day that goes on by itself ask the same: whatever a visitor has done meanwhile is
what the next step follows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from clinic import clock
from clinic.access.models import Account
from clinic.access.proof import Proof
from clinic.actions.commit import Done
from clinic.actions.forms import finish_record
from clinic.actions.profile import state_facts
from clinic.actions.response import answer_score
from clinic.actions.schedule import no_show
from clinic.actions.session import chart_vitals, close_session, end_dose, open_session, start_dose
from clinic.actions.session_course import Happened, chart_event
from clinic.actions.session_discharge import pass_discharge
from clinic.actions.session_steps import check_order, confirm_consent, finish_rescreen
from clinic.actions.stock import Witness, record_use
from clinic.demo.charts import NOTHING_AGAINST, ON_LEAVING, ON_THE_DAY, typed
from clinic.demo.cupboard import drawn
from clinic.demo.stages import generator, items, vitals
from clinic.practice.models import LedgerLine, Submission
from clinic.queries.booking import session_of_today
from clinic.queries.person import Chart, chart
from clinic.queries.session import not_asked, order_of, room, watched_minutes
from clinic.record.models import Practice
from ketapath.domain.schedule import Booked
from ketapath.domain.session import Administration, Visit
from ketapath.session import DEVICE_MG, called_for, due

Step = tuple[datetime, Callable[[], object]]
MG_PER_ML = 1.0
"""What is in every bag of the demonstration."""
_BEFORE = timedelta(minutes=20)
_TOGETHER = timedelta(minutes=6)
"""What is due within this time of a reading is read with it."""
_FRESH = timedelta(minutes=8)
"""A pressure that is older than this is taken again just before the dose."""
_PEAK_MIN = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """How somebody's session goes. `late_at` is the minute of a reading that comes a quarter of an hour late.

    `weight_kg` is None for whoever weighs what their record says. `rise` is the highest rise of the systolic pressure;
    with `is_low` item 9 is answered above zero on the day.
    """

    identity: str
    rest: tuple[int, int] = (124, 78)
    weight_kg: float | None = None
    rise: float = 17.0
    comes: str = ""
    late_at: float = 0.0
    is_low: bool = False
    first_total: int = 14


def shown_by(account: Account) -> Proof:
    """What a person of the story signs with: they are invented, and so is their proof."""
    assert account.practice.is_demo
    return Proof(username=account.username)


@dataclass(slots=True)
class Sitting:
    """One person's session of one day, from the booking to the finished record."""

    practice: Practice
    staff: Mapping[str, Account]
    guest: Guest
    on: date

    @property
    def rng(self) -> np.random.Generator:
        """This person's chance at this minute, the same for whoever asks."""
        return generator(f"{self.guest.identity} {clock.now():%Y%m%d%H%M}")

    def next(self) -> Step | None:
        """What is done next and at which instant, which may be over; None where nothing more comes."""
        found = self.look()
        visit = found.open_visit
        if visit is None:
            return self._outside(found)
        return {
            "arrived": self._arrived, "re-screen": self._screened, "ready": self._ready, "dosing": self._dosing,
            "observing": self._observing, "leaving": self._leaving,
        }[visit.step](found, visit)  # fmt: skip

    def look(self) -> Chart:
        """The record as it stands."""
        found = chart(self.practice, self.guest.identity)
        assert found is not None
        return found

    def nurse(self, found: Chart) -> Account:
        """Who looks after this person, as booked."""
        names = [who.username for b in self._bookings(found) for who in b.staff if who.role == "nurse"]
        return self.staff[names[0] if names else "nurse"]

    def prescriber(self, found: Chart) -> Account:
        """Who is on site for it, as booked."""
        names = [who.username for b in self._bookings(found) for who in b.staff if who.role == "prescriber"]
        return self.staff[names[0] if names else "prescriber"]

    def _bookings(self, found: Chart) -> list[Booked]:
        zone = self.practice.zone
        return [b for b in found.bookings if b.kind == "session" and clock.local(b.starts_at, zone).date() == self.on]

    def _outside(self, found: Chart) -> Step | None:
        """Before the person is here, and after."""
        booked, by = session_of_today(found), self.nurse(found)
        if booked is not None and booked.status == "booked":
            if self.guest.comes == "no-show":
                why = "Did not come; did not answer the telephone."
                at = booked.starts_at + timedelta(minutes=30)
                return at, lambda: no_show(found, booked.origin.id, reason=why, by=by, key="")
            at = booked.starts_at + timedelta(minutes=int(generator(self.guest.identity).integers(-9, -6)))
            return at, lambda: open_session(found, by=by, key="")
        over = [v for v in found.visits if v.closed_at and v.was_dosed and self._is_today(v.opened_at)]
        if not over or over[-1].appointment_id is None:
            return None
        visit = over[-1]
        is_kept = Submission.objects.filter(practice=self.practice, about=visit.origin.id).exists()
        if is_kept or not self._in_the_book(visit) or visit.closed_at is None:
            return None
        key = f"{visit.origin.id[-40:]}-five"
        return visit.closed_at + timedelta(minutes=9), lambda: finish_record(found, visit.origin.id, by=by, key=key)

    def _arrived(self, found: Chart, visit: Visit) -> Step:
        by, since = self.nurse(found), visit.opened_at
        if not any(r.quantity == "vitals.systolic_mmhg" for r in visit.readings):
            return since + timedelta(minutes=3), lambda: self._at_rest(found, by)
        if not_asked(found, visit) or not self._was_asked(found, visit):
            return since + timedelta(minutes=5), lambda: self._ask(found, visit, by)
        return since + timedelta(minutes=7), lambda: confirm_consent(found, by=by, key="")

    def _screened(self, found: Chart, visit: Visit) -> Step:
        by, checks = self.nurse(found), visit.checks
        if not visit.said("re-screened"):
            confirmed = visit.said("consent-confirmed")[-1].at
            return confirmed + timedelta(minutes=6), lambda: finish_rescreen(found, by=by, key="")
        here = [
            account for account in (by, self.prescriber(found)) if account.username not in {e.username for e in checks}
        ]
        at = max(e.at for e in (*visit.said("re-screened"), *checks)) + timedelta(minutes=1)
        return at, lambda: self._check(found, visit, here[0] if here else self.staff["pharmacist"])

    def _ready(self, found: Chart, visit: Visit) -> Step:
        booked = next(iter(self._bookings(found)), None)
        planned = visit.opened_at + _BEFORE
        if booked is not None and found.plan is not None:
            length = booked.ends_at - booked.starts_at
            planned = booked.starts_at + length - timedelta(minutes=watched_minutes(found.plan))
        at, by = max(planned, visit.checks[-1].at + timedelta(minutes=2)), self.nurse(found)
        if at - max((r.at for r in visit.readings), default=visit.opened_at) > _FRESH:
            return at - timedelta(minutes=1), lambda: self._at_rest(found, by)
        return at, lambda: self._begin(found, by)

    def _dosing(self, found: Chart, visit: Visit) -> Step:
        given, plan, by = visit.administration, found.plan, self.nurse(found)
        assert given is not None
        ordered = 0.0 if plan is None else plan.dose_mg or 0.0
        reading = self._reading(found, visit, given)
        if given.route == "nasal":
            devices = visit.said("device")
            last = devices[-1].at if devices else given.started_at
            if (len(devices) + 1) * DEVICE_MG <= ordered:
                return last + timedelta(minutes=5), lambda: chart_event(found, Happened(kind="device"), by=by, key="")
            over = last + timedelta(minutes=1)
        elif given.route == "iv":
            over = given.started_at + timedelta(minutes=float((plan and plan.infusion_min) or 40))
            if not visit.said("stop") and (reading is None or over <= reading[0]):
                stop = Happened(kind="stop", at=over)  # also where the day runs fast and its turn comes late
                return over, lambda: chart_event(found, stop, by=by, key="")
            over += timedelta(minutes=1)
        else:
            over = given.started_at + timedelta(minutes=2)
        if reading is not None and reading[0] < over:
            return reading
        return over, lambda: end_dose(
            found, f"{ordered:g}", stopped_early=False, by=by, reason="", key="", proof=shown_by(by)
        )

    def _observing(self, found: Chart, visit: Visit) -> Step:
        given, by = visit.administration, self.nurse(found)
        assert given is not None
        assert given.ended_at is not None
        if given.dose_mg and not self._in_the_book(visit):
            return given.ended_at + timedelta(minutes=3), lambda: self._write_down(found, visit, given, by)
        home = given.started_at + timedelta(minutes=watched_minutes(found.plan))
        reading = self._reading(found, visit, given)
        if reading is not None and reading[0] < home:
            return reading
        last = max((r.at for r in visit.readings), default=home)
        # Whoever could not go yet is read again: what stood against it may have passed.
        if max(home, clock.now()) - last > _TOGETHER:
            return home, lambda: self._read(found, visit, given, by)
        return home + timedelta(minutes=2), lambda: self._discharge(found, visit, by)

    def _leaving(self, found: Chart, visit: Visit) -> Step:
        said = [e.at for e in visit.events if e.kind in ("discharge-ready", "discharge-overridden")]
        by = self.nurse(found)
        return said[-1] + timedelta(minutes=12), lambda: close_session(found, by=by, key="")

    def _at_rest(self, found: Chart, by: Account) -> None:
        said = vitals(self.guest.rest, 0.0, self.rng)
        weighed = None if found.person is None else found.person.known.get("vitals.weight_kg")
        weight = self.guest.weight_kg or (weighed.value if weighed is not None else None)
        if isinstance(weight, float):
            # Never less than at the referral: an order on the ceiling by weight would be above it.
            said["vitals.weight_kg"] = f"{weight + 0.2:.1f}"
        said |= {"session.moaa_s": "5", "session.dissociation_0_10": "0", "session.distress_0_10": "1",
                 "session.nausea_0_10": "0"}  # fmt: skip
        chart_vitals(found, said, by=by, key="")

    def _was_asked(self, found: Chart, visit: Visit) -> bool:
        risk = None if found.person is None else found.person.known.get("scale.suicide_risk")
        return risk is not None and risk.on == self.on

    def _ask(self, found: Chart, visit: Visit, by: Account) -> None:
        """What is asked anew on the day, and for somebody who is low the questionnaire as well."""
        asked = {spec.path for spec in room(found, visit).asks}
        said = {path: value for path, value in {**NOTHING_AGAINST, **ON_THE_DAY}.items() if path in asked}
        state_facts(found, {"scale.suicide_risk": "low", **typed(said)}, by=by, reason="", key="")
        if self.guest.is_low:
            given: list[int | None] = [*items(self.guest.first_total, self.rng)[:8], 1]
            answer_score(self.look(), "phq9", given, by=by, key="")

    def _check(self, found: Chart, visit: Visit, by: Account) -> Done | None:
        order = order_of(found, visit)
        if order is None:
            return None
        concentration = f"{MG_PER_ML:g}" if order.route == "iv" else ""
        return check_order(found, order.seen, concentration=concentration, by=by, key="", proof=shown_by(by))

    def _begin(self, found: Chart, by: Account) -> None:
        start_dose(found, by=by, reason="", key="")
        now = self.look()
        plan = now.plan
        if plan is None or not plan.dose_mg:
            return
        if plan.route == "iv" and plan.infusion_min:
            rate = f"{plan.dose_mg / plan.infusion_min * 60 / MG_PER_ML:.1f}"
            chart_event(now, Happened(kind="rate", value=rate), by=by, key="")
        elif plan.route == "nasal":
            chart_event(now, Happened(kind="device"), by=by, key="")
        elif plan.route == "im":
            chart_event(now, Happened(kind="given", words="left deltoid"), by=by, key="")

    def _reading(self, found: Chart, visit: Visit, given: Administration) -> Step | None:
        """The next reading that is due, a minute or two after its time."""
        awaited = [d.due_at for d in due(visit, given.route, found.knowledge, now=clock.now()) if d.due_at is not None]
        if not awaited:
            return None
        minute = (min(awaited) - given.started_at).total_seconds() / 60
        last = max((r.at for r in visit.readings), default=given.started_at)
        was = (last - given.started_at).total_seconds() / 60
        lag = 14 if was < self.guest.late_at <= minute else 1
        by = self.nurse(found)
        return min(awaited) + timedelta(minutes=lag), lambda: self._read(found, visit, given, by)

    def _read(self, found: Chart, visit: Visit, given: Administration, by: Account) -> None:
        now = clock.now()
        minute = (now - given.started_at).total_seconds() / 60
        share = max(0.0, minute / _PEAK_MIN) * float(np.exp(1 - max(0.0, minute / _PEAK_MIN)))
        said = vitals(self.guest.rest, self.guest.rise * share, self.rng)
        scores = {
            "session.moaa_s": 5 if share < 0.8 else 4,
            "session.dissociation_0_10": round(6 * share**2),
            "session.distress_0_10": round(1 + share),
            "session.nausea_0_10": round(2 * share),
        }
        soon = {d.path for d in due(visit, given.route, found.knowledge, now=now)
                if d.due_at is not None and d.due_at <= now + _TOGETHER}  # fmt: skip
        chart_vitals(found, said | {p: str(v) for p, v in scores.items() if p in soon}, by=by, key="")

    def _discharge(self, found: Chart, visit: Visit, by: Account) -> None:
        if not visit.said("escort"):
            chart_event(found, Happened(kind="escort", words="a sister, in the waiting room"), by=by, key="")
        if not visit.said("advice-given"):
            chart_event(self.look(), Happened(kind="advice-given", words="en"), by=by, key="")
        now = self.look()
        assert now.open_visit is not None
        asked = {spec.path for spec in room(now, now.open_visit).asks}
        said = {path: value for path, value in ON_LEAVING.items() if path in asked}
        if said:
            state_facts(now, typed(said), by=by, reason="", key="")
        for limit in called_for(now.open_visit, (), now.knowledge):
            for step in (name for name, _who, _do in limit.steps if name not in limit.taken):
                chart_event(self.look(), Happened(kind="escalated", words=f"{limit.rule_id} {step}"), by=by, key="")
        pass_discharge(self.look(), by=by, key="")

    def _write_down(self, found: Chart, visit: Visit, given: Administration, by: Account) -> None:
        second = self.staff["pharmacist"]
        uses = drawn(self.practice, given, on=self.on)
        record_use(found, visit.origin.id, uses, by=by, proof=shown_by(by), key=f"{visit.origin.id[-40:]}-use",
                   witness=Witness(account=second, proof=shown_by(second)))  # fmt: skip

    def _in_the_book(self, visit: Visit) -> bool:
        return LedgerLine.objects.filter(practice=self.practice, visit_id=visit.origin.id, kind="use").exists()

    def _is_today(self, at: datetime) -> bool:
        return clock.local(at, self.practice.zone).date() == self.on
