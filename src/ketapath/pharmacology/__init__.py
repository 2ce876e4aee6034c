"""How does a dose become a concentration? Linear compartments, exact, with the spread between people."""

from ketapath.pharmacology.compartments import Input, solve
from ketapath.pharmacology.interactions import Interacting, auc_ratio, interacting, perpetrators
from ketapath.pharmacology.metabolism import with_intrinsic_clearance
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

__all__ = [
    "Exposure",
    "Input",
    "Interacting",
    "Order",
    "Peak",
    "Series",
    "Simulation",
    "Subject",
    "auc_ratio",
    "exposure",
    "exposure_peak",
    "interacting",
    "perpetrators",
    "simulate",
    "solve",
    "virtual_patients",
    "with_intrinsic_clearance",
]
