"""The bench: who may use it, of whom, what it says to what cannot be, and that its files hold what it shows."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
import yaml
from django.test import Client

from clinic.access.models import Account
from clinic.queries import bench as queries
from clinic.queries.person import SEED, chart
from clinic.record.projections import knowledge
from ketapath.pharmacology import Order, Subject, simulate

Visit = Callable[[str], Client]
READY = "treatment-resistant-depression"
TWO = {
    "a_way": "racemic/iv", "a_dose": "35", "a_minutes": "40", "b_way": "esketamine/nasal", "b_dose": "56",
    "weight": "70", "age": "40",
}  # fmt: skip


def text(client: Client, **fields: str) -> str:
    return client.get("/bench", fields).content.decode()


def test_the_empty_bench_says_what_it_does_and_shows_a_way_to_begin(browser_of: Visit) -> None:
    page = text(browser_of("nurse"))
    assert "Nothing to compare yet" in page
    assert "Show an example" in page
    assert '<svg class="chart"' not in page


def test_two_orders_stand_on_one_axis_with_bands_models_and_notes(browser_of: Visit) -> None:
    page = text(browser_of("nurse"), **TWO)
    for words in ("polygon class=\"band90 a\"", "polygon class=\"band90 b\"", "Esketamine by nose, 56 mg",
                  "Predicted, not measured", "160 ng/mL here against 185 observed", "with the same area"):  # fmt: skip
        assert words in page, words


@pytest.mark.parametrize("username", ["prescriber", "nurse", "therapist", "coordinator", "director"])
def test_staff_may_use_the_bench(browser_of: Visit, username: str) -> None:
    assert browser_of(username).get("/bench", TWO).status_code == 200


@pytest.mark.parametrize("path", ["/bench", "/bench/export.csv", "/bench/models/perezruixo2021_esketamine_nasal"])
def test_a_patient_and_a_stranger_may_not(browser_of: Visit, path: str) -> None:
    assert browser_of("patient").get(path, TWO).status_code == 404
    assert Client(headers={"host": "127.0.0.1"}).get(path, TWO).status_code == 302


@pytest.mark.parametrize("path", ["/bench", "/bench/export.csv", "/bench/export.svg", "/bench/export.png"])
def test_another_practices_person_looks_exactly_like_nobody(browser_of: Visit, path: str) -> None:
    client = browser_of("prescriber")
    there, nowhere = (client.get(path, TWO | {"patient": name}) for name in ("hillside-one", "nobody-at-all"))
    assert (there.status_code, nowhere.status_code) == (404, 404)
    without_token = [re.sub(r'value="[^"]{60,}"', "", answer.content.decode()) for answer in (there, nowhere)]
    assert without_token[0] == without_token[1]


def test_a_person_fills_the_form_from_the_record_and_what_is_typed_wins(browser_of: Visit) -> None:
    client = browser_of("prescriber")
    page = text(client, patient=READY, a_way="racemic/iv", a_dose="35", a_minutes="40")
    assert f'href="/patients/{READY}"' in page
    recorded = page.split('id="weight"')[1].split('value="')[1].split('"')[0]
    assert float(recorded) > 30
    assert "weight is not given" not in page
    assert 'value="99"' in text(client, patient=READY, weight="99")


def test_a_field_emptied_beside_a_record_stays_empty_in_the_address(browser_of: Visit) -> None:
    client, headers = browser_of("prescriber"), {"HX-Request": "true", "HX-Target": "div#bench-result"}
    address = client.get("/bench", {"patient": READY, "a_way": "racemic/iv", "weight": ""}, headers=headers)
    again = client.get(address["HX-Replace-Url"]).content.decode()
    assert again.split('id="weight"')[1].split('value="')[1].split('"')[0] == ""
    assert "weight is not given" in again


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("a_dose", "-5", "more than 0 and at most 1000"),
        ("a_dose", "0", "more than 0 and at most 1000"),
        ("a_dose", "1e9", "more than 0 and at most 1000"),
        ("a_dose", "", "Found nothing"),
        ("a_dose", "x", "more than 0 and at most 1000"),
        ("a_minutes", "-1", "0 to 1440"),
        ("a_minutes", "", "Found nothing"),
        ("a_way", "heroin/iv", "one of the list"),
        ("a_model", "none_such", "one of the list"),
        ("b_dose", "50", "one of 28, 56, 84 mg"),
        ("weight", "1", "2 to 350"),
        ("weight", "20", "25 to 350"),
        ("a_weight", "20", "25 to 350"),
        ("age", "200", "0 to 120"),
        ("age", "9", "no model of this route covers a child"),
        ("systolic", "900", "50 to 300"),
        ("hypertension", "perhaps", "one of the list"),
        ("site", "brain", "one of the list"),
        ("hours", "9999", "one of the list"),
        ("every", "0", "1 to 365"),
        ("every", "1.5", "1 to 365"),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_the_page_stays_usable(
    browser_of: Visit, field: str, value: str, says: str
) -> None:
    client = browser_of("nurse")
    whole = client.get("/bench", TWO | {field: value})
    assert whole.status_code == 400
    part = client.get("/bench", TWO | {field: value}, headers={"HX-Request": "true", "HX-Target": "div#bench-result"})
    assert part.status_code == 200
    for page in (whole.content.decode(), part.content.decode()):
        said = [
            slot.split("</span>")[0] for slot in page.split('<span id="wrong-')[1:] if says in slot.split("</span>")[0]
        ]
        assert said, (field, page[-3000:])
        assert any(slot.startswith((field + '"', "b_way")) for slot in said), said


def test_one_wrong_order_leaves_the_other_drawn(browser_of: Visit) -> None:
    page = text(browser_of("nurse"), **(TWO | {"b_dose": "50"}))
    assert 'polygon class="band90 a"' in page
    assert "Not drawn: B." in page


def test_another_route_starts_anew_instead_of_with_the_dose_of_the_one_before(browser_of: Visit) -> None:
    page = text(browser_of("nurse"), **(TWO | {"a_was": "racemic/iv", "a_way": "esketamine/nasal"}))
    assert "Esketamine by nose, 56 mg" in page
    assert 'aria-invalid="true"' not in page


def test_a_slider_that_overtakes_a_change_of_route_brings_the_form_of_the_new_one(browser_of: Visit) -> None:
    moved = TWO | {"a_was": "racemic/iv", "a_way": "racemic/oral", "a_dose": "77"}
    headers = {"HX-Request": "true", "HX-Target": "div#bench-result"}
    answer = browser_of("nurse").get("/bench", moved, headers=headers)
    assert answer["HX-Retarget"] == "#bench-all"
    page = answer.content.decode()
    assert "Ketamine by mouth, 50 mg" in page
    assert page.split('id="a_dose"')[1].split('value="')[1].split('"')[0] == "50"
    same = browser_of("nurse").get("/bench", TWO | {"a_was": "racemic/iv"}, headers=headers)
    assert "HX-Retarget" not in same


def test_whoever_is_signed_out_gets_the_page_of_signing_in_and_not_a_part_of_it() -> None:
    answer = Client(headers={"host": "127.0.0.1"}).get("/bench", TWO, headers={"HX-Request": "true"})
    assert answer["HX-Refresh"] == "true"
    assert not answer.content


def test_every_model_of_a_route_is_drawn_with_the_room_between_them_first(browser_of: Visit) -> None:
    page = text(browser_of("nurse"), **(TWO | {"a_model": "all", "b_way": ""}))
    assert page.index('polygon class="spread a"') < page.index('polyline class="model a"')
    assert page.index('polyline class="model a"') < page.index('polyline class="curve a"')
    for author in ("Domino1984", "Clements1981", "Hijazi2003", "Kamp2020"):
        assert author in page


def test_an_assumed_uptake_is_marked_wherever_it_is_shown(browser_of: Visit) -> None:
    client = browser_of("nurse")
    fields = {"a_way": "racemic/im", "a_dose": "50", "weight": "70"}
    assert '<span class="tag caution">partly assumed</span>' in text(client, **fields)
    assert "Assumed, not measured: " in text(client, **fields)
    assert ",assumption," in client.get("/bench/export.csv", fields).content.decode()
    assert "Assumed, not measured: " in client.get("/bench/export.svg", fields).content.decode()


def test_the_csv_holds_every_curve_with_bands_in_order_and_its_notes(browser_of: Visit) -> None:
    lines = browser_of("nurse").get("/bench/export.csv", TWO).content.decode().splitlines()
    comments = [line for line in lines if line.startswith("#")]
    rows = list(csv.DictReader(io.StringIO("\n".join(line for line in lines if not line.startswith("#")))))
    assert any("Predicted, not measured" in line for line in comments)
    assert any("S-norketamine areas come out" in line for line in comments)
    assert {row["curve"] for row in rows} == {"A", "B"}
    assert {row["minute"] for row in rows if row["curve"] == "A"} >= {f"{4 * m}" for m in range(61)}
    assert {row["quantity"] for row in rows} >= {"ketamine", "S-ketamine", "dissociation", "systolic above rest"}
    for row in (row for row in rows if row["unit"] == "ng/mL"):
        assert 0 <= float(row["p05"]) <= float(row["p50"]) <= float(row["p95"])


def test_the_drawing_stands_alone_and_its_picture_is_a_picture(browser_of: Visit) -> None:
    client = browser_of("nurse")
    svg = client.get("/bench/export.svg", TWO).content.decode()
    root = ElementTree.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "var(" not in svg
    png = client.get("/bench/export.png", TWO)
    assert png.content.startswith(b"\x89PNG\r\n")
    assert png["Content-Type"] == "image/png"


def test_a_file_of_something_wrong_is_not_made(browser_of: Visit) -> None:
    client = browser_of("nurse")
    for kind in ("csv", "svg", "png"):
        wrong, empty = client.get(f"/bench/export.{kind}", TWO | {"a_dose": "-1"}), client.get(f"/bench/export.{kind}")
        assert (wrong.status_code, empty.status_code) == (400, 400)
        assert "more than 0 and at most 1000" in wrong.content.decode()
        assert "Nothing to compare yet" in empty.content.decode()


def test_the_card_of_a_model_has_every_constant_and_its_files(browser_of: Visit) -> None:
    client, name = browser_of("nurse"), "racemic_sublingual_venous"
    page = client.get(f"/bench/models/{name}").content.decode()
    for words in ("bioavailability", "0.24 to 0.32", "ROLAN2014", "central volume", "Four studies agree"):
        assert words in page, words
    shipped = yaml.safe_load(client.get(f"/bench/models/{name}/file.yaml").content)
    whole = json.loads(client.get(f"/bench/models/{name}/file.json").content)
    assert shipped["id"] == whole["id"] == name
    assert "central_volume" not in shipped["parameters"]
    assert whole["parameters"]["central_volume"]["value"] == 133
    assert client.get("/bench/models/none_such").status_code == 404
    assert client.get(f"/bench/models/{name}/file.exe").status_code == 404


def test_milligrams_over_months_count_doses_and_what_reaches_the_blood(browser_of: Visit) -> None:
    page = text(browser_of("nurse"), a_way="racemic/oral", a_dose="100", every="7")
    assert "<strong>500</strong>" in page  # days 0, 7, 14, 21, 28
    assert "<strong>5300</strong>" in page
    assert "CHONG2006" in page


ALL = TWO | {"a_model": "all", "b_way": ""}


def test_the_words_under_a_chart_name_the_bands_that_it_has(browser_of: Visit) -> None:
    client = browser_of("nurse")
    between = "Levels of A: thin lines are other models, the dark band lies between the lowest and the highest model"
    assert between in text(client, **ALL)
    assert between not in text(client, **TWO)
    drawing = " ".join(ElementTree.fromstring(client.get("/bench/export.svg", ALL).content).itertext())
    assert between in " ".join(drawing.split())


def test_a_model_that_bears_no_interaction_is_named_and_not_just_absent(browser_of: Visit) -> None:
    client = browser_of("nurse")
    left_out = "A: no interaction can be worked out on these models"
    said = text(client, **ALL, a_with="ticlopidine")
    assert 'href="/bench/models/hijazi2003_racemic_iv_icu"' in said.split(left_out)[1].split("</p>")[0]
    assert left_out not in text(client, **ALL)


def test_the_result_names_the_person_and_what_is_not_known_of_them(browser_of: Visit) -> None:
    page = text(browser_of("nurse"), **TWO, systolic="128").split('id="bench-result"')[1]
    assert "Person: 70 kg; 40 years; resting pressure 128/? mmHg; not known" in page
    assert "not known: resting diastolic, hypertension" in page


def test_a_curve_of_a_person_outside_its_model_is_marked_beside_its_name(browser_of: Visit) -> None:
    client, mark = browser_of("nurse"), '<span class="tag caution">extrapolated</span>'
    key = [text(client, **(TWO | fields)).split("list key")[1].split("</ul>")[0] for fields in ({}, {"age": "90"})]
    assert key[0].count(mark) == 0
    assert key[1].count(mark) == 2


def test_the_notes_of_a_curve_name_their_sources(browser_of: Visit) -> None:
    notes = text(browser_of("nurse"), **TWO).split("End of 35 mg over 40 min")[1].split("</details>")[0]
    assert 'href="/knowledge/sources/OTTO2021"' in notes
    client = browser_of("nurse")
    page = client.get("/bench/interactions", {"drug": "ticlopidine"}).content.decode()
    note = page.split("What was measured was measured with S-ketamine")[1].split("</li>")[0]
    assert 'href="/knowledge/sources/TICL"' in note


def test_two_substances_on_one_axis_are_said_to_be_two(browser_of: Visit) -> None:
    client, said = browser_of("nurse"), "Not one substance on this axis"
    assert said in text(client, **TWO)
    assert said not in text(client, **TWO, analyte="s-ketamine")


def test_the_share_that_reaches_the_blood_is_said_to_be_without_the_other_medicine(browser_of: Visit) -> None:
    client, said = browser_of("nurse"), "counted without the other medicine"
    fields = {"a_way": "racemic/oral", "a_dose": "100"}
    assert said in text(client, **fields, a_with="grapefruit-juice")
    assert said not in text(client, **fields)


def test_a_medicine_of_which_nothing_is_known_has_no_ratio(browser_of: Visit) -> None:
    client = browser_of("nurse")
    page = client.get("/bench/interactions", {"drug": "sertraline"}).content.decode()
    assert "<strong>× " not in page
    assert page.count("not known, counted as 1") == len(queries.known_ways())
    assert "<strong>× " in client.get("/bench/interactions", {"drug": "ticlopidine"}).content.decode()
    unknown = client.get("/bench/interactions", {"drug": "foobarol"})
    assert unknown.status_code == 400
    assert "foobarol is in no list of ours" in unknown.content.decode()


def test_a_comma_stands_in_the_field_as_the_point_that_is_drawn(browser_of: Visit) -> None:
    page = text(browser_of("nurse"), **(TWO | {"a_dose": "0,5"}))
    assert page.split('id="a_dose"')[1].split('value="')[1].split('"')[0] == "0.5"


ODD = ("", " ", "0", "-1", "1e999", "nan", "inf", "½", "٣", "1" * 400, "<script>alert(1)</script>", "'; DROP--",
       "all", "racemic/iv", "esketamine/nasal", "racemic", "/", "yes", "35", "28", "arterial", "72", "norketamine",
       "社会", "\u202e", "a" * 3000, "../../etc/passwd", "simons2022_s_ketamine_film", READY)  # fmt: skip
NAMES = ("a_way", "a_was", "a_dose", "a_minutes", "a_model", "a_weight", "b_way", "b_dose", "weight", "age",
         "systolic", "diastolic", "hypertension", "hours", "site", "analyte", "every", "patient", "odd")  # fmt: skip


def test_no_address_is_a_fault(browser_of: Visit) -> None:
    client = browser_of("nurse")
    client.raise_request_exception = False
    chance = random.Random(7)
    for run in range(80):
        fields = TWO | {name: chance.choice(ODD) for name in NAMES if chance.random() < (0.1, 0.4)[run % 2]}
        for path in ("/bench", "/bench/export.csv"):
            answer = client.get(path, fields)
            assert answer.status_code in (200, 400, 404), (path, fields, answer.status_code)
            assert b"<script>alert" not in answer.content


@pytest.mark.parametrize("way", queries.known_ways(), ids="/".join)
def test_a_level_kept_for_all_doses_is_that_of_this_dose(way: tuple[str, str]) -> None:
    minutes, dose = (40.0 if way[1] == "iv" else None), (84.0 if way == ("esketamine", "nasal") else 37.0)
    order = Order(product=way[0], route=way[1], dose_mg=dose, infusion_min=minutes)
    who, hours = queries.Who(weight_kg=81.0, age_years=30.0), 4
    shown = queries.drawn(queries.Curve(letter="a", order=order), who, queries.View(hours=hours)).shown
    subject, grid = Subject(weight_kg=81.0, age_years=30.0), queries.minutes_of(hours)
    own = simulate(order, subject, knowledge().drugs, grid, draws=queries.DRAWS, seed=SEED)
    level = next(s for s in own.series if shown is not None and s.analyte == shown.analyte)
    assert shown is not None
    assert shown.p95 == pytest.approx(level.p95, rel=1e-9)
    assert shown.typical == pytest.approx(level.typical, rel=1e-9)


@pytest.mark.parametrize(("way", "minutes"), [("racemic/iv", 40.0), ("racemic/iv", 47.0), ("racemic/im", None)])
def test_a_peak_is_the_same_number_however_many_hours_are_looked_at(way: str, minutes: float | None) -> None:
    product, _slash, route = way.partition("/")
    order = Order(product=product, route=route, dose_mg=50.0, infusion_min=minutes)
    who, curve = queries.Who(weight_kg=70.0, age_years=40.0), queries.Curve(letter="a", order=order)
    peaks = []
    for hours in queries.HOURS:
        shown = queries.drawn(curve, who, queries.View(hours=hours)).shown
        assert shown is not None
        peaks.append((max(shown.typical), max(shown.p05), max(shown.p95)))
    for peak in peaks[1:]:
        assert peak == pytest.approx(peaks[0], rel=0.02)


def test_what_is_on_record_is_added_up_with_the_plan_ahead(
    browser_of: Visit, account: Callable[[str], Account]
) -> None:
    found = chart(account("prescriber").practice, "first-language-arabic")
    assert found is not None
    assert found.person is not None
    given = sum(d.dose_mg or 0.0 for d in found.person.doses if (found.as_of - d.on).days < 365)
    rows = queries.on_record(found)
    assert given > 0
    assert sum(row.given[2] for row in rows) == given
    ahead = sum(found.plan.dose_mg or 0.0 for _visit in found.sessions_ahead) if found.plan else 0.0
    assert sum(row.planned[2] for row in rows) == ahead
    page = text(browser_of("prescriber"), patient="first-language-arabic", a_way="racemic/iv")
    assert "last 365 days, mg" in page


def test_a_child_sees_levels_by_models_of_children_and_no_effects_of_adults(browser_of: Visit) -> None:
    client = browser_of("nurse")
    asked = {"a_way": "racemic/iv", "a_dose": "12", "a_minutes": "40", "weight": "25", "age": "8"}
    page = client.get("/bench", asked)
    assert page.status_code == 200
    said = page.content.decode()
    assert "in children" in said
    assert "one session in an adult" in said
    arterial = client.get("/bench", asked | {"site": "arterial"})
    assert arterial.status_code == 400
    assert "adults only" in arterial.content.decode()


@pytest.mark.parametrize("patient", ["sixteen-years-old", "half-the-facts-missing", "aneurysm"])
def test_the_bench_of_any_person_opens(browser_of: Visit, patient: str) -> None:
    page = browser_of("prescriber").get("/bench", TWO | {"patient": patient})
    assert page.status_code in (200, 400)  # a boy of sixteen has no model of the spray, and the field says so
