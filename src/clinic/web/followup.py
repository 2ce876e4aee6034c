"""The ledger of doses and the checks tied to it, as the person's page shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.web.charts import Drawing, picture, round_axis
from clinic.web.words import WORDS
from ketapath.domain.evidence import Text
from ketapath.domain.fact import Uncounted
from ketapath.domain.followup import Exposure, ExposureWindow, GivenDose, OrganCheck
from ketapath.report.charts import Dot, Line, Panel

_WIDE, _HIGH = 520.0, 180.0
_LABELS = 4
"""Days named under the axis, at most."""


def ledger_parts(found: Exposure) -> dict[str, Any] | None:
    """What the template of the ledger reads: one block a product, what could not be counted, the checks, the pressures.

    None while nothing is known of any ketamine.
    """
    if not found.doses and not found.uncounted and not found.notes:
        return None
    products = list(dict.fromkeys(window.product for window in found.windows))
    return {
        "products": [
            {
                "name": WORDS.get(product, product),
                "windows": [_window(w) for w in found.windows if w.product == product],
                "drawing": _cumulative([d for d in found.doses if d.product == product], found.as_of, product),
            }
            for product in products
        ],
        "uncounted": [{"one": one, "when": _when(one)} for one in found.uncounted],
        "limits": found.limits,
        "checks": [_check(one) for one in found.checks],
        "pressures": found.pressures,
        "resting": found.resting,
        "notes": found.notes,
    }


def _window(window: ExposureWindow) -> dict[str, Any]:
    """One column of the ledger; a sum with something missing says that it is at least so much."""
    is_least = window.is_least
    by_weight = window.mg_per_kg
    shown = _("none written") if window.without_mg and not window.mg else f"{window.mg:g} mg"
    return {
        "days": window.days,
        "since": window.since,
        "sessions": window.sessions,
        "mg": _("at least %(sum)s") % {"sum": shown} if is_least and window.mg else shown,
        "by_weight": "" if by_weight is None else f"{by_weight:.2f} mg/kg",
        "without_mg": window.without_mg,
        "without_weight": window.without_weight,
        "uncounted": window.uncounted,
    }


def _when(one: Uncounted) -> str:
    """The day of it, the days from and to which it was taken, or how the record says it."""
    if one.most_sessions is None and one.first is not None:
        said = {"first": _day(one.first), "last": "" if one.last is None else _day(one.last)}
        return (_("from %(first)s") if one.last is None else _("%(first)s to %(last)s")) % said
    return _day(one.day) if one.day is not None else one.stated_on or _("no day given")


def _check(check: OrganCheck) -> dict[str, Any]:
    """One line of the checks; what crosses a limit stands first, then what nobody knows."""
    rank = {True: 0, None: 1, False: 2}
    return {
        "check": check,
        "name": Text(key=f"exposure.{check.organ}"),
        "thresholds": sorted(check.thresholds, key=lambda t: rank[t.is_crossed]),
    }


def _cumulative(doses: Sequence[GivenDose], as_of: date, product: str) -> Drawing:
    """Known milligrams of one product, added up over time; a dose that nobody wrote is a hollow mark on the line."""
    first = doses[0].on
    sums = list(_sums(doses))
    days = [float((dose.on - first).days) for dose in doses]
    end = max(float((as_of - first).days), 1.0)
    top, step = round_axis(sums[-1] or 1.0)
    panel = Panel(
        title=_("%(product)s, milligrams of base added up") % {"product": WORDS.get(product, product)},
        description=_("A step for each dose; hollow where nobody wrote the milligrams. The table says the same."),
        x_name="",
        x_from=0.0,
        x_to=end,
        x_labels=_labels(first, end),
        y_to=top,
        y_step=step,
        lines=[Line(kind="median", name=f"{sums[-1]:g} mg", xs=_steps(days, end), ys=_held(sums))],
        dots=[
            Dot(x=day, y=total, words=f"{_day(dose.on)}: {_milligrams(dose)}", is_aside=dose.mg is None)
            for day, total, dose in zip(days, sums, doses, strict=True)
        ],
        width=_WIDE,
        height=_HIGH,
    )
    return Drawing(
        svg=picture(panel, f"given-{product}"),
        caption=_("Milligrams of base added up; what nobody wrote is not in it"),
        head=[_("Day"), _("Given"), _("Way"), _("By weight"), _("Sum")],
        rows=[
            [_day(d.on), _milligrams(d), str(WORDS.get(f"{d.product}/{d.route}", d.route)),
             "" if d.mg_per_kg is None else f"{d.mg_per_kg:.2f} mg/kg", f"{total:g} mg"]
            for d, total in zip(doses, sums, strict=True)
        ],
    )  # fmt: skip


def _sums(doses: Sequence[GivenDose]) -> Iterator[float]:
    total = 0.0
    for dose in doses:
        total += dose.mg or 0.0
        yield total


def _steps(days: Sequence[float], end: float) -> list[float]:
    """Each day twice, before and after its dose, and the end."""
    return [x for day in days for x in (day, day)] + [end]


def _held(sums: Sequence[float]) -> list[float]:
    """The sum before and after each dose, and at the end."""
    before = [0.0, *sums[:-1]]
    return [y for pair in zip(before, sums, strict=True) for y in pair] + [sums[-1]]


def _labels(first: date, end: float) -> list[tuple[float, str]]:
    """A few days of the axis, evenly apart."""
    count = min(_LABELS, int(end) + 1)
    apart = end / max(count - 1, 1)
    return [(at * apart, date_format(first + timedelta(days=round(at * apart)), "j M")) for at in range(count)]


def _milligrams(dose: GivenDose) -> str:
    return _("milligrams not written") if dose.mg is None else f"{dose.mg:g} mg"


def _day(day: date) -> str:
    return date_format(day, "j M Y")
