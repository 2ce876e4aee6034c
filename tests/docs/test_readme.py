"""The README's figures are those that the commands and pages behind them give."""

from __future__ import annotations

import re
from pathlib import Path

from ketapath.knowledge import load
from ketapath.pharmacology.validation import validate_pk

ROOT = Path(__file__).parents[2]
README = " ".join((ROOT / "README.md").read_text().split())
REFERENCE = ROOT / "docs" / "reference"


def test_the_pass_rate_of_levels_is_that_of_the_independent_rows_alone() -> None:
    rows = validate_pk(load()).validation
    within = sum(row.passed for row in rows)
    twofold = sum(row.twofold for row in rows)
    said = f"Of {len(rows)} independent measurements the typical level lies within two thirds to one and a half"
    assert f"{said} of {within}, within half to twice of {twofold}" in README


def test_the_pass_rate_of_effects_is_that_of_the_independent_rows_alone() -> None:
    met, of = re.findall(r"Independent rows: (\d+) of (\d+) met", (REFERENCE / "effects-validation.md").read_text())[0]
    assert f"It meets {met} of {of} independent observations" in README


def test_where_the_response_model_falls_short_is_said_with_the_figures_of_its_page() -> None:
    page = (REFERENCE / "response-validation.md").read_text()
    missed = dict(re.findall(r"^\| (.+) \| \*\*no\*\* \| ([^|]+) \|$", page, re.MULTILINE))
    error = missed["contrast RMSE at most 3 points"].split(";")[0]
    held = missed["80 % intervals hold 70% to 90%"].removesuffix("%")
    assert f"off by {error} MADRS points (root mean square; the aim was 3)" in README
    assert f"their 80 % intervals hold {held} % (the aim was 70 to 90)" in README
    assert f"mean of the other trials, {missed['relapse better than the mean of the other studies']}" in README


def test_the_table_of_times_is_taken_from_its_page() -> None:
    table = (ROOT / "README.md").read_text().split("<!-- written by make bench -->")[1].split("<!-- end -->")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][2:]
    page = (REFERENCE / "solver-times.md").read_text().splitlines()
    assert len(rows) == 13
    assert all(row in page for row in rows)
