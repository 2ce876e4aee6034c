"""What does a knowledge file look like? The shapes of rules, profile paths and sources, checked as they are read.

Every mistake is a `KnowledgeError` that names the file, the record and the field. Sources: FORMAT.md beside this file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any, cast, get_args

from ketapath.domain.evidence import Evidence, Grade, RuleRef, Trust, Verdict
from ketapath.domain.fact import Fact
from ketapath.errors import KnowledgeError
from ketapath.knowledge.rules import Predicate, Truth, evaluate, nodes, parse_predicate, paths

RULE_FOLDERS = (
    "candidacy",
    "interactions",
    "monitoring",
    "protocols",
    "psychotherapy",
    "biomarkers",
    "governance",
)
"""Where rules lie; a mapping in `protocols` or `biomarkers` is one record of another kind."""
STAGES = frozenset(
    {
        "candidacy",
        "work-up",
        "re-screen",
        "gate",
        "dose",
        "session",
        "discharge",
        "monitoring",
        "response",
        "support",
        "biomarker",
        "governance",
    }
)
OVERRIDES = frozenset({"until-review", "today", "never"})
SEVERITIES = frozenset({"absolute-contraindication", "relative-contraindication", "caution", "info", "requirement"})
SECTIONS = frozenset(
    {
        "candidacy",
        "contraindications",
        "work-up",
        "interactions",
        "monitoring",
        "regimens",
        "psychosocial",
        "biomarkers",
        "governance",
    }
)
READ_FORMS = frozenset(
    {
        "full text",
        "label copy",
        "official page",
        "abstract",
        "excerpt",
        "secondary only",
        "not seen",
        "code transcription",
    }
)
PATH_TYPES = frozenset({"bool", "number", "word", "words"})
BASES = frozenset({"source", "mixed", "site-default"})
"""On what a limit or window rests: on a source, on a source with a figure of ours, or on nobody but us."""
RULE_VERDICTS = frozenset({"not-eligible", "defer", "caution"})
"""What a rule may give where it is true; nothing makes somebody eligible but the absence of all of these."""
UNKNOWN_VERDICTS = frozenset({"undetermined", "caution"})
PRODUCTS = frozenset({"esketamine", "racemic"})
ROUTES = frozenset({"iv", "nasal", "im", "sc", "oral", "oral-prolonged", "sublingual", "buccal"})
DISTRIBUTIONS = ("normal", "lognormal", "half-normal", "logit-normal", "beta")
"""What a parameter of the response model may be before any trial; see response/prior.py."""
JURISDICTIONS = ("US", "EU", "UK", "CA", "CA-BC", "CA-MB", "CA-SK", "AU", "NZ")
"""Where a clinic of ours may be."""
SCOPED_JURISDICTIONS = frozenset({*JURISDICTIONS, "HK"})
"""Whose law or label a rule may speak of; the label of Hong Kong was read beside the European ones."""
FILLED_BY = frozenset(
    {
        "condition",
        "observation",
        "procedure",
        "allergy",
        "family",
        "medicine_class",
        "patient",
        "encounter",
        "coverage",
        "related_person",
        "care_plan",
        "consent",
        "practitioner",
        "question",
        "derived",
    }
)
"""Which part of a record can state a fact."""
FILLED_HOW = frozenset({"active", "active_days"})
"""How a Condition states it: only while it is active, and for how many days after it was."""
SUBJECTS = ("rule", "reason", "target")
"""What a case can be about: a rule, a reason of an alternative (alternative/reason), or a treatment target."""
CASE_FIELDS = ("on", "expect", "facts")
EXPECTED: Mapping[str, Truth] = MappingProxyType({"true": True, "false": False, "unknown": None})
RULE_ID = r"^[A-Z]{2,4}-\d{3}[a-z]?$"
PATH_NAME = r"^[a-z]+\.[a-z0-9_]+$"
SOURCE_KEY = r"^[A-Z0-9_]+$"
RULE_REQUIRED = [
    "id",
    "version",
    "title",
    "section",
    "severity",
    "stage",
    "statement",
    "action",
    "reverses",
    "when",
    "scope",
    "grade",
    "sources",
    "trust",
    "threshold_basis",
    "needs_approval",
    "owner",
    "reviewed_on",
    "review_due",
]
RULE_OPTIONAL = frozenset({"verdict", "unknown", "settled_by", "settled_as", "windows", "override", "note", "history"})
SCOPE_FIELDS = frozenset({"products", "routes", "also", "jurisdictions", "population"})
CITATION_FIELDS = frozenset({"key", "locator"})
SOURCE_REQUIRED = ["key", "citation", "locator", "read", "read_on", "retracted"]
SOURCE_OPTIONAL = frozenset({"note"})
PATH_REQUIRED = ["path", "label", "type", "window_days", "admissible", "supplied_by", "from"]
PATH_OPTIONAL = frozenset({"unit", "limits", "words", "window_basis", "impossible"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A published work or page, and how far it was read."""

    key: str
    citation: str
    locator: str
    read: str
    read_on: date
    retracted: bool
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PathSpec:
    """One profile path: its type, unit, limits, how long a statement of it holds, and what fills it."""

    path: str
    label: str
    type: str
    unit: str | None
    limits: tuple[float, float] | None
    words: tuple[str, ...]
    window_days: int | None
    window_basis: str
    admissible: tuple[bool | float | str, ...]
    supplied_by: str
    comes_from: Mapping[str, Any]
    refuse_impossible: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """For whom and where a rule speaks. None means everywhere; `also` are single ways beside (esketamine/iv)."""

    products: tuple[str, ...] | None
    routes: tuple[str, ...] | None
    jurisdictions: tuple[str, ...] | None
    population: str
    also: tuple[str, ...] = ()

    def covers(self, *, product: str | None, route: str | None, jurisdiction: str) -> bool:
        """Whether the rule speaks about this product and route here; None asks about any of them.

        What holds in a country holds in its provinces (CA in CA-MB), not the other way round.
        """
        is_here = self.jurisdictions is None or bool({jurisdiction, jurisdiction[:2]} & {*self.jurisdictions})
        is_among = (product is None or self.products is None or product in self.products) and (
            route is None or self.routes is None or route in self.routes
        )
        ways = (way.split("/") for way in self.also)
        return is_here and (is_among or any(product in (None, p) and route in (None, r) for p, r in ways))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a version of a rule changed, and when."""

    version: str
    on: date
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One cited, computable rule. `when_true` and `when_unknown` are the verdicts it gives, or None.

    A work-up rule asks for the facts of `settled_by`: it is done while each of them is known within its window, and
    `settled_as`, where it has that, is not false of them.
    `override` says how long two people may treat in spite of a relative contraindication.
    `windows` are days within which this rule relies on a path, where they are shorter than the path's own.
    """

    ref: RuleRef
    section: str
    severity: str
    stage: str
    when: Predicate
    when_true: Verdict | None
    when_unknown: Verdict | None
    settled_by: tuple[str, ...]
    settled_as: Predicate | None
    windows: Mapping[str, float]
    scope: Scope
    evidence: tuple[Evidence, ...]
    trust: Trust
    threshold_basis: str
    note: str
    history: tuple[Step, ...]
    override: str

    @property
    def id(self) -> str:
        """The rule's id, for ever the same."""
        return self.ref.id

    @property
    def has_lost_its_sources(self) -> bool:
        """Whether every source it had is retracted; it then ships as one that needs approval."""
        return all(entry.retracted for entry in self.evidence)

    def limit(self, path: str) -> float:
        """The value that this rule compares the path with; a rule that is asked for it compares it once."""
        (found,) = {n.value for n in nodes(self.when) if n.kind == "compare" and n.path == path}
        assert isinstance(found, float)
        return found

    def within_days(self, path: str) -> float:
        """Within how many days this rule asks for the path; a rule that is asked for it says so once."""
        (found,) = {n.value for n in nodes(self.when) if n.kind == "within" and n.path == path}
        assert isinstance(found, float)
        return found

    def sees(self, known: Mapping[str, Fact], *, as_of: date) -> Mapping[str, Fact]:
        """The known facts without those that are too old for this rule; undated ones are too old for any window."""
        if not self.windows:
            return known
        return {p: f for p, f in known.items() if p not in self.windows or _is_within(f, self.windows[p], as_of)}

    def holds(self, known: Mapping[str, Fact], *, as_of: date) -> Truth:
        """Whether the rule speaks of somebody of whom this is known."""
        return evaluate(self.when, self.sees(known, as_of=as_of), as_of=as_of)


