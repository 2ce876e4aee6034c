"""Which published numbers does the fit read, of which arm, and why are the others left out? The table, row by row.

outcomes.csv holds one number a row; arms.csv says how each arm was built. A row that is not used has a reason.
Several numbers of one arm are one group of people: their weights in the fit shrink with their count.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ketapath.knowledge import FOLDER
from ketapath.response.arm import Arm, Regimen

Kind = Literal["change", "response", "remission", "contrast", "contrast-in-sd", "relapse", "completed"]
EARLIEST_DAY = 0.08  # source: our choice, two hours; before that the acute state is scored
_SAME_PEOPLE = 0.5  # source: our choice, correlation taken between numbers of one arm
_KINDS: Mapping[str, Kind] = {
    "change": "change",
    "mean": "change",
    "pct_change": "change",
    "response_pct": "response",
    "remission_pct": "remission",
    "ls_mean_diff_vs_control": "contrast",
    "cohen_d_vs_control": "contrast-in-sd",
    "cohen_d_vs_midazolam": "contrast-in-sd",
    "standardised_beta": "contrast-in-sd",
    "relapse_pct": "relapse",
    "median_time_to_relapse_days": "relapse",
    "completed_pct": "completed",
}
_NOMINAL_N = 20  # source: our choice, for an arm whose size no report states
_SCALES = {"HDRS": "HDRS17", "HAM-D": "HDRS17", "HAMD17": "HDRS17", "not stated in abstract": "MADRS"}
_OTHERS = (
    "PTSD",
    "AUD",
    "CRPS",
    "OCD",
    "SAD",
    "GAD/SAD",
    "measurement",
    "perioperative",
    "neuropathic pain",
    "TRD safety",
)
_TWELVE = frozenset({"TRANSFORM-1", "TRANSFORM-2", "SUSTAIN-1", "SUSTAIN-2"})  # they call 12 or less remission
_CONTRAST_ERROR = re.compile(r"SE\s*([\d.]+)")
_CHANGE_ERROR = re.compile(r"LS SE\s*([\d.]+)")
_INTERVAL = re.compile(r"(-?[\d.]+)(?:\s+to\s+|-)(-?[\d.]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Datum:
    """One number of the table with the arm it is of.

    `value` is in points (a fall is negative), in standard deviations for "contrast-in-sd", else a share. `error` is its
    standard error where the paper gives one. `day` counts from the first session, for a relapse from the last.
    """

    row: int
    study: str
    kind: Kind
    scale: str
    day: float
    value: float
    error: float | None
    arm: Arm
    against: Arm | None
    remission_at: float
    remitters: bool
    weight: float
    label: str
    citation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A row that the fit does not read, with the reason as a word."""

    row: int
    study: str
    reason: str


def outcomes(scales: Mapping[str, Any], folder: Path = FOLDER / "response") -> tuple[list[Datum], list[LeftOut]]:
    """Every number that is used, and every row that is not."""
    rows = _table(folder / "outcomes.csv")
    arms = {(a["study"], a["arm"]): a for a in _table(folder / "arms.csv")}
    reasons = {row["study"]: row["reason"] for row in _table(folder / "left_out.csv")}
    for row in rows:
        spec = arms.get((row["study"], row["arm"]), {})
        for field in ("n", "baseline_mean", "baseline_sd"):  # an arm is described by whichever of its rows does so
            if row[field] and spec and not spec[field]:
                spec[field] = row[field]
    used: list[Datum] = []
    left: list[LeftOut] = []
    for row in rows:
        reason = _reason(row, arms, reasons)
        if reason is None:
            used.append(_datum(row, arms, scales))
        else:
            left.append(LeftOut(row=int(row["row"]), study=row["study"], reason=reason))
    return _weighted(_once(_not_early(used, left), left)), left


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


_Arms = Mapping[tuple[str, str], Mapping[str, str]]


