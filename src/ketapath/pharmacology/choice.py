"""Which model answers for this product and route in such a person?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ketapath.pharmacology.orders import Order, bad
from ketapath.pharmacology.subjects import Subject

Models = Mapping[str, Mapping[str, Any]]

ADULT_YEARS = 18.0


def has_model(order: Order, subject: Subject, models: Models) -> bool:
    """Whether there is a model for this product and route in such a person."""
    fitting = _fitting(order, models)
    return bool(fitting) and (not is_child(subject) or bool(covering(order, subject, models)))


def model_for(order: Order, subject: Subject, models: Models, wanted: str | None) -> Mapping[str, Any]:
    """The model of this product and route, or the one named. A child gets one only where a model covers the age."""
    products = sorted({m["product"] for m in models.values()})
    if order.product not in products:
        raise bad("--product", order.product, f"one of {', '.join(products)}")
    fitting = _fitting(order, models)
    if not fitting:
        routes = sorted({r for m in models.values() if m["product"] == order.product for r in m["routes"]})
        raise bad("--route", order.route, f"{order.product} has models for {', '.join(routes)}")
    if wanted is not None:
        if wanted not in fitting:
            raise bad("--model", wanted, f"one of {', '.join(sorted(fitting))}")
        return fitting[wanted]
    found = covering(order, subject, models)
    if subject.age_years is not None and subject.age_years < 0.0:
        raise bad("--age", subject.age_years, "0 or more years")
    if is_child(subject) and not found:
        raise bad("--age", subject.age_years, f"{ADULT_YEARS:g} or more: no model of this route covers a child")
    chosen = [m for m in found if order.route in m.get("default_for", ())]
    return (chosen or found)[0]


def covering(order: Order, subject: Subject, models: Models) -> list[Mapping[str, Any]]:
    """The models of this route for such a person: for a child those whose ages hold this one, else those of adults."""
    fitting = _fitting(order, models).values()
    if is_child(subject):
        age = subject.age_years or 0.0
        return [m for m in fitting if m["domain"]["age_years"][0] <= age <= m["domain"]["age_years"][1]]
    return [m for m in fitting if not m.get("children")]


def _fitting(order: Order, models: Models) -> dict[str, Mapping[str, Any]]:
    return {n: m for n, m in models.items() if m["product"] == order.product and order.route in m["routes"]}


def is_child(subject: Subject) -> bool:
    """Whether the person is known to be under 18. Somebody of unknown age is taken for an adult."""
    return subject.age_years is not None and subject.age_years < ADULT_YEARS
