"""What a task is: data, a model, a loss and a score, with sound defaults for every parameter."""

from __future__ import annotations

import dataclasses
import sys
import types
import typing
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from objectives.errors import ParametersError
from objectives.round import Round

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class Rows:
    """Aligned rows of a split: `inputs[i]` belongs to `targets[i]`."""

    inputs: Tensor
    targets: Tensor

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.targets):
            raise ValueError(f"{len(self.inputs)} inputs for {len(self.targets)} targets")

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: Tensor | slice) -> Rows:
        return Rows(self.inputs[index], self.targets[index])

    def to(self, device: torch.device) -> Rows:
        """The same rows on `device`."""
        return Rows(self.inputs.to(device), self.targets.to(device))


@dataclass(frozen=True)
class Splits:
    """What a search may see of a data set. The test split is not among it: see `Task.load_test`.

    digest: SHA-256 over the rows of both splits, in order: the data's part of a study's fingerprint.
    """

    name: str
    train: Rows
    valid: Rows
    digest: str


@dataclass(frozen=True)
class Variant:
    """A published configuration with some values changed: what went wrong there, or a proposed cure.

    parameters: in place of the published ones. note: what it shows. rounds: None for the published number.
    curve: what was published of the variant itself, as Published has it; the figures of the configuration that it
    changes are not the variant's.
    """

    parameters: Mapping[str, Any]
    note: str
    rounds: int | None = None
    curve: Mapping[int, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Published:
    """A configuration that was published for a task, as it stood, and the figures given with it.

    figures: the headline figures, by name. curve: what was given by round: figures under the names of a
    Round's (where `load_published` puts the test split for validation, `valid_score` is that of the test split).
    """

    parameters: Mapping[str, Any]
    rounds: int
    figures: Mapping[str, float]
    note: str = ""
    curve: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    variants: Mapping[str, Variant] = field(default_factory=dict)


class TrainingRun(Protocol):
    """One training run: a pure function of task, parameters, data, rounds and seed."""

    model: nn.Module
    rounds: int
    rounds_done: int

    def advance(self) -> Round:
        """Train one round and evaluate."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next round depends on."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from where `state` was taken."""

    def close(self) -> None:
        """End what the run started besides this process; whoever began a run calls this when it is done with it."""


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
        from objectives.datasets.parts import fold_of

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
    ) -> TrainingRun:
        """A training run at its beginning: the shared loop's. A task with a loop of its own overrides this."""
        from objectives.loop import Run

        return Run(self, parameters, splits, rounds=rounds, seed=seed, device=device)

    def learning_rate_factor(self, parameters: Any, step: int, total_steps: int, num_train: int) -> float:
        """What the learning rate is multiplied with at `step` (from 0) of `total_steps`: the schedule's factor.

        A function of the step alone, so that a schedule has no state to lose. num_train: rows of a pass.
        """
        from objectives.optimizers import schedule_factor

        return schedule_factor(parameters.schedule, step, total_steps)

    def steps_per_round(self, parameters: Any, num_train: int) -> int:
        """Optimiser steps a round: by default one pass, a ragged last batch left out."""
        return max(1, num_train // min(int(parameters.batch_size), num_train))

    @classmethod
    def parameters_from(cls, values: Mapping[str, Any]) -> Any:
        """The task's parameters with `values` in place of defaults, each checked against its type.

        Raises ParametersError for an unknown name, a value of the wrong kind, or one that makes no sense.
        """
        kinds = parameter_kinds(cls)
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


@dataclass(frozen=True)
class ParameterKind:
    """What values a parameter takes: a number, a switch, or one of some words; perhaps None."""

    name: str
    type: type
    choices: tuple[Any, ...] = ()
    optional: bool = False
    default: Any = field(default=None, compare=False)

    def check(self, value: Any) -> Any:
        """`value` as the parameter's type; 2.0 is an int where one is wanted, 1 is a float.

        Raises ParametersError when it is none.
        """
        if value is None and self.optional:
            return None
        if self.choices:
            for choice in self.choices:
                if value == choice and isinstance(value, bool) == isinstance(choice, bool):
                    return choice
            words = ", ".join(str(choice) for choice in self.choices)
            raise ParametersError(f"{self.name}: {value!r} is not one of {words}.")
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value)
        if self.type is float and is_number:
            return float(value)
        if self.type is int and is_number and float(value).is_integer():
            return int(value)
        if self.type in (bool, str) and isinstance(value, self.type):
            return value
        raise ParametersError(f"{self.name}: {value!r} is not {_NAMES_OF_TYPES[self.type]}.")


_NAMES_OF_TYPES = {
    float: "a finite number",
    int: "a whole number",
    bool: "true or false",
    str: "a word",
}


def _is_finite(value: float) -> bool:
    return abs(value) <= sys.float_info.max


def parameter_kinds(task: type[Task] | Task) -> dict[str, ParameterKind]:
    """What values each parameter of a task takes, by name, in the order of declaration."""
    hints = typing.get_type_hints(task.Parameters)
    return {
        declared.name: _kind(declared.name, hints[declared.name], declared.default)
        for declared in dataclasses.fields(task.Parameters)
    }


def _kind(name: str, hint: Any, default: Any) -> ParameterKind:
    members = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    optional = type(None) in members
    inner = [member for member in members if member is not type(None)]
    if len(inner) == 1 and typing.get_origin(inner[0]) is Literal:
        choices = typing.get_args(inner[0])
        return ParameterKind(name, type(choices[0]), choices, optional, default)
    if len(inner) != 1 or inner[0] not in _NAMES_OF_TYPES:
        raise TypeError(
            f"{name} is of type {hint}, where float, int, bool, str, or a Literal of them, perhaps None, is meant"
        )
    return ParameterKind(name, inner[0], (), optional, default)


def did_you_mean(word: str, known: typing.Iterable[str]) -> str:
    """'; did you mean …?' where a known word comes close, else the full stop."""
    import difflib

    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else "."
