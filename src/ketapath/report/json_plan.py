"""The parts of a plan as stable JSON: way of giving, doses, limits, burden, cost, and the place among the options."""

from __future__ import annotations

from collections.abc import Mapping

from ketapath.domain.plan import Cost, Cut, DoseStep, HarmChance, Option, Range, Regimen, Standing, Worth
from ketapath.report.json_parts import Form, evidence_forms, fact_forms, rounded
from ketapath.report.words import say

Texts = Mapping[str, str]


def range_form(found: Range) -> Form:
    """A quantity with its band."""
    return {"p05": rounded(found.p05), "p50": rounded(found.p50), "p95": rounded(found.p95), "unit": found.unit}


def searched(option: Option, texts: Texts) -> Form:
    """What the search found of an option."""
    window = option.window
    return {
        "protocol": option.protocol_id,
        "regimen": _regimen(option.regimen),
        "is_usual": option.is_usual,
        "way": say(option.way, texts),
        "maintenance": say(option.maintenance, texts),
        "dose_steps": [_step(s, texts) for s in option.steps],
        "dose_window": {
            "least_mg": window.least_mg,
            "most_mg": window.most_mg,
            "least_why": say(window.least_why, texts),
            "most_why": say(window.most_why, texts),
        },
        "harm_chances": [_chance(c, texts) for c in option.chances],
        "burden": {
            "visits": option.burden.visits,
            "hours": rounded(option.burden.hours),
            "sessions_with_marked_dissociation": rounded(option.burden.marked_sessions),
            "in_days": option.burden.days,
            "most_mg_within_days": {str(d): rounded(mg) for d, mg in option.burden.mg_by_days.items()},
        },
        "cost": option.cost.total,
        "cost_detail": _cost(option.cost, texts),
        "standing": _standing(option.standing, texts),
    }


def cut_form(cut: Cut, texts: Texts) -> Form:
    """One limit and what it took out."""
    return {
        "id": cut.id,
        "statement": say(cut.statement, texts),
        "limit": cut.limit,
        "removed": cut.removed,
        "highest_dose_left_mg": dict(cut.left_mg),
    }


def worth_form(worth: Worth, texts: Texts) -> Form:
    """What one thing is worth, and who said so."""
    return {
        "thing": worth.thing,
        "unit": say(worth.unit, texts),
        "better_days": worth.better_days,
        "stated": None if worth.stated is None else fact_forms([worth.stated])[0],
        "counted": worth.counted,
    }


def _regimen(regimen: Regimen) -> Form:
    return {
        "code": regimen.code,
        "doses_as_stated": list(regimen.doses),
        "infusion_min": regimen.infusion_min,
        "course": regimen.course,
        "days": list(regimen.days),
        "then_every_days": regimen.every_days,
    }


def _step(step: DoseStep, texts: Texts) -> Form:
    return {
        "from_session": step.from_session,
        "dose_mg": step.dose_mg,
        "formula": step.formula,
        "condition": None if step.condition is None else say(step.condition, texts),
        "rules": list(step.rule_ids),
    }


def _chance(chance: HarmChance, texts: Texts) -> Form:
    return {
        "id": chance.id,
        "statement": say(chance.statement, texts),
        "condition": say(chance.condition, texts),
        "p": rounded(chance.p),
        "p05": rounded(chance.p05),
        "p95": rounded(chance.p95),
        "limit": chance.limit,
        "within": chance.within,
        "assumed": chance.assumed,
        "unknown": None if chance.unknown is None else say(chance.unknown, texts),
        "evidence": evidence_forms(chance.evidence),
    }


def _cost(cost: Cost, texts: Texts) -> Form:
    return {
        "currency": cost.currency,
        "total": rounded(cost.total),
        "own_share": rounded(cost.own_share),
        "lacking": [say(t, texts) for t in cost.lacking],
    }


def _standing(standing: Standing, texts: Texts) -> Form:
    return {
        "place": standing.place,
        "tier": standing.tier,
        "utility_better_days": None if standing.utility is None else range_form(standing.utility),
        "p_first_better": rounded(standing.p_first_better),
        "no_material_difference": standing.no_material_difference,
        "dominated": standing.dominated,
        "best_for": [say(t, texts) for t in standing.best_for],
    }
