"""The exported configuration: exact, atomic, and true when replayed."""

from __future__ import annotations

import dataclasses
import math
import struct
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from objectives import Round
from sweeps.best_config.document import read_config, to_yaml
from sweeps.best_config.replay import compare_rounds, prepare_replay
from sweeps.errors import UsageError
from tests.conftest import ToyLauncher


@given(st.floats(width=64) | st.none() | st.booleans() | st.integers(-(10**9), 10**9))
def test_every_value_reads_back_to_the_same_bits(value: float | bool | None) -> None:
    text = to_yaml({"value": value, "rounds": [{"figure": value}]}, "a comment")
    again = YAML(typ="safe", pure=True).load(text)
    for read in (again["value"], again["rounds"][0]["figure"]):
        assert type(read) is type(value)
        if isinstance(value, float) and not math.isnan(value):
            assert struct.pack("d", read) == struct.pack("d", value)
        elif not isinstance(value, float):
            assert read == value


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), max_size=99))
@example("true")
@example("1e5")
@example("a: b, {c} # d")
@example(":0")
@example("")
def test_every_name_of_an_extra_number_reads_back(name: str) -> None:
    rounds = [{name: 0.5, "next": 1}, {name: None}]
    text = to_yaml({"format": 1, "rounds": rounds}, "a comment")
    assert YAML(typ="safe", pure=True).load(text)["rounds"] == rounds


def test_a_file_written_before_the_model_reads_and_is_written_the_same() -> None:
    text = Path(__file__).with_name("format_1.yaml").read_text()
    config = read_config(Path(__file__).with_name("format_1.yaml"))
    assert (config.trial, config.value, config.budget, len(config.rounds)) == (0, 0.948, 8, 8)
    assert to_yaml(config.to_dict(), "comment").partition("\n")[2] == text.partition("--enqueue`.\n")[2]


def test_a_changed_parameter_is_found_out_at_the_first_round(launch_toy: ToyLauncher, tmp_path: Path) -> None:
    text = launch_toy(num_trials=1).study.best_path.read_text()
    changed = tmp_path / "changed.yaml"
    changed.write_text(text.replace("quality: 0.5", "quality: 0.6"))
    compared = list(prepare_replay(read_config(changed), Path()).compare(tolerance=0.0))
    assert not compared[0].equal
    assert compared[0].worst in ("train_score", "valid_score")
    assert compared[0].difference == pytest.approx(0.1 * (1 - math.exp(-1)))


def test_another_environment_allows_a_tolerance_and_is_named(launch_toy: ToyLauncher) -> None:
    config = read_config(launch_toy(num_trials=1).study.best_path)
    config.environment.versions["torch"] = "1.0"
    first = config.rounds[0]
    config.rounds[0] = dataclasses.replace(first, valid_score=first.valid_score + 0.001)
    replay = prepare_replay(config, Path())
    assert any(line.startswith("torch: 1.0") for line in replay.differs_here)
    assert not replay.must_be_equal
    assert next(replay.compare(tolerance=0.01)).within_tolerance


@pytest.mark.parametrize(
    ("recorded", "again"), [(math.inf, 1.0), (None, 1.0), (math.nan, 1.0), (1.0, 1.0 + 2**-52)]
)
def test_a_figure_that_is_not_the_recorded_one_is_found(recorded: float | None, again: float) -> None:
    first = Round(index=1, valid_score=0.5, gradient_norm=recorded)
    compared = compare_rounds(first, dataclasses.replace(first, gradient_norm=again), tolerance=0.0)
    assert (compared.equal, compared.within_tolerance, compared.worst) == (False, False, "gradient_norm")


def test_other_rows_are_refused(launch_toy: ToyLauncher) -> None:
    from objectives import DataError

    config = read_config(launch_toy(num_trials=1).study.best_path)
    other = config.model_copy(update={"data": config.data.model_copy(update={"digest": "0" * 64})})
    with pytest.raises(DataError, match="differ from those of the recorded"):
        prepare_replay(other, Path())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "not YAML"),
        ("task: toy\n", "it lacks parameters, format"),
        ("- 1\n", r"not an exported configuration, but \[1\]"),
        ("[" * 3000 + "]" * 3000, "nested too deeply"),
        ("a: &a [*a, *a]\n", "not an exported configuration: it lacks task"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        read_config(path)


def test_best_yaml_is_there_from_the_first_completed_trial_on(launch_toy: ToyLauncher) -> None:
    study = launch_toy(num_trials=1).study
    assert read_config(study.best_path).trial == 0
    grown = launch_toy(num_trials=8).study
    assert read_config(grown.best_path).trial == grown.best().number != 0
    assert not list(grown.out.rglob("*.partial"))


def test_weights_are_kept_of_the_best_few_only(launch_toy: ToyLauncher) -> None:
    study = launch_toy(num_trials=8, keep_weights="top:2").study
    kept = {path.name for path in (study.out / "weights").iterdir()}
    assert kept == {trial.attributes["weights"]["file"] for trial in study.ranking(2)}


def test_the_kept_weights_are_those_of_the_best_round(launch_toy: ToyLauncher) -> None:
    from objectives import load_model

    study = launch_toy("behaviour=overfits", num_trials=1).study
    model = load_model(study.best_path)
    assert not model.training
    assert model.model.bias.item() == study.best().attributes["best_round"]
