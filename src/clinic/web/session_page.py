"""What the page of a session shows: clocks, steps, what is due, the chart, and the questions of this step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.access.permission import may
from clinic.actions.session_course import CHARTED
from clinic.actions.typed import number
from clinic.queries.person import Chart
from clinic.queries.profile import is_statable
from clinic.queries.session import READINGS, SCORES, Objection, Room
from clinic.queries.session_checked import calculation, rate_of
from clinic.queries.session_expected import expected
from clinic.queries.signatures import seen_dose
from clinic.record.signatures import signatures_on
from clinic.web.door import account_of
from clinic.web.session_advice import about_language, language_name, languages, sheet_language
from clinic.web.session_charts import session_chart
from clinic.web.session_limits import limits, notes
from clinic.web.templatetags.clinic import amount, word
from ketapath.domain.session import POINTS, Miss
from ketapath.knowledge import PathSpec
from ketapath.session import DEVICE_MG, ends_at, running_rate

COLUMNS = frozenset(
    {"vitals.systolic_mmhg", "vitals.diastolic_mmhg", "vitals.heart_rate_per_min", "vitals.spo2_percent"}
)
"""What every table of readings has a column for; the rest has one where it was read."""
NAMES: Mapping[str, Any] = MappingProxyType(
    {
        "vitals.systolic_mmhg": gettext_lazy("Systolic"),
        "vitals.diastolic_mmhg": gettext_lazy("Diastolic"),
        "vitals.heart_rate_per_min": gettext_lazy("Pulse"),
        "vitals.spo2_percent": gettext_lazy("Oxygen"),
        "vitals.weight_kg": gettext_lazy("Weight"),
        "session.moaa_s": gettext_lazy("Alert, 5 to 0"),
        "session.dissociation_0_10": gettext_lazy("Dissociation, 0 to 10"),
        "session.distress_0_10": gettext_lazy("Distress, 0 to 10"),
        "session.nausea_0_10": gettext_lazy("Nausea, 0 to 10"),
    }
)
"""What is read in a session, as short as a large field has room for; the whole label stands in the knowledge."""

KINDS: Mapping[str, Any] = MappingProxyType(
    {
        "consent-confirmed": gettext_lazy("Consent confirmed"),
        "re-screened": gettext_lazy("Re-screen finished"),
        "order-checked": gettext_lazy("Order checked"),
        "start": gettext_lazy("Dosing begun"),
        "rate": gettext_lazy("Rate set"),
        "pause": gettext_lazy("Paused"),
        "resume": gettext_lazy("Going on"),
        "stop": gettext_lazy("Stopped"),
        "device": gettext_lazy("Device given"),
        "device-refused": gettext_lazy("Device not used"),
        "given": gettext_lazy("Given"),
        "limit": gettext_lazy("Limit reached"),
        "limit-over": gettext_lazy("Limit no longer reached"),
        "escalated": gettext_lazy("Step taken"),
        "steps-not-needed": gettext_lazy("Steps not needed"),
        "escort": gettext_lazy("Goes home with"),
        "advice-given": gettext_lazy("Written advice given"),
        "discharge-ready": gettext_lazy("Checklist met"),
        "discharge-overridden": gettext_lazy("Checklist overridden"),
        "discharge-reopened": gettext_lazy("Checklist open again"),
        "exposure": gettext_lazy("Surroundings"),
        "note": gettext_lazy("Note"),
    }
)
"""What an event of a visit is called."""
WHAT: Mapping[str, Any] = MappingProxyType(
    {
        "pressure": gettext_lazy("Pressure"),
        "oximetry": gettext_lazy("oxygen"),
        "sedation": gettext_lazy("alertness"),
        "dissociation": gettext_lazy("dissociation"),
        "distress": gettext_lazy("distress"),
        "nausea": gettext_lazy("nausea"),
    }
)
"""What is awaited by a timer."""


def drawn(request: HttpRequest, found: Chart, here: Room, now: datetime) -> dict[str, Any]:
    """The clocks, charts and questions of a visit."""
    given = here.visit.administration
    since = None if given is None else given.started_at
    seconds = 0 if since is None else max(0, int((now - since).total_seconds()))
    foreseen = expected(found, here)
    read = {path for moment in here.moments for path in moment.values}
    lines = log(here)
    return {
        "now": now,
        "is_live": here.step != "home",
        "steps": steps(here),
        "expected": foreseen,
        "misses": [missed_in_words(miss) for miss in here.visit.misses],
        "drawn": session_chart(here, foreseen, now),
        "waits": ", ".join(dict.fromkeys(limit.rule for limit in foreseen.limits if limit.waits)),
        "limits": limits(found, here),
        "notes": notes(found, here),
        "ranges": _ranges(found),
        "objections": [(one, _ways(found, one, may_state=_may_state(request, found))) for one in here.objections],
        "calculation": calculation(found, here) if here.order is not None else None,
        "readings": [p for p in (*READINGS, *SCORES) if here.visit.is_before_dose or p != "vitals.weight_kg"],
        "scores": [path for path in (*READINGS, *SCORES) if path in read - COLUMNS],
        "labels": json.dumps({name: str(words) for name, words in {**NAMES, **KINDS}.items()}),
        "due": awaited(here),
        "grace_min": found.knowledge.figure("due_grace_min"),
        "course": course(found, here, now),
        "log": lines,
        "overridden": next((one for one in lines if one["event"].kind == "discharge-overridden"), None),
        "escalations": escalations(found, here),
        "is_rescreened": bool(here.visit.said("re-screened")),
        "escort": here.visit.said("escort")[-1].words if here.visit.said("escort") else "",
        **rate_of(here.visit.concentration_mg_per_ml, here.ordered_mg, here.infusion_min),
        "languages": languages(),
        "sheet_code": sheet_language(found),
        "said_of_it": about_language(found, sheet_language(found)),
        "names": NAMES,
        "since": since,
        "seconds": seconds,
        "minutes": seconds // 60,
        "home_at": None if since is None else since + timedelta(minutes=here.watch_minutes),
        "is_blocked": any(objection.kind == "blocks" for objection in here.objections),
        "is_more": _is_more(request.POST.get("dose_mg", ""), here.ordered_mg),
        "dose_seen": None if given is None else seen_dose(found, given.origin.id),
        "may_witness": _may_witness(request, found, here),
        "given_mg": "" if given is None or given.dose_mg is None else f"{given.dose_mg:g} mg",
        "ordered": _ordered(here),
        "asks": [_ask(request, s) for s in here.asks if _is_now(s, here) and s.path not in SCORES],
        "asks_of_record": [_ask(request, spec) for spec in here.asks if not _is_now(spec, here)],
        "answered": _answered(request, found, here),
    }


def steps(here: Room) -> list[dict[str, str]]:
    """The steps of a visit in their order, each as done, now or later."""
    names = {
        "arrived": _("Consent"),
        "re-screen": _("Re-screen"),
        "ready": _("Order checked"),
        "dosing": _("Dosing"),
        "observing": _("Observing"),
        "leaving": _("Going home"),
    }
    order = [*names, "home"]
    place = order.index(here.step)
    states = ["done" if i < place else "now" if i == place else "later" for i in range(len(names))]
    return [{"words": words, "state": state} for words, state in zip(names.values(), states, strict=True)]


def missed_in_words(miss: Miss) -> str:
    """How far what was read lay from what was expected, over the session."""
    names = {"systolic": _("Systolic pressure"), "diastolic": _("Diastolic pressure"), "heart-rate": _("Pulse"),
             "dissociation": _("Dissociation")}  # fmt: skip
    units = {"heart-rate": _("per minute"), "dissociation": _("of 10")}
    tenths = 10 if miss.quantity == "dissociation" else 1
    said = {
        "what": names.get(miss.quantity, miss.quantity),
        "count": miss.readings,
        "off": f"{abs(miss.mean * tenths):.{1 if tenths > 1 else 0}f} {units.get(miss.quantity, 'mmHg')}",
        "outside": miss.outside,
    }
    higher = _("%(what)s, %(count)s read: on average %(off)s above what was expected, %(outside)s outside its band.")
    lower = _("%(what)s, %(count)s read: on average %(off)s below what was expected, %(outside)s outside its band.")
    return (higher if miss.mean >= 0 else lower) % said


def awaited(here: Room) -> list[dict[str, Any]]:
    """What is read next, the earliest first; what is due at the same minute stands in one line."""
    groups: dict[str, dict[str, Any]] = {}
    for one in here.due:
        place = "" if one.due_at is None else one.due_at.strftime("%H:%M")
        if one.path == "":
            place = "device"
        line = groups.setdefault(place, {"at": one.due_at, "names": [], "rules": {}, "is_overdue": False,
                                         "is_device": one.path == ""})  # fmt: skip
        line["names"].append(due_words(one.what))
        line["rules"][one.rule_id] = None
        line["is_overdue"] = line["is_overdue"] or one.is_overdue
    lines = [{**line, "what": ", ".join(line["names"])} for line in groups.values()]
    return [{**line, "what": line["what"][:1].upper() + line["what"][1:]} for line in lines]


def due_words(what: str) -> str:
    """What is awaited, in words."""
    kind, _dash, number_of_it = what.partition("-")
    return _("device %(number)s") % {"number": number_of_it} if kind == "device" else str(WHAT.get(what, what))


def course(found: Chart, here: Room, now: datetime) -> dict[str, Any]:
    """How the dose is given now, by its route: the pump's rate and state, or the devices and when the next may come."""
    route = (here.product or "").partition("/")[2]
    kind = {"iv": "pump", "nasal": "spray", "im": "injection", "sc": "injection"}.get(route, "mouth")
    state: dict[str, Any] = {"kind": kind, "counted_mg": here.counted_mg}
    if kind == "pump":
        moves = [event for event in here.visit.events if event.kind in ("pause", "resume", "stop")]
        rate = running_rate(here.visit, at=now)
        last = moves[-1] if moves else None
        state |= {"rate": rate, "is_paused": last is not None and last.kind == "pause",
                  "stopped_at": last.at if last is not None and last.kind == "stop" else None,
                  "since": None if last is None else last.at,
                  "ends_at": ends_at(here.visit, here.ordered_mg, here.infusion_min, now=now),
                  "concentration": here.visit.concentration_mg_per_ml}  # fmt: skip
    if kind == "spray":
        gap = timedelta(minutes=found.knowledge.rules["REG-007"].limit("session.minutes_between_devices"))
        given, aside = here.devices
        ordered = 0 if here.ordered_mg is None else round(here.ordered_mg / DEVICE_MG)
        last_at = max((event.at for event in here.visit.said("device")), default=None)
        state |= {"given": given, "aside": aside, "ordered": ordered, "left": max(0, ordered - given),
                  "next_at": None if last_at is None or given >= ordered else last_at + gap,
                  "gap": gap.total_seconds() / 60}  # fmt: skip
    return state


