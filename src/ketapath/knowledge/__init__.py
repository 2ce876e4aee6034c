"""What is known about ketamine treatment, from which source? Loads the YAML files into one frozen value.

`load()` is the public verb. Reading all files takes about a second, so the parsed content is kept as JSON in the
user's cache folder under the digest of the files: a changed file is a new digest, and JSON cannot run code.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ketapath.domain.biomarker import FailedRule
from ketapath.domain.interaction import Perpetrator
from ketapath.errors import KnowledgeError
from ketapath.knowledge.alternatives import AlternativeSpec, TargetSpec
from ketapath.knowledge.alternatives import read as read_alternatives
from ketapath.knowledge.cards import MarkerCard, ValidityRule, failures, parse_card, parse_validity
from ketapath.knowledge.dispositions import resolved
from ketapath.knowledge.perpetrators import read as read_perpetrators
from ketapath.knowledge.rules import Truth, evaluate, paths
from ketapath.knowledge.schema import (
    RULE_FOLDERS,
    SITE_DEFAULT,
    PathSpec,
    Rule,
    Source,
    parse_path,
    parse_rule,
    parse_source,
    published,
)
from ketapath.knowledge.screens import Condition, parse_condition, texts_of
from ketapath.knowledge.wording import Claim, Lexicon, lexicon, parse_claim, parse_lists

__all__ = [
    "SITE_DEFAULT",
    "Claim",
    "Knowledge",
    "MarkerCard",
    "PathSpec",
    "Rule",
    "Source",
    "Truth",
    "evaluate",
    "load",
    "paths",
    "published",
]

T = TypeVar("T")

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """All knowledge in one version. `version` is the digest of every file that may change a result.

    `texts` are the English words by key; `translations` those of other languages, by code (BCP 47) and the same key.
    """

    version: str
    paths: Mapping[str, PathSpec]
    rules: Mapping[str, Rule]
    sources: Mapping[str, Source]
    texts: Mapping[str, str]
    translations: Mapping[str, Mapping[str, str]]
    protocols: Mapping[str, Mapping[str, Any]]
    drugs: Mapping[str, Mapping[str, Any]]
    perpetrators: Mapping[str, Perpetrator]
    instruments: Mapping[str, Mapping[str, Any]]
    alternatives: Mapping[str, AlternativeSpec]
    targets: Mapping[str, TargetSpec]
    response: Mapping[str, Any]
    effects: Mapping[str, Any]
    staging: Mapping[str, Any]
    status: tuple[Mapping[str, Any], ...]
    codes: Mapping[str, Any]
    policy: Mapping[str, Mapping[str, Any]]
    harms: Mapping[str, Mapping[str, Any]]
    needs: Mapping[str, Mapping[str, Any]]
    competences: Mapping[str, Mapping[str, Any]]
    referrals: Mapping[str, Mapping[str, Any]]
    timers: Mapping[str, Mapping[str, Any]]
    escalations: Mapping[str, Mapping[str, Any]]
    screening: Mapping[str, Condition]
    claims: Mapping[str, Claim]
    lexicon: Lexicon
    biomarkers: Mapping[str, MarkerCard]
    validity: Mapping[str, ValidityRule]

    def figure(self, name: str) -> float:
        """A figure of policy.yaml, in its unit."""
        return float(self.policy[name]["value"])

    def rules_of(self, stage: str) -> Iterator[Rule]:
        """The rules that are asked at this stage of the loop, in the order of their files."""
        return (rule for rule in self.rules.values() if rule.stage == stage)

    def failures(self, card: MarkerCard) -> tuple[FailedRule, ...]:
        """The preset validity rules that this card does not meet; none means that it passes."""
        return failures(card, self.validity, self.figure)


def load(folder: Path = FOLDER, *, cache: Path | None = None) -> Knowledge:
    """All knowledge under `folder`, from the cache where it holds this very content.

    Raises KnowledgeError, naming file and record, where a file breaks its schema.
    """
    digest, found = _read(folder, cache)
    return _compile(found, version=digest[:12])


def documents(folder: Path = FOLDER, *, cache: Path | None = None) -> Mapping[str, Any]:
    """Every file under `folder` but the cases, as plain data by its name: for questions across kinds of records."""
    return _read(folder, cache)[1]


def _read(folder: Path, cache: Path | None) -> tuple[str, dict[str, Any]]:
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*.yaml"))}
    content = {name: data for name, data in files.items() if not name.endswith(".cases.yaml")}
    digest = hashlib.sha256(b"\0".join(n.encode() + b"\0" + d for n, d in content.items())).hexdigest()
    found = _cached(digest, cache)
    if found is None:
        found = {name: parse_yaml(data, where=name) for name, data in content.items()}
        _keep(digest, found, cache)
    return digest, found


def parse_yaml(data: bytes | str, *, where: str) -> Any:
    """A YAML document with dates left as text, so that it is the same from the file and from the cache.

    Raises KnowledgeError for what is no YAML, and for a field that one record has twice; YAML would keep the last.
    """
    import yaml  # only when the cache is cold: the import costs more than reading the cache

    class Loader(yaml.CSafeLoader):
        """CSafeLoader without the implicit timestamp, and without fields that come twice."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            seen = set()
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"{key.value} comes twice", key.start_mark)
                seen.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
            return super().construct_mapping(node, deep=deep)

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
        for first, found in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        return yaml.load(data, Loader=Loader)  # noqa: S506 (a safe loader)
    except yaml.YAMLError as problem:
        raise KnowledgeError(f"{where}: {problem}") from problem


