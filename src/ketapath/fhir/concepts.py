"""Which ketapath concept does a code or a name mean? One table for SNOMED CT, LOINC, RxNorm, ICD-10, ATC and UNII.

Codes are matched exactly, ICD-10 categories by prefix. A concept stated in words only is matched by the whole
normalised phrase, never by a fragment: "no evidence of aneurysm" must not read as aneurysm.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ketapath.fhir.elements import Coding, codings, words

_ICD10_LONGEST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptTable:
    """Lookup from codes, ICD-10 prefixes and whole phrases to concept names."""

    exact: Mapping[tuple[str, str], tuple[str, ...]]
    prefix: Mapping[str, tuple[str, ...]]
    terms: Mapping[str, tuple[str, ...]]
    unverified: frozenset[tuple[str, str]]

    def of(self, holder: Any, field: str) -> tuple[str, ...]:
        """The concepts that this CodeableConcept states; words count only where no known system gives a code."""
        coded = [c for c in codings(holder, field) if c.system is not None]
        found = [concept for coding in coded for concept in self._of_coding(coding)]
        if not coded:
            found = [concept for phrase in words(holder, field) for concept in self.terms.get(normalised(phrase), ())]
        return tuple(dict.fromkeys(found))

    def _of_coding(self, coding: Coding) -> Iterator[str]:
        assert coding.system is not None
        yield from self.exact.get((coding.system, coding.code), ())
        if coding.system == "icd10":
            bare = coding.code.replace(".", "").upper()[:_ICD10_LONGEST]
            for length in range(1, len(bare) + 1):
                yield from self.prefix.get(bare[:length], ())


def concept_table(records: list[Mapping[str, Any]]) -> ConceptTable:
    """The lookup for a code file (conditions or observations)."""
    exact: dict[tuple[str, str], list[str]] = {}
    prefix: dict[str, list[str]] = {}
    terms: dict[str, list[str]] = {}
    unverified = set()
    for record in records:
        name = record["concept"]
        for code in record.get("codes", ()):
            if code.get("prefix"):
                prefix.setdefault(code["code"].replace(".", ""), []).append(name)
            elif code["system"] == "icd10":
                exact.setdefault(("icd10", code["code"]), []).append(name)
            else:
                exact.setdefault((code["system"], str(code["code"])), []).append(name)
            if code.get("trust") != "seen":
                unverified.add((code["system"], str(code["code"])))
        for term in record.get("terms", ()):
            terms.setdefault(normalised(term), []).append(name)
    return ConceptTable(
        exact={k: tuple(v) for k, v in exact.items()},
        prefix={k: tuple(v) for k, v in prefix.items()},
        terms={k: tuple(v) for k, v in terms.items()},
        unverified=frozenset(unverified),
    )


def normalised(phrase: str) -> str:
    """Lower case, without a trailing SNOMED tag such as "(disorder)", punctuation as single spaces."""
    bare = re.sub(r"\s*\((?:disorder|finding|situation|procedure|substance|event|person)\)\s*$", "", phrase.lower())
    return " ".join(re.findall(r"[\w*/+-]+", bare))


@dataclass(frozen=True, slots=True, kw_only=True)
class MedicineTable:
    """Lookup from medicine codes and names to substances, with their classes and strengths by product code."""

    by_code: Mapping[tuple[str, str], str]
    names: re.Pattern[str] | None
    by_name: Mapping[str, str]
    classes: Mapping[str, tuple[str, ...]]
    strength_mg: Mapping[tuple[str, str], float]

    def of(self, holder: Any, field: str) -> tuple[str | None, float | None]:
        """Substance and strength of a medicine, by code first, else by a generic name in its display or text."""
        strength = None
        found = None
        for coding in codings(holder, field):
            key = (coding.system or "", coding.code)
            found = found or self.by_code.get(key)
            strength = strength or self.strength_mg.get(key)
        for phrase in words(holder, field):
            if found is None and self.names is not None:
                match = self.names.search(phrase.lower())
                found = self.by_name[match.group()] if match else None
            stated = re.search(r"(\d+(?:\.\d+)?) ?mg\b(?!/)", phrase.lower())
            strength = strength or (float(stated.group(1)) if stated else None)
        return found, strength

    def classes_of(self, holder: Any, field: str, substance: str) -> tuple[str, ...]:
        """The classes of this substance, and those of every other one that the same words name.

        "Promethazine with codeine" is read as promethazine; that an opioid stands beside it must not get lost. Being an
        antidepressant is not taken over, because one line is one trial.
        """
        found = self.names.findall(" / ".join(words(holder, field)).lower()) if self.names else []
        beside = (c for name in found for c in self.classes[self.by_name[name]] if c != "antidepressant")
        return tuple(dict.fromkeys((*self.classes[substance], *beside)))


def medicine_table(records: list[Mapping[str, Any]]) -> MedicineTable:
    """The lookup for codes/medicines.yaml."""
    by_code = {}
    by_name = {}
    strength = {}
    for record in records:
        for code in record.get("codes", ()):
            by_code[(code["system"], str(code["code"]))] = record["substance"]
            if code.get("strength_mg"):
                strength[(code["system"], str(code["code"]))] = float(code["strength_mg"])
        for name in record.get("names", (record["substance"],)):
            by_name[name.lower()] = record["substance"]
    longest_first = sorted(by_name, key=len, reverse=True)
    return MedicineTable(
        by_code=by_code,
        names=re.compile(r"\b(?:" + "|".join(map(re.escape, longest_first)) + r")\b") if by_name else None,
        by_name=by_name,
        classes={r["substance"]: tuple(r["classes"]) for r in records},
        strength_mg=strength,
    )
