"""A small study from Python: launch it, look at it, load its best model."""

from __future__ import annotations

import objectives
import sweeps


def main() -> None:
    changes = {"optimizer": "adam"}
    result = sweeps.launch(
        "mnist_mlp", data="mnist-5k", rounds=3, overrides=changes, num_trials=3, runner="inline"
    )
    study = result.study

    best = study.best()
    print(f"{study.name}: trial {best.number} reached {best.value:.3f}")
    print(study.trials()[["trial", "value", "best_round", "stop_reason", "params_learning_rate"]])
    print(study.rounds()[["trial", "index", "train_loss", "valid_loss", "valid_score"]].tail(3))

    model = objectives.load_model(study.best_path)
    print(f"{sum(weight.numel() for weight in model.parameters()):,} weights, ready for evaluation")


if __name__ == "__main__":
    main()
