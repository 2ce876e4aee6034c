"""Charts one under the other as a drawing that stands alone, and the numbers behind them as a table to compute with.

The sheet brings its own colours, so that it looks the same in any reader and prints in grey; lines differ by dashes
and letters as well. What has to be known of the curves goes with both.
"""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Iterable, Sequence
from html import escape

from ketapath.report.charts import Panel, inside

_MARGIN, _LINE, _HEAD = 24.0, 18.0, 30.0
_LETTER_WIDTH = 7.6
_STYLE = (
    "text{font-family:Inter,'DejaVu Sans','Liberation Sans',sans-serif;font-size:13px;fill:#43505A}"
    ".title{font-size:18px;font-weight:bold;fill:#17212A}.head{font-size:14px;font-weight:bold;fill:#17212A}"
    ".name,.letter{font-weight:bold}.model{font-weight:normal}"
    ".letter{paint-order:stroke;stroke:#FFFFFF;stroke-width:4px;stroke-linejoin:round}line{stroke:#D9DFE1}.axis{stroke:#7A868D}.now{stroke:#43505A}"
    ".mark{stroke:#7A868D;stroke-dasharray:4 4}polyline{fill:none;stroke:#848F97;stroke-width:1.5}"
    "polyline.curve{stroke-width:2.2}polyline.model{stroke-width:1}"
    "polyline.a{stroke:#0B5C6E}polyline.b{stroke:#A34A00;stroke-dasharray:9 4}"
    "polyline.c{stroke:#6A3D9A;stroke-dasharray:2 4}polyline.d{stroke:#17212A;stroke-dasharray:10 4 2 4}"
    "text.a{fill:#0B5C6E}text.b{fill:#A34A00}text.c{fill:#6A3D9A}text.d{fill:#17212A}"
    "polygon{fill-opacity:0.14}polygon.band50{fill-opacity:0.24}"
    "polygon.a{fill:#0B5C6E}polygon.b{fill:#A34A00}polygon.c{fill:#6A3D9A}polygon.d{fill:#17212A}"
)
"""The colours of the page in the light; literal, because readers outside a browser know no variables."""


def sheet(panels: Sequence[tuple[str, Panel]], *, title: str, lines: Iterable[str], notes: Iterable[str]) -> str:
    """One SVG: the title, a line for each curve, every panel under its heading, and the notes at the foot."""
    width = max((panel.width for _, panel in panels), default=760.0) + 2 * _MARGIN
    y = _MARGIN + 18.0
    parts = [_text("title", _MARGIN, y, title)]
    columns = int((width - 2 * _MARGIN) / _LETTER_WIDTH)
    for words in _wrapped(lines, columns):
        y += _LINE
        parts.append(_text("", _MARGIN, y, words))
    for heading, panel in panels:
        y += _HEAD
        parts.append(_text("head", _MARGIN, y, heading))
        parts.append(f'<g transform="translate({_MARGIN:g} {y + 6:g})">{inside(panel)}</g>')
        y += panel.height + 6
    y += _LINE
    for words in _wrapped(notes, columns):
        y += _LINE
        parts.append(_text("", _MARGIN, y, words))
    height = y + _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" role="img"><title>{escape(title)}</title><style>{_STYLE}</style>'
        f'<rect width="{width:g}" height="{height:g}" fill="#FFFFFF"/>{"".join(parts)}</svg>'
    )


def table_csv(head: Sequence[str], rows: Iterable[Sequence[object]], *, comments: Iterable[str]) -> str:
    """Comma-separated values under lines that begin with #: what has to be known, then the names, then the numbers."""
    found = io.StringIO()
    for words in comments:
        found.write("# " + " ".join(words.split()) + "\n")
    writer = csv.writer(found, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return found.getvalue()


def _wrapped(lines: Iterable[str], columns: int) -> list[str]:
    return [piece for words in lines for piece in textwrap.wrap(words, columns, subsequent_indent="    ")]


def _text(kind: str, x: float, y: float, words: str) -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" xml:space="preserve">{escape(words)}</text>'
