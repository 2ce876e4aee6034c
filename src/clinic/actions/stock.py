"""The controlled-drug ledger: what came in, what was drawn, given and wasted, what was destroyed. Lines are only added.

Each line waits for its lot's balance, which never goes below nothing. What leaves a cupboard is seen by a second
person, who shows a secret of their own; a wrong witness is refused and stands on the trail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from django.db import transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic import clock
from clinic.access import audit
from clinic.access.models import Account
from clinic.access.permission import Refused, may, require
from clinic.access.proof import NotProven, Proof
from clinic.actions.adverse import tell_of_lot
from clinic.actions.alerts import raise_alert, settle
from clinic.actions.commit import KeyReused
from clinic.practice.models import Balance, LedgerLine, Lot
from clinic.practice.models.stock import NOTHING
from clinic.queries.person import Chart
from clinic.queries.stock import uses_of
from ketapath.domain.session import Administration
from ketapath.errors import BadInput
from ketapath.outputs import amount

PRODUCTS = ("racemic", "esketamine")
FORMS = ("vial", "device")
DEVICE_MG = Decimal("28.00")  # source: SPRAVATO label, 1 Indications and 3 Dosage forms (LBL_US19): 28 mg a device
MOST_MG = Decimal("99999.99")
MOST_UNITS = 1000
SHORTEST_REASON = 8
"""Letters of a reason: "x" tells nobody anything."""
NOT_AS_SIGNED = "stock.not_as_signed"
_AMOUNTS = MappingProxyType({"receipt": "receive-stock", "destroyed": "destroy-stock"})
"""Lines whose amount can be corrected, and who may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A second person who saw it, and the proof that it is they."""

    account: Account
    proof: Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Vials or devices that came in: `units` of `unit_mg` milligrams of base each; `date.min` for no expiry."""

    product: str
    form: str
    number: str
    strength: str
    unit_mg: Decimal
    units: int
    expires_on: date
    cupboard: str
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What of one lot in one cupboard was drawn, given and wasted; `lot` is its number in the database."""

    lot: int
    cupboard: str
    drawn_mg: Decimal
    given_mg: Decimal
    wasted_mg: Decimal


def receive(received: Receipt, *, by: Account, proof: Proof, witness: Witness, key: str) -> LedgerLine:
    """Put into the book what two people have seen come in.

    Raises NotProven, and BadInput for a wrong witness, what cannot be, and a lot that is known as something else.
    """
    require(by, "receive-stock")
    _check_witness("receive-stock", by, proof, witness)
    _check_receipt(received, by)
    came = received.unit_mg * received.units
    with transaction.atomic():
        lot, _is_new = Lot.objects.get_or_create(
            practice=by.practice, product=received.product, number=received.number,
            defaults={"form": received.form, "strength": received.strength, "unit_mg": received.unit_mg,
                      "expires_on": received.expires_on, "made_by": by.name, "made_at": clock.now()},
        )  # fmt: skip
        known = (lot.form, lot.unit_mg, lot.expires_on)
        if known != (received.form, received.unit_mg, received.expires_on):
            raise BadInput(
                field=_("lot"), found=received.number,
                limit=_("the lot as it is known: %(mg)s mg each, to %(day)s")
                % {"mg": lot.unit_mg, "day": date_format(lot.expires_on, "j M Y")},
                next_step=_("Read the package again."),
            )  # fmt: skip
        Balance.objects.get_or_create(
            lot=lot, cupboard=received.cupboard, defaults={"practice": by.practice, "mg": NOTHING}
        )
        repeated = _repeated(by, key, {(lot.pk, received.cupboard): came})
        if repeated:
            return repeated[0]
        line = _line(
            lot, received.cupboard, "receipt", came, by=by, key=key, words=received.words, witness=witness.account
        )  # fmt: skip
        audit.append("receive-stock", outcome="done", account=by, entities=[_name(line)])
        audit.append("witness", outcome="done", account=witness.account, entities=[_name(line)])
    return line


def record_use(
    found: Chart,
    visit_id: str,
    uses: Sequence[Use],
    *,
    by: Account,
    proof: Proof,
    witness: Witness,
    key: str,
    words: str = "",
) -> list[LedgerLine]:
    """What was drawn, given and wasted for the dose of this visit, once it has ended: a line for each lot.

    Called by whoever gave the dose or helped, with a second person. Raises NotProven, BadInput for a wrong witness, a
    lot that has expired or does not hold so much, and what does not add up. Where less or more was given than the
    dose that was signed, `words` have to say why, and a prescriber is told.
    """
    require(by, "record-drug", patient_id=found.patient_id)
    _check_witness("record-drug", by, proof, witness, patient_id=found.patient_id)
    given = _ended_dose(found, visit_id)
    if not uses:
        raise _nothing()
    with transaction.atomic():
        changes = {(use.lot, use.cupboard): -use.drawn_mg for use in uses}
        if len(changes) != len(uses):
            raise BadInput(field=_("lot"), found=_("the same lot twice"), limit=_("each lot of a cupboard once"),
                           next_step=_("Add the amounts up."))  # fmt: skip
        repeated = _repeated(by, key, changes)
        if repeated:
            return repeated
        if LedgerLine.objects.filter(practice=by.practice, visit_id=visit_id, kind="use").exists():
            raise BadInput(field=_("drug record"), found=_("one for this visit"), limit=_("one drug record a visit"),
                           next_step=_("Correct the lines that are there."))  # fmt: skip
        differs = _differs(sum((use.given_mg for use in uses), NOTHING), given, words)
        lines = []
        for use in sorted(uses, key=lambda u: (u.lot, u.cupboard)):
            lot = _lot(by, use.lot)
            _check_use(use, lot, given, on=clock.local(given.started_at, by.practice.zone).date())
            lines.append(
                _line(lot, use.cupboard, "use", -use.drawn_mg, by=by, key=key, words=words, witness=witness.account,
                      use=use, dose=(found.patient_id, visit_id, given))
            )  # fmt: skip
        named = [_name(line) for line in lines]
        audit.append("record-drug", outcome="done", account=by, patient_id=found.patient_id, entities=named)
        audit.append("witness", outcome="done", account=witness.account, patient_id=found.patient_id, entities=named)
        if differs:
            _tell_whether_it_differs(found, visit_id, given, by)
    return lines


def correct_use(
    found: Chart, number: int, right: Use, *, why: str, by: Account, proof: Proof, witness: Witness, key: str
) -> LedgerLine:
    """A new line that makes the use of line `number` what `right` says; the old line stays as it was written.

    Nothing drawn takes it back. Where `right` is of another lot or cupboard, the old line is taken back to nothing and
    the use gets a line there; the new one is returned. A prescriber is told where the book and the signed dose differ
    after it; where they agree, what was told is settled.
    """
    _check_correction(found, why, by, proof, witness)
    with transaction.atomic():
        wrong = LedgerLine.objects.filter(
            practice=by.practice, patient_id=found.patient_id, kind="use", pk=number
        ).first()  # fmt: skip
        if wrong is None:
            raise Refused("record-drug", patient_id=found.patient_id)
        places = {(wrong.lot_id, wrong.cupboard), (right.lot, right.cupboard)}
        for lot, cupboard in sorted(places):
            _hold(_lot(by, lot), cupboard)  # so that two corrections follow one another
        before = _last_of(by, key)
        if before is not None:
            return before
        given = _ended_dose(found, wrong.visit_id)
        if len(places) == 1:
            _check_use(right, wrong.lot, given, on=None, may_be_nothing=True)
            lines = [_change(wrong, right, why=why, by=by, witness=witness, key=key)]
        else:
            nothing = Use(lot=wrong.lot_id, cupboard=wrong.cupboard, drawn_mg=NOTHING, given_mg=NOTHING,
                          wasted_mg=NOTHING)  # fmt: skip
            is_drawn = _stands(wrong).drawn_mg != NOTHING
            lines = [_change(wrong, nothing, why=why, by=by, witness=witness, key=key)] if is_drawn else []
            lines.append(_put(found, wrong.visit_id, right, given, why=why, by=by, witness=witness, key=key))
        _tell_corrected(found, wrong.visit_id, given, [*lines, wrong], by, witness)
    return lines[-1]


def add_use(
    found: Chart, visit_id: str, left_out: Use, *, why: str, by: Account, proof: Proof, witness: Witness, key: str
) -> LedgerLine:
    """A line for a lot that the drug record of this visit left out. Whoever has to know is told as of a correction."""
    _check_correction(found, why, by, proof, witness)
    with transaction.atomic():
        _hold(_lot(by, left_out.lot), left_out.cupboard)
        before = _last_of(by, key)
        if before is not None:
            return before
        given = _ended_dose(found, visit_id)
        if not LedgerLine.objects.filter(practice=by.practice, visit_id=visit_id, kind="use").exists():
            raise BadInput(field=_("drug record"), found=_("none for this visit"), limit=_("one that is in the book"),
                           next_step=_("Record what was drawn for this visit."))  # fmt: skip
        line = _put(found, visit_id, left_out, given, why=why, by=by, witness=witness, key=key)
        _tell_corrected(found, visit_id, given, [line], by, witness)
    return line


def correct_amount(
    number: int, right_mg: Decimal, *, why: str, by: Account, proof: Proof, witness: Witness, key: str
) -> LedgerLine:
    """A new line that makes what line `number` received or destroyed `right_mg`, seen by a second person."""
    line = LedgerLine.objects.filter(practice=by.practice, pk=number, kind__in=_AMOUNTS).select_related("lot").first()
    act = _AMOUNTS["destroyed" if line is None else line.kind]
    require(by, act)
    _check_witness(act, by, proof, witness)
    if line is None:
        raise Refused(act)
    if not why.strip():
        raise _no_reason()
    if not NOTHING <= right_mg <= MOST_MG:
        raise _nothing()
    check_whole(line.lot, right_mg)
    with transaction.atomic():
        _hold(line.lot, line.cupboard)
        before = _last_of(by, key)
        if before is not None:
            return before
        stands = line.change_mg + sum((one.change_mg for one in line.corrections.all()), NOTHING)
        change = (right_mg if line.kind == "receipt" else -right_mg) - stands
        if not change:
            raise _as_it_stands()
        made = _line(line.lot, line.cupboard, "correction", change, by=by, key=key, words=why,
                     witness=witness.account, corrects=line)  # fmt: skip
        audit.append(act, outcome="done", account=by, entities=[_name(made), _name(line)])
        audit.append("witness", outcome="done", account=witness.account, entities=[_name(made)])
    return made


def destroy(
    lot: int, cupboard: str, milligrams: Decimal, *, why: str, by: Account, proof: Proof, witness: Witness, key: str
) -> LedgerLine:
    """What has expired, was broken or is handed over for destruction leaves the book, seen by a second person."""
    require(by, "destroy-stock")
    _check_witness("destroy-stock", by, proof, witness)
    if not why.strip():
        raise _no_reason()
    if not NOTHING < milligrams <= MOST_MG:
        raise _nothing()
    with transaction.atomic():
        repeated = _repeated(by, key, {(lot, cupboard): -milligrams})
        if repeated:
            return repeated[0]
        there = _lot(by, lot)
        check_whole(there, milligrams)
        line = _line(
            there, cupboard, "destroyed", -milligrams, by=by, key=key, words=why, witness=witness.account
        )  # fmt: skip
        audit.append("destroy-stock", outcome="done", account=by, entities=[_name(line)])
    return line


def add_line(lot: Lot, cupboard: str, kind: str, change: Decimal, *, by: Account, key: str, words: str) -> LedgerLine:
    """A line of another act of this room, such as the end of a difference; inside that act's transaction."""
    return _line(lot, cupboard, kind, change, by=by, key=key, words=words)


