"""What a locked screen goes on showing of the people in session, live: who is where, by initials, and since when."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET

from clinic.access.permission import Refused, may, reach
from clinic.queries.board import seats
from clinic.queries.patients import is_reached
from clinic.web.door import account_of, told
from clinic.web.lock import marked


@require_GET
@login_required
def board(request: HttpRequest, patient_id: str = "") -> HttpResponse:
    """The whole page in its reduced form, or its live part alone when the page asks for that."""
    account = account_of(request)
    act = "read-chart" if patient_id else "see-today"

    def opened() -> HttpResponse:
        is_theirs = not patient_id or is_reached(reach(account, act), patient_id)
        if not may(account, act, patient_id=patient_id or None) or not is_theirs:
            raise Refused(act)
        part = getattr(request, "htmx", False)
        context = {"seats": seats(reach(account, act), patient_id), "patient_id": patient_id}
        return render(request, "lock/seats.html" if part else "lock/board.html", context)

    return told(request, "see-board", opened, patient_id=patient_id)


def board_of(request: HttpRequest, patient_id: str) -> HttpResponse:
    """The same of one person."""
    response: HttpResponse = board(request, patient_id)
    return response


urls = [
    path("lock/board", marked(board, act="see-today", when_locked="open"), name="board"),
    path("lock/board/<str:patient_id>", marked(board_of, act="read-chart", when_locked="open"), name="board-of"),
]
