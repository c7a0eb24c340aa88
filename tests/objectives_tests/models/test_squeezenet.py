"""SqueezeNet: torchvision's layout, any width, frozen where it is to be."""

from __future__ import annotations

import pytest
import torch

from objectives.models.squeezenet import SqueezeNet, Version


@pytest.mark.parametrize(("version", "num_weights"), [("1_0", 1_248_424), ("1_1", 1_235_496)])
def test_the_standard_net_is_torchvisions(version: Version, num_weights: int) -> None:
    weights = SqueezeNet(version, 1000).state_dict()
    assert sum(weight.numel() for weight in weights.values()) == num_weights
    fires = {"1_0": (3, 4, 5, 7, 8, 9, 10, 12), "1_1": (3, 4, 6, 7, 9, 10, 11, 12)}[version]
    layers = [f"features.{fire}.{layer}" for fire in fires for layer in ("squeeze", "expand1x1", "expand3x3")]
    expected = [
        f"{name}.{kind}" for name in ("features.0", *layers, "classifier.1") for kind in ("weight", "bias")
    ]
    assert list(weights) == expected
    assert weights["features.12.expand3x3.weight"].shape == (256, 64, 3, 3)


@pytest.mark.parametrize("version", ["1_0", "1_1"])
@pytest.mark.parametrize("width", [32, 100, 768])
def test_any_width_and_any_size_of_image_give_logits(version: Version, width: int) -> None:
    net = SqueezeNet(version, 7, width=width).eval()
    for side in (24, 65):
        assert net(torch.zeros(2, 3, side, side, dtype=torch.uint8)).shape == (2, 7)


def test_features_are_taken_over_and_batch_norm_begins_as_if_it_were_not_there() -> None:
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    source = SqueezeNet("1_1", 9, width=64).eval()
    net = SqueezeNet("1_1", 5, width=64, bn_momentum=0.1).eval()
    net.load_features(source.state_dict())
    found, expected = (each.features(each.scale(images)) for each in (net, source))
    assert torch.allclose(found, expected, rtol=1e-3)  # variance 1 + 1e-5, in each layer


def test_weights_of_another_net_are_refused() -> None:
    net = SqueezeNet("1_1", 5, width=64)
    with pytest.raises(ValueError, match=r"these weights belong to another network: 6\.squeeze\.weight"):
        net.load_features(SqueezeNet("1_0", 5, width=64).state_dict())
    with pytest.raises(ValueError, match=r"these weights belong to another network: 0\.weight"):
        net.load_features(SqueezeNet("1_1", 5, width=32).state_dict())
    with pytest.raises(ValueError, match="these weights belong to another network"):
        net.load_features({})


def test_frozen_features_stay_as_they_are_in_training() -> None:
    net = SqueezeNet("1_1", 5, width=64, bn_momentum=0.5, frozen=True).train()
    before = {name: weight.clone() for name, weight in net.state_dict().items()}
    optimizer = torch.optim.SGD([w for w in net.parameters() if w.requires_grad], lr=1.0)
    net(torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8)).square().sum().backward()
    optimizer.step()
    changed = {name for name, weight in net.state_dict().items() if not torch.equal(weight, before[name])}
    assert changed == {"classifier.1.weight", "classifier.1.bias"}
    assert net.classifier.training
    assert not net.features.training