def check_whole(lot: Lot, *milligrams: Decimal) -> None:
    """Raises BadInput for an amount of a lot of devices that is not a number of whole devices."""
    broken = [mg for mg in milligrams if lot.form == "device" and mg % lot.unit_mg]
    if broken:
        raise BadInput(
            field=_("amount of lot %(lot)s") % {"lot": lot.number}, found=_("%(mg)s mg") % {"mg": broken[0]},
            limit=_("whole devices, %(mg)s mg each") % {"mg": lot.unit_mg},
            next_step=_("Count the devices and multiply."),
        )  # fmt: skip


def check_witness(act: str, by: Account, proof: Proof, witness: Witness) -> None:
    """Raises NotProven or BadInput unless two different people who may have shown their secrets."""
    _check_witness(act, by, proof, witness)


def _check_correction(found: Chart, why: str, by: Account, proof: Proof, witness: Witness) -> None:
    require(by, "record-drug", patient_id=found.patient_id)
    _check_witness("record-drug", by, proof, witness, patient_id=found.patient_id)
    if not why.strip():
        raise _no_reason()


def _last_of(by: Account, key: str) -> LedgerLine | None:
    """The last line that this very request wrote before."""
    rows = LedgerLine.objects.filter(practice=by.practice, username=by.username, key=key)
    return rows.order_by("-id").first() if key else None


