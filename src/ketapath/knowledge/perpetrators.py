"""Which medicines, herbs and foods change what liver and gut wall do to ketamine? Reads perpetrators/*.yaml.

A record holds two factors: one on the intrinsic clearance of the liver, one on what the gut wall lets through. In a
well-stirred liver the area by mouth goes with gut factor over liver factor. Sources: FORMAT.md beside this file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args

from ketapath.domain.evidence import Evidence
from ketapath.domain.interaction import Does, Factor, FactorTrust, FigureTrust, MeasuredRatio, Perpetrator, Where
from ketapath.errors import KnowledgeError
from ketapath.knowledge.schema import PRODUCTS, ROUTES, Source, published

DOES: tuple[str, ...] = get_args(Does)[:2]
FACTORS = ("intrinsic_clearance", "gut_availability")
REQUIRED = frozenset(
    {"id", "title", "does", "enzymes", "where", "mechanism", "measured", "owner", "reviewed_on", "review_due"}
)
OPTIONAL = frozenset({*FACTORS, "oral_auc_ratio", "like", "medicines", "names", "class", "covers", "note"})
FACTOR_REQUIRED = frozenset({"value", "low", "high", "trust", "derived"})
FACTOR_OPTIONAL = frozenset({"sources"})
FACTOR_TRUST: tuple[str, ...] = get_args(FactorTrust)
MEASURED_REQUIRED = frozenset({"product", "route", "auc_ratio", "trust"})
MEASURED_OPTIONAL = frozenset({"interval", "cmax_ratio", "n", "said", "bounds", "source"})
CASE_FIELDS = frozenset({"perpetrator", "extraction", "gut", "by_mouth", "by_vein"})
_ROUNDED = 0.05
"""How far the typical oral ratio may lie from gut factor over liver factor; both are written with two digits."""


def read(records: Iterable[tuple[str, Any]], sources: Mapping[str, Source]) -> Iterator[tuple[str, Perpetrator]]:
    """Every perpetrator by its id. Raises KnowledgeError, naming file and record, for what breaks the form."""
    listed = [(f"{file}, {r.get('id')}", r) for file, document in records for r in document]
    by_id = {record["id"]: record for _, record in listed if "id" in record}
    for name, record in listed:
        yield str(record.get("id")), _perpetrator(record, by_id, sources, name)


def bounding(perpetrators: Mapping[str, Perpetrator]) -> tuple[tuple[str, MeasuredRatio], ...]:
    """The measured figures that no enzyme inhibitor is taken to exceed, with the perpetrator that each is of."""
    return tuple((p.drug, m) for p in perpetrators.values() for m in p.measured if m.bounds)


def well_stirred(liver: float, gut: float, extraction: float, availability: float) -> tuple[float, float]:
    """Ratio of areas by mouth and by vein of a drug that the liver extracts so far and the gut lets through so far.

    More than everything is never let through.

    >>> by_mouth, by_vein = well_stirred(1 / 2.4, 1.0, 0.63, 0.29)
    >>> round(by_mouth, 2), round(by_vein, 2)
    (2.4, 1.52)
    """
    return min(gut, 1.0 / availability) / liver, (1.0 - extraction) / liver + extraction


def problems(
    perpetrators: Mapping[str, Perpetrator], medicines: Sequence[Mapping[str, Any]], cases: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """What no schema sees: a factor outside its range or against its direction, figures that bound without being read,
    medicines and classes that do not exist, an oral ratio that does not fit the two factors, and cases that fail.
    """
    substances = {m["substance"] for m in medicines}
    classes = {c for m in medicines for c in m["classes"]}
    taken: dict[str, str] = {}
    for one in perpetrators.values():
        name = f"perpetrator {one.id}"
        yield from (f"{name}: {why}" for why in _unsound(one))
        unknown = [m for m in one.medicines if m not in substances]
        unknown += [c for c in (one.medicine_class, *one.covers) if c is not None and c not in classes]
        yield from (f"{name}: codes/medicines.yaml has no {word!r}" for word in unknown)
        for medicine in one.medicines:
            if medicine in taken:
                yield f"{name}: {medicine} stands in {taken[medicine]} as well"
            taken[medicine] = one.id
        if not any(case["perpetrator"] == one.id for case in cases):
            yield f"{name}: no case"
    for case in cases:
        yield from _failing(case, perpetrators)


def _unsound(one: Perpetrator) -> Iterator[str]:
    liver, gut, oral = one.intrinsic_clearance, one.gut_availability, one.together
    for what, factor in (("intrinsic clearance", liver), ("gut availability", gut), ("oral ratio", oral)):
        if factor is not None and not 0.0 < factor.low <= factor.value <= factor.high:
            yield f"{what} {factor.value:g} does not lie in its range {factor.low:g} to {factor.high:g}, above 0"
    slower = gut.value / liver.value >= 1.0
    if one.does in DOES and slower is not (one.does == "inhibits") and gut.value != liver.value:
        yield f"it {one.does}, but its factors say the opposite"
    if oral is not None:
        if not gut.low / liver.high <= oral.low <= oral.high <= gut.high / liver.low:
            yield "the range of its oral ratio cannot come from those of its factors"
        if abs(gut.value / liver.value / oral.value - 1.0) > _ROUNDED:
            yield f"gut over liver factor is {gut.value / liver.value:.3g}, its oral ratio says {oral.value:g}"
    for measured in one.measured:
        if measured.bounds and (measured.trust != "read" or measured.auc_ratio is None or not measured.evidence):
            yield f"a figure {measured.product} {measured.route} bounds that nobody has read"
        if measured.trust == "read" and not measured.evidence:
            yield f"a figure {measured.product} {measured.route} is read from no source"
        low, high = measured.interval or (0.0, float("inf"))
        if measured.auc_ratio is not None and not low <= measured.auc_ratio <= high:
            yield f"{measured.auc_ratio:g} does not lie in its interval {low:g} to {high:g}"


def _failing(case: Mapping[str, Any], perpetrators: Mapping[str, Perpetrator]) -> Iterator[str]:
    name = f"perpetrator {case['perpetrator']}"
    if set(case) != CASE_FIELDS:
        yield f"{name}: a case has the fields {', '.join(sorted(CASE_FIELDS))}"
        return
    one = perpetrators.get(case["perpetrator"])
    if one is None:
        yield f"{name}: has cases but no record"
        return
    liver, gut = one.intrinsic_clearance.value, one.gut_availability.value
    ratios = well_stirred(liver, gut, float(case["extraction"]), float(case["gut"]))
    for way, ratio in zip(("by_mouth", "by_vein"), ratios, strict=True):
        low, high = case[way]
        if not low <= ratio <= high:
            yield f"{name}: {way} comes to {ratio:.3g}, the case expects {low:g} to {high:g}"


def _perpetrator(
    record: Mapping[str, Any], by_id: Mapping[str, Mapping[str, Any]], sources: Mapping[str, Source], name: str
) -> Perpetrator:
    _fields(record, REQUIRED, OPTIONAL, name)
    like = record.get("like")
    figures = record if like is None else by_id.get(like, {})
    if (like is None) is not all(f in record for f in FACTORS) or not all(f in figures for f in FACTORS):
        raise KnowledgeError(f"{name}: it needs both factors, or a record with both that it is like")
    _words(record["does"], DOES, f"{name}: does")
    for place in record["where"]:
        _words(place, get_args(Where), f"{name}: where")
    try:
        oral = figures.get("oral_auc_ratio")
        return Perpetrator(
            id=str(record["id"]),
            drug=str(record["title"]),
            medicines=tuple(record.get("medicines", ())),
            names=tuple(record.get("names", ())),
            medicine_class=record.get("class"),
            covers=tuple(record.get("covers", ())),
            does=record["does"],
            enzymes=tuple(record["enzymes"]),
            where=tuple(record["where"]),
            mechanism=str(record["mechanism"]),
            intrinsic_clearance=_factor(figures["intrinsic_clearance"], sources, name),
            gut_availability=_factor(figures["gut_availability"], sources, name),
            together=None if oral is None else _factor(oral, sources, name),
            measured=tuple(_measured(m, sources, name) for m in record["measured"]),
            note=str(record.get("note", "")),
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise KnowledgeError(f"{name}: {problem!r}") from problem


def _factor(record: Mapping[str, Any], sources: Mapping[str, Source], name: str) -> Factor:
    _fields(record, FACTOR_REQUIRED, FACTOR_OPTIONAL, name)
    _words(record["trust"], FACTOR_TRUST, f"{name}: trust")
    return Factor(
        value=float(record["value"]),
        low=float(record["low"]),
        high=float(record["high"]),
        trust=record["trust"],
        derived=str(record["derived"]),
        evidence=_evidence(record.get("sources", ()), sources, name),
    )


def _measured(record: Mapping[str, Any], sources: Mapping[str, Source], name: str) -> MeasuredRatio:
    _fields(record, MEASURED_REQUIRED, MEASURED_OPTIONAL, name)
    _words(record["product"], PRODUCTS, f"{name}: product")
    _words(record["route"], ROUTES, f"{name}: route")
    _words(record["trust"], get_args(FigureTrust), f"{name}: trust")
    interval = record.get("interval")
    key = record.get("source")
    return MeasuredRatio(
        product=record["product"],
        route=record["route"],
        auc_ratio=_number(record["auc_ratio"]),
        interval=None if interval is None else (float(interval[0]), float(interval[1])),
        cmax_ratio=_number(record.get("cmax_ratio")),
        n=None if record.get("n") is None else int(record["n"]),
        said=str(record.get("said", "")),
        trust=record["trust"],
        bounds=bool(record.get("bounds", False)),
        evidence=_evidence(() if key is None else (key,), sources, name),
    )


def _evidence(keys: Iterable[str], sources: Mapping[str, Source], name: str) -> tuple[Evidence, ...]:
    for key in keys:
        if key not in sources:
            raise KnowledgeError(f"{name}: source {key!r} is in no file under sources/")
    return tuple(published(sources[key]) for key in keys)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _fields(record: Mapping[str, Any], required: frozenset[str], optional: frozenset[str], name: str) -> None:
    if not isinstance(record, Mapping):
        raise KnowledgeError(f"{name}: {record!r} is no record")
    missing, more = required - set(record), set(record) - required - optional
    if missing or more:
        raise KnowledgeError(f"{name}: lacks {sorted(missing)}, has unread {sorted(more)}")


def _words(word: str, allowed: Iterable[str], name: str) -> None:
    if word not in allowed:
        raise KnowledgeError(f"{name} is {word!r}, not one of {', '.join(sorted(allowed))}")
