"""What does an archive hold? Tables as lines of JSON, a few files, and a manifest that says what has to be in them.

A row is a list of its values in the order of the manifest's columns, times in UTC, keys sorted: the same row has the
same line, and so the same hash, on either database.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Any, cast

from clinic.backup.sealed import Opened, is_sealed
from ketapath.errors import BadInput

FORMAT = 1
MANIFEST = "manifest.json"
_LONGEST = 512 * 1024 * 1024  # no line of ours comes near; a file that only pretends to be an archive ends here


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table: its columns in the order of the lines, how many rows, and the hash over all lines."""

    model: str
    columns: tuple[str, ...]
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What the archive holds, made when and from what. `steps` are the schema's, as "app.name"."""

    format: int
    version: str
    made_at: str
    database: str
    steps: tuple[str, ...]
    tables: Mapping[str, Table]
    files: Mapping[str, str] = field(default_factory=dict)
    head: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """All rows of all tables."""
        return sum(table.rows for table in self.tables.values())

    def text(self) -> str:
        """As the archive keeps it."""
        return json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False)


def line_of(values: Iterable[object]) -> bytes:
    """One row as its line."""
    said = json.dumps(list(values), ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=_plain)
    return said.encode() + b"\n"


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    return str(value)


class Archive:
    """An archive that is open for reading. Raises BadInput for what is none, and for one of a later format."""

    def __init__(self, file: IO[bytes], passphrase: str | None) -> None:
        inner: IO[bytes] = file
        if is_sealed(file):
            if passphrase is None:
                raise BadInput(
                    field="--passphrase-file", found="none", limit="needed: this backup is encrypted",
                    next_step="Name the file that holds its passphrase.",
                )  # fmt: skip
            inner = cast("IO[bytes]", Opened(file, passphrase))
        try:
            self._zip = zipfile.ZipFile(inner)
            said = json.loads(self._zip.read(MANIFEST))
            tables = {name: Table(**{**t, "columns": tuple(t["columns"])}) for name, t in said.pop("tables").items()}
            self.manifest = Manifest(**{**said, "steps": tuple(said["steps"]), "tables": tables})
        except (zipfile.BadZipFile, KeyError, ValueError, TypeError, OSError, EOFError) as problem:
            raise damaged("no manifest that can be read") from problem
        if self.manifest.format != FORMAT:
            raise BadInput(
                field="backup", found=f"format {self.manifest.format}", limit=f"format {FORMAT}",
                next_step=f"Restore it with ketapath {self.manifest.version} or newer.",
            )  # fmt: skip

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a table, each with its end."""
        try:
            with self._zip.open(f"tables/{name}.jsonl") as file:
                while line := file.readline(_LONGEST):
                    yield line
        except (zipfile.BadZipFile, KeyError, OSError, EOFError, ValueError) as problem:
            raise damaged(f"table {name} that cannot be read") from problem

    def file(self, name: str) -> bytes:
        """One of the files beside the tables."""
        try:
            return self._zip.read(f"files/{name}")
        except (zipfile.BadZipFile, KeyError, OSError, EOFError, ValueError) as problem:
            raise damaged(f"file {name} that cannot be read") from problem

    def check(self) -> None:
        """Raises BadInput where a table or file is not what the manifest says."""
        for name, table in self.manifest.tables.items():
            rows, digest = 0, hashlib.sha256()
            for line in self.lines(name):
                rows += 1
                digest.update(line)
            if (rows, digest.hexdigest()) != (table.rows, table.sha256):
                raise damaged(f"table {name} with other rows than its manifest says")
        for name, expected in self.manifest.files.items():
            if hashlib.sha256(self.file(name)).hexdigest() != expected:
                raise damaged(f"file {name} with other content than its manifest says")


def look(path: Path, passphrase: str | None) -> Manifest:
    """Read an archive through and hold it to its manifest, without restoring anything.

    Raises BadInput where it is damaged, and OSError where it cannot be read.
    """
    with path.open("rb") as file:
        archive = Archive(file, passphrase)
        archive.check()
        return archive.manifest


def damaged(what: str) -> BadInput:
    """The one sentence about an archive that is not whole."""
    return BadInput(field="backup", found=what, limit="a backup of ketapath as it was written",
                    next_step="Take another backup, or another copy of this one. Nothing was restored.")  # fmt: skip