def _stands(line: LedgerLine) -> Use:
    """What the book says of this use now, corrections counted."""
    told = [line, *line.corrections.all()]
    return Use(
        lot=line.lot_id,
        cupboard=line.cupboard,
        drawn_mg=sum((one.drawn_mg for one in told), NOTHING),
        given_mg=sum((one.given_mg for one in told), NOTHING),
        wasted_mg=sum((one.wasted_mg for one in told), NOTHING),
    )


def _change(wrong: LedgerLine, right: Use, *, why: str, by: Account, witness: Witness, key: str) -> LedgerLine:
    """The correction that makes this use, as it stands, what is right."""
    stands = _stands(wrong)
    change = replace(
        right, drawn_mg=right.drawn_mg - stands.drawn_mg, given_mg=right.given_mg - stands.given_mg,
        wasted_mg=right.wasted_mg - stands.wasted_mg,
    )  # fmt: skip
    if not any((change.drawn_mg, change.given_mg, change.wasted_mg)):
        raise _as_it_stands()
    return _line(wrong.lot, wrong.cupboard, "correction", -change.drawn_mg, by=by, key=key, words=why,
                 witness=witness.account, use=change, corrects=wrong)  # fmt: skip


def _put(
    found: Chart, visit_id: str, use: Use, given: Administration, *, why: str, by: Account, witness: Witness, key: str
) -> LedgerLine:  # fmt: skip
    """The use of a further lot in a drug record that is there; where its line was taken back, a correction of that."""
    lot = _lot(by, use.lot)
    _check_use(use, lot, given, on=clock.local(given.started_at, by.practice.zone).date())
    there = LedgerLine.objects.filter(
        practice=by.practice, visit_id=visit_id, kind="use", lot=lot, cupboard=use.cupboard
    ).first()  # fmt: skip
    if there is None:
        return _line(lot, use.cupboard, "use", -use.drawn_mg, by=by, key=key, words=why, witness=witness.account,
                     use=use, dose=(found.patient_id, visit_id, given))  # fmt: skip
    if _stands(there).drawn_mg:
        raise BadInput(
            field=_("lot"), found=_("%(lot)s, which line %(line)s has") % {"lot": lot.number, "line": there.pk},
            limit=_("a lot that has no line in this record"), next_step=_("Correct that line to what is right."),
        )  # fmt: skip
    return _change(there, use, why=why, by=by, witness=witness, key=key)


