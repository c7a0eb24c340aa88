"""cora_gcn: a graph convolutional network that tells the field of a paper from its words and its citations.

Published: ten runs of 200 epochs, the split drawn anew for each but the model kept, so that later runs are tested on
nodes that earlier ones were trained on: test accuracy rises from .769 to .883. Ours stand in docs/tasks.md.
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

    batch_size: labelled nodes a step; the whole graph is passed through for each. hidden_width: units of each hidden
    layer; dropout and batch norm act on all of them, batch norm over all nodes.
    graph_convolutions, dense_layers: see `GraphNetwork`.
    feature_scaling: `row` (a paper's words sum to 1) or `raw` (0 and 1).
    graph_setting: `transductive` (the test nodes are in the graph, without labels) or `inductive` (they and their
        edges come only when they are tested).
    runs, reinitialise: as published, rounds are divided among several runs, with a split drawn anew for each and with
        a fresh model or that of the run before. Needs all labels, so that only the published rows allow for it.
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
    chance_score = 818 / 2708  # of the largest class
    rounds = 200
    data_sets = ("cora",)
    Parameters = CoraGcnParameters
    needs_rows = True  # for the graph
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
        note="mean and deviation of ten runs of 200 epochs, each on a split of its own, the model kept between them; "
        "width, dropout and optimiser were not given with the figures",
        curve={
            200 * run: {"valid_score": accuracy} for run, accuracy in enumerate(_PUBLISHED_TEST_ACCURACY, 1)
        },
        variants={"fresh": Variant({"reinitialise": True}, "a fresh model each run: no leak, and no rise")},
    )

    def load(self, data: str, data_root: Path) -> Splits:
        """140 training and 500 validation nodes, with the graph."""
        from objectives.datasets.cora import load_cora

        return load_cora(data_root)

    def load_test(self, data: str, data_root: Path) -> Rows:
        """The sealed nodes, with the whole graph."""
        from objectives.datasets.cora import load_cora_test

        return load_cora_test(data_root)

    def load_published(self, data: str, data_root: Path) -> Splits:
        """The test nodes stand for validation, and the labels of all nodes go along, to draw splits anew."""
        from objectives.datasets.cora import load_cora_published

        return load_cora_published(data_root)

    def has_data(self, data: str, data_root: Path) -> bool:
        """Whether the files are present."""
        from objectives.datasets.cora import is_present

        return is_present(data_root)

    def prepare(self, rows: Rows, parameters: CoraGcnParameters) -> Rows:
        """Rows whose graph has a normalised adjacency, scaled features, and only the nodes that may be seen."""
        import torch

        from objectives.rows.graphs import GraphRows

        if not isinstance(rows, GraphRows):  # an example to build from, without its graph
            return rows
        seen = rows.to(torch.device("cpu"))  # sums in the same order, whatever the device
        if parameters.graph_setting == "inductive":
            seen = seen.without_unseen()
        graph = seen.graph.normalised()
        if parameters.feature_scaling == "row":
            graph = graph.with_features_of_sum_one()
        return dataclasses.replace(seen, graph=graph).to(rows.inputs.device)

    def build(self, parameters: CoraGcnParameters, example: Rows) -> nn.Module:
        """1,433-H-7, or as many layers as parameters say."""
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
        """Class scores of the batch's nodes; the model takes node numbers and the graph."""
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
        """One run, or several on splits drawn anew (from the seed and the run's number).

        Raises ParametersError where rounds can't be divided among several, or the rows lack the labels of all nodes,
        as those of a search do.
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
