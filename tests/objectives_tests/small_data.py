"""Rows as each task takes them, but few and made on the spot; and what the contract is tried with."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch

from objectives.datasets.cora import draw_split, published_splits
from objectives.datasets.pretrained import with_weights
from objectives.models.squeezenet import SqueezeNet, Version, name_of
from objectives.parameters.kinds import parameter_kinds
from objectives.registry import get_task
from objectives.round import Round
from objectives.rows.graphs import Graph, sparse_matrix
from objectives.rows.rows import Rows, Splits
from objectives.rows.splitting import digest_rows
from objectives.rows.word_pairs import WordPairs, noise_weights
from objectives.task import Task
from objectives.training.loop import start_run

needs_gpu = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that torch sees"),
]

TRAIN, VALID = 60, 25
# of tasks whose round is not one pass
SHORT = {"images_per_round": 60, "pairs_per_round": 240, "steps_per_round": 4}


def digits(num: int, seed: int = 0) -> Rows:
    """Grey noise, brighter in a stripe that tells the class: shape (num, 784), uint8."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.arange(num) % 10
    inputs = torch.randint(0, 120, (num, 784), generator=generator)
    for row, target in enumerate(targets.tolist()):
        inputs[row, 78 * target : 78 * (target + 1)] += 130
    return Rows(inputs.to(torch.uint8), targets)


def splits_of(train: Rows, valid: Rows) -> Splits:
    return Splits("small", train, valid, digest_rows(train, valid))


def pictures(num: int, side: int, seed: int = 0) -> Rows:
    """Coloured noise, tinted by class, ten of them: shape (num, 3, side, side), uint8."""
    generator = torch.Generator().manual_seed(seed)
    tints = torch.randint(0, 130, (10, 3, 1, 1), generator=torch.Generator().manual_seed(3))
    targets = torch.arange(num) % 10
    inputs = torch.randint(0, 120, (num, 3, side, side), generator=generator) + tints[targets]
    return Rows(inputs.to(torch.uint8), targets)


def pretrained_pictures() -> Splits:
    """Pictures that carry weights of SqueezeNets, of the widths that tests take: random ones."""
    names: list[tuple[Version, int]] = [("1_1", 64), ("1_0", 64), ("1_1", 512)]
    with torch.random.fork_rng():
        torch.manual_seed(5)
        weights = {name_of(*name): SqueezeNet(name[0], 7, width=name[1]).state_dict() for name in names}
    splits = splits_of(pictures(TRAIN, side=24), pictures(VALID, side=24, seed=1))
    return with_weights(splits, "small", weights)


def small_cora() -> Splits:
    """84 papers that mostly cite papers of their own field, and hold its words; all labels are open."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(84) % 7
    words = torch.rand(84, 1433, generator=generator) < 0.01
    words[:, :70] = torch.rand(84, 70, generator=generator) < 0.1
    words[:, :70] |= (torch.arange(70) % 7 == labels[:, None]) & (
        torch.rand(84, 70, generator=generator) < 0.4
    )
    cites = torch.rand(84, 84, generator=generator) < torch.where(labels == labels[:, None], 0.2, 0.005)
    adjacency = (cites | cites.T) & ~torch.eye(84, dtype=torch.bool)
    graph = Graph(
        *(sparse_matrix(*m.nonzero().T, torch.ones(int(m.sum())), m.shape) for m in (words, adjacency))
    )
    return published_splits(graph, labels, draw_split(labels, 0, per_class=6, num_valid=17))


def small_text() -> Splits:
    """Twenty words, each with one neighbour of its own."""
    noise = noise_weights(torch.full((20,), 12))

    def pairs(num: int) -> WordPairs:
        words = torch.arange(num, dtype=torch.int32) % 20
        return WordPairs(torch.stack([words, words ^ 1], dim=1), torch.ones(num, dtype=torch.int64), noise)

    return splits_of(pairs(4 * TRAIN), pairs(VALID))


def small_sequences() -> Splits:
    """Noise with a bump where the class says."""
    generator = torch.Generator().manual_seed(0)

    def sequences(num: int) -> Rows:
        targets = torch.arange(num) % 10
        bump = 2.0 * (torch.arange(40) // 4 == targets[:, None])
        return Rows(bump + 0.3 * torch.randn(num, 40, generator=generator), targets)

    return splits_of(sequences(TRAIN), sequences(VALID))


SPLITS: dict[str, Callable[[], Splits]] = {
    "mnist": lambda: splits_of(digits(TRAIN), digits(VALID, seed=1)),
    "cifar10": lambda: splits_of(pictures(TRAIN, side=8), pictures(VALID, side=8, seed=1)),
    "food101": pretrained_pictures,
    "cora": small_cora,
    "text8": small_text,
    "mnist1d": small_sequences,
}


def small_splits(task: Task) -> Splits:
    """Splits of the kind that the task's first data set has."""
    return _made(task.data_sets[0])


@functools.cache
def _made(data: str) -> Splits:
    return SPLITS[data]()


SMALL = {"food101_squeezenet": {"hidden_width": 64, "learning_rate": 0.003}}  # narrower ones die


def parameters_of(task: Task, **values: Any) -> Any:
    """Small ones; a value for a parameter that the task lacks is left out."""
    kinds = parameter_kinds(task.Parameters)
    small = {"batch_size": 16, "hidden_width": 12, **SHORT, **SMALL.get(task.name, {}), **values}
    return task.parameters_from({name: value for name, value in small.items() if name in kinds})


def shortened(task: Task, values: Mapping[str, Any]) -> Any:
    """A whole configuration, with short rounds."""
    kinds = parameter_kinds(task.Parameters)
    return task.parameters_from({**values, **{name: SHORT[name] for name in SHORT if name in kinds}})


def start(
    task: Task | str = "mnist_mlp", *, rounds: int = 4, seed: int = 7, device: str = "cpu", **values: Any
) -> Any:
    """A run of a few steps a round."""
    task = get_task(task) if isinstance(task, str) else task
    parameters, splits = parameters_of(task, **values), small_splits(task)
    return start_run(task, parameters, splits, rounds=rounds, seed=seed, device=torch.device(device))


def figures(rounds: list[Round]) -> list[str]:
    """All that must be equal, bit for bit, NaN for NaN."""
    return [repr(latest.figures()) for latest in rounds]
