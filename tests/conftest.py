"""Prints how long each folder of tests took, before pytest's own last line; makes passwords cheap and the demonstration
once for all workers."""

from __future__ import annotations

import gc
import os
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from tests.daytime import hours_ahead
from tests.demonstration import made_once
from tests.passwords import be_cheap

BYTECODE = Path(__file__).parents[1] / ".pytest_cache" / "bytecode"
sys.dont_write_bytecode, sys.pycache_prefix = False, str(BYTECODE)
os.environ |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(BYTECODE)}
"""Some hundred processes are started by the tests; each source file is compiled for the first of them alone, also where
the surroundings wish that nothing is left beside the sources."""

BUDGETS_S = {"core": 180, "clinic": 180, "store": 120, "browser": 240}
"""What `make test` may take on two cores, in seconds of the clock; every other folder is the core."""

SELDOM = (100_000, 20, 20)
"""After how many new objects memory is looked through, and how often in full: a test process holds the knowledge and
some thousand tests from its start to its end, and looking through them again and again took a twelfth of its time."""


def pytest_configure() -> None:
    """One hour of the day for all processes of this run, so that no clock goes backwards between them."""
    gc.set_threshold(*SELDOM)
    be_cheap()
    os.environ.setdefault("TEST_HOURS_AHEAD", str(hours_ahead()))


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration clinic with its twelve people as an SQLite file, to be copied."""
    return made_once(_folder(tmp_path_factory))


@pytest.fixture(scope="session")
def whole_demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the whole day in eight rooms."""
    return made_once(_folder(tmp_path_factory), "whole")


def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line: seconds of test time by folder, and what two workers need of the budget for each part."""
    spent: dict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                spent[report.nodeid.split("/")[1] if "/" in report.nodeid else "other"] += report.duration
    if spent:
        folders = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in sorted(spent.items()))
        workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT") or terminalreporter.config.getoption("-n", 0) or 1)
        parts: dict[str, float] = defaultdict(float)
        for name, seconds in spent.items():
            parts[name if name in BUDGETS_S else "core"] += seconds / workers
        budgets = ", ".join(f"{name} {parts[name]:.0f} of {BUDGETS_S[name]} s" for name in BUDGETS_S if name in parts)
        terminalreporter.write_line(f"test time by folder: {folders}")
        terminalreporter.write_line(f"budgets on {workers} workers: {budgets}")
