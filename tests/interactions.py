"""Small drug models of the structures that interactions act on, for the tests. Figures: the evidence pack's models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ketapath.knowledge import load

KNOWLEDGE = load()
SHIPPED = KNOWLEDGE.drugs
_IV = SHIPPED["racemic_iv_venous_composite"]
_NASAL = SHIPPED["perezruixo2021_esketamine_nasal"]


def _entry(value: float, **more: float) -> dict[str, Any]:
    return {"value": value, "unit": "1", "source": "PEREZRUIXO2021", "trust": "assumption", **more}


def depot(name: str, route: str, available: float, first_pass: float, **more: Any) -> dict[str, Any]:
    """Racemic ketamine that is absorbed, this share of what is available through gut wall and liver."""
    parameters = {
        **_IV["parameters"],
        "bioavailability": _entry(available),
        "first_pass_share": _entry(first_pass),
        "absorption_rate": _entry(3.0),
        **more,
    }
    return {**_IV, "id": name, "routes": [route], "structure": "depot", "parameters": parameters}


def s_oral() -> dict[str, Any]:
    """Esketamine solution by mouth: the liver of the nasal model behind a gut wall that lets 29 % through, F 0.08."""
    kept = {n: e for n, e in _NASAL["parameters"].items() if not n.startswith(("nasal_", "swallowed_"))}
    parameters = {**kept, "gut_availability": _entry(0.29), "absorption_rate": _entry(0.97)}
    model = {k: v for k, v in _NASAL.items() if k != "device"}
    return {**model, "id": "s_oral", "routes": ["oral"], "structure": "oral-hepatic", "parameters": parameters}


def too_fast() -> dict[str, Any]:
    """A model by vein whose clearance is the flow of the liver."""
    parameters = {**_IV["parameters"], "clearance": {**_IV["parameters"]["clearance"], "value": 151.0}}
    return {**_IV, "id": "too_fast", "parameters": parameters}


MODELS: Mapping[str, Mapping[str, Any]] = {
    **SHIPPED,
    "oral": depot("oral", "oral", 0.20, 1.0),
    "im": depot("im", "im", 0.93, 0.0),
    "sublingual": depot("sublingual", "sublingual", 0.29, 0.3),
    "racemic_nasal": depot("racemic_nasal", "nasal", 0.30, 0.4),
    "s_oral": s_oral(),
}
