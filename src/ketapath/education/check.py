"""Which claims does a text make, what does it leave out, and how hard is it to read? Puts the parts together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ketapath.domain.education import ClaimFound, ClaimsReport, Passage
from ketapath.education.guards import Read, Standing, answer_end, read
from ketapath.education.omissions import omissions
from ketapath.education.phrases import Match, compiled, match
from ketapath.education.reading import reading
from ketapath.education.sentences import HYPHENS, sentences
from ketapath.education.visible import Form, Visible, visible
from ketapath.knowledge import Knowledge
from ketapath.knowledge.wording import Claim, Group, Wording


def claims_in(text: str, knowledge: Knowledge) -> frozenset[str]:
    """The ids of the claims that a text makes; what the check of the knowledge runs the claims' own texts through."""
    return frozenset(found.claim for found in check_claims(text, knowledge).claims)


def check_claims(text: str, knowledge: Knowledge, *, form: Form = "text") -> ClaimsReport:
    """The claims that a text makes, what it leaves out beside its benefits, and its reading level.

    Parameters
    ----------
    text
        What a reader is given, as plain text or as the source of an HTML page.
    knowledge
        Its `claims` and `wordings`.
    form
        `text` or `html`.

    Returns
    -------
    ClaimsReport
        Each claim with its place in `text`, so that `text[start:end]` holds the quote; true sentences are not listed.
    """
    seen = visible(text, form)
    sentence_by_sentence = read(sentences(seen), compiled(knowledge.lexicon))
    standing = Standing(sentence_by_sentence)
    found = [
        (i, claim, span)
        for claim in knowledge.claims.values()
        for i, span in _claimed(claim, sentence_by_sentence, standing)
    ]
    claims = [_found(claim, sentence_by_sentence, i, span, seen) for i, claim, span in found]
    return ClaimsReport(
        claims=tuple(sorted(claims, key=lambda c: (c.at.start, c.at.end, c.claim))),
        omissions=omissions(
            sentence_by_sentence,
            seen,
            praised={i for i, claim, _ in found if claim.states_benefit},
            played_down={i for i, claim, _ in found if claim.topic == "harm"},
        ),
        reading=reading(sentence_by_sentence, seen),
    )


def _claimed(claim: Claim, text: Sequence[Read], standing: Standing) -> Iterator[tuple[int, tuple[int, int]]]:
    """Each sentence that makes the claim, with the tokens that make it; overlapping wordings are one finding."""
    for i, now in enumerate(text):
        spans = [
            (m.first, m.last)
            for group in claim.groups
            if not _is_fair(group, text, i)
            for m in _matches(group.any, now)
            if standing.is_meant(i, m)
        ]
        yield from ((i, span) for span in _merged(spans))


def _is_fair(group: Group, text: Sequence[Read], i: int) -> bool:
    """Whether the sentence, or what stands next to it, says what makes the claim of this group fair."""
    now = text[i]
    if not any(True for _ in _matches(group.any, now)):
        return True
    near = [text[k] for k in range(max(0, i - 1), min(len(text), i + 2))]
    return (
        any(True for _ in _matches(group.unless, now))
        or any(True for other in near for _ in _matches(group.unless_near, other))
        or (bool(group.with_near) and not any(True for other in near for _ in _matches(group.with_near, other)))
    )


def _matches(wordings: Sequence[Wording], now: Read) -> Iterator[Match]:
    for wording in wordings:
        yield from match(wording, now.words, now.hits, now.denials | now.contrasts, now.breaks)


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if merged and first < merged[-1][1]:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        else:
            merged.append((first, last))
    return merged


def _found(claim: Claim, text: Sequence[Read], i: int, span: tuple[int, int], seen: Visible) -> ClaimFound:
    """The claim with its quote: whole words where hyphens join them, and a question with the yes that answers it."""
    tokens = text[i].sentence.tokens
    first, last = span
    while first and seen.text[tokens[first - 1].end : tokens[first].start] in HYPHENS:
        first -= 1
    while last < len(tokens) and seen.text[tokens[last - 1].end : tokens[last].start] in HYPHENS:
        last += 1
    start, end = tokens[first].start, answer_end(text, i) or tokens[last - 1].end
    source_start, source_end = seen.place(start, end)
    return ClaimFound(
        claim=claim.id,
        title=claim.title,
        verdict=claim.verdict,
        at=Passage(quote=seen.quote(start, end), start=source_start, end=source_end),
        balanced=claim.balanced,
        evidence=claim.evidence,
        needs_approval=claim.needs_approval,
    )
