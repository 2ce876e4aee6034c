"""Treat in spite of a relative contraindication: a reason, a day of review, and a second person's signature.

An absolute contraindication is never overridden: the fact is corrected, with its trail, or nothing is signed.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext as _

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import require
from clinic.access.proof import Proof
from clinic.actions.alerts import raise_alert, settle
from clinic.actions.commit import Act, Done, Draft, Signing, Stale, commit, earlier
from clinic.queries.person import Chart, candidacy
from clinic.record.read import Stored, read
from clinic.record.signatures import Meaning, Seen, signatures_on
from ketapath.errors import BadInput
from ketapath.fhir.encode import override_asked, override_signed, with_status

ASKED = "override.asked"


def ask_override(
    found: Chart, rule_id: str, *, reason: str, review_on: date | None, by: Account, key: str, proof: Proof
) -> Done:
    """Ask for an override of this rule, and sign that; it counts for nothing before another person has signed.

    Raises BadInput where the rule does not speak of this person, is no relative contraindication, or the reason or a
    possible day of review is missing.
    """
    require(by, "ask-override", patient_id=found.patient_id)
    asked = {"rule": rule_id, "reason": reason, "review_on": str(review_on)}
    act = Act(name="ask-override", by=by, patient_id=found.patient_id, reason=reason, key=key, asked=asked)
    done = earlier(act)
    if done is not None:
        return done
    speaking = {f.id for f in candidacy(found).findings if f.verdict in ("not-eligible", "defer")}
    rule = found.knowledge.rules.get(rule_id)
    is_relative = rule is not None and rule.severity == "relative-contraindication" and rule.override != "never"
    if rule is None or rule_id not in speaking or not is_relative:
        raise BadInput(
            field=_("rule"), found=rule_id, limit=_("a relative contraindication that speaks today"),
            next_step=_("An absolute one is not overridden: correct the fact if it is wrong."),
        )  # fmt: skip
    if not reason.strip():
        raise BadInput(field=_("reason"), found=_("nothing"), limit=_("a reason"), next_step=_("Write it in a line."))
    most = 0 if rule.override == "today" else found.knowledge.figure("override_days_most")
    latest = found.as_of + timedelta(days=most)
    if review_on is None or not found.as_of <= review_on <= latest:
        raise BadInput(
            field=_("day of review"), found=str(review_on or _("nothing")),
            limit=_("a day from today to %(latest)s") % {"latest": latest.isoformat()}, next_step=_("Choose a day."),
        )  # fmt: skip
    at = clock.local(clock.now(), by.practice.zone)
    resource = override_asked(
        f"override-{secrets.token_hex(12)}", rule.ref, reason=reason, review_on=review_on, patient_id=found.patient_id,
        at=at, by=by.name,
    )  # fmt: skip

    def told(_done: Done) -> None:
        about = f"DetectedIssue/{resource['id']}"
        raise_alert(found.practice, kind=ASKED, patient_id=found.patient_id, about=about, not_for=by)

    return commit(_signed(act, resource, "author", proof), [Draft(resource=resource)], last=told)


def sign_override(
    found: Chart, identity: str, *, seen: Seen | None = None, by: Account, key: str, proof: Proof
) -> Done:
    """The second signature, by somebody else than who asked.

    `seen` is the request as the signer read it, None where that is this very moment; Stale where it has changed.
    """
    require(by, "sign-override", patient_id=found.patient_id)
    act = Act(name="sign-override", by=by, patient_id=found.patient_id, key=key, asked={"override": identity})
    done = earlier(act)
    if done is not None:
        return done
    standing = _standing(found, identity, "preliminary")
    if seen is not None and seen != Seen.of(standing):
        raise Stale(standing.kind, standing.identity, standing.version)
    first = str(standing.resource["mitigation"][0]["author"]["display"])
    signers = {signed.username for signed in signatures_on(found.practice, standing.kind, standing.identity)}
    if first == by.name or by.username in signers:
        raise BadInput(
            field=_("signature"), found=by.name, limit=_("another person than who asked"),
            next_step=_("Ask a colleague to sign."),
        )  # fmt: skip
    at = clock.local(clock.now(), by.practice.zone)
    signed = override_signed(standing.resource, at=at, by=by.name)
    drafts = [Draft(resource=signed, expected=standing.version)]
    return commit(_signed(act, signed, "approval", proof), drafts, last=lambda _done: _answered(found, identity, by))


def end_override(found: Chart, identity: str, *, reason: str, by: Account, key: str) -> Done:
    """The override, or the request for one, no longer counts."""
    require(by, "ask-override", patient_id=found.patient_id)
    act = Act(
        name="ask-override", by=by, patient_id=found.patient_id, reason=reason, key=key, asked={"ended": identity}
    )
    done = earlier(act)
    if done is not None:
        return done
    if not reason.strip():
        raise BadInput(field=_("reason"), found=_("nothing"), limit=_("a reason"), next_step=_("Write it in a line."))
    standing = _standing(found, identity, "preliminary", "final")
    drafts = [Draft(resource=with_status(standing.resource, "cancelled"), expected=standing.version)]
    return commit(act, drafts, last=lambda _done: _answered(found, identity, by))


def _answered(found: Chart, identity: str, by: Account) -> None:
    """Nobody has to be asked for a signature any more."""
    settle(found.practice, kind=ASKED, patient_id=found.patient_id, about=f"DetectedIssue/{identity}", by=by)


def _signed(act: Act, resource: Mapping[str, Any], meaning: Meaning, proof: Proof) -> Act:
    return replace(act, signing=Signing(meaning=meaning, proof=proof, over=(f"DetectedIssue/{resource['id']}",)))


def _standing(found: Chart, identity: str, *states: str) -> Stored:
    standing = read(found.practice, "DetectedIssue", identity)
    if standing is None or standing.patient_id != found.patient_id or standing.resource.get("status") not in states:
        raise BadInput(
            field=_("override"), found=identity, limit=_("an override of this person that stands"),
            next_step=_("Reload the page."),
        )  # fmt: skip
    return standing
