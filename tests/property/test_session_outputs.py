"""Whatever a session was like, its five outputs say the same; whatever is changed in one of them is found."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ketapath.domain.adverse import CRITERIA, AdverseEvent
from ketapath.domain.fact import Origin
from ketapath.domain.outputs import OUTPUTS, Entry, LotUse, Pressure
from ketapath.fhir.adverse import adverse_event, adverse_event_of
from ketapath.outputs import (
    CARRIES,
    OPEN,
    disagreements,
    effects_record,
    form_fields,
    ledger_rows,
    progress_note,
    read_effects,
    read_form,
    read_ledger,
    read_note,
    read_registry,
    registry_row,
    said,
)
from ketapath.report.document import form_pdf
from ketapath.report.pdf_text import pdf_rows

AT = datetime(2026, 11, 26, 9, 5, tzinfo=UTC)
WORDS = st.text("abcdefghijklmnopqrstuvwxyzäöüéßŁα ;:,\"'()#*_\\$-\n0123456789", min_size=1, max_size=60).filter(
    str.strip
)
NAMES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", min_size=1, max_size=12)
MG = st.integers(0, 30_000).map(lambda hundredths: Decimal(hundredths) / 100)


@st.composite
def events(draw: st.DrawFn) -> AdverseEvent:
    return AdverseEvent(
        origin=Origin(resource="AdverseEvent", id="adverse-1", version=None), patient_id="one", visit_id="visit-1",
        administration_id="visit-1-dose", words=draw(WORDS), onset=AT, grade=draw(st.integers(1, 5)),
        criteria=tuple(c for c in CRITERIA if draw(st.booleans())), causality="possible", outcome="ongoing",
        product="esketamine", lot=draw(st.just("") | NAMES), taken=draw(st.just("") | WORDS), story="",
        followed_up_by=draw(st.none() | st.dates()), by="Nurse One", username="nurse", recorded_at=AT,
    )  # fmt: skip


@st.composite
def pressures(draw: st.DrawFn) -> Pressure:
    return Pressure(at=AT, systolic=draw(st.integers(80, 220)), diastolic=draw(st.integers(40, 79)))


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    lots = draw(st.lists(NAMES, max_size=3, unique=True))
    amounts = [(draw(MG), draw(MG)) for _lot in lots]
    uses = tuple(
        LotUse(lot=lot, drawn_mg=g + w, given_mg=g, wasted_mg=w) for lot, (g, w) in zip(lots, amounts, strict=True)
    )
    rating = st.none() | st.integers(0, 10).map(float)
    return Entry(
        patient_id=draw(NAMES), given_name=draw(WORDS), family=draw(WORDS),
        born_on=draw(st.none() | st.just(date(1980, 2, 29))), sex=draw(st.sampled_from(("", "female", "male"))),
        visit_id="visit-1", number=draw(st.integers(1, 40)), on=AT.date(),
        product=draw(st.sampled_from(("racemic", "esketamine"))), route=draw(st.sampled_from(("iv", "nasal", "im"))),
        status=draw(st.sampled_from(("completed", "stopped", "not-done"))), ordered_mg=draw(st.none() | MG),
        given_mg=sum((use.given_mg for use in uses), Decimal(0)) if uses else draw(st.none() | MG), uses=uses,
        devices=draw(st.none() | st.integers(1, 3)), started_at=AT,
        ended_at=draw(st.none() | st.just(AT + timedelta(minutes=40))), home_at=None,
        pressure_before=draw(st.none() | pressures()), pressure_40=draw(st.none() | pressures()),
        pressure_end=draw(st.none() | pressures()), spo2_before=None,
        is_spo2_missed=False, spo2_lowest=draw(rating), sedation=draw(rating),
        dissociation=draw(rating), nausea=draw(rating), distress=draw(rating),
        respiratory=draw(st.none() | st.just(()) | st.just(("slowed breathing",))),
        adverse=draw(st.none() | st.lists(events(), max_size=3).map(tuple)),
    )  # fmt: skip


def finished(entry: Entry) -> dict[str, dict[str, str]]:
    """The five outputs read back from what they are; the form from the text of its PDF."""
    groups: dict[str, list[dict[str, str | None]]] = {}
    for field in form_fields(entry):
        groups.setdefault(field.group, []).append({"label": field.label, "value": field.value})
    pages = form_pdf(
        {"title": "Form", "practice": "Here", "lead": "", "foot": "", "notes": [],
         "groups": [{"name": name, "rows": rows} for name, rows in groups.items()]}
    )  # fmt: skip
    return {
        "form": read_form(pdf_rows(pages)),
        "effects": read_effects(effects_record(entry)),
        "note": read_note(progress_note(entry)),
        "registry": read_registry(registry_row(entry, "p1"), persons={"p1": entry.patient_id}),
    } | ({"ledger": read_ledger(ledger_rows(entry))} if entry.uses else {})


@settings(max_examples=15, deadline=None)
@given(entries())
def test_the_outputs_of_any_session_agree_and_say_nothing_that_nobody_said(entry: Entry) -> None:
    outputs = finished(entry)
    assert disagreements(said(entry), outputs) == ()
    for name, told in outputs.items():
        assert set(told) == CARRIES[name]
    assert {f.label for f in form_fields(entry) if f.is_open} >= {
        label for label, is_unknown in (("Sex", not entry.sex), ("Adverse events", entry.adverse is None)) if is_unknown
    }


@settings(max_examples=8, deadline=None)
@given(entries(), st.data())
def test_one_word_changed_in_one_output_is_named(entry: Entry, data: st.DataObject) -> None:
    outputs = finished(entry)
    output = data.draw(st.sampled_from(sorted(outputs)))
    field = data.draw(st.sampled_from(sorted(outputs[output])))
    outputs[output] = outputs[output] | {field: outputs[output][field] + "1"}
    [found] = disagreements(said(entry), outputs)
    assert found.field == field
    assert found.said[output] != found.said["record"]


def whole_session() -> Entry:
    use = LotUse(lot="A12", drawn_mg=Decimal("50.00"), given_mg=Decimal("37.50"), wasted_mg=Decimal("12.50"))
    return Entry(
        patient_id="one", given_name="Ada", family="Ng", born_on=date(1980, 2, 29), sex="female", visit_id="visit-1",
        number=2, on=AT.date(), product="racemic", route="iv", status="stopped", ordered_mg=Decimal("40.00"),
        given_mg=Decimal("37.50"), uses=(use,), devices=None, started_at=AT, ended_at=AT + timedelta(minutes=23),
        home_at=None, pressure_before=None, pressure_40=None, pressure_end=None, spo2_before=None,
        is_spo2_missed=False, spo2_lowest=94.0,
        sedation=4.0, dissociation=6.0, nausea=None, distress=None, respiratory=(), adverse=(),
    )  # fmt: skip


@pytest.mark.parametrize("hundredths", [1, -1])
def test_a_hundredth_of_a_milligram_in_the_book_is_found(hundredths: int) -> None:
    entry = whole_session()
    outputs = finished(entry)
    moved = replace(ledger_rows(entry)[0], given_mg=Decimal("37.50") + Decimal(hundredths) / 100)
    outputs["ledger"] = read_ledger([moved])
    [found] = disagreements(said(entry), outputs)
    assert (found.field, found.said["form"]) == ("given_mg", "37.50")


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("person", {"patient_id": "two"}),
        ("day", {"on": date(2026, 11, 27)}),
        ("product", {"product": "esketamine"}),
        ("stop", {"ended_at": AT + timedelta(minutes=24)}),
        ("sedation", {"sedation": 3.0}),
        ("respiratory", {"respiratory": ("slowed breathing",)}),
        ("pressure_40", {"pressure_40": Pressure(at=AT, systolic=141, diastolic=88)}),
    ],
)
def test_a_finished_output_that_was_made_of_something_else_is_caught(field: str, change: dict[str, object]) -> None:
    right, wrong = finished(whole_session()), finished(replace(whole_session(), **change))  # type: ignore[arg-type]
    for output in OUTPUTS:
        found = disagreements(said(whole_session()), right | {output: wrong[output]})
        assert [d.field for d in found] == ([field] if field in CARRIES[output] else []), output


def test_a_correction_in_the_book_counts_and_a_lot_that_was_put_back_is_none() -> None:
    row = ledger_rows(whole_session())[0]
    wrong = replace(row, lot="B7", drawn_mg=Decimal(10), given_mg=Decimal(10), wasted_mg=Decimal(0))
    back = replace(wrong, drawn_mg=Decimal(-10), given_mg=Decimal(-10))
    assert read_ledger([row, wrong, back]) == read_ledger([row])


def test_an_output_that_leaves_a_field_out_disagrees() -> None:
    outputs = finished(whole_session())
    text = "\n".join(line for line in progress_note(whole_session()).splitlines() if not line.startswith("Lot"))
    outputs["note"] = read_note(text)
    assert [d.field for d in disagreements(said(whole_session()), outputs)] == ["lot"]


def test_what_is_not_known_is_open_on_paper_and_not_no() -> None:
    entry = replace(whole_session(), adverse=None, respiratory=None)
    values = {f.key: f.value for f in form_fields(entry)}
    assert values["adverse"] is values["respiratory"] is values["serious"] is values["benzodiazepine"] is None
    assert OPEN.startswith("open")
    assert finished(entry)["form"]["adverse"] == "not recorded"


@given(events())
def test_an_adverse_event_is_read_back_as_it_was_written(event: AdverseEvent) -> None:
    assert adverse_event_of(adverse_event(event)) == event
