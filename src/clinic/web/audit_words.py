"""What is an act on the trail called on a page? For directors in a word or two, for patients in a plain sentence."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.utils.translation import gettext_lazy as _

from clinic.access import permission

ACTS: Mapping[str, Any] = MappingProxyType(
    {
        "add-second-factor": _("added a second factor"),
        "answer-alert": _("answered an alert"),
        "answer-form": _("answered a question of a form"),
        "answer-score": _("entered answers to a questionnaire"),
        "approve-policy": _("decided about the clinic's rules"),
        "ask-override": _("asked to treat in spite of a contraindication"),
        "backup": _("made a backup"),
        "book": _("booked an appointment"),
        "agree-touch": _("wrote down what was said about touch"),
        "break-glass": _("opened the record in an emergency"),
        "chart-exposure": _("wrote down what a session was given besides the dose"),
        "chart-session": _("entered what happened in a session"),
        "cancel-booking": _("cancelled an appointment or noted that nobody came"),
        "chart-vitals": _("entered readings of a session"),
        "check-calculation": _("checked the calculation of an order"),
        "check-order": _("checked an order before a dose"),
        "choose-password": _("chose a password"),
        "close-account": _("closed an account"),
        "close-difference": _("closed a difference in the drug ledger"),
        "close-session": _("ended a session"),
        "confirm-consent": _("confirmed the consent before a dose"),
        "count-stock": _("counted the controlled drugs"),
        "create-token": _("made a token for a program"),
        "create-user": _("made an account"),
        "decide-card": _("decided how treatment goes on"),
        "decide-plan": _("decided about a plan"),
        "discharge": _("let somebody go home after a dose"),
        "destroy-stock": _("recorded that a controlled drug was destroyed"),
        "explain-difference": _("explained a difference in the drug ledger"),
        "export": _("took a file out of the record"),
        "export-audit": _("took the trail out as a file"),
        "export-chart": _("took the whole record out as a file"),
        "export-registry": _("took the registry out as a file"),
        "fault": _("met a fault of the program"),
        "find-patients": _("looked through the list of patients"),
        "finish-record": _("finished the record of a session"),
        "give-dose": _("recorded a dose"),
        "hand-over": _("handed over to a colleague"),
        "hold-therapy": _("wrote down an hour of therapy"),
        "hand-in": _("handed in a record from elsewhere"),
        "import-chart": _("brought back a whole record"),
        "import-record": _("took a record in from elsewhere"),
        "keep-certificates": _("put a certificate on file or withdrew one"),
        "keep-places": _("kept the list of places outside"),
        "lock": _("locked the screen"),
        "move-booking": _("moved an appointment"),
        "move-record": _("moved an entry from one person to another"),
        "new-code": _("made a code to sign in with"),
        "new-recovery-codes": _("made new recovery codes"),
        "open-session": _("began a session"),
        "override-discharge": _("let somebody go home with something open"),
        "own-account": _("looked at the own account"),
        "print": _("printed a page of the record"),
        "prove": _("showed who signs"),
        "rate-goal": _("rated a goal"),
        "read-accesses": _("looked up who had opened the record"),
        "read-audit": _("read the trail"),
        "read-chart": _("opened the record"),
        "read-own": _("looked at the own page"),
        "read-own-accesses": _("looked at who has opened the own record"),
        "read-policy": _("looked at the clinic's rules"),
        "receive-stock": _("received controlled drugs"),
        "record-adverse": _("recorded an adverse event"),
        "record-drug": _("recorded what was drawn, given and wasted"),
        "refer": _("referred the person to a place outside"),
        "note-cover": _("wrote down what a payer allows"),
        "register-patient": _("began a record"),
        "re-screen": _("finished what is asked on the day"),
        "reserve": _("brought in the rows of the time without a store"),
        "remove-second-factor": _("removed a second factor"),
        "reset-second-factor": _("removed somebody's second factors"),
        "restore": _("restored a backup"),
        "restrict-chart": _("restricted the record to the care team or opened it again"),
        "retry-errand": _("had an errand tried again"),
        "review-adverse": _("reviewed an adverse event"),
        "review-decisions": _("looked at how suggestions were decided"),
        "review-emergency": _("reviewed an opening in an emergency"),
        "revoke-token": _("ended a token of a program"),
        "run-trial": _("started or stopped a simulated trial"),
        "second-factor": _("showed a second factor"),
        "see-alerts": _("looked at the alerts"),
        "see-adverse": _("looked at adverse events"),
        "see-board": _("looked at the timers of a locked screen"),
        "see-schedule": _("looked at the schedule"),
        "see-errands": _("looked at the work behind the pages"),
        "see-forms": _("looked at the forms that are due"),
        "see-notice": _("saw a notice"),
        "see-stock": _("looked at the drug ledger"),
        "see-staff": _("looked at certificates of staff"),
        "see-team": _("looked up who belongs to the person"),
        "see-trials": _("looked at simulated trials"),
        "see-today": _("looked at the day"),
        "set-alert-chain": _("changed whom alerts reach"),
        "send-form": _("sent a form"),
        "set-access": _("changed what a person or a clinic may reach"),
        "set-duty": _("set who is on duty"),
        "set-formulary": _("changed what a clinic offers and charges"),
        "set-apart": _("kept something apart on import"),
        "set-goal": _("wrote down a goal"),
        "set-room": _("set up a room"),
        "set-team": _("changed who belongs to the person"),
        "set-site": _("changed what forms say of the clinic"),
        "sign-in": _("signed in"),
        "sign-note": _("signed a note"),
        "sign-out": _("signed out"),
        "sign-override": _("signed a treatment in spite of a contraindication"),
        "sign-plan": _("signed a plan"),
        "state-fact": _("entered something into the record"),
        "state-of-clinic": _("stated a fact of the clinic"),
        "unlock": _("unlocked the screen"),
        "take-over": _("took over from a colleague"),
        "use-bench": _("compared doses"),
        "withdraw-fact": _("took back an entry"),
        "witness": _("witnessed a step"),
        "write-note": _("wrote a note"),
        "write-process-note": _("wrote a process note"),
        "write-resource": _("wrote into the record from a program"),
    }
)
assert set(permission.ACTS) <= set(ACTS), "an act of a role has no words on the trail"
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
