"""How does a command read and print? Files, standard input, JSON, words; nothing of medicine."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ketapath.errors import BadInput

MAX_BYTES = 64 * 1024 * 1024


def read(name: str) -> bytes:
    """The bytes of a file, or of standard input for "-". Raises BadInput for what cannot be read."""
    try:
        if name == "-":
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        with Path(name).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as problem:
        said = problem.strerror if isinstance(problem, OSError) and problem.strerror else "not a file name"
        raise BadInput(field="file", found=name, limit=said, next_step="Check the name and the rights.") from problem


def parsed(data: bytes) -> Any:
    """What this JSON says. Raises BadInput, also for NaN and Infinity, which are no JSON."""

    def no_constant(text: str) -> Any:
        raise ValueError(f"{text} is no JSON number")

    try:
        return json.loads(data, parse_constant=no_constant)
    except (ValueError, RecursionError) as problem:
        raise BadInput(
            field="file", found=str(problem), limit="valid JSON", next_step="Check what was sent."
        ) from problem


def write(path: Path, data: bytes) -> None:
    """Whole or not at all: a full disk leaves no half page behind."""
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as problem:
        partial.unlink(missing_ok=True)
        raise BadInput(
            field="output file",
            found=str(path),
            limit=problem.strerror or "cannot be written",
            next_step="Check the folder, its rights and the free space.",
        ) from problem


def tell(arguments: argparse.Namespace, form: Mapping[str, Any], words: str) -> None:
    """The form as JSON where it was asked for, else the words."""
    if arguments.json:
        print_json(form)
    else:
        print(words)


def print_json(form: Mapping[str, Any]) -> None:
    """JSON on standard output; a number that is not finite is an error of ours."""
    json.dump(form, sys.stdout, ensure_ascii=False, allow_nan=False, indent=1)
    print()


def numbers(text: str) -> tuple[float, ...]:
    """Numbers separated by commas, for an option."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as problem:
        raise argparse.ArgumentTypeError("numbers separated by commas are needed") from problem
