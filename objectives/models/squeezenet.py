"""SqueezeNet (Iandola et al. 2016), versions 1.0 and 1.1, of any width. Weights have the names of torchvision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from objectives.models.varied_images import NormalizedImages

Version = Literal["1_0", "1_1"]
STANDARD_WIDTH = 512
_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and deviation of its channels

# Channels and kernel of the first convolution; then squeezed and expanded channels of each fire module. None: pooling.
_PLANS: dict[str, tuple[int, int, tuple[tuple[int, int] | None, ...]]] = {
    "1_0": (
        96,
        7,
        (
            None,
            (16, 64),
            (16, 64),
            (32, 128),
            None,
            (32, 128),
            (48, 192),
            (48, 192),
            (64, 256),
            None,
            (64, 256),
        ),
    ),
    "1_1": (
        64,
        3,
        (
            None,
            (16, 64),
            (16, 64),
            None,
            (32, 128),
            (32, 128),
            None,
            (48, 192),
            (48, 192),
            (64, 256),
            (64, 256),
        ),
    ),
}


def name_of(version: Version, width: int) -> str:
    """The name of weights for such a network: `squeezenet1_1-512`."""
    return f"squeezenet{version}-{width}"


class SqueezeNet(nn.Module):
    """Logits of byte images with sides of 24 pixels or more.

    width: output channels of the last fire module, 512 as published. All other numbers of channels are scaled with it.
    bn_momentum: that of batch norm after each convolution of a fire module; None for no batch norm. frozen: whether the
    features are not trained: they get no gradient, and batch norm always uses its running statistics. rectify_logits:
    whether a ReLU follows the last convolution, as published; then a class whose logit is below zero for all images
    gets no gradient any more.
    """

    def __init__(
        self,
        version: Version,
        num_classes: int,
        *,
        width: int = STANDARD_WIDTH,
        dropout: float = 0.5,
        bn_momentum: float | None = None,
        frozen: bool = False,
        rectify_logits: bool = False,
    ) -> None:
        super().__init__()

        def scaled(channels: int) -> int:
            return max(1, round(channels * width / STANDARD_WIDTH))

        first, kernel, plan = _PLANS[version]
        channels = scaled(first)
        features: list[nn.Module] = [nn.Conv2d(3, channels, kernel, stride=2), nn.ReLU()]
        for planned in plan:
            if planned is None:
                features.append(nn.MaxPool2d(3, stride=2, ceil_mode=True))
                continue
            squeezed, expanded = map(scaled, planned)
            features.append(Fire(channels, squeezed, expanded, bn_momentum))
            channels = 2 * expanded
        self.scale = NormalizedImages(*_IMAGENET)
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Conv2d(channels, num_classes, 1))
        if rectify_logits:
            self.classifier.append(nn.ReLU())
        self._frozen = frozen
        if frozen:
            self.features.requires_grad_(requires_grad=False)

    def train(self, mode: bool = True) -> SqueezeNet:
        """Switch training mode on or off. Frozen features stay in evaluation mode."""
        super().train(mode)
        if self._frozen:
            self.features.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Logits, shape (rows, classes): the means over all positions."""
        logits: Tensor = self.classifier(self.features(self.scale(images)))
        return logits.mean(dim=(2, 3))  # torch's adaptive pooling has no deterministic gradient on CUDA

    def load_features(self, weights: Mapping[str, Tensor]) -> None:
        """Load the features of `weights`. Their last convolution may differ, and they may lack batch norm.

        Raises ValueError if they belong to another network.
        """
        own = self.features.state_dict()
        found = {
            name.removeprefix("features."): weight
            for name, weight in weights.items()
            if name.startswith("features.")
        }
        lacking = [name for name in own if name not in found and "_norm." not in name]
        strange = [
            name for name, weight in found.items() if name not in own or weight.shape != own[name].shape
        ]
        if lacking or strange:
            raise ValueError(f"these weights belong to another network: {', '.join((lacking + strange)[:3])}")
        self.features.load_state_dict(found, strict=False)


class Fire(nn.Module):
    """Reduces the channels by a 1 x 1 convolution, then expands them by a 1 x 1 and a 3 x 3 convolution."""

    def __init__(self, channels: int, squeezed: int, expanded: int, bn_momentum: float | None) -> None:
        super().__init__()

        def norm(width: int) -> nn.Module:
            return nn.Identity() if bn_momentum is None else nn.BatchNorm2d(width, momentum=bn_momentum)

        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.squeeze_norm = norm(squeezed)
        self.squeeze_activation = nn.ReLU()
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand1x1_norm = norm(expanded)
        self.expand1x1_activation = nn.ReLU()
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)
        self.expand3x3_norm = norm(expanded)
        self.expand3x3_activation = nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        """Feature maps, shape (rows, 2 · expanded, height, width)."""
        squeezed = self.squeeze_activation(self.squeeze_norm(self.squeeze(inputs)))
        small = self.expand1x1_activation(self.expand1x1_norm(self.expand1x1(squeezed)))
        large = self.expand3x3_activation(self.expand3x3_norm(self.expand3x3(squeezed)))
        return torch.cat([small, large], dim=1)
