"""The medical lead takes over what ships as our default, as it is or with another value, or takes an approval back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from clinic import clock
from clinic.access import audit
from clinic.access.models import Account
from clinic.access.permission import require
from clinic.actions.profile import value_of
from clinic.queries.governance import is_of_clinic, shipped
from clinic.queries.person import approvals
from clinic.record.models import PolicyEntry, Practice
from clinic.record.projections import knowledge
from ketapath.domain.clinic import Approval
from ketapath.errors import BadInput
from ketapath.knowledge.policy import Item, check_values


def approve(
    chosen: Sequence[tuple[str, str]], values: Mapping[str, Mapping[str, float]], *, reason: str, by: Account
) -> int:
    """Approve these items, each named with the version that was read; the number of entries that were written.

    `values` holds for each item the limits that are to count here. What is approved like this already is passed over.
    Raises BadInput where nothing is chosen, an item has changed since the page was opened, or a value is impossible or
    moved without a reason.
    """
    require(by, "approve-policy")
    known = {item.id: item for item in shipped()}
    if not chosen:
        raise BadInput(
            field=_("items"), found=_("nothing"), limit=_("at least one item"), next_step=_("Choose what to approve.")
        )
    wanted = []
    for name, version in chosen:
        item = known.get(name)
        if item is None or item.version != version:
            raise BadInput(
                field=name,
                found=version,
                limit=_("the item as it ships now"),
                next_step=_("Reload the page and read it."),
            )
        moved = _moved(item, values.get(name, {}))
        if moved and not reason.strip():
            raise BadInput(
                field=_("reason"),
                found=_("nothing"),
                limit=_("a reason for another value"),
                next_step=_("Write it in a line."),
            )
        wanted.append((item, moved))
    with transaction.atomic():
        _lock(by.practice)
        held = approvals(by.practice)
        new = [(i, m) for i, m in wanted if not _stands_so(i, m, held)]
        PolicyEntry.objects.bulk_create(
            PolicyEntry(practice=by.practice, item=item.id, version=item.version, values=moved, reason=reason,
                        by=by.name, at=clock.now())
            for item, moved in new
        )  # fmt: skip
        audit.append("approve-policy", outcome="done", account=by, entities=[item.id for item, _moved_to in new])
    return len(new)


def take_back(name: str, *, reason: str, by: Account) -> None:
    """This approval no longer counts. Raises BadInput where there is none, or no reason."""
    require(by, "approve-policy")
    if not reason.strip():
        raise BadInput(
            field=_("reason"), found=_("nothing"), limit=_("a reason for taking an approval back"),
            next_step=_("Write it in a line."),
        )  # fmt: skip
    with transaction.atomic():
        _lock(by.practice)
        standing = approvals(by.practice).get(name)
        if standing is None:
            raise BadInput(
                field=_("item"), found=name, limit=_("an approval that stands"), next_step=_("Reload the page.")
            )
        PolicyEntry.objects.create(
            practice=by.practice, item=name, version=standing.version, is_withdrawn=True, reason=reason, by=by.name,
            at=clock.now(),
        )  # fmt: skip
        audit.append("approve-policy", outcome="taken back", account=by, entities=[name])


def state_of_clinic(said: Mapping[str, str], *, by: Account) -> int:
    """The clinic answers for these, from today on; the number of answers that were new.

    Raises BadInput for what the clinic does not state of itself and for an impossible value.
    """
    require(by, "approve-policy")
    today = clock.today(by.practice.zone).isoformat()
    values = {path: clinic_value(path, words) for path, words in said.items()}
    with transaction.atomic():
        practice = _lock(by.practice)
        facts = dict(practice.settings.get("facts") or {})
        new = {path: {"value": value, "on": today, "by": by.name} for path, value in values.items()}
        practice.settings = {**practice.settings, "facts": facts | new}
        practice.save(update_fields=["settings"])
        audit.append("state-of-clinic", outcome="done", account=by, entities=sorted(new))
    by.practice.refresh_from_db()
    return len(new)


def clinic_value(path: str, words: str) -> bool | float | str:
    """The words as a value of this path."""
    spec = knowledge().paths.get(path)
    if spec is None or not is_of_clinic(spec):
        raise BadInput(
            field=_("fact"), found=path, limit=_("a fact that the clinic states"), next_step=_("Choose one.")
        )
    return value_of(spec, words)


def _moved(item: Item, values: Mapping[str, float]) -> dict[str, float]:
    """The values that differ from what ships."""
    check_values(item, values)
    shipped_values = {limit.key: limit.shipped for limit in item.limits}
    return {key: value for key, value in values.items() if value != shipped_values[key]}


def _stands_so(item: Item, moved: Mapping[str, float], held: Mapping[str, Approval]) -> bool:
    standing = held.get(item.id)
    return standing is not None and (standing.version, dict(standing.values)) == (item.version, dict(moved))


def _lock(practice: Practice) -> Practice:
    """One at a time for each practice, so that two leads do not write past each other."""
    return Practice.objects.select_for_update().get(pk=practice.pk)
