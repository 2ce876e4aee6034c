"""Which phrases and wordings of the word lists stand in a sentence? Matching by words, in one pass and bounded steps.

`compiled(lexicon)` gives the tree of phrases; its `spot` finds every phrase of a sentence, `match` the wordings among
them. There are no regular expressions: the time grows with the number of words and not with their order.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from ketapath.knowledge.tokens import one_spelling
from ketapath.knowledge.wording import FILLERS, WINDOW, Lexicon, Step, Wording, phrase_symbols, word_forms, word_name

FILLER = "filler"
"""The list of words that may stand anywhere between two steps."""

_NEIGHBOURS = 6
_NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
    "hundred": 100,
}  # fmt: skip

SMALL = "small"
"""The list of words that may stand or be missing inside a phrase: "leave the body", "leave your body"."""

LINKING = "linking"
"""The list of words that say too little for a phrase to hang on one other word."""

Hits = Mapping[str, Mapping[int, tuple[int, ...]]]
"""For each list, the token at which a phrase begins and the tokens at which it ends (excluded)."""


@dataclass(frozen=True, slots=True)
class Match:
    """A wording found in a sentence: its tokens from `first` to `last` (excluded), and those that steps stand on."""

    first: int
    last: int
    taken: frozenset[int]


@dataclass(slots=True)
class _Node:
    """A word of the tree of phrases: which lists end here, and which words may follow."""

    lists: set[str] = field(default_factory=set)
    below: dict[str, _Node] = field(default_factory=dict)


class Phrases:
    """The word lists as a tree, ready to be looked for."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._root = _Node()
        self._prefixes: set[str] = set()
        self._forms: dict[str, set[str]] = defaultdict(set)
        self._small = frozenset(map(one_spelling, lexicon.lists.get(SMALL, ())))
        self._linking = frozenset(map(one_spelling, lexicon.lists.get(LINKING, ())))
        for name, phrases in lexicon.lists.items():
            for phrase in phrases:
                self._grow(name, phrase)
        for word in lexicon.words:
            self._grow(word_name(word), word)

    def spot(self, words: list[str]) -> Hits:
        """Every phrase of every list in these words."""
        found: dict[str, dict[int, tuple[int, ...]]] = defaultdict(dict)
        symbols = [self._symbols(word) for word in words]
        for start in range(len(words)):
            nodes, at = [self._root], start
            while nodes and at < len(words):
                passed = nodes if at > start and words[at] in self._small else []
                nodes = [n.below[s] for n in nodes for s in symbols[at] if s in n.below]
                at += 1
                for name in {name for node in nodes for name in node.lists}:
                    found[name][start] = (*found[name].get(start, ()), at)
                nodes += passed
        return found

    def _grow(self, name: str, phrase: str) -> None:
        for symbols in phrase_symbols(phrase):
            self._grow_way(name, symbols)
            without = tuple(symbol for symbol in symbols if symbol not in self._small)
            if len(without) < len(symbols) and len(set(without) - self._linking) > 1:
                self._grow_way(name, without)

    def _grow_way(self, name: str, symbols: tuple[str, ...]) -> None:
        node = self._root
        for symbol in symbols:
            if symbol.endswith("*"):
                self._prefixes.add(symbol)
            elif symbol.endswith("~"):
                for form in word_forms(symbol[:-1]):
                    self._forms[form].add(symbol)
            node = node.below.setdefault(symbol, _Node())
        node.lists.add(name)

    def _symbols(self, word: str) -> list[str]:
        starts = (f"{word[:end]}*" for end in range(2, min(len(word), 24) + 1))
        return [word, *self._forms.get(word, ()), *(s for s in starts if s in self._prefixes)]


@lru_cache(maxsize=4)
def compiled(lexicon: Lexicon) -> Phrases:
    """The tree of phrases of this lexicon, made once."""
    return Phrases(lexicon)


