"""A record that comes in at a page: hand it in, see how far it is, read what became of it."""

from __future__ import annotations

from datetime import timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from clinic import clock
from clinic.actions.deliveries import hand_in
from clinic.record.models import Delivery
from clinic.web.door import account_of, staff
from clinic.web.problems import explained
from ketapath.errors import BadInput
from ketapath.fhir.bundle import MAX_BYTES

_USUAL = timedelta(seconds=30)


@require_http_methods(["GET", "POST"])
@staff("find-patients", to="import-record")
def deliveries(request: HttpRequest) -> HttpResponse:
    """Hand one in; the newest before it."""
    account, problem = account_of(request), None
    if request.method == "POST":
        try:
            return redirect("patients-import-one", hand_in(_file(request), by=account).pk)
        except BadInput as trouble:
            problem = explained(trouble)
    newest = Delivery.objects.filter(practice=account.practice, username=account.username).defer("content")
    context = {"deliveries": newest.order_by("-id")[:10], "problem": problem}
    return render(request, "deliveries/deliveries.html", context, status=problem.status if problem else 200)


@require_GET
@staff("find-patients", to="import-record")
def delivery(request: HttpRequest, number: int) -> HttpResponse:
    """How far this one is; asked again by the page itself until it is done."""
    rows = Delivery.objects.filter(practice=account_of(request).practice, username=account_of(request).username)
    found = rows.defer("content").filter(pk=number).first()
    if found is None:
        raise Http404
    context = {
        "delivery": found,
        "taken": found.resources - len(found.report.get("quarantined", ())),
        "is_delayed": clock.now() - found.handed_in_at > _USUAL,
    }
    if not request.htmx:  # type: ignore[attr-defined]
        return render(request, "deliveries/delivery.html", context)
    if found.done_at is not None:
        return HttpResponse(headers={"HX-Refresh": "true"})  # the whole page, which asks no more
    return render(request, "deliveries/progress.html", context)


def _file(request: HttpRequest) -> bytes:
    sent = request.FILES.get("bundle")
    if sent is None or sent.size is None or sent.size > MAX_BYTES:
        raise BadInput(
            field=_("file"), found=_("none") if sent is None else _("a larger one"),
            limit=_("a file of at most 64 MiB"), next_step=_("Choose the exported record."),
        )  # fmt: skip
    data: bytes = sent.read()
    return data


urls = [
    path("patients/import", deliveries, name="patients-import"),
    path("patients/import/<int:number>", delivery, name="patients-import-one"),
]
