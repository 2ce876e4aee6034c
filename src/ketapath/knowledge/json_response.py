"""What may stand in response.yaml: parameters, scales, what was studied, and the file of draws."""

from __future__ import annotations

from ketapath.knowledge import json_drugs
from ketapath.knowledge import schema as words
from ketapath.knowledge.json_parts import KEY, NUMBER, TEXT, Schema, basis, list_of, map_of, one_of, or_null, record

CONDITIONS = ("MDD", "bipolar-depression")
"""The conditions whose outcome rows the response model is fitted to."""


def response() -> Schema:
    """Each parameter of the response model with its unit, source and trust; a figure of ours has no source."""
    parameter: Schema = {
        "type": "object",
        "required": ["source", "trust"],
        "properties": {"source": or_null(KEY), "trust": one_of(json_drugs.MODEL_TRUST), "unit": TEXT, "note": TEXT},
        "additionalProperties": {"anyOf": [NUMBER, list_of(NUMBER)]},
    }
    marks = {"source": or_null(KEY), "trust": one_of(json_drugs.MODEL_TRUST), "note": TEXT}
    prior = {
        "distribution": one_of(words.DISTRIBUTIONS),
        **dict.fromkeys(("middle", "spread", "first", "second"), NUMBER),
        "unit": TEXT,
        **marks,
    }
    modelled = {
        "steeper": or_null(TEXT),
        "error": or_null(TEXT),
        **dict.fromkeys(("baseline", "baseline_sd"), NUMBER),
        "unit": TEXT,
        **marks,
    }
    scale = {
        **dict.fromkeys(("top", "remission", "baseline", "baseline_sd"), NUMBER),
        "error": TEXT,
        "steeper": or_null(TEXT),
        **marks,
    }
    studied = {
        "product": one_of(words.PRODUCTS),
        "route": one_of(words.ROUTES),
        "conditions": list_of(one_of(CONDITIONS), least=1),
        "low": NUMBER,
        "high": NUMBER,
        "unit": one_of(("mg", "mg/kg")),
        **marks,
    }
    fields: dict[str, Schema] = {
        "scales": map_of(record(modelled, optional=("note",))),
        "priors": map_of(record(prior, optional=("middle", "spread", "first", "second", "note"))),
        "trial_scales": map_of(record(scale, optional=("note",))),
        "studied": list_of(record(studied, optional=("note",)), least=1),
        "population": record({"file": TEXT, "digest": TEXT, **marks}, optional=("note",)),
        "basis": basis(),
        "review_day": NUMBER,
        "baseline_days": NUMBER,
        "weight_days": NUMBER,
    }
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": parameter}
