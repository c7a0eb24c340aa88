"""Makes one curve: draws a configuration from a space, and trains with it to the last planned round."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.kinds.kind import Configuration, Kind, Problem, Score

Figures = dict[str, float]


def draw(kind: Kind, seed: int, trial: int) -> Configuration:
    """Draw a configuration: for even trials from a wide space, where training often fails, for odd ones from a good one."""
    draws = np.random.default_rng([seed, zlib.crc32(kind.name.encode()), trial])
    is_wide = trial % 2 == 0

    def log_uniform(low: float, high: float) -> float:
        return float(math.exp(draws.uniform(math.log(low), math.log(high))))

    def one_of(*choices: Any) -> Any:
        return choices[int(draws.integers(len(choices)))]

    return Configuration(
        optimizer=one_of("sgd", "adam") if is_wide else "adam",
        learning_rate=log_uniform(1e-5, 1.0) if is_wide else log_uniform(5e-4, 1e-2),
        momentum=one_of(0.0, 0.9),
        schedule=one_of("constant", "constant", "cosine", "step", "warm_up")
        if is_wide
        else one_of("constant", "cosine"),
        batch_size=one_of(32, 32, 128) if is_wide else one_of(32, 64),
        width=round(log_uniform(8, 512) if is_wide else log_uniform(32, 256)),
        dropout=draws.uniform(0, 0.8) if is_wide else one_of(0.0, 0.2, 0.4),
        weight_decay=log_uniform(1e-6, 1e-1) if draws.random() < 0.5 else 0.0,
        activation=one_of("relu", "tanh") if is_wide else "relu",
    )


def rounds_of(kind: Kind, problem: Problem, configuration: Configuration, seed: int) -> Iterator[Figures]:
    """The figures of each round; ends early after a training loss that is not finite."""
    torch.manual_seed(seed)
    model = kind.model(problem, configuration)
    optimizer = _optimizer(model, configuration)
    batches = _batches(len(problem.train[0]), configuration.batch_size, seed)
    steps = kind.steps or -(-len(problem.train[0]) // configuration.batch_size)
    for index in range(1, kind.rounds + 1):
        rate = configuration.learning_rate * _factor(configuration.schedule, (index - 1) / kind.rounds)
        for group in optimizer.param_groups:
            group["lr"] = rate
        running = _train(kind, model, optimizer, problem, [next(batches) for _ in range(steps)])
        train_loss, train = running if kind.running else _evaluate(kind, model, *problem.train)
        valid_loss, valid = _evaluate(kind, model, *problem.valid)
        yield {
            "round": index * (kind.steps or 1),
            "train_loss": train_loss,
            "valid_loss": valid_loss,
            "train_score": math.nan if train is None else train.value,
            "valid_score": math.nan if valid is None else valid.value,
            "score_error": math.nan if valid is None else valid.error,
            "learning_rate": rate,
        }
        if not math.isfinite(train_loss):
            return


def _optimizer(model: nn.Module, configuration: Configuration) -> torch.optim.Optimizer:
    how = {"lr": configuration.learning_rate, "weight_decay": configuration.weight_decay}
    if configuration.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), **how)
    return torch.optim.SGD(model.parameters(), momentum=configuration.momentum, **how)


def _factor(schedule: str, progress: float) -> float:
    """The schedule's factor of the learning rate after the fraction `progress` of the planned rounds."""
    return {
        "constant": 1.0,
        "cosine": 0.5 * (1 + math.cos(math.pi * progress)),
        "step": 0.1 ** math.floor(3 * progress),
        "warm_up": min(1.0, 0.02 + progress / 0.2),
    }[schedule]


def _batches(num_rows: int, batch_size: int, seed: int) -> Iterator[Tensor]:
    """Batches of row numbers, shuffled anew in each pass."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield from torch.split(torch.randperm(num_rows, generator=generator), batch_size)


def _train(
    kind: Kind,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    problem: Problem,
    batches: list[Tensor],
) -> tuple[float, Score | None]:
    """Train on these batches. Returns the mean loss and score during training."""
    model.train()
    losses, outputs, targets = [], [], []
    for batch in batches:
        inputs, target = problem.train[0][batch], problem.train[1][batch]
        output = model(inputs)
        loss = kind.loss(output, target)
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()
        losses.append(loss.detach())
        outputs.append(output.detach())
        targets.append(target)
    score = kind.score(torch.cat(outputs), torch.cat(targets)) if kind.running and kind.score else None
    return torch.cat(losses).mean().item(), score


@torch.no_grad()
def _evaluate(kind: Kind, model: nn.Module, inputs: Tensor, targets: Tensor) -> tuple[float, Score | None]:
    model.eval()
    output = model(inputs)
    score = None if kind.score is None else kind.score(output, targets)
    return kind.loss(output, targets).mean().item(), score
