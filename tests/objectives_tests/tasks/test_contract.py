"""What holds for every task that ships: a trial is a pure function of parameters, data, rounds and seed."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import random
from typing import Any

import numpy as np
import pytest
import torch

from objectives.checkpoints.weights import weights_digest
from objectives.parameters.kinds import parameter_kinds
from objectives.published import Variant
from objectives.registry import BUILT_IN, all_tasks, get_task
from objectives.round import FIGURES
from objectives.task import Task
from objectives.training.loop import start_run, train
from tests.objectives_tests.small_data import figures, needs_gpu, shortened, small_splits, start

VARIANTS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "dropout": {"dropout": 0.5},
    "no dropout": {"dropout": 0.0},
    "no batch norm": {"batch_norm": False},
    "slow batch norm": {"bn_momentum": 0.001},
    "clipping": {"gradient_clip": 0.1, "optimizer": "sgd"},
    "weight decay": {"weight_decay": 0.1, "optimizer": "adamw"},
    **{f"optimizer {name}": {"optimizer": name} for name in ("sgd", "momentum", "adam", "adamw", "rmsprop")},
    **{f"schedule {name}": {"schedule": name} for name in ("step", "exponential", "cosine", "one_cycle")},
    "a ragged rest": {"batch_size": 7},
    "everything": {"dropout": 0.5, "optimizer": "momentum", "schedule": "one_cycle", "gradient_clip": 1.0},
}

CHOICES = [
    (task.name, kind.name, choice)
    for task in all_tasks()
    for kind in parameter_kinds(task.Parameters).values()
    for choice in (kind.choices or ((True, False) if kind.type is bool else ()))
]

PUBLISHED = [
    (task.name, variant)
    for task in map(get_task, BUILT_IN)
    for variant in ("published", *(task.published.variants if task.published else ()))
]

tasks = pytest.mark.parametrize("task", [get_task(name) for name in BUILT_IN], ids=list(BUILT_IN))
devices = pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_gpu)])


@devices
@tasks
@pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS.keys())
def test_a_run_continued_from_its_state_is_the_uninterrupted_one(
    device: str, task: Task, values: dict[str, Any]
) -> None:
    whole = start(task, device=device, **values)
    expected = figures(list(train(whole)))
    first = start(task, device=device, **values)
    begun = [first.advance(), first.advance()]
    stored = io.BytesIO()
    torch.save(first.state_dict(), stored)
    second = start(task, device=device, **values)
    second.load_state_dict(torch.load(io.BytesIO(stored.getvalue()), weights_only=True))
    assert figures(begun + list(train(second))) == expected
    assert weights_digest(second.model.state_dict()) == weights_digest(whole.model.state_dict())


@devices
@tasks
def test_a_seed_decides_everything(device: str, task: Task) -> None:
    one, same, other = (start(task, device=device, seed=seed, dropout=0.3) for seed in (1, 1, 2))
    rounds = [figures(list(train(run))) for run in (one, same, other)]
    digests = [weights_digest(run.model.state_dict()) for run in (one, same, other)]
    assert rounds[0] == rounds[1]
    assert digests[0] == digests[1]
    assert rounds[0][0] != rounds[2][0]
    assert digests[0] != digests[2]


@devices
@tasks
def test_the_global_generators_neither_matter_nor_change(device: str, task: Task) -> None:
    expected = figures(list(train(start(task, device=device, dropout=0.3))))
    torch.manual_seed(99), np.random.seed(99), random.seed(99)
    before = torch.get_rng_state(), repr(np.random.get_state()), random.getstate()
    assert figures(list(train(start(task, device=device, dropout=0.3)))) == expected
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (repr(np.random.get_state()), random.getstate()) == before[1:]


@devices
@tasks
def test_other_runs_in_the_process_do_not_matter(device: str, task: Task) -> None:
    alone = figures(list(train(start(task, device=device, dropout=0.3))))
    one, other = start(task, device=device, dropout=0.3), start(task, device=device, seed=8, dropout=0.1)
    interleaved = []
    for _ in range(one.rounds):
        interleaved.append(one.advance())
        other.advance()
    assert figures(interleaved) == alone


@tasks
def test_the_defaults_learn(task: Task) -> None:
    run = start(task, rounds=15)
    rounds = list(train(run))
    gain = rounds[-1].valid_score - task.chance_score
    assert gain > 0 if task.direction == "maximize" else gain < 0
    assert rounds[-1].train_loss < rounds[0].train_loss


@devices
@tasks
def test_the_defaults_as_they_stand_run_a_round(device: str, task: Task) -> None:
    run = start_run(
        task, shortened(task, {}), small_splits(task), rounds=task.rounds, seed=0, device=torch.device(device)
    )
    assert run.advance().index == 1


@devices
@pytest.mark.parametrize(("task", "variant"), PUBLISHED)
def test_the_published_configuration_and_its_variants_run_a_round(
    device: str, task: str, variant: str
) -> None:
    which = get_task(task)
    published = which.published
    assert published is not None
    chosen = published.variants.get(variant, Variant({}, ""))
    parameters = shortened(which, {**published.parameters, **chosen.parameters})
    if device == "cuda" and getattr(parameters, "devices", 1) > torch.cuda.device_count():
        pytest.skip(f"needs {parameters.devices} GPUs")
    run = start_run(
        which,
        parameters,
        small_splits(which),
        rounds=chosen.rounds or published.rounds,
        seed=0,
        device=torch.device(device),
    )
    with contextlib.closing(run):
        assert run.advance().index == 1


@tasks
def test_published_figures_are_a_rounds_and_lie_within_the_budget(task: Task) -> None:
    published = task.published
    assert published is not None
    assert published.figures
    assert all(0 < index <= published.rounds for index in published.curve)
    assert {name for given in published.curve.values() for name in given} <= set(FIGURES)


@tasks
def test_the_defaults_pass_their_own_check(task: Task) -> None:
    defaults = task.Parameters()
    assert task.parameters_from(dataclasses.asdict(defaults)) == defaults
    assert task.parameters_from({}) == defaults


@devices
@pytest.mark.parametrize(("task", "name", "choice"), CHOICES)
def test_every_choice_runs_a_round(device: str, task: str, name: str, choice: Any) -> None:
    latest = start(task, device=device, **{name: choice}).advance()
    assert np.isfinite([latest.train_loss, latest.valid_loss, latest.gradient_norm]).all()


@tasks
def test_a_round_tells_what_it_says(task: Task) -> None:
    rounds = list(train(start(task, rounds=3, schedule="cosine", learning_rate=0.01)))
    assert [latest.index for latest in rounds] == [1, 2, 3]
    assert rounds[0].learning_rate > rounds[1].learning_rate > rounds[2].learning_rate > 0
    for latest in rounds:
        assert latest.cost is not None
        assert latest.cost.seconds > 0
        assert latest.gradient_norm > 0
