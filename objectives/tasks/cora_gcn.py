"""cora_gcn: a graph convolutional network that classifies papers by field, from their words and their citations.

Published: ten runs of 200 epochs. Each run drew a new split, but the model was kept. So later runs are tested on nodes
on which earlier runs were trained: test accuracy rises from .769 to .883. Our results: docs/tasks.md.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from objectives.classification import ClassificationTask
from objectives.errors import ParametersError
from objectives.parameters.bounds import check_at_least
from objectives.parameters.training import TrainingParameters
from objectives.published import Published, Variant
from objectives.rows.rows import Rows, Splits
from objectives.training_run import TrainingRun

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from objectives.training.loop import Run

_PUBLISHED_TEST_ACCURACY = (0.769, 0.803, 0.853, 0.876, 0.860, 0.855, 0.885, 0.858, 0.894, 0.883)


@dataclass(frozen=True)
class CoraGcnParameters(TrainingParameters):
    """The parameters, which can be searched or fixed. Their defaults work well.

    batch_size: labelled nodes per step; each step computes the whole graph. hidden_width: units of each hidden layer;
    dropout and batch norm act on all hidden layers, batch norm over all nodes.
    graph_convolutions, dense_layers: see `GraphNetwork`.
    feature_scaling: `row` (the features of a paper sum to 1) or `raw` (0 and 1).
    graph_setting: `transductive` (the test nodes are in the graph, without labels) or `inductive` (they and their
        edges are added only for the test).
    runs, reinitialise: as published, the rounds are divided among several runs. Each run draws a new split, and has a
        new model (reinitialise) or that of the run before. This needs all labels, so it works only with the published
        rows.
    """

    learning_rate: float = 0.01
    batch_size: int = 140
    hidden_width: int = 64
    dropout: float = 0.5
    batch_norm: bool = False
    weight_decay: float = 5e-4
    graph_convolutions: int = 2
    dense_layers: int = 0
    feature_scaling: Literal["row", "raw"] = "row"
    graph_setting: Literal["transductive", "inductive"] = "transductive"
    runs: int = 1
    reinitialise: bool = True

    def __post_init__(self) -> None:
        """Raises ValueError for values outside their bounds."""
        super().__post_init__()
        check_at_least(self, graph_convolutions=1, dense_layers=0, runs=1)


class CoraGcn(ClassificationTask):
    """A graph convolutional network on Cora."""

    name = "cora_gcn"
    chance_score = 818 / 2708  # share of the largest class
    rounds = 200
    data_sets = ("cora",)
    Parameters = CoraGcnParameters
    needs_rows = True  # because of the graph
    evaluation_rows = 3000  # all nodes at once: each pass through the graph gives the scores of all
    published = Published(
        parameters={
            "learning_rate": 0.01,
            "batch_size": 140,
            "hidden_width": 128,
            "dropout": 0.5,
            "batch_norm": False,
            "optimizer": "adam",
            "weight_decay": 0.0,
            "dense_layers": 1,
            "feature_scaling": "raw",
            "runs": 10,
            "reinitialise": False,
        },
        rounds=2000,
        figures={"test_accuracy": 0.854, "test_accuracy_deviation": 0.039},
        note="mean and standard deviation of ten runs of 200 epochs, each on its own split, with the model of the run "
        "before; the publication does not name width, dropout and optimiser",
        curve={
            200 * run: {"valid_score": accuracy} for run, accuracy in enumerate(_PUBLISHED_TEST_ACCURACY, 1)
        },
        variants={
            "fresh": Variant({"reinitialise": True}, "a new model for each run, so test nodes do not leak")
        },
    )

    def load(self, data: str, data_root: Path) -> Splits:
        """140 training and 500 validation nodes, with the graph."""
        from objectives.datasets.cora import load_cora

        return load_cora(data_root)

    def load_test(self, data: str, data_root: Path) -> Rows:
        """The test nodes, with the whole graph."""
        from objectives.datasets.cora import load_cora_test

        return load_cora_test(data_root)

    def load_published(self, data: str, data_root: Path) -> Splits:
        """The training nodes, and the test nodes for validation, with the labels of all nodes, to draw new splits."""
        from objectives.datasets.cora import load_cora_published

        return load_cora_published(data_root)

    def has_data(self, data: str, data_root: Path) -> bool:
        """Whether the files are present."""
        from objectives.datasets.cora import is_present

        return is_present(data_root)

    def prepare(self, rows: Rows, parameters: CoraGcnParameters) -> Rows:
        """Rows whose graph has a normalised adjacency and scaled features, without unseen nodes if `inductive`."""
        import torch

        from objectives.rows.graphs import GraphRows

        if not isinstance(rows, GraphRows):  # an example to build from, without its graph
            return rows
        seen = rows.to(torch.device("cpu"))  # sums are in the same order for every device
        if parameters.graph_setting == "inductive":
            seen = seen.without_unseen()
        graph = seen.graph.normalised()
        if parameters.feature_scaling == "row":
            graph = graph.with_features_of_sum_one()
        return dataclasses.replace(seen, graph=graph).to(rows.inputs.device)

    def build(self, parameters: CoraGcnParameters, example: Rows) -> nn.Module:
        """A network 1,433-H-7, or with as many layers as `parameters` say."""
        from objectives.datasets.cora import CLASSES, FEATURES
        from objectives.models.graph_network import GraphNetwork

        return GraphNetwork(
            FEATURES,
            CLASSES,
            width=parameters.hidden_width,
            convolutions=parameters.graph_convolutions,
            dense_layers=parameters.dense_layers,
            dropout=parameters.dropout,
            bn_momentum=parameters.bn_momentum if parameters.batch_norm else None,
        )

    def forward(self, model: nn.Module, batch: Rows) -> Tensor:
        """Class scores of the batch's nodes. The model gets node numbers and the graph."""
        outputs: Tensor = model(batch.inputs, batch.graph)  # type: ignore[attr-defined]
        return outputs

    def start(
        self,
        parameters: CoraGcnParameters,
        splits: Splits,
        *,
        rounds: int,
        seed: int,
        device: torch.device,
    ) -> TrainingRun | None:
        """None for one run of the shared loop; else several runs, each on a split drawn from the seed and its number.

        Raises ParametersError if the rounds can't be divided equally among the runs, or if the rows lack the labels of
        some nodes, as in a search.
        """
        from objectives.datasets.cora import redrawn
        from objectives.seeding import derive_seed
        from objectives.training.loop import Run
        from objectives.training.repeated_run import RepeatedRun

        if parameters.runs == 1:
            return None
        if rounds % parameters.runs:
            raise ParametersError(
                f"runs: {rounds} rounds can't be divided into {parameters.runs} runs of equal length."
            )

        def begin(number: int) -> Run:
            drawn = redrawn(splits, derive_seed(seed, "split", number))
            length = rounds // parameters.runs
            return Run(
                self, parameters, drawn, rounds=length, seed=derive_seed(seed, "run", number), device=device
            )

        return RepeatedRun(begin, parameters.runs, keep=not parameters.reinitialise)
