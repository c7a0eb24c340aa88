"""What a task is: data, a model, a loss and a score, with sound defaults for every parameter."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from objectives.errors import ParametersError
from objectives.parameters.kinds import parameter_kinds
from objectives.parameters.schedules import schedule_factor
from objectives.published import Published
from objectives.rows.rows import Rows, Splits
from objectives.spelling import did_you_mean
from objectives.training_run import TrainingRun

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

Direction = Literal["maximize", "minimize"]


class Task(ABC):
    """One thing to train. Subclasses say what is particular; the loop is shared.

    Class attributes:
        name: what it is called on the command line.
        version: changed whenever a change to the task's code changes its figures.
        metric, direction: what a study of it optimises, on the validation split.
        chance_score: the metric of a model that knows only how often each target occurs.
        rounds: the default budget of a trial, in rounds of one pass over the training split.
        data_sets: the data sets it can be trained on, in the order in which they are looked for.
        Parameters: a frozen dataclass; every field has a sound default. A `__post_init__` may raise ValueError
            for values that make no sense.
        published: the configuration and figures that were published, if any.
    """

    name: ClassVar[str]
    version: ClassVar[str] = "1"
    metric: ClassVar[str] = "accuracy"
    direction: ClassVar[Direction] = "maximize"
    chance_score: ClassVar[float]
    rounds: ClassVar[int]
    data_sets: ClassVar[tuple[str, ...]]
    Parameters: ClassVar[type[Any]]
    published: ClassVar[Published | None] = None
    evaluation_rows: ClassVar[int] = 1000  # rows a forward pass in evaluation; fixed, so that sums are too

    @abstractmethod
    def load(self, data: str, data_root: Path) -> Splits:
        """The training and validation rows of data set `data`, on the CPU, as stored.

        Raises DataError when it is missing or damaged.
        """

    @abstractmethod
    def load_test(self, data: str, data_root: Path) -> Rows:
        """The sealed rows. Only confirmation calls this, once a study, on record."""

    def load_published(self, data: str, data_root: Path) -> Splits:
        """The rows that the published figures were taken on: by default those of `load`.

        Where figures of a test split were published, that split stands here for validation. Only the
        reproduction of published figures calls this; no search does.
        """
        return self.load(data, data_root)

    def fold(self, splits: Splits, fold: int, num_folds: int) -> Splits:
        """The rows of `splits` cut anew, of whose `num_folds` parts `fold` (from 0) validates and the others train.

        To be overridden where rows are not independent; raises DataError where they can't be cut apart.
        """
        from objectives.rows.subsets import fold_of

        return fold_of(splits, fold, num_folds)

    def has_data(self, data: str, data_root: Path) -> bool:
        """Whether a data set's files are at hand, so that `load` needs no network."""
        return True

    def is_sample(self, data: str) -> bool:
        """Whether a data set only stands in for another that is out of reach."""
        return False

    def prepare(self, rows: Rows, parameters: Any) -> Rows:
        """Rows as the model takes them (scaled, for instance), made once at the start of a trial."""
        return rows

    def prepare_evaluation(self, rows: Rows, parameters: Any) -> Rows:
        """Prepared rows as they are evaluated: cropped in the middle, or with fixed words to rank, for instance.

        Made once at the start of a trial; the same rows and parameters give the same, on every machine.
        """
        return rows

    def augment(self, batch: Rows, parameters: Any) -> Rows:
        """A training batch as the model sees it this time: cropped at random, or with words drawn to tell apart.

        Randomness comes from torch's global generators, which the loop has seeded.
        """
        return batch

    @abstractmethod
    def build(self, parameters: Any, example: Rows) -> nn.Module:
        """A fresh model for rows like `example`; its weights drawn from torch's global generator."""

    def rebuild(self, parameters: Any, example: Rows) -> nn.Module:
        """A model as `build` makes it, but about to be given weights: it matters not which it begins with."""
        return self.build(parameters, example)

    def forward(self, model: nn.Module, batch: Rows) -> Tensor:
        """The model's outputs for a batch, a row each."""
        outputs: Tensor = model(batch.inputs)
        return outputs

    @abstractmethod
    def losses(self, outputs: Tensor, targets: Tensor, parameters: Any) -> Tensor:
        """The loss of each row, shape (rows,), in nats."""

    @abstractmethod
    def scores(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The metric of each row, shape (rows,); the score of a split is their mean."""

    def start(
        self, parameters: Any, splits: Splits, *, rounds: int, seed: int, device: torch.device
    ) -> TrainingRun | None:
        """A training run of the task's own, at its beginning; None for the shared loop.

        Only a task with a loop of its own overrides this; `objectives.training.loop.start_run` calls it.
        """
        return None

    def learning_rate_factor(self, parameters: Any, step: int, total_steps: int, num_train: int) -> float:
        """What the learning rate is multiplied with at `step` (from 0) of `total_steps`: the schedule's factor.

        A function of the step alone, so that a schedule has no state to lose. num_train: rows of a pass.
        """
        return schedule_factor(parameters.schedule, step, total_steps)

    def steps_per_round(self, parameters: Any, num_train: int) -> int:
        """Optimiser steps a round: by default one pass, a ragged last batch left out."""
        return max(1, num_train // min(int(parameters.batch_size), num_train))

    @classmethod
    def parameters_from(cls, values: Mapping[str, Any]) -> Any:
        """The task's parameters with `values` in place of defaults, each checked against its type.

        Raises ParametersError for an unknown name, a value of the wrong kind, or one that makes no sense.
        """
        kinds = parameter_kinds(cls.Parameters)
        for name in values:
            if name not in kinds:
                raise ParametersError(
                    f"{cls.name} has no parameter {name!r}{did_you_mean(name, kinds)} "
                    f"It has: {', '.join(kinds)}."
                )
        checked = {name: kinds[name].check(value) for name, value in values.items()}
        try:
            return cls.Parameters(**checked)
        except ValueError as error:  # the dataclass's own checks
            raise ParametersError(f"{error}") from None