def log(here: Room) -> list[dict[str, Any]]:
    """What has happened in this visit that is no reading, newest first."""
    lines = []
    for event in reversed(here.visit.events):
        words = event.words
        if event.kind in ("order-checked", "consent-confirmed"):
            words = words.partition(" ")[2]  # the first word names the version that was read
        elif event.kind == "advice-given":
            words = language_name(words)
        elif event.kind == "discharge-overridden" and words.startswith(POINTS):
            words = words.partition(" ")[2]  # the first word names the points for the software
        amount_of = (
            "" if event.value is None or event.kind == "order-checked" else f"{event.value:g} {event.unit or ''}"
        )
        lines.append({"event": event, "what": KINDS.get(event.kind, event.kind), "amount": amount_of.strip(),
                      "words": words, "may_go_back": event.kind in CHARTED})  # fmt: skip
    return lines


def escalations(found: Chart, here: Room) -> list[dict[str, Any]]:
    """The steps that limits call for or called for, each with who has taken it and when."""
    found_rules = found.knowledge.rules
    return [
        {
            "rule": found_rules[one.rule_id],
            "waits": found_rules[one.approval].ref.awaits_approval,
            "since": one.since,
            "until": one.until,
            "not_needed": one.not_needed,
            "is_done": one.is_done,
            "steps": [
                {"words": f"{one.rule_id} {name}", "who": who, "do": do, "taken": one.taken.get(name)}
                for name, who, do in one.steps
            ],
        }
        for one in here.steps
    ]


