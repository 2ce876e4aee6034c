"""One entry, five outputs: what a closed session says to the drug programme, the chart, the book and the registry.

All five are laid out from the words of `said`, so that they cannot differ; `disagreements` compares finished ones.
"""

from __future__ import annotations

from ketapath.outputs.agreement import (
    OPEN,
    disagreements,
    miscounted,
    read_effects,
    read_form,
    read_ledger,
    read_note,
    read_registry,
)
from ketapath.outputs.entry import amount, entry
from ketapath.outputs.five import REGISTRY, effects_record, ledger_rows, progress_note, registry_row
from ketapath.outputs.form import FORM_DAYS, due_on, form_fields, is_due_here
from ketapath.outputs.words import CARRIES, FIELDS, LABELS, NAMED, UNKNOWN, said

__all__ = [
    "CARRIES",
    "FIELDS",
    "FORM_DAYS",
    "LABELS",
    "NAMED",
    "OPEN",
    "REGISTRY",
    "UNKNOWN",
    "amount",
    "disagreements",
    "due_on",
    "effects_record",
    "entry",
    "form_fields",
    "is_due_here",
    "ledger_rows",
    "miscounted",
    "progress_note",
    "read_effects",
    "read_form",
    "read_ledger",
    "read_note",
    "read_registry",
    "registry_row",
    "said",
]  # fmt: skip
