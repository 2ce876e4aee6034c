"""What an administrator does from the command line: practices, accounts, import, rebuild, replay, the audit chain."""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from clinic import clock, upkeep
from clinic.access import audit, sealing
from clinic.access.models import Account, Role, Stay, Token
from clinic.access.permission import Refused, matrix, matrix_of_parts
from clinic.access.sign_in import new_code, reset_second_factor
from clinic.access.stays import end_all
from clinic.access.tokens import LONGEST_DAYS, account_of_token, new_token
from clinic.access.verification import told as verdict_told
from clinic.access.verification import verify
from clinic.actions.commit import NotAllowed, Stale
from clinic.actions.exchange import New, Sender, create
from clinic.actions.export import export_chart
from clinic.actions.patients import import_chart, import_record, lines, told
from clinic.backup import Manifest, look, restore, take
from clinic.backup.take import SECRET
from clinic.environment import here, shown
from clinic.jobs import work, work_apart, write_out
from clinic.queries.audit import Wish, as_events, as_lines
from clinic.queries.person import clinic_of
from clinic.queries.plan import replay
from clinic.record.models import Practice
from clinic.record.projections import knowledge, rebuild
from clinic.web.door import matrix_of_routes
from ketapath.errors import BadInput, BadUsage
from ketapath.knowledge.formulary import read_prices, read_routes
from ketapath.knowledge.schema import PRODUCTS


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
    sealing.note_restore()
    return _verify_audit(argparse.Namespace(as_json=False))


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
    aside = [threading.Thread(target=task, args=(stop,), daemon=True) for task in (work_apart, write_out, sealing.run)]
    for thread in aside:
        thread.start()
    work(stop)
    for thread in aside:
        thread.join(timeout=5)
    return 0


def _import(arguments: argparse.Namespace) -> int:
    account = Account.objects.filter(username=arguments.username).first()
    if account is None:
        raise _unknown("--as", arguments.username, "an account that exists")
    take_in, who = (
        (import_chart, "a director") if arguments.whole_chart else (import_record, "a coordinator or director")
    )
    try:
        found = take_in(arguments.bundle.read_bytes(), by=account)
    except OSError as problem:
        raise _unknown("file", str(arguments.bundle), problem.strerror or "a file that can be read") from problem
    except (NotAllowed, Stale) as problem:
        raise _unknown(
            "record", str(arguments.bundle), "a record that nobody changes meanwhile; try again"
        ) from problem
    except Refused as problem:
        raise _unknown("--as", f"{account.username}, {account.role}", who) from problem
    print(json.dumps(told(found)) if arguments.json else "\n".join(lines(found)))
    return 1 if arguments.strict and found.apart else 0


