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

COMMAND = str(Path(sys.executable).with_name("ketapath-clinic"))
EXAMPLE = Path(__file__).parents[2] / "examples" / "patients" / "treatment-resistant-depression.json"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    surroundings = {**os.environ, "DATA_DIR": str(folder)}
    surroundings.pop("DATABASE_URL", None)
    return subprocess.run(
        [COMMAND, *arguments], env=surroundings, capture_output=True, text=True, timeout=60, check=False
    )


def test_from_an_empty_folder_to_a_person_on_record(tmp_path: Path) -> None:
    assert run(tmp_path, "create-practice", "real", "--name", "Real Clinic", "--zone", "Europe/Berlin").returncode == 0
    made = run(tmp_path, "create-user", "dana", "--name", "Dana", "--role", "coordinator", "--practice", "real")
    assert made.returncode == 0
    assert "signs in once with" in made.stdout
    taken = run(tmp_path, "import", str(EXAMPLE), "--as", "dana")
    assert taken.returncode == 0, taken.stderr
    assert taken.stdout.startswith("treatment-resistant-depression: ")
    again = run(tmp_path, "import", str(EXAMPLE), "--as", "dana")
    assert (
        again.stdout == "treatment-resistant-depression: 0 resources stored, 0 updated, 21 unchanged, 0 quarantined\n"
    )
    assert "signs in once with" in run(tmp_path, "new-code", "dana").stdout
    assert run(tmp_path, "close-account", "dana").returncode == 0
    assert "an open account" in run(tmp_path, "new-code", "dana").stderr
    assert run(tmp_path, "rebuild").stdout == "real: 1 people\n"
    assert "blocks: intact" in run(tmp_path, "verify-audit").stdout
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("create-user", "x", "--name", "X", "--role", "nurse", "--practice", "nowhere"), 3, "a practice that exists"),
        (("create-practice", "x", "--name", "X", "--zone", "Mars/Base"), 3, "a time zone such as"),
        (("import", "no-such-file.json", "--as", "nobody"), 3, "an account that exists"),
        (("export-audit", "--format", "csv", "--since", "x", "-o", "/dev/null"), 3, "a day such as"),
        (("replay", "x", "--practice", "y"), 3, "a stored recommendation"),
        (("create-user",), 2, "required"),
        (("fly",), 2, "invalid choice"),
    ],
)
def test_a_mistake_is_told_in_a_line(tmp_path: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    found = run(tmp_path, *arguments)
    assert found.returncode == code
    assert said in found.stderr
    assert "Traceback" not in found.stderr


def test_a_role_that_may_not_import_is_told_so(tmp_path: Path) -> None:
    run(tmp_path, "create-practice", "real", "--name", "Real Clinic")
    run(tmp_path, "create-user", "nina", "--name", "Nina", "--role", "nurse", "--practice", "real")
    found = run(tmp_path, "import", str(EXAMPLE), "--as", "nina")
    assert found.returncode == 3
    assert "a coordinator or director" in found.stderr


def test_the_worker_of_its_own_ends_when_it_is_told(tmp_path: Path) -> None:
    run(tmp_path, "create-practice", "real", "--name", "Real Clinic")
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
    run(home, "create-practice", "real", "--name", "Real Clinic")
    run(home, "create-user", "nina", "--name", "Nina", "--role", "nurse", "--practice", "real")
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
    assert run(home, "export-audit", "--format", "csv", "--since", "2026-01-01", "-o", str(file)).returncode == 0
    assert [line.split(",")[5] for line in file.read_text().splitlines()[1:]] == ["create-user", "export-audit"]
    whole = json.loads(run(home, "verify-audit", "--json").stdout)
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
