"""Installations of a test's own, each with a folder and an empty database of the kind that the tests run on."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

_numbers = itertools.count()
RUN = "import sys; from clinic.cli import main; sys.exit(main())"
SEVERAL = """
import contextlib, io, json, sys
from clinic.cli import main
for arguments in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(arguments)
        except SystemExit as end:
            code = end.code
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
"""
SOURCE = Path(__file__).parents[2]


@dataclass(frozen=True)
class Place:
    """One installation: its surroundings, and how its command is run."""

    folder: Path
    database_url: str = ""

    @property
    def surroundings(self) -> dict[str, str]:
        """What its processes are told."""
        path = f"{SOURCE / 'src'}:{SOURCE}"
        return {**os.environ, "DATA_DIR": str(self.folder), "DATABASE_URL": self.database_url, "PYTHONPATH": path}

    def run(self, *arguments: str, program: str = RUN, **settings: str) -> subprocess.CompletedProcess[str]:
        """A command of this installation, or another program in its surroundings."""
        return subprocess.run(
            [sys.executable, "-c", program, *arguments], env={**self.surroundings, **settings}, capture_output=True,
            text=True, timeout=120, check=False,
        )  # fmt: skip

    def run_all(self, *commands: list[str]) -> list[tuple[int, str, str]]:
        """Several commands one after the other in one process, each with its code and what it said and complained."""
        done = self.run(json.dumps(commands), program=SEVERAL)
        assert done.returncode == 0, done.stderr
        return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


def place(folder: Path, *, on_postgres: bool | None = None) -> Place:
    """A new installation with nothing in it, on the kind of database that these tests run on unless said."""
    url = os.environ.get("DATABASE_URL", "")
    if not (bool(url) if on_postgres is None else on_postgres):
        return Place(folder)
    name = f"place_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
    return Place(folder, urlsplit(url)._replace(path=f"/{name}").geturl())
