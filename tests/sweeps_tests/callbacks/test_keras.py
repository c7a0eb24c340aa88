"""A Keras model in a sweep."""

from __future__ import annotations

import pytest

import objectives
from tests.sweeps_tests.callbacks.conftest import Framework

LIBRARY = "keras"
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"
)  # Keras's own on torch
CODE = """
    import keras
    import numpy as np
    import sweeps
    from sweeps.callbacks import KerasCallback

    INPUTS = np.random.default_rng(0).normal(size=(96, 4))
    TARGETS = (INPUTS[:, 0] * INPUTS[:, 1] > 0).astype(int)


    @sweeps.objective(space={"lr": sweeps.log(1e-3, 1e-1)}, metric="val_accuracy", direction="maximize", rounds=4)
    def train(trial):
        layers = keras.layers.Dense(8, "relu"), keras.layers.Dropout(0.2), keras.layers.Dense(2, "softmax")
        model = keras.Sequential([keras.Input((4,)), *layers])
        optimizer = keras.optimizers.Adam(trial.params["lr"])
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
        callback = KerasCallback(trial)
        model.fit(
            INPUTS[:64], TARGETS[:64], batch_size=32, validation_data=(INPUTS[64:], TARGETS[64:]), verbose=0,
            epochs=1000, callbacks=[callback], initial_epoch=callback.initial_epoch,
        )
"""


@pytest.fixture(autouse=True)
def _on_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")


def test_from_launch_to_confirmation(framework: Framework) -> None:
    framework.write(CODE)
    framework.launch("own", "-n", "2")
    assert len(framework.rounds("own")) == 4  # of a thousand epochs: the halt was taken
    assert framework.rounds("own")[0]["train_loss"] > 0
    assert "There is no test split" in framework.is_confirmed("own")
    assert objectives.load_model(framework.best("own"))["weights"][0].shape == (4, 8)


def test_a_trial_that_was_cut_off_continues_exactly(framework: Framework) -> None:
    framework.write(CODE)
    framework.launch("whole", "-n", "2")
    framework.cut_off("cut", "-n", "2", after=3)
    assert framework.seen[:4] == [(0, 1), (0, 2), (0, 3), (0, 4)]
    assert framework.table("cut") == framework.table("whole")
