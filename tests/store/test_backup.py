"""A copy that is taken while people write is whole, opens for nobody else, and becomes the same record again."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.store.places import Place, place

from clinic.backup import sealed
from clinic.backup.sealed import HEAD, PIECE, TAG, Opened, Sealing
from clinic.backup.take import up_to
from ketapath.errors import BadInput

PASSPHRASE = "a passphrase of some length"
READS = """
import os, json, django
os.environ["DJANGO_SETTINGS_MODULE"] = "clinic.settings"
django.setup()
from clinic.record.models import Version, Current
from clinic.access.models import AuditRow
written = [json.loads(c)["valueString"] for c in Version.objects.order_by("id").values_list("content", flat=True)]
print(json.dumps({"written": written, "standing": Current.objects.count(),
                  "acts": AuditRow.objects.filter(act="state-fact").count()}))
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An installation with a practice and a prescriber."""
    made = place(tmp_path_factory.mktemp("source") / "data")
    practice = ["create-practice", "real", "--name", "Real Clinic"]
    user = ["create-user", "ada", "--name", "Ada", "--role", "prescriber", "--practice", "real"]
    assert [code for code, *_said in made.run_all(practice, user)] == [0, 0]
    (made.folder / "passphrase").write_text(PASSPHRASE + "\n")
    return made


@pytest.fixture(scope="module")
def plain(source: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of it that is not encrypted."""
    file = tmp_path_factory.mktemp("plain") / "copy"
    assert source.run("backup", str(file), "--plain").returncode == 0
    return file


