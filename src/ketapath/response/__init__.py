"""Symptoms over time under treatment: what to expect, and how one person's own scores change it."""

from ketapath.response.every_scale import with_every_scale
from ketapath.response.individual import course, prior_benefit, response_evidence

__all__ = ["course", "prior_benefit", "response_evidence", "with_every_scale"]
