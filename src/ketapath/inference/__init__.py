"""What do the data leave of a prior? Draws from any log-density over R^d, with the checks that say if they may be used.

Public verbs: `sample`, and `sample_stages` for what each part of the data did. They know no drug and no scale.
"""

from ketapath.inference.mode import LogDensity
from ketapath.inference.nested import Stages, sample_stages
from ketapath.inference.pareto import pareto_k
from ketapath.inference.posterior import Sample, sample

__all__ = ["LogDensity", "Sample", "Stages", "pareto_k", "sample", "sample_stages"]
