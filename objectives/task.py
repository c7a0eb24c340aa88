"""The interface of a task: data, a model, a loss and a score, with good defaults for every parameter."""

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
    """A task to train. Subclasses define its parts; the training loop is shared.

    Class attributes:
        name: its name on the command line.
        version: must change if a change to the task's code changes its results.
        metric, direction: what a study optimizes on the validation split.
        chance_score: the metric of a model that knows only how often each target occurs.
        rounds: the default number of rounds of a trial; a round is one pass over the training split.
        data_sets: its data sets, in the order in which they are looked for.
        Parameters: a frozen dataclass; every field has a good default. A `__post_init__` may raise ValueError for
            values outside their bounds.
        published: the published configuration and results, if any.
        needs_rows: whether a model can't be called on inputs alone, because its rows hold more (a graph).
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
    evaluation_rows: ClassVar[int] = (
        1000  # rows of a forward pass in evaluation; fixed, so that sums are always equal
    )
    needs_rows: ClassVar[bool] = False

    @abstractmethod
    def load(self, data: str, data_root: Path) -> Splits:
        """The training and validation rows of data set `data`, on the CPU, as stored.

        Raises DataError if it is missing or damaged.
        """

    @abstractmethod
    def load_test(self, data: str, data_root: Path) -> Rows:
        """The test rows. Only a confirmation loads them, and each use is recorded."""

    def load_published(self, data: str, data_root: Path) -> Splits:
        """The rows of the published results: by default those of `load`.

        If results on the test split were published, that split is used here for validation. Only the reproduction of
        published results calls this; a search does not.
        """
        return self.load(data, data_root)

    def fold(self, splits: Splits, fold: int, num_folds: int) -> Splits:
        """The rows of `splits`, divided into `num_folds` parts: part `fold` (from 0) validates, the others train.

        Override it if rows are not independent. Raises DataError if they can't be divided.
        """
        from objectives.rows.subsets import fold_of

        return fold_of(splits, fold, num_folds)

    def has_data(self, data: str, data_root: Path) -> bool:
        """Whether the files of a data set are present, so that `load` needs no network."""
        return True

    def is_sample(self, data: str) -> bool:
        """Whether a data set only replaces another one that can't be downloaded."""
        return False

    def prepare(self, rows: Rows, parameters: Any) -> Rows:
        """The rows in the form for the model (for example scaled). Called once, at the start of a trial."""
        return rows

    def prepare_evaluation(self, rows: Rows, parameters: Any) -> Rows:
        """Prepared rows in the form for evaluation: for example cropped in the middle, or with fixed words to rank.

        Called once, at the start of a trial. The same rows and parameters must give the same result on every machine.
        """
        return rows

    def augment(self, batch: Rows, parameters: Any) -> Rows:
        """A training batch in the form for the model: for example cropped at random, or with randomly drawn words.

        Take random numbers from torch's global generators, which the loop has seeded.
        """
        return batch

    @abstractmethod
    def build(self, parameters: Any, example: Rows) -> nn.Module:
        """A new model for rows like `example`. Its weights are drawn from torch's global generator."""

    def rebuild(self, parameters: Any, example: Rows) -> nn.Module:
        """A model like that of `build`, whose weights will be replaced, so their initial values do not matter."""
        return self.build(parameters, example)

    def forward(self, model: nn.Module, batch: Rows) -> Tensor:
        """The model's outputs for a batch, one row for each input."""
        outputs: Tensor = model(batch.inputs)
        return outputs

    @abstractmethod
    def losses(self, outputs: Tensor, targets: Tensor, parameters: Any) -> Tensor:
        """The loss of each row, shape (rows,), in nats."""

    def scores(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The metric of each row, shape (rows,); the score of a split is their mean.

        A task defines this, or `split_score`.
        """
        raise NotImplementedError

    def split_score(self, outputs: Tensor, targets: Tensor) -> Tensor | float:
        """The metric of a whole split, if it is not a mean over rows: F1, AUC, RMSE, perplexity.

        outputs, targets: those of all rows of the split, in their order, on the device of the model. If a task defines
        this method, it is called in place of `scores`. Compute with torch; numpy or scikit-learn work too, but on a GPU
        each round then waits for them.
        """
        raise NotImplementedError

    @classmethod
    def scores_whole_splits(cls) -> bool:
        """Whether the task computes its metric by `split_score`."""
        return cls.split_score is not Task.split_score

    def start(
        self, parameters: Any, splits: Splits, *, rounds: int, seed: int, device: torch.device
    ) -> TrainingRun | None:
        """A new training run of the task's own loop; None if the task uses the shared loop.

        Only a task with its own loop overrides this. `objectives.training.loop.start_run` calls it.
        """
        return None

    def learning_rate_factor(self, parameters: Any, step: int, total_steps: int, num_train: int) -> float:
        """The schedule's factor of the learning rate at `step` (from 0) of `total_steps`.

        It depends only on the step, so a schedule has no state to save. num_train: number of training rows.
        """
        return schedule_factor(parameters.schedule, step, total_steps)

    def steps_per_round(self, parameters: Any, num_train: int) -> int:
        """Optimizer steps in a round: by default one pass without the incomplete last batch."""
        return max(1, num_train // min(int(parameters.batch_size), num_train))

    @classmethod
    def parameters_from(cls, values: Mapping[str, Any]) -> Any:
        """The task's parameters, with `values` in place of defaults. Each value is checked.

        Raises ParametersError for an unknown name, a value of the wrong type, or a value outside its bounds.
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
