"""Two kinds: 300 rounds, scored by an error rate; and rounds of fifty steps, scored by a perplexity."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from sklearn.datasets import make_classification
from torch import Tensor, nn

from benchmarks.kinds.dense import dense
from benchmarks.kinds.digits import cross_entropy
from benchmarks.kinds.kind import Configuration, Kind, Problem, Score, mean_score

CONTEXT = 8  # letters, from which the next letter is predicted
LETTERS = "abcdefghijklmnopqrstuvwxyz "
TRAIN_LETTERS, VALID_LETTERS = 4_000, 1_500


def clusters(seed: int, root: Path) -> Problem:
    """Four classes in twenty dimensions, with 200 training rows; a tenth of the labels is wrong. Chance error: 3/4."""
    inputs, labels = make_classification(
        600, n_features=20, n_informative=8, n_classes=4, class_sep=1.2, flip_y=0.1, random_state=seed
    )
    rows = torch.tensor(inputs, dtype=torch.float32) / 2, torch.tensor(labels)
    return Problem((rows[0][:200], rows[1][:200]), (rows[0][200:], rows[1][200:]), 0.75)


def letters(seed: int, root: Path) -> Problem:
    """A part of the text `text`. The chance score is the perplexity of a model that knows only letter frequencies."""
    (path,) = sorted((root / "text").glob("*.txt"))[:1]
    known = path.read_text().lower()
    positions = [LETTERS.index(each) for each in " ".join(known.split()) if each in LETTERS]
    text = torch.tensor(positions)
    length = TRAIN_LETTERS + VALID_LETTERS
    first = int(torch.randint(len(text) - length, (1,), generator=torch.Generator().manual_seed(seed)))
    stretch = text[first : first + length]
    train, valid = _windows(stretch[:TRAIN_LETTERS]), _windows(stretch[TRAIN_LETTERS:])
    counts = torch.bincount(train[1], minlength=len(LETTERS)) + 1.0
    chance = math.exp(-torch.log(counts / counts.sum())[valid[1]].mean().item())
    return Problem(train, valid, chance)


def _windows(text: Tensor) -> tuple[Tensor, Tensor]:
    windows = text.unfold(0, CONTEXT + 1, 1)
    return windows[:, :-1].contiguous(), windows[:, -1].contiguous()


def _four_classes(problem: Problem, configuration: Configuration) -> nn.Module:
    return dense(20, 4, configuration)


def _next_letter(problem: Problem, configuration: Configuration) -> nn.Module:
    """A dense network on the embedding vectors of the context's letters (Bengio et al. 2003)."""
    return nn.Sequential(
        nn.Embedding(len(LETTERS), 12), nn.Flatten(1), dense(12 * CONTEXT, len(LETTERS), configuration)
    )


def _error_rate(output: Tensor, target: Tensor) -> Score:
    return mean_score((output.argmax(dim=1) != target).float())


def _perplexity(output: Tensor, target: Tensor) -> Score:
    loss = mean_score(cross_entropy(output, target))
    perplexity = math.exp(min(loss.value, 300.0))
    return Score(perplexity, perplexity * loss.error)


KINDS = [
    Kind(
        "three_hundred",
        300,
        "error",
        "minimize",
        clusters,
        _four_classes,
        cross_entropy,
        _error_rate,
        num_valid=400,
        worst=1.0,
    ),
    Kind(
        "letters_in_steps",
        60,
        "perplexity",
        "minimize",
        letters,
        _next_letter,
        cross_entropy,
        _perplexity,
        steps=50,
        running=True,
        num_valid=VALID_LETTERS - CONTEXT,
        best=1.0,
        is_logarithmic=True,
    ),
]