def _tell_corrected(
    found: Chart, visit_id: str, given: Administration, lines: Sequence[LedgerLine], by: Account, witness: Witness
) -> None:
    """Both people on the trail, and a prescriber told where the book and the signed dose differ now."""
    named = [_name(line) for line in lines]
    audit.append("record-drug", outcome="done", account=by, patient_id=found.patient_id, entities=named)
    audit.append("witness", outcome="done", account=witness.account, patient_id=found.patient_id, entities=named)
    _tell_whether_it_differs(found, visit_id, given, by)
    tell_of_lot(found, visit_id, by)


def _line(
    lot: Lot,
    cupboard: str,
    kind: str,
    change: Decimal,
    *,
    by: Account,
    key: str,
    words: str,
    witness: Account | None = None,
    use: Use | None = None,
    dose: tuple[str, str, Administration] | None = None,
    corrects: LedgerLine | None = None,
) -> LedgerLine:
    """The next line of this lot in this cupboard, with its balance. Raises BadInput where that is below nothing."""
    held = _hold(lot, cupboard)
    after = held.mg + change
    if after < 0:
        raise BadInput(
            field=_("amount"), found=_("%(mg)s mg") % {"mg": -change},
            limit=_("at most %(mg)s mg of lot %(lot)s, as the book says") % {"mg": held.mg, "lot": lot.number},
            next_step=_("Choose another lot, or count this one."),
        )  # fmt: skip
    held.mg = after
    held.save(update_fields=["mg"])
    amounts = {} if use is None else {
        "drawn_mg": use.drawn_mg, "given_mg": use.given_mg, "wasted_mg": use.wasted_mg}  # fmt: skip
    about: dict[str, object] = {"day": clock.today(lot.practice.zone)}
    if dose is not None:
        patient_id, visit_id, given = dose
        about = {"patient_id": patient_id, "visit_id": visit_id, "administration_id": given.origin.id,
                 "route": given.route, "day": clock.local(given.started_at, lot.practice.zone).date()}  # fmt: skip
    elif corrects is not None:
        about = {
            name: getattr(corrects, name) for name in ("patient_id", "visit_id", "administration_id", "route", "day")
        }
    return LedgerLine.objects.create(
        practice=lot.practice, lot=lot, cupboard=cupboard, kind=kind, change_mg=change, balance_mg=after,
        corrects=corrects, words=words[:300], at=clock.now(), by=by.name, username=by.username,
        witness="" if witness is None else witness.name,
        witness_username="" if witness is None else witness.username, key=key, **amounts, **about,
    )  # fmt: skip


