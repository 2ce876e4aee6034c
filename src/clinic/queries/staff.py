"""Who works here, and what have they shown for what they do? The register of certificates, on a day or now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import STAFF
from clinic.practice.models import Certificate
from clinic.queries.duty import duties_at
from clinic.queries.person import clinic_now, knowledge_at
from clinic.record.models import Practice
from ketapath.competence import MODALITIES, Held, Need, kinds, needs_of, valid

ADVANCED_LIFE_SUPPORT = "advanced-life-support"
"""What somebody on site has to hold for a racemic dose (MON-024)."""
_OPEN = ("missing", "run-out", "ends-soon", "look-again")


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleague:
    """One person of the house with what the role asks for, the therapies shown, and every certificate on file."""

    account: Account
    needs: tuple[Need, ...]
    modalities: tuple[str, ...]
    certificates: tuple[Certificate, ...]

    @property
    def gaps(self) -> tuple[Need, ...]:
        """What is missing or has run out."""
        return tuple(need for need in self.needs if need.state in ("missing", "run-out"))

    @property
    def attention(self) -> int:
        """How much a person should look at."""
        return sum(need.state in _OPEN for need in self.needs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Qualified:
    """Somebody who is on site, with the kinds of certificates that are in date, and what the role still asks for.

    `watches` is how many people in session they may look after at once, by their duty.
    """

    account: Account
    watches: int
    kinds: frozenset[str]
    gaps: tuple[Need, ...]


def register(practice: Practice, *, on: date | None = None) -> list[Colleague]:
    """Everybody on the staff with their certificates, those with most to look at first."""
    day = on or clock.today(practice.zone)
    rows = _by_account(Certificate.objects.filter(practice=practice).order_by("kind", "-valid_from", "-id"))
    known = knowledge_at(clinic_now(practice))
    found = []
    for account in Account.objects.filter(practice=practice, is_active=True, role__in=STAFF).order_by("name", "id"):
        own = tuple(rows.get(account.pk, ()))
        held = [_held(row) for row in own if row.withdrawn_at is None]
        found.append(
            Colleague(
                account=account,
                needs=needs_of(account.role, held, known, on=day),
                modalities=tuple(m for m in MODALITIES if valid(held, (m,), on=day)),
                certificates=own,
            )
        )
    return sorted(found, key=lambda c: -c.attention)


def held_by(account: Account) -> list[Held]:
    """The certificates of one person that were not withdrawn."""
    return [_held(row) for row in Certificate.objects.filter(account=account, withdrawn_at=None)]


def certificate_kinds(practice: Practice) -> tuple[str, ...]:
    """What the register of this clinic may hold."""
    return kinds(knowledge_at(clinic_now(practice)))


def qualified_now(practice: Practice, at: datetime) -> tuple[Qualified, ...]:
    """Who is on duty at this instant, and what of theirs is in date on that day."""
    on = clock.local(at, practice.zone).date()
    here: dict[int, Account] = {}
    watches: dict[int, int] = defaultdict(int)
    for duty in duties_at(practice, at).select_related("account"):
        here[duty.account_id] = duty.account
        watches[duty.account_id] = max(watches[duty.account_id], duty.watches)
    in_date = Q(valid_until=None) | Q(valid_until__gte=on)
    rows = Certificate.objects.filter(
        in_date, practice=practice, account__in=here, valid_from__lte=on, withdrawn_at=None
    )
    held = {number: [_held(row) for row in own] for number, own in _by_account(rows).items()}
    known = knowledge_at(clinic_now(practice))
    found = []
    for number, account in sorted(here.items(), key=lambda pair: (pair[1].name, pair[0])):
        own = held.get(number, [])
        needs = needs_of(account.role, own, known, on=on)
        gaps = tuple(need for need in needs if need.state in ("missing", "run-out"))
        kinds_held = frozenset(h.kind for h in own)
        found.append(Qualified(account=account, watches=watches[number], kinds=kinds_held, gaps=gaps))
    return tuple(found)


def _by_account(rows: Iterable[Certificate]) -> dict[int, list[Certificate]]:
    found: dict[int, list[Certificate]] = defaultdict(list)
    for row in rows:
        found[row.account_id].append(row)
    return found


def _held(row: Certificate) -> Held:
    return Held(
        kind=row.kind, valid_from=row.valid_from, valid_until=row.valid_until, seen_on=row.seen_at.date()
    )  # fmt: skip
