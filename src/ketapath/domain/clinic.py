"""What can this clinic do, and who approved how it does it? Jurisdiction, products, staff, hours, policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A named person of the clinic took over a rule, figure or window on a day, perhaps with other values.

    `version` is the one that was approved: another version has to be approved anew. `values` are limits by the key that
    knowledge.policy gives them; those not named stay as shipped.
    """

    item: str
    version: str
    by: str
    on: date
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicFact:
    """One thing that the clinic answers for, stated by a named person on a day."""

    value: bool | float | str
    on: date
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinic:
    """The clinic as the core needs it. Prices that are not known are absent, never zero.

    `products` and `routes` are its formulary: what it does not offer is named as that, whoever it would suit.
    A route is "im", or "esketamine/iv" for one product by it; some ways are offered only where they are named so.
    `prices` are in `currency`, by "product/route" for a session and "preparation", "integration", "review" and
    "psychotherapy" for an hour of these.
    What nobody stated is None: `rems_certified`, `acls_on_site`. `facts` are what the clinic states of itself, by
    profile path. With a `strict_profile` it also applies what trials excluded. `session_hours` are (opening, last
    start); `languages` those of qualified staff.
    """

    jurisdiction: str = "US"
    products: tuple[str, ...] = ("esketamine", "racemic")
    routes: tuple[str, ...] = ("iv", "nasal")
    rems_certified: bool | None = None
    strict_profile: bool = False
    session_hours: tuple[float, float] = (8.0, 15.0)
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)
    languages: tuple[str, ...] = ("en",)
    acls_on_site: bool | None = None
    prices: Mapping[str, float] = field(default_factory=dict)
    currency: str | None = None
    approvals: Mapping[str, Approval] = field(default_factory=dict)
    facts: Mapping[str, ClinicFact] = field(default_factory=dict)
