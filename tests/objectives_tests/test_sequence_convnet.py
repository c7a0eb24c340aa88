"""The 1-D convnet on MNIST-1D: what a point is labelled depends on the point alone, unless the flaw is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from objectives.datasets.mnist1d import load_mnist1d, load_mnist1d_test
from objectives.evaluation import evaluate, evaluation_mode
from objectives.label_changes import changed_share
from objectives.loop import train
from objectives.registry import get_task
from tests.objectives_tests.small_data import small_splits, start

TASK = get_task("sequence_convnet")


def test_the_data_are_made_without_touching_numpys_generator() -> None:
    np.random.seed(5)
    before = repr(np.random.get_state())
    splits, test = load_mnist1d(), load_mnist1d_test()
    assert repr(np.random.get_state()) == before
    assert [len(rows) for rows in (splits.train, splits.valid, test)] == [3400, 600, 1000]
    assert splits.train.inputs.shape[1:] == (40,)
    assert splits.digest == load_mnist1d().digest
    seen = {row.numpy().tobytes() for rows in (splits.train, splits.valid) for row in rows.inputs}
    assert not seen & {row.numpy().tobytes() for row in test.inputs}


def test_labels_change_with_the_company_only_as_published() -> None:
    rows = small_splits(TASK).valid
    shares = {}
    for statistics in ("running", "batch"):
        run = start(TASK, rounds=2, evaluation_statistics=statistics)
        list(train(run))
        shares[statistics] = changed_share(TASK, run.model, rows, batch_size=3, seed=1)
    assert shares["running"] == 0.0
    assert shares["batch"] > 0.0


def test_evaluation_is_bit_equal_when_repeated_and_close_for_other_batches() -> None:
    run = start(TASK, rounds=2)
    list(train(run))
    rows = small_splits(TASK).valid
    once = evaluate(TASK, run.model, rows, run.parameters)
    assert evaluate(TASK, run.model, rows, run.parameters) == once
    with torch.no_grad(), evaluation_mode(run.model):
        together = run.model(rows.inputs)
        alone = torch.cat([run.model(rows.inputs[k : k + 1]) for k in range(len(rows))])
    torch.testing.assert_close(together, alone)


def test_the_published_flaw_has_no_running_statistics_to_save() -> None:
    flawed, sound = (
        start(TASK, evaluation_statistics=how).model.state_dict() for how in ("batch", "running")
    )
    assert not [name for name in flawed if "running" in name]
    assert len([name for name in sound if "running" in name]) == 6


def test_load_test_goes_by_the_task() -> None:
    assert len(TASK.load_test("mnist1d", Path())) == 1000
