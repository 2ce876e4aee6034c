"""The side-effect record, the ledger's lines, the progress note and the registry's row of a session."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ketapath.domain.outputs import Entry, LedgerRow
from ketapath.outputs.words import CARRIES, FIELDS, LABELS, UNKNOWN, number_words, one_line, said

REGISTRY: Mapping[str, str] = MappingProxyType(
    {"person": "pseudonym"}
    | {name: name for name in FIELDS if name in CARRIES["registry"] and name != "person"}
    | {"number": "session_number", "status": "status", "age": "age_years"}
)
"""The shared field or further fact behind each column of the registry, and what the column is called."""
_OLDEST_SHOWN = 90  # source: 45 CFR 164.514(b)(2)(i)(C): ages of 90 and over are one group
_STATUS = {"completed": "given", "stopped": "stopped early", "not-done": "not given", "in-progress": "not ended"}


def effects_record(entry: Entry) -> str:
    """The side effects of a session as a table: shared fields, further ratings, then every value by its minute."""
    words = said(entry)
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["what", "said"])
    rows.writerows([LABELS[name], words[name]] for name in FIELDS if name in CARRIES["effects"])
    rows.writerow(["Highest nausea, 0 to 10", number_words(entry.nausea)])
    rows.writerow(["Highest distress, 0 to 10", number_words(entry.distress)])
    rows.writerow(["Lowest oxygen saturation under the drug, %", number_words(entry.spo2_lowest)])
    for rating in entry.ratings:
        value = ("yes" if rating.value else "no") if isinstance(rating.value, bool) else f"{rating.value:g}"
        rows.writerow([f"minute {rating.minute:.0f}, {rating.quantity}", value])
    return out.getvalue()


def ledger_rows(entry: Entry) -> tuple[LedgerRow, ...]:
    """What the book has to say of this session: a row for each lot."""
    return tuple(
        LedgerRow(
            patient_id=entry.patient_id, on=entry.on, product=entry.product, route=entry.route, lot=use.lot,
            drawn_mg=use.drawn_mg, given_mg=use.given_mg, wasted_mg=use.wasted_mg,
        )
        for use in entry.uses
    )  # fmt: skip


def progress_note(entry: Entry, reasons: Sequence[str] = ()) -> str:
    """A draft for whoever signs it: each field on its line, what was written about the dose, and room for words."""
    words = said(entry)
    lines = [f"Session {entry.number}, {_STATUS.get(entry.status, entry.status)}. Drafted from the session's record."]
    lines += [f"{LABELS[name]}: {words[name]}" for name in FIELDS]
    lines += [f"Written about the dose: {one_line(reason)}" for reason in reasons if reason.strip()]
    return "\n".join([*lines, "", "Course and impression: ", ""])


def registry_row(entry: Entry, pseudonym: str) -> dict[str, str]:
    """What the registry hears: no name, number, lot or account. Its day stays, so that it is a limited data set.

    What nobody recorded is "not recorded", so that a share counted over these rows knows its denominator.
    """
    words = said(entry) | {"person": pseudonym}
    row = {column: words[name] for name, column in REGISTRY.items() if name in words}
    return row | {
        "session_number": str(entry.number),
        "status": _STATUS.get(entry.status, entry.status),
        "age_years": _age(entry),
    }


def _age(entry: Entry) -> str:
    if entry.born_on is None:
        return UNKNOWN
    had_birthday = (entry.on.month, entry.on.day) >= (entry.born_on.month, entry.born_on.day)
    years = entry.on.year - entry.born_on.year - (not had_birthday)
    return f"{_OLDEST_SHOWN} and over" if years >= _OLDEST_SHOWN else str(years)
