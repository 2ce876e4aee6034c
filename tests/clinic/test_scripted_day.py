"""One scripted day proves the runner: two rooms at once, whatever goes wrong, and both sessions' outputs agree.

An infusion is stopped at 23 minutes, a device is refused, a room loses its network and sends what it charted late and
twice, and a witness is the wrong one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from tests.options import INFUSION, SPRAY
from tests.proofs import shown

from clinic import clock
from clinic.access.models import Account, AuditRow
from clinic.actions.forms import answer_form, finish_record, send_form, set_site
from clinic.actions.notes import Writing, save_note
from clinic.actions.patients import import_record
from clinic.actions.plan import Wish, decide_plan, standing
from clinic.actions.session import end_dose, open_session, start_dose
from clinic.actions.session_course import Happened, Observed, chart_event, chart_observation
from clinic.actions.stock import Use, Witness, correct_use, record_use
from clinic.demo.cupboard import drawn
from clinic.demo.day import DAY, referred
from clinic.demo.sitting import Guest, Sitting
from clinic.practice.models import LedgerLine
from clinic.queries.forms import QUESTIONS, Five, five_of
from clinic.queries.person import Chart, plan
from clinic.queries.stock import usable
from clinic.record.read import read
from clinic.record.signatures import Seen
from ketapath.domain.outputs import OUTPUTS
from ketapath.domain.session import Administration, Visit
from ketapath.errors import BadInput

Who = Callable[[str], Account]


@dataclass
class House:
    """The clinic from ten in the morning on, with a clock that goes from one thing to the next."""

    account: Who
    monkeypatch: pytest.MonkeyPatch
    now: datetime = field(init=False)

    def __post_init__(self) -> None:
        zone = self.account("nurse").practice.zone
        self.at(datetime.combine(clock.today(zone), time(10), ZoneInfo(zone)))

    def at(self, instant: datetime) -> datetime:
        self.now = instant
        self.monkeypatch.setattr(clock, "now", lambda: self.now)
        return instant

    def room(self, given: str, option: str, code: str) -> Sitting:
        """Somebody has come, with a plan that was signed a moment ago, to this room."""
        nurse, prescriber = self.account("nurse"), self.account("prescriber")
        one = replace(next(o for o in DAY if o.earlier == 0 and o.comes == ""), given=given, family="Scripted")
        bundle = referred(one, clock.today(nurse.practice.zone)).bundle()
        import_record(json.dumps(bundle).encode(), by=self.account("coordinator"))
        staff = {account.username: account for account in Account.objects.filter(practice=nurse.practice)}
        sitting = Sitting(practice=nurse.practice, staff=staff, guest=Guest(identity=one.identity), on=self.now.date())
        found = sitting.look()
        wish = Wish(outcome="accepted", reason="", seen=standing(found), digest=plan(found).inputs_digest)
        decide_plan(found, option, wish, by=prescriber, key="", proof=shown(prescriber))
        open_session(sitting.look(), by=nurse, key="", room=code)
        return sitting

    def until(self, step: str, *sittings: Sitting) -> None:
        """Both go on, each at its own times, until they have come so far."""
        while coming := [s for s in sittings if visit_of(s).step != step]:
            at, what = min((n for s in coming if (n := s.next())), key=lambda n: n[0])
            self.at(max(self.now, at))
            what()

    def chart(self, sitting: Sitting, kind: str, value: str = "", words: str = "") -> None:
        happened = Happened(kind=kind, value=value, words=words)
        chart_event(sitting.look(), happened, by=self.account("nurse"), key="")

    def end(self, sitting: Sitting, mg: str, reason: str = "") -> Administration:
        nurse = self.account("nurse")
        end_dose(sitting.look(), mg, stopped_early=bool(reason), by=nurse, reason=reason, key="", proof=shown(nurse))
        given = visit_of(sitting).administration
        assert given is not None
        return given

    def write_down(self, sitting: Sitting, uses: list[Use], witness: str, proof_of: str, key: str) -> None:
        nurse = self.account("nurse")
        second = Witness(account=self.account(witness), proof=shown(self.account(proof_of)))
        visit = visit_of(sitting).origin.id
        record_use(sitting.look(), visit, uses, by=nurse, proof=shown(nurse), witness=second, key=key)

    def finished(self, sitting: Sitting) -> Five:
        """The record of the session is finished and its note signed."""
        nurse, visit = self.account("nurse"), visit_of(sitting).origin.id
        made = finish_record(sitting.look(), visit, by=nurse, key=f"f-{visit}"[:60])
        assert made.note is not None
        stored = read(sitting.practice, "DocumentReference", made.note.origin.id)
        assert stored is not None
        own = Writing(kind="progress", text=made.note.text, seen=Seen.of(stored))
        save_note(sitting.look(), own, by=nurse, key="", proof=shown(nurse))
        return self.five(sitting)

    def five(self, sitting: Sitting) -> Five:
        found: Chart = sitting.look()
        made = five_of(found, found.visits[-1], self.account("nurse"))
        assert made is not None
        return made


def visit_of(sitting: Sitting) -> Visit:
    return sitting.look().visits[-1]


def amounts(five: Five) -> dict[str, str]:
    return {o.name: o.told["given_mg"] for o in five.outputs if o.told is not None}


pytestmark = pytest.mark.usefixtures("whole")


@pytest.fixture
def house(account: Who, monkeypatch: pytest.MonkeyPatch) -> House:
    return House(account=account, monkeypatch=monkeypatch)


def test_a_scripted_day_in_two_rooms_ends_with_outputs_that_agree_to_the_milligram(house: House) -> None:
    nurse = house.account("nurse")
    vein, spray = house.room("Vein", INFUSION, "room-11"), house.room("Spray", SPRAY, "room-12")
    house.until("ready", vein, spray)
    start_dose(vein.look(), by=nurse, reason="a place came free", key="")
    house.chart(vein, "rate", "52.5")
    began = house.now
    house.at(began + timedelta(minutes=3))
    start_dose(spray.look(), by=nurse, reason="a place came free", key="")
    house.chart(spray, "device")

    lost = [  # the second room has no network from here on; its tablet keeps what is charted
        Observed(key="q1", at=began + timedelta(minutes=8), kind="device-refused", words="sneezed, spilled"),
        Observed(key="q2", at=began + timedelta(minutes=9), kind="device"),
        Observed(key="q3", at=began + timedelta(minutes=18), kind="reading",
                 values={"vitals.systolic_mmhg": "139", "vitals.diastolic_mmhg": "84"}),
    ]  # fmt: skip
    house.at(began + timedelta(minutes=23))
    house.chart(vein, "stop", words="asked to stop")
    given = house.end(vein, "20.13", "asked to stop")
    assert given.ended_at is not None
    assert given.ended_at - given.started_at == timedelta(minutes=23)
    for state in ("kept", "had"):
        taken = chart_observation(spray.look(), lost, by=nurse)
        assert [one.state for one in taken] == [state] * 3
    sprayed = house.end(spray, "56")

    devices = usable(spray.practice, "esketamine", house.now.date())[0]
    used = [Use(lot=devices.lot_id, cupboard=devices.cupboard, drawn_mg=Decimal(84), given_mg=Decimal(56),
                wasted_mg=Decimal(28))]  # fmt: skip
    before = LedgerLine.objects.count()
    with pytest.raises(BadInput, match="witness"):
        house.write_down(spray, used, "pharmacist", "nurse", "wrong")
    assert LedgerLine.objects.count() == before
    assert AuditRow.objects.filter(act="witness", outcome="refused", patient_id=spray.guest.identity).exists()
    house.write_down(spray, used, "pharmacist", "pharmacist", "right")
    house.write_down(vein, drawn(vein.practice, given, on=house.now.date()), "pharmacist", "pharmacist", "vial")
    house.until("home", vein, spray)

    answers = dict.fromkeys(QUESTIONS, "yes") | {"session.respiratory_depression": "no", "session.adverse_event": "no"}
    answer_form(spray.look(), visit_of(spray).origin.id, answers, by=nurse, key="a")
    set_site({"address": "1 Quay", "phone": "555-0100", "email": "desk@example.org"}, by=house.account("coordinator"))
    spray.practice.refresh_from_db()
    five = house.finished(spray)
    assert five.open_fields == ()
    send_form(spray.look(), five.visit.origin.id, sent_on=five.found.as_of, how="online",
              by=house.account("coordinator"), key="s")  # fmt: skip
    one, two = house.finished(vein), house.five(spray)
    assert (one.disagreements, two.disagreements) == ((), ())
    assert one.is_complete
    assert two.is_complete
    assert not one.needs_form
    assert amounts(one) == {name: "20.13" for name in OUTPUTS if name != "form"}
    assert amounts(two) == dict.fromkeys(OUTPUTS, "56.00")
    assert [e.kind for e in two.visit.events if e.kind.startswith("device")] == ["device", "device-refused", "device"]
    assert sprayed.dose_mg == 56

    line = LedgerLine.objects.get(visit_id=one.visit.origin.id, kind="use")  # and the check can fail
    right = Use(lot=line.lot_id, cupboard=line.cupboard, drawn_mg=line.drawn_mg, given_mg=Decimal("20.12"),
                wasted_mg=line.wasted_mg + Decimal("0.01"))  # fmt: skip
    second = Witness(account=house.account("pharmacist"), proof=shown(house.account("pharmacist")))
    correct_use(vein.look(), line.pk, right, why="read again", by=nurse, proof=shown(nurse), witness=second, key="c")
    differs = {one.field: one.said for one in house.five(vein).disagreements}
    assert (differs["given_mg"]["ledger"], differs["given_mg"]["record"]) == ("20.12", "20.13")
