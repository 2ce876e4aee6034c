"""What can be done for this person, what would a dose do, and does a stored recommendation come out again?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

import ketapath
from clinic.queries.person import SEED, Chart, chart, clinic_of, measured, own_sessions, plan, settings_of, treated
from clinic.record.models import Practice
from clinic.record.read import read
from clinic.record.signatures import Seen, Signed, signatures_on
from ketapath import __version__, journey
from ketapath.domain.evidence import Text
from ketapath.domain.fact import Origin
from ketapath.domain.plan import DecisionCard, DoseCalculation, Line, Option, Recommendation, SignedPlan
from ketapath.fhir.readback import recommendation as decode
from ketapath.pharmacology import Order, Simulation, Subject, has_model, simulate
from ketapath.plan import calculated_now, calculated_then, onward, signed_text
from ketapath.report import course_json, plan_json, say

ENGINE = f"numpy {np.__version__}"
LEVEL_DRAWS = 400
LEVEL_MINUTES = tuple(float(m) for m in range(0, 241, 5))
TOLERANCE = 1e-6
_STAMPS = frozenset({"code_version", "knowledge_version"})
"""Values that name the build itself; another build has others by its nature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A recommendation made again from the record as it stood. `differences` name every value that came out other."""

    found: Recommendation
    same_build: bool
    differences: tuple[str, ...]


def levels(found: Chart, option: Option, *, dose_mg: float | None = None) -> Simulation | None:
    """Expected concentrations over four hours after the first dose; None where there is no dose or no weight."""
    dose = dose_mg if dose_mg is not None else None if option.dose is None else option.dose.dose_mg
    if dose is None:
        return None
    return simulated(found, product=option.product, route=option.route, dose_mg=dose, infusion_min=option.infusion_min)


def simulated(
    found: Chart, *, product: str, route: str, dose_mg: float, infusion_min: float | None
) -> Simulation | None:
    """Expected concentrations of this dose in this person; None where the weight, or a model of the age, is lacking."""
    assert found.person is not None
    known = found.person.known
    weight, age, sex = (known.get(p) for p in ("vitals.weight_kg", "person.age_years", "person.sex"))
    if weight is None or not isinstance(weight.value, float):
        return None
    subject = Subject(
        weight_kg=weight.value,
        age_years=age.value if age is not None and isinstance(age.value, float) else None,
        sex=str(sex.value) if sex is not None else None,
    )
    order = Order(product=product, route=route, dose_mg=dose_mg, infusion_min=infusion_min)
    return _levels(order, subject, _Models(found.knowledge.version, found.knowledge.drugs))


@dataclass(frozen=True, slots=True)
class _Models:
    """The drug models carried along a cached call; the version of the knowledge is what tells two sets apart."""

    version: str
    drugs: Mapping[str, Any] = field(compare=False)


@lru_cache(maxsize=64)
def _levels(order: Order, subject: Subject, models: _Models) -> Simulation | None:
    """The same order to the same body is simulated once, whatever page asks."""
    if not has_model(order, subject, models.drugs):
        return None
    return simulate(order, subject, models.drugs, LEVEL_MINUTES, draws=LEVEL_DRAWS, seed=SEED)


def ways_on(found: Chart, card: DecisionCard) -> list[tuple[int | None, list[date]]]:
    """The session days that going on would bring, for each spacing that may be chosen; none while some are ahead."""
    if found.plan is None or found.person is None or found.sessions_ahead or not card.dates:
        return []
    choices: tuple[int | None, ...] = card.spacings or (None,)
    blocks = {
        days: onward(found.person, found.clinic, found.knowledge, option_id=found.plan.option_id, every_days=days)
        for days in choices
    }
    return [(days, [visit.on for visit in block if visit.kind == "session"]) for days, block in blocks.items()]


def recommended(found: Chart, about: str, *, identity: str) -> Recommendation:
    """The recommendation as it stands now, with everything that is needed to make it again."""
    assert found.person is not None
    offered = plan(found)
    return Recommendation(
        origin=Origin(resource="RiskAssessment", id=identity, version=None),
        about="plan" if about == "plan" else "card",
        as_of=found.as_of,
        seed=SEED,
        inputs_digest=offered.inputs_digest,
        knowledge_version=offered.knowledge_version,
        code_version=code_version(),
        engine_version=ENGINE,
        record_mark=found.mark,
        settings=settings_of(found.clinic),
        result=_text(_result(found, about)),
    )


def protocol(found: Chart, signed: SignedPlan) -> tuple[Line, ...]:
    """A plan of the record as text, one fact a line, with what it was signed on where the record has that."""
    basis = (decode(r) for r in found.bundle.of_type("RiskAssessment") if r.get("id") == signed.recommendation_id)
    return signed_text(signed, found.knowledge, recommendation=next(basis, None))


def replay(practice: Practice, identity: str) -> Replay | None:
    """Make a stored recommendation again; None where there is none of this id.

    On the same build the result is the same to the bit; on another, numbers may differ by one in a million.
    """
    stored = read(practice, "RiskAssessment", identity)
    found = None if stored is None else decode(stored.resource)
    if stored is None or found is None:
        return None
    clinic = clinic_of(json.loads(found.settings))
    then = chart(practice, stored.patient_id, as_of=found.as_of, up_to=found.record_mark, clinic=clinic)
    if then is None or then.person is None:
        return None  # made elsewhere and taken in with a whole chart: the history that it was made on is not here
    known = then.knowledge
    if found.about == "plan":
        own = measured(then) if own_sessions(then) else None
        offered = journey.planned(then.person, clinic, known, seed=found.seed, sensitivity=own)
        again = plan_json(offered, then.person, known)
    else:
        _, course, card = journey.treated(then.person, clinic, known, seed=found.seed)
        again = course_json(course, card, then.person, known)
    build = (code_version(), ENGINE, known.version)
    same_build = (found.code_version, found.engine_version, found.knowledge_version) == build
    if same_build and _text(again) == found.result:
        return Replay(found=found, same_build=True, differences=())
    exactness = 0.0 if same_build else TOLERANCE
    differences = tuple(_differences(json.loads(found.result), json.loads(_text(again)), "", exactness))
    return Replay(found=found, same_build=same_build, differences=differences)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCheck:
    """The calculation of the order that stands, for the person who checks it.

    `then` is how it came out by the facts that it was signed on (None where they are not on record), `now` how it comes
    out by today's, or why it does not. `differs` says in words that the two are too far apart for a check of then to
    count today, or that nothing comes out today; else it is empty. `seen` is the order as it stands, `checked` the
    check that covers it.
    """

    seen: Seen
    ordered_mg: float
    then: DoseCalculation | None
    now: DoseCalculation | Text | None
    differs: str
    checked: Signed | None
    signers: frozenset[str]
    by_another: bool


def order_check(found: Chart) -> OrderCheck | None:
    """The check of the order that stands; None where there is no order with a dose, or nothing to rely on."""
    signed = found.plan
    if signed is None or signed.dose_mg is None or signed.order_id is None or found.person is None:
        return None
    order = read(found.practice, "MedicationRequest", signed.order_id)
    if order is None or order.patient_id != found.patient_id:
        return None
    over = signatures_on(found.practice, order.kind, order.identity)
    signers = frozenset(s.username for s in over if s.meaning == "order")
    by_another = found.knowledge.figure("order_checked_by_another") >= 1
    then = _calculated_then(found, signed)
    now = calculated_now(signed.option_id, found.person, found.clinic, found.knowledge)
    return OrderCheck(
        seen=Seen.of(order),
        ordered_mg=signed.dose_mg,
        then=then,
        now=now,
        differs=_apart(found, then, now),
        checked=next((s for s in over if _covers(s, signers, by_another=by_another)), None),
        signers=signers,
        by_another=by_another,
    )


def _calculated_then(found: Chart, signed: SignedPlan) -> DoseCalculation | None:
    """By the facts that this plan was signed on: as stored with a chosen option, made anew where the card went on."""
    stored = (decode(r) for r in found.bundle.of_type("RiskAssessment") if r.get("id") == signed.recommendation_id)
    basis = next(filter(None, stored), None)
    if basis is None:
        return None
    if (kept := calculated_then(basis, signed.option_id)) is not None:
        return kept
    settings = clinic_of(json.loads(basis.settings))
    then = chart(found.practice, found.patient_id, as_of=basis.as_of, up_to=basis.record_mark, clinic=settings)
    if then is None or then.person is None:
        return None
    made = calculated_now(signed.option_id, then.person, then.clinic, then.knowledge)
    return made if isinstance(made, DoseCalculation) else None


def _apart(found: Chart, then: DoseCalculation | None, now: DoseCalculation | Text | None) -> str:
    """That today's facts give no dose, or another than those that the order was signed on; "" where neither is so."""
    if isinstance(now, Text):
        return _("By the facts of today: %(why)s") % {"why": say(now, found.knowledge.texts)}
    if then is None or now is None or then.dose_mg == now.dose_mg:
        return ""
    if abs(now.exact_mg - then.exact_mg) <= found.knowledge.figure("order_drift_share") * then.exact_mg:
        return ""
    said = {"now": f"{now.dose_mg:g}", "by": now.formula, "then": f"{then.dose_mg:g}", "was": then.formula}
    return _("By the facts of today the dose comes to %(now)s mg (%(by)s); signed on %(then)s mg (%(was)s).") % said


