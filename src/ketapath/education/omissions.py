"""What does a text that speaks of benefit leave out? Harm, cost and other treatments, each asked of the whole text.

A word on it anywhere is enough: the checker sees that a subject is missing, not whether it is treated fairly.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ketapath.domain.education import Left, Omission, Passage
from ketapath.domain.evidence import Text
from ketapath.education.guards import Read
from ketapath.education.visible import Visible

_TOO_FAR = 15


def omissions(
    text: Sequence[Read], seen: Visible, praised: Collection[int], played_down: Collection[int]
) -> tuple[Omission, ...]:
    """What is left out, at the first sentence that states a benefit.

    `praised` are the sentences with a claim of benefit, `played_down` those with a claim that there is no harm: a
    word on harm in such a sentence does not count.
    """
    first = next((now for i, now in enumerate(text) if i in praised or _states_benefit(now)), None)
    if first is None:
        return ()
    start, end = first.sentence.tokens[0].start, first.sentence.tokens[-1].end
    source_start, source_end = seen.place(start, end)
    at = Passage(quote=seen.quote(start, end), start=source_start, end=source_end)
    told: Mapping[Left, bool] = {
        "harm": any(_names(now, "harm") for i, now in enumerate(text) if i not in played_down),
        "cost": any(now.has("cost") for now in text),
        "alternatives": any(_names_alternative(now) for now in text) or _names_both_products(text),
    }
    return tuple(
        Omission(left_out=left_out, at=at, statement=Text(key=f"education.left_out.{left_out}"))
        for left_out, is_told in told.items()
        if not is_told
    )


def _states_benefit(now: Read) -> bool:
    """Whether the sentence says of the treatment, or of people under it, that it did good; without denying it."""
    if now.sentence.is_question or not any(now.has(name) for name in ("benefits-by", "benefits-whom")):
        return False
    if any(now.has(name) for name in ("rejecting", "doubtful", "other-illness")) or "whether" in now.words:
        return False
    return any(not any(0 <= start - d <= _TOO_FAR for d in now.denials) for start in now.hits.get("benefit", ()))


def _names(now: Read, name: str) -> bool:
    """Whether a phrase of this list stands in the sentence without a denial right before it."""
    return any(not any(0 < start - d <= 3 for d in now.denials) for start in now.hits.get(name, ()))


def _names_alternative(now: Read) -> bool:
    return any(at == 0 or now.words[at - 1] != "assisted" for at in now.hits.get("alternative", ()))


def _names_both_products(text: Sequence[Read]) -> bool:
    """Ketamine, or a spray that a pharmacy mixes, beside esketamine: each is an alternative to the other."""
    mixed = any(now.has("racemic") or now.has("compounded") for now in text)
    return mixed and any(now.has("esketamine") for now in text)
