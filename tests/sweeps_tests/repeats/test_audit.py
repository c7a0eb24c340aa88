"""`sweep audit`: halted trials are trained to the end."""

from __future__ import annotations

import json

from sweeps.repeats.audit import audit
from sweeps.settings import RunSettings
from sweeps.study.stored_study import load
from tests.conftest import ToyLauncher
from tests.sweeps_tests.conftest import Refusal, Sweep, TimeIsUp

INLINE = RunSettings(runner="inline")


def test_halted_trials_show_the_same_rounds_and_then_the_rest(launch_toy: ToyLauncher) -> None:
    launch_toy("behaviour=overfits", study="s", num_trials=6)
    _, found = audit("s", share=0.5, run=INLINE)
    assert found is not None
    assert (found.halted, len(found.trials)) == (6, 3)
    for each in found.trials:
        assert each.is_same
        assert each.reason == "overfitting"
        assert (each.halted_after, each.rounds) == (load("s").trial(each.trial).attributes["rounds"], 10)
        assert (each.gain, each.best) == (0.0, each.full_best)  # the toy only gets worse
    assert found.rounds_saved == sum(10 - t.attributes["rounds"] for t in load("s").table())
    assert found.planned_rounds == 60
    assert (found.best, found.improved) == (found.full_best, [])


def test_a_gain_that_was_lost_is_told(launch_toy: ToyLauncher, sweep: Sweep) -> None:
    launch_toy("seconds=0", study="s", num_trials=8, stop_rule="eager", rounds=20, sampler="random")
    said = sweep("audit", "s", "--share", "1", "--runner", "inline", "-f", "json")
    rows = json.loads(said.out)
    halted = [t for t in load("s").table() if t.attributes["stop_reason"] == "inferior"]
    assert [row["trial"] for row in rows if row["reason"] == "inferior"] == [t.number for t in halted]
    assert any(row["gain"] > 0 for row in rows)
    for row in rows:
        assert row["is_same"]
        assert abs(row["full_best"] - row["best"]) == row["gain"]
        assert row["full_best_round"] <= row["rounds"] == 20
    assert f"{len(rows)} of them were trained again, to the end" in said.err
    assert "The study's best stays" in said.err


def test_the_share_is_seeded_and_an_audit_goes_on_where_it_was(launch_toy: ToyLauncher) -> None:
    launch_toy("behaviour=overfits", study="s", num_trials=8)
    (first, one), (second, two) = audit("s", share=0.3, run=INLINE), audit("s", share=0.3, run=INLINE)
    assert first.study.name == second.study.name
    assert one is not None
    assert two is not None
    assert one.trials == two.trials
    assert len(one.trials) == 2
    assert len(load(first.study.name).all_trials()) == 2


def test_what_can_not_be_audited_is_refused(launch_toy: ToyLauncher, refused: Refusal) -> None:
    launch_toy(study="s", num_trials=2)
    assert "none of its 2 trials was halted" in refused("audit", "s")
    assert "--share 0 must be above 0 and at most 1" in refused("audit", "s", "--share", "0")
    assert "There is no study 'other'" in refused("audit", "other")


def test_the_command_says_how_to_go_on_when_its_time_was_up(
    launch_toy: ToyLauncher, sweep: Sweep, time_is_up: TimeIsUp
) -> None:
    study = launch_toy("behaviour=overfits", study="s", num_trials=2).study
    with time_is_up(after_rounds=study.spec.rounds + 1):  # in the second of two trials
        said = sweep("audit", "s", "--share", "1", "--runner", "inline", "--timeout", "1", code=5)
    assert "To continue, repeat the same command: sweep audit s" in said.err
