"""How the board of the day draws and words a lane: places along its axis in per cent, phases, what is due next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from django.template import Library
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.queries.board import Block, Board, Lane, Next, Seat
from clinic.web.templatetags.clinic import word

register = Library()

_NARROW = 16.0  # per cent of the axis under which no word fits into a block

PHASES: Mapping[str, Any] = MappingProxyType(
    {
        "arrived": gettext_lazy("Arrived"),
        "re-screen": gettext_lazy("Re-screen"),
        "ready": gettext_lazy("Ready for the dose"),
        "dosing": gettext_lazy("Dosing"),
        "observing": gettext_lazy("Observing"),
        "leaving": gettext_lazy("Ready to leave"),
        "home": gettext_lazy("Home"),
    }
)
PARTS: Mapping[str, Any] = MappingProxyType(
    {
        "before": gettext_lazy("Before"),
        "dose": gettext_lazy("Dose"),
        "observe": gettext_lazy("Observe"),
        "leave": gettext_lazy("Leaves"),
        "booked": gettext_lazy("Booked"),
    }
)
NEXTS: Mapping[str, Any] = MappingProxyType(
    {
        "consent": gettext_lazy("Confirm consent"),
        "re-screen": gettext_lazy("Ask again"),
        "dose": gettext_lazy("Give the dose"),
        "leaves": gettext_lazy("May leave"),
        "dose-ends": gettext_lazy("Dose ends"),
        "home": gettext_lazy("Home at the earliest"),
        "pressure": gettext_lazy("Pressure"),
        "oximetry": gettext_lazy("Oxygen"),
        "sedation": gettext_lazy("Alertness"),
        "dissociation": gettext_lazy("Dissociation"),
        "distress": gettext_lazy("Distress"),
        "nausea": gettext_lazy("Nausea"),
    }
)


@register.filter
def phase(step: str) -> str:
    """The phase of a visit in words."""
    return str(PHASES.get(step, step))


@register.filter
def across(at: datetime, board: Board) -> str:
    """How far along the board's axis an instant lies, in per cent, within it."""
    return f"{_share(at, board):.2f}"


@register.filter
def wide(block: Block, board: Board) -> str:
    """How wide a block is, in per cent."""
    return f"{max(_width(block, board), 0.4):.2f}"


@register.filter
def middle(block: Block, board: Board) -> str:
    """Where the middle of a block lies, in per cent."""
    return f"{_share(block.starts_at, board) + _width(block, board) / 2:.2f}"


@register.filter
def block_words(block: Block, board: Board) -> str:
    """The word in a block; none where it is too narrow for one."""
    return "" if _width(block, board) < _NARROW else str(PARTS[block.part])


@register.filter
def dose_and_number(seat: Seat) -> str:
    """What is given and which session it is."""
    said = {"product": word(seat.product), "number": seat.number}
    if seat.dose_mg is None:
        return _("%(product)s, session %(number)s") % said if seat.product else _("session %(number)s") % said
    return _("%(product)s %(dose)s mg, session %(number)s") % {**said, "dose": f"{seat.dose_mg:g}"}


@register.filter
def next_words(found: Next | None, now: datetime) -> str:
    """What is due, and by which clock: how late it is, now, in how many minutes, or at what time."""
    if found is None:
        return _("Nothing due")
    words = str(NEXTS.get(found.what, found.what))
    if found.what.startswith("device-"):
        words = _("Device %(number)s") % {"number": found.what.removeprefix("device-")}
        if found.at is not None and found.at <= now:
            return _("%(what)s, since %(at)s") % {"what": words, "at": f"{localtime(found.at):%H:%M}"}
    if found.at is None:
        return words
    minutes = round((found.at - now) / timedelta(minutes=1))
    if found.is_late:
        return _("%(what)s, %(minutes)s min late") % {"what": words, "minutes": max(1, -minutes)}
    if minutes <= 0:
        return _("%(what)s now") % {"what": words}
    if minutes <= 10:
        return _("%(what)s in %(minutes)s min") % {"what": words, "minutes": minutes}
    return _("%(what)s %(at)s") % {"what": words, "at": f"{localtime(found.at):%H:%M}"}


@register.filter
def lane_words(lane: Lane) -> str:
    """The same lane for whoever does not see it drawn."""
    parts = (f"{PARTS[b.part]} {localtime(b.starts_at):%H:%M}-{localtime(b.ends_at):%H:%M}" for b in lane.blocks)
    return ", ".join(parts) or _("nothing")


def _share(at: datetime, board: Board) -> float:
    return min(100.0, max(0.0, 100 * (at - board.begin) / (board.end - board.begin)))


def _width(block: Block, board: Board) -> float:
    return _share(block.ends_at, board) - _share(block.starts_at, board)
