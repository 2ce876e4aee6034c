"""Two practices with one account each, on whatever database DATABASE_URL names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clinic.access.models import Account, Role
from clinic.record.models import Practice


def practice_with(role: Role = Role.PRESCRIBER) -> Account:
    """A new practice, by its one account."""
    number = Practice.objects.count()
    practice = Practice.objects.create(slug=f"practice-{number}", name=f"Practice {number}", zone="Europe/Berlin")
    return Account.objects.create(username=f"user-{number}", name=f"User {number}", role=role, practice=practice)


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A database that keeps what is committed, for threads to see; the trail lets nobody empty it afterwards."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def here(db: None) -> Account:
    return practice_with()


@pytest.fixture
def elsewhere(db: None) -> Account:
    return practice_with()


@pytest.fixture
def anchor(settings: Any, tmp_path: Path) -> Path:
    """An anchor of this test's own."""
    settings.AUDIT_ANCHOR = tmp_path / "anchor.log"
    return tmp_path / "anchor.log"
