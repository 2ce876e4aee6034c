"""Files of parameter draws as a stranger may send them: each is refused in one sentence that says what is wrong."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ketapath.cli import main
from ketapath.errors import KnowledgeError
from ketapath.knowledge import FOLDER, load
from ketapath.response.prior import MOST_BYTES, population, read_population, starting_draws, written

PARAMETERS = load().response
DRAWS = starting_draws(PARAMETERS, np.random.default_rng(1), 500)
ABOUT = {"provenance": "this clinic", "version": "2026-11", "seed": 1, "data_digest": "", "diagnostics": {}}
GOOD = written(DRAWS, ABOUT)


def packed(draws: Any = None, **about: Any) -> bytes:
    """The file with other draws, or with other things said of them; `text` is the whole of what is said."""
    stream = io.BytesIO()
    told = about.get("text") or json.dumps({"names": list(DRAWS), **ABOUT, **about})
    np.savez_compressed(stream, draws=np.stack(list(DRAWS.values()), axis=1) if draws is None else draws, about=told)
    return stream.getvalue()


def plain(array: Any, *, pickled: bool = False) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=pickled)
    return stream.getvalue()


def bomb() -> bytes:
    """Small, and 65 MiB unpacked."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("draws.npy", b"\0" * (MOST_BYTES + 1024**2))
    return stream.getvalue()


def boastful() -> bytes:
    """A header that claims a terabyte."""
    stream, header = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**9, 128)})
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("draws.npy", header.getvalue())
    return stream.getvalue()


def refused(data: bytes) -> str:
    with pytest.raises(KnowledgeError) as problem:
        read_population(data, PARAMETERS, where="own.npz")
    said = str(problem.value)
    assert said.startswith("own.npz ")
    assert "\n" not in said
    assert len(said) < 250
    assert "pickle" not in said
    place = re.search(r"See '(.+)' in knowledge/FORMAT.md", said)
    assert place is not None
    assert f"## {place[1]}" in (FOLDER / "FORMAT.md").read_text()
    return said


def test_a_clinics_own_file_is_read_as_it_was_written() -> None:
    found = read_population(GOOD, PARAMETERS, where="own.npz")
    assert (found.provenance.name, found.provenance.version) == ("this clinic", "2026-11")
    assert found["half_life_days"] == pytest.approx(DRAWS["half_life_days"], rel=1e-6)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no NumPy archive"),
        (b"no archive", "no NumPy archive"),
        (GOOD[:-300], "no NumPy archive"),
        (plain(np.zeros((500, 3))), "no NumPy archive"),
        (plain(np.array([{}]), pickled=True), "no NumPy archive"),
        (packed(np.array([{}])), "no NumPy archive"),
        (packed(text="[" * 100_000), "no NumPy archive"),
        (packed(text="[]"), "no JSON object"),
        (packed(text="{}"), "does not say its names"),
        (packed(np.zeros((500, len(DRAWS)), dtype=complex)), "no real numbers"),
        (packed(np.full((500, len(DRAWS)), "0.5")), "no real numbers"),
        (packed(np.full((500, len(DRAWS)), np.nan)), "no numbers"),
        (packed(np.zeros((499, len(DRAWS)))), "shape"),
        (packed(names="half_life_days"), "no list of different words"),
        (packed(names=dict.fromkeys(DRAWS, 1)), "no list of different words"),
        (packed(names=[*list(DRAWS)[:-1], 7]), "no list of different words"),
        (packed(names=[*DRAWS, next(iter(DRAWS))]), "no list of different words"),
        (packed(names=[f"x{i}" for i in range(len(DRAWS))]), "no draws of"),
        (packed(version=["2026"]), "version"),
        (packed(provenance="literature"), "this clinic"),
        (packed(provenance="elsewhere"), "this clinic"),
        (bomb(), "unpacks to more than 64 MiB"),
        (boastful(), "no NumPy archive"),
        (b"\0" * (MOST_BYTES + 1), "larger than 64 MiB"),
    ],
)
def test_what_is_no_file_of_draws_is_refused_with_the_reason(data: bytes, says: str) -> None:
    assert says in refused(data)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("build_up", 1.0),
        ("build_up", -0.01),
        ("visits", 0.0),
        ("visits", 1.0),
        ("drug_at_half", 1.2),
        ("half_life_days", -1.0),
        ("half_life_days", 1e5),
        ("unblinding_saline", -0.1),
        ("half_life_slope", 9.0),
        ("context_saline", 20.0),
    ],
)
def test_a_value_that_a_parameter_cannot_have_is_refused_by_its_name(name: str, value: float) -> None:
    values = DRAWS[name].copy()
    values[7] = value
    assert name in refused(written({**DRAWS, name: values}, ABOUT))


def test_no_build_up_at_all_is_possible() -> None:
    never = written({**DRAWS, "build_up": 0.0 * DRAWS["build_up"]}, ABOUT)
    assert not read_population(never, PARAMETERS, where="own.npz")["build_up"].any()


@pytest.mark.parametrize("command", ["predict-arm", "update"])
@pytest.mark.parametrize("name", ["nowhere.npz", "."])
def test_a_missing_file_and_a_folder_are_refused_by_the_commands(
    command: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = Path(__file__).parents[2] / "examples"
    asked = examples / ("courses/responder.json" if command == "update" else "arms/repeated-infusions.yaml")
    assert main([command, str(asked), "--prior", str(tmp_path / name)]) == 4
    said = capsys.readouterr().err
    assert "cannot be read" in said
    assert "FORMAT.md" in said
    assert said.count("\n") == 1


def test_only_the_named_file_may_call_itself_the_literature() -> None:
    assert population(PARAMETERS).provenance.name == "literature"
    with pytest.raises(KnowledgeError, match="this clinic"):
        population(PARAMETERS, FOLDER / "response" / "literature.npz")
