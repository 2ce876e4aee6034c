"""What an administrator does from the command line: practices, accounts, import, rebuild, replay, the audit chain."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from clinic import upkeep
from clinic.access import audit
from clinic.access.models import Account, AuditRow, Role
from clinic.access.permission import Refused, matrix
from clinic.access.sign_in import new_code
from clinic.actions.commit import NotAllowed
from clinic.actions.patients import import_record
from clinic.backup import Manifest, look, restore, take
from clinic.backup.take import SECRET
from clinic.environment import here, shown
from clinic.jobs import work
from clinic.queries.plan import replay
from clinic.record.models import Practice
from clinic.record.projections import knowledge, rebuild
from ketapath.errors import BadInput
from ketapath.report import say


def _check(arguments: argparse.Namespace) -> int:
    for name, value in shown(here()).items():
        print(f"{name:20} {value}")
    is_whole = upkeep.check_file(here(), within_s=600)
    print(f"{'database':20} {'sound' if is_whole else 'not looked through to its end'}, at this version")
    return 0


def _migrate(arguments: argparse.Namespace) -> int:
    print("The database is at this version.")
    return 0


def _backup(arguments: argparse.Namespace) -> int:
    """The row on the trail is in the copy; where the copy fails, another row says so."""
    said = here()
    audit.append("backup", outcome="done", who="command line")
    secret = said.data_dir / SECRET if arguments.with_secret else None
    try:
        manifest = take(arguments.file, passphrase=_passphrase(arguments), anchor=said.audit_anchor, secret=secret)
    except (BadInput, OSError):
        audit.append("backup", outcome="failed", who="command line")
        raise
    print(
        f"{arguments.file}: {manifest.rows} rows of {len(manifest.tables)} tables, as they stood at {manifest.made_at}"
    )
    print("encrypted" if arguments.passphrase_file else "NOT encrypted: keep it as you keep the record itself")
    return 0


def _restore(arguments: argparse.Namespace) -> int:
    said = here()
    if arguments.look:
        return _told(look(arguments.file, _passphrase(arguments)), ())
    found = restore(
        arguments.file, passphrase=_passphrase(arguments), anchor=said.audit_anchor, secret=said.data_dir / SECRET
    )
    if _told(found.manifest, found.differing):
        return 1
    audit.append("restore", outcome="done", who="command line")
    return _verify_audit(argparse.Namespace(json=False))


def _told(manifest: Manifest, differing: Sequence[str]) -> int:
    """The report: each table with its rows and hash, and which came out other than they went in."""
    print(f"made at {manifest.made_at} by ketapath {manifest.version} on {manifest.database}")
    for name, table in manifest.tables.items():
        mark = "DIFFERENT" if name in differing else "the same"
        print(f"{name:32} {table.rows:9} rows   sha256 {table.sha256[:16]}   {mark}")
    print(f"{manifest.rows} rows; {len(differing) or 'none'} of {len(manifest.tables)} tables differ")
    return 1 if differing else 0


def _passphrase(arguments: argparse.Namespace) -> str | None:
    if arguments.passphrase_file is None:
        return None
    try:
        return str(arguments.passphrase_file.read_text()).strip("\r\n")
    except (OSError, UnicodeDecodeError) as problem:
        raise _unknown("--passphrase-file", str(arguments.passphrase_file), "a file that can be read") from problem


def _rebuild(arguments: argparse.Namespace) -> int:
    for practice in Practice.objects.order_by("id"):
        print(f"{practice.slug}: {rebuild(practice)} people")
    return 0


def _worker(arguments: argparse.Namespace) -> int:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    work(stop)
    return 0


def _import(arguments: argparse.Namespace) -> int:
    account = Account.objects.filter(username=arguments.username).first()
    if account is None:
        raise _unknown("--as", arguments.username, "an account that exists")
    try:
        data = arguments.bundle.read_bytes()
        patient_id, done = import_record(data, by=account)
    except OSError as problem:
        raise _unknown("file", str(arguments.bundle), problem.strerror or "a file that can be read") from problem
    except NotAllowed as problem:
        why = say(problem.why, knowledge().texts)
        raise _unknown("record", str(arguments.bundle), f"statements that may follow what stands: {why}") from problem
    except Refused as problem:
        raise _unknown("--as", f"{account.username}, {account.role}", "a coordinator or director") from problem
    print(f"{patient_id}: {len(done.versions)} resources stored")
    return 0


def _create_practice(arguments: argparse.Namespace) -> int:
    try:
        ZoneInfo(arguments.zone)
    except (ZoneInfoNotFoundError, ValueError) as problem:
        raise _unknown("--zone", arguments.zone, "a time zone such as Europe/Berlin") from problem
    if Practice.objects.filter(slug=arguments.slug).exists():
        raise _unknown("slug", arguments.slug, "a name that is still free")
    if Practice.objects.filter(is_demo=True).exists():
        raise _unknown("DATA_DIR", "the demonstration", "a folder for real work")
    Practice.objects.create(slug=arguments.slug, name=arguments.name, zone=arguments.zone)
    print(f"{arguments.slug} is ready; create its users next.")
    return 0


def _create_user(arguments: argparse.Namespace) -> int:
    practice = Practice.objects.filter(slug=arguments.practice).first()
    if practice is None:
        raise _unknown("--practice", arguments.practice, "a practice that exists")
    if arguments.role not in Role.values or arguments.role == Role.PATIENT:
        raise _unknown("--role", arguments.role, ", ".join(v for v in Role.values if v != Role.PATIENT))
    if Account.objects.filter(username=arguments.username).exists():
        raise _unknown("username", arguments.username, "a name that is still free")
    account = Account(username=arguments.username, name=arguments.name, role=arguments.role, practice=practice)
    account.set_unusable_password()
    account.save()
    audit.append("create-user", outcome="done", who="command line", entities=[account.username])
    print(f"{account.username} signs in once with {new_code(account)}")
    return 0


def _new_code(arguments: argparse.Namespace) -> int:
    account = _account(arguments.username)
    audit.append("new-code", outcome="done", who="command line", entities=[account.username])
    print(f"{account.username} signs in once with {new_code(account)}")
    return 0


def _close_account(arguments: argparse.Namespace) -> int:
    account = _account(arguments.username)
    account.is_active = False
    account.save(update_fields=["is_active"])
    audit.append("close-account", outcome="done", who="command line", entities=[account.username])
    print(f"{account.username} may do nothing from now on; what they did stays on record.")
    return 0


def _account(username: str) -> Account:
    account = Account.objects.filter(username=username, is_active=True).first()
    if account is None:
        raise _unknown("username", username, "an open account")
    return account


def _replay(arguments: argparse.Namespace) -> int:
    practice = Practice.objects.filter(slug=arguments.practice).first()
    found = None if practice is None else replay(practice, arguments.recommendation)
    if found is None:
        raise _unknown("ID", arguments.recommendation, "a stored recommendation of this practice")
    build = "the same build" if found.same_build else "another build"
    if not found.differences:
        print(f"{arguments.recommendation}: made again on {build}, the same")
        return 0
    print(f"{arguments.recommendation}: made again on {build}, {len(found.differences)} values differ")
    print("\n".join(found.differences[:50]))
    return 1


def _roles(arguments: argparse.Namespace) -> int:
    print("\n".join(matrix()))
    return 0


def _verify_audit(arguments: argparse.Namespace) -> int:
    broken = audit.first_break()
    if broken is None:
        print(f"{AuditRow.objects.count()} rows, the chain holds")
        return 0
    print(f"the chain breaks at row {broken}")
    return 1


def _unknown(field: str, found: str, limit: str) -> BadInput:
    return BadInput(field=field, found=found, limit=limit, next_step="Check the command.")


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = MappingProxyType(
    {
        "check": _check,
        "migrate": _migrate,
        "backup": _backup,
        "restore": _restore,
        "rebuild": _rebuild,
        "worker": _worker,
        "import": _import,
        "create-practice": _create_practice,
        "create-user": _create_user,
        "new-code": _new_code,
        "close-account": _close_account,
        "replay": _replay,
        "roles": _roles,
        "verify-audit": _verify_audit,
    }
)
