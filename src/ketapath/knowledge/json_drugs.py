"""What a worked case of a drug model may say, as JSON Schema; the form of a model itself stands in json_schema."""

from __future__ import annotations

from ketapath.knowledge import schema as words
from ketapath.knowledge.json_parts import NUMBER, TEXT, Schema, one_of, record

QUANTITIES = ("level", "peak", "area")
INDEPENDENT = ("evidence-pack", "published", "arithmetic")
"""Where a case's figure comes from that is not this code or its second implementation."""
BASES = (*INDEPENDENT, "second-implementation")


def model_case() -> Schema:
    """One case: the order, the person, what is asked, what comes out and whence that is known."""
    minutes = dict.fromkeys(("infusion_min", "device_gap_min"), NUMBER)
    order = {"product": one_of(words.PRODUCTS), "route": one_of(words.ROUTES), "dose_mg": NUMBER, **minutes}
    subject = {"weight_kg": NUMBER, "age_years": NUMBER, "ancestry": one_of(("asian", "japanese"))}
    found = record(
        {
            "model": {**TEXT, "description": "The id of the model in the file beside."},
            "order": record(order, optional=minutes),
            "subject": record(subject, optional=("ancestry",)),
            "analyte": TEXT,
            "quantity": one_of(QUANTITIES, "level and peak in ng/mL; area to infinity in ng h/mL."),
            "at_min": {**NUMBER, "description": "For a level: the minute after the start."},
            "expect": NUMBER,
            "within_percent": {"type": "number", "minimum": 0, "maximum": 5},
            "basis": one_of(BASES, "Every model needs two cases, one that is not of the second implementation."),
            "from": {**TEXT, "description": "Which figure of the evidence, or which arithmetic."},
        },
        optional=("at_min",),
    )
    level: Schema = {"properties": {"quantity": {"const": "level"}}}
    return {**found, "if": level, "then": {"required": ["at_min"]}, "else": {"not": {"required": ["at_min"]}}}
