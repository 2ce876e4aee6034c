"""What was asked of the bench? Reads an address into orders, a person and a view, and names every field that is wrong.

The address holds everything, so that a page can be shared; what it leaves out has a start of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from clinic.actions.typed import number
from clinic.queries.bench import ANALYTES, HOURS, Curve, View, Who, known_ways, models_of
from clinic.record.projections import knowledge
from ketapath.errors import BadInput
from ketapath.pharmacology import Order

LETTERS = ("a", "b", "c", "d")
SITES = ("venous", "arterial")
_START_MG = {"racemic/iv": "35", "esketamine/nasal": "56"}
_ELSE_MG, _START_MINUTES, _START_DAYS = "50", "40", "7"
"""Where a slider stands before anybody moves it; no recommendation."""
_MOST_DAYS = 365
_FIELDS = {
    "--dose-mg": "dose", "--infusion-min": "minutes", "--model": "model", "--route": "way", "--product": "way",
    "--weight-kg": "weight", "--age": "age", "--drug": "with", "resting systolic": "systolic",
    "resting diastolic": "diastolic",
}  # fmt: skip
"""What the core calls a field of an order, and what this form does."""
_OF_PERSON = ("weight", "age", "systolic", "diastolic", "hypertension")
_PATHS = {"systolic": "vitals.systolic_mmhg", "diastolic": "vitals.diastolic_mmhg"}


@dataclass(kw_only=True)
class Asked:
    """What an address asks for. `typed` is every field as it stands in the form, `wrong` what is wrong with it.

    `is_other_way` says that a route was changed, so that fields of the form no longer stand as they were sent.
    """

    typed: dict[str, str]
    patient: str
    curves: list[Curve] = field(default_factory=list)
    who: Who = field(default_factory=Who)
    view: View = field(default_factory=View)
    every_days: int = int(_START_DAYS)
    is_other_way: bool = False
    wrong: dict[str, str] = field(default_factory=dict)

    def refuse(self, curve: Curve, problem: BadInput) -> None:
        """Take a curve out that the core would not draw, and say at its field why."""
        name = _FIELDS.get(problem.field, "way")
        own = f"{curve.letter}_{name}"
        known = own if own in self.typed and (name != "weight" or curve.weight_kg is not None) else name
        self.wrong.setdefault(known, sentence(problem.found, problem.limit))
        self.curves = [one for one in self.curves if one.letter != curve.letter]

    @property
    def address(self) -> str:
        """The shortest address that asks for the same; what was emptied beside a record stays empty."""
        emptied = _OF_PERSON if self.patient else ()
        kept = {n: words for n, words in self.typed.items() if (words or n in emptied) and _START.get(n) != words}
        unused = [f"{letter}_" for letter in LETTERS if not self.typed[f"{letter}_way"]]
        unused += [f"{letter}_minutes" for letter in LETTERS if not self.typed[f"{letter}_way"].endswith("/iv")]
        shown = {name: words for name, words in kept.items() if not name.startswith(tuple(unused))}
        return urlencode(({"patient": self.patient} if self.patient else {}) | shown)


_START = {"hours": "4", "site": "venous", "analyte": "parent", "every": _START_DAYS}


def asked(query: Mapping[str, str], recorded: Who | None, patient: str) -> Asked:
    """The orders, the person and the view of an address; whoever is on record fills what the address leaves out."""
    is_other = any(_is_other(query, letter) for letter in LETTERS)
    found = Asked(typed=_typed(query, recorded), patient=patient, is_other_way=is_other)
    found.who = _who(found, recorded)
    found.view = View(
        hours=int(_one_of(found, "hours", tuple(map(str, HOURS)))),
        site=_one_of(found, "site", SITES),
        analyte=_one_of(found, "analyte", ANALYTES),
    )
    days = _number(found, "every", 1.0, float(_MOST_DAYS), whole=True)
    found.every_days = int(_START_DAYS) if days is None else int(days)
    person_is_wrong = any(name in found.wrong for name in _OF_PERSON)
    for letter in LETTERS:
        curve = _curve(found, letter)
        if curve is not None and not person_is_wrong:
            found.curves.append(curve)
    return found


def _typed(query: Mapping[str, str], recorded: Who | None) -> dict[str, str]:
    """Every field of the form with its words: those of the address, of the record, or of a start."""
    typed = {name: query.get(name, start).strip()[:40] for name, start in _START.items()}
    own = _words_of(recorded or Who())
    typed |= {name: query.get(name, own[name]).strip()[:40] for name in _OF_PERSON}
    for letter in LETTERS:
        way = query.get(f"{letter}_way", "").strip()[:40]
        is_other = _is_other(query, letter)
        starts = {
            "dose": _START_MG.get(way, _ELSE_MG),
            "minutes": _START_MINUTES,
            "model": "",
            "weight": "",
            "with": "",
        }
        typed[f"{letter}_way"] = way
        for name, start in starts.items():
            said = query.get(f"{letter}_{name}", start).strip()[:64]
            if name in ("dose", "minutes"):
                said = said.replace(",", ".")  # a field of numbers shows nothing else
            typed[f"{letter}_{name}"] = start if is_other and name in ("dose", "minutes", "model") else said
    return typed


def _is_other(query: Mapping[str, str], letter: str) -> bool:
    """Was the route of this letter changed since its fields were drawn?"""
    return f"{letter}_was" in query and query[f"{letter}_was"] != query.get(f"{letter}_way", "").strip()[:40]


def _words_of(who: Who) -> dict[str, str]:
    pressed = {None: "", True: "yes", False: "no"}[who.hypertension]
    figures = {"weight": who.weight_kg, "age": who.age_years, "systolic": who.systolic, "diastolic": who.diastolic}
    words = {name: "" if value is None else f"{value:g}" for name, value in figures.items()}
    return words | {"hypertension": pressed}


def _who(found: Asked, recorded: Who | None) -> Who:
    limits = {name: knowledge().paths[path].limits or (0.0, math.inf) for name, path in _PATHS.items()}
    pressed = _one_of(found, "hypertension", ("", "yes", "no"))
    return replace(
        recorded or Who(),
        weight_kg=_number(found, "weight", 2.0, 350.0),
        age_years=_number(found, "age", 0.0, 120.0),
        systolic=_number(found, "systolic", *limits["systolic"]),
        diastolic=_number(found, "diastolic", *limits["diastolic"]),
        hypertension={"": None, "yes": True, "no": False}[pressed],
    )


def _curve(found: Asked, letter: str) -> Curve | None:
    """The order of one letter; None where it is not used or something of it is wrong."""
    way = found.typed[f"{letter}_way"]
    if not way:
        return None
    before = len(found.wrong)
    product, _slash, route = way.partition("/")
    if (product, route) not in known_ways():
        found.wrong[f"{letter}_way"] = sentence(way, _("one of the list"))
        return None
    dose = _number(found, f"{letter}_dose", 0.0, 1000.0, needed=True)
    minutes = _number(found, f"{letter}_minutes", 0.0, 1440.0, needed=True) if route == "iv" else None
    weight = _number(found, f"{letter}_weight", 2.0, 350.0)
    names = ("", "all", *(m["id"] for m in models_of(product, route)))
    model = _one_of(found, f"{letter}_model", names)
    if len(found.wrong) > before or dose is None:
        return None
    order = Order(product=product, route=route, dose_mg=dose, infusion_min=minutes)
    return Curve(letter=letter, order=order, model=model, weight_kg=weight, drug=found.typed[f"{letter}_with"])


def _number(
    found: Asked, name: str, low: float, high: float, *, needed: bool = False, whole: bool = False
) -> float | None:
    words = found.typed[name]
    if not words and not needed:
        return None
    value = number(words)
    if not low <= value <= high or (needed and name.endswith("dose") and value == 0.0) or (whole and value % 1):
        found.wrong[name] = sentence(words or _("nothing"), _limit(name, low, high))
        return None
    return value


def _unit(name: str) -> str:
    units = {"dose": "mg", "minutes": _("minutes"), "weight": "kg", "age": _("years"), "every": _("days")}
    return units.get(name, "mmHg")


def _limit(name: str, low: float, high: float) -> str:
    own = name.rpartition("_")[2]
    said = {"low": f"{low:g}", "high": f"{high:g}", "unit": _unit(own)}
    if own == "dose":
        return _("more than 0 and at most %(high)s %(unit)s") % said
    return _("%(low)s to %(high)s %(unit)s") % said


def _one_of(found: Asked, name: str, allowed: tuple[str, ...]) -> str:
    """The word where it is one of these; else the first, with the field named."""
    words = found.typed[name]
    if words in allowed:
        return words
    found.wrong[name] = sentence(words, _("one of the list"))
    return allowed[1] if name == "hours" else allowed[0]


def sentence(given: object, limit: object) -> str:
    """What was found and what it has to be."""
    given = f"{given:g}" if isinstance(given, float) else given
    return _("Found %(given)s; it has to be %(limit)s.") % {"given": given, "limit": limit}
