"""How well does the checker find claims in texts that it was not made from? `make claims` prints the table.

Reads every file of tests/claims/fixtures. Recall: share of labelled claims found, same claim, overlapping words.
False alarms: share of texts without a claim in which something is found. Besides: findings in texts with claims that
no label covers, and how often the omissions agree.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ketapath.domain.education import ClaimsReport
from ketapath.education import check_claims, visible_text
from ketapath.knowledge import load

FIXTURES = Path(__file__).parents[1] / "tests" / "claims" / "fixtures"
KNOWLEDGE = load()


@dataclass
class Tally:
    """What was counted over one file."""

    labelled: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    negatives: int = 0
    alarms: int = 0
    findings: int = 0
    uncovered: Counter[str] = field(default_factory=Counter)
    alarms_by_claim: Counter[str] = field(default_factory=Counter)
    omissions: int = 0
    omissions_agree: int = 0
    misses: list[str] = field(default_factory=list)


def fixtures(folder: Path = FIXTURES) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """Each file of fixtures by name."""
    for file in sorted(folder.glob("*.yaml")):
        yield file.stem, yaml.safe_load(file.read_text(encoding="utf-8"))


def labelled_place(item: Mapping[str, Any], quote: str) -> tuple[int, int] | None:
    """Where a label's quote stands in the text as a reader sees it, whatever its white space."""
    seen = " ".join(visible_text(item["text"], item["form"]).split()).casefold()
    wanted = " ".join(visible_text(quote, "text").split()).casefold()
    at = seen.find(wanted)
    return None if at < 0 else (at, at + len(wanted))


def overlaps(item: Mapping[str, Any], label: Mapping[str, str], quote: str) -> bool:
    """Whether a finding's quote and a label's quote share words at the same place."""
    wanted = labelled_place(item, label["quote"])
    if wanted is None:
        return False
    seen = " ".join(visible_text(item["text"], item["form"]).split()).casefold()
    found = " ".join(quote.split()).casefold()
    at = seen.find(found)
    while at >= 0:
        if at < wanted[1] and wanted[0] < at + len(found):
            return True
        at = seen.find(found, at + 1)
    return False


def count(items: list[Mapping[str, Any]]) -> Tally:
    """Check every text of a file and compare with its labels."""
    tally = Tally()
    for item in items:
        report = check_claims(item["text"], KNOWLEDGE, form=item["form"])
        if item["kind"] == "negative":
            tally.negatives += 1
            tally.alarms += bool(report.claims)
            tally.alarms_by_claim.update({c.claim for c in report.claims})
            tally.misses += [f"{item['id']}: false alarm {c.claim} {c.at.quote!r}" for c in report.claims]
        else:
            _positive(item, report, tally)
        wanted = set(item.get("omits") or ())
        tally.omissions += 1
        tally.omissions_agree += wanted == {o.left_out for o in report.omissions}
    return tally


def _positive(item: Mapping[str, Any], report: ClaimsReport, tally: Tally) -> None:
    for label in item["claims"]:
        tally.labelled[label["claim"]] += 1
        if any(c.claim == label["claim"] and overlaps(item, label, c.at.quote) for c in report.claims):
            tally.found[label["claim"]] += 1
        else:
            others = [c.claim for c in report.claims if overlaps(item, label, c.at.quote)]
            tally.misses.append(f"{item['id']}: missed {label['claim']} {label['quote']!r} (there: {others})")
    for claim in report.claims:
        tally.findings += 1
        if not any(x["claim"] == claim.claim and overlaps(item, x, claim.at.quote) for x in item["claims"]):
            tally.uncovered[claim.claim] += 1
            tally.misses.append(f"{item['id']}: no label for {claim.claim} {claim.at.quote!r}")


def main() -> None:
    """Print one table a file; with `--misses` also every text that disagrees."""
    for name, items in fixtures():
        tally = count(items)
        covered = tally.findings - sum(tally.uncovered.values())
        print(f"\n{name}: {len(items)} texts")
        _share("recall", sum(tally.found.values()), sum(tally.labelled.values()), "labelled claims")
        _share("false alarms", tally.alarms, tally.negatives, "texts without a claim")
        _share("precision", covered, tally.findings, "findings in texts with claims")
        _share("omissions", tally.omissions_agree, tally.omissions, "texts agree")
        for claim in sorted({*tally.labelled, *tally.uncovered, *tally.alarms_by_claim}):
            print(
                f"  {claim}  found {tally.found[claim]:2} of {tally.labelled[claim]:2}"
                f"   without label {tally.uncovered[claim]:2}   false alarms {tally.alarms_by_claim[claim]:2}"
            )
        if "--misses" in sys.argv:
            print("\n".join(f"    {miss}" for miss in tally.misses))


def _share(name: str, part: int, whole: int, of: str) -> None:
    print(f"  {name:13} {part / max(1, whole):6.1%}  ({part} of {whole} {of})")


if __name__ == "__main__":
    main()
