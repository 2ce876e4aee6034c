"""The demonstration clinic, loaded once; each test works on it in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from tests.daytime import hours_ahead
from tests.proofs import give_secret

from clinic import clock
from clinic.access.models import Account
from clinic.demo.load import load_demo


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """The test database with the demonstration in it, by day."""
    clock.be_ahead(timedelta(hours=hours_ahead()))
    with django_db_blocker.unblock():
        load_demo()


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
        return client

    return signed_in
