"""What stands in a person's chart, section by section, for a readable document? Everything as it is on record.

Nothing is judged here: a medicine that ended is named with its end, a score without a total with its reason. What no
reader of ketapath understands is counted, so that nobody takes the document for the whole record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime

from ketapath.domain.evidence import Text
from ketapath.domain.fact import ScoreEntry, Statements
from ketapath.domain.plan import Decided, SignedPlan
from ketapath.domain.session import Visit
from ketapath.fhir import Bundle, Resource, never_read
from ketapath.fhir import elements as el
from ketapath.fhir.readback import is_ours
from ketapath.fhir.rows import day_of, fact_rows, what_of
from ketapath.knowledge import Knowledge
from ketapath.report.json_parts import Form
from ketapath.report.words import plain, say

_VOID = ("entered-in-error", "cancelled")
_PRODUCTS = {"racemic": "ketamine", "esketamine": "esketamine"}


def chart_form(
    bundle: Bundle, stated: Statements | None, *, plans: Sequence[SignedPlan], visits: Sequence[Visit],
    decisions: Sequence[Decided], apart: Sequence[tuple[str, Sequence[str]]], heading: Mapping[str, str],
    knowledge: Knowledge,
) -> Form:  # fmt: skip
    """The chart as values for the template.

    `stated` is None where the record cannot be read as statements. `apart` names what an import kept apart, with its
    problems. `heading` gives `name`, `practice`, `made_on` and `made_by`.
    """
    patient = bundle.patient
    return {
        **heading,
        "id": str(patient.get("id") or ""),
        "born_on": str(patient.get("birthDate") or ""),
        "sex": str(patient.get("gender") or ""),
        "problems": _listed(bundle, "Condition"),
        "allergies": _listed(bundle, "AllergyIntolerance"),
        "medicines": list(_medicines(bundle)),
        "scores": [] if stated is None else list(_scores(stated.scores, knowledge)),
        "sessions": [_session(visit, plans) for visit in visits],
        "plans": [_plan(plan, knowledge) for plan in plans],
        "decisions": [_decision(decided, knowledge) for decided in decisions],
        "notes": sorted(_notes(bundle), key=lambda note: note["on"]),
        "unread": [{"kind": kind, "count": n} for kind, n in _unread(bundle, stated).items()],
        "apart": [{"name": name, "problems": list(problems)} for name, problems in apart],
    }


def _listed(bundle: Bundle, kind: str) -> list[Form]:
    rows = [
        {"what": _words(what_of(r)), "since": day_of(r)[:10], "status": _status(r)}
        for r in bundle.of_type(kind)
        if _status(r) not in _VOID
    ]
    return sorted(rows, key=lambda row: (row["since"], row["what"]))


def _status(resource: Resource) -> str:
    return next(fact_rows(resource)).status


def _medicines(bundle: Bundle) -> Iterator[Form]:
    """Statements and orders from anywhere; orders of a plan stand with their plan."""
    names = {str(m.get("id")): what_of(m) for m in bundle.of_type("Medication")}
    for resource in bundle.of_type("MedicationStatement", "MedicationRequest"):
        if _status(resource) in _VOID or any(el.objects(resource, "basedOn")):
            continue
        reference = next(el.objects(resource, "medicationReference"), {})
        of = str(reference.get("reference") or "").removeprefix("urn:uuid:").rsplit("/", 1)[-1]
        row = next(fact_rows(resource))
        yield {
            "what": _words(row.what or names.get(of, "") or el.text(reference, "display") or "not named"),
            "how": _words(f"{row.value} {row.unit}".strip()),
            "since": row.day[:10],
            "status": row.status,
        }


def _scores(scores: Iterable[ScoreEntry], knowledge: Knowledge) -> Iterator[Form]:
    by_scale: dict[str, list[ScoreEntry]] = {}
    for score in scores:
        by_scale.setdefault(score.instrument, []).append(score)
    for scale, entries in by_scale.items():
        ordered = sorted(entries, key=lambda s: s.on)
        known = [(s.on, s.total) for s in ordered if s.total is not None]
        yield {
            "scale": str(knowledge.instruments.get(scale, {}).get("title", scale)),
            "rows": [
                {"on": s.on.isoformat(), "total": _number(s.total), "reason": _said(s.reason, knowledge)}
                for s in ordered
            ],
            "highest": _number(max((total for _, total in known), default=None)),
            "curve": _curve(known) if len(known) > 1 else None,
        }


def _curve(points: Sequence[tuple[date, float]]) -> str:
    """A line through the totals, zero at its foot, as an SVG of 480 by 90."""
    first, last = points[0][0], points[-1][0]
    days, top = max(1, (last - first).days), max(1.0, *(total for _, total in points))
    places = [(4 + 472 * (on - first).days / days, 84 - 78 * total / top) for on, total in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="#0B5C6E"/>' for x, y in places)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 90" width="480" height="90">'
        '<line x1="0" y1="84" x2="480" y2="84" stroke="#7A868D" stroke-width="1"/>'
        f'<polyline points="{line}" fill="none" stroke="#0B5C6E" stroke-width="1.5"/>{dots}</svg>'
    )


def _session(visit: Visit, plans: Sequence[SignedPlan]) -> Form:
    given = visit.administration
    plan = next((p for p in plans if p.origin.id == visit.plan_id), None)
    pressures = [r.value for r in visit.readings if r.quantity == "vitals.systolic_mmhg" and isinstance(r.value, float)]
    return {
        "on": visit.opened_at.date().isoformat(),
        "from": _clock(visit.opened_at),
        "to": _clock(visit.closed_at),
        "what": "no dose" if given is None else f"{_PRODUCTS.get(given.product, given.product)}, {given.route}",
        "ordered": "" if plan is None else _number(plan.dose_mg),
        "given": "" if given is None else _number(given.dose_mg),
        "status": visit.status if given is None else given.status,
        "pressure": f"{max(pressures):.0f}" if pressures else "",
    }


def _plan(plan: SignedPlan, knowledge: Knowledge) -> Form:
    return {
        "what": _title(plan.protocol_id, knowledge),
        "dose": _number(plan.dose_mg),
        "product": f"{_PRODUCTS.get(plan.product, plan.product)}, {plan.route}",
        "on": plan.signed_on.date().isoformat(),
        "by": _words(plan.signed_by),
        "status": plan.status,
        "sessions": sum(v.kind == "session" for v in plan.visits),
    }


def _decision(decided: Decided, knowledge: Knowledge) -> Form:
    return {
        "on": decided.at.date().isoformat(),
        "by": _words(decided.by),
        "what": f"{'plan' if decided.about == 'plan' else 'next step'} {decided.outcome}: "
        f"{_title(decided.chosen.partition('/')[0], knowledge)}",
        "reason": _words(decided.reason),
    }


def _notes(bundle: Bundle) -> Iterator[Form]:
    """Every note that somebody wrote beside a statement, with what it is beside; what ketapath says is none."""
    for resource in bundle.resources:
        if is_ours(resource):
            continue
        for note in el.objects(resource, "note"):
            words = el.text(note, "text")
            if words:
                author = el.text(note, "authorString") or el.text(note.get("authorReference"), "display") or ""
                on = el.text(note, "time") or day_of(resource)
                about = what_of(resource) or str(resource["resourceType"])
                yield {"on": on[:10], "by": _words(author), "about": _words(about), "text": _words(words)}


def _unread(bundle: Bundle, stated: Statements | None) -> dict[str, int]:
    found = dict(never_read(bundle))
    for kind, count in ({} if stated is None else stated.not_interpreted).items():
        found[kind] = found.get(kind, 0) + count
    return dict(sorted(found.items()))


def _title(name: str, knowledge: Knowledge) -> str:
    return knowledge.texts.get(f"protocol.{name}", name)


def _said(reason: Text | None, knowledge: Knowledge) -> str:
    return "" if reason is None else say(reason, knowledge.texts)


def _clock(at: datetime | None) -> str:
    return "" if at is None else f"{at:%H:%M}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _words(words: str) -> str:
    return plain(words).strip()
