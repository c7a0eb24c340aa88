"""The network of TensorFlow's CIFAR-10 tutorials, with two convolutions and two dense layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from objectives.models.varied_images import CentreCrop, StandardizedImages

CHANNELS = 64


class CifarNet(nn.Sequential):
    """Logits of byte images: two convolutions of 64 channels, each with pooling, two dense layers, an output.

    crop: side in pixels of the square in the middle of the image that is used. bn_momentum: that of batch norm, which
    follows every layer but the output; None for no batch norm. local_response_norm: whether there is one after the
    first pooling and one before the second, as published. Dropout acts on the dense layers.
    """

    def __init__(
        self,
        *,
        crop: int,
        widths: tuple[int, int],
        num_classes: int,
        dropout: float,
        bn_momentum: float | None,
        local_response_norm: bool,
    ) -> None:
        first, second = widths
        pooled = -(-crop // 4)  # each pooling halves, rounding up
        respond = [LocalResponseNorm(CHANNELS)] if local_response_norm else []
        super().__init__(
            CentreCrop(crop),
            StandardizedImages(),
            *_hidden(nn.Conv2d(3, CHANNELS, 5, padding=2), bn_momentum),
            nn.MaxPool2d(3, stride=2, padding=1),
            *respond,
            *_hidden(nn.Conv2d(CHANNELS, CHANNELS, 5, padding=2), bn_momentum),
            *respond,
            nn.MaxPool2d(3, stride=2, padding=1),
            nn.Flatten(),
            *_hidden(nn.Linear(CHANNELS * pooled**2, first), bn_momentum, dropout),
            *_hidden(nn.Linear(first, second), bn_momentum, dropout),
            nn.Linear(second, num_classes),
        )

    def weighted_layers(self) -> list[nn.Conv2d | nn.Linear]:
        """The five layers with weights, in order."""
        return [layer for layer in self if isinstance(layer, nn.Conv2d | nn.Linear)]


class LocalResponseNorm(nn.Module):
    """x / (1 + 0.001 · mean of x² over nine neighbouring channels)^0.75 (Krizhevsky et al. 2012, section 3.3).

    Channels outside the range count as zeros. torch's own module uses three-dimensional pooling, whose gradient
    on CUDA is not deterministic. This one uses a convolution, whose gradient is deterministic.
    """

    def __init__(self, num_channels: int) -> None:
        super().__init__()
        channels = torch.arange(num_channels)
        near = (channels[:, None] - channels).abs() <= 4
        self.register_buffer("neighbours", near.float()[:, :, None, None] / 9, persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """The normalised inputs, of the same shape."""
        means = conv2d(inputs.square(), self.neighbours)  # type: ignore[arg-type]
        return inputs / (1 + 0.001 * means).pow(0.75)


def _hidden(layer: nn.Conv2d | nn.Linear, bn_momentum: float | None, dropout: float = 0.0) -> list[nn.Module]:
    modules: list[nn.Module] = [layer]
    if bn_momentum is not None:
        is_dense = isinstance(layer, nn.Linear)
        width, norm = len(layer.weight), nn.BatchNorm1d if is_dense else nn.BatchNorm2d
        modules.append(norm(width, momentum=bn_momentum))
    modules.append(nn.ReLU())
    if dropout > 0:
        modules.append(nn.Dropout(dropout))
    return modules
