"""How does a dose become a concentration? Linear compartments, exact, with the spread between people."""

from ketapath.pharmacology.choice import has_model
from ketapath.pharmacology.compartments import Input, solve
from ketapath.pharmacology.interactions import Interacting, auc_ratio, interacting, perpetrators
from ketapath.pharmacology.metabolism import with_intrinsic_clearance
from ketapath.pharmacology.orders import Order, Rate, infusion
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

__all__ = [
    "Exposure",
    "Input",
    "Interacting",
    "Order",
    "Peak",
    "Rate",
    "Series",
    "Simulation",
    "Subject",
    "arterial_sites",
    "auc_ratio",
    "compare",
    "exposure",
    "exposure_peak",
    "has_model",
    "infusion",
    "interacting",
    "perpetrators",
    "simulate",
    "solve",
    "virtual_patients",
    "with_intrinsic_clearance",
]
