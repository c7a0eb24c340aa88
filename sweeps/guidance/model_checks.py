"""Checks of a model: its loss before training, its gradients, whether it can learn one batch, and its evaluation."""

from __future__ import annotations

import math
from typing import Any

import torch

from objectives.rows.rows import Rows
from objectives.training.evaluation import evaluate
from objectives.training.loop import Run
from sweeps.guidance.bench import Bench
from sweeps.guidance.check import Check, failed, not_applicable, passed

FIRST_LOSS = 2.0  # the first loss may differ from ln(classes) by this factor
BATCH_ROWS = 8
BATCH_STEPS = 300
FITTED = 0.05  # a batch is learnt when its loss has fallen to this share of the first loss
CLOSE = 1e-3  # outputs that differ by this share of the largest output differ by rounding only
GRADIENT_BATCHES = 4


def initial_loss(bench: Bench) -> Check:
    """Checks that an untrained classifier has a loss near ln(classes), as if all classes were equally probable."""
    run = bench.run()
    classes = bench.classes(run)
    if classes is None:
        return not_applicable("initial_loss", "The targets are no classes with a logit each.")
    loss = evaluate(bench.task, run.model, run.train_sample[:256], bench.parameters).loss
    expected = math.log(classes)
    said = f"The loss before training is {loss:.3g}; ln({classes}) is {expected:.3g}."
    is_near = expected / FIRST_LOSS <= loss <= expected * FIRST_LOSS
    return (passed if is_near else failed)("initial_loss", said, loss=loss, expected=expected)


def training_mode(bench: Bench) -> Check:
    """Checks that the model is in training mode while it trains; else dropout and batch statistics are off."""
    run = bench.run()
    run.model.train()
    if not run.model.training:
        return failed("training_mode", "The model is in evaluation mode after model.train().")
    before = [name for name, module in run.model.named_modules() if module.training]
    bench.task.forward(run.model, _augmented(bench, run, run.train_rows[:32]))
    modules = dict(run.model.named_modules())
    left = [name for name in before if not modules[name].training]
    if left:
        return failed("training_mode", "A forward pass in training puts the model into evaluation mode.")
    return passed(
        "training_mode", "The model is in training mode before and after a forward pass in training."
    )


