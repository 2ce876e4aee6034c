"""Symptoms over time under treatment: what to expect, and how one person's own scores change it."""

from ketapath.response.benefit import prior_benefit
from ketapath.response.evidence import response_evidence
from ketapath.response.prior import Population, population
from ketapath.response.review import course
from ketapath.response.treatment import SPRAY, SPRAY_MG

__all__ = ["SPRAY", "SPRAY_MG", "Population", "course", "population", "prior_benefit", "response_evidence"]