def _may_witness(request: HttpRequest, found: Chart, here: Room) -> bool:
    """Whether the dose waits for a witness and this person may be one; the act itself looks closer."""
    given, by = here.visit.administration, account_of(request)
    if given is None or given.ended_at is None or not may(by, "witness", patient_id=found.patient_id):
        return False
    signed = signatures_on(found.practice, "MedicationAdministration", given.origin.id)
    is_given = any(one.meaning == "administration" and one.is_valid for one in signed)
    return is_given and not any(one.meaning == "witness" or one.username == by.username for one in signed)


def _is_of_today(spec: PathSpec) -> bool:
    """Whether this is asked anew every time, as it holds for a week at most."""
    return spec.window_days is not None and spec.window_days <= 7  # source: the window of a pregnancy test


def _is_now(spec: PathSpec, here: Room) -> bool:
    """Whether it is asked in the room, and not only because the record lacks it."""
    return _is_of_today(spec) or spec.path in here.aged


def _ranges(found: Chart) -> dict[str, tuple[str, str]]:
    """What a person can have of each reading, lowest and highest, as the act itself takes it."""
    limits_of = {path: found.knowledge.paths[path].limits for path in (*READINGS, *SCORES)}
    return {path: (f"{both[0]:g}", f"{both[1]:g}") for path, both in limits_of.items() if both is not None}


