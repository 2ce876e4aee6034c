"""What was measured beside what the models say: as text for a terminal, as JSON, and as the page of docs/reference/."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from ketapath.pharmacology.validation import TWOFOLD, WITHIN, Compared, NotPredicted, Validated

_WIDTH = 120
_ABOUT: Mapping[str, str] = MappingProxyType(
    {
        "reproduction": "rows of a model's own paper, or from which a constant of it was set",
        "validation": "independent rows",
    }
)
_RULE = (
    "The typical person of the model is compared; the band holds 90 of 100 new people. The rule was fixed before any "
    "prediction was looked at, and no constant is tuned to pass."
)
_NORKETAMINE = (
    "In all models but the film's, norketamine is counted in milligrams of ketamine without conversion by molar mass "
    "(6 %), as their transcriptions do, and stands beside weighed norketamine as it is. What was assumed of dose, "
    "weight, infusion and window stands with each row."
)


def validation_json(found: Validated) -> dict[str, Any]:
    """Three lists; `passed` of `of` rows, and how many lie within twofold and inside the band."""
    return {
        **{table: _table_json(getattr(found, table), WITHIN[table]) for table in WITHIN},
        "not_predicted": [asdict(row) for row in found.not_predicted],
    }


def _table_json(rows: Sequence[Compared], within: tuple[float, float]) -> dict[str, Any]:
    return {**_counts(rows), "within": list(within), "rows": [asdict(row) for row in rows]}


def _counts(rows: Sequence[Compared]) -> dict[str, int]:
    return {
        "passed": sum(row.passed for row in rows),
        "of": len(rows),
        "within_twofold": sum(row.twofold for row in rows),
        "in_band": sum(row.in_band for row in rows),
    }


def validation_text(found: Validated) -> str:
    """Each table with its rule and count, each miss with its explanation, then what is not predicted and why."""
    lines: list[str] = []
    for table in WITHIN:
        lines += [*_head(table, getattr(found, table)), "", *_rows_text(getattr(found, table)), ""]
    lines.append(f"Not predicted: {len(found.not_predicted)}")
    for group, reason in _by_reason(found.not_predicted):
        numbers = ", ".join(str(row.row) for row in group)
        lines += ["", *textwrap.wrap(f"Rows {numbers} ({'; '.join(_studies(group))}): {reason}", _WIDTH)]
    return "\n".join(lines)


def _head(table: str, rows: Sequence[Compared]) -> list[str]:
    counts, (low, high) = _counts(rows), WITHIN[table]
    return [
        f"{table.capitalize()}, {_ABOUT[table]}: {counts['passed']} of {counts['of']} pass",
        f"(predicted / observed {low:g} to {high:g}, ranges inside; {counts['within_twofold']} within "
        f"{TWOFOLD[0]:g} to {TWOFOLD[1]:g}; {counts['in_band']} observed inside the band)",
    ]


def _rows_text(rows: Sequence[Compared]) -> Iterator[str]:
    yield (
        f"{'row':>4} {'study':25} {'what':44} {'observed':>13} {'typical':>8} {'5 %':>8} {'50 %':>8} {'95 %':>8} "
        f"{'ratio':>5}"
    )
    for row in rows:
        levels = " ".join(f"{_three(value):>8}" for value in (row.typical, row.p05, row.p50, row.p95))
        yield (
            f"{row.row:4} {row.study[:25]:25} {row.what[:44]:44} {row.observed:>13} {levels} {_ratio(row):>5} "
            f"{_mark(row):4} {row.unit}, {row.model}, {row.site}"
        )
        if row.explanation:
            yield from textwrap.wrap(row.explanation, _WIDTH, initial_indent=" " * 5, subsequent_indent=" " * 5)


def validation_page(found: Validated) -> Iterator[str]:
    """The page pk-validation.md, line by line."""
    yield from (
        "# What was measured, and what the models say",
        "",
        "Written by `make reference` from `src/ketapath/knowledge/observed/`; a test holds the two together.",
        "`ketapath validate pk` prints the same, with `--json` for a machine.",
        "",
        *textwrap.wrap(_RULE, _WIDTH),
        *textwrap.wrap(_NORKETAMINE, _WIDTH),
        "",
        "| table | rows | pass | rule | within twofold | inside the band |",
        "| --- | --- | --- | --- | --- | --- |",
    )
    for table in WITHIN:
        counts, (low, high) = _counts(getattr(found, table)), WITHIN[table]
        yield (
            f"| {table}: {_ABOUT[table]} | {counts['of']} | {counts['passed']} | {low:g} to {high:g}, ranges inside | "
            f"{counts['within_twofold']} | {counts['in_band']} |"
        )
    yield f"| not predicted | {len(found.not_predicted)} |  |  |  |  |"
    for table in WITHIN:
        yield from ("", f"## {table.capitalize()}", "", *_rows_page(getattr(found, table)))
    yield from (
        "",
        "## Not predicted",
        "",
        "| row | study | what | observed | why |",
        "| --- | --- | --- | --- | --- |",
    )
    for gone in found.not_predicted:
        yield f"| {gone.row} | {gone.study} | {gone.what} | {gone.observed} {gone.unit} | {gone.reason} |"


def _rows_page(rows: Sequence[Compared]) -> Iterator[str]:
    yield "| row | study | what | observed | typical | 5 to 95 % | ratio |  | model, blood | taken as | why it misses |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for row in rows:
        yield (
            f"| {row.row} | {row.study} | {row.what} | {row.observed} {row.unit} | {_three(row.typical)} | "
            f"{_three(row.p05)} to {_three(row.p95)} | {_ratio(row)} | {_mark(row)} | `{row.model}`, {row.site} | "
            f"{row.said} | {row.explanation} |"
        )


def _by_reason(rows: Sequence[NotPredicted]) -> Iterator[tuple[list[NotPredicted], str]]:
    groups: dict[str, list[NotPredicted]] = {}
    for row in rows:
        groups.setdefault(row.reason, []).append(row)
    yield from ((group, reason) for reason, group in groups.items())


def _studies(rows: Sequence[NotPredicted]) -> list[str]:
    return list(dict.fromkeys(row.study for row in rows))


def _ratio(row: Compared) -> str:
    return "" if row.ratio is None else f"{row.ratio:.2f}"


def _mark(row: Compared) -> str:
    return "pass" if row.passed else "miss"


def _three(value: float) -> str:
    """Three digits, without an exponent."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
