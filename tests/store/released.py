"""Records as earlier releases wrote them, for the tests of upgrading.

`make released` (`python -m tests.store.released VERSION`) writes `released/VERSION.sql.xz` from this very code: the
demonstration at a fixed instant as statements of SQLite. It is made once, on the commit that is released, and never
changed. For another commit give its source folder in PYTHONPATH.
"""

from __future__ import annotations

import lzma
import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent / "released"
MADE_AT = "2026-11-25T16:00:00+00:00"
FILL = f"""
import os, django
from datetime import datetime
os.environ["DJANGO_SETTINGS_MODULE"] = "clinic.settings"
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from clinic import clock
from clinic.demo.load import load_demo
with clock.supposed(datetime.fromisoformat("{MADE_AT}")):
    load_demo()
"""


def statements(version: str) -> str:
    """The record of this release as SQLite's statements."""
    return lzma.decompress((FOLDER / f"{version}.sql.xz").read_bytes()).decode()


def versions() -> list[str]:
    """Every release that there is a record of, oldest first."""
    found = (path.name.removesuffix(".sql.xz") for path in FOLDER.glob("*.sql.xz"))
    return sorted(found, key=lambda name: [int(part) for part in name.split(".")])


def make(version: str) -> Path:
    """Write the record of the code that is imported here."""
    target = FOLDER / f"{version}.sql.xz"
    if target.exists():
        raise SystemExit(f"{target} is there already; the record of a release is never changed")
    with tempfile.TemporaryDirectory() as folder:
        surroundings = {**os.environ, "DATA_DIR": folder, "DATABASE_URL": ""}
        subprocess.run([sys.executable, "-c", FILL], env=surroundings, check=True)
        with sqlite3.connect(Path(folder) / "clinic.sqlite3") as made:
            text = "\n".join(made.iterdump())
        made.close()
    FOLDER.mkdir(exist_ok=True)
    target.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
    return target


if __name__ == "__main__":
    path = make(sys.argv[1])
    print(f"{path}: {path.stat().st_size // 1024} KiB")