def _export(arguments: argparse.Namespace) -> int:
    account = Account.objects.filter(username=arguments.username, practice__slug=arguments.practice).first()
    if account is None:
        raise _unknown("--as", arguments.username, "an account of this practice")
    try:
        made = export_chart(arguments.patient, arguments.format, by=account, with_history=arguments.history)
    except Refused as problem:
        raise _unknown(
            "--as", f"{account.username}, {account.role}", "a prescriber, coordinator or director"
        ) from problem
    if made is None:
        raise _unknown("PATIENT", arguments.patient, "a person of this practice")
    # A chart is nobody else's to read, whatever the folder's habit is.
    with os.fdopen(os.open(arguments.file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(made)
    print(f"{arguments.patient}: {len(made)} bytes written to {arguments.file}")
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


def _set_access(arguments: argparse.Namespace) -> int:
    practice = Practice.objects.filter(slug=arguments.practice).first()
    if practice is None:
        raise _unknown("SLUG", arguments.practice, "a practice that exists")
    for option, value, most in (("--emergency-minutes", arguments.emergency_minutes, 24 * 60),
                                ("--of-age-at", arguments.of_age_at, 99)):  # fmt: skip
        if value is not None and not 0 < value <= most:
            raise _unknown(option, str(value), f"1 to {most}")
    asked = {
        "team_only": None if arguments.team_only is None else arguments.team_only == "yes",
        "emergency_minutes": arguments.emergency_minutes,
        "of_age_at": arguments.of_age_at,
    }
    new = {name: value for name, value in asked.items() if value is not None}
    practice.settings = {**practice.settings, **new}
    practice.save(update_fields=["settings"])
    told = [f"{name} {value}" for name, value in new.items()]
    audit.append("set-access", outcome="done", who="command line", entities=[practice.slug, *told])
    who = (
        "only the care team opens a chart"
        if practice.settings.get("team_only")
        else "everybody who treats opens a chart"
    )
    print(f"{practice.slug}: {who}")
    return 0


def _set_formulary(arguments: argparse.Namespace) -> int:
    practice = Practice.objects.filter(slug=arguments.practice).first()
    if practice is None:
        raise _unknown("SLUG", arguments.practice, "a practice that exists")
    new: dict[str, object] = {}
    if arguments.products is not None:
        products = [word.strip() for word in arguments.products.split(",") if word.strip()]
        if not products or set(products) - PRODUCTS:
            raise _unknown("--products", arguments.products, f"out of {', '.join(sorted(PRODUCTS))}")
        new["products"] = products
    if arguments.routes is not None:
        new["routes"] = list(read_routes(arguments.routes, knowledge()))
    if arguments.prices is not None:
        try:
            new["currency"], new["prices"] = read_prices(arguments.prices.read_bytes(), knowledge())
        except OSError as problem:
            raise _unknown(
                "--prices", str(arguments.prices), problem.strerror or "a file that can be read"
            ) from problem
    practice.settings = {**practice.settings, **new}
    practice.save(update_fields=["settings"])
    audit.append("set-formulary", outcome="done", who="command line", entities=[practice.slug, *sorted(new)])
    clinic = clinic_of(practice.settings)
    offered = f"{', '.join(clinic.products)} by {', '.join(clinic.routes)}"
    print(f"{practice.slug}: {offered}; {len(clinic.prices) or 'no'} prices on file")
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
    if account.role == Role.SERVICE:
        print(f"{account.username} opens no pages; give it a token: ketapath-clinic create-token {account.username}")
        return 0
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
    end_all(Stay.objects.filter(account=account), who="command line")
    print(f"{account.username} may do nothing from now on; what they did stays on record.")
    return 0


def _create_token(arguments: argparse.Namespace) -> int:
    account = _account(arguments.username)
    try:
        text = new_token(account, arguments.name, arguments.scope or ("read",), arguments.days)
    except ValueError as problem:
        raise _unknown("--days", str(arguments.days), f"1 to {LONGEST_DAYS}") from problem
    audit.append("create-token", outcome="done", who="command line", entities=[account.username])
    print(text)
    return 0


def _revoke_token(arguments: argparse.Namespace) -> int:
    changed = Token.objects.filter(pk=arguments.token, revoked_at=None).update(revoked_at=clock.now())
    if not changed:
        raise _unknown("NUMBER", str(arguments.token), "the number of a token that stands")
    audit.append("revoke-token", outcome="done", who="command line", entities=[f"token {arguments.token}"])
    print(f"Token {arguments.token} opens nothing from now on.")
    return 0


def _list_tokens(arguments: argparse.Namespace) -> int:
    standing = Token.objects.filter(revoked_at=None, expires_at__gt=clock.now(), account__is_active=True)
    if arguments.username:
        standing = standing.filter(account=_account(arguments.username))
    for token in standing.select_related("account").order_by("id"):
        may = "+".join(token.scopes)
        print(f"{token.pk:4} {token.account.username:22} {may:11} until {token.expires_at:%Y-%m-%d}  {token.name}")
    return 0


def _test_tokens(arguments: argparse.Namespace) -> int:
    """One token of each role, as JSON by role, in a practice that is made for it; never beside real work."""
    if os.environ.get("TEST_MODE") != "1":
        raise BadUsage("test-tokens makes accounts that anybody may use; it is for tests alone, with TEST_MODE=1")
    if Practice.objects.filter(is_demo=False).exists():
        raise _unknown("DATA_DIR", "a practice for real work", "an empty folder, or the demonstration's")
    practice = Practice.objects.filter(is_demo=True).order_by("id").first()
    practice = practice or Practice.objects.create(slug="test", name="Test practice", is_demo=True)
    made: dict[str, str] = {}
    for role in (Role.SERVICE, *(role for role in Role if role != Role.SERVICE)):
        account, is_new = Account.objects.get_or_create(
            username=f"test-{role.value}", defaults={"name": f"Test {role.label}", "role": role, "practice": practice}
        )
        if is_new and role == Role.PATIENT:
            account.patient_id = _somebody(made[Role.SERVICE])
        account.set_unusable_password()
        account.save()
        made[role.value] = new_token(account, "test", ("read", "write"), 1)
        audit.append("create-token", outcome="done", who="command line", entities=[account.username])
    print(json.dumps(made))
    return 0


def _somebody(token: str) -> str:
    """The id of a person who is nobody, put on record by the account of this token."""
    service = account_of_token(token)
    assert service is not None, "the token was made a moment ago"
    new = New(kind="Patient", text='{"resourceType": "Patient", "name": [{"family": "Test"}]}')
    return create(new, Sender(by=service, asked={}))[0].partition("/")[2]


def _reset_second_factor(arguments: argparse.Namespace) -> int:
    account = _account(arguments.username)
    code = reset_second_factor(account, who="command line")
    print(f"{account.username} is signed out everywhere, and begins again with {code}")
    return 0


def _end_sessions(arguments: argparse.Namespace) -> int:
    stays = Stay.objects.all()
    if arguments.username is not None:
        stays = stays.filter(account=_account(arguments.username))
    elif not arguments.everybody:
        raise _unknown("username", "nobody", "a name, or --everybody")
    print(f"{end_all(stays, who='command line')} sign-ins ended")
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
    heads = ("Acts", "Parts of a record", "Routes")
    for head, rows in zip(heads, (matrix(), matrix_of_parts(), matrix_of_routes()), strict=True):
        print(f"## {head}\n\n" + "\n".join(rows) + "\n")
    return 0


def _verify_audit(arguments: argparse.Namespace) -> int:
    found = verify()
    if arguments.as_json:
        print(json.dumps({**asdict(found), "at": found.at.isoformat(), "is_intact": found.is_intact}))
    else:
        print("\n".join(verdict_told(found)))
    return 0 if found.is_intact else 1


def _export_audit(arguments: argparse.Namespace) -> int:
    practice = Practice.objects.filter(slug=arguments.practice).first() if arguments.practice else None
    if arguments.practice and practice is None:
        raise _unknown("--practice", arguments.practice, "a practice that exists")
    since, until = _instant("--since", arguments.since), _instant("--until", arguments.until)
    if until is not None and len(arguments.until) == len("2026-11-26"):
        until += timedelta(days=1)
    rows = Wish(practice=practice, patient_id=arguments.patient, since=since, until=until).rows().order_by("id")
    is_bundle = arguments.output.suffix == ".json"
    lines = as_lines(rows) if arguments.format == "csv" else as_events(rows, as_bundle=is_bundle)
    audit.append(
        "export-audit", outcome="done", who="command line", patient_id=arguments.patient,
        entities=[arguments.format, *([practice.slug] if practice else [])],
    )  # fmt: skip
    with arguments.output.open("w", encoding="utf-8", newline="") as file:
        file.writelines(lines)
    print(f"{arguments.output}: written")
    return 0


def _instant(option: str, said: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(said) if said else None
    except ValueError as problem:
        raise _unknown(option, str(said), "a day such as 2026-11-26, or an instant with its zone") from problem
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


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
        "export": _export,
        "create-practice": _create_practice,
        "set-access": _set_access,
        "set-formulary": _set_formulary,
        "create-user": _create_user,
        "new-code": _new_code,
        "close-account": _close_account,
        "create-token": _create_token,
        "revoke-token": _revoke_token,
        "list-tokens": _list_tokens,
        "test-tokens": _test_tokens,
        "reset-second-factor": _reset_second_factor,
        "end-sessions": _end_sessions,
        "replay": _replay,
        "roles": _roles,
        "verify-audit": _verify_audit,
        "export-audit": _export_audit,
    }
)
