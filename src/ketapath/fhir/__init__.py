"""What does a FHIR R4 record state, and how is a result said in FHIR? The only room that knows resource shapes.

`read_bundle` decodes and checks, `statements` reads what is stated, `readback` what ketapath wrote itself, `encode`
writes, `refused_change` guards the life of a resource. Nothing here decides what may be relied on; that is `profile`.
Source: HL7 FHIR R4 (4.0.1).
"""

from ketapath.fhir.bundle import (
    Bundle,
    Entry,
    Resource,
    bundle_of,
    entries,
    patient_of,
    read_bundle,
    read_json,
    read_resource,
)
from ketapath.fhir.parts import part_of
from ketapath.fhir.statements import Stated, allergy_names, never_read, stated, statements
from ketapath.fhir.transitions import keeps_content, refused_change
from ketapath.fhir.vocabulary import Vocabulary, vocabulary

__all__ = [
    "Bundle",
    "Entry",
    "Resource",
    "Stated",
    "Vocabulary",
    "allergy_names",
    "bundle_of",
    "entries",
    "keeps_content",
    "never_read",
    "part_of",
    "patient_of",
    "read_bundle",
    "read_json",
    "read_resource",
    "refused_change",
    "stated",
    "statements",
    "vocabulary",
]