def _answered(request: HttpRequest, found: Chart, here: Room) -> list[dict[str, Any]]:
    """What was asked and answered today, to be answered anew, until the order is checked."""
    if here.step not in ("arrived", "re-screen"):
        return []
    asked = {spec.path for spec in here.asks}
    told = [(found.knowledge.paths[path], value) for path, value in here.answered.items() if path not in asked]
    return [{"spec": s, "was": value, "said": request.POST.get(s.path, "")[:40] or value} for s, value in told]


def _may_state(request: HttpRequest, found: Chart) -> bool:
    return may(account_of(request), "state-fact", patient_id=found.patient_id)


def _ways(found: Chart, one: Objection, *, may_state: bool) -> list[tuple[str, str]]:
    """Where each thing that answers an objection is done: (name, address), parts of this page by their place."""
    person = resolve_url("patient", found.patient_id)
    names = {
        "plan": (_("Plan"), f"{person}#plan"), "candidacy": (_("Candidacy"), f"{person}#candidacy"),
        "checkin": (_("Readings"), "#checkin"), "consent": (_("Consent"), "#consent"), "gates": (_("Gates"), "#gates"),
        "rescreen": (_("Re-screen"), "#rescreen"), "check": (_("Check of the order"), "#check"),
    }  # fmt: skip
    ways = [names[one.place]] if one.place else []
    state = resolve_url("patient-fact", found.patient_id)
    for path in one.paths:
        spec = found.knowledge.paths[path]
        if path in (*READINGS, *SCORES):
            ways.append((str(NAMES[path]), "#checkin"))
        elif may_state and is_statable(spec):
            ways.append((spec.label, f"{state}?path={path}"))
    return ways


def _ask(request: HttpRequest, spec: PathSpec) -> dict[str, Any]:
    return {"spec": spec, "said": request.POST.get(spec.path, "")[:40]}


def _ordered(here: Room) -> str:
    """What is ordered: drug, route, dose and duration."""
    if here.ordered_mg is None or here.product is None:
        return ""
    return f"{word(here.product)}, {amount(here.ordered_mg, here.infusion_min)}"


def _is_more(typed: str, ordered_mg: float | None) -> bool:
    return ordered_mg is not None and number(typed) > ordered_mg
