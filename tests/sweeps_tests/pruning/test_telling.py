"""To tell how many rows are behind a score changes no halt, neither forward nor back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeps.pruning.learning_curve import curve_from_columns
from sweeps.trial.metric import Metric
from tests.sweeps_tests.pruning.drawn import CURVES, NOISE, Drawn
from tests.sweeps_tests.pruning.noisy import CURVES as NOISY
from tests.sweeps_tests.pruning.noisy import Noisy
from tests.sweeps_tests.pruning.test_drawn_curves import halt_of, metric_of

Columns = Mapping[str, Sequence[float]]
ROWS = (50, 500, 20_000)
few = settings(max_examples=15, deadline=None)


def halts(columns: Columns, metric: Metric, budget: int = 50) -> set[tuple[str, int] | None]:
    """Reason and round of the halt, without rows and with few and many of them."""
    found = set()
    for rows in (0, *ROWS):
        told = replace(metric, num_valid=rows)
        stop = halt_of(curve_from_columns(columns, told), told, budget)
        found.add(stop and (stop.reason, stop.round))
    return found


@few
@given(st.sampled_from(CURVES), st.booleans())
def test_rows_change_no_halt_of_a_drawn_curve(drawn: Drawn, is_told: bool) -> None:
    metric = metric_of(drawn) if is_told else replace(metric_of(drawn), chance=math.nan)
    assert len(halts(drawn.columns(), metric)) == 1


@few
@given(st.sampled_from(NOISY), st.integers(1, 5))
def test_rows_change_no_halt_of_a_noisy_curve(noisy: Noisy, seed: int) -> None:
    assert len(halts(noisy.columns(seed), noisy.metric, noisy.rounds)) == 1


@pytest.mark.parametrize("lag", [None, 0.04])
@pytest.mark.parametrize("above", [0.02, 0.04, 0.06, 0.08, 0.12])
def test_rows_change_no_halt_a_little_above_chance(above: float, lag: float | None) -> None:
    scores = [0.1 + above + 0.004 * NOISE[k] for k in range(50)]
    losses = [2.2 + 0.002 * NOISE[k + 50] for k in range(50)]
    columns = {"train_loss": losses, "valid_loss": losses, "train_score": scores, "valid_score": scores}
    if lag is not None:
        columns["valid_score_batch_statistics"] = [score + lag for score in scores]
    assert len(halts(columns, Metric("accuracy", "maximize", 0.1, 0))) == 1
