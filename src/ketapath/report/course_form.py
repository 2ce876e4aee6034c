"""All of a course beside its main curve: every scale, the person's goals, chances by date, what each score moved.

As JSON, as lines of text, and as sections of a page; `json_form`, `text_form` and `page` put them in their place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from ketapath.domain.response import Change, Course, EarlyWarning, Goal, Observed, RecoveryCurve, ScaleCourse
from ketapath.report.charts import Dot, Line, Panel, course_bands, draw, expected_band, expected_line, value_step
from ketapath.report.json_parts import Form, evidence_forms, iso_day, rounded, said
from ketapath.report.words import about, say

_BANDS = ("days", "p05", "p25", "p50", "p75", "p95")
_OF_ALL = "trend.assumed"
_STEPS = "from -2 (much less than hoped) to +2 (much more)"


def curve_form(curve: RecoveryCurve | None) -> Form | None:
    """A curve with its bands, in points of its scale."""
    if curve is None:
        return None
    return {"scale": curve.scale, **{band: [rounded(v) for v in getattr(curve, band)] for band in _BANDS}}


def observed_forms(observed: tuple[Observed, ...]) -> list[Form]:
    """Scores by day since the first session."""
    return [{"day": o.day, "total": o.total, "source": o.origin} for o in observed]


def beside_form(course: Course, texts: Mapping[str, str]) -> Form:
    """The fields of a course that stand beside its main curve; lists may be empty, single things null."""
    own = course.provenance
    return {
        "expected": curve_form(course.expected),
        "scales": [_scale_form(scale, texts) for scale in course.scales],
        "goals": [_goal_form(goal, texts) for goal in course.goals],
        "chances": [
            {
                "day": c.day,
                "p_response": rounded(c.p_response),
                "p_remission": rounded(c.p_remission),
                "p_relapse": rounded(c.p_relapse),
            }
            for c in course.chances
        ],
        "influences": [
            {
                "day": i.day,
                "scale": i.scale,
                "total": i.total,
                "expected": {
                    "p05": rounded(i.expected_p05),
                    "p50": rounded(i.expected_p50),
                    "p95": rounded(i.expected_p95),
                },
                "improved_before": rounded(i.improved_before),
                "improved_after": rounded(i.improved_after),
            }
            for i in course.influences
        ],
        "warning": None if course.warning is None else _warning_form(course.warning, texts),
        "provenance": None if own is None else {"name": own.name, "version": own.version, "digest": own.digest},
    }


def _scale_form(scale: ScaleCourse, texts: Mapping[str, str]) -> Form:
    return {
        "scale": scale.scale,
        "title": scale.title,
        "top": scale.top,
        "higher_is_better": scale.higher_is_better,
        "modelled": scale.is_modelled,
        "baseline": scale.baseline,
        "baseline_on": scale.baseline_on,
        "observed": observed_forms(scale.observed),
        "curve": curve_form(scale.curve),
        "expected": curve_form(scale.expected),
        "change": None if scale.change is None else _change_form(scale.change, texts),
        "notes": said(scale.notes, texts),
    }


def _change_form(change: Change, texts: Mapping[str, str]) -> Form:
    return {
        "before": change.before,
        "after": change.after,
        "points": change.points,
        "verdict": change.verdict,
        "definition": say(change.definition, texts),
        "beside": said(change.beside, texts),
        "evidence": evidence_forms(change.evidence),
    }


def _goal_form(goal: Goal, texts: Mapping[str, str]) -> Form:
    return {
        "words": goal.words,
        "status": goal.status,
        "since": iso_day(goal.since),
        "ratings": [{"on": r.on.isoformat(), "level": r.level, "source": r.origin} for r in goal.ratings],
        "source": goal.origin,
        "notes": said(goal.notes, texts),
    }


def _warning_form(warning: EarlyWarning, texts: Mapping[str, str]) -> Form:
    return {
        "day": warning.day,
        "scale": warning.scale,
        "kind": warning.kind,
        "statement": say(warning.statement, texts),
        "probability": rounded(warning.probability),
        "evidence": evidence_forms(warning.evidence),
    }


def beside_lines(course: Course, texts: Mapping[str, str]) -> Iterator[str]:
    """The same in sentences, one a line, not yet wrapped; what starts with spaces belongs to the line above."""
    for chance in course.chances:
        relapse = "" if chance.p_relapse is None else f", relapse by then {about(chance.p_relapse)}"
        response, remission = about(chance.p_response), about(chance.p_remission)
        yield f"Day {chance.day:g}: response {response}, remission {remission}{relapse}"
    titles = {scale.scale: scale.title for scale in course.scales}
    for moved in course.influences:
        yield (
            f"Day {moved.day:g}: {titles[moved.scale]} {moved.total:g}, expected {moved.expected_p05:.0f} to "
            f"{moved.expected_p95:.0f}; share improved {moved.improved_before:.0%} before it, "
            f"{moved.improved_after:.0%} after"
        )
    for scale in course.scales:
        yield f"{scale.title} ({_direction(scale)}): {_scores(scale)}"
        yield f"  Change: {_change(scale, texts)}"
        yield from (f"  {words}" for words in _today(scale))
        yield from (f"  {say(note, texts)}" for note in scale.notes if note.key != _OF_ALL)
    yield from _of_all(course, texts)
    for goal in course.goals:
        yield f"Goal ({goal.status}): {goal.words}"
        yield f"  {_ratings(goal)}"
        yield from (f"  {say(note, texts)}" for note in goal.notes)
    if course.provenance is not None:
        yield f"Expected from: {course.provenance.name}, version {course.provenance.version}"


def warning_section(course: Course, texts: Mapping[str, str]) -> str:
    """The warning as a part of a page; nothing where there is none."""
    if course.warning is None:
        return ""
    return f"<p class=gap><b>Early sign:</b> {escape(say(course.warning.statement, texts))}</p>"


def beside_sections(course: Course, texts: Mapping[str, str]) -> str:
    """Every scale that the main curve does not show as a small chart, and the goals."""
    main = next((s for s in course.scales if s.scale == course.scale and course.curve is not None), None)
    others = [scale for scale in course.scales if scale is not main]
    title = "Other scales" if any(s.is_modelled for s in others) else "Scales without a model"
    own = "" if main is None else f"<p>Change: {escape(_change(main, texts))}</p>"
    scales = "".join(_scale_section(scale, texts) for scale in others)
    goals = "".join(
        f"<li>{escape(goal.words)} <span class=quiet>({escape(goal.status)})</span>: {escape(_ratings(goal))}"
        + "".join(f" <span class=gap>{escape(say(n, texts))}</span>" for n in goal.notes)
        + "</li>"
        for goal in course.goals
    )
    return (
        own
        + (f"<h3>{title}</h3>{scales}" if scales else "")
        + "".join(f"<p class=quiet>{escape(words)}</p>" for words in _of_all(course, texts))
        + (
            f"<h3>Goals in the person's own words</h3><p class=quiet>Rated {_STEPS}.</p><ul>{goals}</ul>"
            if goals
            else ""
        )
    )


def _scale_section(scale: ScaleCourse, texts: Mapping[str, str]) -> str:
    rows = "".join(
        f"<tr><td>{o.day:g}</td><td>{o.total:g}</td><td>{escape(o.origin)}</td></tr>" for o in scale.observed
    )
    notes = "".join(f"<li>{escape(say(n, texts))}</li>" for n in scale.notes if n.key != _OF_ALL)
    today = "".join(f"<p>{escape(words)}.</p>" for words in _today(scale))
    return (
        f"<h4>{escape(scale.title)} <span class=quiet>{escape(_direction(scale))}</span></h4>"
        f"{'' if scale.curve is None else _drawing(scale, scale.curve)}"
        f"<p>Change: {escape(_change(scale, texts))}</p>{today}"
        f"{f'<ul>{notes}</ul>' if notes else ''}"
        "<details><summary>The scores</summary><table><thead><tr><th>Day</th><th>Total</th><th>Source</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></details>"
    )


def _drawing(scale: ScaleCourse, curve: RecoveryCurve) -> str:
    first, last = curve.days[0], curve.days[-1]
    whole = max(1, round((last - first) / 5))  # source: our choice; about six days are written under the axis
    band = "The band is what these scores and their error allow, up to today, without a model of treatment"
    if scale.is_modelled:
        band = "Median with bands for half and for nine of ten such people"
    panel = Panel(
        title=f"{scale.title} over time",
        description=f"{band}; dots are this person's scores. The table below has the same scores.",
        x_name="days",
        x_from=first,
        x_to=max(last, first + 1.0),
        x_labels=[(first + whole * i, f"{first + whole * i:g}") for i in range(int((last - first) // whole) + 1)],
        y_to=scale.top,
        y_step=value_step(scale.top),
        bands=[*course_bands(curve), *expected_band(scale.expected)],
        lines=[
            *expected_line(scale.expected, "expected"),
            Line(kind="median", name="median", xs=curve.days, ys=curve.p50),
        ],
        dots=[Dot(x=o.day, y=o.total, words=f"{o.total:g} on day {o.day:g}, {o.origin}") for o in scale.observed],
        height=180.0,
    )
    return draw(panel, identity=f"scale-{scale.scale}")


def _of_all(course: Course, texts: Mapping[str, str]) -> list[str]:
    """What holds of every scale without a model, said once."""
    notes = [note for scale in course.scales for note in scale.notes if note.key == _OF_ALL]
    return said(notes[:1], texts)


def _direction(scale: ScaleCourse) -> str:
    return f"0 to {scale.top:g}, {'higher' if scale.higher_is_better else 'lower'} is better"


def _scores(scale: ScaleCourse) -> str:
    return ", ".join(f"{o.total:g} on day {o.day:g}" for o in scale.observed) or "no score that can be used"


def _today(scale: ScaleCourse) -> list[str]:
    """What a score of today would be, by the scale's own trend; a modelled scale says that in its curve."""
    if scale.curve is None or scale.is_modelled:
        return []
    low, mid, high = scale.curve.p05[-1], scale.curve.p50[-1], scale.curve.p95[-1]
    decimals = 0 if scale.top > 20 else 1  # source: our choice; one decimal only on a scale as short as 0 to 10
    middle, lowest, highest = (f"{v:.{decimals}f}" for v in (mid, low, high))
    return [f"A score of today (day {scale.curve.days[-1]:g}): about {middle}, nine of ten in {lowest} to {highest}"]


def _change(scale: ScaleCourse, texts: Mapping[str, str]) -> str:
    """What changed and by which definition, with its source, in one paragraph."""
    change = scale.change
    if change is None:
        return "cannot be said: it takes two scores."
    sources = ", ".join(e.key or f"site default, approved by {e.approved_by or 'nobody'}" for e in change.evidence)
    rest = " ".join(said((change.definition, *change.beside), texts))
    return f"{change.verdict}, {change.before:g} to {change.after:g}. {rest} [{sources}]"


def _ratings(goal: Goal) -> str:
    return ", ".join(f"{r.level:+d} on {r.on.isoformat()}" for r in goal.ratings) or "not rated yet"
