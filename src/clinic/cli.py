"""The command `ketapath-clinic`: start the clinic, fill it, look after it. Errors are one short paragraph."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import django
from django.core.management import call_command

from ketapath import __version__
from ketapath.errors import BadInput, BadUsage, KetapathError

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the return value is the exit code."""
    arguments = _parser().parse_args(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
    try:
        return _run(arguments)
    except KetapathError as problem:
        print(f"ketapath-clinic: {problem}", file=sys.stderr)
        return problem.exit_code
    except OSError as problem:
        print(f"ketapath-clinic: {problem.strerror}: {problem.filename or 'data folder'}", file=sys.stderr)
        return 3


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ketapath-clinic", description="The clinic: record, people and pages around ketapath."
    )
    parser.add_argument("--version", action="version", version=f"ketapath {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    made = commands.add_parser("serve", help="serve the pages and the FHIR door on HOST and PORT from DATA_DIR")
    made.add_argument("--workers", type=int, default=1, metavar="N", help="processes that answer; 1 to 16")
    made = commands.add_parser("demo", help="the same with invented people; this computer only")
    made.add_argument("--clock", default="1x", metavar="10x", help="let the clinic's clock run faster")
    words = "hours that the clinic's clock is ahead, for a demonstration at night (DEMO_AHEAD)"
    made.add_argument("--ahead", type=float, default=None, metavar="HOURS", help=words)
    commands.add_parser("migrate", help="bring the database to this version")
    commands.add_parser("rebuild", help="make every derived table again from the record")
    commands.add_parser("worker", help="do errands until ended (serve has a worker of its own)")
    made = commands.add_parser("import", help="take one person's FHIR Bundle into a practice")
    made.add_argument("bundle", metavar="BUNDLE", type=Path)
    made.add_argument("--as", dest="username", required=True, metavar="USER", help="the account that imports")
    words = "take a chart that ketapath exported whole, plans and sessions included, of a person who is not here yet"
    made.add_argument("--whole-chart", action="store_true", help=words)
    made.add_argument("--json", action="store_true", help="the report as JSON")
    made.add_argument("--strict", action="store_true", help="exit 1 where a resource was kept apart")
    made = commands.add_parser("export", help="write one person's whole chart: FHIR Bundle, table or PDF")
    made.add_argument("patient", metavar="PATIENT", help="the person's id")
    made.add_argument("--practice", required=True, metavar="SLUG")
    made.add_argument("--as", dest="username", required=True, metavar="USER", help="the account that exports")
    made.add_argument("--format", choices=("bundle", "csv", "pdf"), default="bundle")
    made.add_argument("--history", action="store_true", help="every earlier version too (bundle and csv)")
    made.add_argument("-o", dest="file", required=True, type=Path, metavar="FILE", help="made readable to you alone")
    made = commands.add_parser("create-practice", help="a new, empty practice")
    made.add_argument("slug")
    made.add_argument("--name", required=True)
    made.add_argument("--zone", default="UTC", help="time zone, such as Europe/Berlin")
    made = commands.add_parser("set-access", help="who opens a chart in a practice, and how an emergency ends")
    made.add_argument("practice", metavar="SLUG")
    made.add_argument("--team-only", choices=("yes", "no"), help="only the care team, or everybody who treats")
    made.add_argument("--emergency-minutes", type=int, metavar="N", help="how long an emergency opens a chart")
    made.add_argument("--of-age-at", type=int, metavar="YEARS", help="when a guardian's access ends")
    made = commands.add_parser("create-user", help="a new account, and a code that signs it in once")
    made.add_argument("username")
    made.add_argument("--name", required=True)
    made.add_argument("--role", required=True)
    made.add_argument("--practice", required=True, metavar="SLUG")
    made = commands.add_parser("new-code", help="a new code that signs somebody in once")
    made.add_argument("username")
    made = commands.add_parser("close-account", help="end an account; what it did stays on record")
    made.add_argument("username")
    _add_tokens(commands)
    made = commands.add_parser("reset-second-factor", help="for lost devices: begin again with a new code")
    made.add_argument("username")
    made = commands.add_parser("end-sessions", help="sign somebody out everywhere, or everybody")
    made.add_argument("username", nargs="?")
    made.add_argument("--everybody", action="store_true")
    made = commands.add_parser("replay", help="make a stored recommendation again and compare")
    made.add_argument("recommendation", metavar="ID")
    made.add_argument("--practice", required=True, metavar="SLUG")
    commands.add_parser("roles", help="which role may do what")
    made = commands.add_parser("verify-audit", help="was the audit trail touched? exit 1 if so")
    made.add_argument("--json", action="store_true", dest="as_json", help="the whole verdict, for programs")
    made = commands.add_parser("export-audit", help="the audit trail as FHIR AuditEvents or as CSV")
    made.add_argument("--practice", metavar="SLUG", help="of one practice; otherwise of all")
    made.add_argument("--since", metavar="DAY", help="from this day on (UTC), or from an instant with its zone")
    made.add_argument("--until", metavar="DAY", help="up to the end of this day, or to an instant")
    made.add_argument("--patient", metavar="ID", default="", help="about one person")
    words = "csv, or fhir: one AuditEvent a line, a Bundle where FILE ends in .json"
    made.add_argument("--format", choices=("fhir", "csv"), required=True, help=words)
    made.add_argument("-o", "--output", metavar="FILE", type=Path, required=True)
    return parser


def _add_tokens(commands: Any) -> None:
    made = commands.add_parser("create-token", help="a bearer token of an account, for scripts; it is shown once")
    made.add_argument("username")
    made.add_argument("--name", required=True, help="what it is for")
    made.add_argument("--days", type=int, default=90, help="how long it stands (90)")
    made.add_argument(
        "--scope", choices=("read", "write"), action="append", help="read alone if left out; may come twice"
    )
    made = commands.add_parser("revoke-token", help="end a token now")
    made.add_argument("token", metavar="NUMBER", type=int, help="its number in list-tokens")
    made = commands.add_parser("list-tokens", help="whose tokens stand, and until when")
    made.add_argument("username", nargs="?")
    commands.add_parser("test-tokens", help="an account and a token of each role, for tests with TEST_MODE=1")


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command in ("serve", "demo"):
        _check_address(is_demo=arguments.command == "demo")
        _check_workers(getattr(arguments, "workers", 1))
    _prepare_folder(Path(os.environ.get("DATA_DIR") or "var"))
    try:
        django.setup()
    except ValueError as problem:
        raise BadUsage(str(problem)) from problem
    # Every command brings the database to this version first; it takes a moment where nothing is to be done.
    call_command("migrate", verbosity=0, interactive=False)
    if arguments.command == "serve":
        return _serve(is_demo=False, workers=arguments.workers)
    if arguments.command == "demo":
        return _demo(arguments.clock, arguments.ahead)
    from clinic import housekeeping

    return housekeeping.COMMANDS[arguments.command](arguments)


def _prepare_folder(folder: Path) -> None:
    """The data folder with its key and database, readable by its owner alone."""
    os.umask(0o077)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "secret").exists():
        handle = os.open(folder / "secret", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(48))


