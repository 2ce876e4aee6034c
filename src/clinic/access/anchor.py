"""How far had the trail been sealed? A file outside the database that is only added to, one line for each block.

A line is a block's number, its digest, how many rows it has, and when it was sealed. It is on the disk (fsync) before
the block counts as anchored. After a restore from a backup a line says to which block the database went back.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from clinic.access.models import AuditBlock

_LONGEST_LINE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: a block that was sealed, or (`is_restore`) the block at which a restored database stood."""

    number: int
    digest: str
    rows: int
    at: str
    is_restore: bool = False

    @property
    def text(self) -> str:
        """As it stands in the file."""
        return f"{'restored ' if self.is_restore else ''}{self.number} {self.digest or '-'} {self.rows} {self.at}"

    @classmethod
    def about(cls, block: AuditBlock) -> Line:
        """The line of a block; however often it is written, it is the same."""
        return cls(number=block.number, digest=block.digest, rows=block.rows, at=_instant(block.sealed_at))

    @classmethod
    def restored(cls, head: AuditBlock | None, at: datetime) -> Line:
        """The line that says to which block the database went back."""
        number, digest = (head.number, head.digest) if head else (0, "")
        return cls(number=number, digest=digest, rows=0, at=_instant(at), is_restore=True)

    @classmethod
    def of(cls, text: str) -> Line | None:
        """The line that was written; None for what is none, such as half a line of before a crash."""
        words = text.split(" ")
        is_restore = words[0] == "restored"
        match words[is_restore:]:
            case [number, digest, rows, at] if number.isdigit() and rows.isdigit() and _is_instant(at):
                digest = "" if digest == "-" else digest
                return cls(number=int(number), digest=digest, rows=int(rows), at=at, is_restore=is_restore)
        return None


@dataclass(frozen=True, slots=True)
class Anchor:
    """The file. Whoever reads it streams it; it grows by about a hundred bytes for each block."""

    path: Path

    @classmethod
    def of_installation(cls) -> Anchor:
        """The one that the settings name."""
        return cls(Path(settings.AUDIT_ANCHOR))

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Hold it against other processes of this computer; False where one of them holds it already.

        Raises OSError where the file cannot be written: then nothing is sealed either.
        """
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True
        finally:
            os.close(handle)

    def last(self) -> Line | None:
        """The last whole line."""
        if not self.path.exists():
            return None
        with self.path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 10 * _LONGEST_LINE))
            tail = file.read().decode(errors="replace").split("\n")
        found = [Line.of(text) for text in tail[:-1]]  # behind the last line end stands nothing, or half a line
        return next((line for line in reversed(found) if line is not None), None)

    def add(self, lines: Sequence[Line]) -> None:
        """Add these, and return once the disk has them."""
        is_new = not self.path.exists() or self.path.stat().st_size == 0
        with self.path.open("ab") as file:
            text = "".join(line.text + "\n" for line in lines)
            file.write((b"" if is_new or self._ends_whole() else b"\n") + text.encode())
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def lines(self) -> Iterator[Line | None]:
        """Every line in order; None for one that is damaged. What a crash left behind is passed over.

        That is half a line, which is the beginning of the line after it or the end of the file, or a line twice.
        """
        if not self.path.exists():
            return
        half = before = ""
        with self.path.open(errors="replace") as file:
            for written in file:
                text = written.removesuffix("\n")
                if text == before:
                    continue
                line, before = Line.of(text), text
                if half and not text.startswith(half):
                    yield None
                half = ""
                if line is not None and written.endswith("\n"):
                    yield line
                else:
                    half = text if written.endswith("\n") else ""
        if half:
            yield None

    def _ends_whole(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"


def _instant(at: datetime) -> str:
    """With a Z at its end, so that half an instant is not taken for a whole one."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _is_instant(text: str) -> bool:
    try:
        return text.endswith("Z") and bool(datetime.fromisoformat(text))
    except ValueError:
        return False
