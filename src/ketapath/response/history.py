"""What may the response model know of one person? Scores, doses, weights, condition: out of the profile of a day."""

from __future__ import annotations

from ketapath.domain.profile import Profile
from ketapath.domain.response import History

_CONDITIONS = (
    ("diagnosis.bipolar", "bipolar-depression"),
    ("diagnosis.depression", "MDD"),
    ("diagnosis.ptsd", "PTSD"),
    ("diagnosis.anxiety", "GAD"),
    ("diagnosis.social_anxiety", "SAD"),
    ("diagnosis.ocd", "OCD"),
    ("diagnosis.alcohol_use_disorder", "AUD"),
    ("diagnosis.crps", "CRPS"),
    ("diagnosis.chronic_pain", "chronic-pain"),
)
"""What is treated, by the first diagnosis that stands: a depression before what comes beside it."""


def history(someone: Profile) -> History:
    """What the response model may know of this person."""

    def holds(path: str) -> bool:
        return path in someone.known and someone.known[path].value is True

    therapy, age = someone.known.get("therapy.current"), someone.known.get("person.age_years")
    return History(
        scores=someone.scores,
        doses=someone.doses,
        weights_kg=someone.weights_kg,
        antidepressant_starts=tuple(t.start for t in someone.trials if t.start is not None),
        psychotherapy=(therapy.on or someone.as_of,) if therapy is not None and therapy.value is True else (),
        goals=someone.goals,
        condition=next((word for path, word in _CONDITIONS if holds(path)), None),
        uncounted=tuple(one for one in someone.uncounted if one.weighs and one.most_sessions is not None),
        age_years=age.value if age is not None and isinstance(age.value, float) else None,
    )
