"""How does a dose become a concentration? Linear compartments, exact, with the spread between people.

`solver/` knows compartments and no drug. A drug model's file becomes people (`subjects`), compartments (`structures`)
and levels (`simulate`); other medicines change the people (`interactions`); arterial levels drive what is felt
(`driving`, `effects`), in people like this or in this one (`sensitivity`, `measured`). Levels are here at once; what
stands on the knowledge is imported when it is asked for, because a first curve should not wait for it.
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ketapath.pharmacology.choice import has_model
from ketapath.pharmacology.metabolism import with_intrinsic_clearance
from ketapath.pharmacology.orders import Order, Rate, infusion
from ketapath.pharmacology.simulate import (
    Series,
    Simulation,
    arterial_sites,
    compare,
    exposure,
    exposure_peak,
    simulate,
)
from ketapath.pharmacology.solver import (
    Batch,
    Chain,
    Flows,
    Input,
    Status,
    Summary,
    march,
    paused,
    sequence,
    solve,
    stopped,
    summaries,
)
from ketapath.pharmacology.subjects import Subject, virtual_patients

if TYPE_CHECKING:
    from ketapath.pharmacology.driving import drivers_of_validation, driving_sites
    from ketapath.pharmacology.effects import Effects, Resting, Sites, acute_effects
    from ketapath.pharmacology.equivalence import Availability, Equivalent, availability, equivalent_doses, ways
    from ketapath.pharmacology.interactions import auc_ratio, interacting, perpetrators
    from ketapath.pharmacology.measured import measured_sensitivity
    from ketapath.pharmacology.reactions import Person
    from ketapath.pharmacology.sensitivity import Sensitivity

__all__ = [
    "Availability",
    "Batch",
    "Chain",
    "Effects",
    "Equivalent",
    "Flows",
    "Input",
    "Order",
    "Person",
    "Rate",
    "Resting",
    "Sensitivity",
    "Series",
    "Simulation",
    "Sites",
    "Status",
    "Subject",
    "Summary",
    "acute_effects",
    "arterial_sites",
    "auc_ratio",
    "availability",
    "compare",
    "drivers_of_validation",
    "driving_sites",
    "equivalent_doses",
    "exposure",
    "exposure_peak",
    "has_model",
    "infusion",
    "interacting",
    "march",
    "measured_sensitivity",
    "paused",
    "perpetrators",
    "sequence",
    "simulate",
    "solve",
    "stopped",
    "summaries",
    "virtual_patients",
    "ways",
    "with_intrinsic_clearance",
]
_WHEN_ASKED = MappingProxyType(
    {
        "driving": ("drivers_of_validation", "driving_sites"),
        "effects": ("Effects", "Resting", "Sites", "acute_effects"),
        "equivalence": ("Availability", "Equivalent", "availability", "equivalent_doses", "ways"),
        "interactions": ("auc_ratio", "interacting", "perpetrators"),
        "measured": ("measured_sensitivity",),
        "reactions": ("Person",),
        "sensitivity": ("Sensitivity",),
    }
)


def __getattr__(name: str) -> Any:
    for room, names in _WHEN_ASKED.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{room}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
