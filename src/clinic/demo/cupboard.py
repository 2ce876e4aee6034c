"""What is in the demonstration's drug cupboard? Lots that came in, yesterday's count with one difference, and uses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal

from clinic import clock
from clinic.access.models import Account
from clinic.access.proof import Proof
from clinic.actions.stock import Receipt, Use, Witness, receive
from clinic.actions.stock_counts import count, explain
from clinic.practice.models import Balance
from clinic.queries.stock import usable
from clinic.record.models import Practice
from ketapath.domain.session import Administration

CUPBOARD = "main"
_VIAL_MG, _DEVICE_MG = Decimal("200.00"), Decimal("28.00")
_CENT = Decimal("0.01")
_MISSING = Decimal("10.00")
_LOTS = (
    ("racemic", "vial", "RK-4471", "10 mg/mL, 20 mL", _VIAL_MG, 18, 21),
    ("racemic", "vial", "RK-4502", "10 mg/mL, 20 mL", _VIAL_MG, 30, 410),
    ("esketamine", "device", "ES-0938", "28 mg a device", _DEVICE_MG, 48, 260),
)


def stock_up(by: Account, second: Account) -> None:
    """The pharmacist puts what was delivered into the book; somebody else has seen it come in."""
    witness = Witness(account=second, proof=Proof(username=second.username))
    today = clock.today(by.practice.zone)
    for product, form, number, strength, unit_mg, units, days in _LOTS:
        receive(
            Receipt(product=product, form=form, number=number, strength=strength, unit_mg=unit_mg, units=units,
                    expires_on=today + timedelta(days=days), cupboard=CUPBOARD, words="delivered, seal intact"),
            by=by, proof=Proof(username=by.username), witness=witness, key=f"delivery-{number}",
        )  # fmt: skip


def count_up(by: Account, second: Account) -> None:
    """Two people count at the end of the day; of one lot a remainder is missing, and one of them says what is known."""
    held = Balance.objects.filter(practice=by.practice).select_related("lot")
    found: Mapping[tuple[int, str], Decimal] = {
        (one.lot_id, one.cupboard): one.mg - (_MISSING if one.lot.number == "RK-4471" else 0) for one in held
    }
    opened = count(found, by=by, proof=Proof(username=by.username), key=f"count-{clock.today(by.practice.zone)}",
                   second=Witness(account=second, proof=Proof(username=second.username)))  # fmt: skip
    for one in opened:
        explain(one.pk, "One vial stood half full in the tray; its rest was poured away and nobody signed.", by=second)


def drawn(practice: Practice, given: Administration, *, on: date) -> list[Use]:
    """What was used for a dose: whole devices, or one vial whose rest is thrown away before two people."""
    dose = Decimal(str(given.dose_mg or 0)).quantize(_CENT)
    lots = usable(practice, given.product, on)
    held = next(one for one in lots if one.mg >= max(dose, one.lot.unit_mg))
    units = (dose / held.lot.unit_mg).to_integral_value(ROUND_CEILING)
    whole = dose if held.lot.form == "device" else units * held.lot.unit_mg
    return [Use(lot=held.lot_id, cupboard=held.cupboard, drawn_mg=whole, given_mg=dose, wasted_mg=whole - dose)]