def _is_within(fact: Fact, days: float, as_of: date) -> bool:
    return fact.on is not None and (as_of - fact.on).days <= days


def parse_source(record: Mapping[str, Any], *, where: str) -> Source:
    """A source record, checked."""
    name = _name(record, "source", "key", SOURCE_KEY, where)
    _fields(record, SOURCE_REQUIRED, SOURCE_OPTIONAL, name)
    try:
        source = Source(
            key=str(record["key"]),
            citation=str(record["citation"]),
            locator=str(record["locator"]),
            read=str(record["read"]),
            read_on=date.fromisoformat(record["read_on"]),
            retracted=bool(record["retracted"]),
            note=str(record.get("note") or ""),
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise KnowledgeError(f"{name}: {problem!r}") from problem
    if source.read not in READ_FORMS:
        raise KnowledgeError(f"{name}: read is {source.read!r}, not one of {sorted(READ_FORMS)}")
    return source


def parse_path(record: Mapping[str, Any], *, where: str) -> PathSpec:
    """A profile path record, checked."""
    name = _name(record, "path", "path", PATH_NAME, where)
    _fields(record, PATH_REQUIRED, PATH_OPTIONAL, name)
    try:
        limits = record.get("limits")
        window = record["window_days"]
        spec = PathSpec(
            path=str(record["path"]),
            label=str(record["label"]),
            type=str(record["type"]),
            unit=record.get("unit"),
            limits=(float(limits[0]), float(limits[1])) if limits else None,
            words=tuple(record.get("words", ())),
            window_days=None if window is None else int(window),
            # A window whose basis nobody wrote down is an opinion of ours.
            window_basis=str(record.get("window_basis") or ("site-default" if window else "source")),
            admissible=tuple(record["admissible"]),
            supplied_by=str(record["supplied_by"]),
            comes_from=record["from"],
            refuse_impossible=record.get("impossible") == "refuse",
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise KnowledgeError(f"{name}: {problem!r}") from problem
    for field, word, allowed in (
        ("type", spec.type, PATH_TYPES),
        ("window_basis", spec.window_basis, BASES),
        ("impossible", record.get("impossible", "refuse"), {"refuse"}),
    ):
        if word not in allowed:
            raise KnowledgeError(f"{name}: {field} is {word!r}, not one of {sorted(allowed)}")
    unknown = sorted(set(spec.comes_from) - FILLED_BY - FILLED_HOW)
    if unknown:
        raise KnowledgeError(f"{name}: from names {unknown}, which no part of a record is")
    if spec.type == "number" and (spec.unit is None or spec.limits is None):
        raise KnowledgeError(f"{name}: a number needs a unit and limits")
    return spec


def parse_rule(record: Mapping[str, Any], sources: Mapping[str, Source], *, where: str) -> Rule:
    """A rule record, checked against the schema and resolved against the sources."""
    name = _name(record, "rule", "id", RULE_ID, where)
    _fields(record, RULE_REQUIRED, RULE_OPTIONAL, name)
    _words_of_rule(record, name)
    evidence = _evidence(record, sources, name)
    try:
        reference = RuleRef(
            id=str(record["id"]),
            version=str(record["version"]),
            title=str(record["title"]),
            grade=cast(Grade, record["grade"]),
            # A rule that has lost every source it had is a limit of ours until somebody looks.
            needs_approval=record["needs_approval"] or all(e.retracted for e in evidence),
            owner=str(record["owner"]),
            reviewed_on=date.fromisoformat(record["reviewed_on"]),
            review_due=date.fromisoformat(record["review_due"]),
        )
    except (TypeError, ValueError) as problem:
        raise KnowledgeError(f"{name}: {problem}") from problem
    return Rule(
        ref=reference,
        section=record["section"],
        severity=record["severity"],
        stage=record["stage"],
        when=parse_predicate(record["when"], where=name),
        when_true=cast("Verdict | None", record.get("verdict")),
        when_unknown=cast("Verdict | None", record.get("unknown")),
        settled_by=_settled_by(record, name),
        settled_as=_settled_as(record, name),
        windows=_windows(record, name),
        scope=_scope(record["scope"], name),
        evidence=evidence,
        trust=cast(Trust, record["trust"]),
        threshold_basis=record["threshold_basis"],
        note=str(record.get("note") or ""),
        history=_history(record, name),
        override=_override(record, name),
    )


def _name(record: Any, kind: str, field: str, form: str, where: str) -> str:
    """How a message calls this record, by the field that names it, which has to have this form."""
    if not isinstance(record, Mapping):
        raise KnowledgeError(f"{where}: a {kind} is a mapping of fields, not {record!r}")
    name = f"{where}: {kind} {record.get(field, '?')}"
    if field in record and not re.match(form, str(record[field])):
        raise KnowledgeError(f"{name}: {field} has to look like {form}")
    return name


def _fields(record: Mapping[str, Any], required: Sequence[str], optional: frozenset[str], name: str) -> None:
    missing = [field for field in required if field not in record]
    extra = sorted(set(record) - set(required) - optional)
    if missing or extra:
        raise KnowledgeError(f"{name}: missing fields {missing}, unknown fields {extra}")


def _words_of_rule(record: Mapping[str, Any], name: str) -> None:
    for field, allowed in (
        ("stage", STAGES),
        ("severity", SEVERITIES),
        ("section", SECTIONS),
        ("grade", frozenset(get_args(Grade))),
        ("trust", frozenset(get_args(Trust))),
        ("threshold_basis", BASES),
        ("verdict", RULE_VERDICTS),
        ("unknown", UNKNOWN_VERDICTS),
    ):
        if field in record and record[field] not in sorted(allowed):
            raise KnowledgeError(f"{name}: {field} is {record[field]!r}, not one of {sorted(allowed)}")
    if not isinstance(record["needs_approval"], bool):
        raise KnowledgeError(f"{name}: needs_approval is {record['needs_approval']!r}, not true or false")


def _override(record: Mapping[str, Any], name: str) -> str:
    """How long two people may treat in spite of this relative contraindication."""
    found = str(record.get("override") or "until-review")
    if found not in OVERRIDES or ("override" in record and record["severity"] != "relative-contraindication"):
        raise KnowledgeError(f"{name}: override is for a relative contraindication, one of {sorted(OVERRIDES)}")
    return found


def _history(record: Mapping[str, Any], name: str) -> tuple[Step, ...]:
    """The steps to this version, newest first; a version after the first says what it changed."""
    try:
        steps = tuple(
            Step(version=str(s["version"]), on=date.fromisoformat(s["day"]), what=str(s["what"]))
            for s in record.get("history") or ()
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise KnowledgeError(f"{name}: history: {problem!r}") from problem
    if str(record["version"]) != "1" and str(record["version"]) not in {s.version for s in steps}:
        raise KnowledgeError(f"{name}: history does not say what version {record['version']} changed")
    return tuple(reversed(steps))


def _settled_by(record: Mapping[str, Any], name: str) -> tuple[str, ...]:
    asked = tuple(record.get("settled_by") or ())
    if bool(asked) is not (record["stage"] == "work-up"):
        raise KnowledgeError(
            f"{name}: a rule of stage work-up, and no other, names in settled_by the facts it asks for"
        )
    return asked


def _settled_as(record: Mapping[str, Any], name: str) -> Predicate | None:
    if "settled_as" not in record:
        return None
    wanted = parse_predicate(record["settled_as"], where=name)
    if unasked := set(paths(wanted)) - set(record.get("settled_by") or ()):
        raise KnowledgeError(f"{name}: settled_as reads {sorted(unasked)}, which settled_by does not ask for")
    return wanted


def _windows(record: Mapping[str, Any], name: str) -> Mapping[str, float]:
    try:
        windows = {str(path): float(days) for path, days in (record.get("windows") or {}).items()}
    except (AttributeError, TypeError, ValueError) as problem:
        raise KnowledgeError(f"{name}: windows are paths with days, not {record['windows']!r}") from problem
    unread = (
        set(windows) - set(paths(parse_predicate(record["when"], where=name))) - set(record.get("settled_by") or ())
    )
    if unread:
        raise KnowledgeError(f"{name}: windows name {sorted(unread)}, which the rule does not read")
    return windows


def _scope(record: Mapping[str, Any], name: str) -> Scope:
    _fields(record, (), SCOPE_FIELDS, f"{name}: scope")

    def words(field: str, allowed: frozenset[str]) -> tuple[str, ...] | None:
        value = record.get(field, "all")
        if value == "all":
            return None
        if not isinstance(value, list) or not set(value) <= allowed:
            raise KnowledgeError(f"{name}: scope {field} is {value!r}, not all or a list out of {sorted(allowed)}")
        return tuple(value)

    return Scope(
        products=words("products", PRODUCTS),
        routes=words("routes", ROUTES),
        jurisdictions=words("jurisdictions", SCOPED_JURISDICTIONS),
        population=str(record.get("population", "all")),
        also=_ways(record.get("also", []), name),
    )


def _ways(value: Any, name: str) -> tuple[str, ...]:
    known = {f"{product}/{route}" for product in PRODUCTS for route in ROUTES}
    if not isinstance(value, list) or not set(value) <= known:
        raise KnowledgeError(f"{name}: scope also is {value!r}, not a list of products with a route, as esketamine/iv")
    return tuple(value)


def _evidence(record: Mapping[str, Any], sources: Mapping[str, Source], name: str) -> tuple[Evidence, ...]:
    cited: Sequence[Mapping[str, Any]] = record["sources"]
    if not cited:
        if record["threshold_basis"] != "site-default":
            raise KnowledgeError(f"{name}: no source, so threshold_basis has to be site-default")
        return (SITE_DEFAULT,)
    found = []
    for entry in cited:
        if not isinstance(entry, Mapping):
            raise KnowledgeError(f"{name}: sources are a list of {{key: ..., locator: ...}}, not {entry!r}")
        _fields(entry, ("key",), CITATION_FIELDS, f"{name}: sources")
        source = sources.get(entry["key"])
        if source is None:
            raise KnowledgeError(f"{name}: source {entry['key']!r} is in no file under sources/")
        found.append(published(source, locator=str(entry.get("locator") or source.locator), trust=record["trust"]))
    return tuple(found)


def published(source: Source, *, locator: str | None = None, trust: Trust | None = None) -> Evidence:
    """A source as evidence for one statement, at the place that supports it."""
    unread: Mapping[str, Trust] = {"not seen": "unread", "secondary only": "summary", "code transcription": "summary"}
    return Evidence(
        kind="published",
        key=source.key,
        citation=source.citation,
        locator=locator or source.locator,
        trust=trust or unread.get(source.read, "read"),
        retracted=source.retracted,
    )


SITE_DEFAULT = Evidence(kind="site-default", key=None, citation="No published source", locator="", trust="unread")
