"""What ketapath writes as FHIR it reads back as the same thing."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from tests.records import CLINIC, KNOWLEDGE, TODAY, good_record, person, record

from ketapath import journey
from ketapath.domain.fact import Dose, Origin
from ketapath.domain.plan import Decided, Recommendation
from ketapath.domain.session import EVENTS, Event
from ketapath.errors import BadInput
from ketapath.fhir import bundle_of, encode, encode_visit, entries, read_bundle, statements, vocabulary
from ketapath.fhir.readback import decisions, recommendation, signed_plans, visits

WORDS = vocabulary(KNOWLEDGE)
DAYS = st.integers(0, 400).map(lambda n: TODAY - timedelta(days=n))
ROUTES = st.sampled_from(["iv", "nasal", "im", "sc", "oral", "sublingual", "buccal"])
ZONES = st.integers(-11, 13).map(lambda h: timezone(timedelta(hours=h)))
PATIENT: dict[str, Any] = {"resourceType": "Patient", "id": "test"}


def session(at: datetime, product: str, route: str, mg: float, minutes: int, stopped: bool) -> list[dict[str, Any]]:
    """One visit as the clinic writes it."""
    visit = encode_visit.visit_opened("v1", patient_id="test", plan_id="p1", at=at)
    begun = encode_visit.dose_started(
        "d1", patient_id="test", visit_id="v1", product=product, route=route, at=at, by="somebody"
    )
    end = at + timedelta(minutes=minutes)
    before = encode_visit.readings(
        "r0", {"vitals.systolic_mmhg": 121.0, "vitals.diastolic_mmhg": 77.0}, patient_id="test", visit_id="v1",
        administration_id=None, at=at,
    )  # fmt: skip
    under = encode_visit.readings(
        "r1", {"vitals.systolic_mmhg": 151.0, "vitals.spo2_percent": 96.0}, patient_id="test", visit_id="v1",
        administration_id="d1", at=end,
    )  # fmt: skip
    given = encode_visit.dose_ended(begun, dose_mg=mg, at=end, stopped_early=stopped)
    return [encode_visit.visit_closed(visit, at=end), given, *before, *under]


@given(
    on=DAYS, zone=ZONES, product=st.sampled_from(["racemic", "esketamine"]), route=ROUTES, mg=st.floats(1, 200),
    minutes=st.integers(1, 240), stopped=st.booleans(),
)  # fmt: skip
def test_a_session_comes_back_as_it_was_given(
    on: date, zone: timezone, product: str, route: str, mg: float, minutes: int, stopped: bool
) -> None:
    at = datetime(on.year, on.month, on.day, 10, 30, tzinfo=zone)
    written = session(at, product, route, mg, minutes, stopped)
    (found,) = visits(bundle_of([PATIENT, *written]), WORDS)
    assert found.administration is not None
    assert (found.status, found.plan_id, found.opened_at) == ("finished", "p1", at)
    assert found.session(1) is not None
    dose = found.session(1).dose  # type: ignore[union-attr]
    origin = Origin(resource="MedicationAdministration", id="d1", version=None)
    began = at.astimezone(UTC).replace(tzinfo=None)
    expected = Dose(
        on=on, at=began, product=product, route=route, dose_mg=mg, duration_min=float(minutes), origin=origin,
        stopped_early=stopped,
    )  # fmt: skip
    assert dose == expected
    assert person(record(*written)).doses == (expected,)


@given(
    kind=st.sampled_from(EVENTS), value=st.none() | st.floats(0, 500), words=st.text("ab ,.é").map(str.strip),
    room=st.sampled_from(["", "room-2"]), appointment=st.sampled_from([None, "a1"]),
)  # fmt: skip
def test_what_happened_in_a_visit_comes_back_with_its_instant_and_says_nothing_of_the_person_at_rest(
    kind: str, value: float | None, words: str, room: str, appointment: str | None
) -> None:
    at = datetime(TODAY.year, TODAY.month, TODAY.day, 9, 0, 30, tzinfo=UTC)
    unit = None if value is None else "mL/h"
    visit = encode_visit.visit_opened(
        "v1", patient_id="test", plan_id="p1", at=at, room=room, appointment_id=appointment
    )
    said = encode_visit.event(
        "e1", kind, patient_id="test", visit_id="v1", at=at, by="Bo", username="nurse", value=value, unit=unit,
        words=words,
    )  # fmt: skip
    (found,) = visits(bundle_of([PATIENT, visit, said]), WORDS)
    assert (found.room, found.appointment_id) == (room, appointment)
    origin = Origin(resource="Observation", id="e1", version=None)
    assert found.events == (
        Event(origin=origin, at=at, kind=kind, value=value, unit=unit, words=words, by="Bo", username="nurse"),
    )
    assert found.readings == ()
    of_both, of_one = (statements(bundle_of([PATIENT, *r]), WORDS) for r in ([visit, said], [visit]))
    assert of_both.not_interpreted == of_one.not_interpreted


def test_a_visit_of_an_older_version_reads_as_one_without_room_and_events() -> None:
    at = datetime(TODAY.year, TODAY.month, TODAY.day, 9, 0, tzinfo=UTC)
    (found,) = visits(bundle_of([PATIENT, *session(at, "racemic", "iv", 35.0, 40, False)]), WORDS)
    assert (found.room, found.appointment_id, found.events, found.step) == ("", None, (), "home")


def test_a_reading_under_the_drug_is_never_the_pressure_at_rest() -> None:
    at = datetime(TODAY.year, TODAY.month, TODAY.day, 9, 0, tzinfo=UTC)
    someone = person(record(*session(at, "racemic", "iv", 35.0, 40, False)))
    assert someone.known["vitals.systolic_mmhg"].value == 121.0
    assert "vitals.spo2_percent" not in someone.known


@given(items=st.tuples(*[st.one_of(st.none(), st.integers(0, 3))] * 9))
def test_a_questionnaire_comes_back_with_its_items_and_a_missing_item_stays_missing(
    items: tuple[int | None, ...],
) -> None:
    at = datetime(TODAY.year, TODAY.month, TODAY.day, 23, 30, tzinfo=timezone(timedelta(hours=-8)))
    written = encode.answers("q1", KNOWLEDGE.instruments["phq9"], items, patient_id="test", at=at, by="somebody")
    found = person(record(written)).scores
    total = None if None in items else float(sum(i for i in items if i is not None))
    if all(i is None for i in items):
        assert found == ()
    else:
        assert (found[0].total, found[0].items, found[0].on) == (total, items, TODAY)


def test_a_signed_plan_holds_every_appointment_every_task_and_the_order() -> None:
    plan = journey.planned(person(good_record(social__money_difficulty=True)), CLINIC, KNOWLEDGE, seed=3)
    at = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    for option in plan.options:
        assert option.dose is not None
        written = encode.signed_plan(
            plan, option, identity="p1", dose_mg=option.dose.dose_mg, by="Dr Test", at=at, recommendation="r1"
        )
        (found,) = signed_plans(bundle_of([{**PATIENT, "id": plan.candidacy.patient_id}, *written]))
        assert (found.product, found.route, found.dose_mg) == (option.product, option.route, option.dose.dose_mg)
        assert (found.infusion_min, found.signed_by, found.signed_on) == (option.infusion_min, "Dr Test", at)
        assert [(v.on, v.starts, v.kind) for v in found.visits] == [(a.on, a.starts, a.kind) for a in option.schedule]
        assert [v.title.key for v in found.visits] == [a.title.key for a in option.schedule]
        assert sum(r["resourceType"] == "Task" for r in written) == len(option.support)


def test_a_decision_and_its_recommendation_come_back() -> None:
    at = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    stored = Recommendation(
        origin=Origin(resource="RiskAssessment", id="r1", version=None), about="card", as_of=TODAY, seed=1,
        inputs_digest="abc", knowledge_version="k", code_version="c", engine_version="e", record_mark=7,
        settings="{}", result='{"a": 1.5}',
    )  # fmt: skip
    made = Decided(
        origin=Origin(resource="Task", id="t1", version=None), about="card", outcome="changed", chosen="pause",
        reason="her wish", by="Dr Test", at=at, recommendation_id="r1",
    )  # fmt: skip
    resource = encode.recommendation(stored, patient_id="test", statement="words")
    assert recommendation(resource) == stored
    assert decisions(bundle_of([PATIENT, encode.decision(made, patient_id="test"), resource])) == (made,)


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["entry", "resource", '"', "{"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["entry", "resource", "x", "[", '"']), inner, max_size=3)
    ),
    max_leaves=8,
)


@example(notes=["\x00"], indent=None)
@given(notes=st.lists(TREES, min_size=1, max_size=4), indent=st.sampled_from([None, 1, 4]))
def test_the_text_of_each_resource_is_cut_out_of_a_bundle_as_it_stands(notes: list[Any], indent: int | None) -> None:
    texts = [json.dumps(PATIENT, indent=indent)]
    texts += [
        json.dumps({"resourceType": "Basic", "id": f"b{i}", "note": n, "entry": [{"resource": {}}]}, indent=indent)
        for i, n in enumerate(notes)
    ]
    listed = ", ".join(f'{{"fullUrl": "urn:x:{i}", "resource": {t}, "z": 1.50}}' for i, t in enumerate(texts))
    head = '"meta": {"entry": [{"resource": {}}]}'
    data = f'{{{head}, "entry": [{listed}], "resourceType": "Bundle", "type": "collection"}}'
    try:
        read_bundle(data.encode())
    except (BadInput, ValueError):
        return  # a NUL or a lone surrogate, refused before
    assert [entry.text for entry in entries(data.encode())] == texts
