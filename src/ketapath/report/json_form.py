"""Any result as stable JSON: the fields that scripts and outside checks may rely on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ketapath.domain.biomarker import MarkerView, Measured, WhatIf
from ketapath.domain.candidacy import Candidacy
from ketapath.domain.evidence import Basis, Finding, MissingFact, Override, Text
from ketapath.domain.plan import (
    Appointment,
    DecisionCard,
    DoseCalculation,
    MarkerMove,
    Option,
    Plan,
    SupportTask,
)
from ketapath.domain.profile import Profile
from ketapath.domain.response import Course
from ketapath.domain.screening import Accuracy, Pretest, Reading, Screened
from ketapath.knowledge import Knowledge
from ketapath.report.card_form import card_parts
from ketapath.report.course_form import beside_form, curve_form, observed_forms
from ketapath.report.json_beside import alternative_form, target_form, values_form
from ketapath.report.json_parts import Form
from ketapath.report.json_parts import approved_form as _approved
from ketapath.report.json_parts import evidence_forms as _evidence
from ketapath.report.json_parts import fact_forms as _facts
from ketapath.report.json_parts import iso_day as _day
from ketapath.report.json_parts import rounded as _round
from ketapath.report.json_parts import rule_form as _rule
from ketapath.report.json_parts import said as _said
from ketapath.report.json_plan import cut_form, range_form, searched, worth_form
from ketapath.report.words import say, some_change


def candidacy_json(candidacy: Candidacy, person: Profile, knowledge: Knowledge) -> Form:
    """Verdict, findings, gaps and alternatives of one person on one day."""
    texts = knowledge.texts
    return {
        "patient": _patient(person),
        "candidacy": {
            "verdict": candidacy.verdict,
            "by_product": dict(candidacy.by_product),
            "emergency": None if candidacy.emergency is None else _finding(candidacy.emergency, texts),
            "findings": [_finding(f, texts) for f in candidacy.findings],
            "missing": [_missing(m, texts) for m in candidacy.missing],
            "work_up": [
                {
                    "state": w.state,
                    "lacking": [_missing(m, texts) for m in w.lacking],
                    "held": _facts(w.held),
                    **_finding(w.finding, texts),
                }
                for w in candidacy.work_up
            ],
        },
        "treatment_target": None if candidacy.target is None else target_form(candidacy.target, knowledge),
        "alternatives": [alternative_form(a, texts) for a in candidacy.alternatives],
        "values": None if candidacy.values is None else values_form(candidacy.values, texts),
        "unusable": [
            {
                "fact": f.path,
                "label": knowledge.paths[f.path].label,
                "as_stated": f.as_stated,
                "on": _day(f.on),
                "reason": None if f.reason is None else say(f.reason, texts),
                "source": str(f.origin),
            }
            for f in person.unusable
        ],
        "trials": [
            {
                "substance": t.substance,
                "start": _day(t.start),
                "end": _day(t.end),
                "weeks": _round(t.weeks),
                "max_daily_dose_mg": t.max_daily_dose_mg,
                "adherence": t.adherence,
                "adequate": t.adequate,
                "failed": t.failed,
                "reason": say(t.reason, texts),
                "sources": list(t.origins),
            }
            for t in person.trials
        ],
        "notes": [say(n, texts) for n in person.notes],
        "knowledge_version": knowledge.version,
    }


def plan_json(plan: Plan, person: Profile, knowledge: Knowledge) -> Form:
    """The assessment, and every option with its basis; those removed with their reasons."""
    texts = knowledge.texts
    return {
        **candidacy_json(plan.candidacy, person, knowledge),
        "options": [_option(o, texts) for o in plan.options],
        "removed": [{"option": name, "reason": say(why, texts)} for name, why in plan.removed],
        "considered": plan.considered,
        "cuts": [cut_form(c, texts) for c in plan.cuts],
        "preferences": [worth_form(w, texts) for w in plan.worths],
        "comparison": say(plan.comparison, texts),
        "no_options_reason": None if plan.no_options_reason is None else say(plan.no_options_reason, texts),
        "seed": plan.seed,
        "inputs_digest": plan.inputs_digest,
        "code_version": plan.code_version,
    }


def course_json(course: Course, card: DecisionCard, person: Profile, knowledge: Knowledge) -> Form:
    """Posterior, recovery curve with its bands, probabilities, and the decision card."""
    texts = knowledge.texts
    return {
        "patient": _patient(person),
        "scale": course.scale,
        "baseline": course.baseline,
        "baseline_on": course.baseline_on,
        "sessions": course.sessions,
        "observed": observed_forms(course.observed),
        "posterior": [
            {"quantity": q.quantity, "unit": q.unit, "p05": _round(q.p05), "p50": _round(q.p50), "p95": _round(q.p95)}
            for q in course.posterior
        ],
        "curve": curve_form(course.curve),
        "horizon_day": course.horizon_day,
        "p_response": _round(course.p_response),
        "p_remission": _round(course.p_remission),
        "p_relapse_by": [{"day": day, "p": _round(p)} for day, p in course.p_relapse_by],
        "p_worse": _round(course.p_worse),
        "reliable_change": course.reliable_change,
        "last_change": course.last_change,
        "diagnostics": None
        if course.diagnostics is None
        else {
            "ess": course.diagnostics.ess,
            "pareto_k": course.diagnostics.pareto_k,
            "method": course.diagnostics.method,
            "ok": course.diagnostics.ok,
        },
        "evidence": _evidence(course.evidence),
        "notes": [say(n, texts) for n in course.notes],
        **beside_form(course, texts),
        "card": _card(card, texts),
    }


def biomarkers_json(views: Iterable[MarkerView], person: Profile, knowledge: Knowledge) -> Form:
    """Every marker: what is on record, its evidence, the rules it fails, what would be if, and whether it counts."""
    texts, views = knowledge.texts, tuple(views)
    return {
        "patient": _patient(person),
        "changes_plan": any(view.moves for view in views),
        "statement": say(Text(key=some_change(views)), texts),
        "markers": [_marker(view, texts) for view in views],
        "knowledge_version": knowledge.version,
    }


def _marker(view: MarkerView, texts: Mapping[str, str]) -> Form:
    best = view.best_out_of_sample
    return {
        "id": view.id,
        "version": view.version,
        "title": view.title,
        "kind": view.kind,
        "measures": view.measures,
        "predicts": view.predicts,
        "claim": view.claim,
        "reported": [
            {
                **_facts([r.fact])[0],
                "relied_on": r.set_aside is None,
                "reason": None if r.set_aside is None else say(r.set_aside, texts),
            }
            for r in view.reported
        ],
        "grade": view.grade,
        "strength": view.strength,
        "best_out_of_sample": None if best is None else {"n": best.n, "effect": best.effect, "key": best.evidence.key},
        "changes_plan": bool(view.moves),
        "statement": say(view.verdict, texts),
        "moves": [_marker_move(m, texts) for m in view.moves],
        "fails": [{"id": f.id, "asks": say(f.asks, texts), "reason": say(f.reason, texts)} for f in view.fails],
        "approved": None if view.approved is None else _approved(view.approved),
        "what_if": {
            "label": say(view.label, texts),
            "reason": None if view.no_what_if is None else say(view.no_what_if, texts),
            "effects": [_supposed(w) for w in view.what_if],
        },
        "studies": [
            {
                "n": study.n,
                "population": study.population,
                "design": study.design,
                "effect": study.effect,
                "figure": None if study.figure is None else _measured(study.figure),
                "sample": study.sample,
                "replication": study.replication,
                "evidence": _evidence([study.evidence]),
            }
            for study in view.studies
        ],
        "validity": {part: _measured(found) for part, found in view.validity.items()},
        "says": [_finding(f, texts) for f in view.says],
        "rules": [_rule(r) for r in view.rules],
        "evidence": _evidence(view.evidence),
        "device_line": view.device_line,
        "reviewed_on": view.reviewed_on.isoformat(),
        "note": view.note or None,
    }


def _supposed(found: WhatIf) -> Form:
    return {
        "option": found.option,
        "quantity": found.quantity,
        "result": found.effect.result,
        "is_this_person": found.is_this_person,
        "measure": found.effect.measure,
        "value": found.effect.value,
        "interval": _pair(found.effect.interval),
        "said": found.effect.said,
        "now": range_form(found.now),
        "then": range_form(found.then),
        "evidence": _evidence([found.effect.evidence]),
    }


def _measured(found: Measured) -> Form:
    return {
        "measure": found.measure,
        "value": found.value,
        "interval": _pair(found.interval),
        "n": found.n,
        "evidence": _evidence([found.evidence]),
    }


def _pair(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else list(interval)


def _marker_move(move: MarkerMove, texts: Mapping[str, str]) -> Form:
    return {
        "marker": move.marker,
        "version": move.version,
        "option": move.option,
        "on": move.on,
        "before": _round(move.before),
        "after": _round(move.after),
        "bound": move.bound,
        "result": _facts([move.result])[0],
        "approved": _approved(move.approved),
        "statement": say(move.statement, texts),
        "evidence": _evidence(move.evidence),
    }


def _appointment(a: Appointment, texts: Mapping[str, str]) -> Form:
    return {
        "on": a.on.isoformat(),
        "starts": None if a.starts is None else a.starts.strftime("%H:%M"),
        "kind": a.kind,
        "title": say(a.title, texts),
        "setting": a.setting,
        "minutes": a.minutes,
        "with": list(a.with_whom),
    }


def _card(card: DecisionCard, texts: Mapping[str, str]) -> Form:
    return {
        "decision": card.decision,
        "also_possible": list(card.also_possible),
        "statement": say(card.statement, texts),
        **card_parts(card, texts),
        "best_case_against": say(card.best_case_against, texts),
        "reverses": _said(card.reverses, texts),
        "findings": [_finding(f, texts) for f in card.findings],
        "course_findings": [_finding(f, texts) for f in card.course_findings],
        "dates": [_appointment(a, texts) for a in card.dates],
        "spacings_days": list(card.spacings),
        "rules": [_rule(r) for r in card.rules],
        "evidence": _evidence(card.evidence),
        "basis": _basis(card.basis, texts),
    }


def _option(option: Option, texts: Mapping[str, str]) -> Form:
    return {
        "id": option.id,
        "verdict": option.verdict,
        "product": option.product,
        "route": option.route,
        "title": say(option.title, texts),
        "dose_mg": None if option.dose is None else option.dose.dose_mg,
        "dose": None if option.dose is None else _dose(option.dose),
        "dose_withheld": None if option.dose_withheld is None else say(option.dose_withheld, texts),
        "infusion_min": option.infusion_min,
        "schedule": [_appointment(a, texts) for a in option.schedule],
        "psychotherapy": _said(option.psychotherapy, texts),
        "support": [_task(t, texts) for t in option.support],
        "monitoring": [_finding(f, texts) for f in option.monitoring],
        "information": [_finding(f, texts) for f in option.information],
        "benefit": None if option.benefit is None else {k: range_form(r) for k, r in option.benefit.items()},
        "benefit_note": say(option.benefit_note, texts),
        "harm": [
            {
                "id": h.id,
                "statement": say(h.statement, texts),
                "low": h.low,
                "high": h.high,
                "evidence": _evidence(h.evidence),
            }
            for h in option.harm
        ],
        "exposure": None if option.exposure is None else range_form(option.exposure),
        "weeks": _round(option.weeks),
        "total_mg": option.total_mg,
        "stop_rules": [_finding(f, texts) for f in option.stop_rules],
        **searched(option, texts),
        "evidence": _evidence(option.evidence),
        "basis": _basis(option.basis, texts),
        "markers": [_marker_move(m, texts) for m in option.markers],
    }


def _dose(dose: DoseCalculation) -> Form:
    return {
        "dose_mg": dose.dose_mg,
        "formula": dose.formula,
        "inputs": _facts(dose.inputs),
        "exact_mg": _round(dose.exact_mg),
        "rounded_to_mg": dose.rounded_to_mg,
        "cap_mg": _round(dose.cap_mg),
        "capped": dose.capped,
        "rules": list(dose.rule_ids),
    }


def _task(task: SupportTask, texts: Mapping[str, str]) -> Form:
    return {
        "need": task.need,
        "title": say(task.title, texts),
        "who": task.who,
        "due": task.due.isoformat(),
        "blocks_first_session": task.blocks_first_session,
        "rule": _rule(task.rule),
    }


def _basis(basis: Basis, texts: Mapping[str, str]) -> Form:
    return {
        "suggested": say(basis.suggested, texts),
        "next_best": say(basis.next_best, texts),
        "facts": _facts(basis.facts),
        "missing": [m.path for m in basis.missing],
        "rules": [_rule(r) for r in basis.rules],
        "evidence": _evidence(basis.evidence),
        "likeness": say(basis.likeness, texts),
        "wrong_how_often": say(basis.wrong_how_often, texts),
        "best_case_against": say(basis.best_case_against, texts),
        "reverses": _said(basis.reverses, texts),
        "written_by": basis.written_by,
        "checked_by": basis.checked_by,
        "device_line": say(basis.device_line, texts),
        "as_of": basis.as_of.isoformat(),
        "knowledge_version": basis.knowledge_version,
    }


def screening_json(screened: Iterable[Screened], person: Profile, knowledge: Knowledge, *, seed: int) -> Form:
    """What screening answers say, condition by condition; each carries the mark that it is no diagnosis."""
    texts = knowledge.texts
    return {
        "patient": _patient(person),
        "label": texts["screening.label"],
        "lead": texts["screening.died" if person.died is not None else "screening.lead"],
        "method": texts["screening.method"],
        "conditions": [_screened(s, texts) for s in screened],
        "seed": seed,
        "knowledge_version": knowledge.version,
    }


def _screened(screened: Screened, texts: Mapping[str, str]) -> Form:
    return {
        "id": screened.condition,
        "title": say(screened.title, texts),
        "label": say(screened.label, texts),
        "statement": say(screened.statement, texts),
        "known": _facts(screened.known),
        "said": _facts(screened.said),
        "leading": screened.leading,
        "posttest": None if screened.posttest is None else range_form(screened.posttest),
        "setting": say(screened.setting, texts),
        "setting_note": say(screened.setting_note, texts),
        "pretest": None if screened.pretest is None else _pretest(screened.pretest, texts),
        "readings": [_reading(r, texts) for r in screened.readings],
        "to_fill": [
            {"instrument": f.instrument, "missing": [_missing(g, texts) for g in f.gaps]} for f in screened.to_fill
        ],
        "settled_by": say(screened.settled_by, texts),
        "notes": _said(screened.notes, texts),
    }


def _pretest(pretest: Pretest, texts: Mapping[str, str]) -> Form:
    return {
        "low": _round(pretest.low),
        "high": _round(pretest.high),
        "stated_by_clinician": pretest.stated,
        "needs_approval": not pretest.stated and pretest.approved_by is None,
        "approved_by": pretest.approved_by,
        "statement": say(pretest.statement, texts),
        "evidence": _evidence(pretest.evidence),
    }


def _reading(reading: Reading, texts: Mapping[str, str]) -> Form:
    ratio, after = reading.likelihood_ratio, reading.posttest
    return {
        "id": reading.id,
        "instrument": reading.instrument,
        "cut": say(reading.cut, texts),
        "purpose": reading.purpose,
        "answer": reading.answer,
        "statement": say(reading.statement, texts),
        "facts": [
            {**form, "window_days": used.window_days}
            for form, used in zip(_facts(u.fact for u in reading.used), reading.used, strict=True)
        ],
        "missing": list(reading.missing),
        "sensitivity": _accuracy(reading.sensitivity),
        "specificity": _accuracy(reading.specificity),
        "likelihood_ratio": None if ratio is None else range_form(ratio),
        "posttest": None if after is None else range_form(after),
        "by_pretest": [{"pretest": a.pretest, "posttest": range_form(a.posttest)} for a in reading.by_pretest],
        "studied": dict(zip(("target", "population", "reference"), _said(reading.studied, texts), strict=True)),
        "unknown": _said(reading.unknown, texts),
        "evidence": _evidence(reading.evidence),
        "trust": reading.trust,
    }


def _accuracy(accuracy: Accuracy | None) -> Form | None:
    if accuracy is None:
        return None
    interval = None if accuracy.interval is None else list(accuracy.interval)
    return {"point": accuracy.point, "interval": interval, "basis": accuracy.basis, "people": accuracy.people}


def _finding(finding: Finding, texts: Mapping[str, str]) -> Form:
    return {
        "id": finding.id,
        "verdict": finding.verdict,
        "statement": say(finding.statement, texts),
        "action": None if finding.action is None else say(finding.action, texts),
        "evidence": _evidence(finding.evidence),
        "facts": _facts(finding.facts),
        "missing": list(finding.missing),
        "reverses": _said(finding.reverses, texts),
        "applies_to": list(finding.applies_to),
        "rule": None if finding.rule is None else _rule(finding.rule),
        "overridden": None if finding.overridden is None else _override(finding.overridden),
    }


def _missing(missing: MissingFact, texts: Mapping[str, str]) -> Form:
    return {
        "fact": missing.path,
        "label": missing.label,
        "reason": say(missing.reason, texts),
        "supplied_by": missing.supplied_by,
        "changes": [
            {
                "if": c.if_value,
                "overall": c.overall,
                "by_product": dict(c.by_product),
                "adds": list(c.adds),
                "settles": list(c.settles),
            }
            for c in missing.changes
        ],
    }


def _override(found: Override) -> Form:
    return {
        "reason": found.reason,
        "by": found.by,
        "on": found.on.isoformat(),
        "second_by": found.second_by,
        "second_on": _day(found.second_on),
        "review_on": found.review_on.isoformat(),
    }


def _patient(person: Profile) -> Form:
    known = {p: person.known[p].value for p in ("person.age_years", "person.sex") if p in person.known}
    return {
        "id": person.patient_id,
        "as_of": person.as_of.isoformat(),
        "age_years": known.get("person.age_years"),
        "sex": known.get("person.sex"),
        "died": person.died if isinstance(person.died, bool) else _day(person.died),
    }
