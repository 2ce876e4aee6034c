"""Does the text really say this, or does it deny it, ask it, or quote it in order to reject it?

`Standing(...)` reads the headings, labels and tables of a text once; `is_meant` then answers for one match. What
counts as a denial, a question or a myth is a list of phrases in knowledge/claims/guards.yaml.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ketapath.education.phrases import Hits, Match, Phrases
from ketapath.education.sentences import AUXILIARIES, Sentence
from ketapath.education.visible import Block

_BACK = 12
_AHEAD = 5
_RELATIVE_REACH = 4
_LABEL_WORDS = 5
_TITLE_WORDS = 12
_OPENING_WORDS = 4
_SHORT = 4
_ANSWER_WORDS = 6
_LONG_WORD = 4
_YES = ("affirming", "affirming-alone")
_PRONOUNS = frozenset({"it", "this", "that", "they", "these", "those", "there"})
_IN_PASSING = frozenset(
    {"unlike", "with", "and", "or", "than", "to", "of", "from", "plus", "over", "where", "when", "no", "if", "assisted"}
    | {"like", "without"}
)
_SUBORDINATE = frozenset(
    {
        "if",
        "when",
        "because",
        "although",
        "unlike",
        "since",
        "after",
        "while",
        "even",
        "where",
        "once",
        "for",
        "whether",
    }
)
_CLAUSE_OPENERS = frozenset({"and", "so", "because", "as", "since", "which", "while", "then", "just"})
_CLAUSE_ENDS = ";:\u2014\u2013("
_ASKING = AUXILIARIES | {"was", "may", "might"}


@dataclass(frozen=True, slots=True)
class Read:
    """One sentence with the phrases found in it and the tokens that deny or contrast."""

    sentence: Sentence
    words: list[str]
    hits: Hits
    denials: frozenset[int]
    contrasts: frozenset[int]
    breaks: frozenset[int]

    def has(self, name: str) -> bool:
        """Whether a phrase of this list stands anywhere in the sentence."""
        return name in self.hits

    def opens_with(self, name: str, within: int = _OPENING_WORDS) -> bool:
        """Whether a phrase of this list begins among the first words."""
        return any(start < within for start in self.hits.get(name, ()))


def read(text: Iterable[Sentence], phrases: Phrases) -> list[Read]:
    """The sentences with their phrases, denials ("not", but not the one in "not only"), contrasts and quotations."""
    found: list[Read] = []
    inside, about_esketamine = False, False
    for sentence in text:
        hits = dict(phrases.spot(sentence.words))
        inside = inside and not sentence.opens_block
        quoted, inside = _quoted(sentence, inside)
        if "esketamine" in hits or "racemic" in hits:
            about_esketamine = max(hits.get("esketamine", {-1: ()})) > max(hits.get("racemic", {-1: ()}))
        hits["quoted"] = {i: (i + 1,) for i in quoted}
        if quoted and _is_attributed(sentence, quoted):
            hits["attributed-quote"] = {max(quoted): (max(quoted) + 1,)}
        if about_esketamine:
            hits["topic-esketamine"] = {0: (1,)}
        empty = covered(hits, "no-denial")
        found.append(
            Read(
                sentence=sentence,
                words=sentence.words,
                hits={name: where for name, where in hits.items() if where},
                denials=covered(hits, "denial") - empty,
                contrasts=covered(hits, "contrast") - empty,
                breaks=frozenset(i for i, mark in enumerate(sentence.marks) if ";" in mark),
            )
        )
    return found


def _quoted(sentence: Sentence, inside: bool) -> tuple[frozenset[int], bool]:
    """The tokens inside quotation marks, and whether the quotation goes on behind the sentence."""
    found = set()
    for i, mark in enumerate(sentence.marks):
        inside = _after(mark, inside)
        if inside:
            found.add(i)
    return frozenset(found), _after(sentence.end_mark, inside)


def _after(mark: str, inside: bool) -> bool:
    for sign in mark:
        inside = sign == "\u201c" or (inside and sign != "\u201d")
    return inside


def _is_attributed(sentence: Sentence, quoted: frozenset[int]) -> bool:
    """Whether a name follows the quotation after a dash, as below a testimonial."""
    signs = sentence.marks[max(quoted) + 1] if max(quoted) + 1 < len(sentence.marks) else sentence.end_mark
    closing = signs.find("\u201d")
    return closing >= 0 and any(sign in signs[closing:] for sign in "-\u2013\u2014~")


def covered(hits: Hits, name: str) -> frozenset[int]:
    """The tokens that phrases of this list stand on."""
    return frozenset(i for start, ends in hits.get(name, {}).items() for i in range(start, max(ends)))


class Standing:
    """What headings, labels and columns say about each sentence: "myths" above it, "Fact:" before it."""

    def __init__(self, text: Sequence[Read]) -> None:
        self._text = text
        self._rejected = [False] * len(text)
        self._exhibiting: set[Block] = set()
        under_heading = led_in = False
        columns: dict[tuple[int, int], bool] = {}
        for i, now in enumerate(text):
            block = now.sentence.block
            label = _label(now)
            if block.kind == "heading" and now.sentence.opens_block:
                under_heading, led_in = _is_title_of_myths(now, label), False
            elif block.kind == "cell":
                if block.heads_column or _is_title_of_myths(now, label):
                    columns[block.table, block.column] = now.has("myth")
                self._rejected[i] = columns.get((block.table, block.column), False)
            elif block.kind != "item":
                if now.sentence.opens_block:
                    led_in = False
                led_in = led_in or (":" in now.sentence.end_mark and (now.has("rejecting") or now.has("doubtful")))
                self._rejected[i] = under_heading and block.kind != "apart"
            else:
                self._rejected[i] = under_heading or led_in
            if _calls_in_question(now):
                self._exhibiting.add(block)
            if label is not None:
                self._rejected[i] = label
            elif i and not now.sentence.opens_block and _label(text[i - 1]) is not None:
                self._rejected[i] = self._rejected[i - 1] and len(text[i - 1].words) <= _LABEL_WORDS

    def is_meant(self, i: int, match: Match) -> bool:
        """Whether sentence `i` states what the match says as true."""
        now = self._text[i]
        after = self._text[i + 1] if i + 1 < len(self._text) else None
        if self._rejected[i] or _rejects(now, match) or self._is_exhibit(now, match):
            return False
        if now.sentence.is_question and not _presupposes(now):
            return after is not None and _affirms(after)
        if after is not None and (_refuses(after) or _takes_up(after, now, match)):
            return False
        if after is not None and _is_quoted_to_reject(now, after, match):
            return False
        return not (_denied_before(now, match) or _denied_after(now, match) or _is_of_something_else(now, match))

    def _is_exhibit(self, now: Read, match: Match) -> bool:
        """Whether the claim stands in quotation marks in a paragraph that calls such words wrong or doubtful."""
        if match.first not in now.hits.get("quoted", {}) or now.has("attributed-quote"):
            return False
        return now.sentence.block in self._exhibiting or _is_denied_behind_quote(now, match)


def answer_end(text: Sequence[Read], i: int) -> int | None:
    """Where the yes ends that makes the question of sentence `i` a statement; None where it is none."""
    if not text[i].sentence.is_question or _presupposes(text[i]) or i + 1 == len(text):
        return None
    after = text[i + 1]
    ends = [max(ends) for name in _YES for start, ends in after.hits.get(name, {}).items() if start < _ANSWER_WORDS]
    return after.sentence.tokens[min(ends) - 1].end if ends else None


def _label(now: Read) -> bool | None:
    """Whether the sentence begins with a label: True for "Myth:", False for "Fact:", None without one."""
    if not now.sentence.opens_block:
        return None
    marks = now.sentence.marks
    length = next(
        (i for i in range(1, min(len(marks), _LABEL_WORDS + 1)) if any(c in marks[i] for c in ":\u2014\u2013-|")), 0
    )
    if not length and len(now.words) <= _LABEL_WORDS:
        length = len(now.words)
    if any(start < length for start in now.hits.get("fact", ())):
        return False
    return True if any(start < length for start in now.hits.get("myth", ())) else None


def _is_title_of_myths(now: Read, label: bool | None) -> bool:
    has_more = label is not None and len(now.words) > _LABEL_WORDS
    return now.has("myth-title") and not now.has("fact") and not has_more and len(now.words) <= _TITLE_WORDS


def _rejects(now: Read, match: Match) -> bool:
    """Whether the sentence calls its own content a myth, unproven, a promise nobody can make."""
    if now.has("debunking"):
        return False
    reject = covered(now.hits, "rejecting")
    if not match.taken & now.denials:
        # "You may have heard of addiction, but there is none" quotes a doubt in order to brush it aside.
        reject |= covered(now.hits, "doubtful")
    return bool(reject - match.taken)


def _presupposes(now: Read) -> bool:
    """Whether a question takes the claim for granted: "Why does ketamine cure ...", "Ready for ...?"."""
    return now.opens_with("presupposing", 1) or (now.opens_with("presupposing", 3) and now.words[0] not in _ASKING)


def _affirms(after: Read) -> bool:
    """Whether the next sentence answers the question with a yes that it does not take back."""
    says_yes = after.opens_with("affirming", _ANSWER_WORDS)
    if after.opens_with("affirming", 1):
        return not after.has("some-people")
    says_yes = says_yes or (after.opens_with("affirming-alone", 1) and len(after.words) <= _SHORT)
    return says_yes and not _refuses(after) and not after.has("some-people")


def _refuses(after: Read) -> bool:
    """Whether the next sentence takes back what was just said: "This is not true", "No.", "It does not."."""
    if after.sentence.block.kind == "apart":
        return False
    alone = after.opens_with("refusing-alone", 1)
    ends = max((max(found) for start, found in after.hits.get("refusing-alone", {}).items() if start == 0), default=0)
    is_cut_off = 0 < ends < len(after.words) and after.sentence.marks[ends] != ""
    # "No." answers what stands before it; "No boosters needed." says something of its own.
    is_short = len(after.words) <= (1 if after.words[0] == "no" and ends == 1 else _SHORT) or is_cut_off
    return after.opens_with("refusing", 1) or (alone and is_short)


def _calls_in_question(now: Read) -> bool:
    """Whether the sentence says, outside quotation marks, that something is wrong: "Red flags ...", "It is false."."""
    said = (covered(now.hits, name) for name in ("rejecting", "doubtful", "myth-title"))
    return bool(frozenset().union(*said) - covered(now.hits, "quoted"))


def _is_denied_behind_quote(now: Read, match: Match) -> bool:
    """Whether the words behind the quotation take it back: "... " is not something a doctor would write"."""
    quoted = covered(now.hits, "quoted")
    behind = {at for at in range(match.last, len(now.words)) if at not in quoted}
    return bool(behind & (now.denials | covered(now.hits, "rejecting") | covered(now.hits, "doubtful")))