def _check_address(*, is_demo: bool) -> None:
    host = os.environ.get("HOST") or "127.0.0.1"
    port = os.environ.get("PORT") or "8000"
    if is_demo and host not in LOOPBACK:
        raise BadUsage("the demonstration is for this computer alone; leave HOST at 127.0.0.1")
    if host not in LOOPBACK and os.environ.get("TLS_PROXY") != "1":
        raise BadUsage(
            f"HOST {host} is not this computer alone. Put a proxy that speaks TLS in front and set TLS_PROXY=1, "
            "or use HOST=127.0.0.1"
        )
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise BadUsage(f"PORT {port!r} is no port; use a number from 1 to 65535")


def _check_workers(workers: int) -> None:
    if not 1 <= workers <= 16:
        raise BadUsage(f"--workers {workers}: give a number from 1 to 16")


def _demo(speed: str, ahead: float | None) -> int:
    from clinic import clock
    from clinic.demo.load import NotADemo, load_demo

    try:
        rate = float(speed.removesuffix("x"))
    except ValueError:
        rate = 0.0
    if not 1 <= rate <= 3600:
        raise BadUsage(f"--clock {speed!r}: give a factor from 1x to 3600x")
    clock.be_ahead(timedelta(hours=_hours_ahead(ahead)))
    try:
        load_demo()
    except NotADemo as problem:
        raise BadInput(
            field="DATA_DIR",
            found="people who are not the demonstration's",
            limit="an empty folder, or the demonstration's own",
            next_step="Choose another DATA_DIR, or run `ketapath-clinic serve`.",
        ) from problem
    clock.run_at(rate)
    return _serve(is_demo=True)


