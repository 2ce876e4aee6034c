"""What does a reader see of this text, in which blocks, and where does each letter stand in the source?

`visible(source, form)` is the public verb. For HTML it leaves out scripts, styles, comments and hidden elements,
takes in `alt`, `title` and `aria-label`, the page's title and description, ends a block where a block element
begins or ends, and keeps for every piece of text its place in the source. For plain text the source is what is seen.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import pairwise
from typing import Literal

Form = Literal["text", "html"]
Kind = Literal["text", "heading", "item", "cell", "apart"]
"""`item` stands in a list, `apart` (an attribute, a title) has nothing to do with what stands before and after it."""

_UNSEEN = frozenset({"script", "style", "template", "iframe", "noembed", "noframes", "noscript"})
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "summary", "dt", "caption", "legend"})
_BLOCKS = _HEADINGS | frozenset(
    {"address", "article", "aside", "blockquote", "body", "button", "center", "dd", "details", "dialog", "div", "dl"}
    | {"fieldset", "figcaption", "figure", "footer", "form", "header", "hr", "html", "label", "li", "main", "nav", "ol"}
    | {"option", "p", "pre", "section", "select", "table", "tbody", "td", "textarea", "tfoot", "th", "thead", "title"}
    | {"tr", "ul"}
)
_CLOSED_BY_NEXT = {"p": _BLOCKS, "li": {"li"}, "dt": {"dt", "dd"}, "dd": {"dt", "dd"}, "option": {"option"}}
_CLOSED_BY_NEXT |= {cell: {"td", "th", "tr"} for cell in ("td", "th")} | {"tr": {"tr"}}
_SPOKEN_ATTRIBUTES = ("alt", "title", "aria-label")
_DESCRIPTIONS = frozenset({"description", "og:description", "og:title", "twitter:description", "twitter:title"})
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_LOOKS_LIKE_HTML = re.compile(
    r"<(?:!doctype html|html|head|body|div|p|h[1-6]|ul|table|section|article)\b", re.IGNORECASE
)
_BULLET = re.compile(r"[ \t]*(?:[-*\u2022\u2013\u25cf\u2713\u2714\u2705+]|\(?\d{1,2}[.)])[ \t]+")
_LABELLED = re.compile(r"[ \t>*_]*[A-Z][\w']*(?: [\w'#]+){0,2}[*_]*:")
_REFERENCE = re.compile(r"&#?\w{1,40};?")
_ROOM_BETWEEN_BLOCKS = "\n\n"
_LONGEST_HEADING = 60
_ENDS_A_SENTENCE = ".!?:;,\"'\u201d\u2019)"


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of seen text that stands by itself. `column` is the place of a cell in its row, else -1."""

    start: int
    end: int
    kind: Kind
    column: int = -1
    table: int = -1
    heads_column: bool = False


