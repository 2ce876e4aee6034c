"""How does a dose become a concentration? Linear compartments, exact, with the spread between people."""

from ketapath.pharmacology.compartments import Input, solve
from ketapath.pharmacology.march import Batch, Status, Summary, march, summaries
from ketapath.pharmacology.metabolism import with_intrinsic_clearance
from ketapath.pharmacology.modal import Chain
from ketapath.pharmacology.positive import Flows
from ketapath.pharmacology.simulate import (
    Exposure,
    Order,
    Peak,
    Series,
    Simulation,
    exposure,
    exposure_peak,
    simulate,
)
from ketapath.pharmacology.subjects import Subject, virtual_patients
from ketapath.pharmacology.timeline import paused, sequence, stopped

__all__ = [
    "Batch",
    "Chain",
    "Exposure",
    "Flows",
    "Input",
    "Order",
    "Peak",
    "Series",
    "Simulation",
    "Status",
    "Subject",
    "Summary",
    "exposure",
    "exposure_peak",
    "march",
    "paused",
    "sequence",
    "simulate",
    "solve",
    "stopped",
    "summaries",
    "virtual_patients",
    "with_intrinsic_clearance",
]
