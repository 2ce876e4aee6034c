"""Every address of the house. Each page names its own; here they stand together."""

from __future__ import annotations

from clinic.web import (
    account,
    adverse,
    alerts,
    audit,
    bench,
    board,
    candidacy,
    care,
    decisions,
    deliveries,
    errands,
    exports,
    forms,
    governance,
    handover,
    health,
    library,
    lock,
    notes,
    own,
    patients,
    plan,
    plan_lines,
    plan_words,
    preferences,
    profile,
    response,
    rooms,
    schedule,
    session,
    sign_in,
    staff,
    stock,
    stock_counts,
    streams,
    team,
    therapy,
    today,
    trials,
    worth,
)

urlpatterns = [
    *sign_in.urls, *lock.urls, *board.urls, *account.urls, *health.urls, *today.urls, *streams.urls, *deliveries.urls,
    *alerts.urls, *patients.urls, *exports.urls, *team.urls, *profile.urls, *plan.urls, *session.urls,
    *response.urls, *notes.urls,
    *library.urls, *candidacy.urls, *governance.urls, *own.urls, *bench.urls, *audit.urls, *errands.urls,
    *preferences.urls, *worth.urls, *decisions.urls,
    *stock.urls, *stock_counts.urls, *forms.urls, *adverse.urls,
    *trials.urls, *plan_lines.urls, *therapy.urls, *care.urls, *handover.urls, *staff.urls, *plan_words.urls,
    *schedule.urls, *rooms.urls,
]  # fmt: skip
handler400 = "clinic.web.problems.refused"
handler403 = "clinic.web.problems.refused"
handler404 = "clinic.web.problems.not_found"
handler500 = "clinic.web.problems.broken"