def _hours_ahead(stated: float | None) -> float:
    """From the option, else from the surroundings; a day at most."""
    given = os.environ.get("DEMO_AHEAD", "0") if stated is None else str(stated)
    try:
        hours = float(given)
    except ValueError:
        hours = -1.0
    if not 0 <= hours <= 24:
        raise BadUsage(f"--ahead {given!r}: give hours from 0 to 24")
    return hours


def _serve(*, is_demo: bool, workers: int = 1) -> int:
    """Serve until ended. Open event streams are given three seconds to close."""
    from django.conf import settings

    from clinic.access import sealing
    from clinic.access.models import Account
    from clinic.jobs import work
    from clinic.record.models import Practice

    if not settings.IS_LOOPBACK and Practice.objects.filter(is_demo=True).exists():
        raise BadUsage("DATA_DIR holds the demonstration, which is for this computer alone; choose another folder")
    call_command("collectstatic", verbosity=0, interactive=False)
    host, port = settings.HOST, int(os.environ.get("PORT") or "8000")
    if is_demo:
        _print_sign_ins(host, port)
    else:
        print(f"ketapath on http://{host}:{port}/", flush=True)
        if not Account.objects.exists():
            print("Nobody can sign in yet: ketapath-clinic create-practice, then create-user.", flush=True)
    if workers > 1:
        return _serve_in_several(host, port, workers)
    stop = threading.Event()
    aside = [threading.Thread(target=task, args=(stop,), daemon=True) for task in (work, sealing.run)]
    for thread in aside:
        thread.start()
    try:
        return _answer(host, port, None)
    finally:
        stop.set()
        for thread in aside:
            thread.join(timeout=5)


def _answer(host: str, port: int, listener: socket.socket | None) -> int:
    """Answer requests in this process until it is told to end."""
    import uvicorn

    from clinic.web.streams import closing

    class Server(uvicorn.Server):
        """Tells open streams to end as soon as the server is told."""

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            closing.set()
            super().handle_exit(sig, frame)

    config = uvicorn.Config(
        "clinic.asgi:application", host=host, port=port, log_level="warning", access_log=False,
        timeout_graceful_shutdown=3, server_header=False, lifespan="off",
    )  # fmt: skip
    # uvicorn raises the signal again once it has closed; as an interrupt it ends this function instead of the process.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        Server(config).run(sockets=None if listener is None else [listener])
    except KeyboardInterrupt:
        pass
    except SystemExit:
        return 3
    finally:
        closing.set()
    return 0


def _serve_in_several(host: str, port: int, workers: int) -> int:
    """Several processes answer on one listening socket; this one does the errands, and ends them all when one ends.

    Whatever keeps a service running then starts all of them anew, rather than going on with fewer.
    """
    from django.db import connections

    from clinic.access import sealing
    from clinic.jobs import work

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=2048)
    connections.close_all()  # no two processes may share one
    children = []
    for _ in range(workers):
        child = os.fork()
        if child == 0:
            os._exit(_answer(host, port, listener))
        children.append(child)
    stop = threading.Event()
    aside = [threading.Thread(target=task, args=(stop,), daemon=True) for task in (work, sealing.run)]
    for thread in aside:
        thread.start()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    is_told = False
    try:
        os.wait()
    except KeyboardInterrupt:
        is_told = True
    stop.set()
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)
    for child in children:
        with suppress(ChildProcessError):
            os.waitpid(child, 0)
    for thread in aside:
        thread.join(timeout=5)
    return 0 if is_told else 3


def _print_sign_ins(host: str, port: int) -> None:
    from clinic.access.models import Role
    from clinic.access.sign_in import new_code
    from clinic.demo.load import accounts, signs_with

    print(f"ketapath demonstration on http://{host}:{port}/")
    print("Everybody in it is invented. Sign in with a name and its code; each code works once.")
    print("To sign a plan, a dose or a note, give what stands behind 'signs with'; it stays the same.\n")
    for account in accounts():
        signs = "" if account.role == Role.PATIENT else f"; signs with {signs_with(account)}"
        print(f"  {account.username:22} {new_code(account)}   {account.name}, {account.practice.name}{signs}")
    print("\nA new code is printed here when one has been used. Ctrl-C ends it; what was entered stays.", flush=True)
