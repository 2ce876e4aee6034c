"""Rows that a page repeats by the hundred, written at once: a template that is entered for each takes most of its time.

Everything that is filled in goes through `format_html` and is escaped there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from django.template import Library
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from clinic.queries.profile import Row
from clinic.web.templatetags.clinic import day, is_statable, say, shown_value, word
from ketapath.domain.evidence import Evidence

register = Library()

_NOTHING = SafeString("")


@register.simple_tag
def fact_rows(rows: Iterable[Row], patient_id: str, may_state: bool) -> SafeString:
    """The rows of a table of facts: what, how much, since when, from where, and the way to state it anew."""
    stating = reverse("patient-fact", args=[patient_id]) if may_state else ""
    of_sources = reverse("patient-source", args=[patient_id, "-", "-"]).removesuffix("-/-")
    change = _("Change")
    return format_html_join(
        "\n",
        '<tr{}>\n<th scope="row">{}{}</th>\n<td><strong>{}</strong></td>\n<td class="day">{}{}</td>\n'
        '<td class="quiet">{}</td>\n<td class="screen-only">{}</td>\n</tr>',
        (
            (
                SafeString(' class="old"') if row.reason else "",
                row.label,
                _below(say(row.reason)),
                shown_value(row.value),
                day(row.on),
                _below(word(row.confidence)),
                _origin(row, of_sources),
                format_html(
                    '<a href="{}?path={}">{}<span class="hidden"> {}</span></a>', stating, row.path, change, row.label
                )
                if stating and is_statable(row.path)
                else "",
            )
            for row in rows
        ),
    )


def _below(words: str) -> SafeString:
    return format_html('<br><span class="quiet">{}</span>', words) if words else _NOTHING


def _origin(row: Row, of_sources: str) -> SafeString | str:
    kind = word(row.origin_kind)
    if not row.source:
        return kind
    place = f"{of_sources}{quote(row.origin_kind, safe='')}/{quote(row.origin_id, safe='')}"
    return format_html('<a href="{}">{}<span class="hidden"> {}, {}</span></a>', place, kind, row.origin_id, row.label)


@register.simple_tag
def sources(evidence: Iterable[Evidence | Mapping[str, Any]]) -> SafeString:
    """What a statement rests on: each source with its place, how far it was read, and whether it was retracted.

    A file of the knowledge states its sources as it is written, so that each may be a mapping of the same names.
    """
    said = (asdict(one) if isinstance(one, Evidence) else one for one in evidence or ())
    return format_html_join("", "{}", ((_source(one),) for one in said))


def _source(source: Mapping[str, Any]) -> SafeString:
    """One source."""
    if not source.get("key"):
        by = source.get("approved_by")
        approved = _("Approved by %(by)s.") % {"by": by} if by else _("Not approved by anybody yet.")
        return format_html("<li>{} {}</li>", _("Site default: no published source."), approved)
    read = {"read": _("read"), "summary": _("read as a summary")}.get(source.get("trust", ""), _("not read by us"))
    locator = source.get("locator")
    return format_html(
        '<li><a href="{}">{}</a>{} · {}{}</li>',
        reverse("knowledge-source", args=[source["key"]]),
        source.get("citation", ""),
        f", {locator}" if locator else "",
        read,
        format_html(" · <strong>{}</strong>", _("retracted")) if source.get("retracted") else "",
    )
