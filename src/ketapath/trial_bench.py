"""The command for those who plan trials: trial. A part of cli, apart for its size; the only place that knows dask."""

from __future__ import annotations

import argparse
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ketapath import __version__
from ketapath.console import print_json, read, write
from ketapath.errors import BadInput, BadUsage
from ketapath.knowledge import load

if TYPE_CHECKING:
    from ketapath.cohort import Design, Mapper, Progress

Command = Callable[[argparse.Namespace], int]
Add = Callable[[str, Command, str], argparse.ArgumentParser]
MOST_WORKERS = 256  # source: our choice
_AHEAD = 2
"""Chunks that wait for each worker, so that none is idle and none is far ahead of the sums."""
_PATIENCE_S = 10  # source: our choice
_BAR = 30  # source: our choice; signs
Item = TypeVar("Item")
Found = TypeVar("Found", covariant=True)


def add_commands(add: Add) -> None:
    """The command, with its options, under the parser that `add` extends."""
    made = add("trial", _trial, "what would a trial of this design find? Virtual patients, with Monte-Carlo errors")
    made.epilog = (
        "The fields of DESIGN stand in knowledge/FORMAT.md, 'A simulated trial'; cohort/designs/ has ready ones, such "
        "as twice-or-thrice. The result is the same whatever the workers."
    )
    words = "the design as YAML, or the name of a ready one; - for standard input"
    made.add_argument("design", metavar="DESIGN", help=words)
    made.add_argument("--trials", type=int, help="trials of each size, instead of the design's")
    made.add_argument("--seed", type=int, help="instead of the design's")
    made.add_argument("--truth", metavar="TRUTH", help="model, null, fading, leaving or two-kinds, instead of its own")
    made.add_argument("--workers", metavar="KIND:N", help="threads:N or processes:N on this machine (one process)")
    made.add_argument("--scheduler", metavar="ADDRESS", help="tcp://host:port of a dask.distributed scheduler")
    made.add_argument("--html", type=Path, metavar="FILE", help="also write a page with charts")
    words = "write what will be run and looked at, before it is; Markdown, or JSON where FILE ends in .json"
    made.add_argument("--preregister", type=Path, metavar="FILE", help=words)


def _trial(arguments: argparse.Namespace) -> int:
    from ketapath import report
    from ketapath.cohort import changed, read_design, run
    from ketapath.response.prior import population

    if arguments.workers and arguments.scheduler:
        raise BadUsage("--workers and --scheduler: only one of them")
    knowledge = load()
    design = changed(
        read_design(_file(arguments.design), knowledge.response),
        trials=arguments.trials,
        seed=arguments.seed,
        truth=arguments.truth,
        prefix="--",
    )
    draws = population(knowledge.response)
    if arguments.preregister:
        _preregister(arguments.preregister, design, knowledge, draws.provenance)
    start = time.perf_counter()
    with mapper_of(arguments) as mapper, _bar(arguments) as progress:
        found = run(design, knowledge, draws, mapper=mapper, progress=progress)
    seconds = time.perf_counter() - start
    if arguments.html:
        write(arguments.html, report.trial_html(found, knowledge).encode())
    form, words = report.trial_json(found, knowledge), report.trial_text(found, knowledge)
    if found.asks_posterior:
        rate = 60.0 * found.patients / seconds
        form["rate"] = {"patients_per_minute": round(rate, 1), "seconds": round(seconds, 1)}
        words += f"\nA rule asked the posterior: {rate:.0f} patients a minute here ({seconds:.0f} s)."
    if arguments.json:
        print_json(form)
    else:
        print(words)
    return 0


def _file(name: str) -> bytes:
    """The file of this name, or the ready design that is called so where there is no such file."""
    from ketapath.cohort import ready

    found = None if Path(name).exists() else ready().get(name)
    return read(name) if found is None else found


def _preregister(path: Path, design: Design, knowledge: Any, parameters: Any) -> None:
    import json

    from ketapath import report

    if path.suffix == ".json":
        form = report.registration_json(design, knowledge, parameters, on=date.today())
        write(path, json.dumps(form, indent=1, ensure_ascii=False).encode() + b"\n")
    else:
        write(path, report.registration(design, knowledge, parameters, on=date.today()).encode())


class _Future(Protocol[Found]):
    """What a pool and a scheduler both give."""

    def result(self) -> Found:
        """Wait for it."""


def in_order(submit: Callable[[Item], _Future[Found]], items: Iterable[Item], *, ahead: int) -> Iterator[Found]:
    """The results in the order of the items, with at most so many on their way: memory stays flat."""
    waiting: deque[_Future[Found]] = deque()
    for item in items:
        waiting.append(submit(item))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@contextmanager
def mapper_of(arguments: argparse.Namespace) -> Iterator[Mapper]:
    """What the options `scheduler` and `workers` ask for; one process where both are None."""
    if arguments.scheduler:
        with _distributed(arguments.scheduler) as mapper:
            yield mapper
    elif arguments.workers:
        with _local(arguments.workers) as mapper:
            yield mapper
    else:
        yield map


@contextmanager
def _local(words: str) -> Iterator[Mapper]:
    """Threads or processes of this machine; what has not begun is dropped when a run ends early."""
    import multiprocessing
    from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

    kind, _, number = words.partition(":")
    if kind not in ("threads", "processes") or not number.isdecimal() or not 1 <= int(number) <= MOST_WORKERS:
        raise _bad("--workers", words, f"threads:N or processes:N with N from 1 to {MOST_WORKERS}")
    count = int(number)
    pool: Executor = (
        ThreadPoolExecutor(count)
        if kind == "threads"
        else ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"))
    )
    try:
        yield lambda function, items: in_order(lambda item: pool.submit(function, item), items, ahead=_AHEAD * count)
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _distributed(address: str) -> Iterator[Mapper]:
    """Workers of a scheduler, on whatever machines; a worker that is lost has its chunks done again by another."""
    try:
        from distributed import Client
    except ImportError as problem:
        raise BadUsage("--scheduler needs the research tools: pip install 'ketapath[research]'") from problem
    try:
        client = Client(address, timeout=_PATIENCE_S, set_as_default=False)
    except (OSError, ValueError) as problem:
        raise _bad("--scheduler", address, "the address of a scheduler that answers, tcp://host:port") from problem
    with client:
        if not client.nthreads():
            raise _bad("--scheduler", address, "a scheduler that has workers")
        others = set(client.run(_code_version).values()) - {__version__}
        if others:
            raise _bad("--scheduler", ", ".join(map(str, others)), f"workers with version {__version__}, as here")
        ahead = _AHEAD * max(sum(client.nthreads().values()), _AHEAD)
        yield lambda function, items: in_order(
            lambda item: client.submit(function, item, pure=False), items, ahead=ahead
        )


def _code_version() -> str:
    """Runs on a worker: other code would give other figures without a word."""
    return __version__


@contextmanager
def _bar(arguments: argparse.Namespace) -> Iterator[Progress | None]:
    """A bar on a terminal; nothing where nobody looks."""
    if not sys.stderr.isatty() or (arguments.json and not sys.stdout.isatty()):
        yield None
        return

    def show(done: int, total: int) -> None:
        filled = _BAR * done // total
        sys.stderr.write(f"\r[{'#' * filled}{'.' * (_BAR - filled)}] {done:,} of {total:,} trials")
        sys.stderr.flush()

    try:
        yield show
    finally:
        sys.stderr.write("\n")


def _bad(field: str, found: object, limit: str) -> BadInput:
    return BadInput(field=field, found=found, limit=f"needed is {limit}", next_step="Correct it and try again.")
