"""What does this person's life ask of the plan? Needs become tasks, times, settings, people and therapy hours.

Each need of knowledge/needs.yaml that holds changes something that can be counted. A need whose facts are missing
asks for nothing, except where not knowing is itself the risk (nobody to take the person home).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from ketapath.domain.evidence import Text
from ketapath.domain.plan import SupportTask
from ketapath.domain.profile import Profile
from ketapath.knowledge import Knowledge, evaluate
from ketapath.knowledge.rules import parse_predicate


@dataclass(frozen=True, slots=True, kw_only=True)
class Therapy:
    """A psychotherapy that a need asks for, one hour of it every week, and who gives it."""

    name: str
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """All that the needs of one person change in a plan.

    `therapies` are those that needs ask for; `weekly` those that the plan has to find hours for, because none is under
    way elsewhere.
    """

    tasks: tuple[SupportTask, ...]
    starts_h: float | None
    people: tuple[str, ...]
    settings: tuple[str, ...]
    therapies: tuple[str, ...]
    weekly: tuple[Therapy, ...] = ()

    @property
    def blocked(self) -> bool:
        """Whether something has to be done before the first session."""
        return any(task.blocks_first_session for task in self.tasks)


def arrangement(person: Profile, knowledge: Knowledge) -> Arrangement:
    """What the plan has to arrange for this person; `person` is already at the clinic."""
    records = list(_holding(person, knowledge))
    starts = [float(r["starts_h"]) for r in records if "starts_h" in r]
    asking: dict[str, Mapping[str, Any]] = {}
    for record in (r for r in records if "therapy" in r and not _is_under_way(person)):
        asking.setdefault(record["therapy"], record)
    return Arrangement(
        tasks=(
            *(_task(r, person.as_of, knowledge) for r in records),
            *(_competence(r, person.as_of, knowledge) for r in asking.values()),
        ),
        starts_h=max(starts, default=None),
        people=tuple(dict.fromkeys(r["person"] for r in records if "person" in r)),
        settings=tuple(dict.fromkeys(r["setting"] for r in records if "setting" in r)),
        therapies=tuple(dict.fromkeys(r["therapy"] for r in records if "therapy" in r)),
        weekly=tuple(Therapy(name=name, who=r["task"]["who"]) for name, r in asking.items()),
    )


def _is_under_way(person: Profile) -> bool:
    fact = person.known.get("therapy.current")
    return fact is not None and fact.value is True


def _holding(person: Profile, knowledge: Knowledge) -> Iterator[Mapping[str, Any]]:
    for record in knowledge.needs.values():
        truth = evaluate(parse_predicate(record["when"], where=record["id"]), person.known, as_of=person.as_of)
        if truth or (truth is None and record.get("if_unknown")):
            yield record


def _task(record: Mapping[str, Any], today: date, knowledge: Knowledge) -> SupportTask:
    return SupportTask(
        need=record["id"],
        title=Text(key=f"need.{record['id']}"),
        who=record["task"]["who"],
        due=today + timedelta(days=knowledge.figure("task_days")),
        blocks_first_session=bool(record["task"]["blocks"]),
        rule=knowledge.rules[record["rule"]].ref,
    )


def _competence(record: Mapping[str, Any], today: date, knowledge: Knowledge) -> SupportTask:
    """Somebody has to be found who can give this therapy."""
    return SupportTask(
        need=f"{record['therapy']}-therapist",
        title=Text(key=f"competence.{record['therapy']}"),
        who="coordinator",
        due=today + timedelta(days=knowledge.figure("task_days")),
        blocks_first_session=False,
        rule=knowledge.rules[record["rule"]].ref,
    )
