"""Write down what a person answered: a questionnaire (its total is computed, never typed), a goal, how far it got."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Sequence
from datetime import date, timedelta

from django.utils.translation import gettext as _

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import require
from clinic.actions.alerts import raise_alert, settle
from clinic.actions.commit import Act, Done, Draft, commit, earlier
from clinic.queries.person import Chart
from clinic.record.projections import knowledge
from ketapath.errors import BadInput
from ketapath.fhir.encode import GOAL_LEVELS, answers, goal, goal_rating
from ketapath.measurement import Score, score

LONGEST_GOAL = 300
_CONTROLS = frozenset({"Cc", "Cs"})
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Signs that change the direction of what stands after them, on a page where other words do."""


def answer_score(
    found: Chart, instrument: str, given: Sequence[int | None], *, by: Account, key: str, on: date | None = None
) -> tuple[Done, Score]:
    """Store the answers and say what they amount to; `on` is the day they were given, today where it is None.

    An answer that calls for action (item 9) raises an alert in the same transaction; a total puts an errand into the
    outbox to look whether the course now goes worse than expected.
    """
    require(by, "answer-score", patient_id=found.patient_id)
    form = knowledge().instruments.get(instrument)
    if form is None or "items" not in form:
        raise BadInput(
            field=_("questionnaire"),
            found=instrument,
            limit=_("one of %(words)s")
            % {"words": ", ".join(sorted(n for n, i in knowledge().instruments.items() if "items" in i))},
            next_step=_("Choose one that ketapath can score."),
        )
    result = score(form, given)
    window = knowledge().paths[form["path"]].window_days or 0
    if all(answer is None for answer in given):
        raise BadInput(
            field=form["title"],
            found=_("no answer"),
            limit=_("at least one answer"),
            next_step=_("Answer an item, or go back."),
        )
    today = clock.today(by.practice.zone)
    day = on or today
    if not timedelta(0) <= today - day <= timedelta(days=int(window)):
        raise BadInput(
            field=_("day of the answers"),
            found=day.isoformat(),
            limit=_("today or one of the %(days)s days before") % {"days": f"{window:g}"},
            next_step=_("Check the day."),
        )
    act = Act(
        name="answer-score", by=by, patient_id=found.patient_id, key=key,
        asked={"instrument": instrument, "answers": list(given), "on": day.isoformat()},
    )  # fmt: skip
    done = earlier(act)
    if done is not None:
        return done, result
    now = clock.now()
    resource = answers(
        f"score-{secrets.token_hex(12)}",
        form,
        given,
        patient_id=found.patient_id,
        at=clock.local(now, by.practice.zone) if day == today else day,
        by=by.name,
    )
    look = [] if result.total is None else [("early-sign", {"patient_id": found.patient_id}, now)]

    def told(_done: Done) -> None:
        about = f"{resource['resourceType']}/{resource['id']}"
        for alert in result.alerts:
            raise_alert(found.practice, kind=alert.key, patient_id=found.patient_id, about=about)
        if result.total is not None and instrument == "phq9":
            settle(found.practice, kind="score.overdue", patient_id=found.patient_id, by=by)

    return commit(act, [Draft(resource=resource)], errands=look, last=told), result


def set_goal(found: Chart, words: str, *, by: Account, key: str) -> Done:
    """Write down a goal as the person says it, from today on."""
    require(by, "set-goal", patient_id=found.patient_id)
    said = " ".join("".join(" " if _is_unseen(sign) else sign for sign in words).split())
    if not said or len(said) > LONGEST_GOAL:
        raise BadInput(
            field=_("goal"),
            found=_("nothing") if not said else _("%(count)s letters") % {"count": len(said)},
            limit=_("1 to %(count)s letters") % {"count": LONGEST_GOAL},
            next_step=_("Write it in the person's own words."),
        )
    act = Act(name="set-goal", by=by, patient_id=found.patient_id, key=key, asked={"words": said})
    done = earlier(act)
    if done is not None:
        return done
    since = clock.today(by.practice.zone)
    return commit(
        act, [Draft(resource=goal(f"goal-{secrets.token_hex(12)}", said, patient_id=found.patient_id, since=since))]
    )


def rate_goal(found: Chart, goal_id: str, level: int | None, *, by: Account, key: str) -> Done:
    """Write down how far a goal of this record was reached today, from -2 to 2."""
    require(by, "rate-goal", patient_id=found.patient_id)
    act = Act(name="rate-goal", by=by, patient_id=found.patient_id, key=key, asked={"goal": goal_id, "level": level})
    done = earlier(act)
    if done is not None:
        return done
    standing = () if found.person is None else found.person.goals
    if goal_id not in [one.origin.split("/")[1] for one in standing]:
        raise BadInput(
            field=_("goal"), found=goal_id, limit=_("a goal of this record"), next_step=_("Reload the page.")
        )
    if level not in GOAL_LEVELS:
        raise BadInput(field=_("rating"), found=level, limit=_("-2 to 2"), next_step=_("Choose one of the five steps."))
    at = clock.local(clock.now(), by.practice.zone)
    rating = goal_rating(
        f"rating-{secrets.token_hex(12)}", goal_id, level, patient_id=found.patient_id, at=at, by=by.name
    )
    return commit(act, [Draft(resource=rating)])


def _is_unseen(sign: str) -> bool:
    return unicodedata.category(sign) in _CONTROLS or sign in _TURNS