def cache_folder() -> Path:
    """Where this user's caches live."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ketapath"


def _cached(digest: str, cache: Path | None) -> dict[str, Any] | None:
    try:
        checksum, _, body = ((cache or cache_folder()) / f"knowledge-{digest}.json").read_bytes().partition(b"\n")
    except (OSError, RuntimeError):
        return None
    if hashlib.sha256(body).hexdigest().encode() != checksum:
        return None
    documents: dict[str, Any] = json.loads(body)
    return documents


def _keep(digest: str, documents: Mapping[str, Any], cache: Path | None) -> None:
    body = json.dumps(documents, separators=(",", ":")).encode()
    try:
        folder = cache or cache_folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = folder / f"knowledge-{digest}.{os.getpid()}.part"
        partial.write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
        partial.replace(folder / f"knowledge-{digest}.json")
    except (OSError, RuntimeError):
        # A read-only or full disk costs a second at the next start, nothing else.
        return


def _translations(files: Iterable[tuple[str, Any]]) -> dict[str, dict[str, str]]:
    """The words of texts/NAME.CODE.yaml by language and key; English is no translation."""
    found: dict[str, dict[str, str]] = {}
    for name, words in files:
        code = name.removesuffix(".yaml").rpartition(".")[2]
        if code != "en":
            found.setdefault(code, {}).update(words or {})
    return found


def _compile(documents: Mapping[str, Any], *, version: str) -> Knowledge:
    def under(folder: str) -> Iterator[tuple[str, Any]]:
        return ((n, d) for n, d in documents.items() if n.startswith(folder + "/"))

    sources = _unique((s.key, s) for n, d in under("sources") for s in (parse_source(r, where=n) for r in d or ()))
    specs = _unique((p.path, p) for n, d in under("profile") for p in (parse_path(r, where=n) for r in d))
    # A list in these folders is rules; a mapping is one protocol or one biomarker's card.
    records = [(n, r) for folder in RULE_FOLDERS for n, d in under(folder) if isinstance(d, list) for r in d]
    rules = _unique((r.id, r) for r in (parse_rule(record, sources, where=n) for n, record in records))
    screened = [parse_condition(d, sources, where=n) for n, d in under("screening")]
    texts = _unique((k, v) for n, d in under("texts") if n.endswith("en.yaml") for k, v in (d or {}).items())
    for _, record in records:
        for field in ("title", "statement", "action", "reverses"):
            texts[f"rule.{record['id']}.{field}"] = record[field]
    for record in documents["harms.yaml"]:
        texts[f"harm.{record['id']}"] = record["statement"]
    for record in documents["escalations.yaml"]:
        texts |= {f"escalation.{record['id']}.{step['id']}": step["do"] for step in record["steps"]}
    for _, record in under("screening"):
        texts.update(texts_of(record))
    for record in documents["status.yaml"]:
        for field in ("population", "conditions"):
            texts[f"status.{record['id']}.{field}"] = record[field]
    for path in specs.values():
        texts[f"path.{path.path}"] = path.label
    others, targets, words = read_alternatives(
        under("alternatives"), documents["values.yaml"], documents["targets.yaml"], sources
    )
    for other in others:
        if other.rule_id not in rules:
            raise KnowledgeError(f"alternative {other.id}: rule {other.rule_id!r} is in no file")
    # Under claims, a list is claims and a mapping is word lists.
    lists = parse_lists((n, d) for n, d in under("claims") if isinstance(d, dict))
    claims = _unique(
        (claim.id, claim)
        for n, d in under("claims")
        if isinstance(d, list)
        for claim in (parse_claim(r, lists, sources, where=n) for r in d)
    )
    gate = parse_validity(documents["biomarkers/validity.yaml"], where="biomarkers/validity.yaml")
    validity = _unique((r.id, r) for r in gate)
    texts |= {f"validity.{r.id}": r.asks for r in validity.values()}
    return Knowledge(
        version=version,
        paths=specs,
        rules=rules,
        sources=sources,
        texts=texts | words,
        translations=_translations(under("texts")),
        protocols=_unique((d["id"], d) for _, d in under("protocols") if isinstance(d, dict)),
        drugs=resolved(_unique((d["id"], d) for _, d in under("drugs"))),
        perpetrators=_unique(read_perpetrators(under("perpetrators"), sources)),
        instruments=_unique((d["id"], d) for _, d in under("instruments")),
        alternatives=_unique((other.id, other) for other in others),
        targets=_unique((target.id, target) for target in targets),
        response=documents.get("response.yaml") or {},
        effects={n.removeprefix("effects/").removesuffix(".yaml"): d for n, d in under("effects")},
        staging=documents["staging.yaml"],
        status=tuple(documents["status.yaml"]),
        harms=_unique((r["id"], r) for r in documents["harms.yaml"]),
        needs=_unique((r["id"], r) for r in documents["needs.yaml"]),
        competences=_unique((r["id"], r) for r in documents["competences.yaml"]),
        referrals=_unique((r["id"], r) for r in documents["referrals.yaml"]),
        timers=_unique((r["id"], r) for r in documents["timers.yaml"]),
        escalations=_unique((r["id"], r) for r in documents["escalations.yaml"]),
        screening=_unique((c.id, c) for c in screened),
        policy=_unique((r["id"], r) for r in documents["policy.yaml"]),
        claims=claims,
        lexicon=lexicon(lists, claims.values()),
        biomarkers=_unique((d["id"], parse_card(d, sources, where=n)) for n, d in under("biomarkers/cards")),
        validity=validity,
        codes={n.removeprefix("codes/").removesuffix(".yaml"): d for n, d in under("codes")},
    )


def _unique(pairs: Iterator[tuple[str, T]]) -> dict[str, T]:
    found: dict[str, T] = {}
    for key, value in pairs:
        if key in found:
            raise KnowledgeError(f"{key} is defined twice")
        found[key] = value
    return found
