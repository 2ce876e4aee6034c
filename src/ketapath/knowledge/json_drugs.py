"""The JSON Schema of a drug model and of its worked cases."""

from __future__ import annotations

from ketapath.knowledge import schema as words
from ketapath.knowledge.json_parts import (
    BOOL,
    INTERVAL,
    KEY,
    NUMBER,
    TEXT,
    Schema,
    basis,
    list_of,
    map_of,
    one_of,
    record,
)

MODEL_TRUST = ("read", "transcribed", "summary", "assumption")

QUANTITIES = ("level", "peak", "area")
INDEPENDENT = ("evidence-pack", "published", "arithmetic")
"""Where a case's figure comes from that is not this code or its second implementation."""
BASES = (*INDEPENDENT, "second-implementation")

_SITES = ("venous", "arterial", "mixed", "not-stated")
_STRUCTURES = ("mammillary", "depot", "nasal-hepatic", "oral-hepatic", "film")
_SPREAD = ("bsv_variance", "bsv_cv_percent", "bsv_logit_sd", "bov_variance", "rse_percent", "low", "high")
_OF_THE_DISPOSITION = ("residual_error", "population", "domain")
"""What a file that stands on the disposition of another takes over from there."""


def drug() -> Schema:
    """A drug model: constants with source and trust, or uptake on the disposition of another."""
    figure = record(
        {"value": NUMBER, "unit": TEXT, "source": KEY, "trust": one_of(MODEL_TRUST), **dict.fromkeys(_SPREAD, NUMBER)},
        optional=("source", *_SPREAD),
    )
    span = INTERVAL
    routes = list_of(one_of(words.ROUTES), least=1)
    fields: dict[str, Schema] = {
        "id": TEXT,
        "title": TEXT,
        "product": one_of(words.PRODUCTS),
        "routes": routes,
        "default_for": {**routes, "description": "Routes for which this model answers where none is named."},
        "band_with": {**list_of(TEXT, least=1), "description": "Models whose people share this one's band."},
        "children": {**BOOL, "description": "Used for children, and for adults only where it is named."},
        "analytes": list_of(TEXT, least=1),
        "site": one_of(_SITES),
        "structure": one_of(_STRUCTURES),
        "trust": one_of(MODEL_TRUST),
        "disposition": {**TEXT, "description": "The model whose distribution and elimination this one stands on."},
        "parameters": map_of(figure),
        "covariances": list_of(record({"of": list_of(TEXT, least=2), "value": NUMBER, "source": KEY})),
        "assumed_spread": record(
            {"of": map_of(NUMBER), "covariance": NUMBER, "from": KEY, "trust": one_of(("assumption",))},
            optional=("covariance",),
        ),
        "weight_exponents": map_of(NUMBER),
        "age_effect": record({"parameter": TEXT, "per_year": NUMBER, "above_years": NUMBER, "source": KEY}),
        "ancestry_effects": map_of(record({"of": map_of(NUMBER), "source": KEY})),
        "device": record({"mg": NUMBER, "most_mg": NUMBER, "gap_min": NUMBER, "source": KEY}),
        "residual_error": {**map_of({"type": ["number", "string"]}), "required": ["kind", "source"]},
        "population": {**map_of({"type": ["number", "boolean", "string"]}), "required": ["n", "source"]},
        "domain": {**record({"age_years": span, "weight_kg": span, "basis": TEXT, "source": KEY, "trust": TEXT}),
                   "required": ["age_years", "weight_kg", "basis"]},
        "known_conflicts": list_of(TEXT),
        "sources": list_of(KEY, least=1),
        "basis": basis(),
    }  # fmt: skip
    optional = ("default_for", "band_with", "children", "disposition", "covariances", "assumed_spread",
                "weight_exponents", "age_effect", "ancestry_effects", "device", "basis")  # fmt: skip
    whole = record(fields, optional=(*optional, *_OF_THE_DISPOSITION))
    return {**whole, "anyOf": [{"required": ["disposition"]}, {"required": list(_OF_THE_DISPOSITION)}]}


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
