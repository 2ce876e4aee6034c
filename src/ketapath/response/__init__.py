"""Symptoms over time under treatment: what to expect, and how one person's own scores change it.

The draws of the population come from `response.prior`; a verb of that name here would be hidden by the fit's module.
"""

from ketapath.response.arm_file import read_arm
from ketapath.response.evidence import response_evidence
from ketapath.response.predict import predict_arm
from ketapath.response.prior import Population
from ketapath.response.review import course
from ketapath.response.treatment import SPRAY, SPRAY_MG
from ketapath.response.validation import validate_response

__all__ = [
    "SPRAY",
    "SPRAY_MG",
    "Population",
    "course",
    "predict_arm",
    "read_arm",
    "response_evidence",
    "validate_response",
]
