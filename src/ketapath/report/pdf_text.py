"""What do the tables of a PDF that typst wrote say? Row by row, cell by cell, as whoever hears it read aloud gets it.

Reads the tree of tags, compressed streams, the maps from glyphs to letters, and the operators that show text; that is
what typst writes, and no more. Source: ISO 32000-1, 9.4, 9.10.3, 14.6 and 14.7.
"""

from __future__ import annotations

import re
import zlib

_OBJECT = re.compile(rb"(\d+) 0 obj\n(.*?)\nendobj", re.S)
_STREAM = re.compile(rb"(.*?)\nstream\r?\n(.*)\r?\nendstream", re.S)
_PAGE = re.compile(rb"/Type ?/Page\b(?!s)")
_FONT = re.compile(rb"/(f\d+) (\d+) 0 R")
_MAP = re.compile(rb"/ToUnicode (\d+) 0 R")
_PAIR = re.compile(rb"<([0-9A-Fa-f]+)> <([0-9A-Fa-f]+)>")
_SPAN = re.compile(rb"<([0-9A-Fa-f]+)> <([0-9A-Fa-f]+)> <([0-9A-Fa-f]+)>")
_PIECE = re.compile(rb"/\w+ ?<<(?:(?!>>).)*?/MCID (\d+)(?:(?!>>).)*>> ?BDC(.*?)EMC", re.S)
_ROW = re.compile(rb"/S/TR\b.*?/K\[([^\]]*)\]", re.S)
_CELL = re.compile(rb"/S/T[DH]\b")
_OF_CELL = re.compile(rb"/K\[((?:[^\[\]]|<<.*?>>)*)\](?:/Pg (\d+) 0 R)?", re.S)
_ELSEWHERE = re.compile(rb"/Pg (\d+) 0 R/MCID (\d+)|/MCID (\d+)/Pg (\d+) 0 R")
_SHOWN = re.compile(rb"/(f\d+) [\d.]+ Tf|<([0-9A-Fa-f]+)>|\(")
_IN_STRING = re.compile(rb"\\.|[()]", re.S)
_ESCAPED = re.compile(rb"\\([0-7]{1,3}|.)", re.S)
_SIGNS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def pdf_rows(pdf: bytes) -> list[tuple[str, ...]]:
    """The rows of all tables in their order, each as the texts of its cells. Raises ValueError for what is no PDF.

    The lines of a cell are joined as they stand: a space at which a line was broken is not in a PDF.
    """
    objects = {int(number): body for number, body in _OBJECT.findall(pdf)}
    if not pdf.startswith(b"%PDF") or not objects:
        raise ValueError("not a PDF")
    fonts = _fonts(objects)
    pages = {number: _texts(objects, body, fonts) for number, body in objects.items() if _PAGE.search(body)}
    found = []
    for body in objects.values():
        row = _ROW.search(body) if b"/StructElem" in body else None
        if row is not None:
            cells = [objects.get(int(number), b"") for number in re.findall(rb"(\d+) 0 R", row[1])]
            found.append(tuple(_cell(cell, pages) for cell in cells if _CELL.search(cell)))
    return found


def _cell(body: bytes, pages: dict[int, dict[int, str]]) -> str:
    """The text of the pieces that a cell names, by number on its page or on another."""
    content = _OF_CELL.search(body)
    if content is None:
        return ""
    page = int(content[2] or 0)
    there = [(int(a or d), int(b or c)) for a, b, c, d in _ELSEWHERE.findall(content[1])]
    here = [(page, int(n)) for n in re.sub(rb"<<.*?>>", b"", content[1]).split() if n.isdigit()]
    return "".join(pages.get(on, {}).get(number, "") for on, number in there + here)


def _fonts(objects: dict[int, bytes]) -> dict[bytes, dict[int, str]]:
    """The letters of each glyph by the name that pages give a font."""
    maps: dict[bytes, dict[int, str]] = {}
    for body in objects.values():
        for name, number in _FONT.findall(body):
            to = _MAP.search(objects.get(int(number), b""))
            if to is not None:
                maps[name] = _letters(_inflated(objects[int(to[1])]))
    return maps


def _letters(cmap: bytes) -> dict[int, str]:
    found: dict[int, str] = {}
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", cmap, re.S):
        found |= {int(code, 16): _utf16(text) for code, text in _PAIR.findall(block)}
    for block in re.findall(rb"beginbfrange(.*?)endbfrange", cmap, re.S):
        for low, high, text in _SPAN.findall(block):
            first = int(text, 16)
            found |= {int(low, 16) + i: chr(first + i) for i in range(int(high, 16) - int(low, 16) + 1)}
    return found


def _texts(objects: dict[int, bytes], page: bytes, fonts: dict[bytes, dict[int, str]]) -> dict[int, str]:
    """The text of each marked piece of a page, by its number."""
    content = re.search(rb"/Contents (\d+) 0 R", page)
    if content is None:
        return {}
    pieces: dict[int, str] = {}
    for number, inside in _PIECE.findall(_inflated(objects.get(int(content[1]), b""))):
        pieces[int(number)] = pieces.get(int(number), "") + _shown(inside, fonts)
    return pieces


def _shown(inside: bytes, fonts: dict[bytes, dict[int, str]]) -> str:
    """The letters of every string that a piece shows, each glyph by two bytes."""
    letters: dict[int, str] = {}
    text, at = "", 0
    while (found := _SHOWN.search(inside, at)) is not None:
        at = found.end()
        if found[1]:
            letters = fonts.get(found[1], {})
            continue
        codes = bytes.fromhex(found[2].decode()) if found[2] else b""
        if found[2] is None:
            end = _end_of_string(inside, at)
            codes, at = _ESCAPED.sub(_plain, inside[at:end]), end + 1
        text += "".join(letters.get(int.from_bytes(codes[i : i + 2], "big"), "\ufffd") for i in range(0, len(codes), 2))
    return text


def _end_of_string(inside: bytes, at: int) -> int:
    """Where a string ends that began before `at`; pairs of brackets inside it need no escape."""
    depth = 1
    for sign in _IN_STRING.finditer(inside, at):
        depth += {b"(": 1, b")": -1}.get(sign[0], 0)
        if depth == 0:
            return sign.start()
    return len(inside)


def _plain(escaped: re.Match[bytes]) -> bytes:
    sign = escaped[1]
    return bytes([int(sign, 8) & 255]) if sign.isdigit() else _SIGNS.get(sign, sign)


def _utf16(digits: bytes) -> str:
    return bytes.fromhex(digits.decode()).decode("utf-16-be", "replace")


def _inflated(body: bytes) -> bytes:
    parts = _STREAM.match(body)
    if parts is None:
        return b""
    return zlib.decompress(parts[2]) if b"/FlateDecode" in parts[1] else parts[2]
