"""A whole chart goes out as it is, and comes in elsewhere without losing a letter."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.store.conftest import practice_with

from clinic import clock
from clinic.access.models import Account, AuditRow, Role
from clinic.access.permission import Refused
from clinic.actions.export import export_chart
from clinic.actions.patients import import_chart, import_record
from clinic.actions.session import open_session
from clinic.demo.stages import STAGES
from clinic.queries.person import chart
from clinic.queries.session import objections
from clinic.queries.signatures import why_unsigned
from clinic.record.models import Current, Quarantined, Signature, Version
from clinic.record.structure import problems
from ketapath.errors import BadInput
from ketapath.fhir.rows import fact_rows
from ketapath.fhir.verbatim import with_stamps, without_stamps

Who = Callable[[str], Account]
RECORDS = Path(__file__).parents[3] / "shared" / "data" / "synthea"
TREATED = "first-language-arabic"


def texts(by: Account, patient_id: str) -> list[tuple[str, str, str]]:
    rows = Current.objects.filter(practice=by.practice, patient_id=patient_id).exclude(part="process-notes")
    rows = rows.order_by("id")
    return list(rows.values_list("kind", "identity", "content"))


def exported(by: Account, patient_id: str, form: str = "bundle", **more: bool) -> bytes:
    made = export_chart(patient_id, form, by=by, **more)
    assert made is not None
    return made


def test_a_person_goes_from_one_clinic_to_another_and_back_out_without_losing_a_letter(account: Who) -> None:
    _round(account("director"), [TREATED])


@pytest.mark.slow
def test_everybody_with_a_story_in_the_demonstration_does(account: Who) -> None:
    _round(account("director"), list(STAGES))


def _round(here: Account, people: list[str]) -> None:
    there = practice_with(Role.DIRECTOR)
    for patient_id in people:
        found = import_chart(exported(here, patient_id, with_history=True), by=there)
        assert found.apart == ()
        assert texts(there, patient_id) == texts(here, patient_id)
        third = practice_with(Role.DIRECTOR)
        import_chart(exported(there, patient_id), by=third)
        assert texts(third, patient_id) == texts(here, patient_id)


@pytest.mark.slow
@pytest.mark.skipif(not RECORDS.is_dir(), reason="the folder with the whole records is not here")
@pytest.mark.parametrize("name", ["Harris", "Jaime"])
def test_a_whole_electronic_record_goes_out_as_it_came(db: None, name: str) -> None:
    here, there = practice_with(Role.DIRECTOR), practice_with(Role.DIRECTOR)
    patient_id = import_record((RECORDS / f"{name}.json.gz").read_bytes(), by=here).patient_id
    import_chart(exported(here, patient_id), by=there)
    assert texts(there, patient_id) == texts(here, patient_id)
    assert len(list(csv.reader(io.StringIO(exported(here, patient_id, "csv").decode())))) > 3000
    assert exported(here, patient_id, "pdf").startswith(b"%PDF")


def test_the_bundle_is_fhir_and_has_versions_signatures_and_what_was_kept_apart(account: Who) -> None:
    by = account("director")
    plan = Current.objects.filter(practice=by.practice, patient_id=TREATED, kind="CarePlan").latest("id")
    Signature.objects.create(
        practice=by.practice, patient_id=TREATED, kind="CarePlan", identity=plan.identity, version=plan.version,
        digest="0" * 64, meaning="authorship", username="prescriber", name="Dr Ada Lindqvist", role="prescriber",
        at=clock.now(),
    )  # fmt: skip
    Quarantined.objects.create(
        practice=by.practice, patient_id=TREATED, kind="Observation", identity="odd", digest="1" * 64, by="x",
        content='{"resourceType": "Observation", "id": "odd", "wieght": 1.50}', problems=["wrong"], at=clock.now(),
    )  # fmt: skip
    apart = Current.objects.filter(practice=by.practice, patient_id=TREATED, part="process-notes").values("identity")
    signed = Signature.objects.filter(practice=by.practice, patient_id=TREATED).exclude(identity__in=apart)
    data = exported(by, TREATED, with_history=True)
    made = json.loads(data)
    assert problems(made) == ()
    kinds = [entry["resource"]["resourceType"] for entry in made["entry"]]
    assert (kinds.count("Provenance"), kinds.count("OperationOutcome")) == (signed.count(), 1)
    versions = Version.objects.filter(practice=by.practice, patient_id=TREATED).exclude(part="process-notes")
    assert len(kinds) - signed.count() - 1 == versions.count()
    names = [(entry["fullUrl"], entry["resource"]["meta"].get("versionId")) for entry in made["entry"]]
    assert len(set(names)) == len(names)
    there = practice_with(Role.DIRECTOR)
    assert [one.name for one in import_chart(data, by=there).apart] == ["Observation/odd"]
    assert '"wieght": 1.50' in Quarantined.objects.get(practice=there.practice).content
    assert not Signature.objects.filter(practice=there.practice).exists()


def test_nothing_is_begun_on_a_plan_from_elsewhere_before_it_is_signed_here(account: Who) -> None:
    here, there = account("director"), practice_with(Role.DIRECTOR)
    there.practice.is_demo = True  # else evaluation mode would refuse the dose first
    there.practice.save()
    import_chart(exported(here, TREATED), by=there)
    nurse = Account.objects.create(username="n2", name="N", role=Role.NURSE, practice=there.practice)
    found = chart(there.practice, TREATED)
    assert found is not None
    assert found.plan is not None
    assert found.plan.status == "active"
    with pytest.raises(BadInput, match="signed here"):
        open_session(found, by=nurse, key="")
    visit = replace(found.visits[-1], plan_id=found.plan.origin.id)
    assert ["signs it again before a dose" in one.words for one in objections(found, visit)] == [True]
    at_home = chart(here.practice, TREATED)
    assert at_home is not None
    assert at_home.plan is not None
    assert why_unsigned(at_home) is None


def test_a_whole_chart_is_taken_once_by_a_director_and_only_as_one(account: Who) -> None:
    here, there = account("director"), practice_with(Role.DIRECTOR)
    data = exported(here, TREATED)
    with pytest.raises(Refused):
        import_chart(data, by=practice_with(Role.COORDINATOR))
    with pytest.raises(BadInput, match="a part of a plan or session"):
        import_record(data, by=there)
    with pytest.raises(BadInput, match="no whole chart"):
        import_chart(data.replace(b"whole-chart", b"half-a-chart"), by=there)
    import_chart(data, by=there)
    with pytest.raises(BadInput, match="on record here"):
        import_chart(data, by=there)


@pytest.mark.requirement(14, 36)
def test_an_export_is_on_the_trail_and_without_process_notes(account: Who, browser_of: Callable[[str], Any]) -> None:
    by = account("prescriber")
    Current.objects.filter(practice=by.practice, patient_id=TREATED, kind="Consent").update(part="process-notes")
    made = json.loads(exported(by, TREATED))
    assert "Consent" not in {entry["resource"]["resourceType"] for entry in made["entry"]}
    row = AuditRow.objects.latest("id")
    assert (row.act, row.outcome, row.patient_id, row.asked) == ("export", "done", TREATED, "format=bundle")
    with pytest.raises(Refused):
        export_chart(TREATED, "csv", by=account("nurse"))
    assert export_chart("hillside-one", "csv", by=by) is None
    for form, begins in (("pdf", b"%PDF"), ("csv", b"day,kind,what"), ("bundle", b'{"resourceType":"Bundle"')):
        answer = browser_of("prescriber").post(f"/patients/{TREATED}/export", {"format": form})
        assert answer.content.startswith(begins)
        assert TREATED not in answer["Content-Disposition"]
    assert browser_of("therapist").post(f"/patients/{TREATED}/export", {"format": "pdf"}).status_code == 404


@pytest.mark.requirement(21)
def test_a_table_says_values_as_they_were_written_and_starts_no_formula(db: None) -> None:
    by = practice_with(Role.DIRECTOR)
    resources = (
        '{"resourceType": "Patient", "id": "p", "birthDate": "1980", "name": [{"family": "=HYPERLINK(1)"}]}',
        '{"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "@Weight"},'
        ' "subject": {"reference": "Patient/p"}, "effectiveDateTime": "2026-11",'
        ' "valueQuantity": {"value": -1.50, "unit": "kg"}}',
    )
    entry = ", ".join(f'{{"resource": {text}}}' for text in resources)
    import_record(f'{{"resourceType": "Bundle", "type": "collection", "entry": [{entry}]}}'.encode(), by=by)
    rows = list(csv.reader(io.StringIO(exported(by, "p", "csv").decode())))
    assert rows[0] == ["day", "kind", "what", "value", "unit", "status", "source", "version"]
    assert rows[1] == ["", "Patient", "name", "'=HYPERLINK(1)", "", "", "p", "1"]
    assert rows[-1] == ["2026-11", "Observation", "'@Weight", "-1.50", "kg", "final", "o", "1"]


_texts = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
_values = st.recursive(
    _texts | st.booleans() | st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_texts, inner, max_size=2),
    max_leaves=6,
)
_meta = st.none() | _values | st.fixed_dictionaries(
    {}, optional={"versionId": _texts, "lastUpdated": _texts, "profile": st.lists(_texts), "extension": _values}
)  # fmt: skip


@settings(deadline=None)
@given(
    meta=_meta,
    rest=st.dictionaries(_texts, _values, max_size=3),
    indent=st.sampled_from([None, 1]),
    first=st.booleans(),
)
def test_stamps_are_laid_in_and_taken_out_to_the_letter(
    meta: Any, rest: dict[str, Any], indent: int | None, first: bool
) -> None:
    parts: dict[str, Any] = {} if meta is None else {"meta": meta}
    whole = {**parts, "resourceType": "Basic", **rest} if first else {"resourceType": "Basic", **rest, **parts}
    text = json.dumps(whole, indent=indent, ensure_ascii=False)
    stamped = with_stamps(text, 3, clock.now())
    assert without_stamps(stamped) == text
    laid_in = json.loads(stamped)
    assert laid_in["meta"]["versionId"] == "3"
    assert {k: v for k, v in laid_in.items() if k != "meta"} == {k: v for k, v in whole.items() if k != "meta"}
    assert list(fact_rows(laid_in))


@pytest.mark.requirement(14)
def test_what_was_kept_apart_is_of_its_part_for_every_reader(account: Who, browser_of: Callable[[str], Any]) -> None:
    by = account("prescriber")
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSYTHPN"}
    note = {"resourceType": "DocumentReference", "id": "odd", "meta": {"security": [label]}, "description": "my mother"}
    row = Quarantined.objects.create(
        practice=by.practice, patient_id=TREATED, kind="DocumentReference", identity="odd", digest="2" * 64, by="x",
        content=json.dumps(note), problems=["wrong"], at=clock.now(),
    )  # fmt: skip
    assert b"my mother" not in exported(account("coordinator"), TREATED)
    assert b"my mother" not in exported(account("director"), TREATED, with_history=True)
    assert browser_of("coordinator").get(f"/patients/{TREATED}/apart/{row.pk}").status_code == 404
    assert b"my mother" in browser_of("therapist").get(f"/patients/{TREATED}/apart/{row.pk}").content
