"""The few words that templates need: texts said, verdicts named, numbers and days as the house writes them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import heroicons
from django.template import Library
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.queries.profile import is_statable as may_be_stated
from clinic.queries.session import Room
from clinic.queries.therapy import touch_now
from clinic.record.models import PatientLine
from clinic.record.projections import knowledge
from clinic.web.words import DECISIONS, OWN_WORDS, VERDICTS, WORDS
from ketapath import units
from ketapath.domain.biomarker import FailedRule, MarkerView
from ketapath.domain.evidence import Evidence, Finding, MissingFact, RuleRef, Text, Verdict
from ketapath.domain.goal import Goal
from ketapath.domain.plan import Decided, Option, PlannedVisit, Range, SignedPlan
from ketapath.domain.profile import Profile
from ketapath.domain.response import Change, Influence, Posterior
from ketapath.domain.session import Administration
from ketapath.knowledge import published
from ketapath.knowledge.schema import Scope
from ketapath.pharmacology.effects import Risk
from ketapath.plan.regimens import regimen_of
from ketapath.report import approval as texts_of_approval
from ketapath.report import say as say_text
from ketapath.report.beside import heading, holding, how_it_went, result, share, why, without_figures

register = Library()
for of_an_alternative in (heading, holding, how_it_went, result, share, why, without_figures):
    register.filter(of_an_alternative.__name__, of_an_alternative)


@register.filter
def say(text: Text | None) -> str:
    """The sentence of a text key, with its days as the house writes them."""
    if text is None:
        return ""
    return say_text(replace(text, values={k: _in_house(v) for k, v in text.values.items()}), knowledge().texts)


def _in_house(value: Any) -> Any:
    """A value of a sentence; a day that the core gives as 2026-11-24 is written as everywhere on the page."""
    try:
        return day(date.fromisoformat(value)) if isinstance(value, str) and len(value) == len("2026-11-24") else value
    except ValueError:
        return value


@register.filter
def say_unsourced(text: Text) -> str:
    """The sentence without the key of its source in brackets, for where the source itself stands beside it."""
    return say(replace(text, values={**text.values, "source": ""})).replace(" ()", "")


@register.filter
def sources_of(change: Change) -> tuple[Evidence, ...]:
    """What the verdict of a change rests on, then the sources of the other rules that are told beside it."""
    beside = (knowledge().sources.get(str(text.values.get("source"))) for text in change.beside)
    return tuple(dict.fromkeys((*change.evidence, *(published(source) for source in beside if source is not None))))


@register.filter
def approval(rule: RuleRef) -> list[Text]:
    """What is said of the medical lead's approval wherever this rule shows."""
    return texts_of_approval(rule)


@register.filter
def can_be_overridden(finding: Finding) -> bool:
    """Whether this is a relative contraindication that stands against treatment today."""
    rule = knowledge().rules.get(finding.id)
    stands = finding.verdict in ("not-eligible", "defer") and rule is not None
    is_relative = rule is not None and rule.severity == "relative-contraindication"
    return stands and is_relative and rule is not None and rule.override != "never"


@register.filter
def is_absolute(finding: Finding) -> bool:
    """Whether this is an absolute contraindication."""
    rule = knowledge().rules.get(finding.id)
    return rule is not None and rule.severity == "absolute-contraindication"


@register.filter
def three_valued(value: bool | None) -> str:
    """Yes, no, or not known."""
    return _("not known") if value is None else _("yes") if value else _("no")


@register.filter
def any_moves(views: Iterable[MarkerView]) -> bool:
    """Whether any of these markers moves an option."""
    return any(view.moves for view in views)


@register.filter
def strength(found: str | None) -> Text:
    """How strong the evidence on a marker is, in a sentence."""
    return Text(key=f"marker.strength.{found or 'none'}")


@register.filter
def plain_number(value: float) -> str:
    """A limit as somebody would type it."""
    return f"{value:g}"


@register.filter
def typed_or(typed: Mapping[str, str], name: str) -> str:
    """What was typed into this field before something went wrong, or nothing."""
    return typed.get(name, "")


@register.filter
def unit_words(unit: str) -> str:
    """A unit as people write it."""
    shown = units.shown(unit) if unit else ""
    return str(_UNITS.get(shown, shown))