def _reason(row: Mapping[str, str], arms: _Arms, reasons: Mapping[str, str]) -> str | None:
    if row["kind"] == "qualitative_only":
        return "no-number"
    if row["indication"] in _OTHERS:
        return "another-condition"
    if row["drug"] == "ECT":
        return "another-treatment"
    if row["study"] in reasons:
        return reasons[row["study"]]
    if row["study"] not in {study for study, _arm in arms}:
        return "not-about-the-course"
    if row["kind"] not in _KINDS:
        return "another-measure"
    arm = arms.get((row["study"], row["arm"]))
    if arm is None or (row["kind"] in _COMPARED and not arm["against"]):
        return "another-arm"
    if _SCALES.get(row["scale"], row["scale"]) not in _KNOWN_SCALES:
        return "another-scale"
    day = _day(row, arm)
    if day is None or (arm["until_day"] and day > float(arm["until_day"])):
        return "day-not-stated" if day is None else "care-since-then-unknown"
    if row["study"] == "SUSTAIN-1" and row["kind"] == "median_time_to_relapse_days":
        return "said-twice"  # its day is that of the shares
    return None if day >= EARLIEST_DAY else "minutes-after-the-dose"


_COMPARED = frozenset({"ls_mean_diff_vs_control", "cohen_d_vs_control", "cohen_d_vs_midazolam", "standardised_beta"})
_KNOWN_SCALES = frozenset({"MADRS", "PHQ-9", "QIDS-SR16", "HDRS17", "HAM-D6", "HDRS21", "HDRS25", "HDRS-28"})


def _day(row: Mapping[str, str], arm: Mapping[str, str]) -> float | None:
    """The day of the number, in days since the first session, for a relapse since the last."""
    if row["kind"] in ("relapse_pct", "median_time_to_relapse_days"):
        if row["study"] == "SUSTAIN-1":
            return 273.0  # source: SUSTAIN1, the placebo arm's median; the other arm by the hazard ratio of 0.49
        text = row["value"] if row["kind"].startswith("median") else row["days_from_last"]
    else:
        text = row["days_from_first"] or arm["day"]
    if "-" in text:
        low, high = text.split("-")
        return (float(low) + float(high)) / 2.0
    return float(text) + float(arm["moved_days"] or 0.0) if text else None


def _datum(row: Mapping[str, str], arms: _Arms, scales: Mapping[str, Any]) -> Datum:
    kind = _KINDS[row["kind"]]
    scale = _SCALES.get(row["scale"], row["scale"])
    spec = arms[row["study"], row["arm"]]
    arm = _arm(row, spec, scale)
    against = None
    if kind.startswith("contrast"):
        against = _arm(row, arms[row["study"], spec["against"]], scale)
        arm, against = _of_one_study(arm, against, row)
    value, error = _value(row, kind, arm, scales[scale])
    day = _day(row, spec)
    assert day is not None
    return Datum(
        row=int(row["row"]),
        study=spec["trial"],
        kind=kind,
        scale=scale,
        day=day,
        value=value,
        error=error,
        arm=arm,
        against=against,
        remission_at=12.0 if row["study"] in _TWELVE else float(scales[scale]["remission"]),
        remitters="remitters" in row["arm"],
        weight=1.0,
        label=row["arm"],
        citation=row["citation"],
    )


def _of_one_study(arm: Arm, against: Arm, row: Mapping[str, str]) -> tuple[Arm, Arm]:
    """Both arms with one baseline where only one is told, and with their own sizes where the row counts both."""
    start = against.baseline if arm.baseline is None else arm.baseline
    spread = against.baseline_sd if arm.baseline_sd is None else arm.baseline_sd
    total = int(row["n"]) if row["n"] else arm.n
    own = total - against.n if arm.n == total and total > against.n else arm.n  # a crossover counts everybody in both
    return (
        replace(arm, baseline=start, baseline_sd=spread, n=own),
        replace(
            against,
            baseline=start if against.baseline is None else against.baseline,
            baseline_sd=spread if against.baseline_sd is None else against.baseline_sd,
        ),
    )


def _arm(row: Mapping[str, str], spec: Mapping[str, str], scale: str) -> Arm:
    return Arm(
        n=int(float(spec["n"] or _NOMINAL_N)),
        scale=scale,
        control=spec["control"],
        condition=spec["condition"],
        resistant=spec["resistant"] == "yes",
        inpatient=spec["inpatient"] == "yes",
        routine=spec["routine"] == "yes",
        new_antidepressant=spec["new_antidepressant"] == "yes",
        baseline=_plain(spec["baseline_mean"]),
        baseline_sd=_plain(spec["baseline_sd"]),
        regimen=_regimen(spec),
        sd=_plain(spec["sd"]) or _plain(row["spread"]) if row["kind"] == "change" else None,
    )


