"""The command `ketapath`: what a clinician, a script or a test calls. The only place with a clock and files.

Exit codes: 0 done; 1 findings that the caller asked to fail on; 2 bad usage; 3 bad input; 4 knowledge error;
5 numerical failure. An error is one short paragraph on standard error, never a traceback.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from ketapath import bench, research, trial_bench
from ketapath.console import MAX_BYTES, print_json, read, tell, write
from ketapath.domain.clinic import Clinic
from ketapath.errors import BadInput, BadUsage, KetapathError
from ketapath.knowledge import Knowledge, load
from ketapath.knowledge.schema import JURISDICTIONS

EXAMPLES = Path(__file__).parents[2] / "examples" / "patients"
"""The example people; there only where the command runs out of the repository."""
ASSUMED = ("clinic.rems_certified",)
"""What the command line takes for granted of the clinic that it does not know."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the return value is the exit code."""
    arguments = _parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        code = command(arguments)
        sys.stdout.flush()
    except KetapathError as problem:
        print(f"ketapath: {problem}", file=sys.stderr)
        return problem.exit_code
    except BrokenPipeError:
        # The reader has gone (for example `| head`). Nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ketapath",
        description="Tailors ketamine and esketamine treatment to one person. Supports clinicians; never commands.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[argparse.Namespace], int], words: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=words, description=words)
        made.set_defaults(command=command)
        made.add_argument("--json", action="store_true", help="machine-readable output")
        return made

    for name, command, words in (
        ("assess", _assess, "is ketamine right for this person today, and what else is?"),
        ("plan", _plan, "which options are open, with dose, days, support, benefit and harm?"),
        ("update", _update, "how does the course go, and what next?"),
        ("biomarkers", _biomarkers, "what is on record about markers, and does any of it change the plan?"),
        ("worth", _worth, "which test, scale or question would change the first option, how often, and what for?"),
    ):
        made = add(name, command, words)
        made.add_argument(
            "bundle", metavar="BUNDLE", help="a FHIR R4 Bundle (.json, .json.gz, or - for standard input)"
        )
        made.add_argument("--jurisdiction", default="US", help=f"one of {', '.join(JURISDICTIONS)} (US)")
        made.add_argument("--routes", default="iv,nasal", help="by which the clinic treats (iv,nasal)")
        made.add_argument("--prices", metavar="FILE", help="what the clinic charges (docs/how-to/run.md)")
        made.add_argument("--on", type=_day, default=None, metavar="DATE", help="the day to plan for (today)")
        made.add_argument("--policy", metavar="FILE", help="what the clinic approved (docs/how-to/approve.md)")
        made.add_argument("--seed", type=int, default=0, help="seed of every simulation (0)")
        if name not in ("biomarkers", "worth"):
            made.add_argument("--html", type=Path, metavar="FILE", help="also write a page")
        if name == "update":
            words = "draws of the parameters from the clinic's own patients (FORMAT.md) instead of the literature's"
            made.add_argument("--prior", metavar="FILE", help=words)
            made.add_argument("--exposure", action="store_true", help="also what was given so far and what is due")
        if name == "worth":
            words = "how common a yes is, such as diagnosis.ptsd=0.05; may be repeated"
            made.add_argument("--share", type=_share, action="append", default=[], metavar="FACT=SHARE", help=words)
        if name in ("assess", "plan"):
            made.add_argument("--pdf", type=Path, metavar="FILE", help="also write a PDF")

    made = add("screen", _screen, "what do screening answers say? Screening, not a diagnosis")
    made.add_argument("bundle", metavar="BUNDLE", help="a FHIR R4 Bundle (.json, .json.gz, or - for standard input)")
    # Read by _person; no screen depends on them.
    made.set_defaults(jurisdiction=JURISDICTIONS[0], routes="iv,nasal", prices=None)
    made.add_argument("--on", type=_day, default=None, metavar="DATE", help="the day to screen for (today)")
    made.add_argument("--policy", metavar="FILE", help="what the clinic approved (docs/how-to/approve.md)")
    made.add_argument("--seed", type=int, default=0, help="seed of every simulation (0)")
    words = "how common a condition is before the answer, such as bipolar=0.1-0.3; may be repeated"
    made.add_argument("--pretest", type=_pretest, action="append", default=[], metavar="CONDITION=LOW-HIGH", help=words)

    bench.add_commands(add)
    research.add_commands(add)
    trial_bench.add_commands(add)

    made = add("score", _score, "total, severity and alerts of a questionnaire")
    made.add_argument("instrument", metavar="INSTRUMENT", help="phq9, gad7 or pcl5")
    made.add_argument("--answers", type=_answers, required=True, metavar="1,2,,0", help="empty means missing")

    made = add("claims", _claims, "which claims does a text for patients make, and what would be honest?")
    made.add_argument("file", metavar="FILE", help="plain text or HTML in UTF-8; - for standard input")

    made = add("knowledge", _knowledge, "the cited rules, sources, models and instruments")
    made.add_argument("what", choices=("check", "list", "show", "impact", "schema"))
    made.add_argument("name", nargs="?", metavar="ID", help="of a rule, source, ...; a kind of file for schema")
    words = "impact: also the plans of the records in this folder (examples/patients where it is)"
    made.add_argument("--plans", type=Path, metavar="FOLDER", help=words)
    return parser


