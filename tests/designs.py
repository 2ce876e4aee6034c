"""A small simulated trial for tests, with other fields laid over it."""

from __future__ import annotations

from typing import Any

import yaml
from tests.courses import KNOWLEDGE, POPULATION

from ketapath.cohort import Design, read_design, run
from ketapath.cohort.ready import FOLDER
from ketapath.domain.cohort import Contrast, OperatingCharacteristics

READY = sorted(FOLDER.glob("*.yaml"))
INFUSIONS: dict[str, Any] = {"product": "racemic", "route": "iv", "dose": "0.5 mg/kg"}
STATED: dict[str, Any] = {
    "title": "Six infusions against one",
    "scale": "MADRS",
    "population": {"condition": "MDD", "failed_trials": 2, "baseline": {"mean": 32, "sd": 6}},
    "context": {"control": "none", "routine": False},
    "arms": [
        {"name": "one", **INFUSIONS, "sessions": {"days": [0]}},
        {"name": "six", **INFUSIONS, "sessions": {"days": [0, 3, 7, 10, 14, 17]}},
    ],
    "n": 40,
    "visits": {"days": [7, 14, 21]},
    "endpoints": [{"quantity": "change", "day": 21}, {"quantity": "response", "day": 21}],
    "trials": 120,
    "seed": 11,
}


def stated(**changes: Any) -> bytes:
    """The file with other fields."""
    return yaml.safe_dump(STATED | changes).encode()


def design(**changes: Any) -> Design:
    """The design with other fields of its file."""
    return read_design(stated(**changes), KNOWLEDGE.response)


def played(**changes: Any) -> OperatingCharacteristics:
    """What it would find."""
    return run(design(**changes), KNOWLEDGE, POPULATION)


def contrast(found: OperatingCharacteristics, quantity: str) -> Contrast:
    """The first contrast of this quantity at the first size."""
    return next(one for one in found.sizes[0].contrasts if one.endpoint.startswith(quantity))
