"""Whatever a form is sent, the answer is a page in plain words and never a fault."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from django.test import Client
from tests.options import INFUSION
from tests.proofs import SECRET

from clinic.record.models import Version

READY = "treatment-resistant-depression"
FORMS = {
    f"/patients/{READY}/fact": ("path", "said", "reason", "key"),
    f"/patients/{READY}/withdraw": ("path", "source", "reason", "key"),
    f"/patients/{READY}/plan": ("option", "outcome", "reason", "dose_mg", "seen", "digest", "key", "secret"),
    f"/patients/{READY}/plan/sign": ("seen", "key", "signer", "secret"),
    f"/patients/{READY}/plan/check": ("seen", "key", "signer", "secret"),
    f"/patients/{READY}/override": ("step", "rule", "override", "reason", "review_on", "seen", "signer", "secret"),
    f"/patients/{READY}/card": ("chosen", "outcome", "reason", "dose_mg", "every_days", "seen", "digest", "key"),
    f"/patients/{READY}/session": ("step", "reason", "dose_mg", "stopped_early", "vitals.systolic_mmhg", "key"),
    "/patients/ptsd-with-depression/session": ("step", "reason", "dose_mg", "seen", "secret", "social.ride_home"),
    "/patients/pressure-too-high-today/session": ("step", "kind", "value", "words", "taken", "concentration", "key"),
    f"/patients/{READY}/session/observed": ("entries", "by"),
    "/session/low-light": ("dim", "next"),
    f"/patients/{READY}/score/phq9": ("phq9_1", "phq9_9", "key"),
    f"/patients/{READY}/score/pcl5": ("pcl5_1", "pcl5_20", "on", "key"),
    f"/patients/{READY}/score/madrs": ("madrs_1", "key"),
    f"/patients/{READY}/goals": ("step", "words", "goal", "level", "key"),
    f"/patients/{READY}/notes": ("step", "kind", "text", "appends", "seen", "reason", "signer", "secret"),
    "/today/notices/999999/seen": (),
    "/alerts/999999/answer": ("step", "words", "to", "from"),
    "/alerts/chain/set": ("step", "first", "second", "account", "address"),
    f"/patients/{READY}/team": ("step", "account", "kind", "part", "last_day", "number", "reason"),
    f"/patients/{READY}/move": ("source", "to", "reason", "key"),
    f"/patients/{READY}/schedule": ("step", "what", "on", "at", "minutes", "appointment", "reason", "ride", "key"),
    f"/patients/{READY}/schedule/move": ("appointment", "to", "at", "seen", "reason", "key"),
    "/schedule/rooms": ("code", "name", "kind", "place", "is_open"),
    "/schedule/duty": ("who", "weekday", "from", "to", "first", "last", "watches", "confirmed"),
    f"/patients/{READY}/therapy": ("step", "kind", "modality", "therapist", "on", "at", "minutes", "alliance", "said",
                                   "visit", "what", "exposure", "title", "tolerance", "hour", "reason"),
    f"/patients/{READY}/care": ("step", "to", "open_points", "watch", "number", "need", "place", "due", "remark",
                                "referral", "progress", "payer", "cover_number", "allowed", "starts_on", "ends_on",
                                "cover"),
    "/team": ("step", "to", "open_points", "watch", "number", "key"),
    "/team/staff": ("step", "account", "kind", "number", "valid_from", "valid_until", "certificate", "reason"),
    "/team/places": ("step", "name", "kind", "contact", "area", "languages", "source", "checked_on", "place"),
    "/emergency": ("identity", "family", "born_on", "reason"),
    "/emergency/review": ("emergency", "finding"),
    "/trials/new": ("ready", "design", "trials", "seed", "truth"),
    "/stock/destroy": ("held", "mg", "reason", "witness", "witness_secret", "signer", "secret", "key"),
    "/stock/count": ("units-1", "mg-1", "witness", "witness_secret", "signer", "secret", "key"),
    "/stock/differences": ("step", "number", "words", "outcome", "held", "mg", "way"),
    f"/patients/{READY}/adverse": ("words", "onset", "grade", "criterion", "causality", "outcome", "visit", "key"),
    "/sign-in": ("username", "secret", "next"),
}  # fmt: skip
WHOLE_PAGE = (f"/patients/{READY}/plan/sign", f"/patients/{READY}/plan/check", f"/patients/{READY}/override",
               f"/patients/{READY}/therapy", f"/patients/{READY}/care")  # fmt: skip
"""What answers a refusal with the whole page of a person, which takes its time."""
ODD = (
    "", " ", "0", "-1", "1e999", "nan", "inf", "½", "٣", "1" * 400, "<script>alert(1)</script>",
    "'; DROP TABLE x;--", "\x00", "\ud7ff", "../../etc/passwd", "Patient/aneurysm", "yes", "accepted", "changed",
    INFUSION, "open", "vitals", "rate", "consent", "rescreen", "check", "event", "take-back", "note", "device",
    "start", "end", "close", "ask", "stop",
    "series", "book", "undo", "cancel", "session", "integration", "2026-12-01", "09:30", "9999-99-99",
    "hour", "touch", "exposure", "hand-over", "take", "refer", "follow", "shift", "file", "again", "keep", "music",
    "therapist", "adjust", "continue", "35", "witness", "sign", "save", "withdraw", "progress",
    "prescriber", SECRET, "MedicationAdministration/x/1/y",
    "vitals.weight_kg", "history.aneurysm", "%s%n", "{{7*7}}", "社会", "\u202e", "a" * 5000,
)  # fmt: skip
ODD_PLACES = (
    "/patients/%00", "/patients/" + "x" * 500, "/patients/../today", "/knowledge/rules/%27", "/knowledge?kind=x&q=%00",
    "/patients?q=%00", "/patients/%F0%9F%92%8A/plan", "/knowledge/sources/<b>",
)  # fmt: skip


@pytest.mark.requirement(21, 22, 25)
@pytest.mark.parametrize("address", FORMS)
def test_a_form_filled_with_anything_is_answered_in_plain_words(
    browser_of: Callable[..., Client], address: str
) -> None:
    _fill(browser_of, address, 4 if address in WHOLE_PAGE else 12)


@pytest.mark.slow
@pytest.mark.parametrize("address", FORMS)
def test_a_form_filled_a_hundred_times_too(browser_of: Callable[..., Client], address: str) -> None:
    _fill(browser_of, address, 100)


def _fill(browser_of: Callable[..., Client], address: str, times: int) -> None:
    of_the_house = ("/team", "/review", "/trials/new", "/chain/set", "/rooms", "/duty", "/staff", "/places")
    who = "director" if address.endswith((*of_the_house, f"{READY}/move")) else "prescriber"
    client = browser_of(who, signs=True)
    client.raise_request_exception = False
    chance = random.Random(address)
    for _ in range(times):
        fields = {name: chance.choice(ODD) for name in FORMS[address] if chance.random() < 0.9}
        answer = client.post(address, fields)
        assert answer.status_code in (200, 302, 400, 404, 409), (fields, answer.status_code)
        assert b"<script>alert" not in answer.content
    assert client.get(f"/patients/{READY}").status_code == 200


@pytest.mark.requirement(21, 25)
@pytest.mark.parametrize("address", ODD_PLACES)
def test_an_odd_address_is_an_address_that_does_not_exist(browser_of: Callable[[str], Client], address: str) -> None:
    client = browser_of("prescriber")
    client.raise_request_exception = False
    before = Version.objects.count()
    assert client.get(address).status_code in (200, 400, 404)
    assert Version.objects.count() == before
