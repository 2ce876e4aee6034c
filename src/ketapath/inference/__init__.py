"""What do the data leave of a prior? Draws from any log-density over R^d, with the checks that say if they may be used.

Public verb: `sample`. It knows no drug and no scale.
"""

from ketapath.inference.mode import LogDensity
from ketapath.inference.pareto import pareto_k
from ketapath.inference.posterior import Sample, sample

__all__ = ["LogDensity", "Sample", "pareto_k", "sample"]
