"""What may stand in a knowledge file, as JSON Schema, for editors that complete and mark while one types.

Made from the constants that the reading code checks against, so that there is one list of words. A kind without
reading code of its own (a harm, a drug model) has its shape here only. Draft 7, which the YAML editors know. What
schemas are put together from stands in json_parts.py; alternatives, claims and markers have a file each, as their
reading code does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import get_args

from ketapath.domain.candidacy import LegalStatus
from ketapath.domain.evidence import Grade, Trust
from ketapath.domain.screening import IntervalBasis, Purpose
from ketapath.knowledge import (
    json_alternatives,
    json_claims,
    json_day,
    json_drugs,
    json_markers,
    json_perpetrators,
    json_response,
)
from ketapath.knowledge import schema as words
from ketapath.knowledge.json_parts import (
    BOOL,
    COUNT,
    DAY,
    INTERVAL,
    KEY,
    NUMBER,
    PATH,
    RULE_ID,
    TEXT,
    VERSION,
    WHEN,
    Schema,
    basis,
    case,
    citations,
    list_of,
    list_or,
    map_of,
    one_of,
    or_null,
    record,
    record_as_read,
    reviewed,
    trust,
    with_cases,
    with_predicate,
)
from ketapath.knowledge.screens import CONDITION_FIELDS, NOT_IN_EVIDENCE, PRETEST_FIELDS, SCREEN_FIELDS

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
        "jurisdiction": frozenset(place[:2] for place in words.JURISDICTIONS),  # a licence is that of a country
        "status": frozenset(get_args(LegalStatus)),
        "trust": frozenset(get_args(Trust)),
    }
)
OBSERVED_STATISTICS = (
    "mean-rise",
    "mean-max-rise",
    "sd-rise",
    "share-of-sessions",
    "share-of-people",
    "peak-minute",
    "back-minute",
)
"""What can have been observed of an acute effect; effects_validation.py computes each."""
_SYSTEMS = ("atc", "icd10", "local", "loinc", "rxnorm", "snomed", "unii")


def schema(kind: str) -> Schema:
    """The schema of a file of this kind; KINDS names them, with the files that each is for."""
    found = _BUILD[kind]()
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": f"ketapath knowledge: {kind}", **found}


def _rule() -> Schema:
    scoped: dict[str, Schema] = {
        "products": _all_or(words.PRODUCTS),
        "routes": _all_or(words.ROUTES),
        "also": {
            **list_of(one_of(f"{p}/{r}" for p in words.PRODUCTS for r in words.ROUTES)),
            "description": "Single ways beside these, each a product with its route.",
        },
        "jurisdictions": _all_or(words.SCOPED_JURISDICTIONS),
        "population": TEXT,
    }
    fields: dict[str, Schema] = {
        "id": {**RULE_ID, "description": "The same id for ever."},
        "version": VERSION,
        "title": {**TEXT, "description": "A few words, sentence case."},
        "section": one_of(words.SECTIONS),
        "severity": one_of(words.SEVERITIES),
        "stage": one_of(words.STAGES, "When it is asked; FORMAT.md says what each stage is."),
        "statement": {**TEXT, "description": "What is the case, in our own words."},
        "action": {**TEXT, "description": "What a clinician may do; support, no order."},
        "reverses": {**TEXT, "description": "What would turn it around."},
        "when": WHEN,
        "settled_by": {**list_of(PATH, least=1), "description": "Stage work-up only: the facts it asks for."},
        "settled_as": WHEN,
        "windows": {**map_of(NUMBER, PATH), "description": "Days within which this rule relies on a path."},
        "verdict": one_of(words.RULE_VERDICTS, "What it gives where it is true; left out for info and tasks."),
        "unknown": one_of(words.UNKNOWN_VERDICTS, "What it gives where nobody knows; left out where neither."),
        "scope": record_as_read(scoped, (), words.SCOPE_FIELDS),
        "grade": one_of(get_args(Grade)),
        "sources": {**citations(), "description": "[] only with threshold_basis site-default."},
        "trust": trust("How far the source was read."),
        "threshold_basis": one_of(words.BASES),
        "needs_approval": {**BOOL, "description": "True: the medical lead has to approve it first."},
        "override": one_of(
            words.OVERRIDES, "Relative contraindications: how long two people may treat in spite of it."
        ),
        "note": TEXT,
        "history": {
            **list_of(record({"version": {"type": "string"}, "day": DAY, "what": TEXT}), least=1),
            "description": "From version 2 on: what each version changed.",
        },
        **reviewed(),
    }
    return {**record_as_read(fields, words.RULE_REQUIRED, words.RULE_OPTIONAL), "allOf": _of_each_rule()}


def _of_each_rule() -> list[Schema]:
    """What one field of a rule asks of another."""
    work_up: Schema = {"properties": {"stage": {"const": "work-up"}}}
    relative: Schema = {"properties": {"severity": {"const": "relative-contraindication"}}}
    asks: Schema = {"required": ["settled_by"]}
    return [
        {"if": work_up, "then": asks, "else": {"not": asks}},
        {"if": {"required": ["override"]}, "then": relative},
        {"if": {"properties": {"version": {"const": "1"}}}, "else": {"required": ["history"]}},
        {
            "if": {"properties": {"sources": {"maxItems": 0}}},
            "then": {"properties": {"threshold_basis": {"const": "site-default"}}},
        },
    ]


def _all_or(allowed: Iterable[str]) -> Schema:
    return {"anyOf": [{"const": "all"}, list_of(one_of(allowed), least=1)]}


def _path() -> Schema:
    value: Schema = {"type": ["boolean", "number", "string"]}
    concepts = ("condition", "observation", "procedure", "allergy", "family")
    fills: dict[str, Schema] = dict.fromkeys(words.FILLED_BY, TEXT)
    fills |= {name: list_of(TEXT, least=1) for name in concepts}
    fills |= {"question": {"const": True}, "related_person": {"const": True}}
    fills |= {"active": BOOL, "active_days": COUNT}
    assert set(fills) == words.FILLED_BY | words.FILLED_HOW
    fields: dict[str, Schema] = {
        "path": PATH,
        "label": {**TEXT, "description": "What a clinician calls it."},
        "type": one_of(words.PATH_TYPES),
        "unit": TEXT,
        "limits": {**INTERVAL, "description": "Lowest and highest possible value."},
        "words": list_of(TEXT, least=1),
        "window_days": {**or_null(COUNT), "description": "How long a statement holds."},
        "window_basis": one_of(words.BASES),
        "admissible": {**list_of(value), "description": 'The values that "what would it change" tries.'},
        "supplied_by": {**TEXT, "description": "Who can supply it."},
        "from": {**record(dict(sorted(fills.items())), optional=fills), "minProperties": 1},
        "impossible": {"const": "refuse"},
    }
    number: Schema = {"properties": {"type": {"const": "number"}}}
    found = {
        **record_as_read(fields, words.PATH_REQUIRED, words.PATH_OPTIONAL),
        "if": number,
        "then": {"required": ["unit", "limits"]},
    }
    return list_of(found)


def _source() -> Schema:
    fields: dict[str, Schema] = {
        "key": KEY,
        "citation": TEXT,
        "locator": {**TEXT, "description": "Where it was read: a doi, an address, a page."},
        "read": one_of(words.READ_FORMS),
        "read_on": DAY,
        "retracted": BOOL,
        "note": TEXT,
    }
    return list_of(record_as_read(fields, words.SOURCE_REQUIRED, words.SOURCE_OPTIONAL))


def _protocol() -> Schema:
    days = list_of(COUNT, least=1)
    fields: dict[str, Schema] = {
        "id": TEXT,
        "product": one_of(words.PRODUCTS),
        "route": one_of(words.ROUTES),
        "jurisdictions": list_of(one_of(words.JURISDICTIONS), least=1),
        "by_name": {**BOOL, "description": "Offered only where a formulary names it as product/route."},
        "dose_mg_base": {"const": True},
        **dict.fromkeys(("first_dose_mg", "lower_first_dose_mg", "device_mg", "device_gap_min"), NUMBER),
        **dict.fromkeys(("dose_mg_per_kg", "lower_dose_mg_per_kg", "infusion_min", "cap_mg"), NUMBER),
        "round_to_mg": NUMBER,
        "allowed_mg": list_of(NUMBER, least=1),
        **dict.fromkeys(("lower_rule", "cap_rule", "ceiling_rule"), RULE_ID),
        **dict.fromkeys(("dose_rules", "lower_dose_rules"), list_of(RULE_ID, least=1)),
        "session_min": NUMBER,
        "induction": record({"sessions": NUMBER, "days": days}),
        "continuation": record({"sessions": NUMBER, "every_days": NUMBER}),
        "maintenance_every_days": days,
        "observation_min": NUMBER,
        "review_after_session": NUMBER,
        "predicted_for": list_of(PATH),
        "search": _search(),
        "rules": list_of(RULE_ID, least=1),
        "stop_rules": list_of(RULE_ID, least=1),
        "sources": list_of(KEY, least=1),
        "basis": basis(),
        "spacing_note": TEXT,
    }
    by_product = [n for n in fields if n.endswith(("_mg", "_rule", "_mg_per_kg", "_gap_min")) or n == "infusion_min"]
    return record(fields, optional=[*by_product, "spacing_note", "jurisdictions", "by_name"])


def _search() -> Schema:
    """Doses are one a session, the last one repeated; days count from the first session of the course."""
    doses = list_of(list_of(NUMBER, least=1), least=1)
    fields: dict[str, Schema] = {
        "doses": doses,
        "lower_doses": doses,
        "raise_rule": RULE_ID,
        "infusion_min": list_of(NUMBER, least=1),
        "courses": list_of(record({"id": TEXT, "days": list_of(COUNT, least=1)}), least=1),
    }
    return record(fields, optional=("infusion_min",))


def _rules() -> Schema:
    return with_cases(_rule(), "rule", case("rule"))


def _instrument() -> Schema:
    """Items, options, stem and languages stand there only where the licence lets the text be shipped."""
    tongues = map_of(TEXT)
    points = {
        **map_of({"type": ["number", "string", "boolean"]}),
        "anyOf": [{"required": [mark]} for mark in ("source", "basis", "trust")],
    }
    changes = ("response", "remission", "reliable_change", "meaningful_change", "standard_error")
    as_shipped = ("stem", "languages", "items", "options", "bands")
    fields: dict[str, Schema] = {
        **dict.fromkeys(("id", "title", "full_title", "owner"), TEXT),
        "path": {**PATH, "description": "The path of profile/ that its total fills."},
        "licence": map_of({"anyOf": [TEXT, list_of(TEXT)]}),
        **dict.fromkeys(("ship_text", "timeframe"), TEXT),
        "stem": tongues,
        "languages": list_of(TEXT, least=1),
        "items": list_of(record({"id": TEXT, "loinc": TEXT, "text": tongues}, optional=("loinc",)), least=1),
        "options": list_of(
            record({"score": NUMBER, "loinc_answer": TEXT, "text": tongues}, optional=("loinc_answer",)), least=2
        ),
        "scoring": record(
            {
                "min": NUMBER,
                "max": NUMBER,
                "higher_is": one_of(("worse", "better")),
                "step": {**NUMBER, "description": "Totals go in steps of so many points; 1 where it is left out."},
                "is_mean": {**BOOL, "description": "A mean of items, which may have any decimals."},
            },
            optional=("step", "is_mean"),
        ),
        "missing_rule": record({"rule": TEXT, "basis": one_of(words.BASES), "note": TEXT}),
        "bands": list_of(record({"min": NUMBER, "max": NUMBER, "label": TEXT}), least=1),
        **dict.fromkeys(changes, points),
        "loinc": record({"panel": TEXT, "total": TEXT}, optional=("panel", "total")),
        "alerts": list_of(record({"item": NUMBER, "from": NUMBER, "text": TEXT})),
        "references": list_of(TEXT),
        "unverified": list_of(TEXT),
        "basis": basis(),
    }
    return record(fields, optional=(*changes, *as_shipped))


def _harm() -> Schema:
    fields: dict[str, Schema] = {
        "id": TEXT,
        "product": one_of(words.PRODUCTS),
        "routes": list_of(one_of(words.ROUTES), least=1),
        "low": NUMBER,
        "high": NUMBER,
        "sources": list_of(KEY, least=1),
        "statement": {**TEXT, "description": "{low} and {high} stand where the figures go."},
    }
    return list_of(record(fields, optional=("routes",)))


def _need() -> Schema:
    fields: dict[str, Schema] = {
        "id": TEXT,
        "rule": RULE_ID,
        "if_unknown": BOOL,
        "when": WHEN,
        "task": record({"who": TEXT, "blocks": BOOL}),
        "starts_h": NUMBER,
        **dict.fromkeys(("person", "setting", "therapy"), TEXT),
    }
    optional = ("if_unknown", "starts_h", "person", "setting", "therapy")
    return with_predicate(list_of(record(fields, optional=optional)))


def _figure() -> Schema:
    fields: dict[str, Schema] = {
        "id": TEXT,
        "value": NUMBER,
        "unit": TEXT,
        "basis": one_of(words.BASES),
        "rule": or_null(RULE_ID),
        "sources": list_of(KEY, least=1),
        "label": TEXT,
        "lowest": {**NUMBER, "description": "A clinic may move it down to here, where further down would guard less."},
        "highest": {**NUMBER, "description": "A clinic may move it up to here."},
    }
    return list_of(record(fields, optional=("sources", "lowest", "highest")))


def _status() -> Schema:
    month: Schema = {"type": "string", "pattern": r"^\d{4}-\d{2}(-\d{2})?$"}
    fields: dict[str, Schema] = {
        "id": TEXT,
        **{name: one_of(STATUS_WORDS[name]) for name in ("product", "form", "indication", "jurisdiction", "status")},
        "since": or_null(month),
        "as_of": DAY,
        "population": TEXT,
        "conditions": TEXT,
        "sources": citations(),
        "trust": one_of(STATUS_WORDS["trust"]),
    }
    return list_of(record(fields))


def _effects() -> Schema:
    """Acute effects: the figures of each quantity, or the rows of what was observed."""
    figure: Schema = {
        "type": "object",
        "required": ["unit", "trust"],
        "properties": {
            "source": or_null(KEY),
            "sources": list_of(KEY, least=1),
            "trust": one_of(json_drugs.MODEL_TRUST),
            "unit": TEXT,
            "note": TEXT,
        },
        "anyOf": [{"required": ["source"]}, {"required": ["sources"]}],
        "additionalProperties": {"anyOf": [NUMBER, list_of(NUMBER, least=1)]},
    }
    common = dict.fromkeys(("half_life", "between_share"), figure)
    haemodynamic = common | dict.fromkeys(("reference_level", "rise", "session_sd", "reading_sd"), figure)
    shifts = ("visit_rise", "limits", "aged_visit", "aged_drug", "hypertension_visit", "hypertension_drug")
    pressure = record(haemodynamic | dict.fromkeys(shifts, figure))
    felt = ("c50", "r_share", "population_factor", "session_cv", "criterion", "criterion_level", "counted_sessions",
            "severe", "distress_limit", "fraction_noise")  # fmt: skip
    visit = ("course", "readings", "unknown_share", "within_correlation", "aged_from")
    acute: dict[str, Schema] = {
        "id": TEXT,
        "title": TEXT,
        "dissociation": record(common | dict.fromkeys(felt, figure)),
        "systolic": pressure,
        "diastolic": pressure,
        "heart-rate": record(haemodynamic),
        "visit": record(dict.fromkeys(visit, figure)),
        "validation_people": record(dict.fromkeys(("systolic", "diastolic"), figure)),
    }
    row: dict[str, Schema] = {
        "id": TEXT,
        "quantity": one_of(("systolic", "diastolic", "heart-rate", "severe", "dissociation", "criterion")),
        "statistic": one_of(OBSERVED_STATISTICS),
        "driver": list_of(TEXT, least=1),
        **dict.fromkeys(("minute", "age", "low", "high", "at_least", "rise", "n", "percent", "sessions"), NUMBER),
        "unit": TEXT,
        "use": one_of(("anchor", "independent")),
        **dict.fromkeys(("what", "if_missed", "note"), TEXT),
        "source": KEY,
    }
    left_out = ("minute", "age", "low", "high", "at_least", "rise", "n", "percent", "sessions", "unit", "note")
    return list_or(list_of(record(row, optional=left_out)), record(acute))


def _screening() -> Schema:
    """A condition with its screens, or the cases of the screens, which lie in the same folder."""
    accuracy = record(
        {
            "point": NUMBER,
            "interval": INTERVAL,
            "basis": one_of(get_args(IntervalBasis)),
            "people": {"type": "integer", "minimum": 1},
        },
        optional=("interval", "people"),
    )
    found = {"anyOf": [{"const": NOT_IN_EVIDENCE}, accuracy]}
    cited = record({"key": KEY, "locator": TEXT})
    screen: dict[str, Schema] = dict.fromkeys(sorted(SCREEN_FIELDS), TEXT)
    screen |= {"id": RULE_ID, "positive": WHEN, "purpose": one_of(get_args(Purpose)), "unknown": list_of(TEXT)}
    screen |= {
        "sensitivity": found,
        "specificity": found,
        "sources": list_of(cited, least=1),
        "trust": trust(),
        "applies": WHEN,
    }
    pretest: dict[str, Schema] = dict.fromkeys(sorted(PRETEST_FIELDS), TEXT)
    ranges = record({"when": WHEN, "low": TEXT, "high": TEXT}, optional=["when"])
    pretest |= {"ranges": list_of(ranges), "sources": list_of(cited), "trust": trust()}
    fields: dict[str, Schema] = dict.fromkeys(sorted(CONDITION_FIELDS), TEXT)
    fields |= {"known": list_of(PATH), "said": list_of(PATH), "known_unless": map_of(PATH, PATH), **reviewed()}
    fields |= {"pretest": record(pretest), "screens": list_of(record(screen, optional=["applies"]), least=1)}
    condition = record(fields, optional=("said", "known_unless"))
    return with_predicate(list_or(list_of(case("rule")), condition))


def _staging() -> Schema:
    pair: Schema = {"type": "array", "minItems": 2, "maxItems": 2}
    dimension: dict[str, Schema] = {
        "id": TEXT,
        "path": PATH,
        "points": list_of({**pair, "items": NUMBER}, least=1),
        "words": map_of(NUMBER),
        "if_true": NUMBER,
        "note": TEXT,
    }
    fields: dict[str, Schema] = {
        "id": TEXT,
        "title": TEXT,
        "sources": list_of(KEY, least=1),
        "grade": one_of(get_args(Grade)),
        "dimensions": list_of(record(dimension, optional=("points", "words", "if_true", "note")), least=1),
        "bands": list_of({**pair, "items": [NUMBER, TEXT]}, least=1),
    }
    return record(fields)


def _text() -> Schema:
    return map_of(TEXT, {"pattern": r"^[A-Za-z0-9_.-]+$"})


def _codes() -> Schema:
    """A table of conditions or observations, of medicines, or the words of answers."""
    code = record(
        {
            "system": one_of(_SYSTEMS),
            "code": TEXT,
            "display": TEXT,
            "trust": one_of(("seen", "unverified")),
            "seen_in": KEY,
            "prefix": BOOL,
            "edition": TEXT,
            "shared_with": list_of(TEXT),
            "strength_mg": NUMBER,
        },
        optional=("display", "seen_in", "prefix", "edition", "shared_with", "strength_mg"),
    )
    answer = record(
        {
            **code["properties"],
            "value": {"type": ["boolean", "string", "null"]},
        },
        optional=("display", "seen_in", "prefix", "edition", "shared_with", "strength_mg"),
    )
    concept: dict[str, Schema] = {
        "concept": TEXT,
        "label": TEXT,
        "note": TEXT,
        "units": record({"canonical": TEXT}),
        "codes": list_of(code),
        "terms": list_of(TEXT),
        "answers": list_of(answer),
    }
    medicine: dict[str, Schema] = {
        "substance": TEXT,
        "classes": list_of(TEXT),
        "names": list_of(TEXT, least=1),
        "daily_dose_proxy_mg": or_null(NUMBER),
        "daily_dose_source": KEY,
        "codes": list_of(code),
    }
    either: Schema = {
        "if": {"required": ["substance"]},
        "then": record(medicine, optional=("daily_dose_proxy_mg", "daily_dose_source")),
        "else": record(concept, optional=("note", "units", "terms", "answers")),
    }
    return list_or(list_of(either), map_of(map_of(list_of(TEXT, least=1))))


_BUILD: Mapping[str, Callable[[], Schema]] = MappingProxyType(
    {
        "rule": lambda: with_predicate(_rules()),
        "biomarker": lambda: with_predicate(list_or(_rules(), json_markers.gate())),
        "card": json_markers.cards,
        "cases": lambda: list_of(case("rule")),
        "path": _path,
        "source": _source,
        "protocol": lambda: with_predicate(list_or(_rules(), _protocol())),
        "drug": lambda: list_or(list_of(json_drugs.model_case(), least=2), json_drugs.drug()),
        "perpetrator": json_perpetrators.perpetrators,
        "instrument": _instrument,
        "harm": _harm,
        "need": _need,
        "competence": json_day.competences,
        "referral": json_day.referrals,
        "timer": json_day.timers,
        "escalation": json_day.escalations,
        "alternative": json_alternatives.alternatives,
        "value": json_alternatives.values,
        "target": json_alternatives.targets,
        "claim": json_claims.claims,
        "figure": _figure,
        "status": _status,
        "response": json_response.response,
        "effects": _effects,
        "screening": _screening,
        "staging": _staging,
        "text": _text,
        "code": _codes,
    }
)
FILES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "rule": tuple(f"{f}/*.yaml" for f in words.RULE_FOLDERS if f not in ("protocols", "biomarkers")),
        "biomarker": ("biomarkers/*.yaml",),
        "card": ("biomarkers/cards/*.yaml",),
        "path": ("profile/*.yaml",),
        "source": ("sources/*.yaml",),
        "protocol": ("protocols/*.yaml",),
        "drug": ("drugs/*.yaml",),
        "perpetrator": ("perpetrators/*.yaml",),
        "instrument": ("instruments/*.yaml",),
        "harm": ("harms.yaml",),
        "need": ("needs.yaml",),
        "competence": ("competences.yaml",),
        "referral": ("referrals.yaml",),
        "timer": ("timers.yaml",),
        "escalation": ("escalations.yaml",),
        "alternative": ("alternatives/*.yaml",),
        "value": ("values.yaml",),
        "target": ("targets.yaml", "targets.cases.yaml"),
        "claim": ("claims/*.yaml",),
        "figure": ("policy.yaml",),
        "status": ("status.yaml",),
        "response": ("response.yaml",),
        "effects": ("effects/*.yaml",),
        "screening": ("screening/*.yaml",),
        "staging": ("staging.yaml",),
        "text": ("texts/*.yaml",),
        "code": ("codes/*.yaml",),
    }
)
"""Which files, under the knowledge folder, each kind is for; no file has two, since editors would ask both."""
KINDS = tuple(_BUILD)


def kind_of(file: str) -> str:
    """The kind of the file of this name under the knowledge folder.

    Raises KeyError for a file that has no schema.

    >>> kind_of("candidacy/body.cases.yaml"), kind_of("policy.yaml")
    ('rule', 'figure')
    """
    kinds = {pattern: kind for kind, patterns in FILES.items() for pattern in patterns}
    return kinds[file if file in kinds else f"{file.rpartition('/')[0]}/*.yaml"]
