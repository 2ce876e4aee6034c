"""The list of patients, and one patient as the loop itself: decision, response, sessions, plan, candidacy, profile."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from typing import Any, get_args

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from clinic import clock
from clinic.access.permission import permitted, reach
from clinic.actions.plan import standing
from clinic.queries import profile
from clinic.queries.booking import ended_ahead, unbooked
from clinic.queries.followup import ledger
from clinic.queries.patients import early_signs
from clinic.queries.patients import patients as listed
from clinic.queries.person import Chart, Treated, candidacy, markers, measured, plan, screened, treated
from clinic.queries.plan import order_check, ways_on
from clinic.queries.response import beside, chances, is_believable, on_one_axis, questionnaires
from clinic.queries.signatures import seen_overrides, signatures, to_sign, why_unsigned
from clinic.web.door import about_person, account_of, staff
from clinic.web.followup import ledger_parts
from clinic.web.problems import Problem, explained
from clinic.web.response_charts import course_chart, described, span_of
from clinic.web.templatetags.clinic import day
from ketapath.domain.candidacy import Candidacy
from ketapath.domain.evidence import FactUsed, MissingFact
from ketapath.domain.plan import Decision, DecisionCard, Plan
from ketapath.followup import due_assessments
from ketapath.licence import licences
from ketapath.staging import stage

AT_ONCE = 100
"""How many people one page of the list shows."""


@require_GET
@staff("find-patients")
def patients(request: HttpRequest) -> HttpResponse:
    """Everybody, or those whose name begins so, a hundred at a time."""
    name, said = request.GET.get("q", "")[:100], request.GET.get("from", "")
    start = int(said) if re.fullmatch("[0-9]{1,6}", said, re.ASCII) else 0
    account = account_of(request)
    within = reach(account, "find-patients")
    lines, today = listed(within, name=name, at=slice(start, start + AT_ONCE + 1)), clock.today(within.practice.zone)
    context = {"lines": lines[:AT_ONCE], "q": name, "today": today, "signs": early_signs(within)}
    context |= {"before": max(0, start - AT_ONCE), "start": start, "end": start + len(lines[:AT_ONCE])}
    context["has_more"] = len(lines) > AT_ONCE
    allowed = permitted(account, ("break-glass", "import-record"))
    context |= {"may_break_glass": "break-glass" in allowed, "may_import": "import-record" in allowed}
    return render(request, "patients/lines.html" if request.htmx else "patients/patients.html", context)  # type: ignore[attr-defined]


@require_GET
@about_person
def patient(request: HttpRequest, found: Chart) -> HttpResponse:
    """The whole loop of one person on one page, newest decision on top."""
    return loop_page(request, found)


def loop_page(
    request: HttpRequest, found: Chart, *, problem: Problem | None = None, typed: dict[str, str] | None = None
) -> HttpResponse:
    """The page, perhaps after something went wrong, with what was typed."""
    context = about(request, found, here="decision")
    if found.person is None:
        assert found.problem is not None
        context |= {"problem": problem or explained(found.problem), "resources": found.bundle.resources}
        return render(request, "patients/unreadable.html", context, status=200 if problem is None else problem.status)
    now, offered, missing = treated(found), plan(found), unbooked(found)
    course = on_one_axis(found, now.course)
    around = beside(found, course)
    context |= {
        "candidacy": now.candidacy,
        "course": course,
        "card": now.card if found.person.doses else None,
        "offered": offered,
        "facts": _facts(found, now, offered),
        "work_up_due": sum(piece.state == "due" for piece in now.candidacy.work_up),
        "pressing": [m for m in now.candidacy.missing if _is_pressing(m, now.candidacy)],
        "minor": [m for m in now.candidacy.missing if not _is_pressing(m, now.candidacy)],
        "ways": [
            {"days": days, "dates": ", ".join(map(day, dates)), "is_usual": days == _usual(now.card)}
            for days, dates in ways_on(found, now.card)
        ],
        "going_on": ("continue", "taper"),
        "steps": get_args(Decision),
        "chart": course_chart(course, around, span_of(found, course, around), with_expected=False),
        "described": described(course),
        "beside": around,
        "is_believable": is_believable(course),
        "by_horizon": next((c for c in chances(course) if c.day == course.horizon_day), None),
        "forms": questionnaires(found, course),
        "groups": profile.groups(found),
        "weights": profile.weights(found),
        "licences": licences(found.person, found.clinic, found.knowledge),
        "staging": stage(found.person, found.knowledge),
        "trial_weeks": f"{found.knowledge.figure('trial_weeks'):g}",
        "screened": screened(found),
        "markers": markers(found),
        "measured": measured(found),
        "aside": profile.aside(found),
        "apart": profile.kept_apart(found),
        "due": due_assessments(found.person, found.knowledge),
        "ledger": ledger_parts(ledger(found)),
        "key": secrets.token_hex(16),
        "seen": standing(found),
        "unsigned": why_unsigned(found),
        "plan_seen": to_sign(found),
        "order_check": order_check(found),
        "override_seen": seen_overrides(found),
        "problem": problem,
        "typed": typed or {},
        "decisions": found.decisions[::-1],
        "sessions": found.visits[::-1],
        "earlier_plans": [p for p in found.plans if found.plan is None or p.origin != found.plan.origin],
        "ended_ahead": ended_ahead(found),
        "unbooked": len(missing) if found.plan is not None and found.plan.status == "active" else 0,
        "ahead": [(v, v in missing) for v in found.appointments if v.on >= found.as_of] if found.plan else [],
    }
    return render(request, "patients/patient.html", context, status=200 if problem is None else problem.status)


def _facts(found: Chart, now: Treated, offered: Plan) -> Sequence[FactUsed]:
    """What the newest decision rests on: the card's facts, or before the first session those of the options."""
    assert found.person is not None
    if found.person.doses:
        return now.card.basis.facts
    if offered.options:
        return offered.options[0].basis.facts
    return tuple(dict.fromkeys(fact for finding in now.candidacy.findings for fact in finding.facts))


