"""How it is put on a machine: small rights, no secrets, everything inside named and locked."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from clinic.environment import VARIABLES, read

ROOT = Path(__file__).parents[2]
CONTAINER = (ROOT / "Containerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
HARDENED = (
    "NoNewPrivileges", "PrivateTmp", "PrivateDevices", "MemoryDenyWriteExecute", "ProtectKernelModules",
    "RestrictNamespaces", "LockPersonality",
)  # fmt: skip


def locked(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", (ROOT / name).read_text(), re.MULTILINE))


@pytest.mark.requirement(58)
def test_the_list_of_what_is_inside_names_every_locked_package_with_its_version(tmp_path: Path) -> None:
    target = re.search(r"^sbom:.*?\n(.*?)\n\n", (ROOT / "Makefile").read_text(), re.MULTILINE | re.DOTALL)
    assert target
    assert "cyclonedx-py requirements requirements.lock" in target[1]
    command = Path(sys.executable).with_name("cyclonedx-py")
    file = tmp_path / "sbom.json"
    subprocess.run(
        [command, "requirements", "requirements.lock", "--output-reproducible", "--of", "JSON", "-o", file], cwd=ROOT,
        check=True, capture_output=True,
    )  # fmt: skip
    listed = {part["name"]: part["version"] for part in json.loads(file.read_text())["components"]}
    assert listed == locked("requirements.lock")


@pytest.mark.requirement(58)
def test_what_the_image_installs_is_a_part_of_the_lock_by_hash_and_holds_no_tools() -> None:
    image, everything = locked("requirements-clinic.lock"), locked("requirements.lock")
    assert image.items() <= everything.items()
    assert not {"pytest", "ruff", "mypy", "playwright", "uv", "hatchling"} & set(image)
    text = (ROOT / "requirements-clinic.lock").read_text()
    pinned = re.findall(r"^[a-z0-9._-]+==", text, re.MULTILINE)
    assert len(pinned) == len(re.findall(r"^[a-z0-9].*\\\n    --hash=sha256:", text, re.MULTILINE)) == len(image)
    assert CONTAINER.count("--require-hashes") == 2


@pytest.mark.requirement(59, 34)
def test_the_image_runs_as_nobody_in_particular_and_takes_no_history_and_no_secret() -> None:
    final = CONTAINER.rpartition("FROM ")[2]
    assert re.search(r"^USER [1-9][0-9]+$", final, re.MULTILINE)
    assert "HEALTHCHECK" in final
    assert "COPY . " not in CONTAINER
    assert (ROOT / ".containerignore").read_text() == (ROOT / ".dockerignore").read_text()
    kept = [line[1:] for line in (ROOT / ".containerignore").read_text().splitlines() if line.startswith("!")]
    assert (ROOT / ".containerignore").read_text().splitlines()[1] == "*"
    assert all((ROOT / name).exists() for name in kept)
    assert ".git" not in kept


@pytest.mark.requirement(59, 33, 34)
def test_the_composition_gives_each_part_as_little_as_it_needs() -> None:
    clinic = COMPOSE["services"]["clinic"]
    assert clinic["read_only"] is True
    assert clinic["cap_drop"] == ["ALL"]
    assert "ports" not in clinic, "only the proxy is reached from outside"
    assert "ports" not in COMPOSE["services"]["database"]
    assert COMPOSE["networks"]["inside"]["internal"] is True
    given = {n: v for part in COMPOSE["services"].values() for n, v in part.get("environment", {}).items()}
    secret = {n: v for n, v in given.items() if "PASSWORD" in n or "DATABASE_URL" in n}
    assert len(secret) == 2
    assert all(name.endswith("_FILE") and value.startswith("/run/secrets/") for name, value in secret.items())
    names = {variable.name for variable in VARIABLES}
    assert {name.removesuffix("_FILE") for name in clinic["environment"]} <= names


def test_the_image_starts_with_settings_that_are_allowed() -> None:
    said = dict(re.findall(r"([A-Z_]+)=(\S+)", CONTAINER.rpartition("ENV ")[2].partition("VOLUME")[0]))
    assert read({**said, "PUBLIC_URL": "https://clinic.example"}).is_behind_tls


@pytest.mark.requirement(59)
def test_the_service_is_hardened() -> None:
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    parser.read(ROOT / "deploy" / "ketapath.service")
    service = parser["Service"]
    assert all(service[name] == "yes" for name in HARDENED)
    assert service["ProtectSystem"] == "strict"
    assert service["User"] != "root"
    assert service["CapabilityBoundingSet"] == ""


@pytest.mark.requirement(59, 5)
def test_nothing_of_the_inside_is_switched_on() -> None:
    assert settings.DEBUG is False
    assert not {"django.contrib.admin", "django.contrib.admindocs", "debug_toolbar"} & set(settings.INSTALLED_APPS)
    assert settings.PASSWORD_HASHERS[0].endswith("Argon2PasswordHasher")


@pytest.mark.requirement(35)
def test_no_room_of_the_clinic_but_the_demonstration_draws_numbers_that_could_be_guessed() -> None:
    shell = ROOT / "src" / "clinic"
    drawing = re.compile(r"^\s*(?:import|from) random\b|\buuid[13567]\b", re.MULTILINE)  # uuid4 asks the system
    files = [path for path in shell.rglob("*.py") if "demo" not in path.relative_to(shell).parts]
    assert len(files) > 40
    assert [path.name for path in files if drawing.search(path.read_text())] == []
    assert any("import secrets" in path.read_text() for path in files)


@pytest.mark.requirement(60)
@pytest.mark.parametrize(
    "said",
    ["Report privately", "within 3 working days", "90 days", "critical", "CVE", "before it is published",
     "test that fails without it", "Encryption at rest", "could not be asked"],
)  # fmt: skip
def test_the_policy_says_what_a_reporter_and_a_clinic_may_expect(said: str) -> None:
    assert said in " ".join((ROOT / "SECURITY.md").read_text().split())
