"""The sheet that somebody takes home after a dose, to be printed in their language; where there is none it says so."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.conf.locale import LANG_INFO
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from clinic.queries.person import Chart
from clinic.record.projections import knowledge
from clinic.web.door import about_person
from clinic.web.patients import about
from ketapath.domain.evidence import Text
from ketapath.report import say

LANGUAGES: Mapping[str, Any] = MappingProxyType({"en": gettext_lazy("English")})
"""The languages that the sheet is there in."""
SHEET = (
    ("advice.driving", "MON-018"),
    ("advice.company", "MON-017"),
    ("advice.body", ""),
    ("advice.returns", "MON-037"),
    ("advice.decide", ""),
    ("advice.call", "MON-009"),
)
"""The points of the sheet, each with the rule that it rests on; one without a rule is ours."""


def language_of(found: Chart) -> str:
    """The person's first language as a code; "" where the record does not say it."""
    fact = None if found.person is None else found.person.known.get("person.language")
    return "" if fact is None else str(fact.value)


def language_name(code: str) -> str:
    """What a language is called; its code where nobody here has a name for it."""
    info = LANG_INFO.get(code) or LANG_INFO.get("zh-hans" if code == "zh" else "") or {}
    return str(info.get("name_translated") or info.get("name") or code)


def lacks_words(found: Chart) -> str:
    """What has to be said where the sheet is not there in the person's language; "" where it is."""
    code = language_of(found)
    if not code:
        return _("The record does not say which language the person speaks. The sheet is in English.")
    if code in LANGUAGES:
        return ""
    words = _("There is no sheet in %(language)s yet, only in English: have it interpreted.")
    return words % {"language": language_name(code)}


@require_GET
@about_person
def advice(request: HttpRequest, found: Chart) -> HttpResponse:
    """The sheet, ready to be printed."""
    if found.person is None:
        return redirect("patient", found.patient_id)
    points = [(say(Text(key=key), knowledge().texts), rule) for key, rule in SHEET]
    context = about(request, found, here="sessions") | {
        "points": points,
        "lacks": lacks_words(found),
        "crisis": found.practice.settings.get("crisis"),
    }
    return render(request, "session/advice.html", context)
