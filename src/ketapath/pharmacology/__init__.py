"""How does a dose become a concentration? Linear compartments, exact, with the spread between people."""

from ketapath.pharmacology.compartments import Input, solve
from ketapath.pharmacology.simulate import Order, Peak, Series, Simulation, exposure_peak, simulate
from ketapath.pharmacology.subjects import Subject, virtual_patients

__all__ = [
    "Input",
    "Order",
    "Peak",
    "Series",
    "Simulation",
    "Subject",
    "exposure_peak",
    "simulate",
    "solve",
    "virtual_patients",
]
