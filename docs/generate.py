"""Writes docs/reference/ from the knowledge (schemas, map of the evidence, numbers, fit) and the walk of one person.

`make reference` and `make schema` call it; a test holds what is written to what would be written. Without an
argument everything is written, else what has this word in its name: `python -m docs.generate schema`.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from docs.walk import walk_page

from clinic.environment import VARIABLES
from ketapath.domain.evidence import Grade, Trust
from ketapath.knowledge import FOLDER, Knowledge, Rule, documents, load
from ketapath.knowledge.cases import cases_by_subject
from ketapath.knowledge.json_schema import FILES, KINDS, schema
from ketapath.knowledge.records import Record, records
from ketapath.pharmacology import drivers_of_validation
from ketapath.pharmacology.effects_validation import validate
from ketapath.pharmacology.validation import validate_pk
from ketapath.report import (
    effects_validation_page,
    fit_page,
    fit_picture,
    response_validation_page,
    validation_page,
    validation_picture,
)
from ketapath.response import validate_response
from ketapath.response.prior import population
from ketapath.response.validation import TABLES

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
IDS = REFERENCE / "pack-ids.txt"
EDITOR = ROOT / ".vscode" / "settings.json"
GRADES: tuple[str, ...] = Grade.__args__  # type: ignore[attr-defined]
TRUSTS: tuple[str, ...] = Trust.__args__  # type: ignore[attr-defined]
NOT_TAKEN: Mapping[str, str] = {
    "CLM-": "not in this version: marketing claims need patterns and a reader of their own, not a rule",
}
"""Why an id of the pack has no record, by the id or by how it begins. Only read where there is none."""


def generated() -> dict[Path, str]:
    """Everything that is generated, by the file it belongs in."""
    knowledge = load()
    found = list(records(documents()))
    files = {REFERENCE / "schema" / f"{kind}.json": _json(schema(kind)) for kind in KINDS}
    files[EDITOR] = _json(editor_settings())
    files[REFERENCE / "evidence-map.md"] = _page(evidence_map(found, knowledge))
    files[REFERENCE / "pk-validation.md"] = _page(validation_page(validate_pk(knowledge)))
    figures = knowledge.effects["acute"]
    drivers = drivers_of_validation(knowledge.drugs, figures, draws=2000, seed=0)
    rows = validate(drivers, figures, knowledge.effects["observed"], seed=0)
    files[REFERENCE / "effects-validation.md"] = _page(effects_validation_page(rows))
    draws = population(knowledge.response)
    seen = validate_response(draws, knowledge.response)
    files[REFERENCE / "response-validation.md"] = _page(response_validation_page(seen))
    for table in TABLES:
        files[REFERENCE / f"response-{table}.svg"] = validation_picture(seen, table)
    files[REFERENCE / "response-fit.md"] = _page(fit_page(draws, knowledge.response))
    files[REFERENCE / "response-fit.svg"] = fit_picture(draws, knowledge.response)
    files[ROOT / "docs" / "how-to" / "follow-one-person.md"] = _page(walk_page())
    files[REFERENCE / "knowledge-numbers.md"] = _page(numbers(found, knowledge))
    files[REFERENCE / "settings.md"] = _page(settings_page())
    return files


def settings_page() -> list[str]:
    """Every variable that the clinic reads, as its code has it."""
    rows = [f"| `{v.name}` | {v.words} | {f'`{v.default}`' if v.default else ''} | {v.limit} |" for v in VARIABLES]
    return [
        "# Settings of the clinic", "",
        "Written by `make reference` from `src/clinic/environment.py`. A variable that is empty counts as not set; a",
        "value that cannot be used ends the start with one line and exit code 3. `ketapath-clinic check` prints what",
        "holds.", "",
        "| variable | what it says | unless set | allowed |", "| --- | --- | --- | --- |", *rows,
    ]  # fmt: skip


def pack_ids() -> dict[str, list[str]]:
    """The ids of the evidence pack under `rules`, `claims` and `sources`."""
    found: dict[str, list[str]] = {}
    for line in IDS.read_text().splitlines():
        if line.startswith("# "):
            found[line.removeprefix("# ")] = []
        elif line:
            found[list(found)[-1]].append(line)
    return found


def editor_settings() -> dict[str, object]:
    """Which schema VS Code's YAML extension uses for which file."""
    folder = FOLDER.relative_to(ROOT).as_posix()
    schemas = {
        f"./docs/reference/schema/{kind}.json": [f"{folder}/{pattern}" for pattern in patterns]
        for kind, patterns in FILES.items()
    }
    return {"yaml.schemas": schemas}


