"""How is one thing in a resource's text changed without touching the rest? Stamps, an id, references.

A record keeps each resource as it was sent: 1.50 stays 1.50, an unknown extension keeps its place. Reading it into
values and writing it again would lose that, so what has to change is changed in the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

STATED_META = "https://ketapath.org/fhir/local/meta-as-stated"
"""The extension that keeps a resource's own meta, word for word, where it cannot be told from the stamps laid in."""

_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]')
_COLON = re.compile(r"\s*:\s*")
_STAMPS = r'"versionId":"\d+","lastUpdated":"[^"]*"'
_LAID_IN = re.compile(r'\{"meta":\{' + _STAMPS + r"\},")
_LAID_INTO = re.compile(r"\{" + _STAMPS + ",")
_REFERENCE = re.compile(r'("reference"\s*:\s*")([^"\\]*)(")')


def with_stamps(text: str, version: int, changed_at: datetime) -> str:
    """The resource with meta.versionId and meta.lastUpdated as the store has them, all else as it was.

    `without_stamps` gives back exactly `text`.
    """
    stamps = f'"versionId":"{version}","lastUpdated":"{changed_at.isoformat()}"'
    span = _member(text, "meta")
    if span is None:
        start = text.index("{") + 1
        return f'{text[:start]}"meta":{{{stamps}}},{text[start:]}'
    start, end = span
    meta = json.loads(text[start:end])
    if isinstance(meta, dict) and meta and not {"versionId", "lastUpdated", "extension"} & meta.keys():
        return f"{text[: start + 1]}{stamps},{text[start + 1 :]}"
    own: dict[str, Any] = dict(meta) if isinstance(meta, dict) else {}
    more = own.pop("extension", None)
    stated = [{"url": STATED_META, "valueString": text[start:end]}, *(more if isinstance(more, list) else [])]
    made = {**own, "versionId": str(version), "lastUpdated": changed_at.isoformat(), "extension": stated}
    return text[:start] + json.dumps(made, ensure_ascii=False) + text[end:]


def without_stamps(text: str) -> str:
    """The resource as it was before `with_stamps`; one that never had them is left alone but for a like beginning."""
    first = text.find("{")
    laid_in = _LAID_IN.match(text, first)
    if laid_in:
        return f"{text[: first + 1]}{text[laid_in.end() :]}"
    span = _member(text, "meta")
    if span is None:
        return text
    start, end = span
    laid_into = _LAID_INTO.match(text, start)
    if laid_into:
        return f"{text[: start + 1]}{text[laid_into.end() :]}"
    meta = json.loads(text[start:end])
    kept = meta.get("extension") if isinstance(meta, dict) else None
    stated = kept[0] if isinstance(kept, list) and kept and isinstance(kept[0], dict) else {}
    if stated.get("url") != STATED_META or not isinstance(stated.get("valueString"), str):
        return text
    return f"{text[:start]}{stated['valueString']}{text[end:]}"


def with_id(text: str, identity: str) -> str:
    """The resource under this id."""
    span = _member(text, "id")
    if span is None:
        start = text.index("{") + 1
        return f"{text[:start]}{json.dumps('id')}:{json.dumps(identity)},{text[start:]}"
    return f"{text[: span[0]]}{json.dumps(identity)}{text[span[1] :]}"


def with_references(text: str, names: Mapping[str, str]) -> str:
    """The resource with each reference to an old name ("Kind/id", "urn:uuid:id", an address) pointing to the new.

    A version that a reference names is dropped where the name changes: the versions there are others.
    """
    if not names:
        return text

    def renamed(found: re.Match[str]) -> str:
        new = names.get(found[2].partition("/_history/")[0])
        return found[0] if new is None else f"{found[1]}{new}{found[3]}"

    return _REFERENCE.sub(renamed, text)


def _member(text: str, name: str) -> tuple[int, int] | None:
    """Where the value of this element of the outermost object begins and ends."""
    for key, start in _members(text):
        if key == name:
            return start, _end(text, start)
    return None


def _members(text: str) -> Iterator[tuple[str, int]]:
    """The elements of the outermost object, each with where its value begins."""
    depth = 0
    for token in _TOKENS.finditer(text):
        sign = token.group()
        if sign[0] == '"':
            colon = _COLON.match(text, token.end()) if depth == 1 else None
            if colon:
                yield json.loads(sign), colon.end()
        else:
            depth += 1 if sign in "{[" else -1


def _end(text: str, start: int) -> int:
    """Where the value that begins here ends."""
    return json.JSONDecoder().raw_decode(text, start)[1]
