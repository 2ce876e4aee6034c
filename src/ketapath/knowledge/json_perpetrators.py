"""The schema of perpetrators and of the cases beside them, as perpetrators.py reads them."""

from __future__ import annotations

from typing import get_args

from ketapath.domain.interaction import FigureTrust, Where
from ketapath.knowledge import perpetrators as read
from ketapath.knowledge.json_parts import (
    BOOL,
    COUNT,
    INTERVAL,
    KEY,
    NUMBER,
    TEXT,
    Schema,
    list_of,
    one_of,
    or_null,
    record_as_read,
    reviewed,
    with_cases,
)
from ketapath.knowledge.schema import PRODUCTS, ROUTES


def perpetrators() -> Schema:
    """A list of perpetrators, or of their cases."""
    return with_cases(_perpetrator(), "perpetrator", _case())


def _perpetrator() -> Schema:
    found: dict[str, Schema] = {
        "id": {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "description": "Generic name, hyphens."},
        "title": TEXT,
        "medicines": list_of(TEXT),
        "names": list_of(TEXT),
        "class": {**TEXT, "description": "Of codes/medicines.yaml, where the record stands for a class."},
        "covers": {**list_of(TEXT), "description": "Classes that its measured medicine stands for as well."},
        "does": one_of(read.DOES),
        "enzymes": list_of(TEXT, least=1),
        "where": list_of(one_of(get_args(Where)), least=1),
        "mechanism": {**TEXT, "description": "One sentence for people."},
        "intrinsic_clearance": _factor("On the intrinsic clearance of the liver."),
        "gut_availability": _factor("On what the gut wall lets through."),
        "oral_auc_ratio": _factor("Gut over liver factor, where it is known better than its parts."),
        "like": {**TEXT, "description": "The id of the record whose factors it takes."},
        "measured": list_of(_measured()),
        "note": TEXT,
        **reviewed(),
    }
    return record_as_read(found, read.REQUIRED, read.OPTIONAL)


def _factor(description: str) -> Schema:
    found: dict[str, Schema] = {
        **dict.fromkeys(("value", "low", "high"), NUMBER),
        "trust": one_of(read.FACTOR_TRUST),
        "sources": list_of(KEY, least=1),
        "derived": {**TEXT, "description": "From which measured figure, and whose range it is."},
    }
    return {**record_as_read(found, read.FACTOR_REQUIRED, read.FACTOR_OPTIONAL), "description": description}


def _measured() -> Schema:
    found: dict[str, Schema] = {
        "product": one_of(PRODUCTS),
        "route": one_of(ROUTES),
        "auc_ratio": {**or_null(NUMBER), "description": "With over without; null where only a direction was read."},
        "interval": INTERVAL,
        "cmax_ratio": NUMBER,
        "n": COUNT,
        "said": TEXT,
        "bounds": {**BOOL, "description": "No enzyme inhibitor is taken to do more with this product by this route."},
        "source": KEY,
        "trust": one_of(get_args(FigureTrust)),
    }
    return record_as_read(found, read.MEASURED_REQUIRED, read.MEASURED_OPTIONAL)


def _case() -> Schema:
    found: dict[str, Schema] = {
        "perpetrator": TEXT,
        "extraction": {**NUMBER, "description": "The share that the liver takes out of the blood."},
        "gut": {**NUMBER, "description": "The share that the gut wall lets through without it."},
        "by_mouth": INTERVAL,
        "by_vein": INTERVAL,
    }
    return record_as_read(found, read.CASE_FIELDS)
