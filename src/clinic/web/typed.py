"""What did somebody type into a form? Fields cut to a length, days and numbers; nothing where it is none."""

from __future__ import annotations

from datetime import date

from django.http import HttpRequest


def typed(request: HttpRequest, name: str, longest: int) -> str:
    """The words of a field, without what stands around them."""
    return request.POST.get(name, "")[:longest].strip()


def typed_day(request: HttpRequest, name: str) -> date | None:
    """The day of a field; None where it is none."""
    try:
        return date.fromisoformat(request.POST.get(name, ""))
    except ValueError:
        return None


def typed_number(request: HttpRequest, name: str) -> int:
    """The number of a row that a form names; 0, which no row has, where it is none."""
    words = request.POST.get(name, "")
    return int(words) if words.isascii() and words.isdigit() and len(words) < 18 else 0
