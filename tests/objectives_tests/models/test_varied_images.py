"""Images on their way into a model: what varies in training, and what does not."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from objectives.models.cifar_net import LocalResponseNorm
from objectives.models.varied_images import (
    CentreCrop,
    NormalizedImages,
    StandardizedImages,
    jittered,
    random_crops,
    random_flips,
    random_shifts,
)


@pytest.fixture
def images() -> Tensor:
    """Bytes, shape (200, 3, 12, 12), each of whose pixels tells its place."""
    places = torch.arange(144).view(12, 12)
    return places.expand(200, 3, 12, 12).to(torch.uint8)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(3)


def test_a_crop_is_a_square_of_the_image_from_anywhere(images: Tensor) -> None:
    crops = random_crops(images, 9)
    corners = crops[:, :, 0, 0].long()
    assert torch.equal(crops.long() - corners[..., None, None], images[:, :, :9, :9].long())
    assert set(corners[:, 0].tolist()) == {12 * top + left for top in range(4) for left in range(4)}


def test_half_of_the_images_are_mirrored(images: Tensor) -> None:
    flipped = random_flips(images)
    mirrored = (flipped == images.flip(-1)).flatten(1).all(1)
    untouched = (flipped == images).flatten(1).all(1)
    assert torch.equal(mirrored, ~untouched)
    assert 70 < mirrored.sum() < 130


def test_jitter_varies_brightness_and_contrast_within_bounds(images: Tensor) -> None:
    varied, pixels = jittered(images, 1.0), images.float()
    brightness = (varied - pixels).mean(dim=(2, 3))
    contrast = varied.std(dim=(2, 3)) / pixels.std(dim=(2, 3))
    for found, low, high in ((brightness, -63, 63), (contrast, 0.2, 1.8)):
        assert low - 1e-3 <= found.min() < low + 0.1 * (high - low)
        assert high + 1e-3 >= found.max() > high - 0.1 * (high - low)
    assert torch.allclose(jittered(images, 0.0), pixels)


def test_the_centre_is_cut_out_once(images: Tensor) -> None:
    cropped = CentreCrop(9)(images)
    assert torch.equal(cropped, images[:, :, 1:10, 1:10])
    assert CentreCrop(9)(cropped).equal(cropped)


def test_shifts_are_as_far_as_allowed_in_each_direction_and_edges_fill_up() -> None:
    image = torch.arange(1, 26).view(1, 1, 5, 5).float()
    padded = nn.functional.pad(image, [2] * 4, mode="replicate")
    places = {
        (row, column): padded[..., row : row + 5, column : column + 5]
        for row in range(5)
        for column in range(5)
    }
    moved = random_shifts(image.expand(400, 1, 5, 5), 2)
    found = {place for place, square in places.items() if (moved == square).flatten(1).all(dim=1).any()}
    assert found == places.keys()
    assert all(any(torch.equal(each[None], square) for square in places.values()) for each in moved)
    assert torch.equal(random_shifts(image, 0), image)


def test_images_are_standardised_each_by_itself(images: Tensor) -> None:
    alone = StandardizedImages()(images[:1])
    together = StandardizedImages()(torch.cat([images[:1], 0 * images[:1] + 7]))
    assert alone.mean().item() == pytest.approx(0, abs=1e-6)
    assert alone.square().mean().item() == pytest.approx(1)
    assert torch.equal(together[:1], alone)
    assert not together[1].any()  # of a single colour
    assert torch.equal(StandardizedImages()(images[:1].float()), alone)


def test_bytes_are_normalised_on_the_scale_of_one(images: Tensor) -> None:
    found = NormalizedImages((0.5, 0.4, 0.3), (0.2, 0.25, 0.5))(images)
    expected = (images / 255.0 - torch.tensor([0.5, 0.4, 0.3]).view(3, 1, 1)) / torch.tensor(
        [0.2, 0.25, 0.5]
    ).view(3, 1, 1)
    assert torch.allclose(found, expected, atol=1e-6)


def test_local_response_norm_is_torchs() -> None:
    inputs = 30 * torch.randn(2, 20, 5, 5)
    expected = nn.LocalResponseNorm(9, alpha=0.001, beta=0.75, k=1.0)(inputs)
    assert torch.allclose(LocalResponseNorm(20)(inputs), expected, rtol=1e-5)
