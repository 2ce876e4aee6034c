"""The demonstration clinic, loaded once; each test works on it in a transaction of its own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from tests.daytime import hours_ahead
from tests.demonstration import copied
from tests.proofs import give_secret

from clinic import clock
from clinic.access.models import Account, Stay
from clinic.demo.load import load_demo


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any, request: pytest.FixtureRequest) -> None:
    """The test database with the demonstration in it, by day."""
    clock.be_ahead(timedelta(hours=hours_ahead()))
    with django_db_blocker.unblock():
        if connection.vendor == "sqlite":
            connection.ensure_connection()
            copied(request.getfixturevalue("demonstration"), connection.connection)
        else:
            load_demo(with_day=False)


@pytest.fixture(scope="module")
def whole(django_db_setup: None, django_db_blocker: Any, request: pytest.FixtureRequest) -> Iterator[None]:
    """The whole day in eight rooms for the tests of one file; the small house again for whoever comes after them."""
    if connection.vendor != "sqlite":
        pytest.skip("the whole day is copied as a file")
    whole, small = (request.getfixturevalue(name) for name in ("whole_demonstration", "demonstration"))
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "yes"  # a browser may have left its loop in this process
    with django_db_blocker.unblock():
        connection.ensure_connection()
        copied(whole, connection.connection)
    yield
    with django_db_blocker.unblock():
        connection.ensure_connection()
        copied(small, connection.connection)
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def account(db: None) -> Callable[[str], Account]:
    return lambda username: Account.objects.get(username=username)


@pytest.fixture
def browser_of(db: None, settings: Any, account: Callable[[str], Account], tmp_path: Path) -> Callable[..., Client]:
    """A signed-in client without a browser; with `signs` it is of somebody who has a secret to sign with."""
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}

    def signed_in(username: str, *, signs: bool = False) -> Client:
        if signs:
            give_secret(account(username))
        client = Client(headers={"host": "127.0.0.1"})
        client.force_login(account(username))
        Stay.objects.filter(account__username=username).update(second_factor_at=clock.wall())
        return client

    return signed_in


@pytest.fixture
def phone(monkeypatch: pytest.MonkeyPatch) -> Phone:
    """A telephone with an app that shows codes, and the time of the wall."""
    return Phone(monkeypatch)


@dataclass
class Phone:
    """Its clock is that of the machine, which a test may move."""

    monkeypatch: pytest.MonkeyPatch
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __post_init__(self) -> None:
        self.monkeypatch.setattr(clock, "wall", lambda: self.now)

    def wait(self, **amount: float) -> None:
        """Let the machine's clock go on by so much."""
        self.now += timedelta(**amount)

    def shows(self, key: str) -> str:
        """The code of this key now, counted by the standard library alone. source: RFC 6238 and RFC 4226, 5.3."""
        step = struct.pack(">Q", int(self.now.timestamp()) // 30)
        digest = hmac.new(base64.b32decode(key), step, hashlib.sha1).digest()
        at = digest[-1] & 15
        return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"
