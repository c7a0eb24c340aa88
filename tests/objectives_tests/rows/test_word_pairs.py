"""Words drawn as noise: by their frequency to the power 3/4, and never the one they are to be told from."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from objectives.rows.word_pairs import WordPairs, noise_weights


def rows(contexts: torch.Tensor, counts: list[int]) -> WordPairs:
    inputs = torch.stack([torch.zeros_like(contexts), contexts], dim=1).to(torch.int32)
    return WordPairs(
        inputs, torch.ones(len(contexts), dtype=torch.int64), noise_weights(torch.tensor(counts))
    )


@given(counts=st.lists(st.integers(1, 10**6), min_size=2, max_size=8), seed=st.integers(0, 100))
@settings(max_examples=60, deadline=None)
def test_a_drawn_word_is_known_and_never_the_true_one(counts: list[int], seed: int) -> None:
    contexts = torch.arange(200) % len(counts)
    drawn = rows(contexts, counts).draw(20, torch.Generator().manual_seed(seed))
    assert drawn.shape == (200, 20)
    assert drawn.dtype == torch.int32
    assert 0 <= drawn.min() <= drawn.max() < len(counts)
    assert not (drawn == contexts[:, None]).any()


def test_words_are_drawn_by_their_frequency_to_the_power_three_quarters() -> None:
    counts = [10_000, 1000, 100, 10]
    drawn = rows(torch.full((20_000,), 1), counts).draw(20, torch.Generator().manual_seed(1))
    weights = torch.tensor([1000.0, 0, 31.62, 5.62])
    torch.testing.assert_close(
        drawn.flatten().bincount() / drawn.numel(), weights / weights.sum(), rtol=0.05, atol=0
    )


def test_without_a_generator_the_global_one_decides() -> None:
    pairs = rows(torch.arange(50) % 5, [5, 4, 3, 2, 1])
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(pairs.draw(3))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_some_of_the_rows_keep_the_noise() -> None:
    pairs = rows(torch.arange(5), [5, 4, 3, 2, 1])
    some = pairs[1:3].with_words(torch.tensor([[7], [8]])).to(torch.device("cpu"))
    assert some.inputs.tolist() == [[0, 1, 7], [0, 2, 8]]
    assert torch.equal(some.noise, pairs.noise)