@register.filter
def minus(total: int, part: int) -> int:
    """The rest of a count."""
    return total - part


@register.simple_tag
@lru_cache(maxsize=256)
def icon(name: str, size: int = 16) -> SafeString:
    """An icon that stands beside its word, so that it needs no name of its own."""
    style = "micro" if size <= 16 else "outline"
    drawn: str = heroicons._render_icon(style, name, size, {"aria-hidden": "true", "focusable": "false"})
    return SafeString(drawn)


_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_MACHINES = ("Android", "iPhone", "iPad", "Windows", "Macintosh", "Linux")


@register.filter
def browser(device: str) -> str:
    """What a browser calls itself, in two words that its owner knows."""
    name = next((word for sign, word in _BROWSERS if sign in device), _("A browser"))
    machine = next((word for word in _MACHINES if word in device), "")
    return f"{name}, {machine}" if machine else name


@register.simple_tag
def verdict(found: Verdict | None) -> SafeString:
    """A verdict as shape, word and colour, in this order."""
    if found is None:
        return format_html('<span class="tag info">{} {}</span>', icon("information-circle"), _("To know"))
    words, kind, shape = VERDICTS[found]
    return format_html('<span class="tag {}">{} {}</span>', kind, icon(shape), words)


@register.filter
def verdict_words(found: str) -> str:
    """A verdict as a word."""
    return str(VERDICTS[found][0]) if found in VERDICTS else found


@register.filter
def word(code: str | None) -> str:
    """A word of a closed list as it is called on a page."""
    return "" if code is None else str(WORDS.get(code, code))


@register.filter
def goal_status(goal: Goal) -> str:
    """Where a goal stands; a word that FHIR does not have is shown as it is."""
    return str(WORDS.get(f"goal {goal.status}", goal.status))


@register.filter
def goal_id(goal: Goal) -> str:
    """The id of its resource."""
    return goal.origin.split("/")[1]


_UNITS = {
    "years": gettext_lazy("years"), "months": gettext_lazy("months"), "weeks": gettext_lazy("weeks"),
    "days": gettext_lazy("days"), "hours": gettext_lazy("hours"), "per min": gettext_lazy("per min"),
}  # fmt: skip
"""Units that are words; a symbol is the same everywhere."""

_SPANS = {
    "years": gettext_lazy("%(count)s years"),
    "months": gettext_lazy("%(count)s months"),
    "weeks": gettext_lazy("%(count)s weeks"),
    "days": gettext_lazy("%(count)s days"),
    "hours": gettext_lazy("%(count)s hours"),
}


@register.filter
def shown_value(value: str) -> str:
    """The value of a fact as the core gives it, in the words of the page."""
    number, _space, unit_name = value.partition(" ")
    return str(_SPANS[unit_name]) % {"count": number} if unit_name in _SPANS else word(value)


@register.filter
def decision(step: str) -> str:
    """A decision as a verb."""
    return str(DECISIONS.get(step, step))


@register.filter
def day(value: date | None) -> str:
    """A day as 24 Nov 2026; a dash where there is none."""
    return "–" if value is None else date_format(value, "j M Y")


@register.filter
def about(share: float | None) -> str:
    """A probability as people say it: about so many in ten, or in a hundred where it is small."""
    if share is None:
        return ""
    if share < 0.01:
        return _("fewer than 1 in 100")
    if share < 0.095 or share > 0.905:
        return _("about %(count)s in 100") % {"count": min(99, round(100 * share))}
    return _("about %(count)s in 10") % {"count": round(10 * share)}


_HALF_OF_BAND = 0.674490 / 1.644854
"""Half of a normal spread lies within this share of the way from its middle to its band of nine in ten."""


@register.filter
def hundredths(share: float) -> str:
    """A probability as so many in a hundred, where it is compared with others."""
    return _("%(count)s in 100") % {"count": f"{100 * share:.0f}"}


@register.filter
def in_hundreds(band: Range) -> str:
    """The band of a probability, as so many in a hundred."""
    return _("(%(low)s to %(high)s in 100)") % {"low": f"{100 * band.p05:.0f}", "high": f"{100 * band.p95:.0f}"}


