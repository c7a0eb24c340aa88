"""`sweep batch`: the choice from tables of figures, and the command on the real loop."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from sweeps.guidance.batch_knee import Measured, has_room, knee, noise_scale, still_pays, suggested_sizes
from sweeps.guidance.batch_probe import _bounds
from tests.sweeps_tests.conftest import Refusal, Sweep

HERE = Path(__file__).parent
BLOBS = (f"{HERE / 'blobs.py'}:Blobs", "--space", str(HERE / "blobs.yaml"))


def table(*rates: float) -> list[Measured]:
    return [Measured(8 * 2**k, rate, 2**20) for k, rate in enumerate(rates)]


@pytest.mark.parametrize(
    ("rates", "size"),
    [
        ((100, 200, 400, 410, 415), 32),
        ((100, 100, 100), 8),
        ((100, 190, 300, 380, 400), 64),
        ((100, 400, 200, 150), 16),
    ],
)
def test_the_knee_is_the_smallest_batch_of_nearly_the_highest_throughput(
    rates: tuple[float, ...], size: int
) -> None:
    assert knee(table(*rates)).batch_size == size


def test_two_doublings_without_a_gain_end_the_probe_and_one_does_not() -> None:
    assert still_pays(table(100, 101))
    assert still_pays(table(100, 200, 205))
    assert still_pays(table(100, 101, 200))
    assert not still_pays(table(100, 200, 205, 206))


def test_nothing_measured_has_no_knee() -> None:
    with pytest.raises(ValueError, match="nothing"):
        knee([])


def test_memory_must_leave_room() -> None:
    assert has_room(79, 100)
    assert not has_room(81, 100)


def test_the_noise_scale_is_that_of_the_gradient_it_was_made_from() -> None:
    """With |G|² = 4 and tr(Σ) = 400, a batch of B rows has the mean square 4 + 400 / B."""
    assert noise_scale(8, 4 + 400 / 8, 128, 4 + 400 / 128) == pytest.approx(100)
    assert noise_scale(8, 5, 128, 5) == 0
    assert (
        noise_scale(8, 400 / 8, 128, 400 / 128) == pytest.approx(math.inf)
        or noise_scale(8, 50, 128, 3.125) > 1e9
    )
    with pytest.raises(ValueError, match="not below"):
        noise_scale(8, 1, 8, 1)


def test_sizes_to_search_end_at_the_knee_and_reach_down_to_the_noise_scale() -> None:
    measured = table(100, 200, 400, 800, 1600, 1650, 1660)
    assert suggested_sizes(measured, math.inf) == [32, 64, 128]
    assert suggested_sizes(measured, 80) == [32, 64, 128]
    assert suggested_sizes(measured, 40) == [16, 32, 64, 128]


def test_the_command_measures_on_the_real_loop(sweep: Sweep) -> None:
    said = sweep("batch", *BLOBS, "--largest", "64", "-f", "json")
    found = json.loads(said.out)
    sizes = [each["batch_size"] for each in found["measured"]]
    assert sizes == [8, 16, 32, 64][: len(sizes)]
    assert found["proven"] == sizes[-1]
    assert found["knee"] in sizes
    assert all(each["rows_per_second"] > 0 and each["peak_bytes"] > 0 for each in found["measured"])
    assert float(found["noise_rows"]) >= 0
    assert "tune the learning rate and the regularisation for this size" in said.err
    assert "Next: sweep launch" in said.err


def test_running_out_of_memory_is_caught_and_a_size_is_only_named_if_a_round_fits(sweep: Sweep) -> None:
    hungry = (f"{HERE / 'broken_blobs.py'}:Hungry", "--space", str(HERE / "blobs.yaml"))
    found = json.loads(sweep("batch", *hungry, "-f", "json").out)
    assert [each["batch_size"] for each in found["measured"]] == [8, 16, 32]
    assert found["ended"] == "64 rows do not fit into memory"
    assert found["proven"] == 16  # a round at 32 rows fails in its evaluation
    assert found["knee"] <= 16


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--largest", "100000"), "larger than the data"),
        (("--smallest", "64", "--largest", "32"), "reversed"),
        (("batch_size=8",), "none can be fixed"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(words: tuple[str, ...], what: str, refused: Refusal) -> None:
    assert what in refused("batch", *BLOBS, *words)


def test_bounds_are_within_the_rows() -> None:
    assert _bounds(None, None, 5) == (5, 5)
    assert _bounds(None, None, 1000) == (8, 1000)
