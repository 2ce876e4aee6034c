"""The sheet that somebody takes home after a dose, to be printed in their language; where there is none it says so.

The words stand in the knowledge, `texts/advice.CODE.yaml`, one file a language.
"""

from __future__ import annotations

from django.conf.locale import LANG_INFO
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from clinic.queries.person import Chart
from clinic.record.projections import knowledge
from clinic.web.door import about_person
from clinic.web.patients import about
from ketapath.domain.evidence import Text
from ketapath.report import say

SHEET = (
    ("advice.driving", "MON-018"),
    ("advice.company", "MON-017"),
    ("advice.body", ""),
    ("advice.returns", "MON-037"),
    ("advice.decide", ""),
    ("advice.call", "MON-009"),
)
"""The points of the sheet, each with the rule that it rests on; one without a rule is ours."""


def languages() -> dict[str, str]:
    """The languages that the sheet is there in: name by code, English first."""
    return {code: language_name(code) for code in ("en", *sorted(knowledge().translations))}


def language_of(found: Chart) -> str:
    """The person's first language as a code of two or three letters; "" where the record does not say it."""
    fact = None if found.person is None else found.person.known.get("person.language")
    return "" if fact is None else str(fact.value).partition("-")[0]


def language_name(code: str) -> str:
    """What a language is called; its code where nobody here has a name for it."""
    info = LANG_INFO.get(code) or LANG_INFO.get("zh-hans" if code == "zh" else "") or {}
    if code == "zh":
        return _("Chinese")
    return _(str(info["name"])) if "name" in info else code


def about_language(found: Chart, code: str) -> str:
    """What has to be said of a sheet in this language for this person; "" where there is nothing."""
    own = language_of(found)
    if not own:
        return _("The record does not say which language the person speaks: choose the sheet.")
    if own not in languages():
        words = _("There is no sheet in %(language)s yet: have one of these interpreted.")
    elif code != own:
        words = _("The person speaks %(language)s, and this sheet is in another language.")
    elif code != "en":
        words = _(
            "Nobody at a clinic has read the sheet in %(language)s yet: have somebody who speaks it read it first."
        )
    else:
        return ""
    return words % {"language": language_name(own)}


def sheet_language(found: Chart, wanted: str = "") -> str:
    """The language to hand out: the wanted one where there is a sheet in it, else the person's, else English."""
    return next((code for code in (wanted, language_of(found)) if code in languages()), "en")


@require_GET
@about_person
def advice(request: HttpRequest, found: Chart) -> HttpResponse:
    """The sheet, ready to be printed; `in` is the code of a language. English stands beside every other."""
    if found.person is None:
        return redirect("patient", found.patient_id)
    code = sheet_language(found, request.GET.get("in", ""))
    english = knowledge().texts
    words = english if code == "en" else knowledge().translations[code]
    points = [(say(Text(key=key), words), "" if code == "en" else english[key], rule) for key, rule in SHEET]
    context = about(request, found, here="sessions") | {
        "points": points,
        "title": words["advice.title"],
        "code": code,
        "runs": "rtl" if (LANG_INFO.get(code) or {}).get("bidi") else "ltr",
        "languages": languages(),
        "said_of_it": about_language(found, code),
        "crisis": found.practice.settings.get("crisis"),
    }
    return render(request, "session/advice.html", context)