@register.filter
def on_day(value: float, first: date | None) -> str:
    """A day of the course as a date; a dash where there is no day to count from."""
    return day(None if first is None else first + timedelta(days=round(value)))


@register.filter
def improved(share: float) -> str:
    """How far the symptoms are from where they began, as a share of the first score."""
    percent = round(100 * share)
    if percent == 0:
        return _("as at the start")
    said = {"percent": abs(percent)}
    return _("down by %(percent)s %%") % said if percent > 0 else _("up by %(percent)s %%") % said


@register.filter
def against_expected(one: Influence, higher: set[str]) -> str:
    """A score against what was expected of it; `higher` are the scales on which more is better."""
    worse_by = (one.total - one.expected_p50) * (-1 if one.scale in higher else 1)
    edge = one.expected_p95 if one.total > one.expected_p50 else one.expected_p05
    if abs(one.total - one.expected_p50) <= _HALF_OF_BAND * abs(edge - one.expected_p50):
        return _("about as expected")
    if one.expected_p05 <= one.total <= one.expected_p95:
        return _("worse than expected") if worse_by > 0 else _("better than expected")
    return _("far worse than expected") if worse_by > 0 else _("far better than expected")


@register.filter
def quantity_row(found: Posterior) -> list[str]:
    """A quantity of the course in words, its middle, and the band of nine in ten."""
    name = str(WORDS.get(f"quantity {found.quantity}", field_name(found.quantity)))
    values = (found.p50, found.p05, found.p95)
    if found.unit == "1":
        return [name, *(_("%(percent)s %%") % {"percent": round(100 * value)} for value in values)]
    unit_name = _("days") if found.unit == "d" else units.shown(found.unit)
    return [name, *(f"{rough(value)} {unit_name}".strip() for value in values)]


@register.filter
def span(found: Range) -> str:
    """The band of a share as people say it, 2 to 6 in 10, or of a quantity, 37 to 119."""
    if found.unit == "1":
        shares = {"low": round(10 * found.p05), "high": round(10 * found.p95)}
        return _("%(low)s to %(high)s in 10") % shares
    return _("%(low)s to %(high)s") % {"low": _short(found.p05), "high": _short(found.p95)}


@register.filter
def age_and_sex(person: Profile) -> str:
    """Who this is at a glance."""
    age, sex = person.known.get("person.age_years"), person.known.get("person.sex")
    years = _("%(years)s years") % {"years": f"{age.value:g}"} if age else _("age not known")
    return f"{years}, {word(str(sex.value))}" if sex else years


@register.filter
def scope(found: Scope) -> str:
    """Of which products, routes, countries and people a rule speaks."""
    said = [", ".join(map(word, words)) for words in (found.products, found.routes, found.jurisdictions) if words]
    said += [", ".join(str(word(way)) for way in found.also)] if found.also else []
    people = [] if found.population == "all" else [found.population]
    return " · ".join([*said, *people]) or _("everybody")


@register.filter
def kind_of(value: object) -> str:
    """Whether a value of an item is a source, a sentence, a condition, a mapping, a list or plain."""
    if isinstance(value, Mapping):
        if set(value) == {"key", "values"}:
            return "sentence"
        if {"kind", "path", "parts"} <= set(value):
            return "condition"
        return "evidence" if {"citation", "trust"} <= set(value) else "mapping"
    return "list" if isinstance(value, list | tuple) else "plain"


@register.filter
def said_by_key(value: Mapping[str, Any]) -> str:
    """A sentence of the knowledge that a record holds by its key."""
    return say_text(Text(key=value["key"], values=value["values"]), knowledge().texts)


@register.filter
def condition_words(node: Mapping[str, Any]) -> str:
    """A condition that a record holds, in one line."""
    parts = "; ".join(condition_words(part) for part in node["parts"])
    if parts or node["kind"] == "named":
        joint = word("if " + node["kind"])
        return f"{joint} ({parts or field_name(node['value'])})"
    spec = knowledge().paths.get(node["path"])
    sign = node["op"] if node["kind"] == "compare" else ":"
    return f"{spec.label if spec else node['path']} {sign} {stated(node['value'])}".replace(" :", ":")


