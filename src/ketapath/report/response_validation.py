"""What trials observed beside what the response model says: as JSON, as text, and as the page of docs/reference/."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from ketapath.report.forest import Interval, forest
from ketapath.response.order import Ordered
from ketapath.response.validation import Compared, ResponseValidated, Scored

_WIDTH = 120
_UNITS: Mapping[str, str] = MappingProxyType(
    {
        "contrast": "differences between arms, MADRS points at a baseline of 33",
        "level": "changes of single arms, MADRS points at a baseline of 33",
        "share": "response and remission, percent",
        "relapse": "of those in response or remission after the last session, percent",
    }
)
_AXES: Mapping[str, tuple[float, float, float]] = MappingProxyType(
    {"contrast": (-24, 6, 6), "level": (-30, 6, 6), "share": (0, 100, 20), "relapse": (0, 100, 20)}
)
_RULE = (
    "Predicted is what a new study of that size would observe, its own context drawn anew. `all` was fitted with the "
    "study, `without` without it: only that tells how good the model is. Contrasts given in standard deviations are "
    "turned into points by the predicted spread; they are counted in `contrast` and left out of `contrast, in points`. "
    "Yardsticks are what no model at all reaches on the same rows."
)
_READING = (
    "A row says what was observed, the middle of what was predicted and, in brackets, the 80 % interval. * marks what "
    "was observed outside it."
)
_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "pooled": "pooled from several trials",
        "another-condition": "people treated for something other than depression",
        "another-arm": "an arm that the model does not describe, or without its control",
        "another-measure": "another measure than change, response, remission or relapse",
        "no-number": "words without a number",
        "day-not-stated": "the day of the number is not stated",
        "not-about-the-course": "a study of something other than the course of symptoms",
        "under-anaesthesia": "ketamine given under anaesthesia",
        "dose-not-stated": "the dose is not stated",
        "hours-after-the-dose": "hours after a dose, where the arm was also scored later",
        "minutes-after-the-dose": "within two hours of the dose, while it acts acutely",
        "shares-its-patients": "the same patients as another study of the table",
        "care-since-then-unknown": "after a time in which treatment is not known",
        "another-scale": "a scale that the model does not have",
        "another-treatment": "another treatment than ketamine",
        "minors": "people under 18 years",
        "said-twice": "the same as another row",
        "subgroup-size-not-stated": "a part of an arm, of unknown size",
        "any-time-within-a-week": "counted at any time within a week",
    }
)
AIM = 3.0  # source: the aim that was set before fitting, points
_AIM_COVERED = (0.70, 0.90)


def response_validation_json(found: ResponseValidated) -> dict[str, Any]:
    """Figures by structure, fit and table; every row; what is left out, and why; the orders that must hold."""
    return {
        "figures": [
            {"structure": structure, "fit": which, "table": table, **asdict(score)}
            for (structure, which, table), score in found.figures.items()
        ],
        "aims": [{"aim": aim, "reached": reached, "value": value} for aim, reached, value in _aims(found)],
        "structures": asdict(found.structures),
        "orders": [asdict(one) for one in found.orders],
        "rows": [{"structure": s, "fit": w, **asdict(row)} for s, w, row in found.rows],
        "left_out": [asdict(one) for one in found.left_out],
    }


def response_validation_text(found: ResponseValidated) -> str:
    """The figures, the orders, and the contrasts of studies that the fit had not seen."""
    lines = ["Response model beside published trials", *textwrap.wrap(_RULE, _WIDTH), ""]
    lines.append(f"{'structure':9} {'fit':8} {'table':20} {'rows':>4} {'RMSE':>6} {'50 %':>5} {'80 %':>5} {'95 %':>5}")
    for (structure, which, table), score in found.figures.items():
        lines.append(
            f"{structure:9} {which:8} {table:20} {score.count:4} {score.rmse:6.2f} {score.in_50:5.0%} "
            f"{score.in_80:5.0%} {score.in_95:5.0%}  {_yardsticks(score)}"
        )
    lines += ["", *textwrap.wrap(_structures(found), _WIDTH), "", *(_order_text(one) for one in found.orders), ""]
    lines += [f"Aim: {aim}: {'reached' if met else 'missed'} ({value})" for aim, met, value in _aims(found)]
    lines += ["", "Contrasts, each predicted by a fit without its study", *textwrap.wrap(_READING, _WIDTH)]
    lines += _rows_text(_chosen(found, "contrast"))
    lines += ["", f"Left out: {len(found.left_out)} rows"]
    lines += [f"  {count:4} {reason}" for reason, count in _reasons(found)]
    return "\n".join(lines)


def response_validation_page(found: ResponseValidated) -> Iterator[str]:
    """The page response-validation.md, line by line."""
    yield from (
        "# What trials observed, and what the response model says",
        "",
        "Written by `make reference` from `src/ketapath/knowledge/response/`; a test holds the two together.",
        "`ketapath validate response` prints the figures and the contrasts, with `--json` every row. `make fit` makes",
        "the fits anew.",
        "",
        *textwrap.wrap(_RULE, _WIDTH),
        "",
        "| structure | fit | table | rows | RMSE | in 50 % | in 80 % | in 95 % | beside |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    )
    for (structure, which, table), score in found.figures.items():
        yield (
            f"| {structure} | {which} | {table} | {score.count} | {score.rmse:.2f} | {score.in_50:.0%} | "
            f"{score.in_80:.0%} | {score.in_95:.0%} | {_yardsticks(score)} |"
        )
    yield from ("", *textwrap.wrap(_structures(found), _WIDTH))
    yield from ("", "| aim, leaving each study out | reached |  |", "| --- | --- | --- |")
    for aim, met, value in _aims(found):
        yield f"| {aim} | {'yes' if met else '**no**'} | {value} |"
    yield from ("", "## Orders that must hold", "", "| what | holds | probability |", "| --- | --- | --- |")
    for one in found.orders:
        yield f"| {one.what} | {'yes' if one.holds else '**no**'} | {one.probability:.2f} |"
    yield from ("", "![Contrasts, each predicted without its study](response-contrasts.svg)", "")
    for table in _UNITS:
        yield from (
            f"## {table.capitalize()}: {_UNITS[table]}",
            "",
            "Each row predicted by a fit without its study.",
            "",
        )
        yield from _rows_page(_chosen(found, table))
        yield ""
    yield from ("## Left out", "", "| reason | rows |", "| --- | --- |")
    for reason, count in _reasons(found):
        yield f"| {reason} | {count} |"


def validation_picture(found: ResponseValidated, table: str) -> str:
    """Every number of a table with its 80 and 95 % interval by a fit without its study."""
    rows = [
        Interval(
            name=f"{r.study}, {r.label}, day {r.day:g}"[:52],
            outer=(r.p025, r.p975),
            inner=(r.p10, r.p90),
            observed=r.observed,
        )
        for r in _chosen(found, table)
    ]
    legend = "dot: observed; grey: 95 %, blue: 80 % of new studies by a fit without this one"
    low, high, step = _AXES[table]
    return forest(rows, title=f"{table.capitalize()}: {_UNITS[table]}", legend=legend, low=low, high=high, step=step)


def _chosen(found: ResponseValidated, table: str) -> list[Compared]:
    return [row for s, w, row in found.rows if (s, w, row.table) == ("build-up", "without", table)]


def _aims(found: ResponseValidated) -> Iterator[tuple[str, bool, str]]:
    score = found.figures["build-up", "without", "contrast"]
    points = found.figures["build-up", "without", "contrast, in points"]
    constant = score.yardsticks["constant contrast"]
    low, high = _AIM_COVERED
    yield f"contrast RMSE at most {AIM:g} points", score.rmse <= AIM, f"{score.rmse:.2f}; {points.rmse:.2f} in points"
    yield "better than a constant contrast", score.rmse < constant, f"{score.rmse:.2f} against {constant:.2f}"
    yield f"80 % intervals hold {low:.0%} to {high:.0%}", low <= score.in_80 <= high, f"{score.in_80:.0%}"
    # Asked after the fit, of the tables for which no aim had been set.
    share = found.figures["build-up", "without", "share"]
    held = f"80 % intervals of response and remission hold {low:.0%} to {high:.0%}"
    yield held, low <= share.in_80 <= high, f"{share.in_80:.0%}"
    for table, name in (("share", "response and remission"), ("relapse", "relapse")):
        one = found.figures["build-up", "without", table]
        others = one.yardsticks["the mean of the other studies"]
        figures = f"{one.rmse:.1f} against {others:.1f} percent"
        yield f"{name} better than the mean of the other studies", one.rmse < others, figures


def _structures(found: ResponseValidated) -> str:
    score = found.structures
    apart = abs(score.difference) > score.error
    return (
        f"Build-up against restore: the log score of what was not seen differs by {score.difference:+.2f} a study "
        f"(standard error {score.error:.2f}, {score.studies} studies; above 0 speaks for build-up). "
        + ("The better one should be used alone." if apart else "Not told apart, so both are used in equal parts.")
    )


def _yardsticks(score: Scored) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in score.yardsticks.items())


def _order_text(one: Ordered) -> str:
    return f"{'holds' if one.holds else 'DOES NOT HOLD':14} {one.what} (probability {one.probability:.2f})"


def _rows_text(rows: Sequence[Compared]) -> Iterator[str]:
    for r in rows:
        mark = "" if r.p10 <= r.observed <= r.p90 else "*"
        yield (
            f"{r.row:4} {r.study[:20]:20} {r.label[:30]:30} {r.scale:9} day {r.day:<4g} observed {r.observed:6.1f} "
            f"predicted {r.p50:6.1f} [{r.p10:6.1f} to {r.p90:6.1f}] {mark}"
        )


def _rows_page(rows: Sequence[Compared]) -> Iterator[str]:
    yield "| row | study | arm | scale, day | kind | observed | predicted | 80 % | in |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for r in rows:
        yield (
            f"| {r.row} | {r.study} | {r.label} | {r.scale}, {r.day:g} | {r.kind} | {r.observed:.1f} | {r.p50:.1f} | "
            f"{r.p10:.1f} to {r.p90:.1f} | {'yes' if r.p10 <= r.observed <= r.p90 else 'no'} |"
        )


def _reasons(found: ResponseValidated) -> Iterator[tuple[str, int]]:
    """Why rows are left out, in words, and how many for each."""
    for reason, count in Counter(one.reason for one in found.left_out).most_common():
        yield _REASONS[reason], count
