"""The notes about one person: read, written, signed, added to, withdrawn. What was typed survives every refusal."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.access.permission import may
from clinic.actions.commit import Stale
from clinic.actions.notes import KINDS, LONGEST, PARTS, Writing, save_note, withdraw_note
from clinic.queries.notes import Shown, notes_for
from clinic.queries.person import Chart
from clinic.record.signatures import Seen
from clinic.web.door import about_person, account_of
from clinic.web.patients import about
from clinic.web.problems import posted
from clinic.web.proof import proof_of
from ketapath.domain.note import SECTIONS


@require_http_methods(["GET", "POST"])
@about_person
def notes(request: HttpRequest, found: Chart) -> HttpResponse:
    """All that this person may read, newest first, and a form for the next one."""
    problem = posted(request, lambda: _done(request, found), resolve_url("patient-notes", found.patient_id))
    if isinstance(problem, HttpResponse):
        return problem
    by = account_of(request)
    shown = notes_for(found, by)
    who = found.patient_id
    kinds = [kind for kind, (act, part) in KINDS.items() if may(by, act, patient_id=who, part=part)]
    form = _form(request, shown, kinds)
    context = about(request, found, here="notes") | {
        "notes": shown,
        "kinds": [kind for kind in kinds if kind not in SECTIONS],
        "parted": [kind for kind in kinds if kind in SECTIONS],
        "form": form,
        "parts": _parts(form),
        "visits": [visit for visit in found.visits[::-1] if visit.was_dosed],
        "by_id": {one.note.origin.id: one.note for one in shown},
        "longest": LONGEST,
        "typed": request.POST,
        "problem": problem,
        "key": secrets.token_hex(16),
    }
    return render(request, "notes/notes.html", context, status=problem.status if problem else 200)


def _done(request: HttpRequest, found: Chart) -> str:
    """Do what the form asks for; the sentence that says what was done."""
    by, key, step = account_of(request), request.POST.get("key", "")[:64], request.POST.get("step", "")
    seen = Seen.from_text(request.POST.get("seen", "")[:200])
    if step == "withdraw":
        if seen is None:
            raise Stale("DocumentReference", "", 0)
        reason = request.POST.get("reason", "")[:500].strip()
        withdraw_note(found, seen, reason=reason, by=by, key=key, proof=proof_of(request, "sign-note", found))
        return _("Withdrawn. It stays readable as entered in error, with your reason.")
    if step not in ("save", "sign"):
        raise Http404
    kind, text = request.POST.get("kind", "")[:20], request.POST.get("text", "")
    writing = Writing(
        kind=kind, text=text, seen=seen, appends=request.POST.get("appends", "")[:64] or None,
        sections={name: request.POST.get(f"part-{name}", "") for name in SECTIONS.get(kind, ())},
        visit_id=request.POST.get("visit", "")[:64] or None,
    )  # fmt: skip
    proof = proof_of(request, "sign-note", found) if step == "sign" else None
    save_note(found, writing, by=by, key=key, proof=proof)
    return _("Kept as a draft. Only you see it.") if proof is None else _("Signed. The note stays as it is.")


def _form(request: HttpRequest, shown: tuple[Shown, ...], kinds: list[str]) -> dict[str, Any]:
    """What the form holds: what was typed and refused, or a draft to go on with, or nothing yet."""
    by = account_of(request)
    if request.method == "POST" and request.POST.get("step") in ("save", "sign"):
        names = ("kind", "text", "appends", "seen", "visit")
        typed: dict[str, Any] = {name: request.POST.get(name, "") for name in names}
        return typed | {"sections": {name: request.POST.get(f"part-{name}", "") for name in PARTS}}
    wanted, adds = request.GET.get("note", ""), request.GET.get("appends", "")
    draft = next((s for s in shown if s.note.origin.id == wanted and s.note.state == "draft"), None)
    if draft is not None and draft.seen is not None and draft.note.username == by.username:
        note = draft.note
        kept: dict[str, Any] = {"sections": note.sections, "visit": note.visit_id or ""}
        return kept | {"kind": note.kind, "text": note.text, "appends": note.appends or "", "seen": draft.seen.text}
    added = next((s.note for s in shown if s.note.origin.id == adds and s.note.state == "signed"), None)
    if added is not None and added.kind in kinds:
        return {"kind": added.kind, "text": "", "appends": added.origin.id, "seen": ""}
    kind = request.GET.get("kind", "")
    plain = next((one for one in kinds if one not in SECTIONS), "")
    bare: dict[str, Any] = {
        "text": "",
        "appends": "",
        "seen": "",
        "sections": {},
        "visit": request.GET.get("visit", "")[:64],
    }
    return bare | {"kind": kind if kind in kinds else plain}


def _parts(form: Mapping[str, Any]) -> list[dict[str, str]]:
    """The fields of a note that has parts; none where it has none, or is an addition."""
    if form["appends"]:
        return []
    said, names = form.get("sections", {}), SECTIONS.get(form["kind"], ())
    return [{"name": name, "words": str(PARTS[name]), "said": said.get(name, "")} for name in names]


urls = [path("patients/<str:patient_id>/notes", notes, name="patient-notes")]
