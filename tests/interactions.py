"""The drug models that the tests of interactions go through, and one that the liver alone cannot do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ketapath.knowledge import load
from ketapath.pharmacology.metabolism import can_interact

KNOWLEDGE = load()
MODELS: Mapping[str, Mapping[str, Any]] = {n: m for n, m in KNOWLEDGE.drugs.items() if can_interact(m)}
_IV = MODELS["racemic_iv_venous_composite"]


def too_fast() -> dict[str, Any]:
    """A model by vein whose clearance is the flow of the liver."""
    parameters = {**_IV["parameters"], "clearance": {**_IV["parameters"]["clearance"], "value": 151.0}}
    return {**_IV, "id": "too_fast", "parameters": parameters}
