"""The command `ketapath` in this process, with everything that a script would see of it.

That it is also a process of its own, with these codes and streams, is shown by the commands of the README.
"""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from unittest.mock import patch

from ketapath.cli import main


@dataclass(frozen=True)
class Ended:
    """How the command ended, and what it said."""

    returncode: int
    stdout: bytes
    stderr: bytes


def run(*arguments: str, data: bytes = b"") -> Ended:
    """The command with `data` on its standard input. An exception that no caller was meant to see comes out here."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err), patch("sys.stdin", io.TextIOWrapper(io.BytesIO(data))):
        try:
            code = main(arguments)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return Ended(code, out.buffer.getvalue(), err.buffer.getvalue())  # type: ignore[attr-defined]
