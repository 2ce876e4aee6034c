"""The set-up page: what ships as our default and awaits the medical lead, by consequence; approved in blocks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clinic.access.permission import may
from clinic.actions.governance import approve, state_of_clinic, take_back
from clinic.actions.typed import number
from clinic.queries.governance import Block, blocks, duties, questions
from clinic.queries.person import approvals
from clinic.queries.team import waiting_reviews
from clinic.web.door import account_of, staff
from clinic.web.problems import Problem, explained
from ketapath.errors import BadInput
from ketapath.knowledge.policy import policy_file


@require_http_methods(["GET", "POST"])
@staff("read-policy")
def governance(request: HttpRequest) -> HttpResponse:
    """What needs approval, one block open; the medical lead approves what is chosen, or the whole block."""
    problem: Problem | None = None
    if request.method == "POST":
        try:
            written = approve(_chosen(request), _values(request), reason=_reason(request), by=account_of(request))
        except BadInput as trouble:
            problem = explained(trouble)
        else:
            said = ngettext("%(count)s item approved.", "%(count)s items approved.", written) % {"count": written}
            messages.success(request, said)
            return redirect(_page_of(request))
    account = account_of(request)
    found = blocks(account.practice)
    context = {
        "blocks": found,
        "waiting": sum(block.waiting for block in found),
        "total": sum(len(block.rows) for block in found),
        "can_approve": may(account, "approve-policy"),
        "may_review": may(account, "review-emergency"),
        "to_review": waiting_reviews(account.practice),
        "sees_decisions": may(account, "review-decisions"),
        "sees_errands": may(account, "see-errands"),
        "duties": duties(account.practice),
        "questions": questions(account.practice),
        "problem": problem,
        "typed": request.POST,
        "opened": _opened(request, found),
    }
    return render(request, "governance/governance.html", context, status=problem.status if problem else 200)


@require_POST
@staff("read-policy", to="approve-policy")
def taken_back(request: HttpRequest) -> HttpResponse:
    """An approval is withdrawn, with a reason."""
    try:
        take_back(request.POST.get("item", ""), reason=_reason(request), by=account_of(request))
    except BadInput as trouble:
        messages.error(request, explained(trouble).what)
    else:
        messages.success(request, _("Taken back. The item awaits approval again."))
    return redirect("governance")


@require_POST
@staff("read-policy", to="approve-policy")
def facts(request: HttpRequest) -> HttpResponse:
    """The clinic states facts of itself; what was left as it is, or open, is not stated anew."""
    account = account_of(request)
    before = {question.spec.path: question.said for question in questions(account.practice)}
    said = {path: request.POST.get(path, "")[:80].strip() for path in before}
    new = {path: words for path, words in said.items() if words and words != before[path]}
    try:
        written = state_of_clinic(new, by=account)
    except BadInput as trouble:
        messages.error(request, explained(trouble).what)
    else:
        messages.success(
            request, ngettext("%(count)s fact saved.", "%(count)s facts saved.", written) % {"count": written}
        )
    return redirect("governance")


@require_GET
@staff("read-policy")
def as_file(request: HttpRequest) -> HttpResponse:
    """The approvals that stand, as the policy file that the command line reads."""
    text = policy_file(approvals(account_of(request).practice).values())
    return HttpResponse(
        text,
        content_type="application/yaml; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="policy.yaml"'},
    )


def _page_of(request: HttpRequest) -> str:
    """The page again: with this block open where only some of it was chosen, else with the first that waits."""
    block = request.POST.get("block", "") if request.POST.get("what") != "all" else ""
    return f"{reverse('governance')}?{urlencode({'block': block})}" if block else reverse("governance")


def _opened(request: HttpRequest, found: Sequence[Block]) -> str:
    """The block whose items are shown: the one that was asked for, else the first that waits, else the first."""
    wanted = request.POST.get("block") or request.GET.get("block") or ""
    if any(block.consequence == wanted for block in found):
        return wanted
    return next((block.consequence for block in (*(b for b in found if b.waiting), *found)), "")


def _chosen(request: HttpRequest) -> list[tuple[str, str]]:
    """Item and version of what was ticked, or of all that the block shows."""
    name = "all" if request.POST.get("what") == "all" else "item"
    pairs = (value.rpartition("@") for value in request.POST.getlist(name)[:1000])
    return [(item, version) for item, _at, version in pairs]


def _values(request: HttpRequest) -> Mapping[str, Mapping[str, float]]:
    """What was typed into the limits, by item and key; a limit that was left empty stays as shipped."""
    found: dict[str, dict[str, float]] = {}
    for field, words in request.POST.items():
        kind, _bar, rest = field.partition("|")
        item, _bar, key = rest.partition("|")
        if kind == "value" and isinstance(words, str) and words.strip():
            value = number(words)
            if math.isnan(value):
                raise BadInput(field=f"{item} {key}", found=words, limit=_("a number"), next_step=_("Type it anew."))
            found.setdefault(item, {})[key] = value
    return found


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "")[:1000].strip()


urls = [
    path("governance", governance, name="governance"),
    path("governance/take-back", taken_back, name="governance-take-back"),
    path("governance/facts", facts, name="governance-facts"),
    path("governance/policy.yaml", as_file, name="governance-file"),
]
