"""Rows that are pairs of words, with the noise distribution for negative sampling."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
from torch import Tensor

from objectives.rows.rows import Rows

NOISE_POWER = 0.75  # a word's weight is its count to this power (Mikolov et al. 2013, section 2.2)
_NOISE_UNITS = (
    1000  # weights are integers, so that drawing is exact; this is the weight of a word that occurs once
)


@dataclass(frozen=True)
class WordPairs(Rows):
    """`inputs` (rows, 2 or more) are word numbers: the target, a word of its context, then words drawn as noise.

    `targets` is 1 if the second word is from the context, 0 if it was drawn as noise, too. noise: cumulative weights of
    the words, int64, (vocabulary,).
    """

    noise: Tensor

    def __getitem__(self, index: Tensor | slice) -> WordPairs:
        return dataclasses.replace(self, inputs=self.inputs[index], targets=self.targets[index])

    def to(self, device: torch.device) -> WordPairs:
        """The same rows on `device`."""
        return WordPairs(self.inputs.to(device), self.targets.to(device), self.noise.to(device))

    def with_words(self, words: Tensor) -> WordPairs:
        """The same rows with `words` (rows, num) added after each pair."""
        return dataclasses.replace(self, inputs=torch.cat([self.inputs, words.to(self.inputs.device)], dim=1))

    def draw(self, num: int, generator: torch.Generator | None = None) -> Tensor:
        """Words drawn from the noise distribution: `num` for each row, but never the context word of that row.

        Without `generator`, torch's global generator of the device is used.
        """
        context = self.inputs[:, 1:2].long()
        upper = self.noise[context]
        weight = upper - torch.where(context > 0, self.noise[context - 1], 0)
        shape, device = (len(self), num), self.noise.device
        uniform = torch.rand(shape, dtype=torch.float64, device=device, generator=generator)
        place = (uniform * (self.noise[-1] - weight)).long()  # among all words except the context word
        place = torch.where(place >= upper - weight, place + weight, place)
        return torch.searchsorted(self.noise, place, right=True).to(self.inputs.dtype)


def noise_weights(counts: Tensor) -> Tensor:
    """Cumulative weights of words that occur `counts` times, each at least once: unigram counts to the power 3/4."""
    return (counts.double().pow(NOISE_POWER) * _NOISE_UNITS).round().long().cumsum(0)
