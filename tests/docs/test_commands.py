"""The commands that the documents show do what they say."""

from __future__ import annotations

import doctest
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from clinic.access.permission import matrix

ROOT = Path(__file__).parents[2]


def _shown(page: str) -> list[str]:
    """The commands that a page shows, without the name of the program."""
    return re.findall(r"^    \.venv/bin/ketapath (.+)$", (ROOT / page).read_text(), re.MULTILINE)


SHOWN = _shown("README.md")
WITH_EXAMPLES = [
    p for p in sorted((ROOT / "src" / "ketapath").rglob("*.py")) if ">>>" in p.read_text() and p.name != "__main__.py"
]


@pytest.mark.parametrize("command", _shown("docs/how-to/trial.md"))
def test_a_command_of_the_page_on_trials_runs(command: str, tmp_path: Path) -> None:
    elsewhere = re.sub(r"(--preregister|--html) ", rf"\1 {tmp_path}/", command)
    done = subprocess.run(
        [sys.executable, "-m", "ketapath", *elsewhere.split()], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert b"Monte-Carlo" in done.stdout
    assert (elsewhere != command) == bool(list(tmp_path.iterdir()))


@pytest.mark.parametrize("command", SHOWN)
def test_a_command_of_the_readme_runs(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ketapath", *command.split()], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert done.stdout


def test_the_published_matrix_of_roles_is_the_one_in_force() -> None:
    published = (ROOT / "docs" / "reference" / "roles.md").read_text()
    assert "\n".join(matrix()) in published, "make reference"


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda p: p.stem)
def test_the_examples_in_docstrings_hold(path: Path) -> None:
    name = ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted
    assert not found.failed
