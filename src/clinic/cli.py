"""The command `ketapath-clinic`: start the clinic, fill it, look after it. Errors are one short paragraph."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import django
from django.core.management import call_command

from clinic import logs, upkeep
from clinic.environment import check_served, here
from ketapath import __version__
from ketapath.errors import BadInput, BadUsage, KetapathError


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
    commands.add_parser("serve", help="serve the pages and the FHIR door on HOST and PORT from DATA_DIR")
    made = commands.add_parser("demo", help="the same with invented people; this computer only")
    words = "let the day go on by itself, at the wall's pace (1x) or so many times as fast"
    made.add_argument("--clock", metavar="10x", help=words)
    words = "hours that the clinic's clock is ahead, for a demonstration at night (DEMO_AHEAD)"
    made.add_argument("--ahead", type=float, default=None, metavar="HOURS", help=words)
    commands.add_parser("check", help="which settings hold, and whether the database is sound")
    commands.add_parser("migrate", help="bring the database to this version")
    _copies(commands)
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
    made = commands.add_parser("set-formulary", help="what a practice offers, and what it charges")
    made.add_argument("practice", metavar="SLUG")
    made.add_argument("--products", metavar="LIST", help="esketamine,racemic or one of them")
    made.add_argument("--routes", metavar="LIST", help="such as iv,nasal,im")
    made.add_argument("--prices", type=Path, metavar="FILE", help="the price list; it replaces the one before")
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


def _add_tokens(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
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


def _copies(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    made = commands.add_parser("backup", help="a copy of everything into one file, while people write")
    made.add_argument("file", metavar="FILE", type=Path)
    how = made.add_mutually_exclusive_group(required=True)
    how.add_argument("--passphrase-file", type=Path, metavar="F", help="encrypt under the passphrase in this file")
    how.add_argument("--plain", action="store_true", help="do not encrypt: anybody who finds the file can read it")
    made.add_argument("--with-secret", action="store_true", help="with the installation's own key")
    made = commands.add_parser("restore", help="fill an empty DATA_DIR or database from a copy, and compare")
    made.add_argument("file", metavar="FILE", type=Path)
    made.add_argument("--passphrase-file", type=Path, metavar="F", help="the passphrase that it was made with")
    made.add_argument("--look", action="store_true", help="only read the copy through and say whether it is whole")


def _run(arguments: argparse.Namespace) -> int:
    said = here()
    if arguments.command == "demo" and not said.is_loopback:
        raise BadUsage("the demonstration is for this computer alone; leave HOST at 127.0.0.1")
    if arguments.command in ("serve", "check"):
        check_served(said)
    _prepare_folder(said.data_dir)
    django.setup()
    logs.catch_all()
    # Every command brings the database to this version first; it takes a moment where nothing is to be done.
    upkeep.check_file(said)
    if arguments.command != "restore":
        with upkeep.ready(), upkeep.alone(said):
            upkeep.bring_up()
    if arguments.command == "serve":
        return _serve(is_demo=False)
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


def _demo(speed: str | None, ahead: float | None) -> int:
    from clinic import clock, pulse
    from clinic.demo.going import go_on
    from clinic.demo.load import NotADemo, load_demo
    from clinic.record.models import Practice

    try:
        rate = float((speed or "1x").removesuffix("x"))
    except ValueError:
        rate = 0.0
    if not 1 <= rate <= 3600:
        raise BadUsage(f"--clock {speed!r}: give a factor from 1x to 3600x")
    if ahead is not None and not 0 <= ahead <= 24:
        raise BadUsage(f"--ahead {ahead!r}: give hours from 0 to 24")
    if here().workers > 1:
        raise BadUsage("the demonstration has one clock and so one process; leave WORKERS at 1")
    before = timedelta(hours=here().demo_ahead if ahead is None else ahead)
    clock.be_ahead(before)
    clock.be_ahead(before + pulse.behind())  # where a day ran fast before, it goes on from there
    if not Practice.objects.exists():
        print("Making the demonstration, its people and their day: a minute or two.", flush=True)
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
    if speed is None:
        return _serve(is_demo=True)
    words = f"The day goes on by itself, the clock at {rate:g} times the wall's pace, until everybody has gone home."
    print(words, flush=True)
    return _serve(is_demo=True, beside=(go_on,))


def _serve(*, is_demo: bool, beside: Sequence[Callable[[threading.Event], None]] = ()) -> int:
    """Serve until ended, with these tasks beside the pages."""
    from clinic import server
    from clinic.access.models import Account
    from clinic.record.models import Practice

    said = here()
    if not said.is_loopback and Practice.objects.filter(is_demo=True).exists():
        raise BadUsage("DATA_DIR holds the demonstration, which is for this computer alone; choose another folder")
    with upkeep.alone(said):
        call_command("collectstatic", verbosity=0, interactive=False)
    if is_demo:
        _print_sign_ins(server.address(said))
    else:
        print(f"ketapath on {server.address(said)}", flush=True)
        if not Account.objects.exists():
            print("Nobody can sign in yet: ketapath-clinic create-practice, then create-user.", flush=True)
    return server.run(said, beside=beside)


def _print_sign_ins(address: str) -> None:
    from clinic.access.models import Role
    from clinic.access.sign_in import new_code
    from clinic.demo.load import accounts, signs_with

    print(f"ketapath demonstration on {address}")
    print("Everybody in it is invented. Sign in with a name and its sign-in code; each code works once.")
    print("To sign a plan, a dose or a note, type the person's password; it stays the same.\n")
    for account in accounts():
        signs = "" if account.role == Role.PATIENT else f"; password {signs_with(account)}"
        print(f"  {account.username:22} {new_code(account)}   {account.name}, {account.practice.name}{signs}")
    print("\nA new code is printed here when one has been used. Ctrl-C ends it; what was entered stays.", flush=True)
