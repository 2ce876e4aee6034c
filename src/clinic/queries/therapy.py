"""What therapy stands around this person's doses, for this reader? Hours, notes, exposures, touch, therapists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from clinic.access.models import Account
from clinic.access.permission import TREATING
from clinic.queries.notes import Shown, notes_for
from clinic.queries.person import Chart
from clinic.queries.staff import held_by
from ketapath.competence import MODALITIES, is_competent
from ketapath.domain.session import Visit
from ketapath.domain.therapy import Chain, Exposure, Link, TouchAgreement
from ketapath.fhir.therapy import hours, touch_agreements
from ketapath.therapy import chain, exposure_of, link_of, touch_agreed, touch_limit_min


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One dose of the chain with what this reader may see around it.

    `own_process_notes` are the reader's own, and none of anybody else's: not that they exist, nor how many. `touched`
    says that touch is on record for it; `touch` is what was agreed on before it.
    """

    link: Link
    visit: Visit | None
    notes: tuple[Shown, ...]
    own_process_notes: tuple[Shown, ...]
    exposures: tuple[Exposure, ...]
    touch: TouchAgreement | None

    @property
    def touched(self) -> bool:
        """Whether touch is among what this session was given."""
        return any(one.kind == "touch" for one in self.exposures)

    @property
    def is_touch_unagreed(self) -> bool:
        """Whether somebody was touched who had not agreed to it beforehand."""
        return self.touched and (self.touch is None or not self.touch.is_agreed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Therapist:
    """Somebody who may hold an hour, with the therapies shown by a certificate that is in date."""

    account: Account
    modalities: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Therapy:
    """The chain with all around it, the newest dose first; `touch` is the word that counts for the next session."""

    steps: tuple[Step, ...]
    chain: Chain
    notes_beside: tuple[Shown, ...]
    touch: TouchAgreement | None
    touch_limit_min: float
    therapists: tuple[Therapist, ...]


def therapy(found: Chart, by: Account) -> Therapy:
    """The chain as this account may see it."""
    plan = found.plan
    made = chain(
        found.visits, () if plan is None else plan.visits, hours(found.bundle), found.knowledge, as_of=found.as_of
    )
    visits = {v.origin.id: v for v in found.visits}
    said = touch_agreements(found.bundle)
    noted = _noted(found, by, made.links)
    steps = []
    for place, link in enumerate(made.links):
        visit = None if link.visit_id is None else visits.get(link.visit_id)
        given = None if visit is None else visit.administration
        about = noted.get(place, ())
        steps.append(
            Step(
                link=link,
                visit=visit,
                notes=tuple(one for one in about if one.note.kind != "process"),
                own_process_notes=tuple(one for one in about if one.note.kind == "process"),
                exposures=() if visit is None else exposures_of(visit),
                touch=touch_agreed(said, found.knowledge, dose_at=None if given is None else given.started_at),
            )
        )
    return Therapy(
        steps=tuple(reversed(steps)),
        chain=made,
        notes_beside=tuple(one for one in noted.get(-1, ()) if one.note.kind != "process"),
        touch=touch_agreed(said, found.knowledge, dose_at=None),
        touch_limit_min=touch_limit_min(found.knowledge),
        therapists=therapists(found),
    )


def touch_now(found: Chart) -> TouchAgreement | None:
    """The word on touch that counts in the visit that is open, or for the next one; None where nobody has asked."""
    given = None if found.open_visit is None else found.open_visit.administration
    said = touch_agreements(found.bundle)
    return touch_agreed(said, found.knowledge, dose_at=None if given is None else given.started_at)


def exposures_of(visit: Visit) -> tuple[Exposure, ...]:
    """What a session was given besides the dose, oldest first."""
    said = ((exposure_of(e.words, e.value, at=e.at, by=e.by), e.origin.id) for e in visit.said("exposure"))
    return tuple(replace(one, event_id=name) for one, name in said if one is not None)


def therapists(found: Chart) -> tuple[Therapist, ...]:
    """Everybody here who may hold an hour, those with a certificate first."""
    accounts = Account.objects.filter(practice=found.practice, is_active=True, role__in=TREATING)
    listed = []
    for account in accounts.order_by("name", "id"):
        held = held_by(account)
        shown = tuple(m for m in MODALITIES if is_competent(m, held, on=found.as_of))
        listed.append(Therapist(account=account, modalities=shown))
    return tuple(sorted(listed, key=lambda one: not one.modalities))


def _noted(found: Chart, by: Account, links: tuple[Link, ...]) -> Mapping[int, tuple[Shown, ...]]:
    """The notes of preparation and integration by the session they belong to, and this reader's own process notes."""
    by_place: dict[int, tuple[Shown, ...]] = {}
    for one in notes_for(found, by):
        note = one.note
        is_own_process = note.kind == "process" and note.username == by.username
        if note.state == "withdrawn" or not (note.kind in ("preparation", "integration") or is_own_process):
            continue
        kind = "preparation" if note.kind == "preparation" else "integration"
        place = link_of(kind, note.written_at.date(), links, visit_id=note.visit_id)
        by_place[place] = (*by_place.get(place, ()), one)
    return by_place
