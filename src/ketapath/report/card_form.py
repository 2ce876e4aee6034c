"""What may be done instead of the suggestion, and how far apart sessions may stand: as JSON, as lines, as a section."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from ketapath.domain.alternative import Alternative
from ketapath.domain.plan import DecisionCard, IntervalRisk, MaintenanceInterval, OtherStep, Prospect
from ketapath.report.beside import how_it_went
from ketapath.report.json_parts import Form, fact_forms, rounded, rule_form, said
from ketapath.report.json_plan import range_form
from ketapath.report.words import about, say

Texts = Mapping[str, str]


def card_parts(card: DecisionCard, texts: Texts) -> Form:
    """The prospect of the suggestion, the other steps, the spacing and the other treatments."""
    return {
        **_prospect_form(card.prospect, texts),
        "others": [_other_form(o, texts) for o in card.others],
        "maintenance": None if card.maintenance is None else _interval_form(card.maintenance, texts),
        "treatments": [
            {"id": t.id, "title": say(t.title, texts), "tried": said(tuple(map(how_it_went, t.tried)), texts)}
            for t in card.treatments
        ],
    }


def _prospect_form(found: Prospect, texts: Texts) -> Form:
    return {
        "probability": rounded(found.probability),
        "probability_band": None if found.band is None else range_form(found.band),
        "probability_of": None if found.of is None else say(found.of, texts),
        "no_probability": None if found.unknown is None else say(found.unknown, texts),
        "extrapolated": found.extrapolated,
    }


def _other_form(other: OtherStep, texts: Texts) -> Form:
    return {
        "decision": other.decision,
        "statement": say(other.statement, texts),
        **_prospect_form(other.prospect, texts),
        "best_case_against": say(other.best_case_against, texts),
        "rules": [rule_form(r) for r in other.rules],
    }


def _interval_form(found: MaintenanceInterval, texts: Texts) -> Form:
    return {
        "every_days": found.every_days,
        "statement": say(found.statement, texts),
        "relapse_within_days": found.within_days,
        "threshold": found.most,
        "stated": None if found.stated is None else fact_forms([found.stated])[0],
        "intervals": [
            {
                "every_days": one.every_days,
                "relapse": rounded(one.probability),
                "band": range_form(one.band),
                "keeps": one.keeps,
            }
            for one in found.intervals
        ],
        "notes": said(found.notes, texts),
    }


def chance_of(found: Prospect, texts: Texts) -> str:
    """The chance with its band, and of what; or why there is no number."""
    if found.probability is None or found.of is None:
        return "" if found.unknown is None else say(found.unknown, texts)
    band = "" if found.band is None else f" ({100 * found.band.p05:.0f} to {100 * found.band.p95:.0f} in 100)"
    return f"{about(found.probability)}{band} {say(found.of, texts)}"


def card_lines(card: DecisionCard, texts: Texts) -> Iterator[tuple[str, str]]:
    """Each line with what stands before its first word."""
    if card.others:
        yield "Instead of it:", ""
    for other in card.others:
        rules = f" [{', '.join(r.id for r in other.rules)}]" if other.rules else ""
        yield f"{say(other.statement, texts)}{rules} {chance_of(other.prospect, texts)}.".replace("..", "."), "- "
        yield f"against it: {say(other.best_case_against, texts)}", "  "
    if card.maintenance is not None:
        found = card.maintenance
        yield say(found.statement, texts), ""
        for one in found.intervals:
            yield _interval(one), "- "
        yield " ".join(say(note, texts) for note in found.notes), "  "
    if card.treatments:
        yield "Other treatments, and what was tried of them:", ""
    for treatment in card.treatments:
        yield _treatment(treatment, texts), "- "


def card_section(card: DecisionCard, texts: Texts) -> str:
    """The same as HTML."""
    others = "".join(
        f"<li><b>{_e(say(o.statement, texts))}</b> {_e(chance_of(o.prospect, texts))}<br>"
        f"<span class=quiet>Against it: {_e(say(o.best_case_against, texts))}"
        f"{' ' + _e(', '.join(r.id for r in o.rules)) if o.rules else ''}</span></li>"
        for o in card.others
    )
    html = f"<h3>Instead of it</h3><ul>{others}</ul>" if others else ""
    if card.maintenance is not None:
        found = card.maintenance
        rows = "".join(f"<li>{_e(_interval(one))}</li>" for one in found.intervals)
        notes = " ".join(say(note, texts) for note in found.notes)
        html += (
            f"<h3>How far apart</h3><p>{_e(say(found.statement, texts))}</p><ul>{rows}</ul>"
            f"<p class=quiet>{_e(notes)}</p>"
        )
    treatments = "".join(f"<li>{_e(_treatment(t, texts))}</li>" for t in card.treatments)
    return html + (f"<h3>Other treatments, and what was tried of them</h3><ul>{treatments}</ul>" if treatments else "")


def _interval(one: IntervalRisk) -> str:
    every = "no session" if one.every_days is None else f"every {one.every_days} days"
    band = f"{100 * one.band.p05:.0f} to {100 * one.band.p95:.0f} in 100"
    kept = "under" if one.keeps else "not under"
    return f"{every}: relapse of {100 * one.probability:.0f} in 100 ({band}); {kept} the threshold"


def _treatment(found: Alternative, texts: Texts) -> str:
    tried = "; ".join(say(how_it_went(t), texts) for t in found.tried)
    return f"{say(found.title, texts)}{f' - {tried}' if tried else ''}"


def _e(words: str) -> str:
    return escape(words, quote=True)