def _assess(arguments: argparse.Namespace) -> int:
    from ketapath import journey, report

    knowledge, clinic, someone = _person(arguments)
    candidacy = journey.assessed(someone, clinic, knowledge)
    if arguments.html:
        write(arguments.html, report.candidacy_html(candidacy, someone, knowledge).encode())
    if arguments.pdf:
        write(arguments.pdf, report.candidacy_pdf(candidacy, someone, knowledge))
    tell(
        arguments,
        report.candidacy_json(candidacy, someone, knowledge) | {"assumed": list(ASSUMED)},
        f"{report.candidacy_text(candidacy, someone, knowledge)}\n{_assumed(knowledge)}",
    )
    return 0


def _plan(arguments: argparse.Namespace) -> int:
    from ketapath import journey, report

    knowledge, clinic, someone = _person(arguments)
    plan = journey.planned(someone, clinic, knowledge, seed=arguments.seed)
    if arguments.html:
        write(arguments.html, report.plan_html(plan, someone, knowledge).encode())
    if arguments.pdf:
        write(arguments.pdf, report.plan_pdf(plan, someone, knowledge))
    if arguments.json:
        print_json(report.plan_json(plan, someone, knowledge) | {"assumed": list(ASSUMED)})
    else:
        print(report.plan_text(plan, someone, knowledge))
        print(_assumed(knowledge))
    return 0


def _update(arguments: argparse.Namespace) -> int:
    from ketapath import journey, report
    from ketapath.followup import exposure
    from ketapath.response.prior import population

    knowledge, clinic, someone = _person(arguments)
    own = population(knowledge.response, Path(arguments.prior)) if arguments.prior else None
    _, course, card = journey.treated(someone, clinic, knowledge, seed=arguments.seed, own_prior=own)
    if arguments.html:
        write(arguments.html, report.course_html(course, card, someone, knowledge).encode())
    ledger = exposure(someone, clinic, knowledge)
    words = report.course_text(course, card, someone, knowledge)
    if arguments.exposure:
        words += f"\n\n{report.exposure_text(ledger, knowledge)}"
    form = report.course_json(course, card, someone, knowledge)
    tell(arguments, form | {"exposure": report.exposure_json(ledger, knowledge)}, words)
    return 0


def _screen(arguments: argparse.Namespace) -> int:
    from ketapath import report
    from ketapath.screening import screen

    knowledge, _, someone = _person(arguments)
    found = screen(someone, knowledge, pretest=dict(arguments.pretest), seed=arguments.seed)
    tell(
        arguments,
        report.screening_json(found, someone, knowledge, seed=arguments.seed),
        report.screening_text(found, someone, knowledge),
    )
    return 0


def _biomarkers(arguments: argparse.Namespace) -> int:
    from ketapath import report
    from ketapath.biomarkers import biomarkers

    knowledge, clinic, someone = _person(arguments)
    views = biomarkers(someone, knowledge, clinic, seed=arguments.seed)
    tell(
        arguments,
        report.biomarkers_json(views, someone, knowledge),
        report.biomarkers_text(views, someone, knowledge),
    )
    return 0


def _worth(arguments: argparse.Namespace) -> int:
    from ketapath import journey, report
    from ketapath.plan.worth import worth_ordering

    knowledge, clinic, someone = _person(arguments)
    shares = dict(arguments.share)
    wrong = next((path for path in shares if path not in knowledge.paths or knowledge.paths[path].type != "bool"), None)
    if wrong is not None:
        raise BadInput(
            field="--share",
            found=wrong,
            limit="a fact that is yes or no",
            next_step="See src/ketapath/knowledge/profile.",
        )
    plan = journey.planned(someone, clinic, knowledge, seed=arguments.seed)
    found = worth_ordering(someone, plan, clinic, knowledge, seed=arguments.seed, shares=shares)
    tell(
        arguments,
        report.worth_json(found, someone, knowledge) | {"assumed": list(ASSUMED)},
        f"{report.worth_text(found, someone, knowledge)}\n{_assumed(knowledge)}",
    )
    return 0


