"""What a product is licensed for, here; where nothing was read, that is said, and nothing is made up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.records import CLINIC, KNOWLEDGE, complete, good_record, intake, person, record

from ketapath.licence import licences


def status(country: str, **facts: object) -> dict[tuple[str, str], set[str | None]]:
    found = licences(person(good_record(**facts)), replace(CLINIC, jurisdiction=country), KNOWLEDGE)
    grouped: dict[tuple[str, str], set[str | None]] = {}
    for one in found:
        grouped.setdefault((one.product, one.indication), set()).add(one.status)
        assert one.evidence
    return grouped


def test_in_the_united_states_the_spray_is_approved_for_resistant_depression_and_ketamine_is_off_label() -> None:
    found = status("US")
    assert found[("esketamine", "MDD-resistant")] == {"approved"}
    assert found[("racemic", "MDD-resistant")] == {"off-label", "compounded"}
    assert ("esketamine", "MDD-acute-suicidality") not in found


def test_acute_suicidality_and_other_conditions_have_lines_of_their_own() -> None:
    found = status("US", scale__suicide_risk="high", diagnosis__ptsd=True)
    assert found[("esketamine", "MDD-acute-suicidality")] == {"approved"}
    assert "approved" not in found[("racemic", "PTSD")]


def test_a_minor_has_the_line_of_minors() -> None:
    patient = {"resourceType": "Patient", "id": "test", "birthDate": "2010-05-01", "gender": "female"}
    someone = person(record(intake(complete()), patient=patient))
    found = {(one.product, one.indication) for one in licences(someone, CLINIC, KNOWLEDGE)}
    assert ("esketamine", "adolescent-depression") in found
    assert not [pair for pair in found if pair[1] == "MDD-resistant"]


@pytest.mark.parametrize("country", ["UK", "EU", "CA-MB", "NZ"])
def test_where_nothing_was_read_it_is_said(country: str) -> None:
    found = status(country, diagnosis__ocd=True)
    assert None in found[("esketamine", "OCD")]
