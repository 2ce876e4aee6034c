"""How was this installation told to run? Every variable it reads, with its limits, read once and before anything else.

`read` is pure but for the files that a variable names. `ketapath-clinic check` prints what holds, the table in
docs/how-to/run.md is written from VARIABLES, and a value that cannot be used ends the start with one line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from ketapath.errors import BadInput

LOOPBACK = ("127.0.0.1", "localhost", "::1")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What holds. Paths are absolute; `database_url` is empty for an SQLite file in `data_dir`."""

    host: str
    port: int
    data_dir: Path
    database_url: str
    tls_proxy: bool
    proxy_from: str
    tls_cert: Path | None
    tls_key: Path | None
    public_url: str
    workers: int
    idle_minutes: float
    session_hours: float
    demo_ahead: float
    test_mode: bool
    audit_anchor: Path
    read_without_trail: bool
    mail_url: str
    mail_from: str
    log_level: str
    log_requests: bool

    @property
    def is_loopback(self) -> bool:
        """Only this computer can reach it."""
        return self.host in LOOPBACK

    @property
    def is_behind_tls(self) -> bool:
        """Whoever comes from elsewhere comes by TLS: that of a proxy, or our own."""
        return self.tls_proxy or self.tls_cert is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable: what it says, what it is without being set, what it may be, and how it is read."""

    name: str
    words: str
    default: str
    limit: str
    value: Callable[[str], object]
    secret: bool = False


def _one_of(*allowed: str) -> Callable[[str], object]:
    def value(text: str) -> str:
        if text not in allowed:
            raise ValueError
        return text

    return value


def _whole(least: int, most: int) -> Callable[[str], object]:
    def value(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise ValueError
        return int(text)

    return value


def _above_zero(most: float) -> Callable[[str], object]:
    def value(text: str) -> float:
        found = float(text)
        if not 0 < found <= most:
            raise ValueError
        return found

    return value


def _hours(text: str) -> float:
    hours = float(text)
    if not 0 <= hours <= 24:
        raise ValueError
    return hours


def _flag(text: str) -> bool:
    return _one_of("0", "1")(text) == "1"


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.:-]{1,253}", text):
        raise ValueError
    return text


def _database(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/")):
        raise ValueError
    _ = parts.port  # raises ValueError for what is no port
    return text


def _mail(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path.strip("/")):
        raise ValueError
    _ = parts.port
    return text


def _public(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query):
        raise ValueError
    return text.rstrip("/")


def _file(text: str) -> Path | None:
    path = Path(text).resolve() if text else None
    if path is not None and not os.access(path, os.R_OK):
        raise ValueError
    return path


def _folder(text: str) -> Path:
    return Path(text).resolve()


def _perhaps(text: str) -> Path | None:
    return Path(text).resolve() if text else None


VARIABLES = (
    Variable(name="DATA_DIR", words="folder of the database file, the key and what is kept beside them",
             default="var", limit="a folder of its own, on a disk of this computer", value=_folder),
    Variable(name="DATABASE_URL", words="PostgreSQL 15 or newer instead of an SQLite file in DATA_DIR; "
             "DATABASE_URL_FILE names a file that holds it", default="", secret=True,
             limit="it must begin with postgresql:// and name a database", value=_database),
    Variable(name="HOST", words="address to listen on", default="127.0.0.1", limit="an address or a host name",
             value=_host),
    Variable(name="PORT", words="port to listen on", default="8000", limit="a number from 1 to 65535; anything else "
             "is no port", value=_whole(1, 65535)),
    Variable(name="PUBLIC_URL", words="address by which people reach it", default="",
             limit="https://host without a path", value=_public),
    Variable(name="TLS_PROXY", words="1: a proxy in front speaks TLS; whatever it does not mark as https is refused",
             default="0", limit="0 or 1", value=_flag),
    Variable(name="PROXY_FROM", words="addresses or networks of that proxy, whose word on the caller's address counts",
             default="127.0.0.1,::1", limit="addresses or networks with commas between",
             value=lambda text: re.fullmatch(r"[0-9a-fA-F.:/, ]{2,400}", text)[0]),  # type: ignore[index]
    Variable(name="TLS_CERT", words="certificate chain, for TLS 1.2 or newer without a proxy", default="",
             limit="a PEM file that can be read", value=_file),
    Variable(name="TLS_KEY", words="its private key", default="", limit="a PEM file that can be read", value=_file),
    Variable(name="WORKERS", words="server processes of `serve`", default="1", limit="a number from 1 to 16",
             value=_whole(1, 16)),
    Variable(name="IDLE_MINUTES", words="minutes without a request after which a screen locks", default="15",
             limit="a number above 0, 240 at most", value=_above_zero(240)),
    Variable(name="SESSION_HOURS", words="hours after which a sign-in ends, whatever is done", default="12",
             limit="a number above 0, 24 at most", value=_above_zero(24)),
    Variable(name="AUDIT_ANCHOR", words="file outside the database that holds the head of the trail", default="",
             limit="a file that can be written; empty: DATA_DIR/audit-anchor.log", value=_perhaps),
    Variable(name="READ_WITHOUT_TRAIL", words="file: where the disk is full, reading goes on and its trail goes to a "
             "reserve of fixed size in DATA_DIR; no: it stops", default="no", limit="no or file",
             value=lambda text: _one_of("no", "file")(text) == "file"),
    Variable(name="MAIL_URL", words="mail server for messages to the staff that an alert waits, such as "
             "smtps://name:password@mail.example; MAIL_URL_FILE names a file that holds it", default="", secret=True,
             limit="it must begin with smtp:// (TLS is begun, but on this computer) or smtps://", value=_mail),
    Variable(name="MAIL_FROM", words="address that these messages come from", default="",
             limit="an address such as alerts@clinic.example",
             value=lambda text: re.fullmatch(r"([!-?A-~]+@[A-Za-z0-9.-]+)?", text)[0]),  # type: ignore[index]
    Variable(name="LOG_LEVEL", words="from which level on the log has a line", default="WARNING",
             limit=", ".join(LEVELS), value=_one_of(*LEVELS)),
    Variable(name="LOG_REQUESTS", words="1: a line for every request", default="0", limit="0 or 1", value=_flag),
    Variable(name="DEMO_AHEAD", words="hours that a demonstration's clock is ahead", default="0",
             limit="hours from 0 to 24", value=_hours),
    Variable(name="TEST_MODE", words="1: outside test programs may be given tokens; this computer only", default="0",
             limit="0 or 1", value=_flag),
)  # fmt: skip
"""Everything that is read. What else the surroundings hold is not ours to judge."""


def read(surroundings: Mapping[str, str]) -> Environment:
    """What these surroundings say. A variable that is empty counts as not set.

    Raises BadInput for the first value that cannot be used; it names no secret.
    """
    found: dict[str, object] = {}
    for variable in VARIABLES:
        text = surroundings.get(variable.name) or _from_file(variable, surroundings) or variable.default
        try:
            found[variable.name.lower()] = variable.value(text)
        except (ValueError, TypeError) as problem:
            shown = without_secret(text) if variable.secret else text
            raise _wrong(variable.name, shown, variable.limit) from problem
    anchor = found["audit_anchor"] or Path(str(found["data_dir"])) / "audit-anchor.log"
    said = Environment(**{**found, "audit_anchor": anchor})  # type: ignore[arg-type]
    _agree(said)
    return said


@lru_cache(maxsize=1)
def here() -> Environment:
    """What holds in this process; read once."""
    return read(os.environ)


def check_served(said: Environment) -> None:
    """Raises BadInput where people elsewhere could reach it without TLS, or not at all."""
    if said.is_loopback:
        return
    if not said.is_behind_tls:
        raise BadInput(
            field="HOST", found=said.host, limit="it is not this computer alone, and there is no TLS",
            next_step="Put a proxy that speaks TLS in front and set TLS_PROXY=1, or set TLS_CERT and TLS_KEY, "
            "or use HOST=127.0.0.1.",
        )  # fmt: skip
    if not said.public_url:
        raise BadInput(
            field="PUBLIC_URL", found="", limit="it must be set where HOST is not this computer alone",
            next_step="Set it to the address by which people reach it, such as https://clinic.example.",
        )  # fmt: skip


def shown(said: Environment) -> dict[str, str]:
    """What holds, by variable, without secrets."""
    values = {variable.name: getattr(said, variable.name.lower()) for variable in VARIABLES}
    values["DATABASE_URL"] = without_secret(said.database_url) or "SQLite in DATA_DIR"
    values["MAIL_URL"] = without_secret(said.mail_url)
    values["READ_WITHOUT_TRAIL"] = "file" if said.read_without_trail else "no"
    return {
        name: str(int(value)) if isinstance(value, bool) else "" if value is None else str(value)
        for name, value in values.items()
    }


def without_secret(url: str) -> str:
    """An address with its password, and whatever else may be one, left out."""
    try:
        parts = urlsplit(url)
        place = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "(not an address)"
    if not parts.scheme:
        return "(not shown)" if url else ""
    user = f"{parts.username}:***@" if parts.username else ""
    return urlunsplit((parts.scheme, user + place, parts.path, "", ""))


def _agree(said: Environment) -> None:
    """What two variables say together."""
    if (said.tls_cert is None) != (said.tls_key is None):
        missing = "TLS_KEY" if said.tls_key is None else "TLS_CERT"
        raise _wrong(missing, "", "it must be set where the other of TLS_CERT and TLS_KEY is")
    if said.tls_proxy and said.tls_cert is not None:
        raise _wrong("TLS_PROXY", "1", "it must be 0 where TLS_CERT is set: either the proxy speaks TLS or the clinic")
    if said.is_behind_tls and said.public_url.startswith("http:"):
        raise _wrong("PUBLIC_URL", said.public_url, "behind TLS it must begin with https://")
    if bool(said.mail_url) != bool(said.mail_from):
        missing = "MAIL_FROM" if said.mail_url else "MAIL_URL"
        raise _wrong(missing, "", "it must be set where the other of MAIL_URL and MAIL_FROM is")
    if said.test_mode and not said.is_loopback:
        raise _wrong("TEST_MODE", "1", "it must be 0 where HOST is not this computer alone")


def _from_file(variable: Variable, surroundings: Mapping[str, str]) -> str:
    """A secret may stand in a file, which container tools mount; only secrets are looked up so."""
    name = surroundings.get(f"{variable.name}_FILE", "") if variable.secret else ""
    if not name:
        return ""
    try:
        return Path(name).read_text().strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise _wrong(f"{variable.name}_FILE", name, "a file that can be read") from problem


def _wrong(name: str, found: str, limit: str) -> BadInput:
    return BadInput(field=name, found=found, limit=limit, next_step="Set it anew and start again.")
