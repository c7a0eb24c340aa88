"""The MLflow runs of a study have its rounds and results, as MLflow's own client reads them."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import pytest

from sweeps.study.stored_study import load
from tests.conftest import ToyLauncher, missing
from tests.sweeps_tests.conftest import Sweep

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of MLflow's own tables and modules
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
HOSTILE = "<script>\x1b[31m/../x #😀"


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    if importlib.util.find_spec("mlflow") is None:
        missing("mlflow", "needs mlflow-skinny")


def test_every_round_and_result_is_read_back(launch_toy: ToyLauncher, sweep: Sweep, tmp_path: Path) -> None:
    launch_toy("behaviour=overfits,diverges,crashes", study="s", num_trials=5, max_failures=9)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    said = sweep("mlflow", "s", "--tracking-uri", uri, "--experiment", HOSTILE).err
    assert f"mlflow ui --backend-store-uri {uri}" in said.replace("\n", "")
    assert "\x1b" not in sweep("mlflow", "s", "--tracking-uri", uri, "--experiment", HOSTILE, code=2).err

    from mlflow.tracking import MlflowClient

    client, study = MlflowClient(uri), load("s")
    experiment = client.get_experiment_by_name(HOSTILE)
    assert experiment is not None
    runs = {run.data.tags["sweep.trial"]: run for run in client.search_runs([experiment.experiment_id])}
    rounds = study.rounds()
    assert len(runs) == 5
    for trial in study.table():
        run = runs[str(trial.number)]
        assert run.data.params == {name: str(value) for name, value in study.parameters(trial).items()}
        assert run.data.tags["sweep.why_it_ended"] == trial.attributes["stop_reason"]
        stored = rounds[rounds["trial"] == trial.number]
        for column, tag in (("train_loss", "loss/train"), ("valid_score", "accuracy/valid")):
            history = client.get_metric_history(run.info.run_id, tag)
            told = [(each.step, each.value) for each in history if math.isfinite(each.value)]
            assert told == [
                (index, value)
                for index, value in zip(stored["index"], stored[column], strict=True)
                if math.isfinite(value)
            ]
