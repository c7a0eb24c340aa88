"""Random changes of training images, and layers that crop and scale images inside a model.

Rows stay bytes, shape (rows, channels, height, width), so a data set is never copied as floats. The first layers of a
model take bytes, or floats on the same scale (0 to 255). So a model takes images as they are stored.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class CentreCrop(nn.Module):
    """Crops the middle `size` by `size` pixels. Images of that size are not changed."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, images: Tensor) -> Tensor:
        """The cropped images, shape (rows, channels, size, size)."""
        top, left = ((side - self.size) // 2 for side in images.shape[-2:])
        return images[..., top : top + self.size, left : left + self.size]


class StandardizedImages(nn.Module):
    """Scales each image to mean 0 and variance 1 over its pixels. An image of one colour becomes zeros."""

    def forward(self, images: Tensor) -> Tensor:
        """The scaled images, float32, of the same shape."""
        pixels = images.float()
        num = pixels[0].numel()
        mean = pixels.mean(dim=(1, 2, 3), keepdim=True)
        deviation = pixels.std(dim=(1, 2, 3), correction=0, keepdim=True)
        return (pixels - mean) / deviation.clamp(min=num**-0.5)  # or else noise is amplified


class NormalizedImages(nn.Module):
    """Subtracts a fixed mean from each channel and divides by a fixed deviation; both on the scale 0 to 1."""

    def __init__(self, mean: Sequence[float], deviation: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", 255 * torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer("deviation", 255 * torch.tensor(deviation).view(-1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """The scaled images, float32, of the same shape."""
        return (images.float() - self.mean) / self.deviation  # type: ignore[operator]


def random_crops(images: Tensor, size: int) -> Tensor:
    """A random square of `size` pixels from each image; all positions are equally likely."""
    tops, lefts = (
        torch.randint(0, side - size + 1, (len(images), 1), device=images.device)
        for side in images.shape[-2:]
    )
    pixels = torch.arange(size, device=images.device)
    rows = torch.arange(len(images), device=images.device)[:, None, None]
    cropped = images[rows, :, (tops + pixels)[:, :, None], (lefts + pixels)[:, None, :]]
    return cropped.permute(0, 3, 1, 2).contiguous()


def random_shifts(images: Tensor, most: int) -> Tensor:
    """Each image, moved by a random number of pixels (at most `most`) along each axis. Its edge pixels fill the gap."""
    size = images.shape[-1]
    return random_crops(nn.functional.pad(images, [most] * 4, mode="replicate"), size)


def random_flips(images: Tensor) -> Tensor:
    """Each image flipped horizontally with probability 1/2."""
    flipped = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
    return torch.where(flipped, images.flip(-1), images)


def jittered(images: Tensor, strength: float) -> Tensor:
    """Images, float32, with random brightness and contrast. Values may lie outside 0 to 255.

    At strength 1, up to 63 is added or subtracted, and distances from each channel's mean are multiplied by 0.2 to 1.8.
    """
    brightness, contrast = (
        torch.rand(2, len(images), 1, 1, 1, device=images.device).mul_(2).sub_(1) * strength
    )
    pixels = images.float() + 63 * brightness
    mean = pixels.mean(dim=(2, 3), keepdim=True)
    varied: Tensor = mean + (pixels - mean) * (1 + 0.8 * contrast)
    return varied
