"""Laws of the ledger: windows are sums and hold the shorter ones, order never matters, a gap lowers nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.records import CLINIC, KNOWLEDGE, TODAY, good_record, person

from ketapath.domain.fact import Dose, Origin
from ketapath.domain.followup import Exposure
from ketapath.followup import exposure

One = tuple[int, str, float | None]
"""A dose: so many days ago, of which product, how many milligrams."""
WELL = person(good_record())
GIVEN = st.tuples(
    st.integers(0, 500), st.sampled_from(["racemic", "esketamine"]), st.none() | st.integers(1, 300).map(float)
)


def ledger(given_: list[One]) -> Exposure:
    doses = tuple(
        Dose(on=TODAY - timedelta(days=days), product=product, route="iv", dose_mg=mg, duration_min=40.0,
             origin=Origin(resource="MedicationAdministration", id=f"{days}-{product}-{mg}", version=None))
        for days, product, mg in given_
    )  # fmt: skip
    return exposure(replace(WELL, doses=doses), CLINIC, KNOWLEDGE)


@given(st.lists(GIVEN, max_size=12))
def test_a_window_is_the_sum_of_its_doses_and_holds_the_shorter_ones(
    given_: list[One],
) -> None:
    found = ledger(given_)
    for window in found.windows:
        own = [mg for days, product, mg in given_ if product == window.product and days < (window.days or 1000)]
        assert window.mg == sum(mg for mg in own if mg is not None)
        assert window.without_mg == own.count(None)
    for product in {window.product for window in found.windows}:
        sums = [(w.mg, w.sessions) for w in found.windows if w.product == product]
        assert sums == sorted(sums)


@given(st.lists(GIVEN, max_size=12).flatmap(lambda g: st.tuples(st.just(g), st.permutations(g))))
def test_the_order_in_which_doses_were_written_changes_nothing(
    both: tuple[list[One], list[One]],
) -> None:
    one, other = ledger(both[0]), ledger(both[1])
    assert one.windows == other.windows
    assert (one.limits, one.checks) == (other.limits, other.checks)


@given(st.lists(GIVEN, max_size=8), GIVEN)
def test_a_dose_without_milligrams_lowers_nothing_that_is_known(given_: list[One], more: One) -> None:
    before = {(w.product, w.days): (w.mg, w.sessions) for w in ledger(given_).windows}
    after = {(w.product, w.days): (w.mg, w.sessions) for w in ledger([*given_, (*more[:2], None)]).windows}
    assert all(after[key][0] == mg and after[key][1] >= held for key, (mg, held) in before.items())