@pytest.mark.requirement(56, 34)
def test_a_copy_taken_while_somebody_writes_holds_whole_acts_up_to_one_moment(source: Place, tmp_path: Path) -> None:
    copy, key = tmp_path / "copy", str(source.folder / "passphrase")
    command = [sys.executable, "-m", "tests.store.writer", "p1", "100000"]
    writer = subprocess.Popen(command, env=source.surroundings, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for _ in range(20):
        writer.stdout.readline()
    taken = source.run("backup", str(copy), "--passphrase-file", key)
    acknowledged_after = [writer.stdout.readline() for _ in range(3)]
    writer.kill()
    rest, _ = writer.communicate()
    last = int((acknowledged_after + rest.split("\n")[:-1])[-1])
    assert taken.returncode == 0, taken.stderr

    again = place(tmp_path / "again")
    restored = again.run("restore", str(copy), "--passphrase-file", key)
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert "none of" in restored.stdout
    assert "DIFFERENT" not in restored.stdout
    assert "rows in 0 blocks: intact" in restored.stdout
    found = json.loads(again.run(program=READS).stdout)
    acts = len(found["written"]) // 2
    assert found["written"] == [f"{n} {half}" for n in range(1, acts + 1) for half in ("first", "second")]
    assert (found["standing"], found["acts"]) == (2 * acts, acts)
    assert 20 <= acts <= last
    assert f"record_version{'':19}{2 * acts:9} rows" in restored.stdout
    assert b"first" not in copy.read_bytes()
    assert copy.stat().st_mode & 0o077 == 0


@pytest.mark.requirement(56)
@pytest.mark.skipif("not os.environ.get('DATABASE_URL')", reason="needs both databases; make test-store has them")
def test_a_copy_of_one_kind_of_database_fills_the_other_and_back(source: Place, plain: Path, tmp_path: Path) -> None:
    assert os.environ["DATABASE_URL"]
    file, second = place(tmp_path / "file", on_postgres=False), tmp_path / "second"
    there = file.run_all(["restore", str(plain)], ["backup", str(second), "--plain"])
    assert [code for code, *_said in there] == [0, 0], there
    server = place(tmp_path / "server", on_postgres=True)
    user = ["create-user", "bo", "--name", "Bo", "--role", "nurse", "--practice", "real"]
    restored, made = server.run_all(["restore", str(second)], user)
    assert restored[0] == 0, restored
    assert "none of" in restored[1]
    assert made[0] == 0, "the numbers of new rows go on after those that were restored"


@pytest.mark.requirement(34)
def test_nothing_is_written_over_and_nothing_unencrypted_unless_that_is_said(
    source: Place, plain: Path, tmp_path: Path
) -> None:
    (tmp_path / "short").write_text("short")
    copy = str(tmp_path / "copy")
    filled, exists, unsaid, short = source.run_all(
        ["restore", str(plain)],
        ["backup", str(plain), "--plain"],
        ["backup", copy],
        ["backup", copy, "--passphrase-file", str(tmp_path / "short")],
    )
    assert (filled[0], "nothing is ever written over" in filled[2]) == (3, True)
    assert (exists[0], "does not exist yet" in exists[2]) == (3, True)
    assert (unsaid[0], "required" in unsaid[2]) == (2, True)
    assert (short[0], "at least 12" in short[2]) == (3, True)
    assert not list(tmp_path.glob("copy*"))


def _newer(manifest: dict[str, Any]) -> None:
    manifest["steps"] = [*manifest["steps"], "record.9999_ahead"]


def _other_rows(manifest: dict[str, Any]) -> None:
    manifest["tables"]["record_practice"]["sha256"] = "0" * 64


def _later_format(manifest: dict[str, Any]) -> None:
    manifest["format"] = 2


CHANGES = {
    "a schema with record.9999_ahead": _newer,
    "table record_practice with other rows": _other_rows,
    "format 2": _later_format,
}


@pytest.mark.requirement(57)
def test_a_newer_schema_or_other_rows_are_told_in_a_line_and_nothing_is_restored(plain: Path, tmp_path: Path) -> None:
    empty = place(tmp_path / "data")
    for said, change in CHANGES.items():
        with zipfile.ZipFile(plain) as old, zipfile.ZipFile(tmp_path / said, "w") as new:
            for name in old.namelist():
                data = old.read(name)
                if name == "manifest.json":
                    manifest = json.loads(data)
                    change(manifest)
                    data = json.dumps(manifest).encode()
                new.writestr(name, data)
    answers = empty.run_all(*(["restore", str(tmp_path / said)] for said in CHANGES), ["restore", str(plain)])
    for (code, _out, err), said in zip(answers, CHANGES, strict=False):
        assert (code, said in err, len(err.splitlines())) == (3, True, 1), err
    assert answers[-1][0] == 0, "the database was left as empty as it was"


def test_what_is_no_backup_is_told_in_a_line(plain: Path, tmp_path: Path) -> None:
    for name, data in {"cut": plain.read_bytes()[:-400], "other": b"PK no backup", "empty": b""}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(BadInput, match="a backup of ketapath as it was written"):
            _looked(tmp_path / name)


def _looked(file: Path) -> object:
    from clinic.backup import look

    return look(file, None)


def _sealed(data: bytes) -> bytes:
    out = io.BytesIO()
    sealing = Sealing(out, PASSPHRASE)
    for start in range(0, len(data), 50_000):
        sealing.write(data[start : start + 50_000])
    sealing.close()
    return out.getvalue()


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_what_was_sealed_opens_as_it_was_at_any_place(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "COST", 2)
    data = random.Random(size).randbytes(size)
    opened = Opened(io.BytesIO(_sealed(data)), PASSPHRASE)
    assert opened.read() == data
    opened.seek(-min(size, 10), 2)
    assert opened.read() == data[-min(size, 10) or size :]


@pytest.mark.requirement(34)
@pytest.mark.parametrize("harm", ["head", "first", "last", "cut", "cut a piece", "swapped", "doubled", "passphrase"])
def test_a_seal_that_was_touched_anywhere_does_not_open(harm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "COST", 2)
    whole = bytearray(_sealed(random.Random(1).randbytes(3 * PIECE + 5)))
    piece = PIECE + TAG
    pieces = [whole[HEAD + n * piece : HEAD + (n + 1) * piece] for n in range(4)]
    if harm in ("head", "first", "last"):
        whole[{"head": HEAD - 3, "first": HEAD + 9, "last": -1}[harm]] ^= 1
    changed = {
        "cut": whole[:-3], "cut a piece": whole[: HEAD + 3 * piece],
        "swapped": whole[:HEAD] + pieces[1] + pieces[0] + pieces[2] + pieces[3],
        "doubled": whole[:HEAD] + pieces[0] + pieces[0] + pieces[2] + pieces[3],
    }.get(harm, whole)  # fmt: skip
    with pytest.raises(BadInput, match="damage"):
        Opened(io.BytesIO(changed), "another phrase" if harm == "passphrase" else PASSPHRASE).read()


def test_the_anchor_goes_with_the_copy_only_as_far_as_the_copy_goes() -> None:
    anchor = b"1 aa 3 2026\n2 bb 4 2026\n3 cc 1 2026\n"
    assert up_to(anchor, 2) == b"1 aa 3 2026\n2 bb 4 2026\n"
    assert up_to(b'{"number": 1}\n{"number": 2}\n', 1) == b'{"number": 1}\n'