def _takes_up(after: Read, now: Read, match: Match) -> bool:
    """Whether the next sentence denies the claim in its own words: "... the same as Spravato. It is not the same."."""
    opens = min(after.denials, default=_BACK) < _OPENING_WORDS and after.words[0] in _PRONOUNS
    said = {now.words[i] for i in match.taken if len(now.words[i]) >= _LONG_WORD}
    return opens and bool(said & set(after.words))


def _is_quoted_to_reject(now: Read, after: Read, match: Match) -> bool:
    """Whether the claim stands in quotation marks, and the sentence after them, outside, denies or doubts it."""
    quoted = now.hits.get("quoted", {})
    if match.first not in quoted or now.has("attributed-quote") or after.sentence.opens_block:
        return False
    outside = not after.has("quoted")
    return outside and bool(after.denials or after.has("rejecting") or after.has("doubting"))


def _denied_before(now: Read, match: Match) -> bool:
    """Whether a "not" before the match reaches it: in the same clause, and not bound to another verb."""
    words, marks = now.words, now.sentence.marks
    says_no = match.first in now.denials
    for at in range(match.first, max(-1, match.first - _BACK), -1):
        if at < match.first and at in now.contrasts:
            return False
        if words[at] == "whether" and at < match.first:
            return True
        if at in now.denials and at not in match.taken:
            bound = any(words[k] in {"who", "that", "which", "when", "where", "if"} for k in range(max(0, at - 3), at))
            return not bound or match.first - at <= _RELATIVE_REACH
        if at and (any(c in marks[at] for c in _CLAUSE_ENDS) or _begins_clause(now, at)):
            return False
        if says_no and "," in marks[at]:  # "no nausea, no side effects" is a list, not a denial of a denial
            return False
    return False


