"""What does the address of the composer ask for? Two options side by side, an axis, and what things would be worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from clinic.actions.typed import number
from clinic.queries.person import Chart
from clinic.web.plan_charts import ASKED
from ketapath.domain.evidence import Text
from ketapath.domain.plan import Option, Worth
from ketapath.plan.preferences import PATHS

STEP = 0.05
"""Better days between two places of a slider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slider:
    """One thing that may be weighed: what it is worth here, how far its slider goes, and what is wrong with it.

    `idle` says why it moves nothing here: no option says how much it asks of it.
    """

    thing: str
    unit: Text
    value: str
    most: float
    wrong: str
    idle: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a page of the composer was asked for; `is_pair` where the two were named, not only proposed.

    `weighed` is None where no what-if was asked, or a wrong one.
    """

    by: str
    one: Option | None
    other: Option | None
    is_pair: bool
    sliders: tuple[Slider, ...]
    weighed: tuple[Worth, ...] | None


def wanted(query: Mapping[str, str], found: Chart, options: Sequence[Option], worths: Sequence[Worth]) -> Wanted:
    """The query as far as it makes sense; what does not is as if it had not been asked."""
    by = query.get("by", "")
    sliders = tuple(_slider(thing, query, found, options, worths) for thing in PATHS)
    is_asked = any(thing in query for thing in PATHS) and not any(s.wrong for s in sliders)
    named = {option.id: option for option in options}
    pair = [named.get(query.get(name, "")) for name in ("one", "other")]
    usual = [*options[:2], None, None]
    if pair[0] is not None and pair[0] is pair[1]:
        pair[1] = None
    one = pair[0] or next((o for o in usual if o is not pair[1]), None)
    return Wanted(
        by=by if by in ASKED else "visits",
        one=one,
        other=pair[1] or next((o for o in usual if o is not one), None),
        is_pair="one" in query and "other" in query,
        sliders=sliders,
        weighed=tuple(_worth(s) for s in sliders if float(s.value or 0) > 0) if is_asked else None,
    )


def _slider(
    thing: str, query: Mapping[str, str], found: Chart, options: Sequence[Option], worths: Sequence[Worth]
) -> Slider:
    """Where nothing is asked of this thing, what the plan weighed it with; nothing for what nobody was asked about."""
    own = next((w.better_days for w in worths if w.thing == thing), 0.0)
    spec = found.knowledge.paths[PATHS[thing]]
    most = max([own, *(float(value) for value in spec.admissible if isinstance(value, float | int))])
    typed = query.get(thing, "").strip()[:12]
    value = number(typed) if typed else own
    wrong = "" if not math.isnan(value) and 0 <= value <= most else _("A number from 0 to %(most)s") % {"most": most}
    is_known = any(ASKED[thing].amount(option) is not None for option in options)
    return Slider(
        thing=thing, unit=Text(key=f"worth.{thing}"), value=typed if wrong else f"{value:g}", most=most, wrong=wrong,
        idle="" if is_known else ASKED[thing].unknown,
    )  # fmt: skip


def _worth(slider: Slider) -> Worth:
    return Worth(thing=slider.thing, unit=slider.unit, better_days=number(slider.value), stated=None)
