"""Do the five finished outputs say the same? Each is read back from what it is: pages, a table, lines, a text, a row.

Nothing here knows what they were made from. What differs is named, for people to settle; nothing is put right.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from ketapath.domain.outputs import Disagreement, Entry, LedgerRow
from ketapath.outputs.five import REGISTRY
from ketapath.outputs.words import CARRIES, DEVICES, FIELDS, LABELS, UNKNOWN, lots_words, mg_words, product_words
from ketapath.session import DEVICE_MG

Told = Mapping[str, str]
"""What one output says, by shared field."""
OPEN = "open: nobody has said"
"""What a form prints in place of a value that nobody has said."""
_BY_LABEL = {label: name for name, label in LABELS.items()}


def read_form(rows: Sequence[Sequence[str]]) -> dict[str, str]:
    """From the rows of a form's tables, a label and a value each, as `report.pdf_text.pdf_rows` gives them.

    A space at which a line was broken is not in a PDF, so that labels are known without their spaces.
    """
    labels = {_packed(label): name for label, name in _BY_LABEL.items()}
    found: dict[str, str] = {}
    for row in rows:
        name = labels.get(_packed(row[0])) if len(row) == 2 else None
        if name is not None:
            found.setdefault(name, UNKNOWN if _packed(row[1]) == _packed(OPEN) else row[1])
    return found


def read_effects(table: str) -> dict[str, str]:
    """From the side-effect record."""
    rows = list(csv.reader(io.StringIO(table)))
    return {_BY_LABEL[row[0]]: row[1] for row in rows if len(row) == 2 and row[0] in _BY_LABEL}


def read_ledger(rows: Sequence[LedgerRow]) -> dict[str, str]:
    """From the lines of the book about one visit, corrections counted; empty where there are none."""
    if not rows:
        return {}
    drawn: dict[str, Decimal] = {}
    for row in rows:
        drawn[row.lot] = drawn.get(row.lot, Decimal(0)) + row.drawn_mg
    return {
        "person": _one(row.patient_id for row in rows),
        "day": _one(row.on.isoformat() for row in rows),
        "product": _one(product_words(row.product) for row in rows),
        "route": _one(row.route for row in rows),
        "lot": lots_words(lot for lot, mg in drawn.items() if mg),
        "drawn_mg": mg_words(sum((row.drawn_mg for row in rows), Decimal(0))),
        "given_mg": mg_words(sum((row.given_mg for row in rows), Decimal(0))),
        "wasted_mg": mg_words(sum((row.wasted_mg for row in rows), Decimal(0))),
    }


def read_note(text: str) -> dict[str, str]:
    """From the text of the note, as it was signed or is drafted; the first line of each label counts."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        label, colon, value = line.partition(": ")
        if colon and label.strip() in _BY_LABEL:
            found.setdefault(_BY_LABEL[label.strip()], value.strip())
    return found


def read_registry(row: Mapping[str, str], *, persons: Mapping[str, str]) -> dict[str, str]:
    """From a row of the registry. `persons` maps pseudonyms to record numbers; another one names nobody."""
    found = {name: row[column] for name, column in REGISTRY.items() if name in LABELS and column in row}
    if "person" in found:
        found["person"] = persons.get(found["person"], "")
    return found


def disagreements(record: Told, outputs: Mapping[str, Told]) -> tuple[Disagreement, ...]:
    """Every shared field of which the record and the outputs at hand do not all say the same, in the order of a form.

    `record` is what the record says now. An output that should hold a field and does not disagrees as well.
    """
    found = []
    for name in FIELDS:
        words = {"record": record.get(name, "")}
        words |= {output: told.get(name, "") for output, told in outputs.items() if name in CARRIES[output]}
        if len({_packed(said) for said in words.values()}) > 1:
            found.append(Disagreement(field=name, said=words))
    return tuple(found)


def miscounted(entry: Entry) -> tuple[Disagreement, ...]:
    """Whether the devices of spray that are charted come to what was signed as given; nothing where none ever was."""
    if entry.devices is None or entry.given_mg is None:
        return ()
    charted = Decimal(str(DEVICE_MG)) * entry.devices
    if charted == entry.given_mg:
        return ()
    words = {"signed": f"{mg_words(entry.given_mg)} mg", "devices": f"{entry.devices}, {mg_words(charted)} mg"}
    return (Disagreement(field=DEVICES, said=words),)


def _one(values: Iterable[str]) -> str:
    return "; ".join(sorted(set(values)))


def _packed(words: str) -> str:
    """Words without their spaces; letters written from right to left by which there are, as a PDF turns them round."""
    packed = "".join(words.split())
    is_turned = any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in packed)
    return "".join(sorted(unicodedata.normalize("NFKC", packed))) if is_turned else packed
