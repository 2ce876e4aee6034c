"""Prints how long each folder of tests took, before pytest's own last line."""

from __future__ import annotations

from collections import defaultdict

import pytest

BUDGET_S = {"core": 180.0}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line: seconds of test time by folder, and the budget of the core."""
    spent: dict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                spent[report.nodeid.split("/")[1] if "/" in report.nodeid else "other"] += report.duration
    if spent:
        folders = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in sorted(spent.items()))
        terminalreporter.write_line(f"test time by folder: {folders}; budget of the core {BUDGET_S['core']:.0f} s")
