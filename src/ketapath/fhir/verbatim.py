"""How is a resource changed without being written anew? Ids, versions and references are set into its own wording.

A parser that writes a resource again loses what a clinician stated: 1.50 becomes 1.5, 1E2 becomes 100.0. Here only the
places that the store itself answers for are replaced; every other sign stays as it came. All functions expect text that
`ketapath.fhir.read_json` has accepted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

STATED_META = "https://ketapath.org/fhir/local/meta-as-stated"
"""The extension that keeps a resource's own meta, word for word, where it cannot be told from the stamps laid in."""

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_COLON = re.compile(r"[ \t\n\r]*:")
_STAMPS = r'"versionId":"\d+","lastUpdated":"[^"]*"'
_LAID_IN = re.compile(r'\{"meta":\{' + _STAMPS + r"\},")
_LAID_INTO = re.compile(r"\{" + _STAMPS + ",")
_REFERENCE = re.compile(r'("reference"\s*:\s*")([^"\\]*)(")')
_NO_URI = frozenset({"value", "display", "text"})  # words of people and of other systems, even where they look like one


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object: its key, where the key starts, and where its value begins and ends in the text."""

    key: str
    start: int
    begin: int
    end: int


def members(text: str, at: int = 0) -> list[Member]:
    """The members of the object that begins at this place, in their order."""
    place = _skip(text, _skip(text, at) + 1)
    found = []
    while text[place] != "}":
        start = place
        key, place = _DECODER.raw_decode(text, start)
        begin = _skip(text, _skip(text, place) + 1)
        _, end = _DECODER.raw_decode(text, begin)
        found.append(Member(key, start, begin, end))
        place = _after_comma(text, end)
    return found


def items(text: str, at: int = 0) -> list[tuple[int, int]]:
    """Where each item of the array that begins at this place begins and ends."""
    place = _skip(text, _skip(text, at) + 1)
    found = []
    while text[place] != "]":
        _, end = _DECODER.raw_decode(text, place)
        found.append((place, end))
        place = _after_comma(text, end)
    return found


def entries(text: str) -> list[Mapping[str, Member]]:
    """The members of each entry of a Bundle, in order; nothing for an entry that is no object."""
    of_all = next((m for m in members(text) if m.key == "entry"), None)
    if of_all is None or text[of_all.begin] != "[":
        return []
    places = (begin for begin, _ in items(text, of_all.begin))
    return [{m.key: m for m in members(text, at)} if text[at] == "{" else {} for at in places]


def entry_texts(text: str) -> list[str | None]:
    """The wording of the resource in each entry of a Bundle; None for an entry that has none."""
    found = (entry.get("resource") for entry in entries(text))
    return [None if m is None else text[m.begin : m.end] for m in found]


def stamped(text: str, *, identity: str, version: int, changed_at: datetime) -> str:
    """The resource with id, version and time of change as the store keeps them, as it is served to others.

    The rest of its meta stays. What has to be taken back to the letter is laid in by `with_stamps`.
    """
    found = {m.key: m for m in members(text)}
    of_id = f'"id":{json.dumps(identity)}'
    stamp = f'"versionId":"{version}","lastUpdated":"{changed_at.isoformat()}"'
    meta, own, kind = found.get("meta"), found.get("id"), found["resourceType"]
    kept = []
    if meta is not None and text[meta.begin] == "{":
        inside = members(text, meta.begin)
        kept = [text[m.start : m.end] for m in inside if m.key not in ("versionId", "lastUpdated")]
    of_meta = f'"meta":{{{",".join([*kept, stamp])}}}'
    edits = [(m.start, m.end, new) for m, new in ((own, of_id), (meta, of_meta)) if m is not None]
    missing = [new for m, new in ((own, of_id), (meta, of_meta)) if m is None]
    if missing:
        edits.append((kind.end, kind.end, "".join(f",{new}" for new in missing)))
    return _edited(text, edits)


def with_stamps(text: str, version: int, changed_at: datetime) -> str:
    """The resource with meta.versionId and meta.lastUpdated as the store has them, all else as it was.

    `without_stamps` gives back exactly `text`.
    """
    stamps = f'"versionId":"{version}","lastUpdated":"{changed_at.isoformat()}"'
    span = _place(text, "meta")
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
    span = _place(text, "meta")
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
    span = _place(text, "id")
    if span is None:
        start = text.index("{") + 1
        return f"{text[:start]}{json.dumps('id')}:{json.dumps(identity)},{text[start:]}"
    return f"{text[: span[0]]}{json.dumps(identity)}{text[span[1] :]}"


def renamed(text: str, names: Mapping[str, str]) -> str:
    """The resource with every reference and URI that is one of these names replaced, links in its narrative too.

    An identifier's value stays, although it may spell the same: it is a word of another system.
    """
    if not names:
        return text
    key, edits = "", []
    for token in _STRING.finditer(text):
        if _COLON.match(text, token.end()):
            key = json.loads(token.group())
            continue
        written = token.group()
        said = json.loads(written) if "\\" in written else written[1:-1]
        if key == "div":
            linked = _links(said, names)
            if linked != said:
                edits.append((token.start(), token.end(), json.dumps(linked, ensure_ascii=False)))
        elif said in names and key not in _NO_URI:
            edits.append((token.start(), token.end(), json.dumps(names[said], ensure_ascii=False)))
    return _edited(text, edits)


def with_references(text: str, names: Mapping[str, str]) -> str:
    """The resource with each reference to an old name ("Kind/id", "urn:uuid:id", an address) pointing to the new.

    A version that a reference names is dropped where the name changes: the versions there are others.
    """
    if not names:
        return text

    def changed(found: re.Match[str]) -> str:
        new = names.get(found[2].partition("/_history/")[0])
        return found[0] if new is None else f"{found[1]}{new}{found[3]}"

    return _REFERENCE.sub(changed, text)


def _links(narrative: str, names: Mapping[str, str]) -> str:
    for old, new in names.items():
        for quote in "\"'":
            narrative = narrative.replace(f"{quote}{old}{quote}", f"{quote}{new}{quote}")
    return narrative


def _place(text: str, name: str) -> tuple[int, int] | None:
    """Where the value of this member of the outermost object begins and ends."""
    return next(((m.begin, m.end) for m in members(text) if m.key == name), None)


def _edited(text: str, edits: list[tuple[int, int, str]]) -> str:
    pieces, done = [], 0
    for start, end, new in sorted(edits):
        pieces += [text[done:start], new]
        done = end
    return "".join([*pieces, text[done:]])


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    assert space is not None
    return space.end()


def _after_comma(text: str, at: int) -> int:
    place = _skip(text, at)
    return _skip(text, place + 1) if text[place] == "," else place
