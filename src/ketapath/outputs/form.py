"""The monitoring form of the safety programme (REMS): for whom, by when, its fields, and which of them are open.

The form in force has to be compared: its fields have changed before. Sources: rules GOV-004, GOV-005, GOV-006.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from ketapath.domain.clinic import Clinic
from ketapath.domain.outputs import Entry, FormField
from ketapath.outputs.words import LABELS, UNKNOWN, number_words, said

FORM_DAYS = 7  # source: GOV-004: within 7 days of the session, day 7 itself in time
_MEDICINES = {
    "benzodiazepine": "Benzodiazepines",
    "sedative_hypnotic": "Other sleeping tablets or sedatives",
    "opioid": "Opioids",
    "psychostimulant": "Psychostimulants",
    "maoi": "MAO inhibitors",
}
_SITE = {"name": "Site", "address": "Address of the site", "phone": "Telephone", "email": "E-mail"}


def is_due_here(entry: Entry, clinic: Clinic, *, inpatient: bool | None) -> bool:
    """Whether a form is due of this session: spray given to an outpatient in the United States.

    Whoever nobody called an inpatient on that day counts as an outpatient; nothing given asks for no form.
    """
    is_spray = (entry.product, entry.route) == ("esketamine", "nasal")
    return clinic.jurisdiction == "US" and is_spray and inpatient is not True and entry.status != "not-done"


def due_on(session_day: date) -> date:
    """The last day on which the form is in time, in days of the clinic's own calendar.

    >>> due_on(date(2026, 10, 30))
    datetime.date(2026, 11, 6)
    """
    return session_day + timedelta(days=FORM_DAYS)


def form_fields(entry: Entry) -> tuple[FormField, ...]:
    """Every field with what the entry says; what nobody has said is open and keeps the form from being complete.

    The pressures stood in an older version of the form, so an open one is shown and does not block.
    """
    return (*_patient(entry), *_medicines(entry), *_session(entry), *_watched(entry), *_events(entry))


def _patient(entry: Entry) -> Iterator[FormField]:
    name = f"{entry.given_name} {entry.family}".strip()
    born = None if entry.born_on is None else entry.born_on.isoformat()
    yield FormField(group="Patient", key="name", label="Name", value=name or None)
    yield FormField(group="Patient", key="person", label=LABELS["person"], value=entry.patient_id)
    yield FormField(group="Patient", key="born", label="Birth date", value=born)
    yield FormField(group="Patient", key="sex", label="Sex", value=entry.sex or None)
    yield FormField(group="Patient", key="first", label="First treatment", value=_yes(entry.number == 1))
    yield FormField(group="Patient", key="enrolled", label="Enrolled in the programme", value=_yes(entry.enrolled))


def _medicines(entry: Entry) -> Iterator[FormField]:
    for key, label in _MEDICINES.items():
        yield FormField(group="Taken at the time", key=key, label=label, value=_yes(entry.medicines.get(key)))


def _session(entry: Entry) -> Iterator[FormField]:
    for key in ("day", "product", "route", "given_mg", "lot", "start", "stop"):
        yield _shared(entry, "Session", key)
    if entry.devices is not None:
        yield FormField(group="Session", key="devices", label="Devices", value=str(entry.devices))
    minutes = None if entry.home_at is None else f"{(entry.home_at - entry.started_at).total_seconds() / 60:.0f}"
    yield FormField(
        group="Session", key="minutes", label="Minutes from the first device to the end of watching", value=minutes
    )


def _watched(entry: Entry) -> Iterator[FormField]:
    for key, label in _SITE.items():
        yield FormField(group="Setting", key=key, label=label, value=entry.site.get(key) or None)
    yield FormField(group="Setting", key="monitored_by", label="Watched by", value=entry.monitored_by or None)
    group = "Vital signs"
    yield FormField(group=group, key="before", label="Acceptable before", value=_yes(entry.accepted_before))
    yield FormField(group=group, key="at_end", label="Acceptable at the end", value=_yes(entry.accepted_at_end))
    for key in ("pressure_before", "pressure_40", "pressure_end"):
        yield _shared(entry, group, key, blocks=False)
    lowest = "not taken" if entry.is_spo2_missed else None
    lowest = lowest if entry.spo2_lowest is None else number_words(entry.spo2_lowest)
    yield FormField(group=group, key="spo2", label="Lowest oxygen saturation under the drug, %", value=lowest)


def _events(entry: Entry) -> Iterator[FormField]:
    group = "What was seen"
    yield _shared(entry, group, "sedation")
    yield _shared(entry, group, "dissociation")
    yield _shared(entry, group, "respiratory")
    yield _shared(entry, group, "adverse")
    serious = None if entry.adverse is None else _yes(any(e.is_serious for e in entry.adverse))
    yield FormField(group=group, key="serious", label="Serious adverse event", value=serious)


def _shared(entry: Entry, group: str, key: str, *, blocks: bool = True) -> FormField:
    words = said(entry)[key]
    return FormField(
        group=group, key=key, label=LABELS[key], value=None if words == UNKNOWN else words, blocks=blocks
    )  # fmt: skip


def _yes(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"
