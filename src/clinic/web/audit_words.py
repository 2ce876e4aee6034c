"""What is an act on the trail called on a page? For directors in a word or two, for patients in a plain sentence."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.utils.translation import gettext_lazy as _

ACTS: Mapping[str, Any] = MappingProxyType(
    {
        "answer-score": _("entered answers to a questionnaire"),
        "approve-policy": _("decided about the clinic's rules"),
        "ask-override": _("asked to treat in spite of a contraindication"),
        "break-glass": _("opened the record in an emergency"),
        "chart-vitals": _("entered readings of a session"),
        "choose-password": _("chose a password"),
        "close-account": _("closed an account"),
        "close-session": _("ended a session"),
        "create-user": _("made an account"),
        "decide-card": _("decided how treatment goes on"),
        "decide-plan": _("decided about a plan"),
        "export": _("took a file out of the record"),
        "export-audit": _("took the trail out as a file"),
        "fault": _("met a fault of the program"),
        "find-patients": _("looked through the list of patients"),
        "give-dose": _("recorded a dose"),
        "import-record": _("took a record in from elsewhere"),
        "new-code": _("made a code to sign in with"),
        "open-session": _("began a session"),
        "print": _("printed a page of the record"),
        "rate-goal": _("rated a goal"),
        "read-accesses": _("looked up who had opened the record"),
        "read-audit": _("read the trail"),
        "read-chart": _("opened the record"),
        "read-own": _("looked at the own page"),
        "read-policy": _("looked at the clinic's rules"),
        "see-notice": _("saw a notice"),
        "see-today": _("looked at the day"),
        "set-goal": _("wrote down a goal"),
        "sign-in": _("signed in"),
        "sign-out": _("signed out"),
        "sign-override": _("signed a treatment in spite of a contraindication"),
        "state-fact": _("entered something into the record"),
        "state-of-clinic": _("stated a fact of the clinic"),
        "use-bench": _("compared doses"),
        "withdraw-fact": _("took back an entry"),
    }
)
OUTCOMES: Mapping[str, Any] = MappingProxyType(
    {
        "absent": _("not there"),
        "done": _("done"),
        "failed": _("failed"),
        "refused": _("refused"),
        "resting": _("refused while resting"),
        "taken back": _("taken back"),
        "unsaved": _("not saved"),
    }
)
TROUBLES: Mapping[str, Any] = MappingProxyType(
    {
        "row-edited": _("Row %(number)s is not as it was written."),
        "row-missing": _("Row %(number)s is gone."),
        "row-slipped-in": _("Row %(number)s was slipped in between older rows."),
        "old-row-broken": _("Row %(number)s does not follow the one before it."),
        "block-edited": _("Block %(number)s is not as it was sealed."),
        "block-missing": _("Block %(number)s is gone."),
        "block-reordered": _("Block %(number)s does not follow the one before it."),
        "seals-changed": _("The seals of block %(number)s are not those it was made of."),
        "seal-of-no-block": _("The seal of row %(number)s belongs to no block."),
        "anchor-differs": _("Block %(number)s is not the one that was anchored."),
        "anchor-ahead": _("Block %(number)s was anchored and is gone: the trail was cut off."),
        "anchor-behind": _("Block %(number)s and later ones are not anchored."),
        "anchor-damaged": _("Line %(number)s of the anchor does not follow the one before it."),
        "anchor-unreadable": _("The anchor cannot be read; it is named by AUDIT_ANCHOR."),
        "unreadable": _("Row %(number)s or one near it cannot be read any more."),
    }
)


def act_words(act: str) -> str:
    """The act in words; one that has none yet in its own."""
    return str(ACTS.get(act, act.replace("-", " ")))


def outcome_words(outcome: str) -> str:
    """How it came out."""
    return str(OUTCOMES.get(outcome, outcome))


def trouble_words(kind: str, number: int) -> str:
    """One thing that verification found to be wrong."""
    return str(TROUBLES[kind]) % {"number": number} if kind in TROUBLES else f"{kind} {number}"