def _covers(signed: Signed, signers: frozenset[str], *, by_another: bool) -> bool:
    """Whether this is a check of what is ordered now, by somebody who counts as its second person."""
    holds = signed.meaning == "calculation" and signed.state in ("stands", "kept")
    return holds and not (by_another and signed.username in signers)


def calculation_check(check: OrderCheck | None) -> str | None:
    """Why the calculation of an order is still to be checked, in words; None where it is, and where none is ordered."""
    if check is None or check.checked is not None:
        return None
    if check.by_another:
        return _(
            "The dose calculation was not checked by a second person: it is done on the person's page, under Plan."
        )
    return _("The dose calculation was not checked: it is done on the person's page, under Plan.")


@lru_cache(maxsize=1)
def code_version() -> str:
    """The core's version with a digest of its source, so that two builds of one version are told apart."""
    folder = Path(ketapath.__file__).parent
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        digest.update(f"{file.relative_to(folder)}\0".encode() + file.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:12]}"


def _result(found: Chart, about: str) -> dict[str, Any]:
    assert found.person is not None
    if about == "plan":
        return plan_json(plan(found), found.person, found.knowledge)
    now = treated(found)
    return course_json(now.course, now.card, found.person, found.knowledge)


def _text(result: dict[str, Any]) -> str:
    return json.dumps(result, sort_keys=True, ensure_ascii=False, default=str)


def _differences(before: Any, after: Any, place: str, exactness: float) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted({*before, *after} - (_STAMPS if exactness else frozenset())):
            yield from _differences(before.get(name), after.get(name), f"{place}.{name}", exactness)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _differences(old, new, f"{place}[{index}]", exactness)
    elif isinstance(before, float) and isinstance(after, float):
        if abs(before - after) > exactness * max(1.0, abs(before)):
            yield f"{place}: {before!r} became {after!r}"
    elif before != after:
        yield f"{place}: {before!r} became {after!r}"
