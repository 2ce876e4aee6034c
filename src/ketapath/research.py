"""The commands for those who study response: predict-arm and fit. A part of cli, apart for its size."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

from ketapath.console import read, tell
from ketapath.errors import BadInput
from ketapath.knowledge import load

LEAST_DRAWS = 21  # source: twelve chains of two structures leave the 500 draws that a file needs
Command = Callable[[argparse.Namespace], int]
Add = Callable[[str, Command, str], argparse.ArgumentParser]


def add_commands(add: Add) -> None:
    """The commands, with their options, under the parser that `add` extends."""
    made = add("predict-arm", _predict_arm, "what would a new study of this arm observe?")
    made.epilog = (
        "The fields of FILE stand in knowledge/FORMAT.md, 'A trial arm'; examples/arms/repeated-infusions.yaml and its "
        "control, examples/arms/midazolam.yaml, are an arm to start from."
    )
    made.add_argument("file", metavar="FILE", help="the arm as YAML; - for standard input")
    words = "another arm of the same study, with the same outcomes or none; the outcomes are differences"
    made.add_argument("--against", metavar="FILE", help=words)
    words = "draws of the parameters from the clinic's own patients (FORMAT.md) instead of the literature's"
    made.add_argument("--prior", type=Path, metavar="FILE", help=words)
    made.add_argument("--seed", type=int, default=0, help="seed of every simulation (0)")

    made = add("fit", _fit, "fit the response model to the outcome table (needs the research tools; half an hour)")
    made.add_argument("what", choices=("population",), help="the parameters of all studies together")
    made.add_argument("--to", type=Path, metavar="FOLDER", help="where to write; the package's own folder if not given")
    made.add_argument("--leave-out-each", action="store_true", help="leave each study out in turn (hours)")
    made.add_argument("--draws", type=int, default=200, help="draws of each of the twelve chains of a structure (200)")
    made.add_argument("--seed", type=int, default=20)


def _predict_arm(arguments: argparse.Namespace) -> int:
    from ketapath import report
    from ketapath.response import predict_arm, read_arm
    from ketapath.response.prior import population

    _at_least("--seed", arguments.seed, 0)
    knowledge = load()
    scales = knowledge.response["trial_scales"]
    asked = read_arm(read(arguments.file), scales)
    against = None if arguments.against is None else read_arm(read(arguments.against), scales, beside=asked)
    draws = population(knowledge.response, arguments.prior)
    found = predict_arm(asked, against, draws, knowledge, seed=arguments.seed)
    tell(arguments, report.arm_json(found, knowledge), report.arm_text(found, knowledge))
    return 0


def _fit(arguments: argparse.Namespace) -> int:
    from ketapath.response.fitting import fit_population

    _at_least("--seed", arguments.seed, 0)
    _at_least("--draws", arguments.draws, LEAST_DRAWS)
    knowledge = load()
    for line in fit_population(
        knowledge.response,
        on=date.today(),
        to=arguments.to,
        leave_out_each=arguments.leave_out_each,
        draws=arguments.draws,
        seed=arguments.seed,
        tell=_progress,
    ):
        print(line, flush=True)
    return 0


def _at_least(option: str, found: int, least: int) -> None:
    if found < least:
        raise BadInput(field=option, found=found, limit=f"{least} or more", next_step="Choose another number.")


def _progress(line: str) -> None:
    """How far a chain is, with the time, on the other stream."""
    print(f"{datetime.now():%H:%M:%S} {line}", file=sys.stderr, flush=True)
