"""The type of best.yaml: everything that decides a trial, and every recorded round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from objectives import Round
from objectives.checked_yaml import key, shown
from objectives.exported_model import ExportedModel, Section
from objectives.round import FIGURES
from sweeps.trial.data_plan import DataPlan

FORMAT = 1
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Text = Annotated[str, Field(max_length=1000)]


class TrainedData(Section):
    """The rows of a trial: a DataPlan, their digest, and with folds the number of the repeat."""

    name: Text
    published: bool = False
    fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    folds: Count = 0
    most_train_rows: Positive | None = None
    most_valid_rows: Positive | None = None
    digest: Text
    repeat: Count = 0

    @property
    def plan(self) -> DataPlan:
        """The data set, and which of its rows."""
        return DataPlan(**{name: getattr(self, name) for name in DataPlan.__dataclass_fields__})

    def to_dict(self) -> dict[str, Any]:
        """The record to write, without default values."""
        folded = {"repeat": self.repeat} if self.folds else {}
        return {**self.plan.to_dict(), "digest": self.digest, **folded}


class RecordedEnvironment(Section):
    """The environment of a trial, from `sweeps.study.environment`. Only the first two fields are required."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow")

    versions: dict[str, Text]
    threads: Annotated[int, Field(ge=1, le=4096)]
    commit: Text | None = None
    code: Text | None = None
    platform: Text | None = None
    cpu_capability: Text | None = None
    device: Text | None = None
    device_name: Text | None = None
    settings: dict[str, Text] = Field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The record to write."""
        return {name: getattr(self, name) for name in _ENVIRONMENT if name in self.model_fields_set} | (
            self.model_extra or {}
        )


# The fields are written in this order.
_ENVIRONMENT = (
    *("versions", "commit", "code", "platform", "cpu_capability", "device", "device_name"),
    *("threads", "settings"),
)


def _round(number: int, figures: Any) -> Round:
    if not isinstance(figures, Mapping):
        raise ValueError(f"round {number}: {shown(figures)} is not a mapping")  # noqa: TRY004
    if lacking := [name for name in FIGURES if name not in figures]:
        raise ValueError(f"round {number} lacks figures: {', '.join(lacking)}")
    for name, value in figures.items():
        if isinstance(value, bool) or not (value is None or isinstance(value, int | float)):
            raise ValueError(f"round {number}: {key(name)}: {shown(value)} is not a number")
    if figures["index"] != number:
        raise ValueError(f"round {shown(figures['index'])} is in the place of round {number}")
    if figures["valid_score"] is None:
        raise ValueError(f"round {number} has no valid_score")
    return Round.from_figures(figures)


def _rounds(record: Any) -> Any:
    if not isinstance(record, list) or all(isinstance(each, Round) for each in record):
        return record
    return [_round(number, figures) for number, figures in enumerate(record, start=1)]


class BestConfig(ExportedModel):
    """An exported best configuration: the content of best.yaml.

    value: the metric after round `best_round`. budget: planned rounds; the trial may have been halted earlier.
    confirmed: the result of the latest confirmation, if this trial is its winner.
    """

    format: int
    metric: Text
    direction: Literal["maximize", "minimize"] = "maximize"
    value: float
    best_round: int
    study: Text = ""
    fingerprint: Text = ""
    trial: Count = 0
    seed: Annotated[int, Field(ge=0, lt=2**64)]
    budget: Positive
    stop_reason: Text | None = None
    data: TrainedData
    environment: RecordedEnvironment
    confirmed: dict[str, Any] | None = None
    rounds: Annotated[list[Round], BeforeValidator(_rounds)]

    @field_validator("format")
    @classmethod
    def _check_format(cls, found: int) -> int:
        if found != FORMAT:
            raise ValueError(f"written in format {shown(found)}, but this version reads format {FORMAT}")
        return found

    @model_validator(mode="after")
    def _check_rounds(self) -> BestConfig:
        recorded, best = len(self.rounds), self.best_round
        if not 1 <= recorded <= self.budget:
            raise ValueError(f"{recorded} rounds are recorded, but budget is {shown(self.budget)}")
        if not 1 <= best <= recorded:
            raise ValueError(f"best_round {shown(best)} is not one of the {recorded} recorded rounds")
        there = self.rounds[best - 1].valid_score
        if repr(float(self.value)) != repr(float(there)):
            raise ValueError(
                f"value {shown(self.value)} differs from the valid_score of round {best}, which is {shown(there)}"
            )
        return self

    def to_dict(self) -> dict[str, Any]:
        """The record to write."""
        sections: dict[str, Any] = {
            "data": self.data.to_dict(),
            "environment": self.environment.to_dict(),
            "weights": None if self.weights is None else self.weights.model_dump(exclude_unset=True),
            "example_rows": None if self.example_rows is None else self.example_rows.model_dump(),
            "rounds": [each.figures() for each in self.rounds],
        }
        return {name: sections.get(name, getattr(self, name)) for name in _ORDER}


_ORDER = (
    *("format", "task", "parameters", "metric", "direction", "value", "best_round", "study", "fingerprint"),
    *("trial", "seed", "budget", "stop_reason", "data", "environment", "weights", "confirmed"),
    *("example_rows", "rounds"),
)