def _hold(lot: Lot, cupboard: str) -> Balance:
    """The balance of this lot, which nobody else changes until this act is over."""
    held = Balance.objects.select_for_update().filter(lot=lot, cupboard=cupboard).first()
    if held is None:
        raise BadInput(
            field=_("cupboard"), found=cupboard or _("nothing"), limit=_("a cupboard that holds this lot"),
            next_step=_("Choose one from the list."),
        )  # fmt: skip
    return held


def _repeated(by: Account, key: str, changes: dict[tuple[int, str], Decimal]) -> list[LedgerLine]:
    """The lines that this very request wrote before, once everybody else at these lots has finished.

    Raises KeyReused where its key stands for something else, and BadInput for a lot that is not there.
    """
    for number, cupboard in sorted(changes):
        _hold(_lot(by, number), cupboard)
    lines = list(LedgerLine.objects.filter(practice=by.practice, username=by.username, key=key).order_by("id"))
    if lines and {(line.lot_id, line.cupboard): line.change_mg for line in lines} != changes:
        raise KeyReused(key)
    return lines


def _check_witness(act: str, by: Account, proof: Proof, witness: Witness, *, patient_id: str = "") -> None:
    """Raises NotProven or BadInput unless two different people of this practice have shown their secrets."""
    if proof.username != by.username:
        audit.append(act, outcome="refused", account=by, patient_id=patient_id)
        raise NotProven(by.username)
    other = witness.account
    is_allowed = other.practice_id == by.practice_id and may(other, "witness", patient_id=patient_id or None)
    if other.pk == by.pk or not is_allowed or witness.proof.username != other.username:
        audit.append("witness", outcome="refused", account=by, patient_id=patient_id, entities=["witness"])
        raise BadInput(
            field=_("witness"), found=other.name if other.practice_id == by.practice_id else _("nobody of this clinic"),
            limit=_("another prescriber, nurse or pharmacist of this clinic, who signs with their own password"),
            next_step=_("Ask a colleague who was in the room."),
        )  # fmt: skip


def _ended_dose(found: Chart, visit_id: str) -> Administration:
    visit = next((v for v in found.visits if v.origin.id == visit_id), None)
    if visit is None:
        raise Refused("record-drug", patient_id=found.patient_id)
    given = visit.administration
    if given is None or given.ended_at is None:
        raise BadInput(
            field=_("order of steps"), found=_("a dose that has not ended"), limit=_("a dose that has ended"),
            next_step=_("End the dose first, then record what was drawn for it."),
        )  # fmt: skip
    return given


def _differs(in_book: Decimal, given: Administration, words: str) -> bool:
    """Whether the book would not say what was signed as given. Raises BadInput where nobody says why."""
    signed = amount(given.dose_mg)
    if in_book != signed and len(words.strip()) < SHORTEST_REASON:
        raise BadInput(
            field=_("given"), found=_("%(mg)s mg") % {"mg": in_book},
            limit=_("%(mg)s mg, as the dose was signed") % {"mg": signed},
            next_step=_("Type what was given. If it really differs, write why into the remark; a prescriber is told."),
        )  # fmt: skip
    return in_book != signed


def _tell_whether_it_differs(found: Chart, visit_id: str, given: Administration, by: Account) -> None:
    """A prescriber is told where the book of this visit and its signed dose differ, and that is settled where not."""
    in_book = sum((use.given_mg for use in uses_of(by.practice, visit_id)), NOTHING)
    if in_book == amount(given.dose_mg):
        settle(by.practice, kind=NOT_AS_SIGNED, patient_id=found.patient_id, about=visit_id, by=by)
    else:
        raise_alert(by.practice, kind=NOT_AS_SIGNED, patient_id=found.patient_id, about=visit_id, not_for=by)


def _lot(by: Account, number: int) -> Lot:
    lot = Lot.objects.filter(practice=by.practice, pk=number).first()
    if lot is None:
        raise BadInput(field=_("lot"), found=_("nothing"), limit=_("a lot of this clinic"),
                       next_step=_("Choose one from the list."))  # fmt: skip
    return lot


