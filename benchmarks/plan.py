"""How long does a plan take? Two hundred ways of giving and more, on 4,000 possible persons, on one core.

`make bench-plan` writes docs/reference/plan-times.md. Times are processor time of this process, so that what else runs
on the machine counts little; the shortest of some runs.
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
from benchmarks.machine import processor
from tests.records import CLINIC, KNOWLEDGE, TODAY, days_ago, good_record, infusion, person, phq9, spread

from ketapath import journey
from ketapath.domain.profile import Profile
from ketapath.knowledge import Knowledge
from ketapath.plan.harms import chances
from ketapath.plan.regimens import regimens
from ketapath.response.ensemble import PEOPLE, SETTINGS, Ensemble, possible_persons, treat
from ketapath.response.history import history
from ketapath.response.prior import population
from ketapath.response.treatment import Session

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "plan-times.md"
RUNS = 7
HARD_MS, AIM_MS = 2000, 500
VEIN = "racemic-iv-series"
WIDE = {
    "doses": [[0.5], *([0.5, 0.5, more] for more in (0.6, 0.7, 0.75, 0.8, 0.9, 1.0))],
    "infusion_min": [40],
    "courses": [
        {"id": "twice-2w", "days": [0, 3, 7, 10]},
        {"id": "twice-3w", "days": [0, 3, 7, 10, 14, 17]},
        {"id": "twice-4w", "days": [0, 3, 7, 10, 14, 17, 21, 24]},
        {"id": "thrice-2w", "days": [0, 2, 4, 7, 9, 11]},
        {"id": "thrice-3w", "days": [0, 2, 4, 7, 9, 11, 14, 16, 18]},
        {"id": "once-4w", "days": [0, 7, 14, 21]},
        {"id": "once-6w", "days": [0, 7, 14, 21, 28, 35]},
    ],
}
"""A search in which every way does something else, so that each has to be simulated."""


def wide() -> Knowledge:
    """The knowledge with the wide search by vein."""
    protocol = KNOWLEDGE.protocols[VEIN]
    return replace(
        KNOWLEDGE, protocols={**KNOWLEDGE.protocols, VEIN: {**protocol, "search": {**protocol["search"], **WIDE}}}
    )


def new() -> Profile:
    """Somebody before the first session."""
    return person(good_record())


def treated() -> Profile:
    """Somebody whose induction is over, with five scores."""
    sessions = [infusion(days_ago(d)) for d in (24, 21, 17, 14, 10, 7)]
    scores = [phq9(spread(total), on=days_ago(d)) for d, total in ((25, 18), (18, 14), (11, 12), (4, 9), (0, 9))]
    return person(good_record(*sessions, *scores, score=None))


def page() -> Iterable[str]:
    """The page, line by line."""
    yield "# How long a plan takes\n"
    yield "Written by `make bench-plan`; nothing here is typed by hand."
    yield f"{date.today()}, Python {platform.python_version()}, NumPy {np.__version__}, {processor()}.\n"  # noqa: DTZ011
    yield f"Processor time on one core, the shortest of {RUNS} runs; {SETTINGS * PEOPLE:,} possible persons."
    yield f"Goal: at most {HARD_MS:,} ms for 200 ways of giving, better {AIM_MS} ms.\n"
    yield "| person | search | ways | simulated | ms | under the aim |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for who, someone in (("before the first session", new()), ("induction over, five scores", treated())):
        for name, knowledge in (("as shipped", KNOWLEDGE), ("wide", wide())):
            plan = journey.planned(someone, CLINIC, knowledge, seed=1)
            ms = _best(lambda p=someone, k=knowledge: journey.planned(p, CLINIC, k, seed=1))
            said = "yes" if ms <= AIM_MS else "no" if ms <= HARD_MS else "no, nor the limit"
            yield f"| {who} | {name} | {plan.considered} | {simulated(someone, knowledge)} | {ms:.0f} | {said} |"
    yield "\nSimulated are ways that differ in what they do: two infusion times of one dose are one. Of it:\n"
    yield "| part | ms |"
    yield "| --- | --- |"
    yield from _parts()


def simulated(someone: Profile, knowledge: Knowledge) -> int:
    """How many ways differ in protocol, doses, days or spacing."""
    every = [r for p in knowledge.protocols.values() for r in regimens(someone, p, CLINIC, knowledge)]
    return len({(r.protocol_id, r.doses, r.days, r.every_days) for r in every})


def _parts() -> Iterable[str]:
    someone, drawn = new(), population(KNOWLEDGE.response)
    of, protocol = history(someone), KNOWLEDGE.protocols[VEIN]

    def people() -> Ensemble:
        found = possible_persons(
            of, KNOWLEDGE, drawn, as_of=TODAY, seed=1, ways=[("racemic", "iv"), ("esketamine", "nasal")],
            baseline_score=("phq9", 18.0),
        )  # fmt: skip
        assert isinstance(found, Ensemble)
        return found

    once = people()
    sessions = [Session(day=float(d), strength=0.5, equivalent=None) for d in (0, 3, 7, 10, 14, 17, 24, 31, 38, 45)]
    yield f"| possible persons, drawn once | {_best(people):.1f} |"
    yield f"| one way of ten sessions | {_best(lambda: treat(once, sessions)):.2f} |"
    for words, doses in (("one dose", [35.0]), ("four doses", [35.0, 42.0, 52.0, 70.0])):
        ms = _best(lambda d=doses: chances(someone, protocol, d, KNOWLEDGE, seed=1))
        yield f"| chances of harm at {words} | {ms:.1f} |"


def _best(call: Callable[[], object]) -> float:
    """Milliseconds of processor time, the shortest of some runs."""
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return 1000 * min(times)


def main() -> None:
    """Measure and write the page."""
    text = "\n".join(page()) + "\n"
    PAGE.write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
