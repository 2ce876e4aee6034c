"""The words a record may use, compiled once: profile paths, code tables, instruments, answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ketapath.fhir.concepts import ConceptTable, MedicineTable, concept_table, medicine_table
from ketapath.knowledge import Knowledge, PathSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Everything that reading a record needs of knowledge."""

    paths: Mapping[str, PathSpec]
    conditions: ConceptTable
    observations: ConceptTable
    medicines: MedicineTable
    answers: Mapping[str, Any]
    yes_no: Mapping[str, bool]
    coded_answers: Mapping[str, Mapping[str, Any]]
    instruments: Mapping[str, Mapping[str, Any]]
    answered: Mapping[str, tuple[tuple[str, int | None], ...]]
    """What the name of an item or total belongs to: instrument and position of the item, None for the total. A name is
    a LOINC code, the id of an item, a profile path, or the concept of a total."""
    by_source: Mapping[tuple[str, str], tuple[PathSpec, ...]]

    def paths_from(self, kind: str, concept: str) -> tuple[PathSpec, ...]:
        """The paths that a resource of this kind and concept fills."""
        return self.by_source.get((kind, concept), ())

    def is_total(self, path: str) -> bool:
        """Whether the path is the total of an instrument, which questionnaires.py reads with its items."""
        return any(path == instrument["path"] for instrument in self.instruments.values())

    def paths_of_kind(self, kind: str) -> Iterator[PathSpec]:
        """The paths that this kind of resource can fill."""
        return (spec for spec in self.paths.values() if kind in spec.comes_from)


def vocabulary(knowledge: Knowledge) -> Vocabulary:
    """The reading vocabulary of this knowledge."""
    by_source: dict[tuple[str, str], list[PathSpec]] = {}
    for spec in knowledge.paths.values():
        for kind in ("condition", "observation", "procedure", "allergy", "family"):
            for concept in spec.comes_from.get(kind, ()):
                by_source.setdefault((kind, concept), []).append(spec)
    records = knowledge.codes["observations"]
    return Vocabulary(
        paths=knowledge.paths,
        conditions=concept_table(knowledge.codes["conditions"]),
        observations=concept_table(records),
        medicines=medicine_table(knowledge.codes["medicines"]),
        answers=knowledge.codes["answers"],
        yes_no={
            str(said).lower(): word == "yes"
            for word in ("no", "yes")
            for said in knowledge.codes["answers"]["yes_no"][word]
        },
        coded_answers={
            r["concept"]: {str(a["code"]).lower(): a["value"] for a in r["answers"]}
            for r in records
            if r.get("answers")
        },
        instruments=knowledge.instruments,
        answered=_answered(knowledge),
        by_source={k: tuple(v) for k, v in by_source.items()},
    )


def _answered(knowledge: Knowledge) -> dict[str, tuple[tuple[str, int | None], ...]]:
    """The PHQ-9 codes are not in numerical order; an instrument whose items may not be shipped has its total alone."""
    found: dict[str, list[tuple[str, int | None]]] = {}
    for name, instrument in knowledge.instruments.items():
        for position, item in enumerate(instrument.get("items", ())):
            for key in {str(item["id"]), str(item.get("loinc") or item["id"])}:
                found.setdefault(key, []).append((name, position))
        path = instrument["path"]
        total = {path, str(instrument["loinc"].get("total") or path)}
        for key in total.union(knowledge.paths[path].comes_from.get("observation", ())):
            found.setdefault(key, []).append((name, None))
    return {key: tuple(sorted(belongs, key=str)) for key, belongs in found.items()}
