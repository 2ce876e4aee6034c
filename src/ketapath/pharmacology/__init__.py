"""How does a dose become a concentration? Linear compartments, exact, with the spread between people."""

from ketapath.pharmacology.choice import has_model
from ketapath.pharmacology.compartments import Input, solve
from ketapath.pharmacology.driving import drivers_of_validation, driving_sites, outside_driver, session_minutes
from ketapath.pharmacology.effects import Effects, Resting, Sites, acute_effects
from ketapath.pharmacology.interactions import Interacting, auc_ratio, interacting, perpetrators
from ketapath.pharmacology.march import Batch, Status, Summary, march, summaries
from ketapath.pharmacology.measured import measured_sensitivity
from ketapath.pharmacology.metabolism import with_intrinsic_clearance
from ketapath.pharmacology.modal import Chain
from ketapath.pharmacology.orders import Order, Rate, infusion
from ketapath.pharmacology.positive import Flows
from ketapath.pharmacology.reactions import Person
from ketapath.pharmacology.sensitivity import Sensitivity, earlier_session, sensitivity
from ketapath.pharmacology.simulate import (
    Exposure,
    Peak,
    Series,
    Simulation,
    arterial_sites,
    compare,
    exposure,
    exposure_peak,
    simulate,
)
from ketapath.pharmacology.subjects import Subject, virtual_patients
from ketapath.pharmacology.timeline import paused, sequence, stopped

__all__ = [
    "Batch",
    "Chain",
    "Effects",
    "Exposure",
    "Flows",
    "Input",
    "Interacting",
    "Order",
    "Peak",
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
    "compare",
    "drivers_of_validation",
    "driving_sites",
    "earlier_session",
    "exposure",
    "exposure_peak",
    "has_model",
    "infusion",
    "interacting",
    "march",
    "measured_sensitivity",
    "outside_driver",
    "paused",
    "perpetrators",
    "sensitivity",
    "sequence",
    "session_minutes",
    "simulate",
    "solve",
    "stopped",
    "summaries",
    "virtual_patients",
    "with_intrinsic_clearance",
]
