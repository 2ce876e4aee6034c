"""What does this person's life ask of the plan? Needs become tasks, times, settings, people and therapy.

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
class Arrangement:
    """All that the needs of one person change in a plan."""

    tasks: tuple[SupportTask, ...]
    starts_h: float | None
    people: tuple[str, ...]
    settings: tuple[str, ...]
    therapies: tuple[str, ...]

    @property
    def blocked(self) -> bool:
        """Whether something has to be done before the first session."""
        return any(task.blocks_first_session for task in self.tasks)


def arrangement(person: Profile, knowledge: Knowledge) -> Arrangement:
    """What the plan has to arrange for this person; `person` is already at the clinic."""
    records = list(_holding(person, knowledge))
    starts = [float(r["starts_h"]) for r in records if "starts_h" in r]
    return Arrangement(
        tasks=tuple(_task(r, person.as_of, knowledge) for r in records),
        starts_h=max(starts, default=None),
        people=tuple(dict.fromkeys(r["person"] for r in records if "person" in r)),
        settings=tuple(dict.fromkeys(r["setting"] for r in records if "setting" in r)),
        therapies=tuple(dict.fromkeys(r["therapy"] for r in records if "therapy" in r)),
    )


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
