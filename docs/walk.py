"""The page that follows one person from the first score to relapse and back: every number in it is the program's own.

`make reference` writes it; a test holds it to what would be written, so the commands on it run in every build.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

from ketapath.cli import main

ROOT = Path(__file__).parents[1]
RECORD = "examples/walk/to-relapse-and-back.json"
STEPS = (
    (
        "2026-07-21",
        "The first score",
        "A PHQ-9 of 18 with an answer above zero to item 9, and no session yet. The risk comes first.",
    ),
    (
        "2026-08-04",
        "The first infusion",
        "Given today; the PHQ-9 of yesterday was 20. The curve is what such treatment leads to expect of somebody who "
        "starts there, with a wide band.",
    ),
    (
        "2026-08-11",
        "A first score under treatment",
        "15, a little better. Early on that is no reason to go on, nor to stop.",
    ),
    ("2026-08-25", "Response", "Six infusions; PHQ-9 7. More than half of the symptoms are gone."),
    ("2026-10-06", "The way back", "Six weeks without a session: 6, then 9, then 15."),
    (
        "2026-10-12",
        "Relapse",
        "PHQ-9 17: what had gone has come back. The card says to stop and names what would turn it around; Marta and "
        "her prescriber write down why they try a second series.",
    ),
    ("2026-10-21", "Infusions again", "A second series has begun; PHQ-9 10."),
    ("2026-11-24", "And back", "Two more infusions, two weeks apart; PHQ-9 5."),
)


def walk_page() -> Iterator[str]:
    """The page follow-one-person.md, line by line."""
    yield from (
        "# Follow one person to relapse and back",
        "",
        "Marta Lindqvist is invented; her record is `"
        + RECORD
        + "`, written by `examples/build.py`. Each step below is the",
        "same command on another day, as if the clinic had asked then. Written by `make reference`.",
        "",
        "Her goal, in her own words: walk to the lake with my daughter on Sundays.",
    )
    for day, title, words in STEPS:
        yield from ("", f"## {title}", "", *textwrap.wrap(words, 120))
        yield from ("", "```", f"$ ketapath update {RECORD} --on {day}")
        yield from _shown(_said(day))
        yield "```"
    yield from (
        "",
        "The program proposes; people decide.",
    )


def _said(day: str) -> str:
    out = io.StringIO()
    with redirect_stdout(out):
        code = main(["update", str(ROOT / RECORD), "--on", day])
    if code != 0:
        raise SystemExit(f"ketapath update --on {day} ended with {code}")
    return out.getvalue()


def _shown(text: str) -> Iterator[str]:
    """The decision without its rules' findings, then the course up to the table of every scale."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(("Early sign", "PHQ-9 at baseline")))
    end = next((i for i, line in enumerate(lines) if line.startswith("Every scale")), len(lines))
    head = next(i for i, line in enumerate(lines) if line.startswith(("Against it", "Rules:")))
    yield from lines[:head]
    yield "[...]"
    yield from lines[start:end]


if __name__ == "__main__":
    print("\n".join(walk_page()))