@dataclass(frozen=True, slots=True)
class _Piece:
    """Seen text from `at` on stands in the source from `source` on, letter for letter where `exact`."""

    at: int
    source: int
    length: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Visible:
    """The text that is seen, its blocks in order, and the way back to the source."""

    form: Form
    text: str
    blocks: tuple[Block, ...]
    pieces: tuple[_Piece, ...]
    starts: tuple[int, ...]

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where the seen text between these two stands in the source."""
        if self.form == "text":
            return start, end
        first, last = self._piece(start), self._piece(end - 1)
        begins = first.source + (start - first.at if first.exact else 0)
        ends = last.source + (end - last.at if last.exact else last.length)
        return begins, ends

    def quote(self, start: int, end: int) -> str:
        """The words as they are seen: of plain text as written, of HTML with its white space folded."""
        seen = self.text[start:end]
        return seen if self.form == "text" else " ".join(seen.split())

    def _piece(self, at: int) -> _Piece:
        return self.pieces[bisect_right(self.starts, at) - 1]


def looks_like_html(source: str) -> bool:
    """Whether the first thousand characters hold a tag that only a page has."""
    return _LOOKS_LIKE_HTML.search(source[:1000]) is not None


def visible(source: str, form: Form) -> Visible:
    """What is seen of the source, with its blocks and places."""
    if form == "text":
        return Visible(form, source, tuple(_paragraphs(source)), (), ())
    page = _Page(source)
    # A tag that is never closed is no text; left in, the parser would read to the end again from each such bracket.
    last = source.rfind(">") + 1
    unclosed = source.find("<", last)
    page.feed(source if unclosed < 0 else source[:unclosed])
    page.close()
    return page.seen()


def _paragraphs(text: str) -> Iterator[Block]:
    """Blocks of plain text: paragraphs, points of a list, headings, and lines that begin with a label ("Myth:")."""
    begins: list[tuple[int, Kind]] = []
    fresh, at = True, 0
    for line in text.splitlines(keepends=True):
        bare = line.strip()
        bullet = _BULLET.match(line)
        if bare.startswith("#"):
            begins.append((at, "heading"))
        elif bullet:
            begins.append((at + bullet.end(), "item"))
        elif bare and (fresh or _LABELLED.match(line)):
            begins.append((at, "text"))
        fresh = not bare or bare.startswith("#") or bare.endswith(":")
        at += len(line)
    for (start, kind), (end, _) in pairwise([*begins, (len(text), "text")]):
        yield Block(start, end, "heading" if kind == "text" and _is_heading(text[start:end]) else kind)


def _is_heading(paragraph: str) -> bool:
    """One short line without a full stop, with an empty line after it."""
    bare = paragraph.strip()
    one_line = len(bare.splitlines()) == 1 and len(bare) <= _LONGEST_HEADING
    return one_line and bare[-1] not in _ENDS_A_SENTENCE and paragraph[len(paragraph.rstrip()) :].count("\n") > 1


class _Page(HTMLParser):
    """Collects seen text, blocks and places while the parser walks through the source."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=False)
        self._source = source
        self._lines = [0, *(m.end() for m in re.finditer("\n", source))]
        self._text: list[str] = []
        self._length = 0
        self._pieces: list[_Piece] = []
        self._blocks: list[Block] = []
        self._block_start = 0
        self._open: list[tuple[str, bool]] = []
        self._names: Counter[str] = Counter()
        self._hidden = 0
        self._column, self._table = -1, -1
        self._apart: list[tuple[int, int]] = []

    def seen(self) -> Visible:
        """What was collected; the texts of attributes stand at the end, each a block of its own."""
        self._end_block()
        self._open, self._names, self._hidden = [], Counter(), 0
        for start, end in self._apart:
            self._add_escaped(start, end)
            self._end_block("apart")
        starts = tuple(piece.at for piece in self._pieces)
        return Visible("html", "".join(self._text), tuple(self._blocks), tuple(self._pieces), starts)

    # What the parser calls

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element; what its attributes say is text of its own."""
        self._mark(tag)
        for name, next_ones in _CLOSED_BY_NEXT.items():
            if tag in next_ones and self._open and self._open[-1][0] == name:
                self._close(name)
        given = {name: value or "" for name, value in attrs}
        hides = tag in _UNSEEN or "hidden" in given or bool(_HIDING.search(given.get("style", "")))
        if not self._hidden and not hides:
            self._speak(tag, given)
        if tag in _VOID:
            return
        if tag == "table":
            self._table += 1
        elif tag == "tr":
            self._column = -1
        elif tag in ("td", "th"):
            self._column += 1
        self._open.append((tag, hides))
        self._names[tag] += 1
        self._hidden += hides

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A slash before the bracket means nothing in HTML, except for elements that never hold text."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """Close an element, and whatever was left open inside it."""
        self._mark(tag)
        self._close(tag)

    def handle_data(self, data: str) -> None:
        """Text between tags."""
        self._add(data, self._here(), len(data), exact=True)

    def handle_entityref(self, name: str) -> None:
        """A named entity such as `&nbsp;`, with or without its semicolon."""
        self._reference(f"&{name}")

    def handle_charref(self, name: str) -> None:
        """A numbered character such as `&#8217;`."""
        self._reference(f"&#{name}")

    # How it is kept

    def _here(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def _reference(self, written: str) -> None:
        at = self._here()
        written += ";" if self._source[at + len(written) : at + len(written) + 1] == ";" else ""
        self._add(html.unescape(written), at, len(written), exact=False)

    def _add(self, seen: str, source: int, length: int, *, exact: bool) -> None:
        if self._hidden or not seen:
            return
        self._pieces.append(_Piece(self._length, source, length, exact))
        self._text.append(seen)
        self._length += len(seen)

    def _add_escaped(self, start: int, end: int) -> None:
        """The text of an attribute, its entities read."""
        at = start
        for found in _REFERENCE.finditer(self._source, start, end):
            self._add(self._source[at : found.start()], at, found.start() - at, exact=True)
            self._add(html.unescape(found[0]), found.start(), len(found[0]), exact=False)
            at = found.end()
        self._add(self._source[at:end], at, end - at, exact=True)

    def _close(self, tag: str) -> None:
        if not self._names[tag]:
            return
        while True:
            name, hides = self._open.pop()
            self._names[name] -= 1
            self._hidden -= hides
            if name == tag:
                return

    def _mark(self, tag: str) -> None:
        """A block begins or ends here; two line breaks in a row end one too."""
        if tag in _BLOCKS or (tag == "br" and self._text and self._text[-1] == "\n"):
            self._end_block()
        elif tag == "br":
            self._add("\n", self._here(), 0, exact=False)

    def _end_block(self, kind: Kind | None = None) -> None:
        if self._length == self._block_start:
            return
        is_heading = any(self._names[tag] for tag in _HEADINGS)
        heads_column = bool(self._names["th"])
        if kind is None and is_heading:
            kind = "heading"
        elif kind is None and (heads_column or self._names["td"]):
            kind = "cell"
        elif kind is None:
            kind = "item" if self._names["li"] else "apart" if self._names["title"] else "text"
        self._blocks.append(Block(self._block_start, self._length, kind, self._column, self._table, heads_column))
        self._pieces.append(_Piece(self._length, self._here(), 0, exact=False))
        self._text.append(_ROOM_BETWEEN_BLOCKS)
        self._length += len(_ROOM_BETWEEN_BLOCKS)
        self._block_start = self._length

    def _speak(self, tag: str, given: dict[str, str]) -> None:
        """Note where the spoken attributes of the tag that was just opened have their text."""
        spoken: tuple[str, ...] = _SPOKEN_ATTRIBUTES
        if tag == "meta":
            described = (given.get("name") or given.get("property", "")).lower() in _DESCRIPTIONS
            spoken = ("content",) if described else ()
        if not any(name in given for name in spoken):
            return
        here, written = self._here(), self.get_starttag_text() or ""
        self._apart += [(here + start, here + end) for name, start, end in _attributes(written) if name in spoken]


def _attributes(tag: str) -> Iterator[tuple[str, int, int]]:
    """Name and place of the value of each attribute in the text of a start tag."""
    at = 0
    while True:
        sign = tag.find("=", at)
        if sign < 0:
            return
        before = tag[at:sign].split()
        start = sign + 1
        while tag[start : start + 1].isspace():
            start += 1
        quote = tag[start : start + 1]
        if quote and quote in "\"'":
            start, end = start + 1, tag.find(quote, start + 1)
        else:
            end = next((i for i in range(start, len(tag)) if tag[i].isspace() or tag[i] == ">"), len(tag))
        end = len(tag) if end < 0 else end
        if before:
            yield before[-1].lower(), start, end
        at = end + 1


def visible_text(source: str, form: Form = "text") -> str:
    """What a reader sees of the source, as one text."""
    return visible(source, form).text