def _regimen(spec: Mapping[str, str]) -> Regimen | None:
    if not spec["dose"]:
        return None
    return Regimen(
        product=spec["product"],
        route=spec["route"],
        dose=float(spec["dose"]),
        unit="mg/kg" if spec["unit"] == "mg/kg" else "mg",
        days=tuple(float(day) for day in spec["days"].split()),
        every_days=_plain(spec["every_days"]),
    )


def _plain(text: str) -> float | None:
    """A cell that is one number, or None."""
    try:
        return float(text)
    except ValueError:
        return None


def _value(row: Mapping[str, str], kind: Kind, arm: Arm, spec: Mapping[str, Any]) -> tuple[float, float | None]:
    """The number in the unit of its kind, and its standard error where the row gives one."""
    baseline = arm.baseline if arm.baseline is not None else float(spec["baseline"])
    low, _, high = row["value"].partition("-") if not row["value"].startswith("-") else (row["value"], "", "")
    value = (float(low) + float(high)) / 2.0 if high else float(row["value"])
    if row["study"] == "SUSTAIN-1":
        return (0.5, None) if arm.regimen is None or arm.regimen.every_days is None else (1.0 - 0.5**0.49, None)
    if row["kind"] == "median_time_to_relapse_days":
        return 0.5, None
    if kind in ("response", "remission", "relapse", "completed"):
        return value / 100.0, None
    if row["kind"] == "mean":
        value = value - baseline
    elif row["kind"] == "pct_change":
        value = value / 100.0 * baseline
    return (-abs(value) if kind.startswith("contrast") else value), _stated_error(row["spread"], kind)


def _stated_error(text: str, kind: Kind) -> float | None:
    found = (_CONTRAST_ERROR if kind.startswith("contrast") else _CHANGE_ERROR).search(text)
    if found:
        return float(found.group(1))
    interval = _INTERVAL.search(text)
    if interval and kind.startswith("contrast"):
        return abs(float(interval.group(2)) - float(interval.group(1))) / 3.92
    return None


def _not_early(used: Sequence[Datum], left: list[LeftOut]) -> list[Datum]:
    """Without the hours after a dose where the arm was also scored later."""
    later = {(d.study, d.label) for d in used if d.day >= 0.5}
    kept = []
    for datum in used:
        if datum.day < 0.5 and (datum.study, datum.label) in later:
            left.append(LeftOut(row=datum.row, study=datum.study, reason="hours-after-the-dose"))
        else:
            kept.append(datum)
    return kept


def _once(used: Sequence[Datum], left: list[LeftOut]) -> list[Datum]:
    """The first of two numbers that say the same of one arm on one day."""
    kept: dict[tuple[str, str, str, float], Datum] = {}
    for datum in used:
        key = (datum.study, datum.label, datum.kind, datum.day)
        if key in kept:
            left.append(LeftOut(row=datum.row, study=datum.study, reason="said-twice"))
        else:
            kept[key] = datum
    return list(kept.values())


def _weighted(used: Sequence[Datum]) -> list[Datum]:
    """k numbers of one group of people count as k / (1 + (k - 1) r) independent ones; a contrast counts in full.

    A level beside a contrast of its study counts half, so that the difference is not said twice.
    """
    counts = Counter((d.study, d.label) for d in used if not d.kind.startswith("contrast"))
    compared = {d.study for d in used if d.kind.startswith("contrast")}

    def weight(datum: Datum) -> float:
        if datum.kind.startswith("contrast"):
            return 1.0
        alone = 1.0 / (1.0 + (counts[datum.study, datum.label] - 1) * _SAME_PEOPLE)
        return alone / 2.0 if datum.study in compared and datum.kind != "relapse" else alone

    return [replace(datum, weight=weight(datum)) for datum in used]


def studied(used: Sequence[Datum]) -> Iterator[tuple[str, str, str]]:
    """Product, route and condition of every arm with a number of its own."""
    seen = {
        (d.arm.regimen.product, d.arm.regimen.route, d.arm.condition): None for d in used if d.arm.regimen is not None
    }
    yield from seen
