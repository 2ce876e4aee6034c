"""Any result for a clinician's glance in a terminal: the verdict first, then why, what is missing, what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ketapath.domain.alternative import Comparison, ValuesOrder
from ketapath.domain.biomarker import MarkerView, Measured, Study, WhatIf
from ketapath.domain.candidacy import Candidacy
from ketapath.domain.evidence import Evidence, Finding, Text
from ketapath.domain.plan import Appointment, DecisionCard, Option, Plan, Range
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
from ketapath.report.card_form import card_lines, chance_of
from ketapath.report.course_form import beside_lines
from ketapath.report.words import about, approval, override, plain, say, some_change, times

_WIDTH = 100
_SHORT = 56.0  # days; up to here a course is shown week by week
_SHOWN_MISSING = 8
_SHOWN_ASIDE = 6
_SHOWN_FIGURES = 2


def candidacy_text(candidacy: Candidacy, person: Profile, knowledge: Knowledge) -> str:
    """Verdict, findings, what is missing and what else there is."""
    return plain("\n".join([*_head(candidacy, person, knowledge), *_alternatives(candidacy, knowledge)]))


def plan_text(plan: Plan, person: Profile, knowledge: Knowledge) -> str:
    """The assessment and the options one after another."""
    lines = _head(plan.candidacy, person, knowledge)
    lines += _compared(plan, knowledge.texts)
    for place, option in enumerate(plan.options):
        lines += _option(option, _told_before(option, plan.options[:place]), knowledge)
    texts = knowledge.texts
    if plan.no_options_reason is not None:
        lines += ["", *_wrap(say(plan.no_options_reason, texts))]
    lines += [line for name, why in plan.removed for line in _wrap(f"{name}: {say(why, texts)}", "- ")]
    lines += _alternatives(plan.candidacy, knowledge)
    lines += ["", f"knowledge {plan.knowledge_version}, code {plan.code_version}, inputs {plan.inputs_digest}"]
    return plain("\n".join(lines))


def course_text(course: Course, card: DecisionCard, person: Profile, knowledge: Knowledge) -> str:
    """The decision card, then the course it rests on."""
    texts = knowledge.texts
    lines = [say(card.statement, texts)]
    lines += _wrap(f"Chance: {chance_of(card.prospect, texts)}")
    lines += [line for f in card.findings for line in _wrap(f"{_sentence(f, texts)} [{f.id}]", "- ")]
    lines += _wrap(f"Against it: {say(card.best_case_against, texts)}")
    lines += [line for t in card.reverses for line in _wrap(f"Would turn it around: {say(t, texts)}")]
    lines += [line for words, first in card_lines(card, texts) for line in _wrap(words, first)]
    lines += [line for f in card.course_findings for line in _wrap(f"{_sentence(f, texts)} [{f.id}]", "- ")]
    if card.dates:
        lines += _wrap(f"Going on would mean {_sessions(card.dates)}")
    if len(card.spacings) > 1:
        lines += _wrap(f"Days between sessions that may be chosen: {', '.join(map(str, card.spacings))}")
    lines += [f"Rules: {', '.join(r.id for r in card.rules) or 'none'}; sources: {_keys(card.evidence)}", ""]
    if course.warning is not None:
        lines += [*_wrap(f"Early sign: {say(course.warning.statement, texts)}"), ""]
    title = knowledge.instruments[course.scale]["title"]
    lines += [f"{title} at baseline: {'not known' if course.baseline is None else f'{course.baseline:g}'}"]
    lines += [f"Sessions: {course.sessions}; scores: {_scores(course)}"]
    lines += [f"Change so far: {course.reliable_change or 'cannot be said'}"]
    if course.curve is not None:
        lines += ["", "day   half of such people lie in   nine of ten in", *_curve_rows(course)]
    for name, value in (("response", course.p_response), ("remission", course.p_remission)):
        if value is not None:
            lines += [f"Probability of {name} on day {course.horizon_day:g}: {about(value)}"]
    parts = {q.quantity: f"{q.p50:.0%} ({q.p05:.0%} to {q.p95:.0%})" for q in course.posterior}
    if "drug_part" in parts:
        lines += _wrap(f"Gone today by the drug {parts['drug_part']}, by context and time {parts['context_part']}")
    lines += [line for n in course.notes for line in _wrap(say(n, texts))]
    beside = list(beside_lines(course, texts))
    lines += ["", "Every scale, and goals"] if beside else []
    lines += [line for said in beside for line in _wrap(said.strip(), "  " if said.startswith(" ") else "")]
    return plain("\n".join(lines))


def biomarkers_text(views: Iterable[MarkerView], person: Profile, knowledge: Knowledge) -> str:
    """Every marker, after a sentence that says whether any counts; what the preset rules ask stands once at the end."""
    texts, views = knowledge.texts, tuple(views)
    top = f"{say(Text(key=some_change(views)), texts)} {say(Text(key='marker.no_test'), texts)}"
    lines = [f"{person.patient_id}; {person.as_of}", *_wrap(top)]
    for view in views:
        lines += ["", f"{view.title}: {say(view.verdict, texts)}", *_marker(view, texts)]
    asked = {failed.id: say(failed.asks, texts) for view in views for failed in view.fails}
    lines += ["", "What the preset rules ask"] if asked else []
    lines += [line for name, asks in sorted(asked.items()) for line in _wrap(asks, f"  {name} ")]
    lines += ["", *(line for said in dict.fromkeys(v.device_line for v in views) for line in _wrap(said))]
    return plain("\n".join([*lines, f"knowledge {knowledge.version}"]))


def _marker(view: MarkerView, texts: Mapping[str, str]) -> Iterator[str]:
    for move in view.moves:
        yield from _wrap(f"{move.option}: {say(move.statement, texts)}", "  * ")
    yield from _wrap(f"{view.measures} {view.claim}", "  ")
    for reported in view.reported:
        aside = "" if reported.set_aside is None else f" Not relied on: {say(reported.set_aside, texts)}"
        fact = reported.fact
        yield from _wrap(f"on record: {fact.value} ({fact.on or 'undated'}; {fact.source}){aside}", "  ")
    if not view.reported:
        yield f"  on record: {say(Text(key='marker.not_reported'), texts)}"
    strength = say(Text(key=f"marker.strength.{view.strength or 'none'}"), texts)
    yield from _wrap(f"grade: {view.grade}; {strength}", "  ")
    best = view.best_out_of_sample
    in_others = say(Text(key="marker.no_other_people"), texts) if best is None else _seen(best)
    yield from _wrap(f"best result in other people: {in_others}", "  ")
    reasons: dict[str, list[str]] = {}
    for failed in view.fails:
        reasons.setdefault(say(failed.reason, texts), []).append(failed.id)
    unmet = "; ".join(f"{', '.join(ids)} ({why})" for why, ids in reasons.items())
    yield from _wrap(f"does not meet {unmet}" if unmet else "meets every preset rule", "  ")
    for study in view.studies:
        held = f"{study.sample}, {study.replication.replace('-', ' ')}"
        yield from _wrap(f"{study.population}; {held}: {_seen(study)}", "  - ")
    if view.no_what_if is not None:
        yield from _wrap(f"what if: {say(view.no_what_if, texts)}", "  ")
    yield from _supposed(view, say(view.label, texts))


def _seen(study: Study) -> str:
    n = "number of people not in our evidence" if study.n is None else f"n = {study.n}"
    figure = "" if study.figure is None else f" {_figure(study.figure)}."
    return f"{study.effect}{figure} ({n}) [{study.evidence.key}]"


def _figure(found: Measured) -> str:
    pair = found.interval
    span = "no interval in our evidence" if pair is None else f"{pair[0]:g} to {pair[1]:g}"
    return f"{found.measure} {found.value:g} ({span})".capitalize()


def _supposed(view: MarkerView, label: str) -> Iterator[str]:
    """Each published effect once, and below it what it would do to each option."""
    for effect in dict.fromkeys(found.effect for found in view.what_if):
        mine = [found for found in view.what_if if found.effect == effect]
        this = ", this person's result" if mine[0].is_this_person else ""
        head = f"what if, {label}: {effect.result}{this}. {effect.said} [{effect.evidence.key}]"
        yield from _wrap(head, "  ? ")
        for option in dict.fromkeys(found.option for found in mine):
            said = "; ".join(_moved(found) for found in mine if found.option == option)
            yield from _wrap(f"{option}: {said}", "    ")


def _moved(found: WhatIf) -> str:
    names = {"peak": "peak level", "area": "area over a day", "response": "response", "dose": "dose"}
    is_share = found.quantity == "response"

    def said(band: Range) -> str:
        low, mid, high = (about(v) if is_share else f"{v:.0f}" for v in (band.p05, band.p50, band.p95))
        return f"{mid} ({low} to {high})"

    unit = "" if is_share else f" {found.now.unit}"
    return f"{names[found.quantity]} {said(found.then)} instead of {said(found.now)}{unit}"


def screening_text(screened: Iterable[Screened], person: Profile, knowledge: Knowledge) -> str:
    """What each answered screen says, what to bear in mind, and the questionnaires that are still to be filled in."""
    texts, screened = knowledge.texts, tuple(screened)
    lines = [_who(person), "", texts["screening.label"].upper()]
    lines += _wrap(texts["screening.died" if person.died is not None else "screening.lead"])
    notes: dict[str, list[str]] = {}
    to_fill: dict[str, list[str]] = {}
    for one in screened:
        title = say(one.title, texts).lower()
        if one.known or not one.readings or any(r.answer != "not answered" for r in one.readings):
            lines += _screened(one, texts)
        for note in one.notes:
            notes.setdefault(say(note, texts), []).append(title)
        for form in one.to_fill:
            gaps = "; ".join(f"{g.label}: {say(g.reason, texts)}" for g in form.gaps)
            to_fill.setdefault(f"{form.instrument} - {gaps}", []).append(title)
    for head, marker, found in (("Bear in mind", "- ", notes), ("Not answered, so nothing is said", "? ", to_fill)):
        lines += ["", head] if found else []
        lines += [x for said, about_it in found.items() for x in _wrap(f"{said} ({', '.join(about_it)})", marker)]
    return plain("\n".join([*lines, "", f"knowledge {knowledge.version}"]))


def _screened(one: Screened, texts: Mapping[str, str]) -> list[str]:
    lines = ["", say(one.title, texts), *_wrap(say(one.statement, texts), "  ")]
    answered = [r for r in one.readings if r.answer != "not answered"]
    used = {u.fact.path: u for r in answered for u in r.used}
    for fact, days in (
        *((f, None) for f in (*one.known, *one.said)),
        *((u.fact, u.window_days) for u in used.values()),
    ):
        holds = "" if days is None else f", holds {days} days"
        lines += _wrap(f"{fact.label}: {fact.value} ({fact.on or 'undated'}{holds}; {fact.source})", "    ")
    for reading in answered:
        lines += _reading(reading, texts, leads=reading.id == one.leading)
    if one.pretest is not None:
        lines += _wrap(say(one.pretest.statement, texts), "  ")
    leading = next((r for r in one.readings if r.id == one.leading), None)
    if leading is not None and one.pretest is None:
        lines += [f"    {about(a.pretest)} before, {about(a.posttest.p50)} after" for a in leading.by_pretest]
    return lines + _wrap(f"Would settle it: {say(one.settled_by, texts)}", "  ")


def _reading(reading: Reading, texts: Mapping[str, str], *, leads: bool) -> list[str]:
    ratio, after = reading.likelihood_ratio, reading.posttest
    said = f"{reading.instrument}, {say(reading.cut, texts)}: {reading.answer}"
    if ratio is not None:
        said += f"; likelihood ratio {times(ratio.p50)} ({times(ratio.p05)} to {times(ratio.p95)})"
    if after is not None and not leads:
        said += f"; {about(after.p50)}"
    lines = _wrap(f"{said} [{reading.id}, {reading.trust}: {_keys(reading.evidence)}]", "  - ")
    return lines if ratio is not None else lines + _wrap(say(reading.statement, texts), "    ")


def _who(person: Profile) -> str:
    age, sex = (person.known.get(p) for p in ("person.age_years", "person.sex"))
    years = f"{age.value:g} years" if age is not None else "age not known"
    return f"{person.patient_id}, {years}, {'sex not known' if sex is None else sex.value}; {person.as_of}"


def _head(candidacy: Candidacy, person: Profile, knowledge: Knowledge) -> list[str]:
    texts = knowledge.texts
    lines = [_who(person)]
    if candidacy.emergency is not None:
        lines += ["", "EMERGENCY PATHWAY FIRST", *_wrap(_sentence(candidacy.emergency, texts))]
    lines += ["", f"Candidacy: {candidacy.verdict}"]
    lines += [f"  {name:18} {verdict}" for name, verdict in candidacy.by_product.items()]
    spoken = [f for f in candidacy.findings if f.verdict is not None]
    for found in spoken:
        awaits = "; needs approval" if found.rule is not None and found.rule.awaits_approval else ""
        head = f"{found.verdict}: {_sentence(found, texts)} [{found.id}; {_keys(found.evidence)}{awaits}]"
        lines += _wrap(head, "- ")
        if found.overridden is not None:
            lines += _wrap(say(override(found.overridden), texts), "    ")
        if found.rule is not None and found.rule.approved is not None:
            lines += [line for t in approval(found.rule) for line in _wrap(say(t, texts), "    ")]
        lines += [
            line
            for f in found.facts
            for line in _wrap(f"{f.label}: {f.value} ({f.on or 'undated'}; {f.source})", "    ")
        ]
    lines += _missing(candidacy)
    lines += _work_up(candidacy, texts)
    shown = [f for f in person.unusable if f.reason is not None]
    paths = {f.path: f for f in shown}
    if paths:
        lines += ["", "On record, but not relied on today"]
    for fact in list(paths.values())[:_SHOWN_ASIDE]:
        assert fact.reason is not None
        said = f"{knowledge.paths[fact.path].label} ({fact.as_stated or 'as recorded'}, {fact.on or 'undated'})"
        lines += _wrap(f"{said}: {say(fact.reason, texts)}", "- ")
    if len(paths) > _SHOWN_ASIDE:
        lines += [f"  and {len(paths) - _SHOWN_ASIDE} more facts; all of them with --json"]
    return lines


def _missing(candidacy: Candidacy) -> Iterator[str]:
    gaps = candidacy.missing
    if gaps:
        yield ""
        yield "Not known, and what it would change"
    for gap in gaps[:_SHOWN_MISSING]:
        answers = [f"{c.if_value}: {', '.join(c.adds) or 'nothing against'}" for c in gap.changes]
        yield from _wrap(f"{gap.label} ({gap.supplied_by}) - {'; '.join(answers)}", "? ")
    if len(gaps) > _SHOWN_MISSING:
        yield f"  and {len(gaps) - _SHOWN_MISSING} more; all of them with --json"


def _work_up(candidacy: Candidacy, texts: Mapping[str, str]) -> Iterator[str]:
    due = [w for w in candidacy.work_up if w.state == "due"]
    if due:
        yield ""
        yield "Work-up that is due"
    for piece in due:
        lacking = "; ".join(f"{m.label} ({m.supplied_by})" for m in piece.lacking)
        yield from _wrap(f"{say(piece.finding.statement, texts)} [{piece.finding.id}] Lacking: {lacking}", "> ")


def _compared(plan: Plan, texts: Mapping[str, str]) -> Iterator[str]:
    """How many ways were compared, what limits took out, what ranked the rest, and how much the order means."""
    if not plan.considered:
        return
    yield ""
    yield from _wrap(f"{plan.considered} ways of giving compared. {say(plan.comparison, texts)}")
    for cut in plan.cuts:
        yield from _wrap(say(cut.statement, texts), "- ")
    for worth in plan.worths:
        said = "site default, nobody asked yet" if worth.stated is None else f"stated on {worth.stated.on}"
        said += "" if worth.counted else "; not counted, for it is not known of every way"
        yield from _wrap(f"{say(worth.unit, texts)} is worth {worth.better_days:g} better days ({said})", "- ")


def _told_before(option: Option, earlier: Sequence[Option]) -> Option | None:
    """The first of the earlier options of which the same is to be arranged, watched and said against it."""

    def sides(one: Option) -> tuple[object, ...]:
        watched = tuple((f.id, f.verdict) for f in (*one.monitoring, *one.stop_rules))
        return (one.protocol_id, one.support, one.psychotherapy, watched, one.harm)

    return next((one for one in earlier if sides(one) == sides(option)), None)


def _option(option: Option, told: Option | None, knowledge: Knowledge) -> list[str]:
    """One option; what `told` has said already is not said again."""
    texts = knowledge.texts
    lines = [
        "",
        f"OPTION {option.standing.place}: {say(option.title, texts)}",
        *_wrap(say(option.basis.suggested, texts), "  "),
    ]
    if option.dose is not None:
        dose = option.dose
        cap = "" if dose.cap_mg is None else f", cap {dose.cap_mg:.4g} mg{' reached' if dose.capped else ''}"
        rounded = "" if dose.exact_mg == dose.dose_mg else f" = {dose.exact_mg:.4g} mg, rounded down or capped"
        lines += _wrap(f"first dose {dose.dose_mg:g} mg base: {dose.formula}{rounded}{cap}", "  ")
    if option.dose_withheld is not None:
        lines += _wrap(say(option.dose_withheld, texts), "  ")
    lines += _way(option, texts)
    if option.schedule:
        lines += _wrap(_sessions(option.schedule), "  ")
        lines += [line for words in _therapy_hours(option.schedule, texts) for line in _wrap(words, "  ")]
    lines += _benefit(option, texts)
    lines += [line for m in option.markers for line in _wrap(say(m.statement, texts), "  * ")]
    if option.exposure is not None:
        e = option.exposure
        lines += [f"  peak level {e.p50:.0f} ng/mL ({e.p05:.0f} to {e.p95:.0f}), predicted, venous"]
    lines += _limits(option, texts)
    burden, count = option.burden, sum(a.kind == "session" for a in option.schedule)
    lines += _wrap(
        f"{option.weeks:.0f} weeks, {count} sessions; with what follows {burden.visits} visits and "
        f"{burden.hours:.0f} hours in {burden.days} days; cost {_cost(option)}",
        "  ",
    )
    if told is not None:
        same = "what to arrange, watch and stop for, published harms and the case against it"
        return lines + _wrap(f"{same}: as option {told.standing.place}", "  ")
    return lines + _sides(option, texts)


def _sides(option: Option, texts: Mapping[str, str]) -> list[str]:
    """What an option needs and what speaks against it, which ways of one protocol mostly share."""
    lines = [line for t in option.psychotherapy for line in _wrap(say(t, texts), "  ")]
    for task in option.support:
        due = "before the first session" if task.blocks_first_session else f"by {task.due}"
        lines += _wrap(f"{task.who}, {due}: {say(task.title, texts)}", "  > ")
    lines += _wrap(f"watch: {'; '.join(f.rule.title for f in option.monitoring if f.rule)}", "  ")
    lines += _wrap(f"stop or pause: {'; '.join(f.rule.title for f in option.stop_rules if f.rule)}", "  ")
    lines += [
        line for h in option.harm for line in _wrap(f"{say(h.statement, texts)} [{_keys(h.evidence)}]", "  harm: ")
    ]
    return lines + _wrap(f"against it: {say(option.basis.best_case_against, texts)}", "  ")


def _way(option: Option, texts: Mapping[str, str]) -> Iterator[str]:
    """How it is given over time, and what sets the dose."""
    yield from _wrap(f"{say(option.way, texts)}. {say(option.maintenance, texts)}.", "  ")
    for step in option.steps[1:]:
        condition = "" if step.condition is None else f": {say(step.condition, texts)}"
        yield from _wrap(f"from session {step.from_session} {step.dose_mg:g} mg base{condition}", "  ")
    if option.window.least_mg is not None:
        window = option.window
        yield from _wrap(
            f"compared {window.least_mg:g} to {window.most_mg:g} mg. {say(window.least_why, texts)} "
            f"{say(window.most_why, texts)}",
            "  ",
        )


def _limits(option: Option, texts: Mapping[str, str]) -> Iterator[str]:
    """The predicted chance of each limited harm."""
    for chance in option.chances:
        words = say(chance.statement, texts)
        if chance.p is None:
            yield from _wrap(f"{words}: {say(chance.unknown, texts) if chance.unknown else 'not known'}", "  risk: ")
        else:
            band = f"{about(chance.p)} ({about(chance.p05 or 0.0)} to {about(chance.p95 or 0.0)})"
            yield from _wrap(f"{words}: {band}, at most {about(chance.limit)}", "  risk: ")


def _cost(option: Option) -> str:
    cost = option.cost
    if cost.total is None:
        return "not known"
    own = "" if cost.own_share is None else f", of it paid oneself {cost.own_share:g}"
    return f"{cost.total:g} {cost.currency or ''}{own}"


def _benefit(option: Option, texts: Mapping[str, str]) -> Iterator[str]:
    found = option.benefit
    if found is not None:
        score, response = found["score_after_induction"], found["p_response"]
        better, remitted = found["better_days"], found["remission_days"]
        yield f"  score after the course {score.p50:.0f} ({score.p05:.0f} to {score.p95:.0f})"
        yield f"  response: {about(response.p50)} ({about(response.p05)} to {about(response.p95)})"
        yield f"  days with half of it gone, in 12 weeks: {better.p50:.0f} ({better.p05:.0f} to {better.p95:.0f})"
        yield f"  days in remission, in 12 weeks: {remitted.p50:.0f} ({remitted.p05:.0f} to {remitted.p95:.0f})"
    yield from _wrap(say(option.benefit_note, texts), "  ")


def _target(candidacy: Candidacy, knowledge: Knowledge) -> Iterator[str]:
    texts, found = knowledge.texts, candidacy.target
    if found is None:
        return
    yield ""
    yield "What ketamine is aimed at"
    title = "" if found.title is None else f"{say(found.title, texts)}. "
    yield from _wrap(f"{title}{say(found.statement, texts)} [{found.rule_id}; {_keys(found.evidence)}]", "  ")
    for other in found.beside:
        said = f"{say(other.title, texts)}: {say(other.statement, texts)}"
        yield from _wrap(f"{said} [{other.rule_id}; {_keys(other.evidence)}]", "- ")
    if found.missing:
        yield from _wrap(", ".join(knowledge.paths[p].label for p in found.missing), "? ")


def _alternatives(candidacy: Candidacy, knowledge: Knowledge) -> list[str]:
    texts = knowledge.texts
    lines = [*_target(candidacy, knowledge)]
    lines += ["", "What else there is"] if candidacy.alternatives else []
    for found in candidacy.alternatives:
        first = "favoured now: " if found.preferred_now else ""
        head = f"{first}{say(found.title, texts)}. Prefer when: {say(found.prefer_when, texts)}"
        lines += _wrap(f"{head} [{_keys(found.evidence)}]", "- ")
        for reason in holding(found):
            lines += _wrap(f"{say(why(reason), texts)} [{reason.rule_id}; {_keys(reason.evidence)}]", "    ")
        lines += [line for t in found.tried for line in _wrap(say(how_it_went(t), texts), "    tried: ")]
        lines += [line for c in found.compares[:_SHOWN_FIGURES] for line in _figures(c, texts)]
        if len(found.compares) > _SHOWN_FIGURES:
            lines += [f"    and {len(found.compares) - _SHOWN_FIGURES} more; all of them with --json"]
        lines += [f"    {say(said, texts)}" for said in without_figures(found)]
        lacking = [knowledge.paths[p].label for p in open_facts(found)]
        lines += _wrap(", ".join(lacking), "    ? ") if lacking else []
    return [*lines, *_values(candidacy.values, texts)]


def _figures(found: Comparison, texts: Mapping[str, str]) -> Iterator[str]:
    """One outcome of one trial: how it was made, then each group on a line of its own."""
    yield from _wrap(say(heading(found), texts), "    ")
    for arm in found.arms:
        yield from _wrap(f"{say(arm.name, texts)}: {say(share(arm), texts)}", "      ")
    yield from _wrap(f"{say(result(found), texts)} [{found.evidence.key}]", "      ")


def _values(found: ValuesOrder | None, texts: Mapping[str, str]) -> Iterator[str]:
    if found is None or not found.weights:
        return
    yield ""
    yield from _wrap(say(found.statement, texts))
    for place, one in enumerate(found.order, start=1):
        mark = " (favoured now)" if one.preferred_now else ""
        yield f"{place}. {say(one.title, texts)}{mark}"
        for move in (m for m in found.moves if m.id == one.id):
            reasons = "; ".join(say(t, texts) for t in (*because(move), *not_counted(move)))
            yield from _wrap(f"{say(moved(move), texts)}. {reasons}", "   ")


def _curve_rows(course: Course) -> Iterator[str]:
    """Every week of a short course, every second week of a long one, and the day that the probabilities speak of."""
    curve = course.curve
    assert curve is not None
    step = 7.0 if course.horizon_day is not None and course.horizon_day <= _SHORT else 14.0
    rows = {1.0, *(day for day in curve.days if day and day % step == 0.0), course.horizon_day}
    for i, day in enumerate(curve.days):
        if day in rows:
            yield f"{day:3g}   {curve.p25[i]:5.1f} to {curve.p75[i]:4.1f} {curve.p05[i]:15.1f} to {curve.p95[i]:4.1f}"


def _sessions(appointments: tuple[Appointment, ...]) -> str:
    sessions = [a for a in appointments if a.kind == "session"]
    days = ", ".join(f"{a.on:%a %d %b}" for a in sessions)
    start = f" at {sessions[0].starts:%H:%M}" if sessions[0].starts else ""
    return f"sessions{start}, {sessions[0].setting}: {days}"


def _therapy_hours(appointments: tuple[Appointment, ...], texts: Mapping[str, str]) -> Iterator[str]:
    """The days of each psychotherapy that has hours in the plan."""
    days: dict[str, list[str]] = {}
    for hour in (a for a in appointments if a.kind == "psychotherapy"):
        days.setdefault(f"{say(hour.title, texts)} ({hour.with_whom[0]})", []).append(f"{hour.on:%a %d %b}")
    yield from (f"{what}: {', '.join(when)}" for what, when in days.items())


def _scores(course: Course) -> str:
    return ", ".join(f"{o.total:g} on day {o.day:g}" for o in course.observed) or "none"


def _sentence(found: Finding, texts: Mapping[str, str]) -> str:
    action = "" if found.action is None else f" {say(found.action, texts)}"
    return say(found.statement, texts) + action


def _keys(evidence: Iterable[Evidence]) -> str:
    shown = dict.fromkeys(e.key or f"site default, approved by {e.approved_by or 'nobody'}" for e in evidence)
    return ", ".join(list(shown)[:4]) + (f" and {len(shown) - 4} more" if len(shown) > 4 else "")


def _wrap(words: str, first: str = "") -> list[str]:
    rest = " " * len(first)
    return textwrap.wrap(plain(words), _WIDTH, initial_indent=first, subsequent_indent=rest) or [first]
