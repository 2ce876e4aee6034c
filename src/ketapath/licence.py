"""What is each product licensed for, for this person's conditions, in this country, as far as was read?

`licences` looks up status.yaml. A pair without a record is "not in our evidence": neither allowed nor forbidden. A
licence is not a verdict; the rules that follow from it (CAN-003 to CAN-009, CAN-042, KP-002) are in candidacy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from ketapath.domain.candidacy import Licence
from ketapath.domain.clinic import Clinic
from ketapath.domain.evidence import Text
from ketapath.domain.profile import Profile
from ketapath.knowledge import SITE_DEFAULT, Knowledge, published

__all__ = ["licences"]

_CONDITIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "diagnosis.bipolar": ("bipolar-depression",),
        "diagnosis.ptsd": ("PTSD",),
        "diagnosis.anxiety": ("GAD",),
        "diagnosis.social_anxiety": ("SAD",),
        "diagnosis.ocd": ("OCD",),
        "diagnosis.alcohol_use_disorder": ("AUD",),
        "diagnosis.crps": ("CRPS",),
        "diagnosis.chronic_pain": ("chronic-pain",),
    }
)
"""Which indications of status.yaml a diagnosis stands for; depression is told apart below."""


def licences(person: Profile, clinic: Clinic, knowledge: Knowledge) -> tuple[Licence, ...]:
    """One line for each product that the clinic offers and each condition of this person, and each record on it.

    Where a record's population matters (an age, an antidepressant beside it), the line says so; nobody is fitted to it.
    """
    country = clinic.jurisdiction[:2]
    found: list[Licence] = []
    for product in clinic.products:
        for indication in _indications(person):
            records = [
                r
                for r in knowledge.status
                if (r["product"], r["indication"], r["jurisdiction"]) == (product, indication, country)
            ]
            found += [_licence(r, knowledge) for r in records] or [_no_record(product, indication, country)]
    return tuple(found)


def _indications(person: Profile) -> Iterator[str]:
    def holds(path: str) -> bool:
        return path in person.known and person.known[path].value is True

    if holds("diagnosis.depression"):
        age = person.known.get("person.age_years")
        if age is not None and isinstance(age.value, float) and age.value < 18:  # source: LBL_US25, not under 18
            yield "adolescent-depression"
        else:
            yield "MDD-resistant"
            risk = person.known.get("scale.suicide_risk")
            if risk is not None and risk.value in ("high", "imminent"):
                yield "MDD-acute-suicidality"
    for path, names in _CONDITIONS.items():
        if holds(path):
            yield from names


def _licence(record: Mapping[str, Any], knowledge: Knowledge) -> Licence:
    key = f"status.{record['id']}"
    evidence = tuple(
        published(knowledge.sources[s["key"]], locator=s.get("locator"), trust=record["trust"])
        for s in record["sources"]
    )
    return Licence(
        product=record["product"],
        indication=record["indication"],
        jurisdiction=record["jurisdiction"],
        status=record["status"],
        form=record.get("form"),
        population=Text(key=f"{key}.population"),
        conditions=Text(key=f"{key}.conditions"),
        since=record["since"],
        as_of=record["as_of"],
        evidence=evidence or (SITE_DEFAULT,),
    )


def _no_record(product: str, indication: str, country: str) -> Licence:
    return Licence(
        product=product, indication=indication, jurisdiction=country, status=None, form=None, population=None,
        conditions=Text(key="status.not_in_evidence"), since=None, as_of=None, evidence=(SITE_DEFAULT,),
    )  # fmt: skip
