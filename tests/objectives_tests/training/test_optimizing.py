"""Optimisers, schedules and clipping."""

from __future__ import annotations

import copy

import pytest
import torch

from objectives.parameters.schedules import schedule_factor
from objectives.training.loop import train
from objectives.training.optimizers import eager, make_optimizer, state_tensors
from tests.objectives_tests.small_data import TRAIN, start


@pytest.mark.parametrize(
    ("name", "factors"),
    [
        ("constant", {0: 1.0, 50: 1.0, 99: 1.0}),
        ("step", {0: 1.0, 49: 1.0, 50: 0.1, 74: 0.1, 75: 0.01, 99: 0.01}),
        ("exponential", {0: 1.0, 9: 1.0, 10: 10**-0.2, 30: 10**-0.6, 50: 0.1, 99: 10**-1.8}),
        ("cosine", {0: 1.0, 25: (1 + 2**-0.5) / 2, 50: 0.5, 75: (1 - 2**-0.5) / 2, 100: 0.0}),
        ("one_cycle", {0: 0.04, 15: 0.52, 30: 1.0, 65: (1 + 1e-4) / 2, 100: 1e-4}),
    ],
)
def test_a_schedule_is_a_function_of_the_step(name: str, factors: dict[int, float]) -> None:
    found = {step: schedule_factor(name, step, 100) for step in factors}
    assert found == pytest.approx(factors, abs=1e-12)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown schedule 'linear'"):
        schedule_factor("linear", 0, 10)
    with pytest.raises(ValueError, match="unknown optimizer 'lion'"):
        make_optimizer("lion", [torch.nn.Parameter(torch.zeros(1))], 0.1, 0.0)


@pytest.mark.parametrize("batch_size", [1, 7, 50])
def test_a_step_goes_down_the_gradient_of_the_mean_loss(batch_size: int) -> None:
    run = start(optimizer="sgd", learning_rate=1.0, batch_size=batch_size, dropout=0.0, batch_norm=False)
    run.steps_per_round = 1
    reference, order = copy.deepcopy(run.model), copy.deepcopy(run._order)
    run.advance()
    batch = run.train_rows[order.next()]
    torch.nn.functional.cross_entropy(reference(batch.inputs), batch.targets).backward()
    for before, after in zip(reference.parameters(), run.model.parameters(), strict=True):
        torch.testing.assert_close(after, before - before.grad)


def test_moments_of_a_weight_without_a_gradient_end_at_zero_and_not_just_above_it() -> None:
    run = start(optimizer="adam", batch_norm=False, batch_size=1, rounds=40)
    run.advance()
    with torch.no_grad():
        run.model[0].bias -= 1e6  # from now on, the hidden units are dead
    for _ in range(19):  # of 60 steps: 0.9^1140 is below any float32
        run.advance()
    moments = run.optimizer.state[run.model[0].weight]["exp_avg"]
    assert not moments.any()


def test_outside_of_a_round_denormal_numbers_are_what_they_were() -> None:
    run = start()
    run.advance()
    assert torch.tensor(1e-40).mul(1.0).item() > 0


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam", "adamw", "rmsprop"])
def test_every_optimizer_goes_downhill(name: str) -> None:
    rounds = list(train(start(optimizer=name, learning_rate=0.01, rounds=10, dropout=0.0)))
    assert rounds[-1].train_loss < 0.8 * rounds[0].train_loss


def test_the_rate_of_a_round_is_that_of_its_last_step() -> None:
    run = start(schedule="cosine", learning_rate=0.5, rounds=2)
    steps = run.steps_per_round
    expected = 0.5 * schedule_factor("cosine", steps - 1, 2 * steps)
    assert run.advance().learning_rate == expected


def one_step(**values: object) -> tuple[float, float]:
    """How far a single step of plain descent goes, and the gradient's norm that was told."""
    run = start(optimizer="sgd", learning_rate=1.0, batch_size=TRAIN, dropout=0.0, **values)
    before = torch.nn.utils.parameters_to_vector(run.model.parameters()).detach().clone()
    latest = run.advance()
    after = torch.nn.utils.parameters_to_vector(run.model.parameters()).detach()
    return (after - before).norm().item(), latest.gradient_norm


def test_clipping_limits_the_step_but_not_the_norm_that_is_told() -> None:
    free, norm = one_step()
    assert free == pytest.approx(norm, rel=1e-5)
    clipped, same_norm = one_step(gradient_clip=norm / 10)
    assert clipped == pytest.approx(norm / 10, rel=1e-3)
    assert same_norm == pytest.approx(norm, rel=1e-6)


@pytest.mark.parametrize("clip", [None, 1e-3])
def test_the_first_layers_norm_is_that_of_its_weights_before_clipping(clip: float | None) -> None:
    run = start(optimizer="sgd", learning_rate=1.0, batch_size=TRAIN, dropout=0.0, gradient_clip=clip)
    twin = start(optimizer="sgd", learning_rate=1.0, batch_size=TRAIN, dropout=0.0)
    before = twin.model[0].weight.detach().clone()
    twin.advance()
    moved = (twin.model[0].weight.detach() - before).norm().item()
    assert run.advance().first_layer_gradient_norm == pytest.approx(moved, rel=1e-5)


def test_a_layer_that_does_not_learn_is_passed_over() -> None:
    run = start(batch_size=TRAIN)
    run.model[0].weight.requires_grad_(False)
    latest = run.advance()
    assert latest.first_layer_gradient_norm == pytest.approx(run.model[-1].weight.grad.norm().item())


def test_a_model_of_vectors_only_has_no_first_layer() -> None:
    run = start(batch_size=TRAIN)
    for weight in run.model.parameters():
        weight.requires_grad_(weight.ndim == 1)
    latest = run.advance()
    assert latest.first_layer_gradient_norm is None
    assert latest.gradient_norm > 0


def test_clipping_leaves_a_small_gradient_alone() -> None:
    free, norm = one_step()
    assert one_step(gradient_clip=norm * 10)[0] == pytest.approx(free, rel=1e-6)


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        (torch.optim.SGD, {}),
        (torch.optim.SGD, {"momentum": 0.9, "nesterov": True, "fused": True}),
        (torch.optim.Adam, {"fused": True}),
        (torch.optim.AdamW, {"fused": True}),
        (torch.optim.RMSprop, {}),
    ],
)
def test_an_eager_optimizer_makes_torchs_own_steps(kind: type[torch.optim.Optimizer], how: dict) -> None:
    def trained(make: type[torch.optim.Optimizer]) -> list[torch.Tensor]:
        weight = torch.nn.Parameter(torch.linspace(-1, 1, 50))
        optimizer = make([weight], lr=0.1, weight_decay=0.01, **how)
        for step in range(5):
            optimizer.zero_grad()
            (weight**2 * torch.linspace(step, 1, 50)).sum().backward()
            optimizer.step()
            optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        return [weight, *state_tensors(optimizer)]

    pairs = zip(trained(eager(kind)), trained(kind), strict=True)
    assert all(torch.equal(ours, torchs) for ours, torchs in pairs)


def test_momentum_is_nesterovs_with_nine_tenths() -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = make_optimizer("momentum", [weight], 1.0, 0.0)
    for _ in range(2):
        weight.grad = torch.ones(1)
        optimizer.step()
    assert weight.item() == pytest.approx(-(1.9 + 2.71))