def match(
    wording: Wording, words: list[str], hits: Hits, stops: frozenset[int], breaks: frozenset[int] = frozenset()
) -> Iterator[Match]:
    """Each place where the wording stands: the steps of a part in order, the parts in any order but close together.

    `stops` are the tokens that no gap may cross, such as "not" and "but"; `breaks` those before which no gap may go on,
    such as the first behind a semicolon.
    """
    for step in itertools.chain.from_iterable(wording.parts):
        if step.names and not step.optional and hits.keys().isdisjoint(step.names):
            return
    found = [list(_in_order(part, words, hits, stops, breaks)) for part in wording.parts]
    if not all(found):
        return
    anchor = min(found, key=len)
    others = [part for part in found if part is not anchor]
    for one in anchor:
        whole: Match | None = one
        for part in others:
            whole = None if whole is None else _with_nearest(whole, part)
        if whole is None or breaks & frozenset(range(whole.first + 1, whole.last)):
            continue
        if not stops & frozenset(range(whole.first, whole.last)) - whole.taken:
            yield whole


def _with_nearest(one: Match, part: list[Match]) -> Match | None:
    """The match with the nearest one of another part that stands on other tokens, if the two are close enough."""
    at = bisect_left(part, one.first, key=lambda m: m.first)
    near = [m for m in part[max(0, at - _NEIGHBOURS) : at + _NEIGHBOURS] if not m.taken & one.taken]
    joined = [Match(min(one.first, m.first), max(one.last, m.last), one.taken | m.taken) for m in near]
    joined = [m for m in joined if m.last - m.first <= WINDOW]
    return min(joined, key=lambda m: m.last - m.first, default=None)


def _in_order(
    part: tuple[Step, ...], words: list[str], hits: Hits, stops: frozenset[int], breaks: frozenset[int]
) -> Iterator[Match]:
    """Each place where the steps stand in order, the nearest continuation for each start."""
    first, *rest = part
    for start in _starts(first, words, hits):
        for end in _ends(first, start, words, hits):
            found = _follow(tuple(rest), start, end, words, hits, stops, breaks)
            if found is not None:
                yield found
                break


def _starts(step: Step, words: list[str], hits: Hits) -> Iterable[int]:
    if step.between is not None:
        return [i for i, word in enumerate(words) if _is_between(word, step.between)]
    return sorted({start for name in step.names if name in hits for start in hits[name]})


def _ends(step: Step, at: int, words: list[str], hits: Hits) -> list[int]:
    """Where the step ends if it begins at this token, the longest phrase first; empty if it does not."""
    if step.between is not None:
        return [at + 1] if at < len(words) and _is_between(words[at], step.between) else []
    found = {end for name in step.names if name in hits for end in hits[name].get(at, ())}
    return sorted(found, reverse=True)


def _is_between(word: str, limits: tuple[int, int]) -> bool:
    try:
        value = _NUMBERS[word] if word in _NUMBERS else float(word.replace(",", ""))
    except ValueError:
        return False
    return limits[0] <= value <= limits[1]


def _follow(
    rest: tuple[Step, ...],
    first: int,
    at: int,
    words: list[str],
    hits: Hits,
    stops: frozenset[int],
    breaks: frozenset[int],
) -> Match | None:
    """The nearest way to place the remaining steps, tried in order of distance; each state is tried once."""
    fillers = hits.get(FILLER, {})
    tried: set[tuple[int, int]] = set()
    todo: list[tuple[int, int, frozenset[int]]] = [(0, at, frozenset(range(first, at)))]
    while todo:
        number, here, taken = todo.pop()
        if number == len(rest):
            return Match(first, max(taken) + 1, taken)
        if (number, here) in tried:
            continue
        tried.add((number, here))
        step = rest[number]
        if step.optional:
            todo.append((number + 1, here, taken))
        ways = []
        reach = FILLERS if step.gap is None else step.gap
        for skipped in range(reach + 1):
            begin = here + skipped
            if begin >= len(words) or begin in breaks:
                break
            ways += [(number + 1, end, taken | set(range(begin, end))) for end in _ends(step, begin, words, hits)]
            if begin in stops or (step.gap is None and begin not in fillers):
                break
        todo += reversed(ways)
    return None
