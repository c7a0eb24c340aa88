"""The rounds and results of a study as MLflow runs: an experiment for the study, a run for each trial."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sweeps.errors import UsageError
from sweeps.report.exporters.exported_trials import ExportedTrial, exported_trials
from sweeps.study.stored_study import Study

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

MOST_METRICS = 1000  # in one request; MLflow's servers refuse more
LONGEST_PARAMETER = 6000  # characters
LONGEST_TAG = 5000
_FOREIGN = re.compile(r"[^\w\-. :/]")  # characters that MLflow does not accept in names
_ENDS = {"COMPLETE": "FINISHED", "PRUNED": "KILLED", "FAIL": "FAILED"}


def write_runs(study: Study, tracking_uri: str, experiment: str | None = None) -> int:
    """Write one run for each finished trial into an MLflow database or server; returns their number.

    Each run has the trial's curves by round, its parameters, and why it ended. experiment: name of a new experiment; by
    default the study's name. Raises UsageError if that experiment exists, if MLflow refuses, or if it is not installed.
    """
    client_of = _client_class()
    trials, name = exported_trials(study), experiment or study.name
    with _explained(tracking_uri):
        client = client_of(tracking_uri)
        if client.get_experiment_by_name(name) is not None:
            raise UsageError(
                f"{tracking_uri} has an experiment {name!r} already. Name another with --experiment."
            )
        found = client.create_experiment(
            name, tags={"sweep.study": study.name, "sweep.task": study.spec.task.name}
        )
        for trial in trials:
            _write(client, found, trial, study.spec.metric.name)
    return len(trials)


def _client_class() -> Any:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # else MLflow sends usage data to its makers
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from mlflow.tracking import MlflowClient
    except ImportError:
        raise UsageError("Runs of MLflow need its library: pip install mlflow-skinny.") from None
    return MlflowClient


@contextmanager
def _explained(tracking_uri: str) -> Iterator[None]:
    """Turn errors of MLflow, of its database and of its connections into a UsageError of one sentence."""
    import requests
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # its tables use what SQLAlchemy 2.1 will remove
            yield
    except (MlflowException, SQLAlchemyError, requests.RequestException, OSError) as error:
        told = str(error).strip().splitlines()[0][:300]
        raise UsageError(f"{tracking_uri}: MLflow can't write there: {told}") from error


def _write(client: MlflowClient, experiment: str, trial: ExportedTrial, metric: str) -> None:
    from mlflow.entities import Metric, Param, RunTag

    start = int(1000 * trial.started.timestamp()) if trial.started else 0
    run = client.create_run(experiment, start_time=start, run_name=trial.name).info.run_id
    metrics = [
        Metric(_name(tag), value, start + int(1000 * each.seconds), each.index)
        for each in trial.rounds
        for tag, value in each.figures.items()
    ]
    if trial.value is not None:
        metrics.append(Metric(_name(f"best {metric}"), trial.value, start, 0))
    for at in range(0, len(metrics), MOST_METRICS):
        client.log_batch(run, metrics=metrics[at : at + MOST_METRICS])
    parameters = [
        Param(_name(key), str(value)[:LONGEST_PARAMETER]) for key, value in trial.parameters.items()
    ]
    tags: dict[str, Any] = {"sweep.trial": trial.number, **{f"sweep.{k}": v for k, v in trial.end.items()}}
    client.log_batch(
        run, params=parameters, tags=[RunTag(key, str(value)[:LONGEST_TAG]) for key, value in tags.items()]
    )
    seconds = trial.rounds[-1].seconds if trial.rounds else 0.0
    client.set_terminated(run, _ENDS.get(trial.state, "FINISHED"), end_time=start + int(1000 * seconds))


def _name(text: str) -> str:
    """`text` as a name that MLflow accepts."""
    return _FOREIGN.sub("_", text)
