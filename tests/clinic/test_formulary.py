"""What does a practice offer and charge? Set from the command line, read by every plan, and on the trail."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.records import KNOWLEDGE

from clinic import housekeeping
from clinic.access.models import Account, AuditRow
from clinic.cli import _parser
from clinic.queries.person import clinic_of, settings_of
from ketapath.domain.clinic import Clinic
from ketapath.errors import BadInput
from ketapath.knowledge.formulary import read_prices, read_routes

Who = Callable[[str], Account]
PRICES = Path(__file__).parents[2] / "examples" / "prices" / "harbour.yaml"


def command(*words: str) -> int:
    arguments = _parser().parse_args(words)
    return housekeeping.COMMANDS[arguments.command](arguments)


def test_a_practice_sets_what_it_offers_and_charges_and_the_trail_says_so(account: Who) -> None:
    practice = account("nurse").practice
    assert command("set-formulary", practice.slug, "--routes", "iv,im", "--prices", str(PRICES)) == 0
    practice.refresh_from_db()
    clinic = clinic_of(practice.settings)
    assert clinic.routes == ("iv", "im")
    assert (clinic.currency, clinic.prices["racemic/im"]) == ("USD", 290.0)
    assert clinic.jurisdiction == "US"  # what was not named stays
    row = AuditRow.objects.filter(act="set-formulary").latest("id")
    assert practice.slug in json.dumps(row.entities)


@pytest.mark.parametrize(
    ("option", "value"), [("--routes", "iv,sublingual"), ("--products", "propofol"), ("--prices", "/no/such/file")]
)
def test_what_nobody_can_offer_is_refused_and_changes_nothing(account: Who, option: str, value: str) -> None:
    practice = account("nurse").practice
    before = dict(practice.settings)
    with pytest.raises(BadInput):
        command("set-formulary", practice.slug, option, value)
    practice.refresh_from_db()
    assert practice.settings == before


def test_settings_stored_before_there_were_routes_mean_infusion_and_spray() -> None:
    stored = json.loads(settings_of(Clinic()))
    del stored["routes"]
    assert clinic_of(stored) == Clinic()
    assert clinic_of(json.loads(settings_of(Clinic(routes=("im",))))).routes == ("im",)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("currency: USD", "price list"),
        ("currency: dollars\nprices: {}", "currency"),
        ("currency: USD\nprices: {racemic/rectal: 3}", "prices"),
        ("currency: USD\nprices: {review: 0}", "review"),
        ("currency: USD\nprices: {review: .nan}", "review"),
        ("currency: USD\nprices: {review: true}", "review"),
        ("currency: USD\nprices: [1]", "prices"),
        ("[", "price list"),
    ],
)
def test_a_price_list_with_a_mistake_is_refused_with_its_field(text: str, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_prices(text.encode(), KNOWLEDGE)
    assert refused.value.field == field


def test_a_price_list_names_its_currency_and_a_route_is_taken_once() -> None:
    assert read_prices(b"currency: eur\nprices: {test lab.tsh_miu_per_l: 12}", KNOWLEDGE) == (
        "EUR",
        {"test lab.tsh_miu_per_l": 12.0},
    )
    assert read_routes("im, iv,im", KNOWLEDGE) == ("im", "iv")
