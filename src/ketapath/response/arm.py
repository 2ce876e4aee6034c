"""What is an arm of a trial? Its people, what they were told, what they got and when; the same words in every file.

An arm of `predict-arm`, a study that the fit reads and a row of validation are all this one value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from ketapath.response.arm_course import Scale, Visit

CONTROLS = ("saline", "midazolam", "nasal-placebo", "oral-placebo", "active", "none")
MOST_SESSIONS = 12  # source: our choice; 12 weekly sessions span more than five half-lives
RELAPSE_VISITS = 6  # source: our choice; more visits find more relapses
EVEN_VISITS_DAYS = 28.0  # source: our choice; visits up to a later day stand closer together at first
NOMINAL_KG = 75.0  # source: our choice; the weight at which a dose in mg is taken where trials give mg/kg
NASAL_MG = 84.0  # source: label of the spray, the dose at which the nasal equivalent is stated
_CONTEXTS = {
    "saline": "saline",
    "midazolam": "midazolam",
    "active": "midazolam",
    "nasal-placebo": "nasal_placebo",
    "oral-placebo": "oral_placebo",
}
EQUIVALENTS: Mapping[tuple[str, str], str | None] = {
    ("racemic", "iv"): None,
    ("esketamine", "iv"): "equivalent_iv_esketamine",
    ("esketamine", "nasal"): "equivalent_nasal_esketamine",
    ("racemic", "oral"): "equivalent_oral_racemic",
    ("racemic", "im"): "equivalent_im_racemic",
    ("racemic", "nasal"): "equivalent_nasal_racemic",
}
"""What each product and route that has outcome rows is worth by vein; None is the unit itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Regimen:
    """Sessions of one product, route and dose on these days since the first; `every_days` goes on after the last."""

    product: str
    route: str
    dose: float
    unit: Literal["mg", "mg/kg"]
    days: tuple[float, ...]
    every_days: float | None = None
    maintenance_dose: float | None = None

    def amount(self, dose: float) -> float:
        """The dose in the unit of its equivalent: parts of 84 mg for the spray of esketamine, else mg/kg."""
        if (self.product, self.route) == ("esketamine", "nasal"):
            return (dose if self.unit == "mg" else dose * NOMINAL_KG) / NASAL_MG
        return dose if self.unit == "mg/kg" else dose / NOMINAL_KG


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One arm. `n` people; `regimen` is None for a control arm; `routine` is None where nobody says.

    `baseline` and `baseline_sd` in points of `scale`, None where not stated; `sd` that of the change, where given.
    """

    n: int
    scale: str
    control: str
    condition: str = "MDD"
    resistant: bool = True
    inpatient: bool = False
    routine: bool | None = False
    new_antidepressant: bool = False
    baseline: float | None = None
    baseline_sd: float | None = None
    regimen: Regimen | None = None
    sd: float | None = None

    def covariates(self) -> dict[str, float]:
        """By which parameters, and how often, the log-odds of this arm's context come about."""
        found: dict[str, float] = {}
        if self.control == "none":
            found["context_open"] = 1.0
        else:
            kind = _CONTEXTS[self.control]
            found[f"context_{kind}"] = 1.0
            if self.regimen is not None:
                found[f"unblinding_{kind}"] = 1.0
        if self.control == "none" and self.routine:
            found["routine_care"] = 1.0
        for name, holds in (
            ("inpatient", self.inpatient),
            ("bipolar", self.condition == "bipolar-depression"),
            ("not_resistant", not self.resistant),
        ):
            if holds:
                found[name] = 1.0
        return found

    @property
    def equivalent(self) -> str | None:
        """The parameter that says what its dose is worth by vein; None for racemic by vein and for a control arm."""
        return None if self.regimen is None else EQUIVALENTS[self.regimen.product, self.regimen.route]

    def sessions(self, until_day: float) -> list[tuple[float, float]]:
        """Days and amounts (see Regimen.amount) of the sessions before this day, maintenance included."""
        if self.regimen is None:
            return []
        plan = self.regimen
        found = [(day, plan.amount(plan.dose)) for day in plan.days]
        if plan.every_days:
            dose = plan.maintenance_dose or plan.dose
            day = plan.days[-1] + plan.every_days
            while day < until_day:
                found.append((day, plan.amount(dose)))
                day += plan.every_days
        return [(day, amount) for day, amount in found if day < until_day]

    def visit(self, day: float, worth: Any, *, at_least: int = 0) -> Visit:
        """The assessment on this day, for a dose worth so much by vein; empty sessions in front up to `at_least`.

        Only the last sessions are told (MOST_SESSIONS); what older ones left is gone or restored.
        """
        given = self.sessions(day)[-MOST_SESSIONS:]
        padding = max(at_least - len(given), 0)
        gaps = [0.0] * padding + [0.0] * bool(given) + [b[0] - a[0] for a, b in pairwise(given)]
        doses = [0.0 * worth] * padding + [amount * worth for _day, amount in given]
        return Visit(
            day=day,
            gaps_days=gaps,
            mg_per_kg=doses,
            since_last=day - given[-1][0] if given else 0.0,
            days_on_new=day if self.new_antidepressant else -1.0,
        )

    @property
    def judged_day(self) -> float:
        """The day on which response is judged: the day after the last session, or day 3 after a single one."""
        assert self.regimen is not None
        return self.regimen.days[-1] + (3.0 if len(self.regimen.days) == 1 else 1.0)

    def relapse_days(self, days_after_last: float) -> list[float]:
        """The day on which response is judged, and the visits up to the day that is asked: closer together at first."""
        assert self.regimen is not None
        start = self.judged_day
        end = max(self.regimen.days[-1] + days_after_last, start + 1.0)
        power = 1.0 if days_after_last <= EVEN_VISITS_DAYS else 1.5  # source: our choice
        return [start, *(start + (end - start) * ((i + 1) / RELAPSE_VISITS) ** power for i in range(RELAPSE_VISITS))]


def scale_of(arm: Arm, theta: Mapping[str, Any], scales: Mapping[str, Any], scale: str | None = None) -> Scale:
    """The scale of an outcome with its parameters; another scale than the baseline's starts at its usual baseline."""
    name = scale or arm.scale
    spec = scales[name]
    stated = name == arm.scale
    return Scale(
        top=float(spec["top"]),
        baseline=float(spec["baseline"] if arm.baseline is None or not stated else arm.baseline),
        baseline_sd=float(spec["baseline_sd"] if arm.baseline_sd is None or not stated else arm.baseline_sd),
        error=theta[spec["error"]],
        steeper=1.0 if spec["steeper"] is None else theta[spec["steeper"]],
    )