def _score(arguments: argparse.Namespace) -> int:
    from ketapath.measurement import score
    from ketapath.report import say

    knowledge = load()
    instrument = knowledge.instruments.get(arguments.instrument.lower().replace("-", ""))
    if instrument is None:
        raise BadInput(
            field="INSTRUMENT",
            found=arguments.instrument,
            limit=f"one of {', '.join(sorted(n for n, i in knowledge.instruments.items() if 'items' in i))}",
            next_step="Choose an instrument that can be scored.",
        )
    result = score(instrument, arguments.answers)
    alerts = [say(alert, knowledge.texts) for alert in result.alerts]
    form = {"total": result.total, "severity": result.severity, "missing": list(result.missing), "alerts": alerts}
    total = "no total" if result.total is None else f"{result.total:g} ({result.severity})"
    lines = [f"{instrument['title']}: {total}"]
    lines += [f"missing: {', '.join(result.missing)}; a total needs every item"] if result.missing else []
    tell(arguments, form, "\n".join(lines + alerts))
    return 0


def _claims(arguments: argparse.Namespace) -> int:
    from ketapath import report
    from ketapath.education import check_claims, looks_like_html

    text = _text(read(arguments.file))
    is_page = arguments.file.lower().endswith((".html", ".htm", ".xhtml")) or looks_like_html(text)
    knowledge = load()
    found = check_claims(text, knowledge, form="html" if is_page else "text")
    tell(arguments, report.claims_json(found, knowledge), report.claims_text(found, text, knowledge))
    return 1 if found.claims else 0


