"""On the pages a signature is somebody's own: with a secret, over what stands, shown with name, time and meaning."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client
from tests.clinic.test_loop import arrived, look, sign, wish
from tests.options import INFUSION
from tests.proofs import shown, signing

import clinic as shell
from clinic import clock
from clinic.access.models import Account, AuditRow
from clinic.access.permission import Refused
from clinic.access.proof import NotProven
from clinic.actions.commit import Act, Draft, Stale, commit
from clinic.actions.plan import decide_card, decide_plan, sign_again
from clinic.actions.session import NotNow, end_dose, open_session, start_dose, witness
from clinic.queries.person import plan
from clinic.queries.signatures import seen_dose, signatures, to_sign, why_unsigned
from clinic.record.models import Current, Signature
from clinic.record.read import read
from clinic.record.signatures import Seen
from clinic.record.write import Write, write
from ketapath.errors import BadInput
from ketapath.fhir import encode

READY = "treatment-resistant-depression"
Who = Callable[[str], Account]


def ended(nurse: Account) -> Seen:
    """A dose that the nurse has begun, ended and signed, as it is read then."""
    arrived(nurse)
    start_dose(look(nurse), by=nurse, reason="a place came free", key="")
    end_dose(look(nurse), "35", stopped_early=False, by=nurse, reason="", key="", proof=shown(nurse))
    given = look(nurse).visits[0].administration
    assert given is not None
    seen = seen_dose(look(nurse), given.origin.id)
    assert seen is not None
    return seen


def order_changed(by: Account, **fields: object) -> None:
    """The order's text changed past the gate."""
    standing = look(by).plan
    assert standing is not None
    stored = read(by.practice, "MedicationRequest", str(standing.order_id))
    assert stored is not None
    text = json.dumps(json.loads(stored.text) | fields)
    one = Write(kind=stored.kind, identity=stored.identity, patient_id=READY, text=text, expected=stored.version)
    with transaction.atomic():
        write(by.practice, [one], by="Somebody", reason="", at=clock.now())


def unsigned_plan(by: Account, act: str, author: str, *, reason: str = "") -> None:
    """A plan and its order that no row has signed, stored through the gate by this act."""
    found = look(by)
    offered = plan(found)
    option = next(o for o in offered.options if o.id == INFUSION)
    at = clock.local(clock.now(), by.practice.zone)
    made = encode.signed_plan(
        offered, option, identity="plan-of-old", dose_mg=35.0, by=author, at=at, recommendation="none"
    )  # fmt: skip
    commit(Act(name=act, by=by, patient_id=READY, reason=reason), [Draft(resource=one) for one in made])


@pytest.mark.requirement(43)
def test_plan_order_decision_and_dose_are_signed_with_name_time_and_meaning(account: Who) -> None:
    prescriber, nurse = account("prescriber"), account("nurse")
    standing = sign(prescriber).plan
    assert standing is not None
    ended(nurse)
    held = signatures(look(nurse))
    decision = look(nurse).decisions[-1].origin.id
    for name in (f"CarePlan/{standing.origin.id}", f"MedicationRequest/{standing.order_id}", f"Task/{decision}"):
        (one,) = (s for s in held[name] if s.meaning != "check")
        assert (one.name, one.role, one.meaning, one.is_valid) == ("Dr Ada Lindqvist", "prescriber", "order", True)
    checks = [s for s in held[f"MedicationRequest/{standing.order_id}"] if s.meaning == "check"]
    assert [(s.name, s.is_valid) for s in checks] == [("Bo Marsh", True), ("Dr Ada Lindqvist", True)]
    given = look(nurse).visits[0].administration
    assert given is not None
    (dose,) = held[f"MedicationAdministration/{given.origin.id}"]
    assert (dose.name, dose.meaning, dose.version) == ("Bo Marsh", "administration", 2)  # the start is a timed fact


@pytest.mark.requirement(45, 46)
def test_without_a_proof_of_ones_own_nothing_is_signed_and_nothing_changes(account: Who) -> None:
    prescriber, nurse = account("prescriber"), account("nurse")
    before = Current.objects.count(), Signature.objects.count()
    for proof in (None, shown(nurse)):
        found = look(prescriber)
        with pytest.raises(NotProven):
            decide_plan(found, INFUSION, wish(found), by=prescriber, key="", proof=proof)
    assert (Current.objects.count(), Signature.objects.count()) == before
    found = look(prescriber)  # rejecting needs none
    decide_plan(found, INFUSION, wish(found, "rejected", reason="needles"), by=prescriber, key="")
    assert Signature.objects.count() == before[1]


