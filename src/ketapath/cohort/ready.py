"""Which designs are there to start from? One file each in designs/; the command line and the clinic read the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent / "designs"


def ready() -> Mapping[str, bytes]:
    """The files by their names without ending, in alphabetical order."""
    return {path.stem: path.read_bytes() for path in sorted(FOLDER.glob("*.yaml"))}
