"""Does this result rest on that source? Looked up in its JSON form, where every statement names its evidence."""

from __future__ import annotations

from typing import Any


def rests_on(form: Any, source: str) -> bool:
    """Whether a result names the source as evidence of anything it states.

    `form` is any part of a result as plan_json, candidacy_json or course_json gives it.
    """
    if isinstance(form, list):
        return any(rests_on(part, source) for part in form)
    if not isinstance(form, dict):
        return False
    if form.get("kind") == "published" and form.get("key") == source:
        return True
    return any(rests_on(part, source) for part in form.values())
