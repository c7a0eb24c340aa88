"""Three convolutions on sequences: what its parameters mean."""

from __future__ import annotations

from torch import nn

from tests.objectives_tests.small_data import start


def layers(**values: object) -> list[str]:
    return [type(layer).__name__ for layer in start("sequence_convnet", **values).model]


def test_batch_norm_and_dropout_stand_where_they_are_switched_on() -> None:
    plain = ["Conv1d", "ReLU"] * 3
    normed = ["Conv1d", "BatchNorm1d", "ReLU"] * 3
    assert layers(batch_norm=False, dropout=0.0) == ["Unflatten", *plain, "Flatten", "Linear"]
    assert layers(batch_norm=True, dropout=0.3) == ["Unflatten", *normed, "Flatten", "Dropout", "Linear"]


def test_hidden_width_is_the_number_of_channels() -> None:
    convolutions = [
        layer for layer in start("sequence_convnet", hidden_width=9).model if isinstance(layer, nn.Conv1d)
    ]
    assert [layer.out_channels for layer in convolutions] == [9, 9, 9]


def test_running_statistics_are_kept_only_where_they_are_used() -> None:
    for statistics in ("running", "batch"):
        run = start("sequence_convnet", evaluation_statistics=statistics, batch_norm=True, bn_momentum=0.3)
        norms = [layer for layer in run.model if isinstance(layer, nn.BatchNorm1d)]
        assert {layer.momentum for layer in norms} == {0.3}
        assert all((layer.running_mean is not None) == (statistics == "running") for layer in norms)
