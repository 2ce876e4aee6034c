"""What do published trials, or a clinic's own patients, leave of the model's parameters? One file of draws.

The file is a NumPy archive without pickled objects: `draws` (n, parameters), float32, on the natural scale of each
parameter, and `about`, one JSON object: names, provenance ("literature" or "this clinic"), version, seed, digest of the
data, diagnostics of the fit. response.yaml names the file of the literature with its digest, so that the version of
the knowledge changes with it; a clinic's own file has the same form and is given by its path.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ketapath.domain.response import Provenance
from ketapath.errors import KnowledgeError
from ketapath.knowledge import FOLDER
from ketapath.response.equations import Array, expit

_LEAST_DRAWS = 500  # source: our choice; fewer leave visible steps in a 95 % band
_ABOUT = ("names", "provenance", "version", "seed", "data_digest", "diagnostics")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Population(Mapping[str, Array]):
    """Draws of the parameters, each shape (n,), by name; they belong together row by row."""

    names: tuple[str, ...]
    draws: Array
    provenance: Provenance
    about: Mapping[str, Any]

    def __getitem__(self, name: str) -> Array:
        """The draws of one parameter."""
        return self.draws[:, self.names.index(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def thinned(self, count: int) -> Population:
        """Evenly chosen draws, at most `count`."""
        rows = np.linspace(0, self.draws.shape[0] - 1, min(count, self.draws.shape[0])).astype(int)
        return Population(names=self.names, draws=self.draws[rows], provenance=self.provenance, about=self.about)


def population(parameters: Mapping[str, Any], own: Path | None = None) -> Population:
    """The draws that knowledge names, or those of a clinic's own file.

    Raises KnowledgeError where the file is missing, is not the one that knowledge names, or breaks the format.
    """
    if own is not None:
        return read_population(own.read_bytes(), parameters, where=own.name)
    named = parameters["population"]
    return _literature(FOLDER / "response" / str(named["file"]), str(named["digest"]), _Held(parameters))


@dataclass(frozen=True, slots=True)
class _Held:
    """The parameters beside the digest, which alone tells two calls apart."""

    parameters: Mapping[str, Any]

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held)


@lru_cache(maxsize=4)
def _literature(path: Path, digest: str, held: _Held) -> Population:
    if not path.is_file():
        raise KnowledgeError(f"{path.name} is missing: make it again with `make fit`")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != digest:
        raise KnowledgeError(f"{path.name} is not the file that response.yaml names: its digest differs")
    return read_population(data, held.parameters, where=path.name)


def read_population(data: bytes, parameters: Mapping[str, Any], *, where: str) -> Population:
    """Draws from the bytes of a file. Raises KnowledgeError for what is no such file or lacks a parameter."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            draws = np.asarray(archive["draws"], dtype=np.float64)
            about = json.loads(str(archive["about"]))
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as cause:
        raise KnowledgeError(f"{where} is no file of parameter draws: {cause}") from cause
    lacking = [key for key in _ABOUT if not isinstance(about, dict) or key not in about]
    if lacking:
        raise KnowledgeError(f"{where} does not say its {lacking[0]}")
    names = tuple(str(name) for name in about["names"])
    missing = sorted(set(parameters["priors"]) - set(names))
    if missing:
        raise KnowledgeError(f"{where} has no draws of {missing[0]}")
    if draws.ndim != 2 or draws.shape[1] != len(names) or draws.shape[0] < _LEAST_DRAWS:
        raise KnowledgeError(f"{where} has draws of shape {draws.shape}, not ({_LEAST_DRAWS} or more, {len(names)})")
    if not np.isfinite(draws).all():
        raise KnowledgeError(f"{where} has draws that are no numbers")
    draws.setflags(write=False)
    stated = Provenance(
        name=str(about["provenance"]), version=str(about["version"]), digest=hashlib.sha256(data).hexdigest()
    )
    return Population(names=names, draws=draws, provenance=stated, about=about)


def written(draws: Mapping[str, Array], about: Mapping[str, Any]) -> bytes:
    """The bytes of a file of draws; the same draws give the same bytes."""
    names = list(draws)
    table = np.stack([draws[name] for name in names], axis=1).astype(np.float32)
    stream = io.BytesIO()
    np.savez_compressed(stream, draws=table, about=np.array(json.dumps({"names": names, **about}, sort_keys=True)))
    return stream.getvalue()


def starting_draws(parameters: Mapping[str, Any], rng: np.random.Generator, count: int) -> dict[str, Array]:
    """Draws of what the fit starts from, before any trial: by name, each shape (count,)."""
    return {name: _drawn(spec, rng, count) for name, spec in parameters["priors"].items()}


def _drawn(spec: Mapping[str, Any], rng: np.random.Generator, count: int) -> Array:
    kind = spec["distribution"]
    if kind == "beta":
        return rng.beta(spec["first"], spec["second"], count)
    normal = rng.standard_normal(count)
    spread = float(spec["spread"])
    if kind == "half-normal":
        return np.abs(normal) * spread
    middle = float(spec["middle"])
    if kind == "normal":
        return middle + spread * normal
    if kind == "lognormal":
        return middle * np.exp(spread * normal)
    return np.asarray(expit(np, np.log(middle / (1.0 - middle)) + spread * normal))
