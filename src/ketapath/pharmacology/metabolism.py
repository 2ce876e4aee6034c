"""What would a slower or faster liver do to a level? A drug model with another intrinsic clearance of the liver.

Well-stirred liver: E = CLint / (Q + CLint), CL = Q E. The blood flow of the liver stands between enzymes and clearance:
enzymes half as fast do not halve the clearance of a drug that the liver takes out well. The gut wall stays as it is.
Sources: PEREZRUIXO2021 (flow and liver of the nasal model).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ketapath.errors import BadInput

LIVER_FLOW_L_PER_H = 151.0  # source: PEREZRUIXO2021, liver flow at 70 kg


def with_intrinsic_clearance(models: Mapping[str, Mapping[str, Any]], ratio: float) -> dict[str, Mapping[str, Any]]:
    """The models of a person whose liver breaks the drug down `ratio` times as fast; 1 gives them back as they are.

    Raises BadInput for a ratio that is not positive, and for a model whose clearance reaches the flow of the liver.
    """
    if not 0.0 < ratio < float("inf"):
        raise BadInput(
            field="intrinsic clearance", found=ratio, limit="a ratio above 0", next_step="Give the ratio of two people."
        )
    return {name: {**model, "parameters": _scaled(model, ratio)} for name, model in models.items() if _has_liver(model)}


def _has_liver(model: Mapping[str, Any]) -> bool:
    """Whether the model states what its liver does; one that does not is left out, and asking for it names it."""
    return model["structure"] == "nasal-hepatic" or "clearance" in model["parameters"]


def _scaled(model: Mapping[str, Any], ratio: float) -> dict[str, Mapping[str, Any]]:
    parameters = dict(model["parameters"])
    if model["structure"] == "nasal-hepatic":
        # This model has a liver of its own: both ways out of it are enzymes.
        for name in ("liver_metabolite_rate", "liver_other_rate"):
            parameters[name] = _times(parameters[name], ratio)
        return parameters
    s_clearance = float(parameters["clearance"]["value"])
    s_share = _clearance(s_clearance, ratio, model) / s_clearance
    parameters["clearance"] = _times(parameters["clearance"], s_share)
    if "r_over_s_clearance" in parameters:
        r_clearance = s_clearance * float(parameters["r_over_s_clearance"]["value"])
        r_share = _clearance(r_clearance, ratio, model) / r_clearance
        parameters["r_over_s_clearance"] = _times(parameters["r_over_s_clearance"], r_share / s_share)
    return parameters


def _clearance(clearance: float, ratio: float, model: Mapping[str, Any]) -> float:
    """The clearance that is left when the enzymes work `ratio` times as fast; litres an hour at 70 kg."""
    if clearance >= LIVER_FLOW_L_PER_H:
        raise BadInput(
            field=f"clearance of {model['id']}",
            found=clearance,
            limit=f"below the flow of the liver, {LIVER_FLOW_L_PER_H:g} L/h",
            next_step="Use a model whose clearance the liver alone can do.",
        )
    enzymes = ratio * LIVER_FLOW_L_PER_H * clearance / (LIVER_FLOW_L_PER_H - clearance)
    return LIVER_FLOW_L_PER_H * enzymes / (LIVER_FLOW_L_PER_H + enzymes)


def _times(entry: Mapping[str, Any], factor: float) -> dict[str, Any]:
    """A parameter with its value and its range times a factor; the spread between people stays the same share."""
    return {**entry, **{end: float(entry[end]) * factor for end in ("value", "low", "high") if end in entry}}
