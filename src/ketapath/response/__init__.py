"""Symptoms over time under treatment: what to expect, and how one person's own scores change it."""

from ketapath.response.arm_file import read_arm
from ketapath.response.benefit import prior_benefit
from ketapath.response.evidence import response_evidence
from ketapath.response.predict import predict_arm
from ketapath.response.prior import Population, population
from ketapath.response.review import course
from ketapath.response.treatment import SPRAY, SPRAY_MG
from ketapath.response.validation import validate_response

__all__ = [
    "SPRAY",
    "SPRAY_MG",
    "Population",
    "course",
    "population",
    "predict_arm",
    "prior_benefit",
    "read_arm",
    "response_evidence",
    "validate_response",
]
