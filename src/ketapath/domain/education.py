"""What does a text for patients claim, what does it leave out, and how hard is it to read? The nouns of education."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ketapath.domain.evidence import Evidence, Text

ClaimVerdict = Literal["false", "misleading", "unsupported", "exaggerated", "needs-substantiation"]
"""What is wrong with a claim: untrue, true only in part, without evidence, blown up, or lacking the study it names."""

Left = Literal["harm", "cost", "alternatives"]
"""What a text that speaks of benefit may leave out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A piece of a text: the words as a reader sees them, and where they stand in the source, end excluded.

    In HTML `start` and `end` count the characters of the source with its tags and entities.
    """

    quote: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimFound:
    """One claim that the text makes, what is wrong with it, and the sentence that would be honest."""

    claim: str
    title: str
    verdict: ClaimVerdict
    at: Passage
    balanced: str
    evidence: tuple[Evidence, ...]
    needs_approval: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Omission:
    """A benefit is stated at this place, and nowhere in the text is there a word on what is left out."""

    left_out: Left
    at: Passage
    statement: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How hard the text is to read, by formulas for English. A figure is None where the text is too short for it."""

    words: int
    sentences: int
    flesch_reading_ease: float | None
    flesch_kincaid_grade: float | None
    smog_grade: float | None
    notes: tuple[Text, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimsReport:
    """Everything the checker has to say about one text, in the order of the text."""

    claims: tuple[ClaimFound, ...]
    omissions: tuple[Omission, ...]
    reading: Reading
