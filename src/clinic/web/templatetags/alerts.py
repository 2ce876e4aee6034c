"""What an alert says on a page: its sentence, how soon, how long it has waited, what happened to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from django.template import Library
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clinic.practice.models import Alert, AlertStep
from clinic.record.projections import knowledge
from clinic.web.templatetags.clinic import day, icon, instrument_title
from clinic.web.words import WORDS

register = Library()
_HOW_SOON: Mapping[str, tuple[Any, str, str]] = MappingProxyType(
    {
        "now": (gettext_lazy("Call now"), "stop", "exclamation-circle"),
        "session": (gettext_lazy("In session"), "caution", "clock"),
        "day": (gettext_lazy("Today"), "caution", "bell"),
        "week": (gettext_lazy("This week"), "info", "calendar"),
        "test": (gettext_lazy("Test"), "info", "signal"),
    }
)
_STEPS: Mapping[str, Any] = MappingProxyType(
    {
        "raised": gettext_lazy("Raised, for %(to)s"),
        "acknowledged": gettext_lazy("%(by)s acknowledged it"),
        "passed-on": gettext_lazy("Nobody had answered: passed on to %(to)s"),
        "passed-on by": gettext_lazy("%(by)s passed it on to %(to)s"),
        "not-acted": gettext_lazy("Acknowledged and not closed in time: passed on to %(to)s"),
        "not-acted by": gettext_lazy("%(by)s passed it on to %(to)s"),
        "again": gettext_lazy("Still no answer: told again to %(to)s"),
        "again by": gettext_lazy("%(by)s had it told again to %(to)s"),
        "nobody": gettext_lazy("There is nobody else to tell who may open this chart; the directors were told so"),
        "acted": gettext_lazy("%(by)s wrote down what was done"),
        "handed-over": gettext_lazy("%(by)s handed it over to %(to)s"),
        "closed": gettext_lazy("%(by)s closed it"),
        "reopened": gettext_lazy("%(by)s opened it again"),
        "settled": gettext_lazy("Closed by itself: what it was of is gone"),
        "settled by": gettext_lazy("Closed by what %(by)s did: what it was of is gone"),
    }
)


@register.filter
def alert_words(alert: Alert) -> str:
    """Its sentence. What kind of check, sign or scale it is stands in `about` or among its values."""
    first, _space, last = alert.about.partition(" ")
    named = WORDS.get(f"{alert.kind} of") if alert.values else None  # those of before say less
    timed = WORDS.get(f"{alert.kind} at") if "at" in alert.values else None
    words = (
        timed
        or named
        or WORDS.get(f"{alert.kind} {first}")
        or WORDS.get(alert.kind, alert.kind.replace(".", " ").replace("_", " "))
    )
    said = {name: _shown(name, str(value)) for name, value in {"scale": last, **alert.values}.items()}
    try:
        return str(words) % said
    except (KeyError, ValueError):  # a sentence whose values somebody forgot is still shown
        return str(words).replace("%(", "(").replace(")s", ")")


def _shown(name: str, value: str) -> str:
    if name == "scale":
        return instrument_title(value) if value else value
    if name == "room" and not value:
        return _("none named")
    if name == "certificate":
        return str(WORDS.get(f"certificate {value}", value.replace("-", " ")))
    if name == "rule" and value in knowledge().rules:
        return f"{knowledge().rules[value].ref.title} ({value})"
    try:
        return day(date.fromisoformat(value))
    except ValueError:
        return value


@register.filter
def how_soon(urgency: str) -> SafeString:
    """How soon it wants an answer, as shape, word and colour."""
    words, tone, shape = _HOW_SOON[urgency]
    return format_html('<span class="tag {}">{} {}</span>', tone, icon(shape), words)


@register.filter
def lasted(span: timedelta) -> str:
    """A length of time as people say it: 14 min, 3 h, 2 days."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 60:
        return _("%(count)s min") % {"count": minutes}
    if minutes < 48 * 60:
        return _("%(count)s h") % {"count": minutes // 60}
    days = minutes // (24 * 60)
    return ngettext("%(count)s day", "%(count)s days", days) % {"count": days}


@register.filter
def step_words(step: AlertStep) -> str:
    """One line of its log."""
    words = _STEPS.get(f"{step.what} by" if step.by else step.what) or _STEPS[step.what]
    return str(words) % {"by": step.by, "to": WORDS.get(step.to, step.to) or _("nobody")}


@register.filter
def mail_words(problem: str) -> str:
    """What keeps a message from leaving."""
    return str(WORDS.get(f"mail {problem}", _("the mail server did not take it (%(what)s)") % {"what": problem}))


@register.filter
def trouble_words(trouble: str) -> str:
    """What shows that an alert might not reach the second person."""
    return str(WORDS.get(f"chain {trouble}", trouble))
