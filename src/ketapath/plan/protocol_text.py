"""The protocol as plain text, one fact a line, and the difference between two of them, line by line.

An option and the plan that was signed from it give the same lines for everything that a record keeps. What it keeps
only with the recommendation (monitoring, stop rules, versions) is read from there. What neither holds is no line:
`compare` then says that it is not recorded, never that it is new.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time
from typing import Any

from ketapath.domain.evidence import Finding, Text
from ketapath.domain.plan import Appointment, Change, Line, Option, Plan, PlannedVisit, Recommendation, SignedPlan
from ketapath.knowledge import Knowledge
from ketapath.plan.regimens import regimen_of

_KINDS = ("session", "preparation", "integration", "psychotherapy", "call", "check")
_UNKNOWN = "unknown"


def offered_text(option: Option, plan: Plan) -> tuple[Line, ...]:
    """The lines of an option that may be signed."""
    later = {step.from_session: step.dose_mg for step in option.steps[1:]}
    first = None if option.dose is None else option.dose.dose_mg
    tasks = [(t.need, t.title, t.who, t.due) for t in option.support]
    return (
        *_way(option.protocol_id, option.product, option.route, option.way),
        *_doses(first, option.infusion_min, later if first is not None else {}),
        *_visits(option.schedule),
        Line(key="spacing", text=option.maintenance),
        *_tasks(tasks),
        *(Line(key=text.key, text=text) for text in option.psychotherapy),
        *(_rule("monitoring", f) for f in option.monitoring),
        *(_rule("stop", f) for f in option.stop_rules),
        *_versions(plan.knowledge_version, plan.code_version),
    )


def signed_text(
    signed: SignedPlan, knowledge: Knowledge, *, recommendation: Recommendation | None = None
) -> tuple[Line, ...]:
    """The lines of a plan as it was signed; `recommendation` is the one it was signed on, where the record has it."""
    regimen = regimen_of(signed.option_id, knowledge)
    way = Text(key="protocol_line.way_unknown") if regimen is None else Text(key=f"course.{regimen.course}")
    spacing = Text(key="protocol_line.way_unknown")
    if regimen is not None and regimen.every_days is not None:
        spacing = Text(key="maintenance.every", values={"days": regimen.every_days})
    elif regimen is not None:
        spacing = Text(key="maintenance.none")
    values = {"by": signed.signed_by, "on": signed.signed_on.isoformat(timespec="minutes"), "status": signed.status}
    return (
        *_way(signed.protocol_id, signed.product, signed.route, way),
        *_doses(signed.dose_mg, signed.infusion_min, signed.steps),
        *_visits(signed.visits),
        Line(key="spacing", text=spacing),
        *_tasks([(t.need, t.title, t.who, t.due) for t in signed.tasks]),
        *(() if recommendation is None else _recommended(recommendation, signed.option_id)),
        Line(key="signed", text=Text(key="protocol_line.signed", values=values)),
    )


def compare(old: Sequence[Line], new: Sequence[Line]) -> tuple[Change, ...]:
    """Every line of both, in the order of the new one; what only the old one has stands after its neighbours of old.

    A line of a group that the old one holds nothing of is not recorded there. Who signed is no part of what is planned.
    """
    before, after = ({line.key: line for line in lines if line.group != "signed"} for lines in (old, new))
    recorded = {line.group for line in before.values()}
    found = [_change(before.get(key), line, line.group in recorded) for key, line in after.items()]
    place = {change.key: i for i, change in enumerate(found)}
    last = -1.0
    placed = [(float(i), change) for i, change in enumerate(found)]
    for key, line in before.items():
        last = float(place[key]) if key in place else last + 1e-4
        if key not in place:
            placed.append((last, Change(kind="removed", key=key, before=line.text, after=None)))
    return tuple(change for _, change in sorted(placed, key=lambda pair: pair[0]))


def _change(before: Line | None, after: Line, is_recorded: bool) -> Change:
    if before is None:
        return Change(kind="added" if is_recorded else "not-recorded", key=after.key, before=None, after=after.text)
    same = before.text == after.text
    return Change(kind="kept" if same else "changed", key=after.key, before=before.text, after=after.text)


def _way(protocol: str, product: str, route: str, way: Text) -> Iterator[Line]:
    title = Text(key=f"protocol.{protocol}")
    yield Line(key="product", text=Text(key="protocol_line.product", values={"product": product, "title": title}))
    yield Line(key="route", text=Text(key="protocol_line.route", values={"route": route}))
    yield Line(key="way", text=way)


def _doses(first: float | None, infusion_min: float | None, later: Mapping[int, float]) -> Iterator[Line]:
    if first is None:
        yield Line(key="dose.first", text=Text(key="protocol_line.no_dose"))
    else:
        yield Line(key="dose.first", text=Text(key="protocol_line.dose", values={"mg": f"{first:g}"}))
    for number, mg in later.items():
        values = {"number": number, "mg": f"{mg:g}"}
        yield Line(key=f"dose.from-{number}", text=Text(key="protocol_line.dose_step", values=values))
    minutes = None if first is None else infusion_min
    key = "protocol_line.no_infusion" if minutes is None else "protocol_line.infusion"
    yield Line(key="infusion", text=Text(key=key, values={} if minutes is None else {"minutes": f"{minutes:g}"}))


def _visits(visits: Sequence[Appointment | PlannedVisit]) -> Iterator[Line]:
    """Each appointment by its kind: a session by its number, the others in order of time."""
    for kind in _KINDS:
        same = sorted((v for v in visits if v.kind == kind), key=lambda v: (v.on, str(v.starts)))
        for place, visit in enumerate(same, start=1):
            number = visit.title.values.get("number", place) if kind == "session" else place
            yield Line(key=f"{kind}.{number}", text=_appointment(visit))


def _appointment(visit: Appointment | PlannedVisit) -> Text:
    title = Text(key=visit.title.key, values={name: str(value) for name, value in visit.title.values.items()})
    values = {
        "title": title,
        "on": visit.on.isoformat(),
        "at": _clock(visit.starts),
        "minutes": str(visit.minutes),
        "where": visit.setting,
    }
    return Text(key="protocol_line.visit" if visit.starts else "protocol_line.visit_untimed", values=values)


def _clock(starts: time | None) -> str:
    return "" if starts is None else starts.strftime("%H:%M")


def _tasks(tasks: Sequence[tuple[str, Text, str, date | None]]) -> Iterator[Line]:
    if not tasks:
        yield Line(key="support", text=Text(key="protocol_line.no_task"))
    for need, title, who, due in tasks:
        values = {"title": title, "who": who, "due": _UNKNOWN if due is None else due.isoformat()}
        yield Line(key=f"support.{need}", text=Text(key="protocol_line.task", values=values))


def _rule(group: str, found: Finding) -> Line:
    title, version = ("", "") if found.rule is None else (found.rule.title, found.rule.version)
    return _rule_line(group, found.id, title, version)


def _rule_line(group: str, name: str, title: str, version: str) -> Line:
    values = {"id": name, "title": title, "version": version}
    return Line(key=f"{group}.{name}", text=Text(key="protocol_line.rule", values=values))


def _versions(knowledge: str, code: str) -> Iterator[Line]:
    yield Line(key="version.knowledge", text=Text(key="protocol_line.knowledge", values={"version": knowledge}))
    yield Line(key="version.code", text=Text(key="protocol_line.code", values={"version": code}))


def _recommended(found: Recommendation, option_id: str) -> Iterator[Line]:
    """What the stored result says of the option that was signed, and the versions that made it."""
    result = json.loads(found.result)
    options = result.get("options", []) if isinstance(result, dict) else []
    option: Mapping[str, Any] = next((o for o in options if o.get("id") == option_id), {})
    for group, name in (("monitoring", "monitoring"), ("stop", "stop_rules")):
        for said in option.get(name, []):
            rule = said.get("rule") or {}
            yield _rule_line(group, str(said.get("id")), str(rule.get("title", "")), str(rule.get("version", "")))
    yield from _versions(found.knowledge_version, found.code_version)
