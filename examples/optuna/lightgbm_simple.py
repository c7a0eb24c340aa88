"""Optuna's example of a LightGBM objective, written anew: the accuracy of a classifier on held-out rows."""

import lightgbm as lgb
import optuna
import sklearn.datasets
import sklearn.metrics
from sklearn.model_selection import train_test_split


def objective(trial):
    inputs, targets = sklearn.datasets.load_breast_cancer(return_X_y=True)
    train_inputs, valid_inputs, train_targets, valid_targets = train_test_split(
        inputs, targets, test_size=0.25, random_state=0
    )
    param = {
        "objective": "binary",
        "metric": "binary_logloss",
        "verbosity": -1,
        "boosting_type": "gbdt",
        "lambda_l1": trial.suggest_float("lambda_l1", 1e-8, 10.0, log=True),
        "lambda_l2": trial.suggest_float("lambda_l2", 1e-8, 10.0, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 2, 256),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.4, 1.0),
        "bagging_fraction": trial.suggest_float("bagging_fraction", 0.4, 1.0),
        "bagging_freq": trial.suggest_int("bagging_freq", 1, 7),
        "min_child_samples": trial.suggest_int("min_child_samples", 5, 100),
    }
    booster = lgb.train(param, lgb.Dataset(train_inputs, label=train_targets), num_boost_round=20)
    labels = (booster.predict(valid_inputs) > 0.5).astype(int)
    return sklearn.metrics.accuracy_score(valid_targets, labels)


if __name__ == "__main__":
    study = optuna.create_study(direction="maximize")
    study.optimize(objective, n_trials=100)
    print("Best trial:", study.best_trial.value, study.best_trial.params)