def _text(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise BadInput(
            field="file", found=f"{len(data)} bytes", limit="at most 64 MiB", next_step="Send a smaller text."
        )
    try:
        text = data.decode()
    except UnicodeDecodeError as problem:
        raise BadInput(
            field="file",
            found=f"byte {data[problem.start]:#04x} at {problem.start}",
            limit="text in UTF-8",
            next_step="Save it as UTF-8.",
        ) from problem
    if "\0" in text:
        raise BadInput(field="file", found="a NUL character", limit="text in UTF-8", next_step="Save it as text.")
    return text


def _knowledge(arguments: argparse.Namespace) -> int:
    from ketapath.knowledge.listing import listing, shown

    knowledge = load()
    if arguments.what in ("show", "impact") and not arguments.name:
        raise BadUsage(f"knowledge {arguments.what} needs an ID; `ketapath knowledge list` shows them")
    if arguments.what == "check":
        return _check(arguments, knowledge)
    if arguments.what == "list":
        items = listing(knowledge)
        tell(arguments, {"items": items}, "\n".join(f"{i['id']:42} {i['kind']:11} {i['title']}" for i in items))
        return 0
    if arguments.what == "show":
        record = shown(knowledge, arguments.name)
        if record is None:
            raise _no_such("ID", arguments.name)
        tell(arguments, record, json.dumps(record, indent=2, ensure_ascii=False))
        return 0
    return _impact(arguments, knowledge) if arguments.what == "impact" else _schema(arguments)


def _impact(arguments: argparse.Namespace, knowledge: Knowledge) -> int:
    from ketapath.knowledge import documents
    from ketapath.knowledge.impact import impact

    source = arguments.name
    if source not in knowledge.sources:
        raise _no_such("SOURCE", source)
    rests: dict[str, list[str] | None] = {**impact(documents(), source)}
    folder = arguments.plans or EXAMPLES
    if arguments.plans and not folder.is_dir():
        raise BadInput(field="--plans", found=str(folder), limit="a folder", next_step="Name one with records.")
    rests["plan"] = _plans_on(source, folder, knowledge) if folder.is_dir() else None
    lines = [f"{kind}: {', '.join(ids)}" for kind, ids in rests.items() if ids]
    if rests["plan"] is None:
        lines.append("plan: not looked at; name a folder of records with --plans")
    tell(arguments, {"source": source, "rests_on_it": rests}, "\n".join(lines) or "Nothing rests on it.")
    return 0


def _plans_on(source: str, folder: Path, knowledge: Knowledge) -> list[str]:
    """The records of this folder whose plan, on the last day that they state something of, rests on the source."""
    from ketapath import journey, report

    found = []
    for file in sorted(folder.glob("*.json")):
        someone = journey.person_at_last(read(str(file)), knowledge, today=date.today())
        plan = journey.planned(someone, Clinic(), knowledge, seed=0)
        if report.rests_on(report.plan_json(plan, someone, knowledge), source):
            found.append(file.stem)
    return found


def _schema(arguments: argparse.Namespace) -> int:
    from ketapath.knowledge.json_schema import KINDS, schema

    if arguments.name not in KINDS:
        raise BadUsage(f"knowledge schema needs one of: {', '.join(KINDS)}")
    print_json(schema(arguments.name))
    return 0


def _check(arguments: argparse.Namespace, knowledge: Knowledge) -> int:
    from ketapath.education import claims_in
    from ketapath.knowledge.cases import check
    from ketapath.pharmacology.worked import worked

    found = check(knowledge, today=date.today(), claims_in=claims_in, worked=worked)
    form = {
        "rules": found.rules,
        "claims": found.claims,
        "cards": found.cards,
        "models": found.models,
        "cases": found.cases,
        "sources": found.sources,
        "problems": list(found.problems),
        "warnings": list(found.warnings),
    }
    counts = f"{found.rules} rules, {found.cards} cards, {found.claims} claims, {found.models} drug models"
    lines = [f"{counts}, {found.cases} cases, {len(found.problems)} problems"]
    tell(arguments, form, "\n".join([*lines, *found.problems, *found.warnings]))
    return 4 if found.problems else 0


def _assumed(knowledge: Knowledge) -> str:
    return "Assumed of the clinic: " + "; ".join(knowledge.paths[path].label for path in ASSUMED)


def _no_such(field: str, found: str) -> BadInput:
    return BadInput(
        field=field,
        found=found,
        limit="an id that exists",
        next_step="`ketapath knowledge list` shows all ids.",
    )


def _person(arguments: argparse.Namespace) -> tuple[Knowledge, Clinic, Any]:
    from ketapath.journey import person
    from ketapath.knowledge.formulary import read_prices, read_routes
    from ketapath.knowledge.policy import read_policy, under_policy

    if arguments.jurisdiction not in JURISDICTIONS:
        raise BadInput(
            field="--jurisdiction",
            found=arguments.jurisdiction,
            limit=f"one of {', '.join(JURISDICTIONS)}",
            next_step="Choose one of these.",
        )
    if arguments.seed < 0:
        raise BadInput(field="--seed", found=arguments.seed, limit="0 or more", next_step="Choose another seed.")
    knowledge = load()
    approvals = read_policy(read(arguments.policy), knowledge) if arguments.policy else {}
    knowledge = under_policy(knowledge, approvals)
    # The command line knows no clinic; that it is certified for the spray is assumed, and the output says so.
    currency, prices = read_prices(read(arguments.prices), knowledge) if arguments.prices else (None, {})
    clinic = Clinic(
        jurisdiction=arguments.jurisdiction, routes=read_routes(arguments.routes, knowledge), rems_certified=True,
        currency=currency, prices=prices, approvals=approvals,
    )  # fmt: skip
    return knowledge, clinic, person(read(arguments.bundle), knowledge, as_of=arguments.on or date.today())


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(f"{text!r} is no day such as 2026-11-24") from problem


def _pretest(text: str) -> tuple[str, tuple[float, float]]:
    try:
        name, found = text.split("=")
        low, high = (float(part) for part in found.split("-"))
    except ValueError as problem:
        raise argparse.ArgumentTypeError("a condition and a range are needed, such as bipolar=0.1-0.3") from problem
    return name, (low, high)


def _share(text: str) -> tuple[str, float]:
    name, _equals, said = text.partition("=")
    try:
        found = float(said)
    except ValueError:
        found = -1.0
    if not 0.0 <= found <= 1.0:
        raise argparse.ArgumentTypeError("a fact and a share of 1 are needed, such as diagnosis.ptsd=0.05")
    return name, found


def _answers(text: str) -> tuple[int | None, ...]:
    try:
        return tuple(int(part) if part.strip() else None for part in text.split(","))
    except ValueError as problem:
        raise argparse.ArgumentTypeError("whole numbers separated by commas; empty for missing") from problem


if __name__ == "__main__":
    sys.exit(main())
