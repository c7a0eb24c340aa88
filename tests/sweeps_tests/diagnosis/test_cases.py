"""Small files, six of them real logs, that were once judged wrongly; each stands for a kind of fault."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from sweeps.diagnosis.curve_files.reading import read_curves
from sweeps.diagnosis.report import Diagnosed, diagnose_file

CASES = Path(__file__).with_name("cases")


def diagnosed(name: str, **how: Any) -> Diagnosed:
    (found,) = diagnose_file(read_curves(CASES / f"{name}.csv", **how))
    return found


def shifted(name: str, folder: Path, by: float) -> Path:
    """The same file with a constant added to both losses."""
    header, *rows = (CASES / f"{name}.csv").read_text().splitlines()
    places = [header.split(",").index(column) for column in ("train_loss", "valid_loss")]
    moved = []
    for row in rows:
        fields = row.split(",")
        for place in places:
            fields[place] = f"{float(fields[place]) + by:.6f}"
        moved.append(",".join(fields))
    path = folder / "shifted.csv"
    path.write_text("\n".join([header, *moved]))
    return path


UNFINISHED = [
    ("negdice", {}),
    ("inf", {}),
    ("inf_without", {}),
    ("mae_m", {"direction": "minimize", "chance": 0.009}),
    ("mae_mm", {"direction": "minimize", "chance": 9.0}),
    ("pct_noise", {"valid_rows": 10_000}),
    ("share_noise", {"valid_rows": 10_000}),
    ("a_accuracy_of_2000_rows", {}),
    ("c_late_training_loss", {}),
]


@pytest.mark.parametrize(("name", "how"), UNFINISHED, ids=[name for name, _ in UNFINISHED])
def test_what_still_improves_is_unfinished_and_not_halted(name: str, how: dict[str, Any]) -> None:
    found = diagnosed(name, **how)
    assert (found.diagnosis.label, found.stop) == ("unfinished", None)


@pytest.mark.parametrize("by", [1.0, -7.0, 1000.0])
def test_a_constant_added_to_negative_losses_changes_nothing(tmp_path: Path, by: float) -> None:
    (found,) = diagnose_file(read_curves(shifted("negdice", tmp_path, by)))
    assert (found.diagnosis.label, found.stop) == ("unfinished", None)


@pytest.mark.parametrize(
    ("name", "chance"), [("chance_pct", 10.0), ("chance_share", 0.1), ("chance_pct", math.nan)]
)
def test_noise_at_chance_is_no_learning_in_any_unit(name: str, chance: float) -> None:
    assert diagnosed(name, chance=chance).diagnosis.label == "not_learning"


def test_a_small_gain_is_no_reason_for_more_rounds() -> None:
    assert diagnosed("tiny_gain").diagnosis.label in ("plateau", "healthy")
    assert diagnosed("b_small_gain").diagnosis.label == "plateau"


def test_one_infinite_validation_loss_is_no_divergence() -> None:
    found = diagnosed("d_one_infinite_loss")
    assert found.diagnosis.label != "diverged"
    assert found.stop is None or found.stop.round > 62  # its best round


def test_a_score_with_its_best_at_the_turn_is_not_overconfident() -> None:
    assert diagnosed("e_turn_and_best_in_one_round").diagnosis.label in ("plateau", "healthy")


def test_one_spike_is_no_overfitting() -> None:
    found = diagnosed("f_one_spike")
    assert found.diagnosis.label != "overfitting"
    assert found.stop is None or found.stop.reason != "overfitting"
