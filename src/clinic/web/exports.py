"""A person's whole chart as a file to keep."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path

from clinic.actions.export import export_chart
from clinic.queries.export import FORMATS, SUFFIXES
from clinic.queries.person import Chart
from clinic.web.door import account_of, acting_on, form_of


@form_of("patient")
@acting_on("export-chart")
def export(request: HttpRequest, found: Chart) -> HttpResponse:
    """The chart in the form that was asked for. The file's name names nobody."""
    form = request.POST.get("format", "")
    made = export_chart(found.patient_id, form, by=account_of(request)) if form in FORMATS else None
    if made is None:
        raise Http404
    name = f"chart-{found.as_of.isoformat()}.{SUFFIXES[form]}"
    return HttpResponse(
        made, content_type=FORMATS[form], headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )  # fmt: skip


urls = [path("patients/<str:patient_id>/export", export, name="patient-export")]
