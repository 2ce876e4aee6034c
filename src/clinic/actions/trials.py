"""Ask for a simulated trial, stop it, and play it as the worker. Everybody in it is virtual; no record is read.

What will be run and looked at is written down with the request, before anything is played.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.db import transaction
from django.utils.translation import gettext as _

from clinic import clock
from clinic.access import audit
from clinic.access.models import Account
from clinic.access.permission import require
from clinic.record.models import Errand, SimulatedTrial
from clinic.record.projections import knowledge
from ketapath.cohort import Design, changed, read_design, run
from ketapath.errors import BadInput, KetapathError
from ketapath.report import registration, trial_json
from ketapath.response.prior import population

MOST_BYTES = 64 * 1024
"""Of a design file; the ready ones have two thousand."""
MOST_COURSES = 20_000_000
"""Subjects followed through an arm in one run: some minutes of one core."""
MOST_ASKED = 10_000
"""The same where a rule asks the posterior, which is a thousand times as slow."""
MOST_OPEN = 10
"""Runs of one practice that wait or run at once."""
_TOLD_EVERY_S = 0.5
_log = logging.getLogger(__name__)


class Unfinished(Exception):
    """The worker was told to end before the run was done; it begins anew with the next worker."""


class _Stopped(Exception):
    """Somebody does not want the run any more."""


def start(data: bytes, *, trials: str = "", seed: str = "", truth: str = "", by: Account) -> SimulatedTrial:
    """Keep this design for the worker, with what is said instead of its own fields; empty leaves what it says.

    Raises Refused without permission, and BadInput with field, value and limit for what cannot be run here.
    """
    require(by, "run-trial")
    design = changed(_read(data), trials=trials or None, seed=seed or None, truth=truth or None)
    total = _fits(design)
    if SimulatedTrial.objects.filter(practice=by.practice, done_at=None).count() >= MOST_OPEN:
        raise BadInput(
            field=_("simulated trials that wait"), found=str(MOST_OPEN), limit=_("fewer than that to start another"),
            next_step=_("Wait for one of them, or stop one."),
        )  # fmt: skip
    parameters = population(knowledge().response).provenance
    words = registration(design, knowledge(), parameters, on=clock.today(by.practice.zone))
    with transaction.atomic():
        asked = SimulatedTrial.objects.create(
            practice=by.practice, username=by.username, name=by.name, title=design.title, design=design.text,
            trials=design.trials, seed=design.seed, truth=design.truth, registration=words, total=total,
            asked_at=clock.now(),
        )  # fmt: skip
        Errand.objects.create(practice=by.practice, kind="trial", details={"trial": asked.pk}, due_at=clock.now())
        audit.append("run-trial", outcome="done", account=by, entities=[f"trial/{asked.pk}"])
    return asked


def stop(number: int, *, by: Account) -> bool:
    """Nobody wants this run any more; False where it is over, or not one of this practice.

    Raises Refused without permission.
    """
    require(by, "run-trial")
    with transaction.atomic():
        rows = SimulatedTrial.objects.filter(pk=number, practice=by.practice, done_at=None)
        waiting = rows.filter(step="waiting").update(is_to_stop=True, step="stopped", done_at=clock.now())
        if not waiting and not rows.update(is_to_stop=True):
            return False
        audit.append("run-trial", outcome="taken back", account=by, entities=[f"trial/{number}"])
    return True


def play(number: int, *, goes_on: Callable[[], bool]) -> None:
    """Play it to its end. `goes_on` is asked every half second. Raises Unfinished where it says no.

    A run that fails is not tried again: the same design and seed would fail in the same way.
    """
    row = SimulatedTrial.objects.get(pk=number)
    if row.done_at is not None:
        return
    rows = SimulatedTrial.objects.filter(pk=number, done_at=None)
    rows.update(step="running", played=0)
    try:
        design = changed(_read(row.design.encode()), trials=row.trials, seed=row.seed, truth=row.truth)
        found = run(
            design, knowledge(), population(knowledge().response), progress=_progress(row, goes_on)
        )  # fmt: skip
    except _Stopped:
        rows.update(step="stopped", done_at=clock.now())
    except (KetapathError, ArithmeticError, LookupError, MemoryError, TypeError, ValueError) as problem:
        _log.exception("a simulated trial failed", extra={"trial": number})
        rows.update(step="failed", problem=type(problem).__name__, done_at=clock.now())
    else:
        form = trial_json(found, knowledge())
        rows.update(step="done", played=row.total, found=form, done_at=clock.now())


def _progress(row: SimulatedTrial, goes_on: Callable[[], bool]) -> Callable[[int, int], None]:
    """Tell how far it is, twice a second; end it where somebody or the worker wants that."""
    rows, told = SimulatedTrial.objects.filter(pk=row.pk), [float("-inf")]

    def heard(done: int, _total: int) -> None:
        if time.monotonic() - told[0] < _TOLD_EVERY_S:
            return
        told[0] = time.monotonic()
        rows.update(played=done)
        if rows.filter(is_to_stop=True).exists():
            raise _Stopped
        if not goes_on():
            raise Unfinished

    return heard


def _read(data: bytes) -> Design:
    if not 0 < len(data) <= MOST_BYTES:
        raise BadInput(
            field=_("design"), found=_("%(n)s bytes") % {"n": len(data)}, limit=_("a text of at most 64 KiB"),
            next_step=_("Choose a ready design, or send your own."),
        )  # fmt: skip
    return read_design(data, knowledge().response)


def _fits(design: Design) -> int:
    """The trials of all sizes. Raises BadInput for more than a worker of a clinic can play in some minutes."""
    arms, sizes = len(design.arms), len(design.sizes)
    subjects = sum(sum(design.counts(size)) for size in design.sizes)
    courses = design.trials * (subjects + sizes * arms * design.reference)
    most = MOST_ASKED if design.asks_posterior else MOST_COURSES
    if courses > most:
        possible = most * design.trials // courses
        raise BadInput(
            field="trials", found=design.trials,
            limit=_("at most %(n)s of this design in the clinic") % {"n": f"{possible:,}"},
            next_step=_("Take fewer trials or subjects, or run it with the command ketapath trial."),
        )  # fmt: skip
    return design.trials * sizes
