"""What happened, for whoever looks after the installation: one JSON line an event on stderr, and nothing of a person.

A line of ours has time, level, event, and of a request its id, the name of its route, status and milliseconds; never an
address with an id in it. What a library would say may hold whatever somebody sent, so of its lines only the logger and
the place are kept. Of an exception: its type, the code of the database, the places; never its words nor any value.
"""

from __future__ import annotations

import json
import logging
import secrets
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

OURS = "clinic"
SAID_AS_IT_IS = frozenset({"uvicorn.error"})
"""Libraries whose sentences are constants; their arguments are left out all the same."""
EXTRAS = ("route", "method", "status", "ms", "fault", "errand", "attempts", "seconds", "rows")
FRAMES = 12
_FOLDERS = ("clinic", "ketapath", "site-packages")


@dataclass(slots=True)
class Notes:
    """What is known of the request that is being answered."""

    id: str = field(default_factory=lambda: secrets.token_hex(6))
    route: str = ""
    started: float = field(default_factory=time.monotonic)


_notes: ContextVar[Notes | None] = ContextVar("notes", default=None)


@contextmanager
def noting() -> Iterator[Notes]:
    """Within this block every line names this request."""
    notes = Notes()
    token = _notes.set(notes)
    try:
        yield notes
    finally:
        _notes.reset(token)


def request_id() -> str:
    """The id of the request that is being answered; a new one outside of any."""
    notes = _notes.get()
    return notes.id if notes is not None else secrets.token_hex(6)


class note_route:  # noqa: N801  a middleware, named like a function because it is used as one
    """Notes the name of the route, which is all of an address that a log may hold."""

    sync_capable, async_capable = True, False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response, untouched."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> None:
        """Called once the route is known."""
        notes = _notes.get()
        if notes is not None and request.resolver_match is not None:
            notes.route = request.resolver_match.view_name


class Lines(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        notes = _notes.get()
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": _event(record),
        }
        if notes is not None:
            line |= {"request": notes.id} | ({"route": notes.route} if notes.route else {})
        line |= {name: getattr(record, name) for name in EXTRAS if hasattr(record, name)}
        if not _is_ours(record):
            line |= {"logger": record.name, "at": f"{record.filename}:{record.lineno}"}
        if record.exc_info and record.exc_info[0] is not None:
            line |= told(record.exc_info[1], record.exc_info[2])
        return json.dumps(line, ensure_ascii=True)


def told(problem: BaseException | None, trace: TracebackType | None) -> dict[str, Any]:
    """What a log may say of an exception: types along its causes, the database's code, and where."""
    types: list[str] = []
    codes: list[str] = []
    link = problem
    while link is not None and len(types) < FRAMES:
        types.append(type(link).__name__)
        codes += [str(code) for code in (getattr(link, "sqlite_errorname", ""), getattr(link, "sqlstate", "")) if code]
        link = link.__cause__
    places = [f"{_short(f.filename)}:{f.lineno} {f.name}" for f in traceback.extract_tb(trace)]
    return {"error": types, **({"code": codes[0]} if codes else {}), "places": places[-FRAMES:]}


def configuration(*, level: str, requests: bool) -> Mapping[str, Any]:
    """What Django and uvicorn are told about logging. Of a fault on a page web.problems writes the one line."""
    quiet = {"handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": "clinic.logs.Lines"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": quiet,
            "django.server": quiet,
            "django.request": {**quiet, "level": "CRITICAL"},
            "uvicorn": quiet,
            "uvicorn.error": quiet,
            "uvicorn.access": {"handlers": [], "propagate": False, "level": "CRITICAL"},
            "asyncio": {**quiet, "level": "ERROR"},
            "clinic.requests": {"level": "INFO" if requests else "WARNING"},
        },
    }


def catch_all() -> None:
    """From now on an exception that nobody caught is one line too, in every thread: its own words may hold anything."""
    log = logging.getLogger("clinic.faults")

    def whole(kind: type[BaseException], problem: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, problem, trace)
            return
        log.critical("a fault that nobody caught", exc_info=(kind, problem, trace))

    def in_thread(told: threading.ExceptHookArgs) -> None:
        if told.exc_value is not None:
            whole(told.exc_type, told.exc_value, told.exc_traceback)

    sys.excepthook = whole
    threading.excepthook = in_thread


def _event(record: logging.LogRecord) -> str:
    if _is_ours(record):
        return record.getMessage()
    if record.name in SAID_AS_IT_IS and isinstance(record.msg, str):
        return record.msg.strip()
    return record.name


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name == OURS or record.name.startswith(f"{OURS}.")


def _short(file: str) -> str:
    """The path from the package on; where a machine keeps its files is nobody's business."""
    parts = Path(file).parts
    for folder in _FOLDERS:
        if folder in parts:
            at = len(parts) - 1 - parts[::-1].index(folder)
            return "/".join(parts[at + (folder == "site-packages") :])
    return Path(file).name
