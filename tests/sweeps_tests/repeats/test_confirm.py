"""Confirmation: fresh seeds for the best few, an honest order, and one recorded look at the test split."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from objectives import DataError
from objectives.tasks.mnist_mlp import MnistMlp
from storage.confirmations import get_confirmations
from storage.leases import acquire
from sweeps import RunSettings, StudySettings
from sweeps.best_config.document import read_config
from sweeps.best_config.export import config_of
from sweeps.best_config.replay import TaskRounds, prepare_replay
from sweeps.errors import NoCompletedTrial
from sweeps.repeats.confirm import Confirmed, confirm
from sweeps.study.stored_study import Study, load
from sweeps.sweep import launch, resume
from tests.conftest import ToyLauncher
from tests.sweeps_tests.conftest import Refusal, Sweep, TimeIsUp

INLINE = RunSettings(runner="inline")
EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture
def searched() -> Study:
    """Eight short trials on real digits."""
    settings = StudySettings(
        "mnist_mlp", data="mnist-5k", rounds=2, overrides=("hidden_width=16..48", "batch_size=128..512")
    )
    return launch(settings, RunSettings(num_trials=8, runner="inline"), study="s").study


def test_while_another_drives_the_study_its_best_yaml_is_left_to_that_driver(
    searched: Study, sweep: Sweep
) -> None:
    before = searched.best_path.read_bytes()
    lease = acquire(searched.database, searched.row.study_id)
    said = sweep("confirm", "s", "--top", "2", "--seeds", "2", "--sealed", "--runner", "inline").err
    assert "s is running: its driver writes the winner to best.yaml when its next trial ends" in said
    assert searched.best_path.read_bytes() == before
    lease.release()
    resume("s", {"num_trials": 8, "runner": "inline"})
    assert read_config(searched.best_path).confirmed is not None


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The data sets whose test split was loaded."""
    seen: list[str] = []
    load_test: Callable[..., Any] = MnistMlp.load_test

    def load_and_tell(self: MnistMlp, data: str, root: Any) -> Any:
        seen.append(data)
        return load_test(self, data, root)

    monkeypatch.setattr(MnistMlp, "load_test", load_and_tell)
    return seen


def confirmed(**options: Any) -> Confirmed:
    _, found = confirm("s", **{"top": 2, "seeds": 3, "run": INLINE, **options})
    assert found is not None
    return found


def test_the_best_are_ordered_by_their_mean_over_common_seeds(searched: Study, looks: list[str]) -> None:
    found = confirmed(sealed=True)
    means = [each.spread.mean for each in found.candidates]
    assert means == sorted(means, reverse=True)
    assert {each.trial for each in found.candidates} == {trial.number for trial in searched.ranking(2)}
    trials = found.repeated.table()
    seeds = [trial.attributes["seed"] for trial in trials]
    assert seeds[0::2] == seeds[1::2]
    assert len(set(seeds)) == 3
    assert not {trial.attributes["seed"] for trial in searched.table()} & set(seeds)
    assert (found.test, found.look, looks) == (None, None, [])


def test_the_test_split_is_opened_once_and_on_record(searched: Study, looks: list[str]) -> None:
    first, again = confirmed(), confirmed()
    assert looks == ["mnist-5k"]
    assert (first.look, first.is_new) == (1, True)
    assert (again.look, again.is_new, again.test) == (1, False, first.test)
    assert first.test is not None
    assert first.test.count == 3
    assert 0.5 < first.test.mean < 1.0
    (record,) = get_confirmations(searched.database, searched.row.study_id)
    assert record.opened is not None
    assert "@" in str(record.opened_by)


def test_a_later_look_is_counted(searched: Study, looks: list[str]) -> None:
    assert confirmed().look == 1
    assert confirmed(seeds=2).look == 2
    assert confirmed(seeds=2).look == 2
    assert len(looks) == 2


def test_best_yaml_gains_the_confirmed_figures_and_still_replays(searched: Study) -> None:
    found = confirmed()
    config = read_config(searched.best_path)
    assert config.trial == found.winner.trial
    told = config.confirmed or {}
    assert (told["values"], told["mean"]) == (list(found.winner.values), found.winner.spread.mean)
    assert told["test"]["look"] == 1
    assert [rival["trial"] for rival in told["rivals"]] == [found.candidates[1].trial]
    replay = prepare_replay(config, searched.best_path.parent)
    assert all(each.equal for each in replay.compare(0.0))


def test_a_sealed_confirmation_leaves_what_best_yaml_tells_of_the_test_split(searched: Study) -> None:
    confirmed(seeds=2)
    before = searched.best_path.read_bytes()
    assert read_config(searched.best_path).confirmed["test"]["look"] == 1
    confirmed(seeds=None, folds=3, sealed=True)
    assert searched.best_path.read_bytes() == before
    searched.best_path.unlink()
    resume("s")
    assert searched.best_path.read_bytes() == before


