"""How is a text key said? The template of the knowledge texts with its values; nothing is glued from parts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ketapath.domain.biomarker import MarkerView
from ketapath.domain.evidence import Override, RuleRef, Text
from ketapath.errors import KnowledgeError
from ketapath.units import shown

_FIELD = re.compile(r"\{(\w+)\}")


def say(text: Text, texts: Mapping[str, str]) -> str:
    """The sentence for this text. Only named values are filled in; a key or value that is missing is an error.

    A value may be a text itself, such as the name of a treatment.

    >>> say(Text(key="k", values={"n": 3}), {"k": "{n} items"})
    '3 items'
    """
    template = texts.get(text.key)
    if template is None:
        raise KnowledgeError(f"no text has the key {text.key!r}")

    def value(match: re.Match[str]) -> str:
        if match[1] not in text.values:
            raise KnowledgeError(f"text {text.key!r} needs the value {match[1]!r}")
        found = text.values[match[1]]
        if isinstance(found, Text):
            return say(found, texts)
        return f"{found:.3g}" if isinstance(found, float) else str(found)

    return _FIELD.sub(value, template)


def override(found: Override) -> Text:
    """That and until when two people treat in spite of a contraindication."""
    values = {"by": found.by, "second": found.second_by, "until": found.review_on.isoformat(), "reason": found.reason}
    return Text(key="rule.overridden", values=values)


def approval(rule: RuleRef) -> list[Text]:
    """What is to be said of the medical lead's approval wherever this rule shows; nothing where it needs none."""
    if rule.approved is None:
        return [Text(key="rule.awaits_approval")] if rule.needs_approval else []
    said = [Text(key="rule.approved", values={"by": rule.approved.by, "on": rule.approved.on.isoformat()})]
    for moved in rule.approved.changes:
        values = {"label": moved.label, "here": f"{moved.here:g}", "shipped": f"{moved.shipped:g}"}
        said.append(Text(key="rule.limit_moved", values={**values, "unit": shown(moved.unit)}))
    return said


def some_change(views: Iterable[MarkerView]) -> str:
    """The key of the sentence on top of all markers."""
    return "marker.some_change" if any(view.moves for view in views) else "marker.none_changes"


def plain(words: str) -> str:
    """Words of a record without control characters, so that they cannot steer a terminal."""
    return "".join(c for c in words if c.isprintable() or c == "\n")


def about(share: float) -> str:
    """A probability as people say it: about so many in ten, or in a hundred where it is small.

    >>> about(0.42), about(0.03), about(0.004)
    ('about 4 in 10', 'about 3 in 100', 'fewer than 1 in 100')
    """
    if share < 0.01:
        return "fewer than 1 in 100"
    if share < 0.095 or share > 0.905:
        return f"about {min(99, round(100 * share))} in 100"
    return f"about {round(10 * share)} in 10"


def times(ratio: float) -> str:
    """A likelihood ratio with two figures, or as many as it has before the point.

    >>> times(0.00007), times(0.137), times(7.8), times(123.4)
    ('under 0.01', '0.14', '7.8', '123')
    """
    return "under 0.01" if ratio < 0.01 else f"{ratio:.2g}" if ratio < 100 else f"{ratio:.0f}"