def _check_use(
    use: Use, lot: Lot, given: Administration, *, on: date | None, may_be_nothing: bool = False
) -> None:  # fmt: skip
    """Raises BadInput for what cannot have been drawn from this lot or does not add up. `on` is the day of the dose."""
    if lot.product != given.product:
        raise BadInput(field=_("lot"), found=lot.number, limit=_("a lot of what was given"),
                       next_step=_("Read the package again."))  # fmt: skip
    if on is not None and lot.expires_on < on:
        raise BadInput(
            field=_("lot"), found=_("%(lot)s, which could be used to %(day)s")
            % {"lot": lot.number, "day": date_format(lot.expires_on, "j M Y")},
            limit=_("a lot that has not expired"),
            next_step=_("If it was really used, tell a prescriber and record an adverse event or a difference."),
        )  # fmt: skip
    amounts = (use.drawn_mg, use.given_mg, use.wasted_mg)
    if not all(NOTHING <= mg <= MOST_MG for mg in amounts) or (use.drawn_mg == NOTHING and not may_be_nothing):
        raise _nothing()
    if use.drawn_mg != use.given_mg + use.wasted_mg:
        raise BadInput(
            field=_("amount"), found=_("%(drawn)s drawn, %(given)s given, %(wasted)s wasted")
            % {"drawn": use.drawn_mg, "given": use.given_mg, "wasted": use.wasted_mg},
            limit=_("given and wasted together what was drawn"),
            next_step=_("If milligrams are missing, record what is known and open a difference."),
        )  # fmt: skip
    check_whole(lot, use.drawn_mg, use.given_mg)


def _check_receipt(received: Receipt, by: Account) -> None:
    if received.product not in PRODUCTS or received.form not in FORMS:
        raise BadInput(field=_("product"), found=received.product or _("nothing"), limit=_("a product of the list"),
                       next_step=_("Choose one."))  # fmt: skip
    if not received.number.strip():
        raise BadInput(field=_("lot"), found=_("nothing"), limit=_("the lot's number as it is on the package"),
                       next_step=_("Read it off the package and type it."))  # fmt: skip
    if not received.cupboard.strip():
        raise BadInput(field=_("cupboard"), found=_("nothing"), limit=_("the cupboard that it is put into"),
                       next_step=_("Type its name."))  # fmt: skip
    if not NOTHING < received.unit_mg <= MOST_MG:
        raise BadInput(
            field=_("in each vial or device"), found=_("%(mg)s mg") % {"mg": received.unit_mg},
            limit=_("milligrams of base above 0, at most %(most)s") % {"most": MOST_MG},
            next_step=_("Read the package again."),
        )  # fmt: skip
    if not 1 <= received.units <= MOST_UNITS:
        raise BadInput(field=_("how many"), found=str(received.units), next_step=_("Count them and type how many."),
                       limit=_("a whole number from 1 to %(most)s") % {"most": MOST_UNITS})  # fmt: skip
    if received.form == "device" and received.unit_mg != DEVICE_MG:
        raise BadInput(field=_("amount"), found=str(received.unit_mg), limit=_("28 mg in each device"),
                       next_step=_("Read the package again."))  # fmt: skip
    if received.expires_on == date.min:
        raise BadInput(field=_("use up to"), found=_("nothing"), limit=_("the last day that is on the package"),
                       next_step=_("Choose the day."))  # fmt: skip
    if received.expires_on < clock.today(by.practice.zone):
        raise BadInput(field=_("use up to"), found=date_format(received.expires_on, "j M Y"),
                       limit=_("a day that is not over"), next_step=_("Send it back."))  # fmt: skip


def _nothing() -> BadInput:
    return BadInput(
        field=_("amount"), found=_("0 mg"), limit=_("milligrams of base above 0, at most %(most)s") % {"most": MOST_MG},
        next_step=_("Choose the lot and type the milligrams."),
    )  # fmt: skip


def _as_it_stands() -> BadInput:
    return BadInput(field=_("amount"), found=_("what the book says already"), limit=_("what is otherwise"),
                    next_step=_("Type what is right. If the book is right, nothing has to be done."))  # fmt: skip


def _no_reason() -> BadInput:
    return BadInput(field=_("reason"), found=_("nothing"), limit=_("a reason"), next_step=_("Write it in a line."))


def _name(line: LedgerLine) -> str:
    return f"LedgerLine/{line.pk}"
