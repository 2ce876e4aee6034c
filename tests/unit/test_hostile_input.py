"""What must never get through the door: each ends in exit code 3 with one paragraph, never a traceback."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.command import run

PATIENT: dict[str, Any] = {"resourceType": "Patient", "id": "p", "birthDate": "1980-01-01", "gender": "female"}


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources]}


def weight(value: Any, unit: str = "kg", on: str = "2026-11-24") -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": "w",
        "status": "final",
        "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "effectiveDateTime": on,
        "valueQuantity": {"value": value, "unit": unit},
    }


GOOD = json.dumps(bundle(PATIENT)).encode()
HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "not JSON": b"hello",
    "truncated": GOOD[:-5],
    "a list": b"[]",
    "a Patient alone": json.dumps(PATIENT).encode(),
    "no patient": json.dumps(bundle({"resourceType": "Device", "id": "d"})).encode(),
    "two patients": json.dumps(bundle(PATIENT, PATIENT | {"id": "q"})).encode(),
    "a fact about somebody else": json.dumps(
        bundle(PATIENT, weight(70) | {"subject": {"reference": "Patient/other"}})
    ).encode(),
    "one id with two contents": json.dumps(bundle(PATIENT, weight(70), weight(71))).encode(),
    "nested 100,000 deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "lists 100,000 deep": b"[" * 100_000,
    "1e400": GOOD.replace(b'"1980-01-01"', b"1e400"),
    "NaN": GOOD.replace(b'"1980-01-01"', b"NaN"),
    "a number of 5,000 digits": GOOD.replace(b'"1980-01-01"', b"9" * 5000),
    "NUL as a byte": GOOD.replace(b"female", b"fem\x00ale"),
    "NUL as an escape": GOOD.replace(b"female", b"fem\\u0000ale"),
    "a lone surrogate": GOOD.replace(b"female", b"fem\\ud800ale"),
    "duplicate keys": GOOD.replace(b'"id": "p"', b'"id": "p", "id": "q"'),
    "not UTF-8": GOOD.replace(b"female", b"fem\xffale"),
    "broken gzip": gzip.compress(GOOD)[:-12],
    "a decompression bomb": gzip.compress(b" " * (65 * 1024 * 1024)),
    "born tomorrow": json.dumps(bundle(PATIENT | {"birthDate": "2026-11-25"})).encode(),
    "born on a day that does not exist": json.dumps(bundle(PATIENT | {"birthDate": "1980-02-31"})).encode(),
    "born in words": json.dumps(bundle(PATIENT | {"birthDate": "yesterday"})).encode(),
    "200 years old": json.dumps(bundle(PATIENT | {"birthDate": "1826-01-01"})).encode(),
    "7000 kg": json.dumps(bundle(PATIENT, weight(7000))).encode(),
    "minus 70 kg": json.dumps(bundle(PATIENT, weight(-70))).encode(),
    "a weight in stones": json.dumps(bundle(PATIENT, weight(11, "stone"))).encode(),
    "an entry that is no object": b'{"resourceType":"Bundle","type":"collection","entry":[1]}',
    "entries that are no list": b'{"resourceType":"Bundle","type":"collection","entry":{"resource":{}}}',
}


@pytest.mark.requirement(23)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_is_refused_in_one_paragraph(name: str) -> None:
    done = run("plan", "-", "--on", "2026-11-24", "--json", data=HOSTILE[name])
    assert done.returncode == 3, done.stderr.decode()
    said = done.stderr.decode().strip()
    assert said.startswith("ketapath: ")
    assert len(said.splitlines()) == 1
    assert len(said) < 500
    assert b"Traceback" not in done.stderr
    assert done.stdout == b""


def test_a_process_of_its_own_ends_with_the_same_code_and_words() -> None:
    command = [sys.executable, "-m", "ketapath", "plan", "-", "--on", "2026-11-24"]
    for name in ("nested 100,000 deep", "a decompression bomb"):
        done = subprocess.run(command, input=HOSTILE[name], capture_output=True, check=False)
        assert (done.returncode, done.stdout) == (3, b"")
        assert done.stderr == run(*command[3:], data=HOSTILE[name]).stderr


@pytest.mark.parametrize(
    "document",
    [
        "{",
        "[]",
        "{}",
        '{"A_per_h": [[1, 2]], "doses": [], "times_h": [1]}',
        '{"A_per_h": [[NaN]], "doses": [], "times_h": [1]}',
        f'{{"A_per_h": [[-1{"0" * 400}]], "doses": [], "times_h": [1]}}',
        f'{{"A_per_h": [[-1]], "doses": [], "times_h": [1{"0" * 400}]}}',
        f'{{"A_per_h": [[-1]], "doses": [{{"time_h": 0, "amount": 1{"0" * 400}}}], "times_h": [1]}}',
        '{"A_per_h": [[-1]], "doses": [{"time_h": 0, "amount": 1, "compartment": 1e400}], "times_h": [1]}',
    ],
)
def test_a_system_that_cannot_be_solved_is_refused(document: str) -> None:
    done = run("solve", "-", "--json", data=document.encode())
    assert done.returncode == 3
    assert b"Traceback" not in done.stderr


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for name in (str(tmp_path / "nothing.json"), str(tmp_path), "a\0b"):
        done = run("plan", name)
        assert done.returncode == 3
        assert b"Traceback" not in done.stderr


def test_a_page_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / "missing-folder" / "page.html"
    done = run("plan", "-", "--html", str(target), data=GOOD)
    assert done.returncode == 3
    assert list(tmp_path.iterdir()) == []


def test_unusual_but_sound_input_is_read() -> None:
    for data in (GOOD, b"\xef\xbb\xbf" + GOOD, gzip.compress(GOOD), gzip.compress(GOOD[:9]) + gzip.compress(GOOD[9:])):
        assert run("assess", "-", "--on", "2026-11-24", "--json", data=data).returncode == 0
