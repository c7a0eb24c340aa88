"""Skip-gram with negative sampling (Mikolov et al. 2013): the vector of a word predicts the words around it."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SkipGram(nn.Module):
    """Logits for a word to occur near another word: the dot product of their vectors.

    Batch norm and dropout, if switched on, act on the vectors. shared_table: whether a word has the same vector as
    target and as context. output_bias: whether to learn a number that is added to each product. Without that number, a
    shared table can't express that most words do not occur together.
    """

    def __init__(
        self,
        num_words: int,
        width: int,
        *,
        shared_table: bool,
        output_bias: bool,
        dropout: float,
        bn_momentum: float | None,
    ) -> None:
        super().__init__()
        self.target = _Vectors(num_words, width, dropout, bn_momentum)
        self.context = None if shared_table else _Vectors(num_words, width, dropout, bn_momentum)
        self.bias = nn.Parameter(torch.zeros(1)) if output_bias else None

    def forward(self, words: Tensor) -> Tensor:
        """Logits, shape (rows, candidates), from word numbers, shape (rows, 1 + candidates), with the target first."""
        if self.context is None:
            vectors = self.target(words)
            target, candidates = vectors[:, 0], vectors[:, 1:]
        else:
            target, candidates = self.target(words[:, 0]), self.context(words[:, 1:])
        products: Tensor = (candidates @ target.unsqueeze(2)).squeeze(2)
        return products if self.bias is None else products + self.bias


class _Vectors(nn.Module):
    def __init__(self, num_words: int, width: int, dropout: float, bn_momentum: float | None) -> None:
        super().__init__()
        begin = (torch.rand(num_words, width) - 0.5) / width  # as word2vec's vectors do
        self.table = nn.Embedding.from_pretrained(begin, freeze=False)  # type: ignore[no-untyped-call]
        self.norm: nn.BatchNorm1d | None = None
        if bn_momentum is not None:
            self.norm = nn.BatchNorm1d(width, momentum=bn_momentum)
            nn.init.constant_(
                self.norm.weight, width**-0.5
            )  # batch norm then gives vectors of length 1, with products near 0, as without batch norm
        self.dropout = nn.Dropout(dropout)

    def forward(self, words: Tensor) -> Tensor:
        vectors: Tensor = self.table(words)
        if self.norm is not None:
            vectors = self.norm(vectors.flatten(0, -2)).view_as(vectors)
        vectors = self.dropout(vectors)
        return vectors
