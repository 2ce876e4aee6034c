"""What can go wrong, as types: each carries what the person at the keyboard needs to go on.

A clinical "cannot decide" is a value (`undetermined`), never an exception. These are for input that cannot be
read, knowledge that is broken, and arithmetic that failed. `cli` turns each into one short paragraph and its
exit code; none of them may carry a patient's name.
"""

from __future__ import annotations

from typing import ClassVar


class KetapathError(Exception):
    """Base of every error that ends a command on purpose. `exit_code` is part of the public interface."""

    exit_code: ClassVar[int] = 1


class BadUsage(KetapathError):
    """The command was called with options that do not fit together, or with a word that does not exist."""

    exit_code = 2


class BadInput(KetapathError):
    """A value came in that cannot be used: says which field, what was found, the limit, and the next step."""

    exit_code = 3

    def __init__(self, *, field: str, found: object, limit: str, next_step: str) -> None:
        self.field, self.found, self.limit, self.next_step = field, _short(found), limit, next_step
        super().__init__(f"{field}: found {self.found}; {limit}. {next_step}")


class KnowledgeError(KetapathError):
    """A knowledge file breaks its schema, its cases or its sources."""

    exit_code = 4


class NumericalError(KetapathError):
    """A computation lost its accuracy or did not converge; no number is returned in its place."""

    exit_code = 5


def _short(value: object) -> str:
    """At most 60 printable characters, so that hostile input cannot flood a terminal."""
    text = value if isinstance(value, str) else repr(value)
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:200])
    return text if len(text) <= 60 else text[:57] + "..."
