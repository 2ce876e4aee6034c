"""What the honest-claims checker found, as stable JSON and for a reader in a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from ketapath.domain.education import ClaimFound, ClaimsReport, Omission, Reading
from ketapath.knowledge import Knowledge
from ketapath.report.json_parts import evidence_forms
from ketapath.report.words import plain, say

_WIDTH = 100
_LONGEST_QUOTE = 160


def claims_json(found: ClaimsReport, knowledge: Knowledge) -> dict[str, Any]:
    """Claims with their places in the source, what is left out, and the reading level."""
    return {
        "claims": [
            {
                "quote": c.at.quote,
                "start": c.at.start,
                "end": c.at.end,
                "claim": c.claim,
                "verdict": c.verdict,
                "balanced": c.balanced,
                "sources": evidence_forms(c.evidence),
            }
            for c in found.claims
        ],
        "omissions": [
            {
                "left_out": o.left_out,
                "quote": o.at.quote,
                "start": o.at.start,
                "end": o.at.end,
                "statement": say(o.statement, knowledge.texts),
            }
            for o in found.omissions
        ],
        "reading": {
            "words": found.reading.words,
            "sentences": found.reading.sentences,
            "flesch_reading_ease": _tenth(found.reading.flesch_reading_ease),
            "flesch_kincaid_grade": _tenth(found.reading.flesch_kincaid_grade),
            "smog_grade": _tenth(found.reading.smog_grade),
            "notes": [say(note, knowledge.texts) for note in found.reading.notes],
        },
    }


def claims_text(found: ClaimsReport, source: str, knowledge: Knowledge) -> str:
    """Each claim with its line, what is wrong with it and the honest sentence; what is left out; the reading level."""
    count = len(found.claims)
    lines = [{0: "No claim found.", 1: "1 claim found"}.get(count, f"{count} claims found")]
    for claim in found.claims:
        lines += ["", *_claim(claim, source)]
    if found.omissions:
        lines += ["", *_omissions(found.omissions, source, knowledge)]
    return plain("\n".join([*lines, "", *_reading(found.reading, knowledge)]))


def _claim(claim: ClaimFound, source: str) -> Iterator[str]:
    yield from _wrap(f"\u201c{_shortened(claim.at.quote)}\u201d", f"line {_line(source, claim.at.start)}: ")
    yield from _wrap(f"{claim.verdict.replace('-', ' ')}: {claim.title} [{claim.claim}]", "  ")
    yield from _wrap(f"Honest would be: {claim.balanced}", "  ")
    approval = "; needs the medical lead's approval" if claim.needs_approval else ""
    yield from _wrap(f"Sources: {', '.join(e.key or e.citation for e in claim.evidence)}{approval}", "  ")


def _omissions(omissions: tuple[Omission, ...], source: str, knowledge: Knowledge) -> Iterator[str]:
    at = omissions[0].at
    yield from _wrap(f"\u201c{_shortened(at.quote)}\u201d", f"Left out, line {_line(source, at.start)}: ")
    for omission in omissions:
        yield from _wrap(say(omission.statement, knowledge.texts), "- ")


def _reading(reading: Reading, knowledge: Knowledge) -> Iterator[str]:
    figures = (
        ("grade {:.1f} (Flesch-Kincaid)", reading.flesch_kincaid_grade),
        ("grade {:.1f} (SMOG)", reading.smog_grade),
        ("reading ease {:.0f} of 100", reading.flesch_reading_ease),
    )
    shown = [words.format(value) for words, value in figures if value is not None]
    if shown:
        yield from _wrap(f"Reading level: {', '.join(shown)}")
    for note in reading.notes:
        yield from _wrap(say(note, knowledge.texts))


def _line(source: str, at: int) -> int:
    return source.count("\n", 0, at) + 1


def _shortened(quote: str) -> str:
    return textwrap.shorten(quote, _LONGEST_QUOTE, placeholder=" ...")


def _tenth(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _wrap(words: str, first: str = "") -> list[str]:
    rest = " " * min(len(first), 4)
    return textwrap.wrap(plain(words), _WIDTH, initial_indent=first, subsequent_indent=rest) or [first]
