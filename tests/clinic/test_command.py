"""The command of the clinic: an empty folder becomes a practice with people, and mistakes are told in one line."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.store.places import Place

COMMAND = str(Path(sys.executable).with_name("ketapath-clinic"))
EXAMPLE = Path(__file__).parents[2] / "examples" / "patients" / "treatment-resistant-depression.json"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    surroundings = {**os.environ, "DATA_DIR": str(folder)}
    surroundings.pop("DATABASE_URL", None)
    return subprocess.run(
        [COMMAND, *arguments], env=surroundings, capture_output=True, text=True, timeout=60, check=False
    )


def begin(folder: Path, *commands: tuple[str, ...]) -> None:
    """Several commands in one process, each of which has to succeed."""
    for code, _said, complained in Place(folder).run_all(*map(list, commands)):
        assert code == 0, complained


REAL = ("create-practice", "real", "--name", "Real Clinic")
NINA = ("create-user", "nina", "--name", "Nina", "--role", "nurse", "--practice", "real")


def test_from_an_empty_folder_to_a_person_on_record(tmp_path: Path) -> None:
    dana = ["create-user", "dana", "--name", "Dana", "--role", "coordinator", "--practice", "real"]
    bring, code = ["import", str(EXAMPLE), "--as", "dana"], ["new-code", "dana"]
    rest = [bring, bring, code, ["close-account", "dana"], code, ["rebuild"], ["verify-audit"]]
    told = Place(tmp_path).run_all([*REAL, "--zone", "Europe/Berlin"], dana, *rest)
    practice, made, taken, again, fresh, closed, refused, rebuilt, verified = told
    assert (practice[0], made[0]) == (0, 0)
    assert "signs in once with" in made[1]
    assert taken[0] == 0, taken
    assert taken[1].startswith("treatment-resistant-depression: ")
    assert ": 0 resources stored, 0 updated, " in again[1]
    assert " unchanged, 0 quarantined\n" in again[1]
    assert "signs in once with" in fresh[1]
    assert closed[0] == 0
    assert "an open account" in refused[2]
    assert rebuilt[1] == "real: 1 people\n"
    assert "blocks: intact" in verified[1]
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0


def test_what_was_kept_apart_is_told_and_a_whole_chart_moves_house(tmp_path: Path) -> None:
    record = json.loads(EXAMPLE.read_text())
    record["entry"].append({"resource": {"resourceType": "Observation", "id": "odd", "wieght": 1}})
    sent, out = tmp_path / "sent.json", tmp_path / "out.json"
    sent.write_text(json.dumps(record))
    patient, bosses = "treatment-resistant-depression", []
    for slug in ("one", "two"):
        boss = ("create-user", f"boss-{slug}", "--name", slug, "--role", "director", "--practice", slug)
        bosses += [("create-practice", slug, "--name", slug), boss]
    begin(tmp_path, *bosses)
    taken, again, export, moved, nobody = Place(tmp_path).run_all(
        ["import", str(sent), "--as", "boss-one", "--strict", "--json"],
        ["import", str(sent), "--as", "boss-one"],
        ["export", patient, "--practice", "one", "--as", "boss-one", "-o", str(out)],
        ["import", str(out), "--as", "boss-two", "--whole-chart"],
        ["export", "nobody", "--practice", "one", "--as", "boss-one", "-o", str(tmp_path / "x")],
    )
    assert taken[0] == 1, taken[2]
    apart = json.loads(taken[1])["quarantined"]
    assert [one["resource"] for one in apart] == ["Observation/odd"]
    assert "Observation.wieght is not known" in apart[0]["problems"]
    assert "Observation/odd: " in again[1]
    assert export[0] == 0, export[2]
    assert out.stat().st_mode & 0o077 == 0
    assert moved[0] == 0, moved[2]
    assert "1 quarantined" in moved[1]
    assert (nobody[0], (tmp_path / "x").exists()) == (3, False)


MISTAKES = {
    ("create-user", "x", "--name", "X", "--role", "nurse", "--practice", "nowhere"): (3, "a practice that exists"),
    ("create-practice", "x", "--name", "X", "--zone", "Mars/Base"): (3, "a time zone such as"),
    ("import", "no-such-file.json", "--as", "nobody"): (3, "an account that exists"),
    ("export-audit", "--format", "csv", "--since", "x", "-o", "/dev/null"): (3, "a day such as"),
    ("replay", "x", "--practice", "y"): (3, "a stored recommendation"),
    ("create-user",): (2, "required"),
    ("fly",): (2, "invalid choice"),
}


def test_a_mistake_is_told_in_a_line(tmp_path: Path) -> None:
    told = Place(tmp_path).run_all(*map(list, MISTAKES))
    assert [code for code, _out, _complained in told] == [code for code, _said in MISTAKES.values()]
    for (_code, _out, complained), (_, said) in zip(told, MISTAKES.values(), strict=True):
        assert said in complained
        assert "Traceback" not in complained


def test_a_role_that_may_not_import_is_told_so(tmp_path: Path) -> None:
    *_made, (code, _out, complained) = Place(tmp_path).run_all(
        [*REAL], [*NINA], ["import", str(EXAMPLE), "--as", "nina"]
    )
    assert code == 3
    assert "a coordinator or director" in complained


def test_the_worker_of_its_own_ends_when_it_is_told(tmp_path: Path) -> None:
    begin(tmp_path, REAL)
    surroundings = {**os.environ, "DATA_DIR": str(tmp_path)}
    surroundings.pop("DATABASE_URL", None)
    worker = subprocess.Popen([COMMAND, "worker"], env=surroundings, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    database = sqlite3.connect(tmp_path / "clinic.sqlite3", timeout=20)
    while not database.execute("SELECT 1 FROM record_errand WHERE kind = 'morning-round'").fetchone():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    worker.send_signal(signal.SIGTERM)
    _, said = worker.communicate(timeout=30)
    assert (worker.returncode, said) == (0, "")


@pytest.mark.requirement(38, 40)
def test_the_trail_of_a_stopped_clinic_is_sealed_exported_and_found_out_when_somebody_edits_the_file(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    begin(home, REAL, NINA)
    surroundings = {**os.environ, "DATA_DIR": str(home)}
    surroundings.pop("DATABASE_URL", None)
    worker = subprocess.Popen([COMMAND, "worker"], env=surroundings)
    database, deadline = sqlite3.connect(home / "clinic.sqlite3", timeout=20), time.monotonic() + 30
    while not database.execute("SELECT 1 FROM record_errand WHERE kind = 'verify-audit'").fetchone():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    database.close()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=30) == 0
    file = tmp_path / "trail.csv"
    (exported, *_), (_code, verdict, _) = Place(home).run_all(
        ["export-audit", "--format", "csv", "--since", "2026-01-01", "-o", str(file)], ["verify-audit", "--json"]
    )
    assert exported == 0
    assert [line.split(",")[5] for line in file.read_text().splitlines()[1:]] == ["create-user", "export-audit"]
    whole = json.loads(verdict)
    assert (whole["is_intact"], whole["rows"], whole["unsealed"], whole["anchored_to"]) == (True, 2, 1, 1)
    attacked = sqlite3.connect(home / "clinic.sqlite3")
    attacked.execute("DROP TRIGGER access_auditrow_no_update")
    attacked.execute("UPDATE access_auditrow SET who = 'nobody' WHERE id = 1")
    attacked.commit()
    attacked.close()
    found = run(home, "verify-audit")
    assert found.returncode == 1
    assert "BROKEN" in found.stdout
    assert "row 1 is not as it was written" in found.stdout


def test_a_folder_that_cannot_be_written_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = run(tmp_path / "file", "migrate")
    assert found.returncode == 3
    assert "Traceback" not in found.stderr