@register.filter
def says_something(value: object) -> bool:
    """Whether a value of an item is worth a line."""
    return value is not None and value not in ("", [], (), {})


@register.filter
def as_list(value: object) -> list[object]:
    """One thing where a template loops over several."""
    return [value]


@register.filter
def field_name(key: str) -> str:
    """A field of a record of the knowledge, as words."""
    return str(key).replace("_", " ").replace("-", " ")


@register.filter
def failed_rules(name: str) -> tuple[FailedRule, ...]:
    """The preset rules that this marker's card does not meet."""
    return knowledge().failures(knowledge().biomarkers[name])


@register.filter
def is_source(value: object) -> bool:
    """Whether this names a source."""
    return isinstance(value, str) and value in knowledge().sources


@register.filter
def is_rule(value: object) -> bool:
    """Whether this names a rule."""
    return isinstance(value, str) and value in knowledge().rules


@register.filter
def stated(value: object) -> str:
    """A value of a rule or fact as a page shows it."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, float):
        return _short(value)
    return ", ".join(map(word, value)) if isinstance(value, tuple) else word(str(value))


@register.filter
def is_statable(path: str) -> bool:
    """Whether this fact may be typed by hand."""
    spec = knowledge().paths.get(path)
    return spec is not None and may_be_stated(spec)


@register.filter
def decided(made: Decided) -> str:
    """A decision with what it was about."""
    if made.about == "plan":
        chosen = _way_in_words(made.chosen)
        words = {
            "accepted": _("Plan signed: %(what)s"),
            "changed": _("Plan signed with another dose: %(what)s"),
            "rejected": _("Option rejected: %(what)s"),
        }
    else:
        chosen = decision(made.chosen)
        words = {
            "accepted": _("Suggestion accepted: %(what)s"),
            "changed": _("Another step taken: %(what)s"),
            "rejected": _("Suggestion rejected: %(what)s"),
        }
    return words[made.outcome] % {"what": chosen}


def _way_in_words(option_id: str) -> str:
    """The way of giving that an option was chosen for, as far as the knowledge of today names it."""
    known, protocol_id = knowledge(), option_id.partition("/")[0]
    if f"protocol.{protocol_id}" not in known.texts:
        return option_id
    regimen = regimen_of(option_id, known)
    parts = [f"protocol.{protocol_id}"] + ([f"course.{regimen.course}"] if regimen else [])
    return _(", ").join(say_text(Text(key=part), known.texts) for part in parts)


@register.filter
def plan_in_words(signed: SignedPlan) -> str:
    """A plan in one line: what, how much, by whom, when. Whether it is signed its signatures say."""
    said = {
        "what": word(f"{signed.product}/{signed.route}"),
        "dose": _("no dose") if signed.dose_mg is None else amount(signed.dose_mg, signed.infusion_min),
        "by": signed.signed_by,
        "at": date_format(localtime(signed.signed_on), "j M Y H:i"),
    }
    return _("%(what)s, %(dose)s; by %(by)s, %(at)s") % said


@register.filter
def next_session(line: PatientLine, today: date) -> str:
    """The day of the next session that is not past; a dash where none is planned or the plan is on hold."""
    ahead = [found for found, _at in line.planned if found >= today.isoformat()]
    return day(date.fromisoformat(ahead[0]) if ahead and line.plan_status == "active" else None)


@register.filter
def name_of_visit(visit: PlannedVisit) -> str:
    """A visit of the plan in one word for a form, as `web.schedule` reads it."""
    return f"{visit.on.isoformat()}/{visit.kind}/{visit.title.key}"


@register.filter
def given_product(given: Administration) -> str:
    """What was given, in the words of the page."""
    return word(f"{given.product}/{given.route}")


@register.filter
def order_query(ordered: Option | SignedPlan) -> str:
    """The dose of an option or a plan as the bench takes it in its address."""
    mg = ordered.dose_mg if isinstance(ordered, SignedPlan) else ordered.dose.dose_mg if ordered.dose else None
    fields = {"a_way": f"{ordered.product}/{ordered.route}", "a_dose": "" if mg is None else f"{mg:g}"}
    if ordered.route == "iv" and ordered.infusion_min is not None:
        fields["a_minutes"] = f"{ordered.infusion_min:g}"
    return urlencode(fields, safe="/")


@register.filter
def model_title(name: str) -> str:
    """A drug model by its title; what else notes are about, by its word."""
    return str(knowledge().drugs[name]["title"]) if name in knowledge().drugs else word(f"notes {name}")


@register.filter
def instrument_title(name: str) -> str:
    """A questionnaire by the name on its head."""
    form = knowledge().instruments.get(name)
    return str(form["title"]) if form else name


@register.filter
def own_word(kind: str) -> str:
    """An appointment as the person treated calls it."""
    return str(OWN_WORDS.get(kind, kind))


register.filter(touch_now.__name__, touch_now)


@register.filter
def visit_title(room: Room) -> str:
    """The heading of a visit."""
    return _("Session %(number)s") % {"number": room.number} if room.visit.administration else _("Visit")


@register.filter
def short(value: float | None) -> str:
    """A number with three significant figures at most, without noughts that say nothing."""
    return "–" if value is None else _short(value)


@register.filter
def signed(value: float) -> str:
    """A change with its sign."""
    return f"{'+' if value > 0 else ''}{_short(value)}"


@register.filter
def in_hundred(risk: Risk) -> str:
    """A chance in a session with how far it moves with what nobody knows; why where it is not known."""
    if risk.p is None or risk.p05 is None or risk.p95 is None:
        return _("not known: resting pressure missing")
    said = {"low": round(100 * risk.p05), "high": round(100 * risk.p95), "middle": round(100 * risk.p)}
    if risk.p < 0.01 and not said["high"]:
        return _("fewer than 1 in 100")
    if risk.p < 0.01:
        return _("fewer than 1 in 100 (up to %(high)s)") % said
    return _("about %(middle)s in 100 (%(low)s to %(high)s)") % said


@register.filter
def noted(findings: Sequence[Finding]) -> dict[str, Any]:
    """Findings with the sources of their own, and apart, once, the sources that most of them share."""
    shared = max((f.evidence for f in findings), key=[f.evidence for f in findings].count, default=())
    notes = [(finding, () if finding.evidence == shared else finding.evidence) for finding in findings]
    return {"notes": notes, "shared": shared, "is_all": not any(own for _finding, own in notes)}


@register.filter
def rough(value: float) -> str:
    """A number with two significant figures, for what is known no better."""
    if not value:
        return "0"
    digits = 1 - math.floor(math.log10(abs(value)))
    return f"{round(value, digits):g}" if digits > 0 else f"{round(value, digits):.0f}"


@register.filter
def whole(value: object) -> str:
    """A reading as it is written down; a dash where there is none."""
    return f"{value:g}" if isinstance(value, float | int) else "–"


@register.filter
def percent_of(value: float, width: float) -> float:
    """A share as a place on a line of this width."""
    return round(float(value) * float(width), 1)


@register.filter
def label(path: str) -> str:
    """What a profile path is called."""
    spec = knowledge().paths.get(path)
    return spec.label if spec else path


@register.filter
def unit(path: str) -> str:
    """The unit of a profile path as it is shown."""
    spec = knowledge().paths.get(path)
    return unit_words(spec.unit or "") if spec else ""


@register.filter
def with_unit(value: str, path: str) -> str:
    """A value with the unit of its path, where it has one."""
    return f"{shown_value(value)} {unit(path)}".strip()


@register.filter
def get(found: dict[str, Any], key: str) -> Any:
    """One entry of a mapping, for forms that come back with what was typed."""
    return found.get(key, "") if found else ""


@register.filter
def worth_showing(missing: MissingFact, overall: str) -> list[tuple[str, str]]:
    """Each answer that would change the verdict, with the verdict it would give."""
    return [(c.if_value, c.overall) for c in missing.changes if c.overall != overall]


def amount(dose_mg: float, minutes: float | None) -> str:
    """A dose with its duration."""
    said = {"mg": _short(dose_mg), "minutes": _short(minutes or 0)}
    return _("%(mg)s mg over %(minutes)s minutes") % said if minutes else _("%(mg)s mg") % said


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
