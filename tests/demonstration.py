"""The demonstration clinic as one SQLite file, made once a run: `python -m tests.demonstration FILE [small]`.

Playing its weeks takes a quarter of a minute. Tests of the clinic copy the file into their database, houses in front
of a browser into their folder; nobody writes into it.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path


def made_once(folder: Path, size: str = "small") -> Path:
    """The file of this size ("small", or "whole" with the day in eight rooms); whoever comes first makes it."""
    file = folder / f"demonstration-{size}.sqlite3"
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            subprocess.run([sys.executable, "-m", "tests.demonstration", str(file), size], check=True)
    return file


def copied(file: Path, into: sqlite3.Connection) -> None:
    """Fill this database with the file, whatever stood in it."""
    with closing(sqlite3.connect(file)) as made:
        made.backup(into)


def main(file: Path, size: str) -> None:
    """Make it."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DJANGO_SETTINGS_MODULE": "clinic.settings", "DATA_DIR": folder}
        os.environ.pop("DATABASE_URL", None)
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection
        from tests.daytime import hours_ahead

        from clinic import clock
        from clinic.demo.load import load_demo  # these read the settings

        call_command("migrate", verbosity=0)
        clock.be_ahead(timedelta(hours=hours_ahead()))
        load_demo(with_day=size == "whole")
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [f"{file}.new"])
        connection.close()
        Path(f"{file}.new").rename(file)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
