"""Does the fit, made again, find what is kept? With another seed and within the error of both samples."""

from __future__ import annotations

import numpy as np
import pytest

from ketapath.errors import BadUsage
from ketapath.knowledge import load
from ketapath.response.fitting import STRUCTURES, data_digest
from ketapath.response.outcomes import outcomes
from ketapath.response.population import Variant, fit
from ketapath.response.prior import population

PARAMETERS = load().response
KEPT = population(PARAMETERS)


def test_the_kept_draws_are_those_of_the_tables_as_they_stand() -> None:
    assert KEPT.about["data_digest"] == data_digest()


def test_every_chain_of_the_kept_fit_agreed() -> None:
    for structure in STRUCTURES:
        checks = KEPT.about["diagnostics"][structure]
        assert max(checks["r_hat"].values()) < 1.02
        assert min(checks["ess"].values()) > 400
        assert checks["divergences"] == 0


def test_without_the_research_tools_the_command_says_what_to_install() -> None:
    try:
        import numpyro  # noqa: F401
    except ImportError:
        with pytest.raises(BadUsage, match="research"):
            fit(PARAMETERS, outcomes(PARAMETERS["trial_scales"])[0], seed=1)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # JAX and its kind warn of things that are not ours
def test_made_again_it_is_the_same_within_the_error_of_sampling() -> None:
    pytest.importorskip("numpyro")
    data, _left = outcomes(PARAMETERS["trial_scales"])
    (again,) = fit(PARAMETERS, data, variants=[Variant(chains=2)], seed=7, warm_up=250, draws=250)
    built_up = KEPT["build_up"] > 0.0
    kept_ess = KEPT.about["diagnostics"]["build-up"]["ess"]
    apart = {}
    for name, values in again.draws.items():
        kept = KEPT[name][built_up]
        error = kept.std() * np.sqrt(1.0 / max(again.ess[name], 10.0) + 1.0 / min(kept_ess[name], kept.size))
        apart[name] = abs(values.mean() - kept.mean()) / error
    assert max(apart.values()) < 4.5, apart
    assert float(np.mean([z > 2.0 for z in apart.values()])) < 0.2, apart
