"""Which ketamine does a record name: the racemate, the S form, or one that cannot be told; as base or hydrochloride?

The one place that decides it, for a medicine named in the resource itself and for one it points to. A code says more
than a word, and "S" or "R" beside a word more than the word alone; where two of them disagree nothing is told.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ketapath.fhir import elements as el
from ketapath.fhir.bundle import Bundle, Resource
from ketapath.fhir.vocabulary import Vocabulary

Product = Literal["racemic", "esketamine"]
_Said = Literal["racemic", "esketamine", "other", "plain", "untold"]
"""`plain` is the bare word, which means the racemate unless something says more; `untold` names no form at all."""

_PRODUCTS: Mapping[str, Product] = {"ketamine": "racemic", "esketamine": "esketamine"}
_ALLERGEN = "ketamine-substance"
_TOKEN = re.compile(r"\(\s*[+−–-]\s*\)|\+\s*/\s*[−–-]|±|[^\W\d_]+|\d+")
_LIKE = re.compile(r"(es)?[kc]etamin(?:[aeo]|um)?(?:hydrochlorid)?\Z")
_UNLIKE = re.compile(r"\w+ketamin\w*\Z|arcetamin\w*\Z")
_BOTH = re.compile(r"rac|racem\w*|rs|sr|±|\+\s*/\s*[−–-]")
_ISOMER = re.compile(r"enantiomer\w*|isomer\w*|dextro|levo|\(\s*[+−–-]\s*\)")
_BETWEEN = frozenset({"hydrochloride", "hydrochlorid", "hcl", "base", "of", "form"})
_ROUTES = (["s", "c"], ["s", "l"])
"""Under the skin and under the tongue, as they are written with two letters: no S form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ketamine:
    """A ketamine as named. `product` is None for another form than the two, and where the form cannot be told."""

    product: Product | None
    is_hydrochloride: bool
    is_mixed: bool
    """Whether another medicine is named in the same breath, so that an amount may be of either."""


def named_in(resource: Resource, bundle: Bundle) -> tuple[Mapping[str, Any], str]:
    """The element that names the medicine: in the resource itself, or in the Medication that it points to."""
    if "medicationCodeableConcept" not in resource:
        stated = el.text(resource.get("medicationReference"), "reference") or ""
        wanted = stated.split("/_history/")[0].removeprefix("#").removeprefix("urn:uuid:").rsplit("/", 1)[-1]
        for medicine in [*el.objects(resource, "contained"), *bundle.of_type("Medication")]:
            if medicine.get("resourceType") == "Medication" and medicine.get("id") == wanted:
                return medicine, "code"
    return resource, "medicationCodeableConcept"


def ketamine_in(holder: Mapping[str, Any], field: str, vocabulary: Vocabulary) -> Ketamine | None:
    """The ketamine that this element names; None where it names none."""
    codes, phrases = list(el.codings(holder, field)), list(el.words(holder, field))
    medicines = vocabulary.medicines
    said = [s for code in codes if (s := _of_code(code, vocabulary)) is not None]
    said += [s for phrase in phrases for s in _of_words(phrase, vocabulary)]
    if not said:
        return None
    found = medicines.names.findall(" / ".join(phrases).lower()) if medicines.names else []
    substances = {medicines.by_name[name] for name in found}
    substances |= {medicines.by_code.get((code.system or "", code.code), "ketamine") for code in codes}
    salts = vocabulary.answers["salts"]["hydrochloride_unii"]
    return Ketamine(
        product=_agreed(said),
        is_hydrochloride=any(code.code in salts for code in codes),
        is_mixed=bool(substances - _PRODUCTS.keys()),
    )


def _agreed(said: Sequence[_Said]) -> Product | None:
    """The form that all of it agrees on."""
    certain = {s for s in said if s not in ("plain", "untold")}
    if certain == {"esketamine"}:
        return "esketamine"
    if certain == {"racemic"} or (not certain and "untold" not in said):
        return "racemic"
    return None


def _of_code(code: el.Coding, vocabulary: Vocabulary) -> _Said | None:
    key = (code.system or "", code.code)
    product = _PRODUCTS.get(vocabulary.medicines.by_code.get(key, ""))
    if product is None and _ALLERGEN in vocabulary.conditions.exact.get(key, ()):
        return "untold"
    return product


def _of_words(phrase: str, vocabulary: Vocabulary) -> Iterator[_Said]:
    """What each word for ketamine in a phrase says, with the letters beside it."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", phrase.lower()) if not unicodedata.combining(c))
    tokens = _TOKEN.findall(re.sub(r"['’]s\b", "", bare))
    for at, token in enumerate(tokens):
        product = _PRODUCTS.get(vocabulary.medicines.by_name.get(token, ""))
        if product is not None:
            yield _with_letters(product, _beside(tokens, at))
        elif _ALLERGEN in vocabulary.conditions.terms.get(token, ()):
            name = vocabulary.medicines.by_name.get(f"{token} s")
            yield "esketamine" if name == "esketamine" and _beside(tokens, at) == {"s"} else "untold"
        elif _LIKE.match(token):
            yield "untold"
        elif _UNLIKE.match(token):
            yield "other"


def _with_letters(product: Product, letters: set[str]) -> _Said:
    if product == "esketamine":
        return "esketamine" if letters <= {"s", "isomer"} else "other"
    if letters >= {"r", "s"}:
        return "racemic"
    if "s" in letters:
        return "esketamine"
    return "other" if letters else "plain"


def _beside(tokens: Sequence[str], at: int) -> set[str]:
    """The letters of the form on either side of a word: "r", "s", or "isomer" where one is meant and not named."""
    found: set[str] = set()
    after = list(tokens[at + 1 :])
    for side in (tokens[:at][::-1], after):
        for place, token in enumerate(side):
            if token in ("r", "s") and not (side is after and after[place : place + 2] in _ROUTES):
                found.add(token)
            elif _BOTH.fullmatch(token):
                found |= {"r", "s"}
            elif _ISOMER.fullmatch(token):
                found.add("isomer")
            elif token not in _BETWEEN:
                break
    return found
