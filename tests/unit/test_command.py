"""The command as a script sees it: exit codes, stable JSON, files written whole."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.command import run
from tests.records import KNOWLEDGE, days_ago, good_record, infusion, phq9, spread

from ketapath.response.prior import starting_draws, written

ON = ("--on", "2026-11-24")


def answer(*arguments: str, data: bytes = b"") -> Any:
    done = run(*arguments, "--json", data=data)
    assert done.returncode == 0, done.stderr.decode()

    def no_constant(text: str) -> Any:
        raise AssertionError(text)

    return json.loads(done.stdout, parse_constant=no_constant)


def test_assess_has_the_promised_fields() -> None:
    found = answer("assess", "-", *ON, data=good_record(history__aneurysm=True))
    assert found["candidacy"]["verdict"] == "not-eligible"
    for finding in found["candidacy"]["findings"]:
        assert {"id", "verdict", "statement", "action", "evidence", "facts"} <= set(finding)
        assert finding["evidence"]
        assert "{" not in finding["statement"]
    assert {"patient", "alternatives"} <= set(found)


def test_a_rule_without_a_published_source_says_so() -> None:
    found = answer("assess", "-", *ON, data=good_record(history__porphyria=True))
    rule = next(f for f in found["candidacy"]["findings"] if f["id"] == "CON-032")
    assert [(e["kind"], e["approved_by"]) for e in rule["evidence"]] == [("site-default", None)]


def test_plan_has_options_and_the_reason_where_there_are_fewer_than_two() -> None:
    found = answer("plan", "-", *ON, data=good_record())
    assert {o["product"] for o in found["options"]} == {"esketamine", "racemic"}
    for option in found["options"]:
        assert {"product", "route", "dose_mg", "schedule", "psychotherapy", "support", "monitoring"} <= set(option)
        assert {"benefit", "harm", "basis"} <= set(option)
    assert answer("plan", "-", *ON, data=good_record(history__aneurysm=True))["no_options_reason"]


@pytest.mark.parametrize("command", ["plan", "assess"])
def test_a_page_and_a_pdf_are_written(command: str, tmp_path: Path) -> None:
    page, document = tmp_path / "plan.html", tmp_path / "plan.pdf"
    assert run(command, "-", *ON, "--html", str(page), "--pdf", str(document), data=good_record()).returncode == 0
    assert page.read_text().lower().startswith("<!doctype html>")
    assert document.read_bytes().startswith(b"%PDF")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["plan.html", "plan.pdf"]


def test_update_without_scores_gives_the_prior_and_with_worse_scores_shows_worsening() -> None:
    doses = [infusion(days_ago(d)) for d in (17, 14, 10)]
    before = phq9(spread(15), on=days_ago(18))
    worse = answer("update", "-", *ON, data=good_record(*doses, before, phq9(spread(25), on=days_ago(1))))
    assert worse["curve"]["p50"][-1] > 15
    assert worse["card"]["decision"] in ("continue", "adjust", "add", "pause", "stop")
    assert worse["diagnostics"]["ok"] in (True, False)


def test_update_takes_a_clinics_own_draws_says_whose_they_are_and_refuses_another_file(tmp_path: Path) -> None:
    draws = starting_draws(KNOWLEDGE.response, np.random.default_rng(1), 600)
    draws["half_life_days"] = draws["half_life_days"] / 4
    about = {"provenance": "this clinic", "version": "2026-11", "seed": 1, "data_digest": "", "diagnostics": {}}
    own, broken = tmp_path / "own.npz", tmp_path / "broken.npz"
    own.write_bytes(written(draws, about))
    broken.write_bytes(b"no archive")
    data = good_record(infusion(days_ago(2)), phq9(spread(20), on=days_ago(3)), score=None)
    usual, theirs = answer("update", "-", *ON, data=data), answer("update", "-", *ON, "--prior", str(own), data=data)
    assert usual["provenance"]["name"] == "literature"
    assert (theirs["provenance"]["name"], theirs["provenance"]["version"]) == ("this clinic", "2026-11")
    assert theirs["curve"]["p50"][14] > usual["curve"]["p50"][14] + 0.3
    refused = run("update", "-", *ON, "--prior", str(broken), data=data)
    assert refused.returncode == 4
    assert b"broken.npz" in refused.stderr


def test_simulate_solve_and_score() -> None:
    found = answer(
        "simulate", "--product", "racemic", "--route", "iv", "--dose-mg", "35", "--infusion-min", "40",
        "--weight-kg", "70", "--age", "40", "--sex", "female", "--times-min", "40,80,110,230",
    )  # fmt: skip
    total = next(s for s in found["series"] if s["analyte"] == "ketamine")
    assert total["typical"] == pytest.approx([160, 82, 63, 29], rel=0.03)
    assert all(low < mid < high for low, mid, high in zip(total["p05"], total["p50"], total["p95"], strict=True))
    question = {
        "A_per_h": [[-1.0]],
        "doses": [{"time_h": 0, "amount": 1, "duration_h": 0, "compartment": 0}],
        "times_h": [0, 1],
    }
    solved = answer("solve", "-", data=json.dumps(question).encode())
    assert solved["amounts"] == [[1.0], [pytest.approx(math.exp(-1), rel=1e-12)]]
    scored = answer("score", "phq9", "--answers", "1,1,1,1,1,1,1,1,")
    assert scored["total"] is None
    assert len(scored["missing"]) == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 2),
        (("plan",), 2),
        (("plan", "nothing.json"), 3),
        (("plan", "-", "--jurisdiction", "Atlantis"), 3),
        (("simulate", "--product", "x", "--route", "iv", "--dose-mg", "1", "--times-min", "1"), 3),
        (("simulate", "--product", "racemic", "--route", "iv", "--dose-mg", "-1", "--times-min", "1"), 3),
        (("simulate", "--product", "racemic", "--route", "iv", "--dose-mg", "nan", "--times-min", "1"), 3),
        (("score", "phq9", "--answers", "1,2"), 3),
        (("score", "phq9", "--answers", "9,0,0,0,0,0,0,0,0"), 3),
        (("score", "nothing", "--answers", "1"), 3),
        (("score", "madrs", "--answers", "1"), 3),
        (("claims", "nothing.txt"), 3),
        (("claims",), 2),
        (("knowledge", "show"), 2),
        (("knowledge", "show", "CON-999"), 3),
        (("knowledge", "impact", "NOBODY"), 3),
    ],
)
def test_what_is_wrong_has_its_exit_code_and_no_traceback(arguments: tuple[str, ...], code: int) -> None:
    done = run(*arguments)
    assert done.returncode == code, done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_every_drug_model_is_listed_with_its_mark_of_trust() -> None:
    models = [i for i in answer("knowledge", "list")["items"] if i["kind"] == "drug"]
    assert models
    assert all(model["trust"] for model in models)


def test_knowledge_can_be_listed_shown_and_followed_to_what_rests_on_a_source(tmp_path: Path) -> None:
    items = answer("knowledge", "list")["items"]
    assert {"id", "kind", "title", "section", "grade", "trust", "needs_approval"} <= set(items[0])
    assert answer("knowledge", "show", "CON-001")["statement"]
    rests = answer("knowledge", "impact", "LBL_US21", "--plans", str(tmp_path))["rests_on_it"]
    assert "CON-001" in rests["rule"]
    assert rests["plan"] == []


SESSION = (
    "simulate", "--product", "racemic", "--route", "iv", "--dose-mg", "35", "--infusion-min", "40", "--draws", "200",
    "--age", "45", "--hypertension", "no",
)  # fmt: skip


def test_a_risk_does_not_depend_on_the_minutes_that_are_shown() -> None:
    effects = ("--resting", "140/85/70", "--effects", "--times-min")
    few = answer(*SESSION, *effects, "0,120")
    many = answer(*SESSION, *effects, ",".join(str(t) for t in range(0, 121, 5)))
    assert few["effect_readings_min"] == many["effect_readings_min"] == [15, 30, 40, 60, 75, 90, 120]
    assert few["risks"] == many["risks"]
    assert [band["times_min"] for band in few["effects"]] == [[0, 120]] * 4
    assert [band["times_min"] for band in answer(*SESSION, *effects, "40,40")["effects"]] == [[40, 40]] * 4


def test_effects_say_where_the_arterial_model_does_not_cover_the_person() -> None:
    old = (*SESSION[:-4], "--age", "60", "--weight-kg", "120", "--effects", "--times-min", "0,40")
    said = {f["id"].split("/")[1]: f["statement"] for f in answer(*old)["effect_findings"] if "noppers" in f["id"]}
    assert set(said) == {"extrapolated-age", "extrapolated-weight"}
    assert "18 to 45" in said["extrapolated-age"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--age", "10", "--effects"), "--age"),
        (("--starts-min", "0,4320", "--effects"), "--starts-min"),
        (("--resting", "80/120"), "resting pressure"),
        (("--resting", "120/120"), "resting pressure"),
        (("--draws", "50", "--effects"), "--draws"),
    ],
)
def test_effects_are_refused_where_the_model_does_not_speak_of_them(more: tuple[str, ...], said: str) -> None:
    done = run(*SESSION, *more, "--times-min", "0,40")
    assert done.returncode == 3, done.stdout.decode()
    assert done.stderr.decode().startswith(f"ketapath: {said}: found")


def test_the_words_of_a_simulation_put_the_spread_of_models_first_and_name_sources() -> None:
    words = run(*SESSION, "--times-min", "0,40", "--effects").stdout.decode()
    assert words.index("by every model of this route") < words.index("S-ketamine, ng/mL")
    row = next(line for line in words.splitlines() if line.endswith("kamp2020_racemic_iv_pooled"))
    low, middle, high, typical = (float(cell) for cell in row.split()[1:5])
    assert low < middle < high
    assert low < typical < high
    assert "KAMP2020" in words.split("Sources of the models: ")[1].splitlines()[0]
    assert "LBL_US19" in words.split("Sources of the effects: ")[1]
    assert "whichever model gives the levels" in words


IV = ("simulate", "--product", "racemic", "--route", "iv", "--times-min", "0,40")
SPRAY = ("simulate", "--product", "esketamine", "--route", "nasal", "--dose-mg", "56", "--times-min", "0,40")


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ((*IV, "--rates=0:20:-5"), "--rates"),
        ((*IV, "--rates=0:20:nan"), "--rates"),
        ((*IV, "--rates=0:20:0"), "--rates, their sum"),
        ((*IV, "--dose-mg", "35", "--infusion-min", "40", "--starts-min=-5"), "--starts-min"),
        ((*IV, "--dose-mg", "35", "--infusion-min", "40", "--device-gap-min", "5"), "--device-gap-min"),
        ((*SPRAY, "--device-gap-min=-5"), "--device-gap-min"),
        ((*SPRAY, "--interacting", "moonshine"), "--interacting"),
        ((*SPRAY, "--age=-1"), "--age"),
        (("interaction", "--drug", "rifampicin", *IV[1:5], "--dose-mg", "35"), "--dose-mg"),
    ],
)
def test_a_refusal_names_the_option_that_was_typed(arguments: tuple[str, ...], field: str) -> None:
    done = run(*arguments)
    assert done.returncode == 3, done.stdout.decode()
    assert done.stderr.decode().startswith(f"ketapath: {field}: found"), done.stderr.decode()
    assert b"covers a child" not in done.stderr


def test_claims_have_the_promised_fields_and_fail_the_command() -> None:
    page = "<!doctype html><p>Ketamine <b>cures</b> depression &amp; is not addictive.</p>"
    done = run("claims", "-", "--json", data=page.encode())
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert set(found) == {"claims", "omissions", "reading"}
    for claim in found["claims"]:
        assert set(claim) == {"quote", "start", "end", "claim", "verdict", "balanced", "sources"}
        assert claim["sources"]
    assert [(c["claim"], page[c["start"] : c["end"]]) for c in found["claims"]] == [
        ("CLM-02", "cures</b> depression"),
        ("CLM-07", "not addictive"),
    ]
    assert {o["left_out"] for o in found["omissions"]} == {"harm", "cost", "alternatives"}
    assert found["reading"]["flesch_kincaid_grade"] is None


def test_an_honest_text_passes_and_the_words_for_a_reader_are_calm(tmp_path: Path) -> None:
    honest = tmp_path / "page.html"
    honest.write_text("<p>Ketamine does not cure depression.</p>")
    done = run("claims", str(honest))
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().startswith("No claim found.")
    done = run("claims", "-", data=b"Hello.\nKetamine cures depression.")
    assert done.returncode == 1
    said = done.stdout.decode()
    assert "line 2:" in said
    assert "Honest would be: Ketamine can bring fast improvement" in said
    assert "ALBOTT, KETECT" in said


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"caf\xe9", b"a\x00b"])
def test_what_is_no_text_is_refused_in_a_sentence(data: bytes) -> None:
    done = run("claims", "-", data=data)
    assert done.returncode == 3
    assert done.stderr.startswith(b"ketapath: file: found")
    assert b"Traceback" not in done.stderr


def test_claims_are_knowledge_like_rules(tmp_path: Path) -> None:
    items = {i["id"]: i for i in answer("knowledge", "list")["items"] if i["kind"] == "claim"}
    assert len(items) == 35
    assert items["CLM-20"]["needs_approval"] is True
    shown = answer("knowledge", "show", "CLM-02")
    assert (shown["kind"], shown["verdict"]) == ("claim", "false")
    rests = answer("knowledge", "impact", "KETECT", "--plans", str(tmp_path))["rests_on_it"]
    assert "CLM-02" in rests["claim"]


def test_a_reader_that_goes_away_is_no_error() -> None:
    shell = f"{sys.executable} -m ketapath knowledge list | head -1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {shell}"], capture_output=True, check=False)
    assert done.stderr == b""


def test_interaction_has_the_promised_fields_and_refuses_what_it_does_not_know() -> None:
    way = ("--product", "esketamine", "--route", "nasal")
    found = answer("interaction", "--drug", "ticlopidine", *way)
    assert {"p05", "p50", "p95"} <= set(found["auc_ratio"])
    assert found["auc_ratio"]["p50"] == pytest.approx(1.29)
    assert "CYP2B6" in found["mechanism"]
    assert {e["key"] for e in found["evidence"]} >= {"TICL", "MIMS_PH"}
    assert run("interaction", "--drug", "moonshine", *way).returncode == 3
    assert run("interaction", "--drug", "ticlopidine", "--product", "esketamine", "--route", "ear").returncode == 3
    assert b"Bounded" in run("interaction", "--drug", "ticlopidine", *way).stdout


@pytest.mark.parametrize(
    "wrong",
    [
        {"A_per_h": [["-1"]]},
        {"A_per_h": [[True]]},
        {"times_h": ["1"]},
        {"doses": [{"time_h": 0, "amount": True}]},
        {"doses": [{"time_h": 0, "amount": 1, "durationh": 2}]},
        {"doses": [[0, 1]]},
        {"A_per_h": 3},
    ],
)
def test_what_is_no_number_and_what_a_dose_does_not_have_is_refused(wrong: dict[str, object]) -> None:
    whole = {"A_per_h": [[-1.0]], "doses": [{"time_h": 0, "amount": 1}], "times_h": [1]}
    done = run("solve", "-", data=json.dumps(whole | wrong).encode())
    assert done.returncode == 3
    assert b"Traceback" not in done.stderr
