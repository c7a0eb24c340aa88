"""text8_skipgram: word vectors from neighbouring words, by skip-gram with negative sampling.

Published: one table for targets and contexts, dot product, sigmoid, RMSprop, one random pair per step: the loss stays
about 0.7 through 119,900 steps. Our results with mini-batches over all pairs: docs/tasks.md.
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from objectives.parameters.bounds import check_at_least
from objectives.parameters.training import OptimizerName, TrainingParameters
from objectives.published import Published, Variant
from objectives.rows.rows import Rows, Splits
from objectives.task import Task

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

RANKED = 64  # words in a ranking: the true one and 63 random ones
_ALL_PAIRS = {"batch_size": 1024, "shown": "both", "pairs_per_round": 200_000}


@dataclass(frozen=True)
class Text8SkipgramParameters(TrainingParameters):
    """The parameters, which can be searched or fixed. Their defaults work well.

    batch_size: pairs per step. hidden_width: dimension of the vectors; dropout and batch norm act on them.
    shared_table: whether a word has the same vector as target and as context.
    output_bias: whether to learn a number that is added to each dot product.
    negatives: number of random words for each pair. They are drawn in each step, by their frequency to the power 3/4.
    shown: `both` (each row of a step has the true word and the random ones) or `either` (it has one word: the true one
        with probability 1 / (1 + negatives), else a random one; the expected loss is the same).
    pairs_per_round: if there are more pairs, a round has only so many, and the next round continues the pass.
    """

    learning_rate: float = 3e-3
    batch_size: int = 1024
    hidden_width: int = 128
    dropout: float = 0.0
    batch_norm: bool = False
    optimizer: OptimizerName = "rmsprop"
    shared_table: bool = True
    output_bias: bool = True
    negatives: int = 5
    shown: Literal["both", "either"] = "both"
    pairs_per_round: int = 200_000

    def __post_init__(self) -> None:
        """Raises ValueError for values outside their bounds."""
        super().__post_init__()
        check_at_least(self, negatives=1, pairs_per_round=1)


class Text8Skipgram(Task):
    """Skip-gram with negative sampling.

    The score is the reciprocal rank of the true word among itself and 63 random words, which are the same in every
    evaluation. The loss in evaluation weights these words so that it estimates the training loss.
    """

    name = "text8_skipgram"
    metric = "reciprocal rank"
    chance_score = sum(1 / rank for rank in range(1, RANKED + 1)) / RANKED  # if all ranks are equally likely
    rounds = 20
    data_sets = ("text8", "text")
    Parameters = Text8SkipgramParameters
    needs_rows = True  # because of the noise distribution
    published = Published(
        parameters={
            "learning_rate": 1e-3,
            "batch_size": 1,
            "hidden_width": 32,
            "dropout": 0.0,
            "batch_norm": False,
            "optimizer": "rmsprop",
            "shared_table": True,
            "output_bias": False,
            "negatives": 1,
            "shown": "either",
            "pairs_per_round": 5995,
        },
        rounds=20,
        figures={"loss": 0.7, "least_loss": 0.11, "largest_loss": 0.83},
        note="some losses from 119,900 steps on one random pair each; the publication does not name the width",
        variants={
            "all_pairs": Variant(
                _ALL_PAIRS, "the proposed cure: all pairs, several times over, in mini-batches", rounds=50
            ),
            "two_tables": Variant(
                {**_ALL_PAIRS, "shared_table": False},
                "with separate vectors for contexts; it shows that the shared table keeps the loss high",
                rounds=50,
            ),
        },
    )

    def load(self, data: str, data_root: Path) -> Splits:
        """Pairs of `text8` or `text`: inputs int32 (pairs, 2), targets 1."""
        from objectives.datasets.text import load_text

        return load_text(data, data_root)

    def load_test(self, data: str, data_root: Path) -> Rows:
        """The test pairs."""
        from objectives.datasets.text import load_text_test

        return load_text_test(data, data_root)

    def fold(self, splits: Splits, fold: int, num_folds: int) -> Splits:
        """Raises DataError: two neighbouring words make two pairs, and folds would put these into different splits."""
        from objectives.errors import DataError

        raise DataError(
            f"{self.name} can't be cross-validated: its word pairs overlap, so validation pairs would also occur in "
            "training. Repeat the training with several seeds instead."
        )

    def has_data(self, data: str, data_root: Path) -> bool:
        """Whether the text is present."""
        from objectives.datasets.text import is_present

        return is_present(data, data_root)

    def prepare_evaluation(self, rows: Rows, parameters: Text8SkipgramParameters) -> Rows:
        """Rows with 63 more words each, among which the true word is ranked."""
        import torch

        from objectives.rows.word_pairs import WordPairs
        from objectives.seeding import derive_seed

        assert isinstance(rows, WordPairs)
        generator = torch.Generator().manual_seed(derive_seed(self.name, "ranked"))
        return rows.with_words(rows.to(torch.device("cpu")).draw(RANKED - 1, generator))

    def augment(self, batch: Rows, parameters: Text8SkipgramParameters) -> Rows:
        """A batch with newly drawn random words, from which the model must distinguish the true ones."""
        import torch

        from objectives.rows.word_pairs import WordPairs

        assert isinstance(batch, WordPairs)
        drawn = batch.draw(parameters.negatives)
        if parameters.shown == "both":
            return batch.with_words(drawn)
        is_true = torch.rand(len(batch), device=drawn.device) < 1 / (1 + parameters.negatives)
        shown = torch.where(is_true, batch.inputs[:, 1], drawn[:, 0])
        inputs = torch.stack([batch.inputs[:, 0], shown], dim=1)
        return dataclasses.replace(batch, inputs=inputs, targets=is_true.to(batch.targets.dtype))

    def build(self, parameters: Text8SkipgramParameters, example: Rows) -> nn.Module:
        """A model of 10,000 vectors, or of twice as many without `shared_table`."""
        from objectives.datasets.text import VOCABULARY
        from objectives.models.skip_gram import SkipGram

        return SkipGram(
            VOCABULARY,
            parameters.hidden_width,
            shared_table=parameters.shared_table,
            output_bias=parameters.output_bias,
            dropout=parameters.dropout,
            bn_momentum=parameters.bn_momentum if parameters.batch_norm else None,
        )

    def losses(self, outputs: Tensor, targets: Tensor, parameters: Text8SkipgramParameters) -> Tensor:
        """Binary cross-entropy: the mean over the true word and `negatives` random ones.

        If a row has another number of random words, as in evaluation, their mean is weighted as `negatives` words.
        """
        from torch.nn.functional import binary_cross_entropy_with_logits, softplus

        first = binary_cross_entropy_with_logits(outputs[:, 0], targets.to(outputs.dtype), reduction="none")
        if outputs.shape[1] == 1:
            return first
        drawn = softplus(outputs[:, 1:]).mean(dim=1)  # cross-entropy of the label 0
        return (first + parameters.negatives * drawn) / (1 + parameters.negatives)

    def scores(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """1 / rank of the first word. If words have equal outputs, this is the mean over all their orders.

        So a model with equal outputs for all words gets the chance score. If its outputs are NaN, it gets the lowest.
        """
        first, others = outputs[:, :1], outputs[:, 1:]
        ties = (others == first).sum(dim=1)
        last = 1 + others.shape[1] - (others < first).sum(dim=1)  # its worst possible rank
        up_to = _reciprocals_up_to(outputs.device)
        return (up_to[last] - up_to[last - ties - 1]) / (ties + 1)

    def steps_per_round(self, parameters: Text8SkipgramParameters, num_train: int) -> int:
        """The number of steps in a pass, or in `pairs_per_round` pairs if that is less."""
        return super().steps_per_round(parameters, min(num_train, parameters.pairs_per_round))


@functools.cache
def _reciprocals_up_to(device: torch.device) -> Tensor:
    """The sums of 1 / rank over the first k ranks, for k from 0 to all, float64.

    They are computed once, on the CPU, because a cumulative sum on a GPU is not deterministic, and because a recorded
    step can't wait for the CPU.
    """
    import torch

    reciprocals = 1 / torch.arange(1, RANKED + 1, dtype=torch.float64)
    return torch.cat([reciprocals.new_zeros(1), reciprocals.cumsum(0)]).to(device)
