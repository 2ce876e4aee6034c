"""A search finds what it asks for, the same on both databases, and refuses by name what it does not understand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.apps import apps
from tests.store.searching import found, observation, page, put

from clinic.access.models import Account
from clinic.migrations import record as migrations
from clinic.record.models import Current, Practice, Term
from clinic.record.projections import rebuild
from clinic.record.query import MAX_COUNT, escaped, parse
from clinic.record.reach import Reach
from clinic.record.search import MAX_INCLUDED, Cursor
from ketapath.errors import BadInput
from ketapath.fhir.terms import search_terms

LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"


def coded(code: str, system: str = LOINC) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def quantity(value: float, unit: str = "mg", **fields: Any) -> dict[str, Any]:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit, **fields}


def person(identity: str, **fields: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": identity, **fields}


@pytest.fixture
def practice(here: Account) -> Practice:
    return here.practice


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ("code=8480-6", ["a", "b"]),
        ("code=http://loinc.org|8480-6", ["a"]),
        ("code=|8480-6", ["b"]),
        ("code=http://loinc.org|", ["a", "c"]),
        ("code=8480-6,1-1", ["a", "b", "c"]),
        ("code=8480-6&code=1-1", []),
        ("code:not=8480-6", ["c", "d"]),
        ("code:not=8480-6,1-1", ["d"]),
        ("code:missing=true", ["d"]),
        ("code:missing=false", ["a", "b", "c"]),
        ("status=final&code=1-1", ["c"]),
        ("_id=d,a", ["a", "d"]),
        ("_id=nobody", []),
    ],
)
def test_tokens_are_found_by_code_and_by_system(practice: Practice, asked: str, ids: list[str]) -> None:
    put(practice, observation("a", code=coded("8480-6")))
    put(practice, observation("b", code={"coding": [{"code": "8480-6"}]}))
    put(practice, observation("c", code=coded("1-1")))
    put(practice, observation("d"))
    assert found(practice, f"Observation?{asked}") == ids


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ("name=oka", ["p"]),
        ("name=OKAFOR", ["p"]),
        ("name=kafor", []),
        ("name=cruz", ["q"]),
        ("name=la cruz", ["q"]),
        ("family=jurgen", []),
        ("given=jurgen", ["q"]),
        ("given=Jürgen", ["q"]),
        ("given:exact=Jürgen", ["q"]),
        ("given:exact=jürgen", []),
        ("given:exact=Jürg", []),
        ("name:contains=afo", ["p"]),
        ("name:contains=%", []),
        ("name=%", []),
        ("name=_", []),
        ("name='", []),
        ('name=";--', []),
        ("address-city=san jose", ["p"]),
        ("family:missing=true", ["r"]),
        ("name=strasse", ["r"]),
    ],
)
def test_texts_are_found_by_how_their_words_begin_whatever_case_and_accents(
    practice: Practice, asked: str, ids: list[str]
) -> None:
    put(practice, person("p", name=[{"family": "Okafor", "given": ["Maren"]}], address=[{"city": "San José"}]))
    put(practice, person("q", name=[{"family": "de la Cruz", "given": ["Jürgen"]}]))
    put(practice, person("r", name=[{"text": "Straße"}]))
    assert found(practice, f"Patient?{asked}") == ids


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ("patient=p1", ["a", "u"]),
        ("patient=Patient/p1", ["a", "u"]),
        ("subject=Patient/p1", ["a", "u"]),
        ("subject:Patient=p1", ["a", "u"]),
        ("patient=p2", ["b"]),
        ("patient=p2,p1", ["a", "b", "u"]),
        ("subject=Device/d", ["c"]),
        ("subject=d", ["c"]),
        ("patient=d", []),
        ("subject=urn:uuid:p1", ["u"]),
        ("subject=https://elsewhere.example/fhir/Patient/p2", ["b"]),
        ("encounter=e1", ["a"]),
        ("encounter=Encounter/e1", ["a"]),
        ("subject:identifier=http://ids.example|7", ["d"]),
        ("subject:identifier=http://ids.example|8", []),
        ("patient:missing=true", ["c", "d"]),
        ("subject:missing=true", ["d"]),
    ],
)
def test_references_are_found_however_they_are_written(practice: Practice, asked: str, ids: list[str]) -> None:
    put(practice, observation("a", encounter={"reference": "Encounter/e1/_history/2"}))
    put(practice, observation("u", subject={"reference": "urn:uuid:p1"}))
    put(practice, observation("b", subject={"reference": "https://elsewhere.example/fhir/Patient/p2"}))
    put(practice, observation("c", subject={"reference": "Device/d"}), patient="p1")
    put(
        practice, observation("d", subject={"identifier": {"system": "http://ids.example", "value": "7"}}), patient="p1"
    )
    assert sorted(found(practice, f"Observation?{asked}")) == ids


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ("5.4", ["a", "b"]),
        ("5.40", ["a"]),
        ("5", ["a", "b"]),
        ("6", []),
        ("5.0", []),
        ("5e0", ["a", "b"]),
        ("54e-1", ["a", "b"]),
        ("5.4|http://unitsofmeasure.org|mg", ["a"]),
        ("5.4||mg", ["a"]),
        ("5.4|http://unitsofmeasure.org|kg", ["b"]),
        ("ne5.4", ["low", "range"]),
        ("gt5.4", ["b", "range"]),
        ("ge5.4", ["a", "b", "range"]),
        ("lt5.4", ["low", "range"]),
        ("ge5.0", ["a", "b", "range"]),
        ("le5", ["low", "range"]),
        ("sa5.3", ["a", "b"]),
        ("eb5.42", ["a", "low"]),
        ("ap5.9", ["a", "b", "range"]),
        ("1,5.4", ["a", "b"]),
    ],
)
def test_quantities_are_compared_at_the_precision_that_is_asked(practice: Practice, asked: str, ids: list[str]) -> None:
    put(practice, observation("a", valueQuantity=quantity(5.4)))
    put(practice, observation("b", valueQuantity=quantity(5.42, "kg")))
    put(practice, observation("low", valueQuantity=quantity(5, comparator="<")))
    spread = {"origin": quantity(0), "period": 1, "dimensions": 1, "lowerLimit": 4, "upperLimit": 9}
    put(practice, observation("range", valueSampledData=spread))
    assert sorted(found(practice, f"Observation?value-quantity={asked}")) == ids


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        # The practice stands in Berlin: half past midnight there is the evening before in UTC.
        ("2026-11-24", ["day", "night"]),
        ("2026-11-23", []),
        ("2026-11", ["day", "night", "west"]),
        ("2026", ["day", "night", "west"]),
        ("2026-11-24T00:30:00+01:00", ["night"]),
        ("2026-11-23T23:30Z", ["night"]),
        ("2026-11-25", ["west"]),
        ("gt2026-11-24", ["open", "west"]),
        ("ge2026-11-24", ["day", "night", "open", "west"]),
        ("lt2026-11-24", ["open"]),
        ("le2026-11-24", ["day", "night", "open"]),
        ("sa2026-11-24", ["west"]),
        ("eb2026-11-25", ["day", "night"]),
        ("ne2026-11-24", ["open", "west"]),
        ("2026-11-24,2026-11-25", ["day", "night", "west"]),
    ],
)
def test_dates_are_spans_at_their_precision_in_the_zone_of_the_practice(
    practice: Practice, asked: str, ids: list[str]
) -> None:
    put(practice, observation("day", effectiveDateTime="2026-11-24"))
    put(practice, observation("night", effectiveDateTime="2026-11-24T00:30:00+01:00"))
    put(practice, observation("west", effectiveDateTime="2026-11-24T23:30:00-08:00"))
    put(practice, observation("open", effectivePeriod={"start": "2020-01-01"}))
    put(practice, observation("bad", effectiveDateTime="2026-02-30"))
    assert sorted(found(practice, f"Observation?date={asked}")) == ids


def test_both_ends_of_a_stay_can_be_asked_for_and_an_update_replaces_what_was_found(practice: Practice) -> None:
    put(practice, observation("a", effectiveDateTime="2026-11-24", code=coded("1")))
    put(practice, observation("b", effectiveDateTime="2026-11-26", code=coded("1")))
    assert found(practice, "Observation?date=ge2026-11-24&date=lt2026-11-25&code=1") == ["a"]
    put(practice, observation("a", effectiveDateTime="2026-11-27", code=coded("2")), expected=1)
    assert found(practice, "Observation?date=ge2026-11-24&date=lt2026-11-25&code=1") == []
    assert found(practice, "Observation?date=2026-11-27&code=2") == ["a"]
    assert found(practice, "Observation?_lastUpdated=ge2020") == ["a", "b"]
    assert found(practice, "Observation?_lastUpdated=lt2020") == []


def test_signs_of_the_syntax_are_found_where_they_are_escaped(practice: Practice) -> None:
    put(practice, observation("a", valueString="one, two | three $ four \\"))
    put(practice, observation("b", identifier=[{"system": "http://x", "value": "1|2,3"}]))
    assert found(practice, "Observation?value-string=" + escaped("one, two | three $ four \\")) == ["a"]
    assert found(practice, "Observation?value-string=one, two") == ["a"]
    assert found(practice, "Observation?value-string=two") == []
    assert found(practice, r"Observation?identifier=http://x|1\|2\,3") == ["b"]


def test_values_longer_than_a_term_are_told_apart(practice: Practice) -> None:
    for end in "ab":
        put(practice, observation(end, identifier=[{"system": "s" * 300, "value": "x" * 300 + end}]))
    assert found(practice, f"Observation?identifier={'s' * 300}|{'x' * 300}a") == ["a"]


@pytest.mark.requirement(21)
@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ("Observation?nope=1", "nope"),
        ("Observation?code:of-type=1", "code:of-type"),
        ("Observation?code:exact=1", "code:exact"),
        ("Observation?date=2026-02-30", "date"),
        ("Observation?date=2026-13", "date"),
        ("Observation?date=xx2026", "date"),
        ("Observation?date=today", "date"),
        ("Observation?value-quantity=five", "value-quantity"),
        ("Observation?value-quantity=1|mg", "value-quantity"),
        ("Observation?value-quantity=1e999", "value-quantity"),
        ("Observation?code=", "code"),
        ("Observation?code=a,,b", "code"),
        ("Observation?code=a|b|c", "code"),
        ("Observation?code:missing=maybe", "code:missing"),
        ("Observation?patient=Device/1", "patient"),
        ("Observation?subject:Practitioner=1", "subject:Practitioner"),
        ("Observation?patient=a b", "patient"),
        ("Observation?patient.name=x", "patient.name"),
        ("Observation?_has:Provenance:target:agent=x", "search parameter"),
        ("Observation?_count=many", "_count"),
        ("Observation?_count=-1", "_count"),
        ("Observation?_sort=value-quantity", "_sort"),
        ("Observation?_sort=nope", "_sort"),
        ("Observation?_sort=date,code,status,_id", "_sort"),
        ("Observation?_include=Observation:nope", "_include"),
        ("Observation?_include=Patient:link", "_include"),
        ("Observation?_include=*", "_include"),
        ("Observation?_include:iterate=Observation:subject", "_include:iterate"),
        ("Observation?_include=Observation:subject:Practitioner", "_include"),
        ("Observation?_revinclude=Patient:link", "_revinclude"),
        ("Observation?_summary=text", "_summary"),
        ("Observation?_total=perhaps", "_total"),
        ("Observation?_text=x", "_text"),
        ("Observation?code=a\0b", "code"),
        ("Observation?code=\ud800", "code"),
        (f"Observation?code={'x' * 2001}", "code"),
        ("Observation?" + "&".join(["code=1"] * 41), "search"),
        ("Observation?code=" + ",".join("1" * 2001)[:2000] + "&code=" + ",".join("1" * 1001), "code|search"),
        ("AuditEvent?date=2026", "resource type"),
        ("Nothing?_id=1", "resource type"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(practice: Practice, asked: str, named: str) -> None:
    with pytest.raises(BadInput) as refused:
        page(practice, asked)
    assert refused.value.field in named.split("|")


def test_a_lenient_search_names_the_parameters_it_left_out_and_nothing_else(practice: Practice) -> None:
    query = parse("Patient", [("nope", "1"), ("gender", "male"), ("x:y", "2")], lenient=True)
    assert (query.ignored, len(query.conditions)) == (("nope", "x:y"), 1)
    for pairs in ([("gender:exact", "male")], [("birthdate", "soon")], [("_include:iterate", "Patient:link")]):
        with pytest.raises(BadInput):
            parse("Patient", pairs, lenient=True)


def test_no_refusal_repeats_what_may_be_a_name(practice: Practice) -> None:
    for pairs in ([("nam", "Okafor")], [("name", "Okafor\0")], [("name", "Okafor" * 400)]):
        with pytest.raises(BadInput) as refused:
            parse("Patient", pairs)
        assert "Okafor" not in str(refused.value)


def family(practice: Practice) -> None:
    """Two people with an organisation, an encounter, observations and a provenance each."""
    put(practice, {"resourceType": "Organization", "id": "clinic", "name": "Clinic"})
    for p in ("p1", "p2"):
        put(practice, person(p, managingOrganization={"reference": "Organization/clinic"}))
        put(practice, {"resourceType": "Encounter", "id": f"e-{p}", "status": "finished",
                       "subject": {"reference": f"Patient/{p}"}})  # fmt: skip
        visit = {"reference": f"urn:uuid:e-{p}"}
        put(practice, observation(f"o-{p}", p, encounter=visit, code=coded("1"), category=[coded("vital-signs", "s")]))
        put(practice, {"resourceType": "Provenance", "id": f"v-{p}", "target": [{"reference": f"Observation/o-{p}"}],
                       "recorded": "2026-11-24T10:00:00Z"}, patient=p)  # fmt: skip


def along(reach: Reach | Practice, asked: str) -> list[str]:
    return [s.identity for s in page(reach, asked).included]


def test_what_a_match_points_to_and_what_points_to_it_goes_along(practice: Practice) -> None:
    family(practice)
    assert along(practice, "Observation?patient=p1&_include=Observation:encounter") == ["e-p1"]
    assert along(practice, "Observation?patient=p1&_include=Observation:subject:Patient") == ["p1"]
    assert along(practice, "Observation?patient=p1&_include=Observation:subject:Group") == []
    assert along(practice, "Observation?patient=p1&_revinclude=Provenance:target") == ["v-p1"]
    assert along(practice, "Encounter?_id=e-p1&_revinclude=Observation:encounter") == ["o-p1"]
    both = "Observation?code=1&_include=Observation:patient&_revinclude=Provenance:target&_sort=-_id"
    assert along(practice, both) == ["p1", "v-p1", "p2", "v-p2"]
    assert along(practice, "Observation?code=1&_count=0&_include=Observation:patient") == []


@pytest.mark.requirement(12)
@pytest.mark.parametrize(
    "asked",
    [
        "Observation?code=1",
        "Observation?patient=p2",
        "Observation?_id=o-p2",
        "Observation?_id=o-p1,o-p2",
        "Observation?code=1&_sort=-_lastUpdated",
        "Observation?status=final&_include=Observation:encounter&_include=Observation:patient",
        "Observation?status=final&_revinclude=Provenance:target",
        "Provenance?recorded=2026",
        "Provenance?target=Observation/o-p2",
        "Organization?name=clinic&_revinclude=Patient:organization",
        "Patient?organization=clinic&_revinclude=Observation:patient",
        "Observation?code:not=2&_count=1",
    ],
)
def test_whatever_is_asked_nothing_beyond_the_reach_is_found_counted_or_sent_along(
    practice: Practice, asked: str
) -> None:
    family(practice)
    for reach in (
        Reach(practice=practice, people=frozenset({"p1"})),
        Reach(practice=practice, hidden=frozenset({"p2"})),
    ):
        seen = page(reach, asked)
        named = [s.identity for s in (*seen.matches, *seen.included)]
        assert not any("p2" in identity for identity in named)
        assert seen.total == len(seen.matches)
        assert seen.next is None


def test_a_part_that_is_not_reached_is_not_found(practice: Practice) -> None:
    family(practice)
    Current.objects.filter(identity="o-p1").update(part="process-notes")
    chart = Reach(practice=practice, parts=frozenset({"chart"}))
    assert found(chart, "Observation?code=1") == ["o-p2"]
    assert page(chart, "Encounter?patient=p1&_revinclude=Observation:encounter").included == []


@pytest.mark.requirement(17)
def test_practices_never_see_each_other_in_searches_counts_or_pages(practice: Practice, elsewhere: Account) -> None:
    family(practice)
    family(elsewhere.practice)
    put(elsewhere.practice, observation("more", code=coded("1")))
    for asked in ("Observation?code=1", "Observation?patient=p1", "Observation?_sort=_id", "Observation?code:not=9"):
        assert "more" not in found(practice, asked)
        assert page(practice, asked).total == len(found(practice, asked))
    stranger = Cursor.from_text(page(elsewhere.practice, "Observation?code=1&_count=2").next.text)  # type: ignore[union-attr]
    foreign = Cursor(identity="more", version=1, total=3, began=stranger.began)
    nobody = Cursor(identity="nobody", version=1, total=3, began=stranger.began)
    told = []
    for cursor in (foreign, nobody):
        with pytest.raises(BadInput) as refused:
            page(practice, "Observation?code=1", after=cursor)
        told.append(str(refused.value))
    assert told[0] == told[1]


@pytest.mark.requirement(24)
def test_a_page_holds_at_most_a_thousand_and_a_count_alone_holds_none(practice: Practice) -> None:
    family(practice)
    assert parse("Observation", [("_count", "100000")]).count == MAX_COUNT
    for asked in ("Observation?code=1&_summary=count", "Observation?code=1&_count=0"):
        counted = page(practice, asked)
        assert (counted.matches, counted.total, counted.next) == ([], 2, None)


@pytest.mark.requirement(24)
def test_more_than_may_go_along_is_refused_and_not_cut_off(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_INCLUDED == 5000
    monkeypatch.setattr("clinic.record.search.MAX_INCLUDED", 1)
    family(practice)
    put(practice, observation("o2"))
    with pytest.raises(BadInput, match="_revinclude"):
        page(practice, "Patient?_id=p1&_revinclude=Observation:subject")
    assert along(practice, "Patient?_id=p2&_revinclude=Observation:subject") == ["o-p2"]


def test_terms_made_again_by_upgrade_or_rebuild_are_those_that_writing_made(practice: Practice) -> None:
    family(practice)

    def terms() -> list[str]:
        rows = Term.objects.filter(practice=practice).values()
        return sorted(json.dumps({k: v for k, v in row.items() if k != "id"}, default=str) for row in rows)

    before = terms()
    assert len(before) > 20
    upgrade = __import__(f"{migrations.__name__}.0005_search_terms", fromlist=["index_anew"])
    Term.objects.filter(practice=practice, kind="Observation").delete()
    for _ in range(2):  # begun again, it leaves the same
        upgrade.index_anew(apps, None)
        assert terms() == before
    rebuild(practice)
    assert terms() == before


@pytest.mark.parametrize("broken", [None, 1, "x", [], {}, [None], [{}], {"coding": 1}, {"reference": 7}, [[["x"]]],
                                    {"start": 3, "end": []}, {"low": "x", "high": 2}, {"value": "x"}, {"event": {}},
                                    {"repeat": 4}, {"origin": 1}, {"identifier": "x"}, "\0", "9999-12-31"])  # fmt: skip
def test_whatever_stands_at_a_place_indexing_never_fails(broken: Any) -> None:
    fields = ("identifier", "code", "subject", "effectivePeriod", "effectiveDateTime", "valueQuantity", "component",
              "meta", "valueSampledData", "category", "effectiveTiming", "valueString", "encounter")  # fmt: skip
    search_terms({"resourceType": "Observation", **dict.fromkeys(fields, broken)})
    search_terms({"resourceType": "Patient", **dict.fromkeys(("name", "address", "telecom", "birthDate"), broken)})
    search_terms({"resourceType": "RiskAssessment", "prediction": [{"probabilityRange": broken}]})
