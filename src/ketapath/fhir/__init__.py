"""What does a FHIR R4 record state, and how is a result said in FHIR? The only room that knows resource shapes.

`read_bundle` decodes and checks, `statements` reads what is stated. Nothing here decides what may be relied on;
that is `profile`. Source: HL7 FHIR R4 (4.0.1).
"""

from ketapath.fhir.bundle import Bundle, read_bundle
from ketapath.fhir.encode import plan_resources, score_resource, session_resources
from ketapath.fhir.statements import statements
from ketapath.fhir.vocabulary import Vocabulary, vocabulary

__all__ = [
    "Bundle",
    "Vocabulary",
    "plan_resources",
    "read_bundle",
    "score_resource",
    "session_resources",
    "statements",
    "vocabulary",
]
