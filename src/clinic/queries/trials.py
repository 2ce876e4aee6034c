"""Which simulated trials were asked for, how far is each, and what did it find? And the designs to start from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from clinic.record.models import Practice, SimulatedTrial
from clinic.record.projections import knowledge
from ketapath.cohort import TRUTHS, Design, read_design, ready
from ketapath.domain.cohort import OperatingCharacteristics
from ketapath.domain.evidence import Text
from ketapath.report import trial_of

MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A design that ships with us: its name, the question in its first line, its text, and what it states."""

    name: str
    question: str
    text: str
    design: Design


@lru_cache(maxsize=1)
def ready_designs() -> tuple[Ready, ...]:
    """All of them, by name."""
    found = []
    for name, data in ready().items():
        text = data.decode()
        question = text.splitlines()[0].removeprefix("#").strip()
        found.append(Ready(name=name, question=question, text=text, design=read_design(data, knowledge().response)))
    return tuple(found)


def truths() -> tuple[tuple[str, Text], ...]:
    """In what a trial can be played, with the sentence that says what it is."""
    return tuple((truth, Text(key=f"trial.truth_{truth.replace('-', '_')}")) for truth in TRUTHS)


def trials(practice: Practice) -> Sequence[SimulatedTrial]:
    """The newest runs of this practice, without their designs and figures."""
    rows = SimulatedTrial.objects.filter(practice=practice).defer("design", "registration", "found")
    return tuple(rows.order_by("-id")[:MOST])


def trial(practice: Practice, number: int) -> SimulatedTrial | None:
    """This run; None where the practice has none of this number."""
    return SimulatedTrial.objects.filter(practice=practice, pk=number).first()


def figures(row: SimulatedTrial) -> OperatingCharacteristics | None:
    """What it found; None before the end, and where another version wrote it in a way that this one cannot draw."""
    if row.step != "done":
        return None
    try:
        return trial_of(row.found)
    except (KeyError, TypeError, ValueError):
        return None
