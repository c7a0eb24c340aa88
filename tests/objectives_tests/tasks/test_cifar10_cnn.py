"""cifar10_cnn as published, and as it is launched."""

from __future__ import annotations

import pytest
import torch

from objectives.errors import ParametersError
from objectives.models.cifar_net import CifarNet
from objectives.rows.rows import Rows
from objectives.tasks.cifar10_cnn import Cifar10Cnn

TASK = Cifar10Cnn()
EXAMPLE = Rows(torch.zeros(2, 3, 32, 32, dtype=torch.uint8), torch.zeros(2, dtype=torch.long))


def published(**values: object) -> object:
    assert TASK.published is not None
    return TASK.parameters_from({**TASK.published.parameters, **values})


def test_the_published_rate_falls_every_350_passes_of_global_batches() -> None:
    decay_steps = int(350 * 50_000 / 128)
    factors = [
        TASK.learning_rate_factor(published(), step, 10**6, 50_000)
        for step in (0, decay_steps - 1, decay_steps, 2 * decay_steps)
    ]
    assert factors == pytest.approx([1, 1, 0.1, 0.01])
    towers = published(
        devices=2, batch_size=256
    )  # a step takes twice the images, so half the steps make a pass
    assert TASK.learning_rate_factor(towers, decay_steps // 2 - 1, 10**6, 50_000) == 1
    assert TASK.learning_rate_factor(towers, decay_steps // 2, 10**6, 50_000) == pytest.approx(0.1)


def test_the_published_net_has_the_published_layers() -> None:
    net = TASK.build(published(), EXAMPLE)
    assert isinstance(net, CifarNet)
    assert [tuple(layer.weight.shape) for layer in net.weighted_layers()] == [
        (64, 3, 5, 5),
        (64, 64, 5, 5),
        (384, 6 * 6 * 64),
        (192, 384),
        (10, 192),
    ]
    deviations = [layer.weight.std().item() for layer in net.weighted_layers()]
    cut = 0.88  # the deviation of a normal that is cut off at two σ
    assert deviations == pytest.approx([cut * w for w in (0.05, 0.05, 0.04, 0.04, 1 / 192)], rel=0.05)


@pytest.mark.parametrize("crop", [True, False])
def test_the_model_takes_images_as_they_are_stored(crop: bool) -> None:
    model = TASK.build(TASK.parameters_from({"crop": crop}), EXAMPLE).eval()
    images = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)
    changed = images.clone()
    changed[:, :, :4] = 0  # a border that a crop leaves out
    assert model(images).shape == (3, 10)
    assert torch.equal(model(images), model(changed)) is crop


def test_training_images_are_bytes_until_they_are_jittered() -> None:
    plain = TASK.augment(EXAMPLE, TASK.parameters_from({"jitter": 0.0}))
    assert plain.inputs.dtype == torch.uint8
    assert plain.inputs.shape == (2, 3, 24, 24)
    assert TASK.augment(EXAMPLE, TASK.parameters_from({"crop": False})).inputs.shape == (2, 3, 32, 32)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"devices": 0}, "devices: 0 is too small. It must be at least 1"),
        ({"jitter": 1.5}, "jitter: 1.5 is not a fraction"),
        ({"decay_factor": 10.0}, "decay_factor: 10 is not a fraction"),
        ({"schedule": "staircas"}, "is not one of constant, step, exponential, cosine, one_cycle, staircase"),
    ],
)
def test_values_that_make_no_sense_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ParametersError, match=message):
        TASK.parameters_from(values)