def evidence_map(found: Iterable[Record], knowledge: Knowledge) -> Iterator[str]:
    """For each id of the evidence pack the file that it went into, or why it went into none."""
    ids = pack_ids()
    by_id = {record.id: record for record in found if record.kind not in ("path", "text", "code")}
    yield from (
        "# Where each piece of the evidence went",
        "",
        "Written by `make reference` from the knowledge files and `pack-ids.txt`; a test holds them together.",
        "The evidence pack is the collection of findings, claims and sources that the knowledge was written from.",
        "It is not part of this repository; its ids are. Files are those under `src/ketapath/knowledge/`.",
    )
    titles: Mapping[str, Callable[[Record], str]] = {
        "rules": lambda r: f"{r.body['stage']} | {r.body['title']}",
        "claims": lambda r: f"{r.body.get('verdict', '')} | {r.body.get('title', '')}",
    }
    for part, columns in titles.items():
        yield from ("", f"## {part.capitalize()}: {len(ids[part])}", "")
        yield f"| id | file, or why there is none | {'asked at' if part == 'rules' else 'verdict'} | title |"
        yield "| --- | --- | --- | --- |"
        for name in ids[part]:
            record = by_id.get(name)
            yield (
                f"| {name} | {_why_not(name)} |  |  |"
                if record is None
                else f"| {name} | `{record.file}` | {columns(record)} |"
            )
    yield from ("", f"## Sources: {len(ids['sources'])}", "")
    yield from _sources(ids["sources"], by_id, knowledge)
    yield from ("", "## Beside the pack", "")
    own = [r.id for r in found if r.kind == "rule" and r.id not in ids["rules"]]
    yield f"Rules of our own, or a second limit of one of the pack ({len(own)}): {', '.join(own)}."
    yield ""
    more = [key for key in knowledge.sources if key not in ids["sources"]]
    yield f"Sources that were read beside it ({len(more)}): {', '.join(more)}."


def _sources(keys: Iterable[str], by_id: Mapping[str, Record], knowledge: Knowledge) -> Iterator[str]:
    yield "| key | file | how far it was read | on | retracted |"
    yield "| --- | --- | --- | --- | --- |"
    for key in keys:
        source = knowledge.sources.get(key)
        if source is None:
            yield f"| {key} | {_why_not(key)} |  |  |  |"
        else:
            gone = "yes" if source.retracted else "no"
            yield f"| {key} | `{by_id[key].file}` | {source.read} | {source.read_on} | {gone} |"


def _why_not(name: str) -> str:
    return next(why for begins, why in NOT_TAKEN.items() if name.startswith(begins))


def _texts(case: Mapping[str, Any]) -> int:
    """The texts of a claim's case, each of which is tried; none in a case of facts."""
    return len(case.get("found", ())) + len(case.get("not_found", ()))


def numbers(found: Iterable[Record], knowledge: Knowledge) -> Iterator[str]:
    """How many rules there are, by what; counted, never typed."""
    rules = list(knowledge.rules.values())
    kinds = Counter(record.kind for record in found)
    cases = [case for of_one in cases_by_subject().values() for case in of_one]
    counted = {
        "rules": len(rules),
        "worked cases, each run by `make knowledge`": sum(_texts(case) or 1 for case in cases),
        "profile paths": len(knowledge.paths),
        "sources": len(knowledge.sources),
        "records of legal status": kinds["status"],
        "drug models": len(knowledge.drugs),
        "medicines, foods and classes that change the level": len(knowledge.perpetrators),
        "markers' cards": len(knowledge.biomarkers),
        "claims": len(knowledge.claims),
        "protocols": len(knowledge.protocols),
        "scales whose totals are read": len(knowledge.instruments),
        "questionnaires that can be scored item by item": sum("items" in i for i in knowledge.instruments.values()),
    }
    yield from (
        "# The knowledge in numbers",
        "",
        "Written by `make reference` from the knowledge files; a test holds the two together.",
        "How long it takes stands in [knowledge-times.md](knowledge-times.md).",
        "",
        "| what | how many |",
        "| --- | --- |",
        *(f"| {what} | {count} |" for what, count in counted.items()),
    )
    shelves = (
        ("section", "Rules by section and grade", lambda r: r.section, lambda r: r.ref.grade, GRADES),
        ("stage", "Rules by stage and by how far their source was read", lambda r: r.stage, lambda r: r.trust, TRUSTS),
    )
    for head, title, row, column, names in shelves:
        yield from ("", f"## {title}", "")
        yield from _table(rules, head, row, column, names)
    yield from ("", "## Sources by how far they were read", "", "| read | sources |", "| --- | --- |")
    for read, count in Counter(source.read for source in knowledge.sources.values()).most_common():
        yield f"| {read} | {count} |"


def _table(
    rules: list[Rule],
    head: str,
    row: Callable[[Rule], str],
    column: Callable[[Rule], str],
    names: tuple[str, ...],
) -> Iterator[str]:
    """Rules counted by row and column, with those that need the medical lead's approval at the end."""
    yield f"| {head} | {' | '.join(names)} | all | need approval |"
    yield "| --- |" + " --- |" * (len(names) + 2)
    for word in [*dict.fromkeys(row(rule) for rule in rules), "all"]:
        mine = [rule for rule in rules if word in ("all", row(rule))]
        by = Counter(column(rule) for rule in mine)
        need = sum(rule.ref.needs_approval for rule in mine)
        yield f"| {word} | {' | '.join(str(by[name] or '') for name in names)} | {len(mine)} | {need or ''} |"


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _page(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write what is asked for."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    for path, text in generated().items():
        name = path.relative_to(ROOT).as_posix()
        if wanted in name or (wanted == "schema" and path == EDITOR):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(name)


if __name__ == "__main__":
    main()
