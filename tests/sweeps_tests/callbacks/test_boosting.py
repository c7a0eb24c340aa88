"""XGBoost and LightGBM in a sweep: no torch, a trial that was cut off starts again."""

from __future__ import annotations

import pytest

import objectives
from sweeps.callbacks.boosting import boosting_figures
from tests.sweeps_tests.callbacks.conftest import Framework

DATA = """
    import numpy as np
    import sweeps

    INPUTS = np.random.default_rng(0).normal(size=(200, 4))
    TARGETS = INPUTS[:, 0] * INPUTS[:, 1] + 0.1 * INPUTS[:, 2]
"""
XGBOOST = """
    import xgboost
    from sweeps.callbacks import XGBoostCallback


    @sweeps.objective(space={"eta": sweeps.log(0.01, 0.5)}, metric="valid-rmse", direction="minimize", rounds=6)
    def train(trial):
        parts = [xgboost.DMatrix(INPUTS[rows], TARGETS[rows]) for rows in (slice(150), slice(150, 200))]
        settings = {"eta": trial.params["eta"], "subsample": 0.5, "seed": trial.seed % 2**31, "max_depth": 3}
        xgboost.train(
            settings, parts[0], 1000, evals=[(parts[0], "train"), (parts[1], "valid")], verbose_eval=False,
            callbacks=[XGBoostCallback(trial)],
        )


    @train.test
    def test(trial):
        booster = xgboost.Booster(model_file=bytearray(trial.restore()["model"]))
        fresh = np.random.default_rng(1).normal(size=(50, 4))
        return np.sqrt(np.mean((booster.predict(xgboost.DMatrix(fresh)) - fresh[:, 0] * fresh[:, 1]) ** 2))
"""
LIGHTGBM = """
    import lightgbm
    from sweeps.callbacks import LightGBMCallback


    @sweeps.objective(space={"eta": sweeps.log(0.01, 0.5)}, metric="valid-rmse", direction="minimize", rounds=6)
    def train(trial):
        settings = {
            "learning_rate": trial.params["eta"], "bagging_fraction": 0.5, "bagging_freq": 1, "verbosity": -1,
            "seed": trial.seed % 2**31, "objective": "regression", "metric": "rmse",
        }
        train_rows = lightgbm.Dataset(INPUTS[:150], TARGETS[:150])
        valid_rows = lightgbm.Dataset(INPUTS[150:], TARGETS[150:], reference=train_rows)
        lightgbm.train(
            settings, train_rows, 1000, valid_sets=[train_rows, valid_rows], valid_names=["train", "valid"],
            callbacks=[LightGBMCallback(trial)],
        )


    @train.test
    def test(trial):
        fresh = np.random.default_rng(1).normal(size=(50, 4))
        booster = lightgbm.Booster(model_str=trial.restore()["model"])
        return np.sqrt(np.mean((booster.predict(fresh) - fresh[:, 0] * fresh[:, 1]) ** 2))
"""


@pytest.fixture(params=[("xgboost", XGBOOST), ("lightgbm", LIGHTGBM)], ids=lambda case: case[0])
def code(request: pytest.FixtureRequest) -> str:
    request.module.LIBRARY, code = request.param
    return DATA + code


def test_from_launch_to_confirmation(code: str, framework: Framework) -> None:
    framework.write(code)
    framework.launch("own", "-n", "2")
    rounds = framework.rounds("own")
    assert len(rounds) == 6  # of a thousand trees: the halt was taken
    assert rounds[5]["train_loss"] == rounds[5]["train_score"] < rounds[0]["train_loss"]
    assert rounds[5]["valid_loss"] == rounds[5]["valid_score"]
    assert "Test valid-rmse of trial" in framework.is_confirmed("own")
    assert objectives.load_model(framework.best("own"))["model"]


def test_a_trial_that_was_cut_off_starts_again(code: str, framework: Framework) -> None:
    framework.write(code)
    framework.launch("whole", "-n", "2")
    framework.cut_off("cut", "-n", "2", after=3)
    assert framework.seen[:4] == [(0, 1), (0, 2), (0, 3), (0, 1)]
    assert framework.table("cut") == framework.table("whole")


def test_overfitting_is_judged_by_the_loss_that_both_data_sets_have() -> None:
    told = {
        ("train", "auc"): 0.9,
        ("train", "logloss"): 0.1,
        ("valid", "auc"): 0.8,
        ("valid", "logloss"): 0.3,
    }
    figures = boosting_figures(told, "valid-auc")
    assert (figures["valid_loss"], figures["train_loss"]) == (0.3, 0.1)
    assert figures["train_valid-auc"] == 0.9
    assert "valid_loss" not in boosting_figures({("valid", "logloss"): 0.3}, "valid-logloss")