def test_best_yaml_tells_of_the_last_that_opened_the_test_split(searched: Study, looks: list[str]) -> None:
    def told() -> str:
        return str(read_config(searched.best_path).confirmed["study"])

    sealed = confirmed(seeds=2, sealed=True).repeated.name
    assert told() == sealed
    other = confirmed(seeds=3, sealed=True).repeated.name
    assert told() == other
    confirmed(seeds=2, sealed=True)
    assert told() == other
    opened = confirmed(seeds=1).repeated.name
    assert told() == opened
    assert confirmed(seeds=2).look == 2  # begun before the other, opened after it
    assert told() == sealed


def test_a_confirmed_winner_stays_best_when_the_study_goes_on(searched: Study) -> None:
    winner = confirmed(top=8, seeds=1, sealed=True).winner.trial
    resume("s")
    assert read_config(searched.best_path).trial == winner
    resume("s", {"num_trials": 9})
    best = load("s").best().number
    assert read_config(searched.best_path).trial == (best if best == 8 else winner)


def test_each_fold_validates_in_turn(searched: Study) -> None:
    found = confirmed(top=1, seeds=None, folds=3, sealed=True)
    assert len(found.winner.values) == 3
    trial = found.repeated.best()
    config = config_of(found.repeated, trial)
    assert (config.data.folds, config.data.repeat) == (3, trial.number)
    replay = prepare_replay(config, searched.best_path.parent)
    assert isinstance(replay.source, TaskRounds)
    assert 1400 < len(replay.source.splits.valid) < 1430
    assert all(each.equal for each in replay.compare(0.0))


def test_rows_that_can_not_be_cut_apart_are_not_folded(
    tmp_path: Path, sweep: Sweep, refused: Refusal
) -> None:
    words = random.Random(0).choices([a + b for a in "bdfgkl" for b in "aeiou"], k=6000)
    (tmp_path / "root" / "text").mkdir(parents=True)
    (tmp_path / "root" / "text" / "mine.txt").write_text(" ".join(words))
    how = ("--data-dir", tmp_path / "root", "--runner", "inline")
    sweep("launch", "text8_skipgram", "--data", "text", "-n", "1", "--rounds", "1", "--study", "pairs", *how)
    assert "can't be cross-validated: its word pairs overlap" in refused(
        "confirm", "pairs", "--folds", "3", *how
    )


def test_a_confirmation_that_is_cut_off_goes_on(
    searched: Study, looks: list[str], time_is_up: TimeIsUp
) -> None:
    cut = RunSettings(runner="inline", timeout_seconds=1)
    with time_is_up(after_rounds=3):
        result, nothing = confirm("s", top=2, seeds=3, run=cut)
    assert (result.ending, nothing, looks) == ("timeout", None, [])
    found = confirmed()
    assert found.repeated.name == result.study.name
    assert len(found.repeated.table()) == 6


def test_a_study_without_a_completed_trial_has_nothing_to_confirm(launch_toy: ToyLauncher) -> None:
    launch_toy("behaviour=crashes", num_trials=1, study="s")
    with pytest.raises(NoCompletedTrial, match="nothing to confirm"):
        confirm("s", run=INLINE)


def test_the_command_prints_what_is_within_noise(searched: Study, sweep: Sweep) -> None:
    said = sweep("confirm", "s", "--top", "2", "--seeds", "2", "--runner", "inline", "-f", "json")
    rows = json.loads(said.out)
    assert rows[0]["compared"] == "winner"
    assert rows[1]["compared"] in ("within noise", "worse")
    test = read_config(searched.best_path).confirmed["test"]
    assert rows[0]["test"] == {name: test[name] for name in ("mean", "std", "look")}
    assert rows[1]["test"] is None
    assert "over 2 models. The test split was used just now, for the first time." in said.err
    again = sweep("confirm", "s", "--top", "2", "--seeds", "2", "--runner", "inline")
    assert "This was recorded earlier, when the test split was used for the first time." in again.err


def test_the_command_says_how_to_go_on_when_its_time_was_up(
    searched: Study, sweep: Sweep, time_is_up: TimeIsUp
) -> None:
    with time_is_up(after_rounds=3):
        said = sweep("confirm", "s", "--seeds", "4", "--runner", "inline", "--timeout", "1", code=5)
    assert "Not complete yet. To continue, repeat the same command: sweep confirm s" in said.err


def test_a_study_whose_task_has_changed_is_not_confirmed(
    sweep: Sweep, refused: Refusal, tmp_path: Path
) -> None:
    task = tmp_path / "my_task.py"
    shutil.copy(EXAMPLES / "my_task.py", task)
    how = ("--space", EXAMPLES / "my_space.yaml", "-n", "2", "--rounds", "2", "--runner", "inline")
    sweep("launch", f"{task}:Moons", *how, "--study", "moons")
    task.write_text(task.read_text().replace("noise=0.25", "noise=0.9"))
    said = refused("confirm", "moons", "--runner", "inline")
    assert "this has changed:" in said
    assert "data.digest" in said
    assert "or launch a new study" in said
    assert not get_confirmations(load("moons").database, load("moons").row.study_id)


def test_a_test_split_that_can_not_be_loaded_was_not_looked_at(
    searched: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(MnistMlp, "load_test", lambda *_: 1 / 0)
        for _ in range(2):
            with pytest.raises(DataError, match=r"could not load the test split .* ZeroDivisionError"):
                confirmed()
    assert confirmed().look == 1
