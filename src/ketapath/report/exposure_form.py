"""The ledger of doses and the checks tied to it, as JSON and as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ketapath.domain.evidence import Text
from ketapath.domain.followup import Exposure, ExposureWindow, OrganCheck
from ketapath.knowledge import Knowledge
from ketapath.report.json_parts import Form, fact_forms, iso_day, rounded, rule_form, said
from ketapath.report.words import plain, say

__all__ = ["exposure_json", "exposure_text"]

_STATES = {True: "crossed", False: "not crossed", None: "not known"}


def exposure_json(found: Exposure, knowledge: Knowledge) -> Form:
    """Every dose, the sums by product and window, the limits, and each organ's check with its thresholds."""
    texts = knowledge.texts
    return {
        "as_of": found.as_of.isoformat(),
        "doses": [
            {
                "on": dose.on.isoformat(),
                "product": dose.product,
                "route": dose.route,
                "mg": rounded(dose.mg),
                "weight_kg": rounded(dose.weight_kg),
                "mg_per_kg": rounded(dose.mg_per_kg),
                "source": dose.source,
            }
            for dose in found.doses
        ],
        "windows": [_window_form(window) for window in found.windows],
        "session_limits": [
            {
                "days": one.days,
                "sessions": one.sessions,
                "sessions_at_most": one.sessions_at_most,
                "most": one.most,
                "reached": one.is_reached,
                "rule": rule_form(one.rule),
            }
            for one in found.limits
        ],
        "checks": [_check_form(check, knowledge) for check in found.checks],
        "session_pressures": [
            {
                "on": one.on.isoformat(),
                "session": one.number,
                "before_mmhg": list(one.before),
                "highest_mmhg": list(one.highest),
                "limit_reached": one.is_crossed,
            }
            for one in found.pressures
        ],
        "resting_trend": None
        if found.resting is None
        else {
            "days": found.resting.days,
            "first_mmhg": [rounded(v) for v in found.resting.first],
            "newest_mmhg": [rounded(v) for v in found.resting.newest],
            "first_until": found.resting.first_until.isoformat(),
            "newest_since": found.resting.newest_since.isoformat(),
        },
        "uncounted": [
            {
                "named": one.named,
                "product": one.product,
                "first": iso_day(one.first),
                "last": iso_day(one.last),
                "stated_on": one.stated_on,
                "why": say(one.why, texts),
                "source": str(one.origin),
            }
            for one in found.uncounted
        ],
        "notes": said(found.notes, texts),
    }


def _window_form(window: ExposureWindow) -> Form:
    return {
        "product": window.product,
        "routes": list(window.routes),
        "days": window.days,
        "since": window.since.isoformat(),
        "sessions": window.sessions,
        "mg_known": rounded(window.mg),
        "mg_per_kg_known": rounded(window.mg_per_kg),
        "doses_without_mg": window.without_mg,
        "doses_without_weight": window.without_weight,
        "uncounted": window.uncounted,
    }


def _check_form(check: OrganCheck, knowledge: Knowledge) -> Form:
    return {
        "organ": check.organ,
        "rule": rule_form(check.rule),
        "asked": check.asked,
        "found": fact_forms(check.found),
        "last_on": iso_day(check.last_on),
        "due": iso_day(check.due),
        "overdue": check.overdue,
        "why": say(check.why, knowledge.texts),
        "thresholds": [
            {"rule": one.finding.id, "state": _STATES[one.is_crossed], "missing": list(one.finding.missing)}
            for one in check.thresholds
        ],
    }


def exposure_text(found: Exposure, knowledge: Knowledge) -> str:
    """The same in lines; nothing was given is one line."""
    return "\n".join(_lines(found, knowledge))


def _lines(found: Exposure, knowledge: Knowledge) -> Iterator[str]:
    if not found.doses and not found.uncounted and not found.notes:
        yield "Exposure: no dose on record."
        return
    yield "Exposure (milligrams of base)"
    for window in found.windows:
        over = "in all" if window.days is None else f"in {window.days} days"
        by_weight = "" if window.mg_per_kg is None else f", {window.mg_per_kg:.3g} mg/kg"
        lacking = [f"{window.without_mg} without milligrams"] if window.without_mg else []
        lacking += [f"{window.without_weight} without a weight"] if window.without_weight else []
        lacking += [f"{window.uncounted} that could not be counted"] if window.uncounted else []
        aside = f" (not counted: {', '.join(lacking)})" if lacking else ""
        yield f"  {window.product} {over}: {window.sessions} sessions, {window.mg:g} mg{by_weight}{aside}"
    for limit in found.limits:
        held = f"{'at least ' if limit.is_least else ''}{limit.sessions}"
        yield f"  sessions in {limit.days} days: {held}, at most {limit.most:g} are planned ({limit.rule.id})"
    for one in found.uncounted:
        on = "" if one.day is None and not one.stated_on else f", {one.day or plain(one.stated_on)}"
        yield f"  could not be counted: {plain(one.named)}{on}: {plain(say(one.why, knowledge.texts))} ({one.origin})"
    for check in found.checks:
        yield from _check_lines(check, knowledge)
    for note in found.notes:
        yield f"  {say(note, knowledge.texts)}"


def _check_lines(check: OrganCheck, knowledge: Knowledge) -> Iterator[str]:
    values = "; ".join(f"{fact.label} {fact.value}" for fact in check.found) or "nothing on record"
    on = "" if check.last_on is None else f" on {check.last_on}"
    due = "" if check.due is None else f"due {check.due}{' (overdue)' if check.overdue else ''}, "
    name = say(Text(key=f"exposure.{check.organ}"), knowledge.texts)
    yield f"  {name}: {values}{on}; {due}{say(check.why, knowledge.texts)} ({check.rule.id})"
    for one in check.thresholds:
        title = one.finding.rule.title if one.finding.rule is not None else one.finding.id
        yield f"    {title} ({one.finding.id}): {_STATES[one.is_crossed]}"
