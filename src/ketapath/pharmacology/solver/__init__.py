"""What is the amount in each compartment at each time? Two solutions that must agree, and one kernel of the first.

`solve` is exact for one system, `march` and `summaries` are for many people under one regimen. Knows no drug.
"""

from ketapath.pharmacology.solver.compartments import Array, Input, solve
from ketapath.pharmacology.solver.march import Batch, Status, Summary, march, summaries
from ketapath.pharmacology.solver.modal import Chain
from ketapath.pharmacology.solver.positive import Flows
from ketapath.pharmacology.solver.timeline import paused, sequence, stopped

__all__ = [
    "Array",
    "Batch",
    "Chain",
    "Flows",
    "Input",
    "Status",
    "Summary",
    "march",
    "paused",
    "sequence",
    "solve",
    "stopped",
    "summaries",
]
