"""`ketapath trial` as somebody who plans a trial sees it, alone and on a scheduler whose worker dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.courses import KNOWLEDGE, POPULATION
from tests.designs import READY, design, stated

from ketapath.cli import main
from ketapath.cohort import run
from ketapath.report.trial_page import arms_panel, power_panel
from ketapath.trial_bench import _file, mapper_of

DESIGN = str(next(p for p in READY if p.stem == "twice-or-thrice"))
QUICK = ("--trials", "20")


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main(["trial", DESIGN, *QUICK, *arguments, "--json"]) == 0
    said = capsys.readouterr()
    assert said.err == ""  # nobody looks, so there is no bar
    return json.loads(said.out)


def test_every_figure_comes_with_its_monte_carlo_error(capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys)
    assert found["trials"] == 20
    assert [size["size"] for size in found["sizes"]] == [30, 60, 120]
    for size in found["sizes"]:
        for one in size["contrasts"]:
            for name in ("estimate", "bias", "coverage", "rejected", "true", "standard_error"):
                assert set(one[name]) == {"value", "error"}
                assert one[name]["error"] >= 0
        for arm in size["arms"]:
            assert {"sessions", "mg", "left", "missed", "past_180"} <= set(arm)
    assert "rate" not in found
    assert any(note.startswith("Every subject is virtual") for note in found["notes"])


def test_the_result_is_the_same_in_threads_and_in_processes(capsys: pytest.CaptureFixture[str]) -> None:
    alone = told(capsys)
    assert told(capsys, "--workers", "threads:3") == alone
    assert told(capsys, "--workers", "processes:1") == alone


def test_seed_and_truth_of_the_command_line_stand_before_those_of_the_design(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = told(capsys, "--seed", "9", "--truth", "null")
    assert (found["seed"], found["truth"]) == (9, "null")
    assert found["sizes"][0]["contrasts"][0]["true"]["value"] == 0
    assert main(["trial", DESIGN, *QUICK, "--truth", "null"]) == 0
    assert "type-I error" in capsys.readouterr().out


def test_the_registration_is_written_before_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, form = tmp_path / "plan.md", tmp_path / "plan.json"
    for file in (page, form):
        told(capsys, "--preregister", str(file), "--seed", "3")
    text = Path(DESIGN).read_text()
    assert text in page.read_text()
    assert "- Seed: 3" in page.read_text()
    assert json.loads(form.read_text())["design"] == text
    with pytest.raises(SystemExit):
        main(["trial"])


def test_a_design_that_asks_the_posterior_states_its_rate(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    slow = next(p for p in READY if p.stem == "stop-by-posterior").read_text()
    file = tmp_path / "slow.yaml"
    file.write_text(slow.replace("n: 50", "n: 8").replace("reference: 50", "reference: 0"))
    assert main(["trial", str(file), "--trials", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rate"]["patients_per_minute"] > 0
    assert main(["trial", str(file), "--trials", "2"]) == 0
    assert "patients a minute" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "field"),
    [
        (("--trials", "1"), 3, "--trials"),
        (("--seed", "-1"), 3, "--seed"),
        (("--truth", "hope"), 3, "--truth"),
        (("--workers", "threads"), 3, "--workers"),
        (("--workers", "threads:0"), 3, "--workers"),
        (("--workers", "threads:2", "--scheduler", "tcp://127.0.0.1:1"), 2, "--workers"),
        (("--preregister", "no/such/folder/plan.md"), 3, "output file"),
    ],
)
def test_what_cannot_be_run_is_refused_in_a_sentence(
    arguments: tuple[str, ...], code: int, field: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trial", DESIGN, *arguments]) == code
    assert field in capsys.readouterr().err


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers, three processes of their own on this machine."""
    pytest.importorskip("distributed")
    file = tmp_path / "scheduler.json"
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "error",
    }
    told = ["--scheduler-file", str(file), "--no-dashboard"]

    def start(what: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *told, *options]
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    scheduler = start("scheduler", "--host", "127.0.0.1", "--port", "0")
    workers = [start("worker", "--nthreads", "1", "--no-nanny", "--host", "127.0.0.1") for _ in range(2)]
    try:
        yield _address(file, workers=2), workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


def _address(file: Path, *, workers: int) -> str:
    """Where the scheduler listens, once its workers are there."""
    from distributed import Client

    end = time.monotonic() + 60
    while not file.exists() or not file.read_text():
        assert time.monotonic() < end, "the scheduler did not start"
        time.sleep(0.1)
    address: str = json.loads(file.read_text())["address"]
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(workers, timeout=60)
    return address


@pytest.mark.slow
def test_a_worker_that_is_killed_in_the_middle_changes_nothing(
    cluster: tuple[str, list[subprocess.Popen[bytes]]], capsys: pytest.CaptureFixture[str]
) -> None:
    address, workers = cluster
    of = design(trials=2000, n=[20, 40], dropout={"per_week": 0.05}, reference=20)
    heard: list[int] = []

    def kill_one(done: int, total: int) -> None:
        heard.append(done)
        if len(heard) == 3:
            assert done < total / 2
            workers[0].send_signal(signal.SIGKILL)
            workers[0].wait()

    with mapper_of(Namespace(scheduler=address, workers=None)) as mapper:
        found = run(of, KNOWLEDGE, POPULATION, mapper=mapper, progress=kill_one)
    assert workers[0].poll() == -signal.SIGKILL
    assert workers[1].poll() is None
    assert found == run(of, KNOWLEDGE, POPULATION)
    assert told(capsys, "--scheduler", address) == told(capsys)  # and the worker that is left goes on


def test_a_scheduler_that_does_not_answer_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("distributed")
    assert main(["trial", DESIGN, "--scheduler", "nonsense://x"]) == 3
    assert "--scheduler" in capsys.readouterr().err


def test_a_design_on_standard_input_is_read_too() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ketapath", "trial", "-", "--trials", "4"],
        input=stated(),
        capture_output=True,
        check=True,
    )
    assert done.stdout.startswith(b"Six infusions against one")


def test_the_page_draws_power_and_arms_with_their_tables(tmp_path: Path) -> None:
    page = tmp_path / "trial.html"
    assert main(["trial", DESIGN, *QUICK, "--html", str(page)]) == 0
    text = page.read_text()
    found = run(design(trials=20), KNOWLEDGE, POPULATION)
    assert text.count("<svg") == 6  # power and arms of three endpoints
    assert text.count("<table>") == 6  # power of three endpoints, arms of three sizes
    assert "Every subject is virtual" in text
    assert "<script" not in text
    panel = power_panel(found, found.sizes[0].contrasts[0].endpoint)
    assert [dot.y for dot in panel.dots] == [100 * found.sizes[0].contrasts[0].rejected.value]
    arms = arms_panel(found.sizes[0], found.sizes[0].contrasts[0].endpoint)
    assert [dot.y for dot in arms.dots] == [arm.endpoints[0].mean.value for arm in found.sizes[0].arms]
    assert arms.y_from <= min(dot.y - dot.error for dot in arms.dots)


@pytest.mark.parametrize("path", READY, ids=lambda p: p.stem)
def test_a_ready_design_is_known_by_its_name_and_a_file_of_that_name_comes_first(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _file(path.stem) == path.read_bytes()
    Path(path.stem).write_bytes(stated())
    assert _file(path.stem) == stated()
    assert main(["trial", "no-such-design"]) != 0
    assert "no-such-design" in capsys.readouterr().err
