"""The store against a small model in memory: whatever is done in whatever order, both say the same."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.store.conftest import practice_with

from clinic import clock
from clinic.record.models import Practice
from clinic.record.read import history, mark, of_patient, of_patient_at, read, vread
from clinic.record.write import Stale, Write, write

NAMES = [("Basic", "a"), ("Basic", "b"), ("Observation", "a"), ("Observation", "c")]
PEOPLE = ["p1", "p2"]
named, numbers = st.sampled_from(NAMES), st.integers(0, 9)
several = st.lists(st.tuples(named, st.sampled_from([0, 0, 0, -1, 1])), min_size=1, max_size=3)
"""What to write, and how far off its writer is about the version that stands."""


@dataclass
class Model:
    """What one practice holds: for each resource its texts, oldest first, and for each person the order of changes."""

    versions: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    person: dict[tuple[str, str], str] = field(default_factory=dict)
    changes: list[tuple[str, str, int]] = field(default_factory=list)

    def standing(self, name: tuple[str, str]) -> int:
        return len(self.versions.get(name, []))


class Store(RuleBasedStateMachine):
    """Two practices; each rule is done to the store and to the model, and the answers are compared."""

    def __init__(self) -> None:
        super().__init__()
        self.practices: list[Practice] = [practice_with().practice for _ in range(2)]
        self.models = [Model(), Model()]
        self.marks: list[tuple[int, str, int, dict[tuple[str, str], str]]] = []
        self.text = 0

    def _write(self, name: tuple[str, str], person: str, expected: int) -> Write:
        self.text += 1
        text = json.dumps({"resourceType": name[0], "id": name[1], "n": self.text}, indent=self.text % 3 or None)
        return Write(kind=name[0], identity=name[1], patient_id=person, text=text, expected=expected)

    @rule(
        here=st.integers(0, 1),
        wanted=st.lists(st.tuples(named, st.sampled_from([0, 0, 0, -1, 1])), min_size=1, max_size=3),
    )
    def write(self, here: int, wanted: list[tuple[tuple[str, str], int]]) -> None:
        """Several writes at once, some against a version that does not stand: all are stored or none."""
        model, ahead, writes, is_stale = self.models[here], dict[tuple[str, str], int](), list[Write](), False
        for name, off in wanted:
            standing = model.standing(name) + ahead.get(name, 0)
            expected = max(0, standing + off)
            is_stale = is_stale or expected != standing
            ahead[name] = ahead.get(name, 0) + 1
            writes.append(self._write(name, model.person.get(name, PEOPLE[len(name[1]) % 2]), expected))
        try:
            with transaction.atomic():
                stored = write(self.practices[here], writes, by="somebody", reason="why", at=clock.now())
        except Stale:
            assert is_stale
            return
        assert not is_stale
        for one, kept in zip(writes, stored, strict=True):
            name = (one.kind, one.identity)
            model.versions.setdefault(name, []).append(one.text)
            model.person[name] = one.patient_id
            model.changes.append((*name, kept.version))
            assert kept.version == model.standing(name)

    @rule(here=st.integers(0, 1), name=named)
    def read(self, here: int, name: tuple[str, str]) -> None:
        """The version that stands, to the byte."""
        found, texts = read(self.practices[here], *name), self.models[here].versions.get(name)
        assert (found.text if found else None) == (texts[-1] if texts else None)

    @rule(here=st.integers(0, 1), name=named, number=numbers)
    def vread(self, here: int, name: tuple[str, str], number: int) -> None:
        """Any version, or nothing where there is none of that number."""
        found, texts = vread(self.practices[here], *name, number), self.models[here].versions.get(name, [])
        assert (found.text if found else None) == (texts[number - 1] if 1 <= number <= len(texts) else None)

    @rule(here=st.integers(0, 1), person=st.sampled_from(PEOPLE))
    def remember(self, here: int, person: str) -> None:
        """How the person's record stands now, to be asked again later."""
        self.marks.append((here, person, mark(self.practices[here], person), self._of(here, person)))

    @precondition(lambda self: self.marks)
    @rule(data=st.data())
    def look_back(self, data: st.DataObject) -> None:
        """The record as it stood then is still the record as it stood then."""
        here, person, then, stood = data.draw(st.sampled_from(self.marks))
        found = {(s.kind, s.identity): s.text for s in of_patient_at(self.practices[here], person, then)}
        assert found == stood

    def _of(self, here: int, person: str) -> dict[tuple[str, str], str]:
        model = self.models[here]
        return {name: texts[-1] for name, texts in model.versions.items() if model.person[name] == person}

    @invariant()
    def nothing_is_lost_or_mixed(self) -> None:
        """History and the persons' records are those of the model, in both practices."""
        for here, model in enumerate(self.models):
            for name in NAMES:
                kept = [s.text for s in history(self.practices[here], *name)]
                assert kept == model.versions.get(name, [])[::-1]
            for person in PEOPLE:
                found = {(s.kind, s.identity): s.text for s in of_patient(self.practices[here], person)}
                assert found == self._of(here, person)


def _run(examples: int, steps: int) -> None:
    machine: Any = Store.TestCase
    machine.settings = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip
    machine().runTest()


@pytest.mark.requirement(39, 50)
@pytest.mark.usefixtures("db")
def test_the_store_says_what_a_small_model_in_memory_says() -> None:
    _run(examples=25, steps=20)


@pytest.mark.slow
@pytest.mark.usefixtures("db")
def test_the_store_says_so_after_many_thousand_steps() -> None:
    _run(examples=400, steps=50)
