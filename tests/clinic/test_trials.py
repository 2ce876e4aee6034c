"""A researcher tries a trial on virtual people: chooses, starts, watches, stops, reads; nobody else does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests.courses import KNOWLEDGE
from tests.designs import played, stated

from clinic import clock
from clinic.access.models import Account, AuditRow
from clinic.actions import trials
from clinic.actions.trials import start
from clinic.jobs import do_next
from clinic.queries.trials import ready_designs
from clinic.record.models import Errand, SimulatedTrial
from ketapath.cohort import read_design
from ketapath.report import trial_json, trial_of

Visit = Callable[[str], Client]
Who = Callable[[str], Account]
SMALL: dict[str, Any] = {"n": 20, "trials": 40, "reference": 0}
BY_PAGE = {"hx-request": "true"}


def send(client: Client, **fields: Any) -> Any:
    return client.post("/trials/new", {"ready": "own", "design": "", "trials": "", "seed": "", "truth": "", **fields})


def waiting(account: Who, **changes: Any) -> SimulatedTrial:
    return start(stated(**{**SMALL, **changes}), by=account("researcher"))


def told(**changes: Any) -> Any:
    """What the core finds by itself, as its file has it."""
    return json.loads(json.dumps(trial_json(played(**changes), KNOWLEDGE)))


def errand_of(row: SimulatedTrial) -> Errand:
    return Errand.objects.get(kind="trial", details={"trial": row.pk})


def test_a_ready_design_is_chosen_played_by_the_worker_and_read(browser_of: Visit) -> None:
    client = browser_of("researcher")
    assert "Nothing was simulated yet" in client.get("/trials").content.decode()
    place = send(client, ready="twice-or-thrice", trials="4", seed="9", truth="null")["Location"]
    first = client.get(place).content.decode()
    assert "It waits for the worker" in first
    assert "no evidence that a treatment works" in first
    assert "hx-trigger" in first
    assert do_next(apart=True)
    assert client.get(place, headers=BY_PAGE)["HX-Refresh"] == "true"
    page = client.get(place).content.decode()
    assert "Two against three infusions a week" in page
    assert "type-I error" in page
    assert page.count('<svg class="chart"') >= 2
    assert "hx-trigger" not in page
    assert "stays. Rejections are errors." in page
    assert "virtual" in client.get("/trials").content.decode()


def test_the_page_has_the_figures_of_the_core_and_so_has_the_file(browser_of: Visit, account: Who) -> None:
    row = waiting(account)
    do_next(apart=True)
    client, core = browser_of("researcher"), played(**SMALL)
    file = client.get(f"/trials/{row.pk}/result.json")
    assert file["Content-Disposition"].startswith("attachment")
    assert json.loads(file.content)["sizes"] == told(**SMALL)["sizes"]
    power = core.sizes[0].contrasts[0].rejected
    page = client.get(f"/trials/{row.pk}").content.decode()
    assert f"{100 * power.value:.1f} ±{100 * power.error:.1f} %" in page
    assert "not played" in page, "what was true was not asked for, and the page says so"


def test_figures_that_are_read_back_from_the_file_are_the_same() -> None:
    form = trial_json(played(**SMALL), KNOWLEDGE)
    again = trial_json(trial_of(json.loads(json.dumps(form))), KNOWLEDGE)
    assert {**again, "notes": form["notes"], "evidence": form["evidence"]} == form


def test_what_will_be_looked_at_is_written_down_before_anything_is_played(browser_of: Visit, account: Who) -> None:
    row = waiting(account)
    before = browser_of("director").get(f"/trials/{row.pk}/registration.md").content.decode()
    assert "Written on" in before
    assert f"Digest of the design (SHA-256): {read_design(row.design.encode(), KNOWLEDGE.response).digest}" in before
    assert browser_of("director").get(f"/trials/{row.pk}/result.json").status_code == 404
    do_next(apart=True)
    assert browser_of("director").get(f"/trials/{row.pk}/registration.md").content.decode() == before


def test_one_that_waits_is_stopped_at_once_and_never_played(browser_of: Visit, account: Who) -> None:
    row = waiting(account)
    client = browser_of("director")
    client.post(f"/trials/{row.pk}/stop")
    do_next(apart=True)
    row.refresh_from_db()
    assert (row.step, row.found) == ("stopped", {})
    assert "Stopped after 0 of 40 trials" in client.get(f"/trials/{row.pk}").content.decode()
    assert AuditRow.objects.filter(act="run-trial", outcome="taken back", entities=[f"trial/{row.pk}"]).exists()


def test_one_that_runs_is_stopped_on_its_way_and_keeps_no_figures(
    browser_of: Visit, account: Who, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = waiting(account, trials=3000)
    client, said = browser_of("researcher"), list[str]()
    monkeypatch.setattr(trials, "_TOLD_EVERY_S", 0.0)
    listen = trials._progress

    def and_then_stop(row: SimulatedTrial, goes_on: Callable[[], bool]) -> Callable[[int, int], None]:
        heard = listen(row, goes_on)

        def stops(done: int, total: int) -> None:
            said.append(client.get(f"/trials/{row.pk}", headers=BY_PAGE).content.decode())
            client.post(f"/trials/{row.pk}/stop")
            heard(done, total)

        return stops

    monkeypatch.setattr(trials, "_progress", and_then_stop)
    do_next(apart=True)
    row.refresh_from_db()
    assert (len(said), row.step, row.found) == (1, "stopped", {})
    assert "It is being played" in said[0]
    assert 0 < row.played < row.total
    assert errand_of(row).done_at is not None


def test_a_worker_that_is_told_to_end_leaves_it_to_the_next_which_gives_the_same_figures(
    account: Who, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = waiting(account, trials=3000)
    monkeypatch.setattr(trials, "_TOLD_EVERY_S", 0.0)
    ends = threading.Event()
    ends.set()
    do_next(apart=True, stop=ends)
    row.refresh_from_db()
    errand = errand_of(row)
    assert (row.step, errand.done_at, errand.problem) == ("running", None, "")
    assert errand.due_at <= clock.now()
    do_next(apart=True)
    row.refresh_from_db()
    assert row.step == "done"
    assert row.found["sizes"] == told(**{**SMALL, "trials": 3000})["sizes"]


def test_no_notice_waits_for_a_simulated_trial(account: Who) -> None:
    row = waiting(account)
    while do_next():
        pass
    row.refresh_from_db()
    assert row.step == "waiting"


def test_a_run_that_breaks_is_told_and_not_tried_again(
    browser_of: Visit, account: Who, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*of: Any, **named: Any) -> None:
        raise FloatingPointError

    row = waiting(account)
    monkeypatch.setattr(trials, "run", breaks)
    do_next(apart=True)
    assert not do_next(apart=True)
    page = browser_of("researcher").get(f"/trials/{row.pk}").content.decode()
    assert "FloatingPointError" in page
    assert errand_of(row).done_at is not None


def test_figures_of_another_version_are_left_to_the_file(browser_of: Visit, account: Who) -> None:
    row = waiting(account)
    do_next(apart=True)
    SimulatedTrial.objects.filter(pk=row.pk).update(found={"code_version": "9.9", "sizes": [{"n": 3}]})
    page = browser_of("researcher").get(f"/trials/{row.pk}").content.decode()
    assert "Version 9.9 wrote these figures" in page


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"design": ""}, "0 bytes"),
        ({"design": "title: ["}, "file"),
        ({"design": stated(n=3).decode()}, "n: found 3; needed is a number from 5"),
        ({"design": stated(extra=1).decode()}, "extra"),
        ({"design": stated().decode(), "trials": "1"}, "trials: found 1; needed is a number from 2"),
        ({"design": stated().decode(), "trials": "many"}, "trials: found many"),
        ({"design": stated().decode(), "seed": "-1"}, "seed: found -1"),
        ({"design": stated().decode(), "truth": "hope"}, "truth: found hope"),
        ({"design": stated().decode(), "trials": "1000000"}, "in the clinic"),
        ({"ready": "stop-by-posterior", "trials": "1000"}, "in the clinic"),
        ({"design": "# " + "x" * 70_000}, "64 KiB"),
        ({"file": SimpleUploadedFile("d.yaml", b"title: two\ntitle: three\n")}, "each field once"),
        ({"file": SimpleUploadedFile("d.yaml", b"\xff" * 9)}, "file: found"),
    ],
)
def test_a_design_that_cannot_be_run_is_refused_with_field_value_and_limit(
    browser_of: Visit, fields: dict[str, Any], said: str
) -> None:
    answer = send(browser_of("researcher"), **fields)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert said in page
    assert not SimulatedTrial.objects.exists()
    assert f'value="{fields.get("trials", "")}"' in page, "what was typed stays"


def test_the_words_of_a_ready_design_or_of_an_earlier_run_can_be_changed(browser_of: Visit, account: Who) -> None:
    client = browser_of("researcher")
    assert "relapse-triggered" in client.get("/trials/new?from=maintenance").content.decode().partition("<textarea")[2]
    row = waiting(account, title="Of my own", seed=77)
    page = client.get(f"/trials/new?again={row.pk}").content.decode()
    assert "Of my own" in page
    assert 'value="77"' in page
    assert client.get("/trials/new?again=999999").status_code == 404
    file = SimpleUploadedFile("d.yaml", stated(title="From a file", **SMALL))
    assert send(client, ready="maintenance", file=file).status_code == 302
    assert SimulatedTrial.objects.latest("id").title == "From a file"


def test_only_so_many_wait_at_once(account: Who, monkeypatch: pytest.MonkeyPatch, browser_of: Visit) -> None:
    monkeypatch.setattr(trials, "MOST_OPEN", 1)
    waiting(account)
    answer = send(browser_of("researcher"), ready="maintenance")
    assert answer.status_code == 400
    assert "stop one" in answer.content.decode()


def test_every_ready_design_can_be_run_in_the_clinic_as_it_is(account: Who) -> None:
    assert len(ready_designs()) == 5
    for one in ready_designs():
        start(one.text.encode(), by=account("researcher"))


@pytest.mark.requirement(11, 13)
def test_researchers_and_directors_of_the_practice_alone_see_and_run_them(browser_of: Visit, account: Who) -> None:
    row = waiting(account)
    places = ("/trials", "/trials/new", f"/trials/{row.pk}", f"/trials/{row.pk}/registration.md")
    for role in ("prescriber", "nurse", "therapist", "coordinator", "pharmacist", "patient", "caregiver"):
        client = browser_of(role)
        assert {client.get(place).status_code for place in places} == {404}, role
        assert send(client, ready="maintenance").status_code == 404
        assert client.post(f"/trials/{row.pk}/stop").status_code == 404
    other = browser_of("hillside-director")
    assert other.get("/trials").status_code == 200
    assert {other.get(place).status_code for place in places[2:]} == {404}
    assert other.post(f"/trials/{row.pk}/stop").status_code == 404
    assert 'href="/trials"' in browser_of("director").get("/bench").content.decode()
    assert 'href="/trials"' not in browser_of("nurse").get("/bench").content.decode()
    row.refresh_from_db()
    assert row.done_at is None
