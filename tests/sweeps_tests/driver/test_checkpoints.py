"""A trial that was cut off continues from its recorded checkpoint, with the same rounds as if it had not been."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from storage.checkpoints import get_checkpoints
from storage.trials import TrialRow
from sweeps import RunSettings, StudySettings
from sweeps.driver.termination import Ending, Termination
from sweeps.study.stored_study import Study, load
from sweeps.sweep import launch, resume
from tests.conftest import ToyLauncher


def figures(study: Study) -> Any:
    rounds = study.rounds().drop(columns=["seconds", "train_rows_per_second", "peak_memory_bytes"])
    return [(t.number, t.state, t.value, t.attributes.get("differs")) for t in study.table()], rounds.to_csv()


def cut_off_after(rounds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the running trial away once so many rounds of the study are stored."""

    def reason_to_pause(self: Termination, driver: Any) -> Ending | None:
        stored = sum(len(live.rounds) for live in driver.running.values())
        return "interrupted" if stored >= rounds else None

    monkeypatch.setattr(Termination, "_reason_to_pause", reason_to_pause)


@pytest.mark.parametrize("every", [0.0, 1e9])
def test_it_continues_from_the_checkpoint_or_else_from_the_start(
    launch_toy: ToyLauncher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: float
) -> None:
    journal = tmp_path / "journal"
    with monkeypatch.context() as patch:
        cut_off_after(6, patch)
        launch_toy(f"journal={journal}", num_trials=1, checkpoint_seconds=every, study="cut")
    resume("cut")
    undisturbed = launch_toy(num_trials=1, study="undisturbed").study
    trained = [int(line) for line in journal.read_text().split()]
    assert trained == [*range(1, 7), *range(7 if every == 0.0 else 1, 11)]
    assert figures(load("cut")) == figures(undisturbed)


@pytest.mark.parametrize("damage", ["truncated", "changed", "gone"])
def test_a_damaged_checkpoint_is_noticed_and_the_trial_starts_over(
    launch_toy: ToyLauncher, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    with monkeypatch.context() as patch:
        cut_off_after(6, patch)
        study = launch_toy(num_trials=1, checkpoint_seconds=0.0, study="cut").study
    (recorded,) = get_checkpoints(study.database, study.row.study_id).values()
    file = study.out / "checkpoints" / recorded["file"]
    content = file.read_bytes()
    match damage:
        case "truncated":
            file.write_bytes(content[:100])
        case "changed":
            file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        case "gone":
            file.unlink()
    resume("cut")
    assert figures(load("cut")) == figures(launch_toy(num_trials=1, study="undisturbed").study)


def test_the_recorded_checkpoint_counts_not_the_newest_file(
    launch_toy: ToyLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        cut_off_after(6, patch)
        study = launch_toy(num_trials=1, checkpoint_seconds=0.0, study="cut").study
    (study.out / "checkpoints" / "trial-0000-round-000009.ckpt").write_bytes(b"never recorded")
    resume("cut")
    assert figures(load("cut")) == figures(launch_toy(num_trials=1, study="undisturbed").study)


def test_checkpoints_are_gone_when_the_trial_has_ended(launch_toy: ToyLauncher) -> None:
    study = launch_toy(num_trials=2, checkpoint_seconds=0.0).study
    assert not list((study.out / "checkpoints").iterdir())
    assert get_checkpoints(study.database, study.row.study_id) == {}


def test_a_real_trial_continues_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    fixed = ("hidden_width=32", "schedule=one_cycle", "dropout=0.4", "batch_norm=true")
    settings = StudySettings("mnist_mlp", data="mnist-5k", rounds=6, overrides=fixed)
    with monkeypatch.context() as patch:
        cut_off_after(3, patch)
        launch(settings, RunSettings(num_trials=1, runner="inline", checkpoint_seconds=0.0), study="cut")
    resume("cut")
    whole = launch(settings, RunSettings(num_trials=1, runner="inline"), study="whole").study
    assert figures(load("cut")) == figures(whole)
    assert digest(load("cut").trial(0)) == digest(whole.trial(0))


def digest(trial: TrialRow) -> str:
    return str(trial.attributes["weights"]["digest"])


@pytest.mark.ray
def test_a_worker_that_died_continues_from_its_checkpoint_and_the_table_is_the_same(
    launch_toy: ToyLauncher, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    died = launch_toy(
        "behaviour=dies", f"dies_once={tmp_path / 'died'}", f"journal={journal}",
        num_trials=3, runner="ray", workers=1, checkpoint_seconds=0.0,
    ).study  # fmt: skip
    trained = [int(line) for line in journal.read_text().split()]
    assert trained == [1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10, *range(1, 11), *range(1, 11)]
    undisturbed = launch_toy("behaviour=dies", "at_round=99", num_trials=3, study="undisturbed").study
    assert [(t.state, t.value) for t in died.table()] == [(t.state, t.value) for t in undisturbed.table()]
