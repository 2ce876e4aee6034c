"""How is a text cut into words that can be compared? One way for the texts that are checked and for the word lists.

`tokens(text)` is the public verb. A word is compared in small letters, with one spelling for British and American
English, without soft hyphens; a hyphen separates words, so that "FDA-approved" and "FDA approved" are the same; a
contraction is the words it stands for, so that "isn't" holds a "not".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_UNSEEN = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
_APOSTROPHES = "'\u2019\u02bc\u2018\uff07"
_WORD = re.compile(
    rf"\d+(?:[.,]\d+)*|(?:(?!\d)[\w{_UNSEEN}])+(?:[{_APOSTROPHES}](?:(?!\d)[\w{_UNSEEN}])+)*|[%\uff05$\u00a3\u20ac&]"
)
_BARE = dict.fromkeys(map(ord, _UNSEEN)) | dict.fromkeys(map(ord, _APOSTROPHES), "'")
# Applied to lists and texts alike, so a replacement that makes no real word ("does" to "des") does no harm.
_ONE_SPELLING = (
    ("ae", "e"),
    ("oe", "e"),
    ("isation", "ization"),
    ("ising", "izing"),
    ("ise", "ize"),
    ("yse", "yze"),
    ("ll", "l"),
    ("mme", "m"),
)
_LIKE_COLOUR = re.compile("(?<=..)our")  # not "four", "hour" or "your"
_TAILS = {"'re": "are", "'ve": "have", "'ll": "will", "'m": "am", "'d": "would"}
_WITH_IS = frozenset({"it", "that", "there", "here", "what", "who", "he", "she", "how", "where", "this", "everything"})
_WHOLE = {
    "can't": ("can", "not"),
    "won't": ("will", "not"),
    "shan't": ("shall", "not"),
    "ain't": ("is", "not"),
    "cannot": ("can", "not"),
    "let's": ("let", "us"),
    "dont": ("do", "not"),
    "doesnt": ("does", "not"),
    "didnt": ("did", "not"),
    "isnt": ("is", "not"),
    "arent": ("are", "not"),
    "wasnt": ("was", "not"),
    "wont": ("will", "not"),
    "cant": ("can", "not"),
    "&": ("and",),
    "\uff05": ("%",),
}


@dataclass(frozen=True, slots=True)
class Token:
    """One word as it is compared, and where it stands. The words of a contraction share one place."""

    word: str
    start: int
    end: int


def tokens(text: str) -> Iterator[Token]:
    """The words of a text in order.

    >>> [t.word for t in tokens("It isn't FDA\u2011approved: 70%")]
    ['it', 'is', 'not', 'fda', 'approved', '70', '%']
    """
    for match in _WORD.finditer(text):
        for word in _compared(match[0]):
            yield Token(word, match.start(), match.end())


@lru_cache(maxsize=65536)
def _compared(seen: str) -> tuple[str, ...]:
    word = unicodedata.normalize("NFKC", seen).casefold().translate(_BARE)
    whole = _WHOLE.get(word)
    if whole is None and word.endswith("n't"):
        whole = (word[:-3], "not")
    if whole is None and word.endswith("'s"):
        whole = (word[:-2], "is") if word[:-2] in _WITH_IS else (word[:-2],)
    if whole is None:
        tail = next((t for t in _TAILS if word.endswith(t)), "")
        whole = (word.removesuffix(tail), *([_TAILS[tail]] if tail else []))
    return tuple(one_spelling(part) for part in whole if part)


def one_spelling(word: str) -> str:
    """The word, or the start of one, in the spelling that all comparisons use.

    >>> one_spelling("anaesthetised") == one_spelling("anesthetized")
    True
    """
    for british, american in _ONE_SPELLING:
        word = word.replace(british, american)
    return _LIKE_COLOUR.sub("or", word)
