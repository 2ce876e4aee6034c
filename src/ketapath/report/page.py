"""Any result as one self-contained page: no script, no outside address; dark, phone, print and right to left.

Tokens and layout follow the project's look; every word of a record is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from ketapath.domain.alternative import Alternative, Comparison, Move, Target, Trait, ValuesOrder
from ketapath.domain.candidacy import Candidacy
from ketapath.domain.evidence import Basis, Evidence, Finding, MissingFact, Text, Verdict
from ketapath.domain.plan import Appointment, DecisionCard, HarmChance, Option, Plan
from ketapath.domain.profile import Profile
from ketapath.domain.response import Course
from ketapath.domain.screening import Reading, Screened
from ketapath.knowledge import Knowledge
from ketapath.report.beside import (
    because,
    heading,
    holding,
    how_it_went,
    moved,
    not_counted,
    open_facts,
    result,
    share,
    why,
    without_figures,
)
from ketapath.report.card_form import card_section, chance_of
from ketapath.report.charts import recovery_chart
from ketapath.report.course_form import beside_sections, warning_section
from ketapath.report.style import STYLE
from ketapath.report.words import about, approval, override, say, times

_MEANING: Mapping[Verdict, tuple[str, str]] = {
    "eligible": ("ok", "&#10003;"),
    "caution": ("caution", "!"),
    "undetermined": ("info", "?"),
    "defer": ("caution", "&#8214;"),
    "not-eligible": ("stop", "&#10005;"),
}

_FAILED_CHECK = (
    '<p class="stop box" role="note"><b>! The check of this estimate failed. Do not rely on the curve.</b> '
    "No probability is shown. The scores themselves stand; look at them and at the person.</p>"
)


def plan_html(plan: Plan, person: Profile, knowledge: Knowledge) -> str:
    """The plan page: verdict, options side by side, what is missing, sources."""
    texts = knowledge.texts
    options = "".join(_option(o, knowledge) for o in plan.options)
    said = f"<p>{plan.considered} ways of giving compared. {_e(say(plan.comparison, texts))}</p>"
    said += "".join(f"<p class=quiet>{_e(say(c.statement, texts))}</p>" for c in plan.cuts)
    reason = "" if plan.no_options_reason is None else f"<p>{_e(say(plan.no_options_reason, texts))}</p>"
    removed = "".join(f"<li>{_e(name)}: {_e(say(why, texts))}</li>" for name, why in plan.removed)
    body = (
        _candidacy(plan.candidacy, knowledge)
        + f'<section aria-labelledby="options"><h2 id="options">Options</h2>{said if plan.considered else ""}{reason}'
        + f'<div class="options">{options}</div>'
        + (f"<h3>Removed</h3><ul>{removed}</ul>" if removed else "")
        + "</section>"
        + _gaps(plan.candidacy.missing, texts)
        + _work_up(plan.candidacy, texts)
        + _aside(person, knowledge)
        + _alternatives(plan.candidacy, knowledge)
    )
    foot = (
        f"Inputs {plan.inputs_digest}, seed {plan.seed}, knowledge {plan.knowledge_version}, code {plan.code_version}"
    )
    return _page("Plan", person, body, foot)


def candidacy_html(candidacy: Candidacy, person: Profile, knowledge: Knowledge) -> str:
    """The candidacy page."""
    body = (
        _candidacy(candidacy, knowledge)
        + _gaps(candidacy.missing, knowledge.texts)
        + _work_up(candidacy, knowledge.texts)
        + _aside(person, knowledge)
        + _alternatives(candidacy, knowledge)
    )
    return _page("Candidacy", person, body, f"Knowledge {candidacy.knowledge_version}")


def course_html(course: Course, card: DecisionCard, person: Profile, knowledge: Knowledge) -> str:
    """The response page: decision card on top, then the recovery curve with its table."""
    texts = knowledge.texts
    is_believable = course.diagnostics is None or course.diagnostics.ok
    odds = f"<p>Chance: {_e(chance_of(card.prospect, texts))}</p>" if is_believable else ""
    reverses = "".join(f"<li>{_e(say(t, texts))}</li>" for t in card.reverses)
    notes = "".join(f"<li>{_e(say(n, texts))}</li>" for n in course.notes)
    of_course = "".join(f"<li>{_finding(f, texts)}</li>" for f in card.course_findings)
    why = "".join(f"<li>{_finding(f, texts)}</li>" for f in card.findings)
    body = (
        f'<section class="card"><h2>{_e(say(card.statement, texts))}</h2>{f"<ul>{why}</ul>" if why else ""}{odds}'
        f"<p>Best case against it: {_e(say(card.best_case_against, texts))}</p>"
        f"<p>What would turn it around:</p><ul>{reverses}</ul>"
        f"{card_section(card, texts) if is_believable else ''}"
        f"{f'<p>What the rules say of the course</p><ul>{of_course}</ul>' if of_course else ''}"
        f"{_schedule('Dates of going on', card.dates, texts) if card.dates else ''}"
        f"{_basis(card.basis, texts)}</section>"
        f"<section><h2>Course</h2>{'' if is_believable else _FAILED_CHECK}{warning_section(course, texts)}"
        f"{recovery_chart(course)}<ul>{notes}</ul>{beside_sections(course, texts)}</section>"
    )
    return _page("Response", person, body, f"Knowledge {knowledge.version}")


def screening_html(screened: Iterable[Screened], knowledge: Knowledge) -> str:
    """The section "Screening, not a diagnosis", to stand in a page beside the work-up."""
    texts = knowledge.texts
    found = "".join(_screened(s, texts) for s in screened) or f"<p>{_e(texts['screening.died'])}</p>"
    return (
        f'<section aria-labelledby="screening"><h2 id="screening">{_e(texts["screening.label"])}</h2>'
        f"<p>{_e(texts['screening.lead'])}</p>{found}"
        f"<p class=quiet>{_e(texts['screening.method'])}</p></section>"
    )


def _screened(one: Screened, texts: Mapping[str, str]) -> str:
    facts = "".join(f"<li>{_e(f.label)}: {_e(f.value)} ({f.on or 'undated'})</li>" for f in (*one.known, *one.said))
    before = "" if one.pretest is None else f"<p>{_e(say(one.pretest.statement, texts))}</p>"
    sources = "" if one.pretest is None else _sources(one.pretest.evidence)
    notes = "".join(f"<li>{_e(say(n, texts))}</li>" for n in one.notes)
    gaps = "".join(
        f"<li class=gap><b>{_e(f.instrument)}</b> "
        f"{_e('; '.join(f'{g.label}: {say(g.reason, texts)}' for g in f.gaps))}</li>"
        for f in one.to_fill
    )
    return (
        f"<h3>{_e(say(one.title, texts))}</h3><p>{_e(say(one.statement, texts))}</p>"
        + (f"<p>On record</p><ul>{facts}</ul>" if facts else "")
        + (f"<ul class=gaps>{gaps}</ul>" if gaps else "")
        + f"<p>Would settle it: {_e(say(one.settled_by, texts))}</p><details><summary>Why</summary>"
        f"{''.join(_reading(r, texts) for r in one.readings)}{before}"
        f"<p class=quiet>{_e(say(one.setting, texts))} {_e(say(one.setting_note, texts))}</p>{sources}"
        f"<ul>{notes}</ul></details>"
    )


def _reading(reading: Reading, texts: Mapping[str, str]) -> str:
    facts = "".join(
        f"<li>{_e(u.fact.label)}: {_e(u.fact.value)} ({u.fact.on or 'undated'}, {_e(u.fact.source)})</li>"
        for u in reading.used
    )
    ratio, rows = reading.likelihood_ratio, ""
    if ratio is not None:
        rows = "".join(
            f"<tr><td>{_e(about(a.pretest))}</td><td>{_e(about(a.posttest.p50))}</td>"
            f"<td>{100 * a.posttest.p05:.0f} to {100 * a.posttest.p95:.0f} in 100</td></tr>"
            for a in reading.by_pretest
        )
        rows = (
            f"<p>Likelihood ratio {times(ratio.p50)} ({times(ratio.p05)} to {times(ratio.p95)})</p>"
            "<table><caption>The probability after the answer, by that before it</caption><thead>"
            f"<tr><th>Before</th><th>After</th><th>Band</th></tr></thead><tbody>{rows}</tbody></table>"
        )
    studied = " ".join(say(t, texts) for t in reading.studied[1:])
    unknown = "".join(f"<li>{_e(say(t, texts))}</li>" for t in reading.unknown)
    return (
        f"<h4>{_e(reading.instrument)}, {_e(say(reading.cut, texts))}: {_e(reading.answer)}</h4>"
        f"<p>{_e(say(reading.statement, texts))}</p><ul>{facts}</ul>{rows}"
        f"<p>{_e(studied)}</p><ul>{unknown}</ul>{_sources(reading.evidence)}"
    )


def _page(title: str, person: Profile, body: str, foot: str) -> str:
    age = person.known.get("person.age_years")
    weight = person.known.get("vitals.weight_kg")
    facts = [f"{age.value:g} years" if age else "age not known"]
    facts += [str(person.known["person.sex"].value)] if "person.sex" in person.known else ["sex not known"]
    facts += [f"{weight.value:g} kg ({weight.on})" if weight else "no weight to rely on"]
    return (
        '<!DOCTYPE html><html lang="en" dir="ltr"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_e(title)} {_e(person.patient_id)} - ketapath</title><style>{STYLE}</style></head><body>"
        f'<header><b class="who">{_e(person.patient_id)}</b><span>{_e(", ".join(facts))}</span>'
        f"<span>{person.as_of.isoformat()}</span></header><main><h1>{_e(title)}</h1>{body}</main>"
        f"<footer><p>{_e(foot)}</p><p>Supports a clinician's decision; gives no orders.</p></footer></body></html>\n"
    )


def _candidacy(candidacy: Candidacy, knowledge: Knowledge) -> str:
    texts = knowledge.texts
    emergency = ""
    if candidacy.emergency is not None:
        said = _finding(candidacy.emergency, texts)
        emergency = f'<section class="stop box" role="alert"><h2>Emergency pathway first</h2>{said}</section>'
    rows = "".join(
        f"<tr><th scope=row>{_e(n)}</th><td>{_verdict(v)}</td></tr>" for n, v in candidacy.by_product.items()
    )
    lines = "".join(f"<li>{_finding(f, texts)}</li>" for f in candidacy.findings)
    return (
        f'{emergency}<section aria-labelledby="verdict"><h2 id="verdict">Candidacy: {_verdict(candidacy.verdict)}</h2>'
        f"<table><caption>By product and route</caption><tbody>{rows}</tbody></table>"
        f'<ul class="findings">{lines}</ul></section>'
    )


def _verdict(verdict: Verdict) -> str:
    meaning, icon = _MEANING[verdict]
    return f'<span class="tag {meaning}"><span aria-hidden="true">{icon}</span> {_e(verdict)}</span>'


def _finding(found: Finding, texts: Mapping[str, str]) -> str:
    mark = _verdict(found.verdict) + " " if found.verdict else ""
    action = "" if found.action is None else f" <b>{_e(say(found.action, texts))}</b>"
    facts = "".join(f"<li>{_e(f.label)}: {_e(f.value)} ({f.on or 'undated'}, {_e(f.source)})</li>" for f in found.facts)
    reverses = "".join(f"<li>{_e(say(t, texts))}</li>" for t in found.reverses)
    said = [] if found.rule is None else approval(found.rule)
    said += [] if found.overridden is None else [override(found.overridden)]
    approved = "".join(f'<p class="quiet">{_e(say(text, texts))}</p>' for text in said)
    rule = "" if found.rule is None else f"{_e(found.rule.id)} version {_e(found.rule.version)}, {_e(found.rule.grade)}"
    return (
        f"{mark}{_e(say(found.statement, texts))}{action}<details><summary>Why: {rule or _e(found.id)}</summary>"
        f"{approved}<p>Facts used</p><ul>{facts or '<li>none</li>'}</ul><p>Would reverse it</p><ul>{reverses}</ul>"
        f"<p>Sources</p>{_sources(found.evidence)}</details>"
    )


def _sources(evidence: Iterable[Evidence]) -> str:
    def one(e: Evidence) -> str:
        if e.kind == "site-default":
            approved = "not approved yet" if e.approved_by is None else f"approved by {e.approved_by}"
            return f"<li>Site default without a published source, {_e(approved)}</li>"
        gone = " RETRACTED" if e.retracted else ""
        return f"<li>{_e(e.citation)}. {_e(e.locator)} ({_e(e.trust)}){gone}</li>"

    return f"<ul class=quiet>{''.join(one(e) for e in evidence)}</ul>"


def _option(option: Option, knowledge: Knowledge) -> str:
    texts = knowledge.texts
    dose = "<p class=gap>" + _e(say(option.dose_withheld, texts)) + "</p>" if option.dose_withheld else ""
    if option.dose is not None:
        d = option.dose
        cap = "" if d.cap_mg is None else f", cap {d.cap_mg:.4g} mg"
        rounded = "" if d.exact_mg == d.dose_mg else f" = {d.exact_mg:.4g} mg, rounded down or capped"
        dose = (
            f'<p><span class="big">{d.dose_mg:g} mg</span> base, first dose<br><span class=quiet>{_e(d.formula)}'
            f"{rounded}{cap}</span></p>"
        )
    dose += "".join(f"<p class=gap>{_e(say(m.statement, texts))}</p>" for m in option.markers)
    therapy = "".join(f"<li>{_e(say(t, texts))}</li>" for t in option.psychotherapy)
    tasks = "".join(
        f"<li>{_e(say(t.title, texts))} <span class=quiet>({_e(t.who)}, "
        f"{'before the first session' if t.blocks_first_session else t.due})</span></li>"
        for t in option.support
    )
    known = "".join(f"<li>{_finding(f, texts)}</li>" for f in option.information)
    watch = "".join(f"<li>{_finding(f, texts)}</li>" for f in option.monitoring)
    harms = "".join(f"<li>{_e(say(h.statement, texts))}{_sources(h.evidence)}</li>" for h in option.harm)
    cost = '<span class="gap">not known</span>' if option.cost.total is None else f"{option.cost.total:g}"
    stop = "".join(f"<li>{_finding(f, texts)}</li>" for f in option.stop_rules)
    return (
        f"<article><h3>{_e(say(option.title, texts))}</h3><p>{_verdict(option.verdict)}</p>"
        f"<p>{_e(say(option.basis.suggested, texts))}</p>{dose}{_benefit(option, texts)}"
        f"<p>{_e(say(option.way, texts))}. {_e(say(option.maintenance, texts))}.</p>{_steps(option, texts)}"
        f"<p>{option.weeks:.0f} weeks; {option.burden.visits} visits and {option.burden.hours:.0f} hours in "
        f"{option.burden.days} days; cost {cost}</p>{_schedule('Schedule', option.schedule, texts)}"
        f"<h4>Psychotherapy</h4><ul>{therapy}</ul><h4>To arrange</h4><ul>{tasks or '<li>nothing</li>'}</ul>"
        f"<h4>Predicted risk in a session</h4><ul>{_chances(option, texts)}</ul>"
        f"<h4>Published harms</h4><ul>{harms}</ul><p><b>Best case against it.</b> "
        f"{_e(say(option.basis.best_case_against, texts))}</p>"
        f"<details><summary>When to stop or pause</summary><ul>{stop}</ul></details>"
        f"<details><summary>What has to be watched</summary>"
        f"<ul>{watch}</ul></details><details><summary>What else is known</summary><ul>{known}</ul></details>"
        f"{_basis(option.basis, texts)}</article>"
    )


def _steps(option: Option, texts: Mapping[str, str]) -> str:
    rows = "".join(
        f"<li>From session {s.from_session}: {s.dose_mg:g} mg base. "
        f"{'' if s.condition is None else _e(say(s.condition, texts))}</li>"
        for s in option.steps[1:]
    )
    return f"<ul>{rows}</ul>" if rows else ""


def _chances(option: Option, texts: Mapping[str, str]) -> str:
    def one(chance: HarmChance) -> str:
        words = _e(say(chance.statement, texts))
        if chance.p is None or chance.p05 is None or chance.p95 is None:
            why = "not known" if chance.unknown is None else say(chance.unknown, texts)
            return f"<li class=gap>{words}: {_e(why)}</li>"
        band = f"{_e(about(chance.p))} ({_e(about(chance.p05))} to {_e(about(chance.p95))})"
        return f"<li>{words}: {band}; the policy allows {_e(about(chance.limit))}{_sources(chance.evidence)}</li>"

    return "".join(one(c) for c in option.chances)


def _benefit(option: Option, texts: Mapping[str, str]) -> str:
    note = f"<p class=quiet>{_e(say(option.benefit_note, texts))}</p>"
    if option.benefit is None:
        return f"<div class=gap>{note}</div>"
    score, response = option.benefit["score_after_induction"], option.benefit["p_response"]
    level = ""
    if option.exposure is not None:
        e = option.exposure
        level = f"<p>Peak level {e.p50:.0f} ng/mL ({e.p05:.0f} to {e.p95:.0f}), predicted, venous, not measured</p>"
    return (
        f'<p>Score after the course <span class="big">{score.p50:.0f}</span> ({score.p05:.0f} to {score.p95:.0f})<br>'
        f"Response: {_e(about(response.p50))} ({_e(about(response.p05))} to {_e(about(response.p95))})</p>{level}{note}"
    )


def _schedule(name: str, appointments: tuple[Appointment, ...], texts: Mapping[str, str]) -> str:
    rows = "".join(
        f"<tr><td>{a.on:%a %d %b}</td><td>{'' if a.starts is None else f'{a.starts:%H:%M}'}</td>"
        f"<td>{_e(say(a.title, texts))}<br>"
        f"<span class=quiet>{_e(a.setting)}; {_e(', '.join(a.with_whom))}</span></td></tr>"
        for a in appointments
    )
    return f"<details><summary>{name}</summary><table><caption>Dates</caption><tbody>{rows}</tbody></table></details>"


def _basis(basis: Basis, texts: Mapping[str, str]) -> str:
    facts = "".join(f"<li>{_e(f.label)}: {_e(f.value)} ({f.on or 'undated'})</li>" for f in basis.facts)
    missing = "".join(f"<li>{_e(m.label)}</li>" for m in basis.missing)
    rules = ", ".join(f"{r.id}{' (needs approval)' if r.awaits_approval else ''}" for r in basis.rules)
    reverses = "".join(f"<li>{_e(say(t, texts))}</li>" for t in basis.reverses)
    return (
        f"<details><summary>Basis card</summary><p>{_e(say(basis.next_best, texts))}</p><p>Facts used</p>"
        f"<ul>{facts}</ul><p>Missing</p><ul>{missing or '<li>nothing</li>'}</ul><p>Rules: {_e(rules)}</p>"
        f"<p>{_e(say(basis.likeness, texts))}</p><p>How often wrong: {_e(say(basis.wrong_how_often, texts))}</p>"
        f"<p>Would reverse it</p><ul>{reverses or '<li>nothing known</li>'}</ul>"
        f"<p>Sources</p>{_sources(basis.evidence)}"
        f"<p>Written by {_e(basis.written_by)}; checked by {_e(basis.checked_by or 'nobody yet')}.</p>"
        f"<p class=quiet>{_e(say(basis.device_line, texts))}</p></details>"
    )


def _work_up(candidacy: Candidacy, texts: Mapping[str, str]) -> str:
    """Pieces of work-up with their state in words; nothing where no rule asks for any."""
    words = {"due": "due", "asked": "whether it is needed is not known", "done": "done"}
    rows = "".join(
        f"<li>{_finding(w.finding, texts)}<p><b>{words[w.state]}</b>"
        f"{'' if not w.lacking else ': ' + _e(', '.join(m.label for m in w.lacking))}</p></li>"
        for w in candidacy.work_up
    )
    return f"<section><h2>Work-up</h2><ul>{rows}</ul></section>" if rows else ""


def _gaps(missing: Iterable[MissingFact], texts: Mapping[str, str]) -> str:
    boxes = "".join(
        f"<li class=gap><b>{_e(m.label)}</b> {_e(say(m.reason, texts))} "
        f"<span class=quiet>{_e(m.supplied_by)} can say.</span><ul>{_changes(m)}</ul></li>"
        for m in missing
    )
    title = "Not known, and what it would change"
    return f"<section><h2>{title}</h2><ul class=gaps>{boxes or '<li>Nothing.</li>'}</ul></section>"


def _changes(missing: MissingFact) -> str:
    lines = []
    for change in missing.changes:
        adds = ", ".join(change.adds) or "nothing against"
        lines.append(f"<li>{_e(change.if_value)}: {_e(adds)} &rarr; {_e(change.overall)}</li>")
    return "".join(lines)


def _aside(person: Profile, knowledge: Knowledge) -> str:
    rows = "".join(
        f"<tr><td>{_e(knowledge.paths[f.path].label)}</td><td>{_e(f.as_stated)}</td><td>{f.on or 'undated'}</td>"
        f"<td>{_e(say(f.reason, knowledge.texts)) if f.reason else ''}</td></tr>"
        for f in person.unusable
    )
    head = "<tr><th>Fact</th><th>As recorded</th><th>Day</th><th>Why not</th></tr>"
    table = f"<table class=quiet><caption>Kept, never used</caption><thead>{head}</thead><tbody>{rows}</tbody></table>"
    summary = f"<summary>On record, but not relied on today ({len(person.unusable)})</summary>"
    return f"<section><details>{summary}{table}</details></section>"


def _target(found: Target | None, knowledge: Knowledge) -> str:
    if found is None:
        return ""
    texts = knowledge.texts
    title = "" if found.title is None else f"<b>{_e(say(found.title, texts))}.</b> "
    beside = "".join(
        f"<li><b>{_e(say(b.title, texts))}:</b> {_e(say(b.statement, texts))}{_sources(b.evidence)}</li>"
        for b in found.beside
    )
    lacking = _lacking(found.missing, knowledge)
    return (
        f"<section><h2>What ketamine is aimed at</h2><p>{title}{_e(say(found.statement, texts))}</p>"
        f"{_sources(found.evidence)}<ul>{beside}</ul>{lacking}</section>"
    )


def _alternatives(candidacy: Candidacy, knowledge: Knowledge) -> str:
    shown = "".join(f"<article>{_alternative(a, knowledge)}</article>" for a in candidacy.alternatives)
    beside = f'<section><h2>What else there is</h2><div class="options">{shown}</div></section>' if shown else ""
    return _target(candidacy.target, knowledge) + beside + _values(candidacy.values, knowledge.texts)


def _alternative(found: Alternative, knowledge: Knowledge) -> str:
    texts = knowledge.texts
    mark = '<p><span class="tag info">favoured now</span></p>' if found.preferred_now else ""
    reasons = "".join(f"<li>{_e(say(why(r), texts))}{_sources(r.evidence)}</li>" for r in holding(found))
    tried = "".join(
        f"<li{' class=gap' if t.state == 'unknown' else ''}>{_e(say(how_it_went(t), texts))}</li>" for t in found.tried
    )
    figures = "".join(_figures(c, texts) for c in found.compares)
    without = "".join(f"<p class=gap>{_e(say(said, texts))}</p>" for said in without_figures(found))
    more = f"<summary>What matters, and sources</summary>{_traits(found, texts)}{_sources(found.evidence)}"
    return (
        f"<h3>{_e(say(found.title, texts))}</h3>{mark}<p class=quiet>{_e(say(found.prefer_when, texts))}</p>"
        f"{f'<ul>{reasons}</ul>' if reasons else ''}{f'<h4>Tried before</h4><ul>{tried}</ul>' if tried else ''}"
        f"{figures}{without}{_lacking(open_facts(found), knowledge)}"
        f"<details>{more}</details>"
    )


def _figures(found: Comparison, texts: Mapping[str, str]) -> str:
    """One outcome of one trial: the groups side by side, then the difference and whom it favours."""
    arms = "".join(
        f"<tr><th scope=row>{_e(say(arm.name, texts))}</th>"
        f"<td{' class=gap' if arm.interval is None else ''}>{_e(say(share(arm), texts))}</td></tr>"
        for arm in found.arms
    )
    note = "" if found.note is None else f" {say(found.note, texts)}"
    return (
        f"<table><caption>{_e(say(heading(found), texts))}</caption><tbody>{arms}</tbody></table>"
        f"<p>{_e(say(result(found), texts))}<span class=quiet>{_e(note)}</span></p>{_sources((found.evidence,))}"
    )


def _traits(found: Alternative, texts: Mapping[str, str]) -> str:
    def level(trait: Trait) -> str:
        if trait.level is None:
            return f"<td class=gap>{_e(say(Text(key='values.unknown'), texts))}</td>"
        judged = f" ({say(Text(key='values.judgement'), texts)})" if trait.is_judgement else ""
        return f"<td>{_e(say(trait.level, texts))}<span class=quiet>{_e(judged)}</span></td>"

    rows = "".join(f"<tr><th scope=row>{_e(say(t.title, texts))}</th>{level(t)}</tr>" for t in found.traits)
    return f"<table><caption>What may matter</caption><tbody>{rows}</tbody></table>"


def _values(found: ValuesOrder | None, texts: Mapping[str, str]) -> str:
    if found is None or not found.weights:
        return ""
    lines = ""
    for one in found.order:
        move = next((m for m in found.moves if m.id == one.id), None)
        mark = ' <span class="tag info">favoured now</span>' if one.preferred_now else ""
        lines += f"<li><b>{_e(say(one.title, texts))}</b>{mark}{'' if move is None else _move(move, texts)}</li>"
    said = f"<p>{_e(say(found.statement, texts))}</p>"
    return f"<section><h2>What matters to the person</h2>{said}<ol>{lines}</ol></section>"


def _move(move: Move, texts: Mapping[str, str]) -> str:
    counted = "".join(f"<li>{_e(say(t, texts))}</li>" for t in because(move))
    unknown = "".join(f"<li class=gap>{_e(say(t, texts))}</li>" for t in not_counted(move))
    return f" <span class=quiet>{_e(say(moved(move), texts))}</span><ul>{counted}{unknown}</ul>"


def _lacking(paths: Iterable[str], knowledge: Knowledge) -> str:
    names = ", ".join(knowledge.paths[p].label for p in paths)
    return f"<p class=gap>Not known: {_e(names)}</p>" if names else ""


def _e(words: str) -> str:
    return escape(words, quote=True)
