"""What may stand in a knowledge file, as JSON Schema, for editors that complete and mark while one types.

Made from the constants that the reading code checks against, so that there is one list of words. A kind without
reading code of its own (a harm, a drug model) has its shape here only. Draft 7, which the YAML editors know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, get_args

from ketapath.domain.evidence import Grade, Trust
from ketapath.domain.screening import IntervalBasis, Purpose
from ketapath.knowledge import schema as words
from ketapath.knowledge.rules import FORMS, NAMED, OPERATORS
from ketapath.knowledge.screens import CONDITION_FIELDS, NOT_IN_EVIDENCE, PRETEST_FIELDS, SCREEN_FIELDS
from ketapath.knowledge.sourcing import OURS

Schema = dict[str, Any]

STATUS_WORDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "product": words.PRODUCTS,
        "form": frozenset({"licensed", "compounded"}),
        "indication": frozenset(
            {
                "MDD-resistant",
                "MDD-acute-suicidality",
                "bipolar-depression",
                "PTSD",
                "GAD",
                "SAD",
                "OCD",
                "AUD",
                "CRPS",
                "chronic-pain",
                "adolescent-depression",
                "anaesthesia",
            }
        ),
        "jurisdiction": frozenset({"US", "EU", "UK", "CA", "AU"}),
        "status": frozenset({"approved", "off-label", "compounded", "investigational"}),
        "trust": frozenset(get_args(Trust)),
    }
)
_MODEL_TRUST = ("read", "transcribed", "summary", "assumption")
_SYSTEMS = ("atc", "icd10", "local", "loinc", "rxnorm", "snomed", "unii")

_TEXT: Schema = {"type": "string", "minLength": 1}
_NUMBER: Schema = {"type": "number"}
_BOOL: Schema = {"type": "boolean"}
_DAY: Schema = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$", "description": "A day such as 2026-11-24."}
_PATH: Schema = {"type": "string", "pattern": words.PATH_NAME, "description": "A path of profile/."}
_KEY: Schema = {"type": "string", "pattern": words.SOURCE_KEY, "description": "The key of a source in sources/."}
_RULE_ID: Schema = {"type": "string", "pattern": words.RULE_ID, "description": "The id of a rule."}
_ANY: Schema = {}


def schema(kind: str) -> Schema:
    """The schema of a file of this kind; KINDS names them, with the files that each is for."""
    found = _BUILD[kind]()
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": f"ketapath knowledge: {kind}", **found}


def _record(properties: Mapping[str, Schema], *, optional: Iterable[str] = ()) -> Schema:
    left_out = set(optional)
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in left_out],
        "additionalProperties": False,
    }


def _list(items: Schema, *, least: int = 0) -> Schema:
    return {"type": "array", "items": items, **({"minItems": least} if least else {})}


def _one_of(allowed: Iterable[str | bool | None], description: str = "") -> Schema:
    found: Schema = {"enum": sorted(allowed, key=str)}
    return {**found, "description": description} if description else found


def _or_null(one: Schema) -> Schema:
    return {"anyOf": [one, {"type": "null"}]}


def _map(values: Schema, keys: Schema | None = None) -> Schema:
    found: Schema = {"type": "object", "additionalProperties": values}
    return found if keys is None else {**found, "propertyNames": keys}


def _citations(least: int = 0) -> Schema:
    return _list(_record({"key": _KEY, "locator": _TEXT}, optional=words.CITATION_FIELDS - {"key"}), least=least)


def _predicate() -> Schema:
    """`when` and everything like it: one alternative for each set of fields that makes a predicate."""
    again: Schema = {"$ref": "#/definitions/predicate"}
    value: Schema = {"type": ["boolean", "number", "string"]}
    fields: Mapping[str, Schema] = {
        "all": _list(again, least=1),
        "any": _list(again, least=1),
        "not": again,
        "always": {"const": True},
        "predicate": _one_of(NAMED),
        "path": _PATH,
        "is": value,
        "in": _list(value, least=1),
        "within_days": {"type": "number", "minimum": 0},
        "op": _one_of(OPERATORS),
        "value": _NUMBER,
    }
    forms = [_record({name: fields[name] for name in fields if name in form}) for form in FORMS]
    return {"anyOf": forms, "description": "When it speaks: true, false, or unknown while a fact is missing."}


def _with_predicate(found: Schema) -> Schema:
    return {**found, "definitions": {**found.get("definitions", {}), "predicate": _predicate()}}


_WHEN: Schema = {"$ref": "#/definitions/predicate"}


def _reviewed() -> dict[str, Schema]:
    return {"owner": _TEXT, "reviewed_on": _DAY, "review_due": _DAY}


def _rule() -> Schema:
    scoped = _record(
        {
            "products": _all_or(words.PRODUCTS),
            "routes": _all_or(words.ROUTES),
            "jurisdictions": _all_or(words.SCOPED_JURISDICTIONS),
            "population": _TEXT,
        },
        optional=words.SCOPE_FIELDS,
    )
    fields: dict[str, Schema] = {
        "id": {**_RULE_ID, "description": "The same id for ever."},
        "version": {"type": "string", "description": "In quotes; one more with every change of what the rule says."},
        "title": {**_TEXT, "description": "A few words, sentence case."},
        "section": _one_of(words.SECTIONS),
        "severity": _one_of(words.SEVERITIES),
        "stage": _one_of(words.STAGES, "When it is asked; FORMAT.md says what each stage is."),
        "statement": {**_TEXT, "description": "What is the case, in our own words."},
        "action": {**_TEXT, "description": "What a clinician may do; support, no order."},
        "reverses": {**_TEXT, "description": "What would turn it around."},
        "when": _WHEN,
        "settled_by": {**_list(_PATH, least=1), "description": "Stage work-up only: the facts it asks for."},
        "windows": {**_map(_NUMBER, _PATH), "description": "Days within which this rule relies on a path."},
        "verdict": _one_of(words.RULE_VERDICTS, "What it gives where it is true; left out for info and tasks."),
        "unknown": _one_of(words.UNKNOWN_VERDICTS, "What it gives where nobody knows; left out where neither."),
        "scope": scoped,
        "grade": _one_of(get_args(Grade)),
        "sources": {**_citations(), "description": "[] only with threshold_basis site-default."},
        "trust": _one_of(get_args(Trust), "How far the source was read."),
        "threshold_basis": _one_of(words.BASES),
        "needs_approval": {**_BOOL, "description": "True: the medical lead has to approve it first."},
        "override": _one_of(
            words.OVERRIDES, "Relative contraindications: how long two people may treat in spite of it."
        ),
        "note": _TEXT,
        "history": {
            **_list(_record({"version": {"type": "string"}, "day": _DAY, "what": _TEXT}), least=1),
            "description": "From version 2 on: what each version changed.",
        },
        **_reviewed(),
    }
    work_up: Schema = {"properties": {"stage": {"const": "work-up"}}}
    return {
        **_record(fields, optional=words.RULE_OPTIONAL),
        "if": work_up,
        "then": {"required": ["settled_by"]},
        "else": {"not": {"required": ["settled_by"]}},
    }


def _all_or(allowed: Iterable[str]) -> Schema:
    return {"anyOf": [{"const": "all"}, _list(_one_of(allowed), least=1)]}


def _case() -> Schema:
    value: Schema = {"type": ["boolean", "number", "string", "array"], "items": {"type": "string"}}
    dated = _record({"value": value, "on": _or_null(_DAY)}, optional=["on"])
    fields: dict[str, Schema] = {
        "rule": _RULE_ID,
        "on": {**_DAY, "description": "The day of the case; on stands in quotes."},
        "expect": _one_of([True, False, "true", "false", "unknown"]),
        "facts": {**_map({"anyOf": [value, dated]}, _PATH), "description": "Paths with values; the rest is unknown."},
    }
    return _record(fields)


def _rules_or_cases() -> Schema:
    """Rules and their cases lie in one folder; a case is what names a rule."""
    either: Schema = {
        "if": {"required": ["rule"]},
        "then": {"$ref": "#/definitions/case"},
        "else": {"$ref": "#/definitions/rule"},
    }
    return _with_predicate({**_list(either), "definitions": {"rule": _rule(), "case": _case()}})


def _path() -> Schema:
    value: Schema = {"type": ["boolean", "number", "string"]}
    concepts = ("condition", "observation", "procedure", "allergy", "family")
    fills: dict[str, Schema] = dict.fromkeys(words.FILLED_BY, _TEXT)
    fills |= {name: _list(_TEXT, least=1) for name in concepts}
    fills |= {"question": {"const": True}, "related_person": {"const": True}}
    fills |= {"active": _BOOL, "active_days": {"type": "integer", "minimum": 0}}
    assert set(fills) == words.FILLED_BY | words.FILLED_HOW
    fields: dict[str, Schema] = {
        "path": _PATH,
        "label": {**_TEXT, "description": "What a clinician calls it."},
        "type": _one_of(words.PATH_TYPES),
        "unit": _TEXT,
        "limits": {**_list(_NUMBER), "minItems": 2, "maxItems": 2, "description": "Lowest and highest possible value."},
        "words": _list(_TEXT, least=1),
        "window_days": {**_or_null({"type": "integer", "minimum": 0}), "description": "How long a statement holds."},
        "window_basis": _one_of(words.BASES),
        "admissible": {**_list(value), "description": 'The values that "what would it change" tries.'},
        "supplied_by": {**_TEXT, "description": "Who can supply it."},
        "from": {**_record(dict(sorted(fills.items())), optional=fills), "minProperties": 1},
        "impossible": {"const": "refuse"},
    }
    number: Schema = {"properties": {"type": {"const": "number"}}}
    found = {**_record(fields, optional=words.PATH_OPTIONAL), "if": number, "then": {"required": ["unit", "limits"]}}
    return _list(found)


def _source() -> Schema:
    fields: dict[str, Schema] = {
        "key": _KEY,
        "citation": _TEXT,
        "locator": {**_TEXT, "description": "Where it was read: a doi, an address, a page."},
        "read": _one_of(words.READ_FORMS),
        "read_on": _DAY,
        "retracted": _BOOL,
        "note": _TEXT,
    }
    return _list(_record(fields, optional=words.SOURCE_OPTIONAL))


def _basis() -> Schema:
    """Field by field: a source key, a rule id, or a mark that the figure is ours."""
    return _map({"anyOf": [_one_of(OURS), _RULE_ID, _KEY]})


def _protocol() -> Schema:
    days = _list({"type": "integer", "minimum": 0}, least=1)
    fields: dict[str, Schema] = {
        "id": _TEXT,
        "product": _one_of(words.PRODUCTS),
        "route": _one_of(words.ROUTES),
        "dose_mg_base": {"const": True},
        **dict.fromkeys(("first_dose_mg", "lower_first_dose_mg", "device_mg", "device_gap_min"), _NUMBER),
        **dict.fromkeys(("dose_mg_per_kg", "lower_dose_mg_per_kg", "infusion_min", "cap_mg"), _NUMBER),
        "round_to_mg": _NUMBER,
        "allowed_mg": _list(_NUMBER, least=1),
        **dict.fromkeys(("lower_rule", "cap_rule", "ceiling_rule"), _RULE_ID),
        "session_min": _NUMBER,
        "induction": _record({"sessions": _NUMBER, "days": days}),
        "continuation": _record({"sessions": _NUMBER, "every_days": _NUMBER}),
        "maintenance_every_days": days,
        "observation_min": _NUMBER,
        "review_after_session": _NUMBER,
        "predicted_for": _list(_PATH),
        "rules": _list(_RULE_ID, least=1),
        "sources": _list(_KEY, least=1),
        "basis": _basis(),
        "spacing_note": _TEXT,
    }
    by_product = [n for n in fields if n.endswith(("_mg", "_rule", "_mg_per_kg", "_gap_min")) or n == "infusion_min"]
    return _record(fields, optional=[*by_product, "spacing_note"])


def _rules_or_protocol() -> Schema:
    rules = _rules_or_cases()
    return {"definitions": rules.pop("definitions"), "if": {"type": "array"}, "then": rules, "else": _protocol()}


def _rules_or_card() -> Schema:
    rules = _rules_or_cases()
    return {"definitions": rules.pop("definitions"), "if": {"type": "array"}, "then": rules, "else": _other()}


def _drug() -> Schema:
    figure = _record(
        {
            "value": _NUMBER,
            "unit": _TEXT,
            "source": _KEY,
            "trust": _one_of(_MODEL_TRUST),
            **dict.fromkeys(("bsv_variance", "bsv_cv_percent", "bsv_logit_sd", "rse_percent", "low", "high"), _NUMBER),
        },
        optional=("bsv_variance", "bsv_cv_percent", "bsv_logit_sd", "rse_percent", "low", "high"),
    )
    span = {**_list(_NUMBER), "minItems": 2, "maxItems": 2}
    fields: dict[str, Schema] = {
        "id": _TEXT,
        "title": _TEXT,
        "product": _one_of(words.PRODUCTS),
        "routes": _list(_one_of(words.ROUTES), least=1),
        "analytes": _list(_TEXT, least=1),
        "site": _one_of(("venous", "arterial")),
        "structure": _one_of(("mammillary", "nasal-hepatic")),
        "trust": _one_of(_MODEL_TRUST),
        "parameters": _map(figure),
        "covariances": _list(_record({"of": _list(_TEXT, least=2), "value": _NUMBER, "source": _KEY})),
        "weight_exponents": _map(_NUMBER),
        "age_effect": _record({"parameter": _TEXT, "per_year": _NUMBER, "above_years": _NUMBER, "source": _KEY}),
        "device": _record({"mg": _NUMBER, "most_mg": _NUMBER, "gap_min": _NUMBER, "source": _KEY}),
        "residual_error": {**_map({"type": ["number", "string"]}), "required": ["kind", "source"]},
        "population": {**_map({"type": ["number", "boolean", "string"]}), "required": ["n", "source"]},
        "domain": {**_record({"age_years": span, "weight_kg": span, "basis": _TEXT, "source": _KEY, "trust": _TEXT}),
                   "required": ["age_years", "weight_kg", "basis"]},
        "known_conflicts": _list(_TEXT),
        "sources": _list(_KEY, least=1),
        "basis": _basis(),
    }  # fmt: skip
    return _record(fields, optional=("covariances", "weight_exponents", "age_effect", "device", "basis"))


def _instrument() -> Schema:
    tongues = _map(_TEXT)
    points = {**_map({"type": ["number", "string"]}), "required": ["source"]}
    fields: dict[str, Schema] = {
        **dict.fromkeys(("id", "title", "full_title", "owner"), _TEXT),
        "licence": _map({"anyOf": [_TEXT, _list(_TEXT)]}),
        **dict.fromkeys(("ship_text", "timeframe"), _TEXT),
        "stem": tongues,
        "languages": _list(_TEXT, least=1),
        "items": _list(_record({"id": _TEXT, "loinc": _TEXT, "text": tongues}), least=1),
        "options": _list(_record({"score": _NUMBER, "loinc_answer": _TEXT, "text": tongues}), least=2),
        "scoring": _record({"min": _NUMBER, "max": _NUMBER, "higher_is": _one_of(("worse", "better"))}),
        "missing_rule": _record({"rule": _TEXT, "basis": _one_of(words.BASES), "note": _TEXT}),
        "bands": _list(_record({"min": _NUMBER, "max": _NUMBER, "label": _TEXT}), least=1),
        **dict.fromkeys(("response", "remission", "reliable_change", "standard_error"), points),
        "loinc": _record({"panel": _TEXT, "total": _TEXT}),
        "alerts": _list(_record({"item": _NUMBER, "from": _NUMBER, "text": _TEXT})),
        "references": _list(_TEXT),
        "unverified": _list(_TEXT),
        "basis": _basis(),
    }
    return _record(fields, optional=("standard_error",))


def _harm() -> Schema:
    fields: dict[str, Schema] = {
        "id": _TEXT,
        "product": _one_of(words.PRODUCTS),
        "low": _NUMBER,
        "high": _NUMBER,
        "sources": _list(_KEY, least=1),
        "statement": {**_TEXT, "description": "{low} and {high} stand where the figures go."},
    }
    return _list(_record(fields))


def _need() -> Schema:
    fields: dict[str, Schema] = {
        "id": _TEXT,
        "rule": _RULE_ID,
        "if_unknown": _BOOL,
        "when": _WHEN,
        "task": _record({"who": _TEXT, "blocks": _BOOL}),
        "starts_h": _NUMBER,
        **dict.fromkeys(("person", "setting", "therapy"), _TEXT),
    }
    optional = ("if_unknown", "starts_h", "person", "setting", "therapy")
    return _with_predicate(_list(_record(fields, optional=optional)))


def _alternative() -> Schema:
    fields: dict[str, Schema] = {"id": _TEXT, "rule": _RULE_ID, "sources": _list(_KEY), "prefer": _WHEN}
    return _with_predicate(_list(_record(fields)))


def _figure() -> Schema:
    fields: dict[str, Schema] = {
        "id": _TEXT,
        "value": _NUMBER,
        "unit": _TEXT,
        "basis": _one_of(words.BASES),
        "rule": _or_null(_RULE_ID),
        "sources": _list(_KEY, least=1),
        "label": _TEXT,
    }
    return _list(_record(fields, optional=("sources",)))


def _status() -> Schema:
    month: Schema = {"type": "string", "pattern": r"^\d{4}-\d{2}(-\d{2})?$"}
    fields: dict[str, Schema] = {
        "id": _TEXT,
        **{name: _one_of(STATUS_WORDS[name]) for name in ("product", "form", "indication", "jurisdiction", "status")},
        "since": _or_null(month),
        "as_of": _DAY,
        "population": _TEXT,
        "conditions": _TEXT,
        "sources": _citations(),
        "trust": _one_of(STATUS_WORDS["trust"]),
    }
    return _list(_record(fields))


def _response() -> Schema:
    """Each parameter of the response model with its unit, source and trust; a figure of ours has no source."""
    parameter: Schema = {
        "type": "object",
        "required": ["source", "trust"],
        "properties": {"source": _or_null(_KEY), "trust": _one_of(_MODEL_TRUST), "unit": _TEXT, "note": _TEXT},
        "additionalProperties": {"anyOf": [_NUMBER, _list(_NUMBER)]},
    }
    predicted = _record({"product": _one_of(words.PRODUCTS), "route": _one_of(words.ROUTES)})
    fields: dict[str, Schema] = {
        "predicted": _list(predicted, least=1),
        "basis": _basis(),
        "review_day": _NUMBER,
        "baseline_days": _NUMBER,
    }
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": parameter}


def _screening() -> Schema:
    """A condition with its screens, or the cases of the screens, which lie in the same folder."""
    accuracy = _record(
        {
            "point": _NUMBER,
            "interval": {**_list(_NUMBER), "minItems": 2, "maxItems": 2},
            "basis": _one_of(get_args(IntervalBasis)),
            "people": {"type": "integer", "minimum": 1},
        },
        optional=("interval", "people"),
    )
    found = {"anyOf": [{"const": NOT_IN_EVIDENCE}, accuracy]}
    trust = _one_of(get_args(Trust))
    screen: dict[str, Schema] = dict.fromkeys(sorted(SCREEN_FIELDS), _TEXT)
    screen |= {"id": _RULE_ID, "positive": _WHEN, "purpose": _one_of(get_args(Purpose)), "unknown": _list(_TEXT)}
    screen |= {"sensitivity": found, "specificity": found, "sources": _citations(1), "trust": trust, "applies": _WHEN}
    pretest: dict[str, Schema] = dict.fromkeys(sorted(PRETEST_FIELDS), _TEXT)
    ranges = _record({"when": _WHEN, "low": _TEXT, "high": _TEXT}, optional=["when"])
    pretest |= {"ranges": _list(ranges), "sources": _citations(), "trust": trust}
    fields: dict[str, Schema] = dict.fromkeys(sorted(CONDITION_FIELDS), _TEXT)
    fields |= {"known": _list(_PATH), "said": _list(_PATH), "known_unless": _map(_PATH, _PATH), **_reviewed()}
    fields |= {"pretest": _record(pretest), "screens": _list(_record(screen, optional=["applies"]), least=1)}
    condition = _record(fields, optional=("said", "known_unless"))
    return _with_predicate({"if": {"type": "array"}, "then": _list(_case()), "else": condition})


def _staging() -> Schema:
    pair: Schema = {"type": "array", "minItems": 2, "maxItems": 2}
    dimension: dict[str, Schema] = {
        "id": _TEXT,
        "path": _PATH,
        "points": _list({**pair, "items": _NUMBER}, least=1),
        "words": _map(_NUMBER),
        "if_true": _NUMBER,
        "note": _TEXT,
    }
    fields: dict[str, Schema] = {
        "id": _TEXT,
        "title": _TEXT,
        "sources": _list(_KEY, least=1),
        "grade": _one_of(get_args(Grade)),
        "dimensions": _list(_record(dimension, optional=("points", "words", "if_true", "note")), least=1),
        "bands": _list({**pair, "items": [_NUMBER, _TEXT]}, least=1),
    }
    return _record(fields)


def _text() -> Schema:
    return _map(_TEXT, {"pattern": r"^[A-Za-z0-9_.-]+$"})


def _codes() -> Schema:
    """A table of conditions or observations, of medicines, or the words of answers."""
    code = _record(
        {
            "system": _one_of(_SYSTEMS),
            "code": _TEXT,
            "display": _TEXT,
            "trust": _one_of(("seen", "unverified")),
            "seen_in": _KEY,
            "prefix": _BOOL,
            "edition": _TEXT,
            "shared_with": _list(_TEXT),
            "strength_mg": _NUMBER,
        },
        optional=("display", "seen_in", "prefix", "edition", "shared_with", "strength_mg"),
    )
    answer = _record(
        {
            **code["properties"],
            "value": {"type": ["boolean", "string", "null"]},
        },
        optional=("display", "seen_in", "prefix", "edition", "shared_with", "strength_mg"),
    )
    concept: dict[str, Schema] = {
        "concept": _TEXT,
        "label": _TEXT,
        "note": _TEXT,
        "units": _record({"canonical": _TEXT}),
        "codes": _list(code),
        "terms": _list(_TEXT),
        "answers": _list(answer),
    }
    medicine: dict[str, Schema] = {
        "substance": _TEXT,
        "classes": _list(_TEXT),
        "names": _list(_TEXT, least=1),
        "daily_dose_proxy_mg": _or_null(_NUMBER),
        "daily_dose_source": _KEY,
        "codes": _list(code),
    }
    either: Schema = {
        "if": {"required": ["substance"]},
        "then": _record(medicine, optional=("daily_dose_proxy_mg", "daily_dose_source")),
        "else": _record(concept, optional=("note", "units", "terms", "answers")),
    }
    return {"if": {"type": "array"}, "then": _list(either), "else": _map(_map(_list(_TEXT, least=1)))}


def _other() -> Schema:
    """A kind that has no shape here yet: records with ids, whose marks are checked by `ketapath knowledge check`."""
    record: Schema = {
        "type": "object",
        "properties": {"trust": _one_of({*get_args(Trust), *_MODEL_TRUST}), "reviewed_on": _DAY, "review_due": _DAY},
    }
    return {"if": {"type": "array"}, "then": _list(record), "else": record}


_BUILD: Mapping[str, Callable[[], Schema]] = MappingProxyType(
    {
        "rule": _rules_or_cases,
        "biomarker": _rules_or_card,
        "cases": lambda: _list(_case()),
        "path": _path,
        "source": _source,
        "protocol": _rules_or_protocol,
        "drug": _drug,
        "instrument": _instrument,
        "harm": _harm,
        "need": _need,
        "alternative": _alternative,
        "figure": _figure,
        "status": _status,
        "response": _response,
        "screening": _screening,
        "staging": _staging,
        "text": _text,
        "code": _codes,
        "other": _other,
    }
)
FILES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "rule": tuple(f"{f}/*.yaml" for f in words.RULE_FOLDERS if f not in ("protocols", "biomarkers")),
        "biomarker": ("biomarkers/*.yaml",),
        "path": ("profile/*.yaml",),
        "source": ("sources/*.yaml",),
        "protocol": ("protocols/*.yaml",),
        "drug": ("drugs/*.yaml",),
        "instrument": ("instruments/*.yaml",),
        "harm": ("harms.yaml",),
        "need": ("needs.yaml",),
        "alternative": ("alternatives.yaml",),
        "figure": ("policy.yaml",),
        "status": ("status.yaml",),
        "response": ("response.yaml",),
        "screening": ("screening/*.yaml",),
        "staging": ("staging.yaml",),
        "text": ("texts/*.yaml",),
        "code": ("codes/*.yaml",),
    }
)
"""Which files, under the knowledge folder, each kind is for; no file has two, since editors would ask both."""
KINDS = tuple(_BUILD)
