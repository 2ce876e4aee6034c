"""How are the alternatives said? Figures, reasons, what was tried and what moved, as texts that every form shows.

Shares are whole people of 100; an interval says whether it was published or computed by us, and where there is none the
text says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from ketapath.domain.alternative import Alternative, Arm, Comparison, Move, Reason, Tried
from ketapath.domain.evidence import Text


def heading(comparison: Comparison) -> Text:
    """Which trial, how it was made, in whom, what was counted and when."""
    design = "design.randomised" if comparison.randomised else "design.not_randomised"
    values = {
        "trial": comparison.trial,
        "design": Text(key=design),
        "masking": Text(key=f"masking.{comparison.masking}"),
        "population": comparison.population,
        "outcome": Text(key=f"outcome.{comparison.outcome}"),
        "when": comparison.when,
    }
    return Text(key="figure.heading", values=values)


def share(arm: Arm) -> Text:
    """So many of 100 in one group, with interval and number of people where they are known."""
    percent = _whole(arm.percent)
    if arm.interval is None:
        return Text(key="figure.share_alone", values={"percent": percent})
    limits = {"low": _whole(arm.interval.low), "high": _whole(arm.interval.high)}
    if arm.n is None:
        return Text(key="figure.share_published", values={"percent": percent, **limits})
    key = "figure.share_computed" if arm.interval.computed else "figure.share"
    return Text(key=key, values={"percent": percent, "n": arm.n, **limits})


def difference(comparison: Comparison) -> Text | None:
    """The first group minus the last; None where three groups stand side by side."""
    found = comparison.difference
    if found is None:
        return None
    unit = found.unit or Text(key="unit.of_100")
    if found.interval is None:
        return Text(key="figure.difference_alone", values={"value": f"{found.value:g}", "unit": unit})
    key = "figure.difference"
    if found.computed:
        key += "_computed" if found.interval.computed else "_point_computed"
    numbers = {"value": found.value, "low": found.interval.low, "high": found.interval.high}
    said = {name: _whole(v) if found.unit is None else f"{v:.3g}" for name, v in numbers.items()}
    return Text(key=key, values={**said, "unit": unit})


def result(comparison: Comparison) -> Text:
    """The difference, and for which of the two it speaks, or that the figures cannot say it."""
    speaks, apart = Text(key=f"favours.{comparison.favours or 'cannot_say'}"), difference(comparison)
    if apart is None:
        return Text(key="figure.result_alone", values={"favours": speaks})
    return Text(key="figure.result", values={"difference": apart, "favours": speaks})


def without_figures(found: Alternative) -> tuple[Text, ...]:
    """Each thing that our evidence has no figures for, by name unless it is the alternative itself."""
    return tuple(
        Text(key="figure.none") if name == found.title else Text(key="figure.none_of", values={"name": name})
        for name in found.uncompared
    )


def holding(found: Alternative) -> tuple[Reason, ...]:
    """The reasons that hold for this person, those for the alternative first."""
    return tuple(sorted((r for r in found.reasons if r.holds), key=lambda r: r.favours != "alternative"))


def why(reason: Reason) -> Text:
    """A reason with for whom it speaks."""
    return Text(key=f"reason.{reason.favours}", values={"statement": reason.statement})


def open_facts(found: Alternative) -> tuple[str, ...]:
    """The facts (paths) that leave open whether something speaks for this alternative."""
    lacking = [p for r in found.reasons if r.holds is None and r.favours == "alternative" for p in r.missing]
    return tuple(dict.fromkeys(lacking))


def how_it_went(tried: Tried) -> Text:
    """What was tried and how it went, the substance first where one is named."""
    if tried.what is None:
        return tried.statement
    return Text(key="tried.named", values={"what": tried.what, "statement": tried.statement})


def moved(move: Move) -> Text:
    """From which place to which."""
    return Text(key="values.move", values={"was": move.was, "now": move.now})


def because(move: Move) -> Iterator[Text]:
    """What counted for it or against it, line by line."""
    for part in move.counted:
        values = {"title": part.title, "weight": Text(key=f"weight.{part.weight}"), "level": part.level}
        yield Text(key="values.counted", values=values)


def not_counted(move: Move) -> Iterator[Text]:
    """What matters to the person and is not known of it."""
    yield from (Text(key="values.not_counted", values={"title": title}) for title in move.unknown)


def _whole(value: float) -> str:
    """Whole people, halves upwards."""
    return f"{math.floor(value + 0.5)}"
