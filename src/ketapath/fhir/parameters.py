"""By which parameters can a resource of each type be found? What a search takes and a capability statement lists.

The table is `parameters.yaml`. Source: HL7 FHIR R4 (4.0.1), search parameter registry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from ketapath.errors import BadInput
from ketapath.knowledge import parse_yaml

PREFIXES = ("eq", "ne", "gt", "ge", "lt", "le", "sa", "eb", "ap")
PREFIXED = ("date", "number", "quantity")
"""The types whose values may begin with a prefix."""
MODIFIERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "token": ("missing", "not"),
        "reference": ("missing", "identifier"),
        "string": ("missing", "exact", "contains"),
        "date": ("missing",),
        "number": ("missing",),
        "quantity": ("missing",),
        "uri": ("missing",),
    }
)
"""By type; a reference further takes the name of each type that it may point to."""
SORTABLE = ("date", "string", "token")
"""The types that results can be sorted by."""

_PATH = re.compile(r"(?:exists\((?P<either>[\w,]+)\)|(?P<path>[\w.]+)(?:\((?P<only>\w+)\))?)\Z")


@dataclass(frozen=True, slots=True)
class Path:
    """Where a value stands: element names from the resource down.

    `only` keeps those of one system of contact; with `either` the value is whether one of these elements is there.
    """

    elements: tuple[str, ...] = ()
    only: str = ""
    either: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One search parameter of one type.

    `reads` are the names under which its values are indexed: its own, or those of the parameters it repeats; `paths`
    is empty where it repeats others. `targets` are the types a reference may point to, `narrowed` where the index
    holds others beside them.
    """

    kind: str
    name: str
    type: str
    paths: tuple[Path, ...] = ()
    reads: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    narrowed: bool = False

    @property
    def modifiers(self) -> tuple[str, ...]:
        """What may stand behind its name after a colon."""
        own = () if self.name in COLUMNS else MODIFIERS[self.type]
        return (*own, *self.targets) if self.type == "reference" else own


COLUMNS = ("_id", "_lastUpdated")
"""Parameters that the record answers from its own columns, without terms."""
_OF_EVERY_TYPE = (
    ("_id", "token", ()),
    ("_lastUpdated", "date", ()),
    ("_profile", "uri", ("meta", "profile")),
    ("_security", "token", ("meta", "security")),
    ("_source", "uri", ("meta", "source")),
    ("_tag", "token", ("meta", "tag")),
)


def kinds() -> tuple[str, ...]:
    """The resource types that can be searched."""
    return tuple(_table())


def parameters(kind: str) -> Mapping[str, Parameter]:
    """The parameters of one type by name, those of every type included.

    Raises BadInput for a type that cannot be searched.
    """
    found = _table().get(kind)
    if found is None:
        raise BadInput(
            field="resource type", found=kind, limit="one of those that can be searched", next_step="See the manual."
        )
    return found


def includes(kind: str) -> tuple[str, ...]:
    """What `_include` takes in a search of this type, as "Observation:encounter"."""
    return tuple(f"{kind}:{p.name}" for p in parameters(kind).values() if p.type == "reference")


def revincludes(kind: str) -> tuple[str, ...]:
    """What `_revinclude` takes in a search of this type, as "Provenance:target"."""
    of_all = (p for own in _table().values() for p in own.values() if kind in p.targets)
    return tuple(f"{p.kind}:{p.name}" for p in of_all)


@cache
def _table() -> Mapping[str, Mapping[str, Parameter]]:
    text = files("ketapath.fhir").joinpath("parameters.yaml").read_text(encoding="utf-8")
    stated: Mapping[str, Mapping[str, str]] = parse_yaml(text, where="parameters.yaml")
    wanted = {kind: own for kind, own in stated.items() if kind[0].isupper()}
    return MappingProxyType({kind: MappingProxyType(_of(kind, own, tuple(wanted))) for kind, own in wanted.items()})


def _of(kind: str, stated: Mapping[str, str], every: tuple[str, ...]) -> dict[str, Parameter]:
    found = {p.name: p for p in _common(kind)}
    for name, said in stated.items():
        what, _, after = said.partition(" > ")
        targets = every if after == "any" else tuple(after.split())
        first, *rest = what.split()
        if first == "same":
            of = stated[rest[0]].split()[0]
            found[name] = Parameter(
                kind=kind, name=name, type=of, reads=tuple(rest), targets=targets, narrowed=bool(targets)
            )
        else:
            paths = tuple(_path(p) for p in rest)
            found[name] = Parameter(kind=kind, name=name, type=first, paths=paths, reads=(name,), targets=targets)
    return dict(sorted(found.items()))


def _common(kind: str) -> Iterator[Parameter]:
    for name, type_, elements in _OF_EVERY_TYPE:
        paths = (Path(elements=elements),) if elements else ()
        yield Parameter(kind=kind, name=name, type=type_, paths=paths, reads=(name,))


def _path(text: str) -> Path:
    match = _PATH.match(text)
    assert match is not None, text
    if match["either"]:
        return Path(either=tuple(match["either"].split(",")))
    return Path(elements=tuple(match["path"].split(".")), only=match["only"] or "")
