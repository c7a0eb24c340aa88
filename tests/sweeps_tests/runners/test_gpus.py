"""Studies on a GPU: several trials may share it; skipped where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sweeps import RunSettings, StudySettings
from sweeps.sweep import Result, launch
from tests.objectives_tests.small_data import needs_gpu
from tests.sweeps_tests.conftest import Sweep, start_with
from tests.sweeps_tests.runners.test_devices import OWN_TASK as SMALL_CNN

pytestmark = needs_gpu

OWN_TASK = '''
from dataclasses import dataclass
from pathlib import Path

import torch

from objectives.task import Splits
from objectives.tasks import mnist_mlp
from tests.objectives_tests.small_data import small_splits


@dataclass(frozen=True)
class Parameters(mnist_mlp.MnistMlpParameters):
    mebibytes: int = 0  # held on the device, beside the model


class Heavy(mnist_mlp.MnistMlp):
    """A task that may want more memory than there is."""

    name = "heavy"
    Parameters = Parameters

    def load(self, data: str, data_root: Path) -> Splits:
        return small_splits(self)

    def prepare(self, rows, parameters):
        if parameters.mebibytes and rows.inputs.is_cuda:
            torch.empty(parameters.mebibytes << 20, dtype=torch.uint8, device=rows.inputs.device)
        return super().prepare(rows, parameters)
'''


def launched(study: str, settings: dict[str, Any], **run: Any) -> Result:
    defaults: dict[str, Any] = {"task": "sequence_convnet", "data": "mnist1d", "rounds": 2}
    return launch(StudySettings(**{**defaults, **settings}), RunSettings(**run), study=study)


@pytest.mark.ray
def test_four_trials_that_share_a_gpu_are_those_that_have_it_alone(
    sweep: Sweep, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_with(4, monkeypatch)
    shared = {"gpus_per_trial": 0.25, "parallelism": 4}
    seen = []
    for study, run in (("four", {"workers": 4}), ("one", {"workers": 1}), ("inline", {"runner": "inline"})):
        result = launched(study, shared, num_trials=8, **run)
        result.raise_for_ending()
        rounds = result.study.rounds()
        seen.append(rounds.drop(columns=["seconds", "train_rows_per_second", "peak_memory_bytes"]))
        environments = result.study.provenance["environments"].values()
        assert {each["device"] for each in environments} == {"cuda"}
        assert all(each["device_name"] for each in environments)
    assert seen[0].equals(seen[1])
    assert seen[0].equals(seen[2])
    assert (
        "rounds are equal" in sweep("replay", home / "studies" / "four" / "best.yaml", "--tolerance", "0").err
    )


@pytest.mark.ray
@pytest.mark.parametrize("per_gpu", [4, "auto"])
def test_packed_trials_are_those_that_train_one_at_a_time(per_gpu: Any) -> None:
    tables = []
    for study, run in (
        ("packed", {"trials_per_gpu": per_gpu}),
        ("inline", {"trials_per_gpu": per_gpu, "runner": "inline"}),
        ("alone", {"runner": "inline"}),
    ):
        result = launched(study, {"parallelism": 4, "sampler": "random"}, num_trials=8, **run)
        result.raise_for_ending()
        rounds = result.study.rounds().sort_values(["trial", "index"])
        tables.append(
            rounds.drop(columns=["seconds", "train_rows_per_second", "peak_memory_bytes"]).to_csv(index=False)
        )
    assert tables[0] == tables[1] == tables[2]


@pytest.mark.ray
@pytest.mark.parametrize("runner", ["ray", "inline"])
def test_a_trial_that_finds_no_memory_fails_alone(tmp_path: Path, runner: str) -> None:
    (tmp_path / "own.py").write_text(OWN_TASK)
    (tmp_path / "space.yaml").write_text("space: {mebibytes: {choices: [0, 100000000, 256]}}")
    settings = {
        "task": f"{tmp_path / 'own.py'}:Heavy",
        "space": tmp_path / "space.yaml",
        "data": "mnist",
        "sampler": "grid",
    }
    result = launched(runner, settings, runner=runner, workers=1)
    ends = {trial.params["mebibytes"]: trial for trial in result.study.table()}
    states = {asked: trial.state for asked, trial in ends.items()}
    assert states == {0: "COMPLETE", 256: "COMPLETE", 100_000_000: "FAIL"}
    evidence = ends[100_000_000].attributes["evidence"]
    assert evidence["kind"] == "out_of_memory"
    assert 0 < evidence["peak_memory_bytes"] < 2**40
    held = result.study.rounds().groupby("trial")["peak_memory_bytes"].max()
    assert held[ends[256].number] > 256 << 20 > held[ends[0].number]


def test_more_devices_than_a_trial_has_are_missed_by_name(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(SMALL_CNN)
    (tmp_path / "space.yaml").write_text("space: {devices: 99, hidden_width: 12, batch_size: 198}")
    own = {"task": f"{tmp_path / 'own.py'}:Small", "space": tmp_path / "space.yaml", "data": "cifar10"}
    (trial,) = launched("many", {**own, "sampler": "grid"}, runner="inline", num_trials=1).study.table()
    assert trial.state == "FAIL"
    assert "--gpus-per-trial 99" in trial.attributes["evidence"]["message"]
