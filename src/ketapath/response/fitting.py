"""What does `make fit` write? The draws of the literature, and what a fit without each study says of that study.

Written are literature.npz (see response/prior.py) and leave_one_out.csv, and the digest of the first into
response.yaml. Nothing here is needed to use them.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from ketapath.knowledge import FOLDER
from ketapath.response.outcomes import Datum, outcomes
from ketapath.response.population import Fit, Variant, fit
from ketapath.response.prior import Population, read_population, written
from ketapath.response.validation import LEFT_OUT, Compared, compared

FILE = "literature.npz"
STRUCTURES = {"build-up": False, "restore": True}
_CHAINS = 12  # source: our choice, of each structure; many short chains cost a GPU no more than a few


def fit_population(
    parameters: Mapping[str, Any],
    *,
    on: date,
    to: Path | None,
    leave_out_each: bool,
    draws: int,
    seed: int,
    tell: Callable[[str], None],
) -> Iterator[str]:
    """Fit, write, and say line by line what was done. Raises BadUsage without the research tools."""
    folder = to or FOLDER / "response"
    data, _left = outcomes(parameters["trial_scales"])
    variants = [Variant(restores=r, chains=_CHAINS) for r in STRUCTURES.values()]
    if leave_out_each:
        studies = dict.fromkeys(d.study for d in data)
        variants += [Variant(without=s, restores=r) for r in STRUCTURES.values() for s in studies]
    yield f"{len(data)} numbers of {len({d.study for d in data})} studies, {len(variants)} fits"
    fits = fit(parameters, data, variants=variants, seed=seed, warm_up=draws, draws=draws, tell=tell)
    for name, one in zip(STRUCTURES, fits, strict=False):
        yield f"{name}: {_checks(one)}"
    packed = _packed(fits[: len(STRUCTURES)], seed=seed, on=on)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_bytes(packed)
    if to is None:
        _name_digest(FOLDER / "response.yaml", hashlib.sha256(packed).hexdigest())
    yield f"written: {folder / FILE}"
    if leave_out_each:
        _write_rows(folder / LEFT_OUT, list(_left_out(parameters, data, variants, fits, seed)))
        yield f"written: {folder / LEFT_OUT}"


def data_digest() -> str:
    """The digest of the tables that the fit reads."""
    names = ("outcomes.csv", "arms.csv", "left_out.csv")
    return hashlib.sha256(b"".join((FOLDER / "response" / name).read_bytes() for name in names)).hexdigest()


def _packed(fits: Sequence[Fit], *, seed: int, on: date) -> bytes:
    """Both structures in equal parts: the numbers do not tell them apart (see the decision on build-up)."""
    draws = {name: np.concatenate([one.draws[name] for one in fits]) for name in fits[0].draws}
    about = {
        "provenance": "literature",
        "version": on.isoformat(),
        "seed": seed,
        "data_digest": data_digest(),
        "diagnostics": {
            structure: {
                "r_hat": {name: round(value, 4) for name, value in one.r_hat.items()},
                "ess": {name: round(value) for name, value in one.ess.items()},
                "divergences": one.divergences,
            }
            for structure, one in zip(STRUCTURES, fits, strict=True)
        },
    }
    return written(draws, about)


def _checks(one: Fit) -> str:
    worst = max(one.r_hat, key=lambda name: one.r_hat[name])
    least = min(one.ess, key=lambda name: one.ess[name])
    return (
        f"largest R-hat {one.r_hat[worst]:.3f} ({worst}), smallest ESS {one.ess[least]:.0f} ({least}), "
        f"{one.divergences} divergences, {one.steps:.0f} steps a draw"
    )


def _name_digest(path: Path, digest: str) -> None:
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"(?m)^(population: \{.*digest: .)[0-9a-f]+", rf"\g<1>{digest}", text), encoding="utf-8")


def _left_out(
    parameters: Mapping[str, Any], data: Sequence[Datum], variants: Sequence[Variant], fits: Sequence[Fit], seed: int
) -> Iterator[tuple[str, str, Compared]]:
    """Structure, "all" or "without", and the numbers that the fit did (or did not) see, beside its prediction."""
    for variant, one in zip(variants, fits, strict=True):
        draws = _population(one, parameters, seed)
        structure = next(name for name, restores in STRUCTURES.items() if restores == variant.restores)
        chosen = [d for d in data if variant.without in (None, d.study)]
        for row in compared(chosen, draws, parameters, seed=seed):
            yield structure, "all" if variant.without is None else "without", row


def _population(one: Fit, parameters: Mapping[str, Any], seed: int) -> Population:
    about = {"provenance": "literature", "version": "", "seed": seed, "data_digest": "", "diagnostics": {}}
    return read_population(written(one.draws, about), parameters, where="fit", whose="literature")


def _write_rows(path: Path, rows: Sequence[tuple[str, str, Compared]]) -> None:
    names = [f.name for f in fields(Compared)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["structure", "fit", *names])
        for structure, which, row in rows:
            writer.writerow([structure, which, *(_cell(value) for value in asdict(row).values())])


def _cell(value: Any) -> Any:
    return f"{value:.4g}" if isinstance(value, float) else value
