"""How hard is a text to read? Three published formulas for English prose, with a count of syllables of our own.

- Flesch reading ease: 206.835 - 1.015 words/sentences - 84.6 syllables/words (Flesch R, J Appl Psychol 1948;32:221).
- Flesch-Kincaid grade: 0.39 words/sentences + 11.8 syllables/words - 15.59 (Kincaid JP et al., US Navy, Research
  Branch Report 8-75, 1975).
- SMOG grade: 3.1291 + 1.0430 sqrt(30 x words of three or more syllables / sentences) (McLaughlin GH, J Reading
  1969;12:639).

Limits: the formulas count length, not sense; they hold for English prose of some length. Below 100 words no figure is
given, and SMOG needs 30 sentences. Headings, table cells and attributes are no prose and are not counted. Syllables
are counted by rules of spelling: single words may be off by one, a text by a few per cent. A number is one syllable.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache

from ketapath.domain.education import Reading
from ketapath.domain.evidence import Text
from ketapath.education.guards import Read
from ketapath.education.visible import Visible

FEWEST_WORDS = 100
"""Flesch took samples of 100 words."""

FEWEST_SENTENCES = 30
"""McLaughlin's count is of 30 sentences."""

_VOWELS = re.compile(r"[aeiouy]+")
_SPLIT_VOWELS = re.compile(r"i[ao](?!u)|iet|[^q]u[ao]|eo|[aeo]i?ing$|ying$|[^cgts]ious$|ier$|iest$|ua[lt]|ia[lt]")
_SILENT_END = re.compile(r"(?:[^l]|[aeiouy]l)e$|[^aeioutdy]ed$|(?:[^sxzcgh]|[^cs]h)es$")
_SAID_TOGETHER = re.compile(r"[ct]i(?:on|ous|al|an|ent|ence)|[gs]ion|eous?|ia[gt]e?$|[lt]ier$")
_EXCEPTIONS = {
    "every": 2,
    "being": 2,
    "people": 2,
    "area": 3,
    "idea": 3,
    "science": 2,
    "quiet": 2,
    "business": 2,
    "evening": 2,
}
_PROSE = frozenset({"text", "item"})


def reading(text: Sequence[Read], seen: Visible) -> Reading:
    """Reading level of the prose of a text; a figure is None where the text is too short, and a note says so."""
    prose = [now for now in text if now.sentence.block.kind in _PROSE]
    spans = [dict.fromkeys((t.start, t.end) for t in now.sentence.tokens) for now in prose]
    counts = [syllables(seen.text[start:end]) for found in spans for start, end in found]
    words, sentences = len(counts), len(prose)
    notes: list[Text] = []
    if words < FEWEST_WORDS:
        notes.append(Text(key="education.reading.short", values={"words": words, "needed": FEWEST_WORDS}))
        return Reading(
            words=words, sentences=sentences, flesch_reading_ease=None, flesch_kincaid_grade=None, smog_grade=None,
            notes=tuple(notes),
        )  # fmt: skip
    length, weight = words / sentences, sum(counts) / words
    smog = None
    if sentences >= FEWEST_SENTENCES:
        smog = 3.1291 + 1.0430 * math.sqrt(30 * sum(n >= 3 for n in counts) / sentences)
    else:
        notes.append(
            Text(key="education.reading.few_sentences", values={"sentences": sentences, "needed": FEWEST_SENTENCES})
        )
    return Reading(
        words=words,
        sentences=sentences,
        flesch_reading_ease=206.835 - 1.015 * length - 84.6 * weight,
        flesch_kincaid_grade=0.39 * length + 11.8 * weight - 15.59,
        smog_grade=smog,
        notes=tuple(notes),
    )


@lru_cache(maxsize=65536)
def syllables(word: str) -> int:
    """The syllables of an English word by its spelling, at least one; a number counts one.

    >>> [syllables(w) for w in ("depression", "treated", "people", "anaesthetic", "time", "2026")]
    [3, 2, 2, 4, 1, 1]
    """
    letters = re.sub(r"[^a-z]", "", word.lower().replace("ae", "e").replace("oe", "e"))
    if letters in _EXCEPTIONS:
        return _EXCEPTIONS[letters]
    count = len(_VOWELS.findall(letters))
    count += len(_SPLIT_VOWELS.findall(letters)) - len(_SAID_TOGETHER.findall(letters))
    count -= len(_SILENT_END.findall(letters)) if count > 1 else 0
    return max(1, count)