def about(request: HttpRequest, found: Chart, *, here: str) -> dict[str, Any]:
    """What every page about a person shows: who, age, weight with date, risks."""
    account = account_of(request)
    acts = (
        "state-fact", "withdraw-fact", "answer-score", "set-goal", "rate-goal", "decide-plan", "decide-card",
        "open-session", "ask-override", "sign-override", "sign-plan", "check-calculation", "write-note", "see-team",
        "move-record", "export-chart", "check-order", "override-discharge", "see-stock", "see-schedule",
    )  # fmt: skip
    allowed = permitted(account, acts, patient_id=found.patient_id)
    now = None if found.person is None else candidacy(found)
    return {
        "found": found,
        "person": found.person,
        "overrides": () if found.person is None else found.person.overrides,
        "signatures": signatures(found),
        "here": here,
        "emergency": None if now is None else now.emergency,
        "risks": () if now is None else _risks(now),
        "weight": _weight(found),
        "ride": _ride(found),
        "allergies": _allergies(found),
        "may": {act.replace("-", "_"): act in allowed for act in acts},
        "now": clock.local(clock.now(), found.practice.zone),
    }


def _usual(card: DecisionCard) -> int | None:
    """The spacing that the card goes on with: what keeps the response, in a taper the widest, else the narrowest."""
    if card.decision == "taper":
        return max(card.spacings, default=None)
    kept = None if card.maintenance is None else card.maintenance.every_days
    return kept if kept in card.spacings else next(iter(card.spacings), None)


def _is_pressing(missing: MissingFact, now: Candidacy) -> bool:
    """Whether some answer by itself would change the verdict."""
    return any(change.overall != now.verdict for change in missing.changes)


def _weight(found: Chart) -> str:
    weight = None if found.person is None else found.person.known.get("vitals.weight_kg")
    return "" if weight is None else f"{weight.value:.3g} kg ({day(weight.on)})"


def _ride(found: Chart) -> str:
    ride = None if found.person is None else found.person.known.get("social.ride_home")
    return _("not known") if ride is None else _("yes") if ride.value else _("no")


def _allergies(found: Chart) -> str:
    names = profile.allergies(found)
    return _("not asked") if names is None else ", ".join(names) or _("none known")


def _risks(now: Candidacy) -> list[Any]:
    """The findings that nobody in the room may overlook."""
    return [f for f in now.findings if f.verdict in ("not-eligible", "defer", "caution")]


urls = [
    path("patients", patients, name="patients"),
    path("patients/<str:patient_id>", patient, name="patient"),
]
