"""A simulated trial: what its design would find, as JSON and as text, and the registration that is written before."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, is_dataclass
from datetime import date
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from ketapath import __version__
from ketapath.cohort import Design
from ketapath.cohort.design import Endpoint
from ketapath.domain.cohort import ArmFigures, Contrast, Figure, OperatingCharacteristics, SizeFigures
from ketapath.domain.response import Provenance
from ketapath.knowledge import Knowledge
from ketapath.report.json_parts import evidence_forms, rounded, said
from ketapath.report.words import say

_WIDTH = 100
_NAME = 26
_MISSING = {
    "left-out": "subjects without it are left out",
    "last-seen": "the last total seen stands in",
    "no-benefit": "subjects without it count as without benefit",
}
_TESTS = {
    "means": "Difference of means, t-test of Welch",
    "proportions": "Difference of proportions, pooled z-test, interval of Agresti and Caffo",
}


def trial_json(found: OperatingCharacteristics, knowledge: Knowledge) -> dict[str, Any]:
    """Every figure as value and Monte-Carlo error; null where nothing could be computed or nothing was played."""
    form = _numbers(asdict(found))
    return {
        **form,
        "notes": said(found.notes, knowledge.texts),
        "evidence": evidence_forms(found.evidence),
    }


def _numbers(value: Any) -> Any:
    """The same with six significant figures, and without what is no number."""
    if isinstance(value, Mapping):
        return {name: _numbers(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_numbers(one) for one in value]
    if isinstance(value, float):
        return rounded(value) if math.isfinite(value) else None
    return value


def trial_of(form: Mapping[str, Any]) -> OperatingCharacteristics:
    """What `trial_json` wrote, to draw it again; notes and evidence stay with the form.

    Raises KeyError, TypeError or ValueError for a form of another version.
    """
    found = _read(OperatingCharacteristics, {**form, "notes": [], "evidence": []})
    assert isinstance(found, OperatingCharacteristics)
    return found


def _read(kind: Any, value: Any) -> Any:
    """A value of this type; null is no number where there has to be one, and else what is not there."""
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{field.name: _read(hints[field.name], value[field.name]) for field in fields(kind)})
    if get_origin(kind) is UnionType:
        return None if value is None else _read(get_args(kind)[0], value)
    if get_origin(kind) is tuple:
        return tuple(_read(get_args(kind)[0], one) for one in value)
    if kind is float:
        return math.nan if value is None else float(value)
    return value


def trial_text(found: OperatingCharacteristics, knowledge: Knowledge) -> str:
    """Arms and contrasts, size by size, and what a reader must know."""
    lines = [
        found.title,
        f"Truth: {found.truth}. {found.trials:,} trials of each size, seed {found.seed}, {found.patients:,} virtual "
        f"patients.",
        "Beside each figure stands its Monte-Carlo standard error.",
    ]
    for size in found.sizes:
        lines += ["", *_size(size, found)]
    lines.append("")
    for note in found.notes:
        lines += textwrap.wrap(say(note, knowledge.texts), _WIDTH, initial_indent="- ", subsequent_indent="  ")
    lines += [
        "",
        f"Design {found.digest[:12]}, knowledge {found.knowledge_version}, code {found.code_version}, parameters: "
        f"{found.provenance.name}, version {found.provenance.version}",
    ]
    return "\n".join(lines)


def _size(size: SizeFigures, found: OperatingCharacteristics) -> Iterator[str]:
    yield f"{size.size} subjects an arm"
    yield f"  {'':{_NAME}} {'sessions':>13} {'mg':>13} {'left':>13} {'visits missed':>14} {'past 180':>13}"
    for arm in size.arms:
        yield from _arm(arm)
    for one in size.contrasts:
        yield from _contrast(one, found)


def _arm(arm: ArmFigures) -> Iterator[str]:
    past = "not simulated" if arm.past_180 is None else _percent(arm.past_180)
    yield (
        f"  {_short(arm.name):{_NAME}} {_points(arm.sessions):>13} {_points(arm.mg, 0):>13} "
        f"{_percent(arm.left):>13} {_percent(arm.missed):>14} {past:>13}"
    )
    for one in arm.endpoints:
        show = _percent if one.unit == "1" else _points
        true = "" if one.true is None else f"; if all had stayed {show(one.true)}"
        yield f"    {one.endpoint}: {show(one.mean)}, of {_percent(one.counted)} of subjects{true}"


def _contrast(one: Contrast, found: OperatingCharacteristics) -> Iterator[str]:
    show = _percent if one.unit == "1" else _points
    name = "type-I error" if found.truth == "null" else "power"
    yield f"  {one.endpoint}: {one.first} minus {one.other}"
    yield f"    {name} {_percent(one.rejected)} (lower {_percent(one.lower)}, higher {_percent(one.higher)})"
    truth = "truth not played"
    if one.true is not None and one.bias is not None and one.coverage is not None:
        truth = f"true {show(one.true)}, bias {show(one.bias)}, 95 % interval covers {_percent(one.coverage)}"
    yield f"    estimate {show(one.estimate)}, {truth}"
    if one.trials < found.trials:
        yield f"    no estimate in {found.trials - one.trials} trials: too few subjects counted"


def _points(figure: Figure, digits: int = 2) -> str:
    return "-" if math.isnan(figure.value) else f"{figure.value:.{digits}f} ±{figure.error:.{digits}f}"


def _percent(figure: Figure) -> str:
    return "-" if math.isnan(figure.value) else f"{100 * figure.value:.1f} ±{100 * figure.error:.1f} %"


def _short(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"


def registration(design: Design, knowledge: Knowledge, parameters: Provenance, *, on: date) -> str:
    """The registration as Markdown: what will be run and looked at, written before anything is."""
    form = registration_json(design, knowledge, parameters, on=on)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", design.text)), default=0))
    versions = form["versions"]
    lines = [
        f"# Registration: {design.title}",
        "",
        f"Written on {on.isoformat()}, before the simulation. Every subject will be virtual.",
        "",
        "## What will be run",
        "",
        f"- Truth: {design.truth}",
        f"- Trials of each size: {design.trials}",
        f"- Subjects of an arm of share 1: {', '.join(map(str, design.sizes))}",
        f"- Seed: {design.seed}",
        f"- Subjects of each trial who are played under every arm to know its truth: {design.reference}",
        f"- Digest of the design (SHA-256): {design.digest}",
        f"- Code {versions['code']}, knowledge {versions['knowledge']}",
        f"- Parameters: {parameters.name}, version {parameters.version}, digest {parameters.digest}",
        "",
        "## What will be looked at",
        "",
        *(f"{number}. {words}" for number, words in enumerate(form["analysis"], 1)),
        "",
        "Reported for each, with its Monte-Carlo standard error: share of trials that reject no difference, bias "
        "against the truth of the same trial, coverage of the 95 % interval.",
        "",
        "## The design, as it was read",
        "",
        f"{fence}yaml",
        design.text.rstrip("\n"),
        fence,
        "",
    ]
    return "\n".join(lines)


def registration_json(design: Design, knowledge: Knowledge, parameters: Provenance, *, on: date) -> dict[str, Any]:
    """The same for a program to read."""
    return {
        "title": design.title,
        "written_on": on.isoformat(),
        "truth": design.truth,
        "trials": design.trials,
        "sizes": list(design.sizes),
        "seed": design.seed,
        "reference": design.reference,
        "digest": design.digest,
        "versions": {"code": __version__, "knowledge": knowledge.version},
        "parameters": asdict(parameters),
        "analysis": [_planned(design, one, index) for index, one in enumerate(design.endpoints)],
        "design": design.text,
    }


def _planned(design: Design, one: Endpoint, index: int) -> str:
    pairs = "; ".join(f"{design.arms[a].name} minus {design.arms[b].name}" for a, b in design.contrasts)
    which = "primary" if index == 0 else "secondary"
    words = f"{one.words[0].upper()}{one.words[1:]} on the {design.people.scale} ({which}): {pairs}"
    return f"{words}. {_TESTS[one.test]}, two-sided alpha {design.alpha:g}; {_MISSING[one.missing]}."