def _is_of_something_else(now: Read, match: Match) -> bool:
    """Whether the sentence speaks of another treatment ("Buspirone is not addictive") or of another matter."""
    others = now.hits.get("other-treatment", {})
    if covered(now.hits, "other-treatment") & match.taken:
        return False
    if now.has("other-topic") and not now.has("ketamine") and not now.has("form") and not now.has("own-treatment"):
        return True
    if now.has("other-illness") and not now.has("ketamine"):
        return True
    named = [at for at in others if not _is_aside(now, at)]
    own = list(now.hits.get("own-treatment", {}))
    if named and not own:
        return True
    before = [at for at in named if at < max(match.taken)]
    return bool(before) and max(before) > max((at for at in own if at < max(match.taken)), default=-1)


def _is_aside(now: Read, at: int) -> bool:
    """Whether the word before names the other treatment only in passing: "unlike", "with", "than"."""
    return at > 0 and any(word in _IN_PASSING for word in now.words[max(0, at - 2) : at])


def _begins_clause(now: Read, at: int) -> bool:
    """Whether a new clause begins at this token: after a comma or "and", with a subject of its own."""
    words, marks = now.words, now.sentence.marks
    starts = at in now.hits.get("subject", {})
    if words[at - 1] in {"and", "so", "because", "then"} and starts:
        return True
    if "," not in marks[at]:
        return False
    left = at - 1
    while left > 0 and "," not in marks[left]:
        left -= 1
        if at - left > 2 * _BACK:
            break
    return starts or words[at] in _CLAUSE_OPENERS or words[left] in _SUBORDINATE


def _denied_after(now: Read, match: Match) -> bool:
    """Whether the words after the match take it back: "... is not something we can offer"."""
    words, marks = now.words, now.sentence.marks
    for at in range(match.last, min(len(words), match.last + _AHEAD)):
        if marks[at] or at in now.contrasts or at in now.hits.get("link", {}):
            return False
        if at in now.hits.get("taken-back", {}):
            return True
    return False
