"""In what unit is this number? Conversion at the boundary, once; what cannot be converted is refused.

Canonical units are those of knowledge/profile/. Factors are exact by definition (pound, inch, pascal) or follow
from the molar masses in the evidence pack; a unit that is not listed here is not guessed.
"""

from __future__ import annotations

from types import MappingProxyType

KETAMINE_BASE_G_PER_MOL = 237.73  # source: pk_models.yaml, meta.mw.ketamine
CREATININE_UMOL_PER_L_IN_MG_PER_DL = 88.4  # source: creatinine weighs 113.12 g/mol; no other path is in mg/dL
HYDROCHLORIDE_G_PER_MOL = 36.46  # source: pharmacology.md section 8, from 28 mg base = 32.3 mg salt

_FACTOR_TO_CANONICAL = MappingProxyType(
    {
        "kg": {"kg": 1.0, "g": 1e-3, "[lb_av]": 0.45359237, "lb": 0.45359237, "lbs": 0.45359237, "lb_av": 0.45359237},
        "cm": {"cm": 1.0, "m": 100.0, "mm": 0.1, "[in_i]": 2.54, "in": 2.54, "[ft_i]": 30.48},
        "mm[Hg]": {"mm[Hg]": 1.0, "mmHg": 1.0, "mm Hg": 1.0, "kPa": 7.50061683},
        "/min": {"/min": 1.0, "{beats}/min": 1.0, "beats/min": 1.0, "bpm": 1.0, "{Beats}/min": 1.0},
        "%": {"%": 1.0},
        "kg/m2": {"kg/m2": 1.0, "kg/m^2": 1.0},
        "mIU/L": {"mIU/L": 1.0, "m[IU]/L": 1.0, "u[IU]/mL": 1.0, "uIU/mL": 1.0, "mU/L": 1.0},
        "mg": {"mg": 1.0, "g": 1000.0, "ug": 1e-3, "mcg": 1e-3},
        "mg/d": {"mg/d": 1.0, "mg/day": 1.0},
        "mg/wk": {"mg/wk": 1.0, "mg/week": 1.0},
        "mg/kg": {"mg/kg": 1.0},
        "mg/dL": {"mg/dL": 1.0, "umol/L": 1 / CREATININE_UMOL_PER_L_IN_MG_PER_DL},
        "min": {"min": 1.0, "h": 60.0, "hr": 60.0, "s": 1 / 60},
        "d": {"d": 1.0, "day": 1.0, "days": 1.0, "wk": 7.0, "h": 1 / 24},
        "h": {"h": 1.0, "hr": 1.0, "min": 1 / 60, "d": 24.0},
        "wk": {"wk": 1.0, "week": 1.0, "weeks": 1.0, "d": 1 / 7, "day": 1 / 7, "days": 1 / 7},
        "mo": {"mo": 1.0, "month": 1.0, "months": 1.0},
        "ng/mL": {"ng/mL": 1.0, "ug/L": 1.0, "pg/mL": 1e-3},
        "mg/L": {"mg/L": 1.0, "mg/dL": 10.0},
        "a": {"a": 1.0},
        "{score}": {"{score}": 1.0, "1": 1.0, "score": 1.0, "{points}": 1.0, "points": 1.0},
        "1": {"1": 1.0, "{count}": 1.0, "{score}": 1.0},
    }
)
_SHOWN = MappingProxyType(
    {
        "mm[Hg]": "mmHg", "/min": "per min", "a": "years", "mo": "months", "wk": "weeks", "d": "days", "h": "hours",
        "1": "", "{score}": "",
    }
)  # fmt: skip
OF_MODELS = frozenset({"L", "L/kg", "L/h", "L/min", "1/h", "1/min", "1/d"})
"""Units of the parameters of a model. No record states one, so nothing converts them."""
_MAY_OMIT_UNIT = frozenset({"{score}", "1", "a"})


class UnknownUnit(ValueError):
    """The unit is not one that is known for this quantity."""


def convert(value: float, unit: str | None, canonical: str) -> float:
    """The value in the canonical unit.

    Raises UnknownUnit where the unit is missing on a quantity that has one, or is not known for it.

    >>> round(convert(165.3, "[lb_av]", "kg"), 1)
    75.0
    """
    if unit is None or unit == "":
        if canonical in _MAY_OMIT_UNIT:
            return value
        raise UnknownUnit("no unit is given")
    factor = _FACTOR_TO_CANONICAL.get(canonical, {}).get(unit)
    if factor is None:
        raise UnknownUnit(f"unit {unit!r} is not known for a quantity in {canonical}")
    return value * factor


def is_known(unit: str) -> bool:
    """Whether a knowledge file may give a figure in this unit: one that records are converted to, or a model's.

    >>> is_known("mm[Hg]"), is_known("L/h"), is_known("furlong")
    (True, True, False)
    """
    return unit in _FACTOR_TO_CANONICAL or unit in OF_MODELS


def base_from_hydrochloride(salt_mg: float) -> float:
    """Milligrams of ketamine (or esketamine) base in so many milligrams of its hydrochloride.

    >>> round(base_from_hydrochloride(32.3), 1)
    28.0
    """
    return salt_mg * KETAMINE_BASE_G_PER_MOL / (KETAMINE_BASE_G_PER_MOL + HYDROCHLORIDE_G_PER_MOL)


def shown(unit: str | None) -> str:
    """A canonical unit as people write it; nothing for plain counts.

    >>> shown("mm[Hg]"), shown("kg"), shown("{score}")
    ('mmHg', 'kg', '')
    """
    return "" if unit is None else _SHOWN.get(unit, unit)
