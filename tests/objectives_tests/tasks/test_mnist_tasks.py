"""What is particular to each task on MNIST digits: the published nets as they stood, and what went wrong in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from objectives.registry import get_task
from objectives.rows.rows import Rows
from objectives.rows.subsets import part_of
from objectives.training.loop import Run, train
from tests.objectives_tests.small_data import digits, parameters_of, small_splits, start

EXAMPLE = digits(2)


def published_model(name: str, **changes: Any) -> nn.Module:
    task = get_task(name)
    assert task.published is not None
    parameters = task.parameters_from({**task.published.parameters, **changes})
    return task.build(parameters, task.prepare(EXAMPLE, parameters))


def kinds(model: nn.Module) -> list[str]:
    return [type(module).__name__ for module in model.children()]


def num_weights(model: nn.Module) -> int:
    return sum(weight.numel() for weight in model.parameters())


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("mnist_mlp", 784 * 1024 + 1024 + 1024 * 10 + 10),
        ("mnist_mlp_online", 784 * 500 + 500 + 2 * (500 * 500 + 500) + 500 * 10 + 10),
        ("mnist_mlp_bn", 784 * 300 + 300 + 300 * 100 + 100 + 100 * 10 + 10 + 2 * (300 + 100 + 10)),
        ("mnist_convnet", 832 + 64 + 32 * 64 * 25 + 64 + 128 + 3136 * 500 + 500 + 500 * 10 + 10),
    ],
)
def test_the_published_net_has_its_number_of_weights(name: str, count: int) -> None:
    assert num_weights(published_model(name)) == count


def test_batch_norm_comes_before_each_activation_and_on_the_logits() -> None:
    block = ["Linear", "BatchNorm1d", "ELU"]
    assert kinds(published_model("mnist_mlp_bn")) == [*block, *block, "Linear", "BatchNorm1d"]
    assert kinds(published_model("mnist_mlp_bn", batch_norm=False)) == ["Linear", "ELU"] * 2 + ["Linear"]


def test_the_convnet_is_as_published() -> None:
    block = ["Conv2d", "BatchNorm2d", "LeakyReLU"]
    tail = ["Flatten", "Linear", "Tanh", "Dropout", "Linear"]
    assert kinds(published_model("mnist_convnet")) == ["Unflatten", *block, *block, *tail]


def test_every_weight_and_bias_of_the_online_net_is_drawn_from_a_unit_normal() -> None:
    torch.manual_seed(0)
    model = published_model("mnist_mlp_online")
    for weight in model.parameters():
        assert abs(weight.mean().item()) < 4 / weight.numel() ** 0.5
        assert weight.std().item() == pytest.approx(1.0, abs=4 / weight.numel() ** 0.5)
    assert max(weight.abs().max().item() for weight in model.parameters()) > 4  # not cut off


@pytest.mark.parametrize(("batch_size", "steps"), [(1, 600), (7, 85), (60, 10), (500, 10)])
def test_a_round_of_the_online_task_is_a_number_of_images(batch_size: int, steps: int) -> None:
    run = start("mnist_mlp_online", batch_size=batch_size, images_per_round=600, batch_norm=False)
    assert run.steps_per_round == steps


def test_the_naive_loss_is_not_a_number_where_cross_entropy_is_large() -> None:
    task = get_task("mnist_convnet")
    naive, sound = (task.parameters_from({"loss_form": form}) for form in ("naive_log", "cross_entropy"))
    targets = torch.tensor([0, 1])
    sure_and_wrong = torch.tensor([[0.0, 200.0, 0.0], [0.0, 1.0, 0.0]])
    logits = torch.nn.functional.pad(sure_and_wrong, (0, 7)).requires_grad_()
    assert task.losses(logits, targets, naive)[0].isnan()
    assert task.losses(logits, targets, sound)[0].item() == pytest.approx(200.0)
    assert task.losses(logits, targets, naive)[1].item() == pytest.approx(
        task.losses(logits, targets, sound)[1].item()
    )
    task.losses(logits, targets, naive).mean().backward()
    assert logits.grad is not None
    assert logits.grad.isnan().any()


def test_running_statistics_that_lag_make_the_same_weights_look_worse() -> None:
    task = get_task("mnist_convnet")
    splits = part_of(task.load("mnist-5k", Path()), 0.5)
    lagging, fresh = (
        list(
            train(
                Run(task, parameters_of(task, bn_momentum=momentum, batch_size=64), splits, rounds=2, seed=1)
            )
        )[-1]
        for momentum in (1e-3, 0.1)
    )
    assert lagging.valid_score_batch_statistics == fresh.valid_score_batch_statistics
    assert lagging.valid_loss > 1.3 * fresh.valid_loss


def test_units_die_where_weights_are_too_large() -> None:
    dying = start(
        "mnist_mlp_online", weight_init="unit_normal_all", batch_norm=False, learning_rate=0.3, rounds=3
    )
    healthy = start("mnist_mlp_online", weight_init="he", batch_norm=False, rounds=3)
    shares = [list(train(run))[-1].dead_share for run in (dying, healthy)]
    assert shares[0] is not None
    assert shares[1] is not None
    assert shares[0] > 0.5 > shares[1]


def test_published_splits_of_the_sample_do_not_overlap() -> None:
    for name in ("mnist_mlp", "mnist_mlp_bn"):
        splits = get_task(name).load_published("mnist-5k", Path())
        assert not set(_rows(splits.train)) & set(_rows(splits.valid))
    assert (len(get_task("mnist_mlp").load_published("mnist-5k", Path()).train)) == 4_250


@pytest.mark.real_data
def test_published_splits_are_of_the_published_sizes(data_root: Path) -> None:
    whole = get_task("mnist_mlp").load_published("mnist", data_root)
    held_out = get_task("mnist_mlp_bn").load_published("mnist", data_root)
    assert (len(whole.train), len(whole.valid)) == (60_000, 10_000)
    assert (len(held_out.train), len(held_out.valid)) == (55_000, 5_000)
    assert torch.equal(held_out.valid.inputs, whole.train.inputs[:5_000])
    assert whole.digest != held_out.digest


def _rows(rows: Rows) -> list[bytes]:
    return [row.numpy().tobytes() for row in rows.inputs]


def test_a_clip_limits_the_step_and_the_norm_is_told_unclipped() -> None:
    splits = small_splits(get_task("mnist_mlp_online"))
    task = get_task("mnist_mlp_online")
    parameters = task.parameters_from({"gradient_clip": 1e-3, "optimizer": "sgd", "images_per_round": 60})
    run = Run(task, parameters, splits, rounds=1, seed=1)
    before = [weight.detach().clone() for weight in run.model.parameters()]
    told = run.advance().gradient_norm
    moved = (
        sum((a - b.detach()).square().sum() for a, b in zip(before, run.model.parameters(), strict=True))
        ** 0.5
    )
    assert told > 1e-2
    assert float(moved) <= run.steps_per_round * 1e-3 * parameters.learning_rate * 1.001
