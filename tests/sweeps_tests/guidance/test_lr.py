"""`sweep lr`: a study of its own kind, on the real loop and on a user's own code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from search_spaces import Numeric, read_space
from sweeps import StudySettings
from sweeps.study.stored_study import load
from tests.conftest import ToyLauncher
from tests.sweeps_tests.conftest import Refusal, Sweep

HERE = Path(__file__).parent
OWN = f"{HERE / 'own_rates.py'}"
SMALL = (f"{HERE / 'blobs.py'}:Blobs", "optimizer=adam", "hidden_width=16", "--space", HERE / "blobs.yaml")
FEW = ("--steps", "60", "--seeds", "2", "--batch-sizes", "1", "--runner", "inline")


def test_a_range_is_found_on_the_real_loop_stored_drawn_and_written(sweep: Sweep, tmp_path: Path) -> None:
    picture, space = tmp_path / "rates.png", tmp_path / "space.yaml"
    said = sweep("lr", *SMALL, *FEW, "-f", "json", "--plot", picture, "--write", space)
    found = json.loads(said.out)
    assert 1e-4 < found["low"] < found["by_optimizer"]["all"]["point"] < found["high"] < 1
    assert set(found["others"]) == {"fastai_valley", "fastai_steep", "lightning"}
    assert len(found["curves"]) == 2
    assert picture.stat().st_size > 1000
    assert read_space(space)["learning_rate"].domain == Numeric(found["low"], found["high"], log=True)
    assert f"--space {space}" in said.err
    study = load(found["study"])
    assert study.spec.probe_kind == "rate_range"
    assert not study.best_path.exists()  # its trials are no configurations
    for command in ("export", "confirm", "audit"):
        assert "is a learning-rate range test" in sweep(command, study.name, code=2).err


def test_a_test_that_was_cut_off_continues_to_the_same_answer(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def answer(*words: str) -> Any:
        found = json.loads(sweep("lr", *SMALL, *FEW, *words, "-f", "json").out)
        return {key: found[key] for key in ("low", "high", "by_optimizer", "others")}

    once = answer()
    monkeypatch.setenv("SWEEP_HOME", str(tmp_path / "another"))
    assert "To continue" in sweep("lr", *SMALL, *FEW, "--timeout", "0.05", code=5).err
    assert answer() == once


def test_own_code_is_trained_shortly_at_each_rate_of_its_range(sweep: Sweep) -> None:
    found = json.loads(sweep("lr", f"{OWN}:descends", "--runner", "inline", "-f", "json").out)
    assert found["parameter"] == "lr"
    assert 1e-4 < found["low"] < found["high"] < 10
    assert (
        found["by_optimizer"]["all"]["diverges"] > 1
    )  # a parabola of curvature 1 diverges from a rate of 2 on


def test_a_task_without_a_learning_rate_is_told_how_to_name_one(refused: Refusal) -> None:
    said = refused("lr", f"{OWN}:has_no_rate", "--runner", "inline")
    assert "has no learning rate" in said
    assert "--parameter" in said
    assert "did you mean 'depth'" in refused("lr", f"{OWN}:has_no_rate", "--parameter", "dept").lower()


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--low", "1", "--high", "0.1"), "reversed"),
        (("--low", "1", "--high", "1"), "empty"),
        (("--low", "20"), "reversed"),
        (("--low", "0"), "above 0"),
        (("--steps", "3"), "--steps"),
        (("learning_rate=0.1",), "fixed"),
        (("--parameter", "dropout"), "is called learning_rate"),
    ],
)
def test_bad_ranges_are_refused(words: tuple[str, ...], what: str, refused: Refusal) -> None:
    assert what in refused("lr", *SMALL, *words)


def test_the_fingerprint_of_a_search_does_not_know_of_probes(launch_toy: ToyLauncher) -> None:
    record = launch_toy(num_trials=1).study.spec.to_dict()
    assert not {"probe", "guidance"} & set(record)
    assert StudySettings("toy").guidance == {}


def test_launch_with_lr_range_searches_the_suggested_range_and_has_the_test_on_record(
    sweep: Sweep,
) -> None:
    words = (
        "launch",
        *SMALL,
        "-n",
        "3",
        "--rounds",
        "20",
        "--runner",
        "inline",
        "--study",
        "guided",
        "--lr-range",
    )
    assert "learning_rate is searched from" in sweep(*words).err
    spec = load("guided").spec
    found = spec.guidance["learning_rate"]
    domain = spec.space["learning_rate"].domain
    assert isinstance(domain, Numeric)
    assert (domain.low, domain.high, domain.log) == (found["low"], found["high"], True)
    assert load(found["study"]).row.fingerprint == found["fingerprint"]
    for trial in load("guided").all_trials():
        assert found["low"] <= trial.params["learning_rate"] <= found["high"]
    again = sweep(*words)  # reads the stored test: the same specification, so the study is continued
    assert "3 trials finished" in again.err
    assert "Remove one of them" in sweep(*words, "learning_rate=1e-3..1e-2", code=2).err
