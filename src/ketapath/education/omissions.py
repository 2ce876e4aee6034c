"""What does a text that speaks of benefit leave out? Harm, cost and other treatments, each asked of the whole text.

A word on it anywhere is enough: the checker sees that a subject is missing, not whether it is treated fairly.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ketapath.domain.education import Left, Omission, Passage
from ketapath.domain.evidence import Text
from ketapath.education.guards import Read
from ketapath.education.visible import Visible

_SAID_BY: Mapping[Left, str] = {"harm": "harm", "cost": "cost", "alternatives": "alternative"}


def omissions(text: Sequence[Read], seen: Visible, claimed: Collection[int]) -> tuple[Omission, ...]:
    """What is left out, at the first sentence that states a benefit; `claimed` are the sentences with a claim."""
    first = next((now for i, now in enumerate(text) if i in claimed or _states_benefit(now)), None)
    if first is None:
        return ()
    start, end = first.sentence.tokens[0].start, first.sentence.tokens[-1].end
    source_start, source_end = seen.place(start, end)
    at = Passage(quote=seen.quote(start, end), start=source_start, end=source_end)
    return tuple(
        Omission(left_out=left_out, at=at, statement=Text(key=f"education.left_out.{left_out}"))
        for left_out, name in _SAID_BY.items()
        if not any(now.has(name) for now in text)
    )


def _states_benefit(now: Read) -> bool:
    """Whether the sentence says of the treatment, without denying it, that it does good."""
    if now.sentence.is_question or not now.has("own-treatment"):
        return False
    return any(not any(d < start for d in now.denials) for start in now.hits.get("benefit", ()))