def gradients(bench: Bench) -> Check:
    """Checks that each weight with requires_grad gets a gradient that is finite and not all zero."""
    run = bench.run(parameters=bench.changed(dropout=0.0))
    learning = [(name, weight) for name, weight in run.model.named_parameters() if weight.requires_grad]
    reached: dict[str, bool] = {}
    run.model.train()
    size = max(2, min(64, len(run.train_rows)))
    for at in range(min(GRADIENT_BATCHES, max(1, len(run.train_rows) // size))):
        run.model.zero_grad(set_to_none=True)
        run._step.take_gradient(_augmented(bench, run, run.train_rows[at * size : (at + 1) * size]))
        for name, weight in learning:
            gradient = weight.grad
            if gradient is not None and not bool(torch.isfinite(gradient).all()):
                return failed("gradients", f"The gradient of {name} is not finite.", parameters=[name])
            reached[name] = reached.get(name, False) or (gradient is not None and bool(gradient.any()))
    missed = [name for name, _ in learning if not reached[name]]
    if missed:
        shown = ", ".join(missed[:4]) + (" …" if len(missed) > 4 else "")
        said = f"{len(missed)} of {len(learning)} parameters get no gradient: {shown}."
        return failed("gradients", said, parameters=missed)
    said = f"All {len(learning)} parameters that learn get a gradient."
    return passed("gradients", said + _frozen(run), parameters=[])


def _frozen(run: Run) -> str:
    """A sentence about the frozen weights, which may be frozen on purpose; empty if there are none."""
    frozen = [name for name, weight in run.model.named_parameters() if not weight.requires_grad]
    if not frozen:
        return ""
    shown = ", ".join(frozen[:4]) + (" …" if len(frozen) > 4 else "")
    return f" {len(frozen)} parameters do not learn: {shown}."


def one_batch(bench: Bench) -> Check:
    """Checks that the model can learn a few rows by heart (Karpathy 2019)."""
    part = bench.splits.train[: min(BATCH_ROWS, len(bench.splits.train))]
    splits = _with_train(bench, part)
    ratios = []
    for factor in (1.0, 0.1, 10.0):
        rate = bench.parameters.learning_rate * factor
        parameters = bench.changed(
            dropout=0.0,
            weight_decay=0.0,
            schedule="constant",
            batch_size=len(part),
            learning_rate=rate,
            jitter=0.0,
            max_shift=0,
            flip=False,
            crop=False,
        )
        ratio, steps = _fit(bench.run(splits=splits, parameters=parameters))
        ratios.append(ratio)
        if ratio <= FITTED:
            said = f"{len(part)} rows are learnt by heart in {steps} steps: the loss falls to {ratio:.1%} of its start."
            return passed("one_batch", said, ratio=ratio, steps=steps)
    best = min(ratios)
    said = (
        f"{len(part)} rows are not learnt by heart in {BATCH_STEPS} steps at any of three learning rates: the loss "
        f"stays at {best:.1%} of its start."
    )
    return failed("one_batch", said, ratio=best, steps=BATCH_STEPS)


def _fit(run: Run) -> tuple[float, int]:
    """The smallest loss of a run, divided by its first loss, and the number of steps."""
    run.steps_per_round = 1
    first = best = run.train_round().running_loss
    for step in range(2, BATCH_STEPS + 1):
        loss = run.train_round().running_loss
        best = min(best, loss) if math.isfinite(loss) else best
        if best <= FITTED * first:
            return best / first, step
        if not math.isfinite(loss) or (step == BATCH_STEPS // 3 and best > 0.8 * first):
            break
    return best / first, BATCH_STEPS


def evaluation_repeatable(bench: Bench) -> Check:
    """Checks that two evaluations of the same weights and rows are equal bit for bit, and change nothing."""
    run = bench.run()
    run.train_round()
    before = [value.clone() for value in run.model.state_dict().values()]
    outputs = [bench.outputs(run, run.valid_rows[:64]) for _ in range(2)]
    losses = [evaluate(bench.task, run.model, run.valid_rows, run.parameters) for _ in range(2)]
    if not torch.equal(*outputs) or losses[0] != losses[1]:
        return failed("evaluation_repeatable", "Two evaluations of the same rows and weights differ.")
    after = run.model.state_dict().values()
    if not all(torch.equal(one, other) for one, other in zip(before, after, strict=True)):
        return failed("evaluation_repeatable", "An evaluation changes the model's weights or statistics.")
    return passed("evaluation_repeatable", "Two evaluations are equal bit for bit, and change nothing.")


def evaluation_alone(bench: Bench) -> Check:
    """Checks that the outputs for a row do not depend on the other rows of its batch."""
    run = bench.run()
    run.train_round()
    rows = run.valid_rows[:32]
    if len(rows) < 4:
        return not_applicable("evaluation_alone", "There are too few validation rows.")
    together = bench.outputs(run, rows)
    half = len(rows) // 2
    apart = torch.cat([bench.outputs(run, rows[:half]), bench.outputs(run, rows[half:])])
    back = torch.arange(len(rows) - 1, -1, -1, device=rows.targets.device)
    turned = bench.outputs(run, rows[back])[back]
    scale = max(float(together.abs().max()), 1e-12)
    gap = max(float((together - other).abs().max()) for other in (apart, turned)) / scale
    if not gap <= CLOSE:
        said = f"Outputs of the same rows differ by {gap:.2g} of the largest if the batch is divided or reversed."
        return failed("evaluation_alone", said, gap=gap)
    return passed("evaluation_alone", "A row's outputs do not depend on the rest of its batch.", gap=gap)


def _augmented(bench: Bench, run: Run, rows: Rows) -> Rows:
    with run._noise.drawn_from():
        return bench.task.augment(rows, run.parameters)


def _with_train(bench: Bench, rows: Rows) -> Any:
    import dataclasses

    return dataclasses.replace(bench.splits, train=rows)
