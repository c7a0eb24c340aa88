"""What was published, run as it stood, beside its figures; a study of its own."""

from __future__ import annotations

import json

import pytest

from objectives.registry import get_task
from sweeps.best_config.document import read_config
from sweeps.best_config.replay import prepare_replay
from sweeps.errors import UsageError
from sweeps.repeats.reproduce import Reproduction, beside, published_for, reproduce
from sweeps.settings import RunSettings
from tests.sweeps_tests.conftest import Refusal, Sweep

INLINE = RunSettings(runner="inline")
FEW = Reproduction("mnist_mlp", data="mnist-5k", fraction=0.1, seeds=2, rounds=3)


def test_it_is_a_study_whose_every_trial_is_the_published_configuration() -> None:
    study = reproduce(FEW, run=INLINE).study
    published = published_for(get_task("mnist_mlp"))
    assert study.name.startswith("mnist_mlp-published-")
    for trial in study.table():
        assert study.parameters(trial).items() >= dict(published.parameters).items()
    assert len({trial.attributes["seed"] for trial in study.table()}) == 2
    assert study.spec.stop_rule == "none"
    assert (study.spec.data.plan.published, study.spec.data.plan.fraction) == (True, 0.1)


def test_its_figures_stand_beside_the_published_ones() -> None:
    study = reproduce(FEW, run=INLINE).study
    published = published_for(get_task("mnist_mlp"))
    rows = beside(study, published)
    rounds = study.rounds()
    assert rows[-1]["round"] == 3
    for row in rows:
        ours = rounds[rounds["index"] == row["round"]][row["figure"]]
        assert row["ours"] == pytest.approx(ours.mean())
        assert row["std"] == pytest.approx(ours.std())
        assert row["published"] == published.curve.get(row["round"], {}).get(row["figure"])


def test_a_variant_stands_beside_what_was_published_of_it_alone() -> None:
    published = published_for(get_task("mnist_mlp"))
    reported, other = published.variants["h1024-lr0.0001"], published.variants["h400-lr0.01"]
    study = reproduce(FEW, run=INLINE).study
    assert beside(study, published, reported) == beside(study, published)
    rows = beside(study, published, other)
    assert {(row["published"], row["difference"]) for row in rows} == {(None, None)}
    assert [row["round"] for row in rows] == [row["round"] for row in beside(study, published)]


def test_asked_again_it_goes_on_and_replays() -> None:
    first = reproduce(FEW, run=INLINE).study
    again = reproduce(FEW, run=INLINE).study
    assert (again.name, len(again.all_trials())) == (first.name, 2)
    replay = prepare_replay(read_config(again.best_path), again.out)
    assert all(each.equal for each in replay.compare(0.0))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"variant": "no-such"}, "mnist_mlp has no variant 'no-such'"),
        ({"fraction": 0.0}, "--data-fraction 0 must be above 0"),
        ({"seeds": 0}, "--seeds 0 must be at least 1"),
        ({"stop_rule": "study"}, "--stop-rule study: a reproduction has no other trials to compare with"),
    ],
)
def test_what_can_not_be_reproduced_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        reproduce(Reproduction("mnist_mlp", data="mnist-5k", **changes), run=INLINE)


def test_the_command_lists_and_runs(sweep: Sweep) -> None:
    listed = json.loads(sweep("reproduce", "mnist_mlp", "--list", "-f", "json").out)
    assert listed[0]["changes"]["weight_init"] == "unit_normal"
    words = (
        "--data",
        "mnist-5k",
        "--rounds",
        "2",
        "--data-fraction",
        "0.1",
        "--runner",
        "inline",
        "-f",
        "json",
    )
    rows = json.loads(sweep("reproduce", "mnist_mlp", *words).out)
    assert {"round", "figure", "published", "ours", "std", "seeds", "difference"} == set(rows[0])


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--data", "mnist5k"), "--data mnist5k: mnist_mlp has no such data set; did you mean 'mnist-5k'?"),
        (("--data", "mnist-5k", "--rounds", "0"), "--rounds 0"),
    ],
)
def test_other_data_and_no_rounds_are_refused(refused: Refusal, words: tuple[str, ...], why: str) -> None:
    assert why in refused("reproduce", "mnist_mlp", "--runner", "inline", *words)


def test_a_part_without_rows_is_refused(refused: Refusal) -> None:
    words = ("--data", "mnist-5k", "--data-fraction", "0.0001", "--runner", "inline")
    assert "would be 0 training and 0 validation rows. Use a larger fraction" in refused(
        "reproduce", "mnist_mlp", *words
    )
