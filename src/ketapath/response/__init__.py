"""Symptoms over time under treatment: what to expect, and how one person's own scores change it."""

from ketapath.response.arm_file import read_arm
from ketapath.response.every_scale import with_every_scale
from ketapath.response.evidence import response_evidence
from ketapath.response.individual import course, prior_benefit
from ketapath.response.predict import predict_arm
from ketapath.response.prior import population
from ketapath.response.validation import validate_response

__all__ = [
    "course",
    "population",
    "predict_arm",
    "prior_benefit",
    "read_arm",
    "response_evidence",
    "validate_response",
    "with_every_scale",
]
