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
import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ketapath.domain.response import Provenance
from ketapath.errors import KnowledgeError
from ketapath.knowledge import FOLDER
from ketapath.response.equations import Array, expit

MOST_BYTES = (
    64 * 1024 * 1024
)  # source: our choice, of the file and of what it unpacks to; ours takes less than half of one MiB
_MOST_SPREADS = 20.0  # source: our choice; further from its start no trial moves a parameter
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
        return read_population(_bytes(own), parameters, where=own.name)
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
    return read_population(data, held.parameters, where=path.name, whose="literature")


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as cause:
        said = cause.strerror if isinstance(cause, OSError) and cause.strerror else "not a file name"
        raise _refused(path.name, f"cannot be read ({said})") from cause


def read_population(
    data: bytes, parameters: Mapping[str, Any], *, where: str, whose: str = "this clinic"
) -> Population:
    """Draws from the bytes of a file that calls itself `whose`.

    Raises KnowledgeError for what is no such file, lacks a parameter, or has values that a parameter cannot take.
    """
    draws, about = _parts(data, where)
    lacking = [key for key in _ABOUT if key not in about]
    if lacking:
        raise _refused(where, f"does not say its {lacking[0]}")
    names, version = about["names"], about["version"]
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names) or len(set(names)) != len(names):
        raise _refused(where, "has names that are no list of different words")
    if about["provenance"] != whose:
        raise _refused(where, f'does not call itself "{whose}" under provenance')
    if not isinstance(version, str):
        raise _refused(where, "has a version that is no text")
    missing = sorted(set(parameters["priors"]) - set(names))
    if missing:
        raise _refused(where, f"has no draws of {missing[0]}")
    if draws.ndim != 2 or draws.shape[1] != len(names) or draws.shape[0] < _LEAST_DRAWS:
        raise _refused(where, f"has draws of shape {draws.shape}, not ({_LEAST_DRAWS} or more, {len(names)})")
    if not np.isfinite(draws).all():
        raise _refused(where, "has draws that are no numbers")
    for name, spec in parameters["priors"].items():
        low, high = _possible(spec)
        values = draws[:, names.index(name)]
        if values.min() < low or values.max() > high:
            reach = f"{values.min():.3g} to {values.max():.3g}"
            raise _refused(where, f"has draws of {name} from {reach}; possible is {low:.3g} to {high:.3g}")
    draws.setflags(write=False)
    stated = Provenance(name=whose, version=version, digest=hashlib.sha256(data).hexdigest())
    return Population(names=tuple(names), draws=draws, provenance=stated, about=about)


def _parts(data: bytes, where: str) -> tuple[Array, dict[str, Any]]:
    """`draws` and `about` of the archive, unpacked only where it says that it stays small."""
    if len(data) > MOST_BYTES:
        raise _refused(where, f"is larger than {MOST_BYTES // 1024**2} MiB")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(part.file_size for part in archive.infolist()) > MOST_BYTES:
                raise _refused(where, f"unpacks to more than {MOST_BYTES // 1024**2} MiB")
            draws, about = (_array(archive.read(f"{name}.npy")) for name in ("draws", "about"))
        stated = json.loads(str(about)) if about.dtype.kind == "U" and about.ndim == 0 else None
    except (
        ValueError,
        KeyError,
        OSError,
        EOFError,
        RuntimeError,
        MemoryError,
        zlib.error,
        zipfile.BadZipFile,
    ) as cause:
        raise _refused(where, "is no NumPy archive of parameter draws") from cause
    if draws.dtype.kind not in "fiu":
        raise _refused(where, "has draws that are no real numbers")
    if not isinstance(stated, dict):
        raise _refused(where, "has no JSON object as a text under about")
    return draws.astype(np.float64), stated


def _array(part: bytes) -> npt.NDArray[Any]:
    """One array of the archive; its size is looked at before room is made for it. Raises ValueError."""
    stream = io.BytesIO(part)
    version = np.lib.format.read_magic(stream)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _order, dtype = read_header(stream)
    if math.prod(shape) * dtype.itemsize > len(part):
        raise ValueError("the array is said to be larger than it is")
    stream.seek(0)
    return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))


def _possible(spec: Mapping[str, Any]) -> tuple[float, float]:
    """The lowest and the highest value that a draw may have: inside its distribution and not absurdly far out."""
    kind = spec["distribution"]
    if kind == "beta":
        return 0.0, float(np.nextafter(1.0, 0.0))
    far = _MOST_SPREADS * float(spec["spread"])
    if kind == "half-normal":
        return 0.0, far
    middle = float(spec["middle"])
    if kind == "normal":
        return middle - far, middle + far
    if kind == "lognormal":
        return middle * math.exp(-far), middle * math.exp(far)
    at = math.log(middle / (1.0 - middle))
    return float(expit(np, at - far)), float(expit(np, at + far))


def _refused(where: str, why: str) -> KnowledgeError:
    return KnowledgeError(f"{where} {why}. See 'The response model' in knowledge/FORMAT.md.")


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
