"""Makes the figures of a round from the values that gradient boosting evaluates on its data sets."""

from __future__ import annotations

from collections.abc import Mapping

_TRAIN = ("train", "training")


def boosting_figures(latest: Mapping[tuple[str, str], float], metric: str) -> dict[str, float]:
    """All values under the names `DATA-NAME`, and also the training metric and the losses under a Round's names.

    latest: the value of each data set and evaluation. The training rows are the data set called `train` or `training`.
    The loss is the first evaluation of both data sets whose name is a loss's (`…loss`, `rmse`, `mae`, `l1`, `l2`, …).
    Without one, overfitting is judged by the metric alone.
    """
    figures = {f"{data}-{name}": value for (data, name), value in latest.items()}
    valid, _, wanted = metric.partition("-")
    train = next((data for data in _TRAIN if any(data == each for each, _ in latest)), None)
    if train is None or train == valid:
        return figures
    if (train, wanted) in latest:
        figures[f"train_{metric}"] = latest[train, wanted]
    for name in (name for data, name in latest if data == valid):
        if (train, name) in latest and _is_loss(name):
            return {**figures, "valid_loss": latest[valid, name], "train_loss": latest[train, name]}
    return figures


def _is_loss(name: str) -> bool:
    return name.endswith(("loss", "entropy", "deviance")) or name in (
        "rmse",
        "rmsle",
        "mae",
        "mape",
        "l1",
        "l2",
        "huber",
        "poisson",
        "quantile",
    )
