"""A simulated trial is the same however it is computed, and takes no more memory for more people."""

from __future__ import annotations

import contextlib
import copy
import json
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import yaml
from tests.courses import KNOWLEDGE, POPULATION
from tests.designs import READY, STATED, design

from ketapath.cohort import Design, read_design, run
from ketapath.cohort.trial import chunks
from ketapath.errors import BadInput
from ketapath.trial_bench import in_order


def backwards(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
    """The last chunk first, given back in order."""
    listed = list(items)
    found = [function(item) for item in reversed(listed)]
    return iter(reversed(found))


def threads(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
    with ThreadPoolExecutor(3) as pool:
        yield from in_order(lambda item: pool.submit(function, item), items, ahead=4)


@pytest.mark.parametrize("mapper", [backwards, threads])
def test_the_result_does_not_depend_on_who_computes_it(mapper: Any) -> None:
    of = design(trials=300, n=[20, 40], dropout={"per_week": 0.05}, reference=50)
    assert len(list(chunks(of, POPULATION))) > 5
    assert run(of, KNOWLEDGE, POPULATION, mapper=mapper) == run(of, KNOWLEDGE, POPULATION)


def test_results_come_in_order_with_few_on_their_way() -> None:
    begun: list[int] = []

    def submit(item: int) -> Future[int]:
        begun.append(item)
        done: Future[int] = Future()
        done.set_result(item)
        return done

    for place, found in enumerate(in_order(submit, range(20), ahead=3)):
        assert found == place
        assert len(begun) <= place + 3
    assert begun == list(range(20))


def test_another_seed_is_another_result_and_the_same_seed_the_same() -> None:
    first, again, other = (run(design(trials=20, seed=s), KNOWLEDGE, POPULATION) for s in (1, 1, 2))
    assert first == again
    assert first.sizes != other.sizes


def test_a_trial_larger_than_a_chunk_comes_in_pieces_that_add_up() -> None:
    of = design(n=8000, trials=2, dropout={"per_week": 0.05}, reference=200)
    parts = list(chunks(of, POPULATION))
    assert [p.piece for p in parts] == [0, 1, 2, 3] * 2
    arms = run(of, KNOWLEDGE, POPULATION).sizes[0].arms
    assert all(arm.subjects.value == 8000 for arm in arms)
    small = run(replace(of, sizes=(800,)), KNOWLEDGE, POPULATION).sizes[0].arms
    for large, little in zip(arms, small, strict=True):
        # Both sizes have the same two studies, so the means differ by the chance of who is in them.
        error = little.endpoints[0].standard_error.value
        assert abs(large.endpoints[0].mean.value - little.endpoints[0].mean.value) < 3 * error
        assert large.endpoints[0].counted.value == pytest.approx(little.endpoints[0].counted.value, abs=0.05)


def test_random_allocation_gives_arms_of_different_sizes_and_the_same_total() -> None:
    shares = [{**arm, "share": share} for arm, share in zip(STATED["arms"], (2, 1), strict=True)]
    found = run(design(arms=shares, allocation="random", trials=200), KNOWLEDGE, POPULATION).sizes[0].arms
    assert found[0].subjects.error > 0.0
    assert found[0].subjects.value + found[1].subjects.value == pytest.approx(120)
    assert found[0].subjects.value == pytest.approx(80, abs=5 * found[0].subjects.error)


def test_progress_is_told_and_can_end_a_run() -> None:
    class StoppedError(Exception):
        """Somebody has seen enough."""

    told: list[tuple[int, int]] = []

    def stop_half_way(done: int, total: int) -> None:
        told.append((done, total))
        if done * 2 >= total:
            raise StoppedError

    of = design(trials=400, reference=0)
    with pytest.raises(StoppedError):
        run(of, KNOWLEDGE, POPULATION, progress=stop_half_way)
    assert 0.5 <= told[-1][0] / told[-1][1] < 0.8


@pytest.mark.parametrize("changes", [{"n": 50}, {"n": 50_000, "trials": 1}], ids=["many trials", "one large trial"])
def test_memory_is_flat_in_the_number_of_patients(changes: dict[str, Any]) -> None:
    few, many = (_peak(of) for of in _of_sizes(changes))
    assert many < 1.15 * few


def _of_sizes(changes: dict[str, Any]) -> tuple[Design, Design]:
    """10,000 and 100,000 patients."""
    if changes["n"] == 50:
        return design(**changes, trials=100), design(**changes, trials=1000)
    of = design(**changes | {"trials": 2})
    return replace(of, trials=1, sizes=(5000,)), replace(of, trials=1)


def _peak(of: Design) -> int:
    run(replace(of, trials=1, sizes=(20,)), KNOWLEDGE, POPULATION)  # what is loaded once is loaded
    tracemalloc.start()
    run(of, KNOWLEDGE, POPULATION)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_results_hold_no_array_of_the_subjects() -> None:
    found = run(design(trials=10), KNOWLEDGE, POPULATION)
    assert not any(isinstance(value, np.ndarray) for value in vars_of(found))


def vars_of(value: Any) -> Iterator[Any]:
    """Everything inside a frozen value."""
    yield value
    if isinstance(value, tuple):
        for one in value:
            yield from vars_of(one)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from vars_of(getattr(value, name))


ODD: tuple[Any, ...] = (None, [], "x", -1, 0.5, 1e308, float("nan"), True, {"a": 1}, [[1]])


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a tree of mappings and lists."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


@pytest.mark.parametrize("name", ["integration", "stop-by-posterior"])
def test_whatever_a_design_says_it_is_read_or_refused_by_name(name: str) -> None:
    whole = yaml.safe_load(next(path for path in READY if path.stem == name).read_bytes())
    for path in places(whole):
        for odd in ODD:
            changed: Any = copy.deepcopy([whole])
            within = changed
            for key in (0, *path)[:-1]:
                within = within[key]
            within[(0, *path)[-1]] = odd
            with contextlib.suppress(BadInput):
                read_design(json.dumps(changed[0]).encode(), KNOWLEDGE.response)
