"""The stop rules in a plain Optuna study, and their agreement with the service's."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest

from sweeps.diagnosis.curve_files.reading import read_curves
from sweeps.diagnosis.report import diagnose_file
from sweeps.pruning.pruner import OverfittingPruner, report_round
from sweeps.trial.verdict import Stop
from tests.sweeps_tests.pruning.drawn import BUDGET, CURVES, Drawn
from tests.sweeps_tests.pruning.test_drawn_curves import curve_of, halt_of, metric_of


def optimise(drawn: Drawn, storage: str | None = None) -> tuple[optuna.Study, Stop | None]:
    """A study of one trial that reports a drawn curve and leaves where it is pruned; and why it was."""
    pruner = OverfittingPruner(BUDGET, valid_rows=drawn.valid_rows, chance=0.1, score_name="accuracy")
    study = optuna.create_study(direction="maximize", pruner=pruner, storage=storage)
    columns = drawn.columns()
    stops: list[Stop | None] = [None]

    def objective(trial: optuna.Trial) -> float:
        best = 0.0
        for step in range(drawn.rounds):
            figures = {name: values[step] for name, values in columns.items()}
            report_round(trial, step + 1, **figures)
            best = max(best, figures["valid_score"])
            if trial.should_prune():
                stops.append(pruner.verdict(study, trial))
                break
        return best

    study.optimize(objective, n_trials=1)
    return study, stops[-1]


@pytest.mark.parametrize("drawn", CURVES, ids=lambda drawn: drawn.name)
def test_a_plain_study_has_the_verdicts_of_the_service(drawn: Drawn) -> None:
    _, stop = optimise(drawn)
    assert stop == halt_of(curve_of(drawn), metric_of(drawn))


def test_rounds_survive_a_database_infinite_ones_too(tmp_path: Path) -> None:
    infinite = next(drawn for drawn in CURVES if drawn.name == "infinite")
    study, stop = optimise(infinite, f"sqlite:///{tmp_path}/s.db")
    assert stop is not None
    assert (stop.reason, stop.round) == ("diverged", 11)
    assert len(study.trials[0].intermediate_values) == 11


def test_a_loss_alone_is_enough() -> None:
    pruner = OverfittingPruner(40)
    study = optuna.create_study(direction="minimize", pruner=pruner)
    trial = study.ask()
    pruned_at = None
    for step in range(40):
        report_round(trial, step, train_loss=1 / (step + 1), valid_loss=0.5 + 0.001 * (step - 8) ** 2)
        if trial.should_prune():
            pruned_at = step
            break
    assert pruned_at is not None
    assert 14 <= pruned_at <= 24
    assert study.trials[0].intermediate_values[8] == pytest.approx(0.5)


def test_what_is_not_reported_as_a_round_is_refused() -> None:
    study = optuna.create_study(pruner=OverfittingPruner(10))
    trial = study.ask()
    trial.report(0.5, 1)
    with pytest.raises(ValueError, match=r"report rounds with sweeps\.report_round"):
        trial.should_prune()
    with pytest.raises(ValueError, match="Give valid_loss or valid_score"):
        report_round(trial, 1, learning_rate=0.1)
    with pytest.raises(ValueError, match=r"lr is not a signal\. The signals are running_loss"):
        report_round(trial, 1, train_loss=1.0, valid_loss=1.0, lr=0.1)
    with pytest.raises(ValueError, match="total_rounds is 0"):
        OverfittingPruner(0)


def pruned_at(
    pruner: OverfittingPruner, direction: str, steps: range, **columns: Callable[[int], float]
) -> int | None:
    """The step at which a trial that reports these figures is pruned."""
    study = optuna.create_study(direction=direction, pruner=pruner)
    trial = study.ask()
    for step in steps:
        report_round(trial, step, **{name: draw(step) for name, draw in columns.items()})
        if trial.should_prune():
            return step
    return None


def test_reporting_every_fifth_epoch_works() -> None:
    found = pruned_at(
        OverfittingPruner(200),
        "minimize",
        range(4, 200, 5),
        train_loss=lambda r: math.exp(-r / 40),
        valid_loss=lambda r: 0.5 + 0.00004 * (r - 40) ** 2 + 0.3 * math.exp(-r / 10),
    )
    assert found is not None
    assert 64 <= found <= 120


@pytest.mark.parametrize("name", ["valid_loss", "valid_score"])
def test_a_validation_figure_alone_is_judged(name: str) -> None:
    turning = {
        "valid_loss": lambda r: 0.5 + 0.001 * abs(r - 8),
        "valid_score": lambda r: 0.9 - 0.002 * abs(r - 8),
    }
    direction = "minimize" if name == "valid_loss" else "maximize"
    found = pruned_at(OverfittingPruner(40), direction, range(40), **{name: turning[name]})
    assert found is not None
    assert 12 <= found <= 24


def test_what_a_study_reported_is_diagnosed_from_its_database(tmp_path: Path) -> None:
    optimise(next(drawn for drawn in CURVES if drawn.name == "overfits"), f"sqlite:///{tmp_path}/s.db")
    for name in (f"sqlite:///{tmp_path}/s.db", tmp_path / "s.db"):
        (found,) = diagnose_file(read_curves(name, chance=0.1), total_rounds=BUDGET)
        assert found.diagnosis.label == "overfitting"
        assert found.named.curve.numbers[0] == 1
