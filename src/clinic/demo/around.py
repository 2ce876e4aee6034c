"""What happens around the sessions of the day: therapy, handovers, referrals, an adverse event, the night's shift."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from clinic import clock
from clinic.access.models import Account
from clinic.actions.adverse import Told, record_event
from clinic.actions.handover import hand_over, hand_over_shift, take_over
from clinic.actions.referral import Place, follow, keep_place, refer
from clinic.actions.schedule import book
from clinic.actions.therapy import Hour, chart_exposure, hold_hour
from clinic.demo.day import moment
from clinic.practice.models import CommunityPlace, Handover
from clinic.queries.person import Chart, chart
from clinic.record.models import Practice
from ketapath.fhir.referrals import referrals

Happening = tuple[datetime, Callable[[], object]]
HOME, OBSERVED, LEAVING = "amina-diallo", "henrik-solberg", "marisol-quispe"
"""Who of the day's people these things happen to."""
OPEN_POINTS = "Stays until the end of observation; ride is called."
WATCH = "A little pale on sitting up: sit for five minutes before walking."
_PLACES = (
    ("Harbour Food Table", "food", "555-0131, Tuesdays and Fridays", "East side"),
    ("Lantern Rides", "transport", "555-0142, a day ahead", "City and county"),
    ("Quay Housing Desk", "housing", "555-0153", "East side"),
)


@dataclass(slots=True)
class Around:
    """The things around one day, each with its instant."""

    practice: Practice
    staff: Mapping[str, Account]
    today: date
    now: datetime

    def told(self, people: frozenset[str]) -> Iterator[Happening]:
        """What happens around these people, and in the house."""
        day, now = self._at_midnight(), moment(self.now)
        yield day - timedelta(days=2), self._keep_places
        if HOME in people:
            yield day - timedelta(hours=6), lambda: self._hold(HOME, "preparation", "therapist-kim")
            yield now - timedelta(minutes=75), lambda: self._hold(HOME, "integration", "therapist-duarte")
            yield now - timedelta(minutes=70), lambda: self._refer(HOME, "transport", "made")
            yield day - timedelta(hours=5), lambda: self._book_talk(HOME, now + timedelta(minutes=45))
        if LEAVING in people:
            yield day - timedelta(hours=7), lambda: self._hold(LEAVING, "preparation", "therapist-duarte")
            yield now - timedelta(minutes=35), self._feel_sick
            yield now - timedelta(minutes=12), lambda: self._refer(LEAVING, "food", "")
        if OBSERVED in people:
            yield now - timedelta(minutes=70), self._play_music
            yield now - timedelta(minutes=25), self._hand_over
        yield day + timedelta(minutes=20), self._hand_over_night

    def _at_midnight(self) -> datetime:
        here = clock.local(self.now, self.practice.zone)
        return here.replace(hour=0, minute=0, second=0, microsecond=0)

    def _look(self, patient_id: str) -> Chart:
        found = chart(self.practice, patient_id)
        assert found is not None
        return found

    def _keep_places(self) -> None:
        for name, kind, contact, area in _PLACES:
            place = Place(name=name, kind=kind, contact=contact, area=area, languages="en, es",
                          source="demonstration: invented, with numbers reserved for fiction",
                          checked_on=clock.today(self.practice.zone))  # fmt: skip
            keep_place(place, by=self.staff["coordinator"])

    def _hold(self, patient_id: str, kind: str, therapist: str) -> None:
        said = Hour(kind=kind, modality="ketamine-assisted", at=clock.now() - timedelta(minutes=55), minutes="50",
                    therapist=therapist, alliance="8")  # fmt: skip
        hold_hour(self._look(patient_id), said, by=self.staff[therapist], key=f"{patient_id}-{kind}")

    def _book_talk(self, patient_id: str, at: datetime) -> None:
        here = clock.local(at, self.practice.zone)
        if here.date() == self.today:
            book(self._look(patient_id), "integration", here.date(), here.time(), minutes=50,
                 by=self.staff["coordinator"], key=f"{patient_id}-talk")  # fmt: skip

    def _refer(self, patient_id: str, need: str, progress: str) -> None:
        place = CommunityPlace.objects.get(practice=self.practice, kind=need)
        by = self.staff["coordinator"]
        refer(self._look(patient_id), need, place.pk, by=by, key=f"{patient_id}-{need}")
        if progress:
            found = self._look(patient_id)
            follow(found, referrals(found.bundle)[-1].origin.id, progress, remark="Called together.", by=by, key="")

    def _feel_sick(self) -> None:
        found, by = self._look(LEAVING), self.staff["nurse-reyes"]
        visit = found.open_visit
        if visit is not None:
            said = Told(words="Nausea, eased by lying down", onset=clock.now(), grade=1, causality="probable",
                        outcome="recovered", visit_id=visit.origin.id)  # fmt: skip
            record_event(found, said, by=by, key=f"{LEAVING}-nausea")

    def _play_music(self) -> None:
        found = self._look(OBSERVED)
        visit = found.open_visit
        if visit is not None:
            by, title = self.staff["therapist-kim"], "Slow strings, chosen by the person"
            chart_exposure(found, "music", title, minutes="40", tolerance="9", visit_id=visit.origin.id, by=by,
                           key=f"{OBSERVED}-music")  # fmt: skip

    def _hand_over(self) -> None:
        to = self.staff["nurse-reyes"]
        hand_over(self._look(OBSERVED), to.username, open_points=OPEN_POINTS,
                  watch=WATCH,
                  by=self.staff["nurse-osei"], key=f"{OBSERVED}-over")  # fmt: skip
        take_over(Handover.objects.get(practice=self.practice, patient_id=OBSERVED).pk, by=to)

    def _hand_over_night(self) -> None:
        points = "Oximeter of room 6 was changed. One vial could not be accounted for: see the difference."
        hand_over_shift("nurse", open_points=points, watch="Certificate of a colleague ends this month.",
                        by=self.staff["nurse-osei"], key=f"night-{self.today}")  # fmt: skip
