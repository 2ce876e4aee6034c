"""What does a file under claims/ look like? The shape of a claim, and the small language its wordings are written in.

A wording lists what has to stand in one sentence, in order. FORMAT.md beside this file describes the signs; the
matching itself is in education, which also weighs negation, questions and myths. Mistakes are a `KnowledgeError`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, cast, get_args

from ketapath.domain.education import ClaimVerdict
from ketapath.domain.evidence import Evidence, Trust
from ketapath.errors import KnowledgeError
from ketapath.knowledge.schema import Source, published
from ketapath.knowledge.tokens import one_spelling, tokens

GAPS = {"..": 3, "...": 8}
"""How many words may stand between two steps of a wording."""

SEEN_BY_CHECKER = frozenset({"quoted", "attributed-quote", "topic-esketamine"})
"""Lists without phrases: words inside quotation marks, a quotation with a name after it, a text about esketamine."""

WINDOW = 22
"""Within how many words the parts of a wording that are joined by `&` have to stand."""

FILLERS = 2
"""How many filler words (the, your, very) may stand between two steps that are written side by side."""

CLAIM_FIELDS = frozenset(
    {"id", "title", "verdict", "states_benefit", "balanced", "wordings", "sources", "trust", "needs_approval"}
    | {"owner", "reviewed_on", "review_due"}
)
GROUP_FIELDS = ("any", "unless", "unless_near", "with_near")
_STEP = re.compile(r"\[(?P<may>[^\[\]]+)\]|(?P<must>\{[^{}]+\}|[^\s\[\]{}]+)")
_NUMBER = re.compile(r"#(\d+)-(\d+)")
_PLAIN = re.compile(r"[^\W_]+[*~]?|[%$&]")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that has to stand there: a phrase of one of these lists, one of these words, or a number between.

    `names` are the keys under which phrases of these lists and words are found.
    """

    names: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()
    between: tuple[int, int] | None = None
    gap: int | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A sentence in outline: parts in any order (`{cure} & {illness}`), each of steps that stand in this order."""

    written: str
    parts: tuple[tuple[Step, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Wordings that state a claim, unless something in the same sentence, or near it, makes it fair.

    `unless` is looked for in the sentence, `unless_near` also in the sentence before and after, `with_near` has to
    stand in one of these three.
    """

    any: tuple[Wording, ...]
    unless: tuple[Wording, ...]
    unless_near: tuple[Wording, ...]
    with_near: tuple[Wording, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One marketing claim: how it is worded, what is wrong with it, and the honest sentence with its sources."""

    id: str
    title: str
    topic: str
    states_benefit: bool
    verdict: ClaimVerdict
    balanced: str
    groups: tuple[Group, ...]
    evidence: tuple[Evidence, ...]
    trust: Trust
    needs_approval: bool
    owner: str
    reviewed_on: date
    review_due: date


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """The word lists by name, and every single word that a wording names; compared by identity, so it can be a key."""

    lists: Mapping[str, tuple[str, ...]]
    words: frozenset[str]


def lexicon(lists: Mapping[str, tuple[str, ...]], claims: Iterable[Claim]) -> Lexicon:
    """The lists with the words of all wordings of these claims."""
    groups = [group for claim in claims for group in claim.groups]
    wordings = [w for g in groups for w in (*g.any, *g.unless, *g.unless_near, *g.with_near)]
    return Lexicon(lists, frozenset(word for w in wordings for part in w.parts for step in part for word in step.words))


def parse_lists(documents: Iterable[tuple[str, Any]]) -> dict[str, tuple[str, ...]]:
    """The word lists by name. A list may take in another one by `{name}`; a ring of lists is an error."""
    raw: dict[str, list[str]] = {}
    for where, document in documents:
        for name, phrases in document.items():
            if name in raw or not isinstance(phrases, list) or not all(isinstance(p, str) for p in phrases):
                raise KnowledgeError(f"{where}: list {name!r} is defined twice or holds something that is no phrase")
            raw[name] = phrases
    return {name: tuple(dict.fromkeys(_phrases(name, raw, (name,)))) for name in raw}


def _phrases(name: str, raw: Mapping[str, list[str]], above: tuple[str, ...]) -> Iterator[str]:
    for phrase in raw[name]:
        if not phrase.startswith("{"):
            if "/" not in phrase:
                yield " ".join(phrase.split())
                continue
            for option in itertools.product(*(part.split("/") for part in phrase.split())):
                yield " ".join(option)
            continue
        inner = phrase.strip("{}")
        if inner not in raw or inner in above:
            raise KnowledgeError(
                f"claims: list {name!r} takes in {inner!r}, which does not exist or takes it in itself"
            )
        yield from _phrases(inner, raw, (*above, inner))


def parse_wording(written: str, lists: Mapping[str, Any], *, where: str) -> Wording:
    """The parts of a wording; raises KnowledgeError at a sign it does not know or a list that does not exist."""
    name = f"{where}: wording {written!r}"
    return Wording(written=written, parts=tuple(_part(part, lists, where=name) for part in written.split(" & ")))


def _part(written: str, lists: Mapping[str, Any], *, where: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    gap: int | None = None
    for part in _STEP.finditer(written):
        sign = part["must"] or part["may"]
        if sign in GAPS:
            gap = GAPS[sign]
            continue
        steps.append(_step(sign, gap, part["may"] is not None, lists, where=where))
        gap = None
    if not steps or gap is not None or steps[0].optional or steps[0].gap is not None:
        raise KnowledgeError(f"{where}: each part has to start and end with something that stands there")
    return tuple(steps)


def _step(sign: str, gap: int | None, optional: bool, lists: Mapping[str, Any], *, where: str) -> Step:
    if sign.startswith("{"):
        names = tuple(sign.strip("{}").split("|"))
        unknown = [name for name in names if name not in lists and name not in SEEN_BY_CHECKER]
        if unknown:
            raise KnowledgeError(f"{where}: there is no list {', '.join(unknown)}")
        return Step(names=frozenset(names), gap=gap, optional=optional)
    number = _NUMBER.fullmatch(sign)
    if number:
        return Step(between=(int(number[1]), int(number[2])), gap=gap, optional=optional)
    words = tuple(sign.split("/"))
    if not all(_PLAIN.fullmatch(word) for word in words):
        raise KnowledgeError(f"{where}: {sign!r} is no word, list, number or gap")
    return Step(names=frozenset(map(word_name, words)), words=words, gap=gap, optional=optional)


def word_name(word: str) -> str:
    """The name of the list that a single word of a wording makes by itself."""
    return f"={word}"


def phrase_symbols(phrase: str) -> Iterator[tuple[str, ...]]:
    """A phrase as what its words are compared with: `depress*` any ending, `cure~` its forms.

    The start of a word may have two spellings: "supervis*" is the start of "supervision" and, as all texts are
    compared, of "supervize".
    """
    found: list[tuple[tuple[str, ...], ...]] = []
    for part in phrase.split():
        start = part[:-1].casefold()
        if part.endswith("*"):
            spellings = {one_spelling(start)} | ({one_spelling(start + "e")[:-1]} if start[-1] not in "ao" else set())
            found.append(tuple((spelling + "*",) for spelling in sorted(spellings)))
        elif part.endswith("~"):
            found.append(((one_spelling(start) + "~",),))
        else:
            found.append((tuple(token.word for token in tokens(part)),))
    for way in itertools.product(*found):
        yield tuple(itertools.chain.from_iterable(way))


# fmt: off
_IRREGULAR = {
    "beat": "beaten", "become": "became", "begin": "began begun", "break": "broke broken", "bring": "brought",
    "buy": "bought", "come": "came", "do": "does did done", "drive": "drove driven", "fall": "fell fallen",
    "feel": "felt", "fight": "fought", "find": "found", "forget": "forgot forgotten", "free": "freed",
    "get": "got gotten", "give": "gave given", "go": "goes went gone", "grow": "grew grown", "have": "has had",
    "hear": "heard", "hide": "hid", "hold": "held", "keep": "kept", "know": "knew known", "lay": "laid",
    "lead": "led", "leave": "left", "lose": "lost", "make": "made", "mean": "meant", "pay": "paid",
    "rebuild": "rebuilt", "rise": "rose risen", "run": "ran", "say": "said", "see": "saw seen",
    "shake": "shook shaken", "show": "shown", "sit": "sat", "sleep": "slept", "speak": "spoke spoken",
    "stand": "stood", "sweep": "swept", "take": "took taken", "tell": "told", "throw": "threw thrown",
    "undo": "undid undone", "wake": "woke woken", "wear": "wore worn", "win": "won", "write": "wrote written",
}
# fmt: on


def word_forms(word: str) -> frozenset[str]:
    """The word with the regular endings of nouns and verbs, which need not exist, and its irforms.

    >>> sorted(word_forms("cure")), "thrown" in word_forms("throw")
    (['cure', 'cured', 'cures', 'curing'], True)
    """
    forms = {word, word + "s", word + "es", word + "ed", word + "ing", word + word[-1] + "ed", word + word[-1] + "ing"}
    if word.endswith("e"):
        forms = {word, word + "s", word + "d", word[:-1] + "ing"}
    if word.endswith("y"):
        forms |= {word[:-1] + "ies", word[:-1] + "ied"}
    forms |= set(_IRREGULAR.get(word, "").split())
    return frozenset(one_spelling(form) for form in forms)


def parse_claim(
    record: Mapping[str, Any], lists: Mapping[str, Any], sources: Mapping[str, Source], *, where: str
) -> Claim:
    """A claim record, checked against the schema and resolved against lists and sources."""
    name = f"{where}: claim {record.get('id', '?')}"
    missing, extra = sorted(CLAIM_FIELDS - set(record)), sorted(set(record) - CLAIM_FIELDS)
    if missing or extra:
        raise KnowledgeError(f"{name}: missing fields {missing}, unknown fields {extra}")
    if record["verdict"] not in get_args(ClaimVerdict) or record["trust"] not in get_args(Trust):
        raise KnowledgeError(f"{name}: verdict {record['verdict']!r} or trust {record['trust']!r} is not known")
    try:
        reviewed_on, review_due = (date.fromisoformat(record[field]) for field in ("reviewed_on", "review_due"))
        evidence = tuple(
            published(sources[s["key"]], locator=str(s["locator"]), trust=record["trust"]) for s in record["sources"]
        )
        groups = tuple(_group(group, lists, where=name) for group in record["wordings"])
    except KeyError as problem:
        raise KnowledgeError(f"{name}: sources: {problem} is in no file under sources/, or is missing") from problem
    except (TypeError, ValueError, AttributeError) as problem:
        raise KnowledgeError(f"{name}: {problem}") from problem
    if not evidence or not groups:
        raise KnowledgeError(f"{name}: sources and wordings may not be empty")
    return Claim(
        id=str(record["id"]),
        title=str(record["title"]),
        topic=where.removeprefix("claims/").removesuffix(".yaml"),
        states_benefit=bool(record["states_benefit"]),
        verdict=cast(ClaimVerdict, record["verdict"]),
        balanced=str(record["balanced"]),
        groups=groups,
        evidence=evidence,
        trust=cast(Trust, record["trust"]),
        needs_approval=bool(record["needs_approval"]),
        owner=str(record["owner"]),
        reviewed_on=reviewed_on,
        review_due=review_due,
    )


def _group(group: Any, lists: Mapping[str, Any], *, where: str) -> Group:
    """One group of wordings; a wording on its own is a group without exceptions."""
    if isinstance(group, str):
        group = {"any": [group]}
    extra = sorted(set(group) - set(GROUP_FIELDS))
    if extra or not group.get("any"):
        raise KnowledgeError(f"{where}: wordings: a group needs `any` and knows no {extra}")
    return Group(
        **{
            field: tuple(parse_wording(str(w), lists, where=where) for w in group.get(field, ()))
            for field in GROUP_FIELDS
        }
    )