@pytest.mark.requirement(46, 47)
def test_a_witness_is_a_second_person_and_has_read_what_stands(account: Who) -> None:
    prescriber, nurse = account("prescriber"), account("nurse")
    sign(prescriber)
    seen = ended(nurse)
    with pytest.raises(BadInput, match="another person"):
        witness(look(nurse), seen, by=nurse, key="", proof=shown(nurse))
    with pytest.raises(NotProven):
        witness(look(nurse), seen, by=prescriber, key="", proof=shown(nurse))
    with pytest.raises(Refused):
        witness(look(nurse), seen, by=account("therapist"), key="", proof=shown(account("therapist")))
    old = Seen(kind=seen.kind, identity=seen.identity, version=1, digest=seen.digest)
    with pytest.raises(Stale):
        witness(look(nurse), old, by=prescriber, key="", proof=shown(prescriber))
    witness(look(nurse), seen, by=prescriber, key="", proof=shown(prescriber))
    both = signatures(look(nurse))[seen.name]
    assert [(s.username, s.meaning) for s in both] == [("nurse", "administration"), ("prescriber", "witness")]
    with pytest.raises(BadInput, match="signed already"):
        witness(look(nurse), seen, by=prescriber, key="", proof=shown(prescriber))


def test_who_began_the_dose_is_no_witness_of_it_though_somebody_else_ended_it(account: Who) -> None:
    prescriber, nurse = account("prescriber"), account("nurse")
    sign(prescriber)
    arrived(nurse)
    start_dose(look(nurse), by=nurse, reason="a place came free", key="")
    end_dose(look(nurse), "35", stopped_early=False, by=prescriber, reason="", key="", proof=shown(prescriber))
    given = look(nurse).visits[0].administration
    assert given is not None
    seen = seen_dose(look(nurse), given.origin.id)
    assert seen is not None
    with pytest.raises(BadInput, match="another person"):
        witness(look(nurse), seen, by=nurse, key="", proof=shown(nurse))


@pytest.mark.requirement(44)
def test_on_an_order_that_is_no_longer_signed_no_visit_is_opened_and_no_dose_begun(
    account: Who, browser_of: Callable[..., Client]
) -> None:
    prescriber, nurse = account("prescriber"), account("nurse")
    sign(prescriber)
    arrived(nurse)
    order_changed(nurse, note=[{"text": "twice as much"}])
    with pytest.raises(NotNow, match=r"no longer signed: changed on .* by Somebody"):
        start_dose(look(nurse), by=prescriber, reason="all the same", key="")
    page = browser_of("prescriber").get(f"/patients/{READY}").content.decode()
    assert "No longer signed: changed on" in page
    assert "had signed version 1" in page
    assert "Sign this plan again" in page


@pytest.mark.requirement(44, 47)
def test_a_plan_of_before_signatures_is_signed_again_by_a_prescriber_and_then_counts(
    account: Who, browser_of: Callable[..., Client]
) -> None:
    prescriber, nurse = account("prescriber"), account("nurse")
    unsigned_plan(prescriber, "decide-plan", prescriber.name)
    assert why_unsigned(look(nurse)) == "This plan was signed before signatures were kept, by Dr Ada Lindqvist."
    with pytest.raises(BadInput, match="before signatures were kept"):
        open_session(look(nurse), by=nurse, key="")
    seen = to_sign(look(prescriber))
    with pytest.raises(Refused):
        sign_again(look(nurse), seen, by=nurse, key="", proof=shown(nurse))
    with pytest.raises(Stale):
        sign_again(look(prescriber), seen[:1], by=prescriber, key="", proof=shown(prescriber))
    page = browser_of("prescriber", signs=True)
    form = page.get(f"/patients/{READY}").content.decode()
    fields = {"seen": re.findall(r'name="seen" value="((?:CarePlan|MedicationRequest)/[^"]+)"', form), "key": "k"}
    assert page.post(f"/patients/{READY}/plan/sign", fields | signing(prescriber)).status_code == 302
    assert why_unsigned(look(nurse)) is None
    open_session(look(nurse), by=nurse, key="")
    with pytest.raises(BadInput, match="waits for a signature"):
        sign_again(look(prescriber), seen, by=prescriber, key="", proof=shown(prescriber))


