"""Why does this person not go home yet? What was answered or read against it, what nobody has said, what was signed.

A signed override counts for the points that it named, as they stood then, and for nothing that came after it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, timedelta

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic import clock
from clinic.queries.board import watched
from clinic.queries.consent import consent_of
from clinic.queries.gates import on_duty
from clinic.queries.person import Chart
from ketapath.domain.evidence import Finding
from ketapath.domain.profile import Profile
from ketapath.domain.session import POINTS, Point, Session, Visit, number_of
from ketapath.profile import with_fact
from ketapath.session import called_for, points, ready_for_discharge

_MINUTES = "consent.signed_minutes_before_dose"
_CLOCKS = "session.minutes_"
_WATCHED = "observation"
_OF_REGISTER = {
    "today.prescriber_on_site": "staff.prescriber_on_duty",
    "today.acls_on_site": "staff.life_support_on_duty",
}
"""What is asked on the day and the register answers, where it says yes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """One thing against going home, in words. `name` says what is the same, its value included.

    `ages` of what only time brings about, such as readings that grow old; `is_answered` of what somebody said or read.
    """

    name: str
    words: str
    ages: bool = False
    is_answered: bool = False


def against(found: Chart, visit: Visit) -> tuple[Against, ...]:
    """Everything against going home now: what was answered or read so, steps that nobody took, the time left, the rest.

    What nobody has said comes last.
    """
    given = visit.administration
    if given is None or not visit.was_dosed:
        return ()
    standing = _points(found, visit)
    answered = (_as_said(point) for point in standing if point.value is not None)
    steps = _open_steps(found, visit)
    said = sorted((*answered, *steps), key=lambda one: one.ages)  # a clock is the least of it
    until = given.started_at + timedelta(minutes=watched("" if found.plan is None else found.plan.protocol_id))
    if clock.now() < until:
        shown = date_format(clock.local(until, found.practice.zone), "H:i")
        said.append(Against(name=_WATCHED, words=_("observation until %(at)s") % {"at": shown}, ages=True))
    return (*said, *_unsaid([point for point in standing if point.value is None]))


def unsigned(found: Chart, visit: Visit) -> tuple[Against, ...]:
    """The same without what a prescriber has signed for in this visit; empty: the person may go."""
    signed = signed_for(visit)
    return tuple(one for one in against(found, visit) if not set(one.name.split(",")) <= signed)


def stays_for(found: Chart, visit: Visit) -> tuple[str, ...]:
    """The same in words."""
    return tuple(one.words for one in unsigned(found, visit))


def new_against(found: Chart, visit: Visit) -> tuple[str, ...]:
    """What has come up against going home since the checklist was passed or overridden, in words.

    What only time brings about is none of it: readings were fresh when the checklist was passed.
    """
    return tuple(one.words for one in unsigned(found, visit) if not one.ages)


def signed_for(visit: Visit) -> frozenset[str]:
    """The points that were named where the checklist was overridden in this visit."""
    first = (event.words.partition(" ")[0] for event in visit.said("discharge-overridden"))
    return frozenset(name for word in first if word.startswith(POINTS) for name in word[len(POINTS) :].split(","))


def as_signed(standing: Collection[Against], reason: str) -> str:
    """The words that are signed: which points these are, why the person goes, and each point as it is read."""
    return f"{POINTS}{','.join(one.name for one in standing)} {reason} [{'; '.join(one.words for one in standing)}]"


def leaving(found: Chart, visit: Visit) -> tuple[Finding, ...]:
    """The rules that speak against going home now, or are not known; nothing where nothing was given."""
    session = _session(found, visit)
    if session is None:
        return ()
    findings = ready_for_discharge(session, told(found, visit), found.clinic, found.knowledge)
    return tuple(f for f in findings if f.verdict is not None)


def open_points(found: Chart, visit: Visit) -> tuple[str, ...]:
    """The paths of the checklist that stand against going home, whether answered so or not at all."""
    return tuple(point.path for point in _points(found, visit))


def told(found: Chart, visit: Visit | None) -> Profile:
    """The person with what the acts of the visit have said already, so that nobody types it twice."""
    person = found.person
    assert person is not None
    said: dict[str, bool | float] = {}
    if visit is not None and visit.said("escort"):
        said["session.escort_present"] = True
    if visit is not None and visit.said("advice-given"):
        said["session.written_advice"] = True
    if _MINUTES not in person.known and (minutes := consent_of(found).minutes) is not None:
        said[_MINUTES] = float(round(minutes))
    if not _OF_REGISTER.keys() <= person.known.keys():
        register = on_duty(found.practice, clock.now())
        said |= {path: True for path, source in _OF_REGISTER.items() if source in register and register[source].value}
    for path, value in said.items():
        if path not in person.known:
            person = with_fact(person, path, value, unit=found.knowledge.paths[path].unit)
    return person


def _points(found: Chart, visit: Visit) -> tuple[Point, ...]:
    session = _session(found, visit)
    return () if session is None else points(session, told(found, visit), found.clinic, found.knowledge)


def _session(found: Chart, visit: Visit) -> Session | None:
    number = number_of(visit, () if found.person is None else found.person.doses)
    return visit.session(number, now=clock.now())


def _open_steps(found: Chart, visit: Visit) -> Iterator[Against]:
    """Each limit that was reached and has a step that nobody has taken, and nobody has said why it is not needed."""
    for one in called_for(visit, (), found.knowledge):
        if one.since is None:
            continue
        rule = found.knowledge.rules[one.rule_id]
        said = {
            "title": rule.ref.title, "id": one.rule_id,
            "at": date_format(clock.local(one.since, found.practice.zone), "H:i"),
            "what": " ".join(do for name, _who, do in one.steps if name not in one.taken),
        }  # fmt: skip
        words = _(
            "%(title)s (%(id)s) was reached at %(at)s, and nobody has done, or said why it is not needed: %(what)s"
        )
        yield Against(name=f"steps.{one.rule_id}@{one.since.astimezone(UTC):%Y-%m-%dT%H:%M:%S}", words=words % said)


def _as_said(point: Point) -> Against:
    assert point.value is not None
    shown = {"yes": _("yes"), "no": _("no")}.get(point.value, point.value)
    rules = ", ".join(f"{title} ({rule_id})" for title, rule_id in point.rules)
    ages = point.path.startswith(_CLOCKS)
    if ages:
        minutes, _space, unit = shown.partition(" ")
        shown = f"{float(minutes):.0f} {unit}"
    name = point.path if ages else f"{point.path}={''.join(point.value.split())}"
    return Against(name=name, words=f"{point.label}: {shown}. {rules}", ages=ages, is_answered=True)


def _unsaid(unsaid: Collection[Point]) -> list[Against]:
    """What nobody has said, a line for each rule that asks for it."""
    by_rule: dict[tuple[str, str], list[Point]] = {}
    for point in unsaid:
        by_rule.setdefault(point.rules[0], []).append(point)
    return [
        Against(
            name=",".join(f"{point.path}=?" for point in asked),
            words=_("%(title)s (%(id)s), not answered: %(what)s")
            % {"title": title, "id": rule_id, "what": ", ".join(point.label for point in asked)},
        )
        for (title, rule_id), asked in by_rule.items()
    ]
