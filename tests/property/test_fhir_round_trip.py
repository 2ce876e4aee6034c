"""What ketapath writes as FHIR it reads back as the same thing."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.records import CLINIC, KNOWLEDGE, TODAY, good_record, person, record

from ketapath import journey
from ketapath.domain.fact import Dose, Origin, ScoreEntry
from ketapath.domain.session import Session
from ketapath.fhir import plan_resources, score_resource, session_resources

DAYS = st.integers(0, 400).map(lambda n: TODAY - timedelta(days=n))
ROUTES = st.sampled_from(["iv", "nasal", "im", "sc", "oral", "sublingual", "buccal"])


@given(
    on=DAYS,
    product=st.sampled_from(["racemic", "esketamine"]),
    route=ROUTES,
    mg=st.floats(1, 200),
    minutes=st.integers(1, 240),
    stopped=st.booleans(),
)
def test_a_session_comes_back_as_it_was_given(
    on: date, product: str, route: str, mg: float, minutes: int, stopped: bool
) -> None:
    given_dose = Dose(
        on=on,
        product=product,
        route=route,
        dose_mg=mg,
        duration_min=float(minutes),
        origin=Origin(resource="MedicationAdministration", id="s1", version=None),
        stopped_early=stopped,
    )
    session = Session(on=on, number=1, dose=given_dose, readings=())
    assert person(record(*session_resources(session, patient_id="test"))).doses == (given_dose,)


@given(on=DAYS, items=st.tuples(*[st.one_of(st.none(), st.integers(0, 3))] * 9))
def test_a_score_comes_back_with_its_items_and_a_missing_item_stays_missing(
    on: date, items: tuple[int | None, ...]
) -> None:
    total = None if None in items else float(sum(i for i in items if i is not None))
    entry = ScoreEntry(
        instrument="phq9", on=on, total=total, items=items, origin=Origin(resource="Observation", id="o1", version=None)
    )
    found = person(record(score_resource(entry, KNOWLEDGE.instruments["phq9"], patient_id="test"))).scores
    if all(i is None for i in items):
        assert found == ()
    else:
        assert (found[0].total, found[0].items, found[0].on) == (total, items, on)


def test_a_plan_as_fhir_holds_every_appointment_every_task_and_its_digest() -> None:
    plan = journey.planned(person(good_record(social__money_difficulty=True)), CLINIC, KNOWLEDGE, seed=3)
    for option in plan.options:
        care_plan, *tasks = plan_resources(plan, option)
        assert len(care_plan["activity"]) == len(option.schedule)
        assert len(tasks) == len(option.support)
        assert plan.inputs_digest in {e["valueString"] for e in care_plan["extension"]}