@pytest.mark.requirement(44)
def test_a_plan_from_elsewhere_is_not_signed_here_whoever_it_names(account: Who) -> None:
    nurse, coordinator = account("nurse"), account("coordinator")
    unsigned_plan(coordinator, "import-record", "Dr Ada Lindqvist", reason="import")
    assert why_unsigned(look(nurse)) == "This plan came from elsewhere and is not signed here."
    with pytest.raises(BadInput, match="came from elsewhere"):
        open_session(look(nurse), by=nurse, key="")


@pytest.mark.requirement(44)
def test_an_order_slipped_in_beside_the_signed_one_is_not_dosed_by(account: Who) -> None:
    prescriber, nurse = account("prescriber"), account("nurse")
    found = sign(prescriber).plan
    assert found is not None
    stored = read(nurse.practice, "MedicationRequest", str(found.order_id))
    assert stored is not None
    other = json.loads(stored.text) | {"id": "slipped-in"}
    commit(Act(name="state-fact", by=nurse, patient_id=READY), [Draft(resource=other)])
    with pytest.raises(BadInput, match="signed here"):
        open_session(look(nurse), by=nurse, key="")


@pytest.mark.requirement(43)
def test_who_pauses_and_goes_on_signs_what_stands_then(account: Who) -> None:
    prescriber = account("prescriber")
    found = sign(prescriber)
    for chosen in ("pause", "continue"):
        asked = wish(found, "changed", reason="her wish")
        decide_card(found, chosen, asked, by=prescriber, key="", proof=shown(prescriber))  # type: ignore[arg-type]
        found = look(prescriber)
    assert found.plan is not None
    assert why_unsigned(found) is None
    assert [s.version for s in signatures(found)[f"CarePlan/{found.plan.origin.id}"]] == [1, 2, 3]


@pytest.mark.requirement(45)
def test_the_session_page_takes_the_secret_and_offers_the_witness(
    account: Who, browser_of: Callable[..., Client]
) -> None:
    prescriber, nurse = account("prescriber"), account("nurse")
    sign(prescriber)
    arrived(nurse)
    start_dose(look(nurse), by=nurse, reason="a place came free", key="")
    page, address = browser_of("nurse", signs=True), f"/patients/{READY}/session"
    form = page.get(address).content.decode()
    assert "Sign as Bo Marsh, Nurse: administration" in form
    seen = re.search(r'name="seen" value="([^"]+)"', form)
    assert seen
    fields = {"step": "end", "dose_mg": "35", "key": "k", "seen": seen[1], **signing(nurse)}
    wrong = page.post(address, fields | {"secret": "not hers", "reason": "kept words"})
    assert wrong.status_code == 400
    assert b'value="35"' in wrong.content
    assert b"kept words" in wrong.content
    assert b"nobody signs for another" in wrong.content
    for secret, words in (("", b"No password was typed"), ("AB2C-DE3F-GH4J-KL5M", b"does not sign")):
        assert words in page.post(address, fields | {"secret": secret}).content
    assert AuditRow.objects.filter(who="nurse", outcome="refused").exists()
    assert page.post(address, fields | {"seen": seen[1][:-1] + "x"}).status_code == 409
    assert page.post(address, fields).status_code == 302
    after = page.get(address).content.decode()
    assert "signed by Bo Marsh, Nurse" in after
    assert "Sign as witness" not in after
    other = browser_of("prescriber", signs=True)
    seen = re.search(r'name="seen" value="([^"]+)"', other.get(address).content.decode())
    assert seen
    witnessed = {"step": "witness", "seen": seen[1], "key": "w", **signing(prescriber)}
    assert other.post(address, witnessed).status_code == 302
    assert "Prescriber" in page.get(address).content.decode()


def test_a_page_without_the_right_asks_for_no_secret(browser_of: Callable[..., Client]) -> None:
    nurse = browser_of("nurse", signs=True)
    answer = nurse.post(f"/patients/{READY}/plan", {"option": INFUSION, "outcome": "accepted"})
    assert answer.status_code == 404  # before anything is said of secrets


def test_only_a_shown_secret_and_the_demonstration_make_a_proof() -> None:
    house = Path(shell.__file__).parent
    makers = {p.relative_to(house).as_posix() for p in house.rglob("*.py") if re.search(r"\bProof\(", p.read_text())}
    assert {name for name in makers if not name.startswith("demo/")} == {"access/proof.py"}
