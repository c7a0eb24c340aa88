"""Makes the exported configuration of a stored trial."""

from __future__ import annotations

from typing import Any

from objectives import Round, Splits
from objectives.exported_model import ExampleRows, WeightsFile
from storage.rounds import get_rounds
from storage.trials import TrialRow
from sweeps.best_config.model import FORMAT, BestConfig, RecordedEnvironment, TrainedData
from sweeps.study.stored_study import Study


def config_of(study: Study, trial: TrialRow) -> BestConfig:
    """The configuration of a completed trial. It names the weights file by its name in the study's folder."""
    spec, notes = study.spec, trial.attributes
    assert trial.value is not None
    provenance = study.provenance  # read again, because environments may have been added since
    weights, confirmed = notes.get("weights"), study.confirmation()
    return BestConfig(
        format=FORMAT,
        task=study.run.task or spec.task.name,
        parameters=study.parameters(trial),
        metric=spec.metric.name,
        direction=spec.metric.direction,
        value=trial.value,
        best_round=notes["best_round"],
        study=study.name,
        fingerprint=study.row.fingerprint,
        trial=trial.number,
        seed=int(notes["seed"]),
        budget=max(spec.rounds, int(notes["rounds"])),  # an Optuna objective has no number of rounds
        stop_reason=notes.get("stop_reason"),
        data=_trained_data(study, trial),
        environment=RecordedEnvironment(**provenance["environments"][notes["environment"]]),
        weights=None if weights is None else WeightsFile(**weights),
        confirmed=confirmed.record if confirmed and confirmed.trial == trial.number else None,
        example_rows=None
        if provenance["example_rows"] is None
        else ExampleRows(**provenance["example_rows"]),
        rounds=[
            Round.from_figures(row) for row in get_rounds(study.database, study.row.study_id, trial.number)
        ],
    )


def _trained_data(study: Study, trial: TrialRow) -> TrainedData:
    data = study.spec.data
    repeat = study.repeat_of(trial) if data.plan.folds else 0
    return TrainedData(**data.plan.to_dict(), digest=data.digest, repeat=repeat)


def example_rows(splits: Splits) -> dict[str, Any]:
    """The shape and types of a row, as a record to store with a study."""
    return ExampleRows(
        shape=list(splits.train.inputs.shape[1:]),
        dtype=str(splits.train.inputs.dtype).removeprefix("torch."),
        target_dtype=str(splits.train.targets.dtype).removeprefix("torch."),
    ).model_dump()
