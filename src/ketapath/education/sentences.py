"""Where does a sentence begin and end, and what stands between its words? Cuts seen text into sentences of tokens.

`sentences(seen)` is the public verb. A sentence never crosses a block. A full stop ends one unless it belongs to an
abbreviation or a number; a line break does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from ketapath.education.visible import Block, Visible
from ketapath.knowledge.tokens import Token, one_spelling, tokens

_ABBREVIATIONS = frozenset(
    {"dr", "mr", "mrs", "ms", "st", "vs", "eg", "e", "g", "i", "ie", "etc", "approx", "al", "fig", "inc", "u", "dept"}
)
_MAX_WORDS = 400
_TOPIC_WORDS = 5
AUXILIARIES = frozenset(
    map(one_spelling, ["is", "are", "do", "does", "can", "could", "will", "would", "should", "has", "have", "did"])
)
"""Verbs that a question begins with."""
_ASKING = AUXILIARIES | frozenset(
    map(
        one_spelling,
        [
            "what",
            "why",
            "how",
            "who",
            "when",
            "where",
            "which",
            "may",
            "must",
            "ready",
            "want",
            "need",
            "any",
            "not",
            "no",
            "really",
            "right",
            "that",
        ],
    )
)
HYPHENS = frozenset("-\u2010\u2011")
"""What joins two words into one, when nothing else stands between them."""

_JOINING = HYPHENS | frozenset("/_&+")
_OPENING = ("\u201c", "(", "[")


@dataclass(frozen=True, slots=True)
class Sentence:
    """The tokens of one sentence, what stands before each of them, how it ends, and the block it is in.

    `marks[i]` holds the signs between token i-1 and i, without white space; a hyphen inside a word is none.
    """

    tokens: tuple[Token, ...]
    marks: tuple[str, ...]
    end_mark: str
    block: Block
    opens_block: bool = field(default=False)

    @property
    def words(self) -> list[str]:
        """The words as they are compared."""
        return [token.word for token in self.tokens]

    @property
    def is_question(self) -> bool:
        """Whether it ends with a question mark."""
        return "?" in self.end_mark


def sentences(seen: Visible) -> Iterator[Sentence]:
    """Every sentence of the text in order; one without a word is left out."""
    for block in seen.blocks:
        yield from _of_block(seen.text[block.start : block.end], block)


def _of_block(text: str, block: Block) -> Iterator[Sentence]:
    found = [Token(t.word, t.start + block.start, t.end + block.start) for t in tokens(text)]
    first = 0
    for i, token in enumerate(found):
        last = i + 1 == len(found)
        after = text[token.end - block.start : len(text) if last else found[i + 1].start - block.start]
        if not last and found[i + 1].start == token.start:
            continue
        written = text[token.start - block.start : token.end - block.start].lower()
        if not last and "?" in after and _is_topic(found[first : i + 1]):
            continue
        if last or i - first >= _MAX_WORDS or _ends(written, after, text[found[i + 1].start - block.start]):
            yield _sentence(found[first : i + 1], text, after, block, opens_block=first == 0)
            first = i + 1


def _is_topic(part: list[Token]) -> bool:
    """Whether a question is only a topic for what follows, as in "Depression? Solved."."""
    return len(part) <= _TOPIC_WORDS and not any(t.word in _ASKING for t in part)


def _ends(word: str, after: str, following: str) -> bool:
    """Whether the signs between this word and the next end a sentence."""
    signs = after.strip()
    if not any(sign in signs for sign in ".!?\u2026") or not any(c.isspace() for c in after):
        return False
    if "!" in signs or "?" in signs:
        return not following.islower()
    is_initial = len(word) == 1 and word.isalpha()
    if signs[0] == "." and (word in _ABBREVIATIONS or is_initial or (word == "no" and following.isdigit())):
        return False
    return not following.islower()


def _sentence(part: list[Token], text: str, after: str, block: Block, *, opens_block: bool) -> Sentence:
    start = part[0].start - block.start
    marks = [_signs(text[max(0, start - 3) : start], "x" if start > 2 else " ")[-1:]]
    for before, token in pairwise(part):
        between = text[before.end - block.start : token.start - block.start]
        is_hyphen = len(between) == 1 and between in _JOINING
        marks.append("" if is_hyphen or before.start == token.start else _signs(between))
    if marks[0] not in _OPENING:
        marks[0] = ""
    return Sentence(tuple(part), tuple(marks), _signs(after), block, opens_block)


def _signs(between: str, before: str = "x") -> str:
    """The signs between two words without white space, straight quotation marks made to open or to close."""
    signs = []
    for sign in between:
        if sign in "\"'\u201d\u2019\u201c\u2018" and sign not in "\u201c\u2018":
            closes = not (before.isspace() or before in "(\u2014\u2013[:") if sign in "\"'" else True
            signs.append("\u201d" if closes else "\u201c")
        elif not sign.isspace():
            signs.append("\u201c" if sign == "\u2018" else sign)
        before = sign
    return "".join(signs)
