"""`sweep diagnose`: of a study, and of a file of curves from anywhere."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from sweeps.pruning.learning_curve import LOSSES, SCORES, SIGNALS
from tests.sweeps_tests.conftest import Refusal, Sweep
from tests.sweeps_tests.pruning.drawn import CURVES, Drawn

KEYS = ["trial", "label", "best_round", "halt_round", "reason", "evidence", "advice"]
SAMPLE = [
    "overfits",
    "still improving",
    "infinite",
    "collapses while both losses fall",
    "batch norm's statistics lag",
]
FEW = "trial,round,train_loss,valid_loss\na,1,1.0,1.1\na,2,0.9,1.0\nb,1,1.0,1.1\n"


def write_drawn(path: Path, names: list[str], first_round: int = 1) -> dict[str, Drawn]:
    """The drawn curves of those names as a file, a row a round."""
    drawn = {each.name: each for each in CURVES if each.name in names}
    assert list(drawn) == [each.name for each in CURVES if each.name in names]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["trial", "round", *LOSSES, *SCORES, *SIGNALS], restval="")
        writer.writeheader()
        for name, each in drawn.items():
            columns = each.columns()
            for row in range(each.rounds):
                figures = {column: values[row] for column, values in columns.items()}
                writer.writerow({"trial": name, "round": row + first_round, **figures})
    return drawn


def diagnosed(sweep: Sweep, *words: str | Path) -> dict[str, Any]:
    rows = json.loads(sweep("diagnose", *words, "-f", "json").out)
    assert all(list(row)[: len(KEYS)] == KEYS for row in rows)
    return {row["trial"]: row for row in rows}


@pytest.mark.parametrize("first_round", [0, 1])
def test_a_file_of_curves_is_diagnosed(sweep: Sweep, tmp_path: Path, first_round: int) -> None:
    drawn = write_drawn(tmp_path / "curves.csv", SAMPLE, first_round)
    found = diagnosed(sweep, "--curves", tmp_path / "curves.csv", "--valid-rows", "10000", "--chance", "0.1")
    assert {name: row["label"] for name, row in found.items()} == {
        name: each.label for name, each in drawn.items()
    }
    for name, each in drawn.items():
        row = found[name]
        if each.halted is None:
            assert row["halt_round"] is row["reason"] is None
        else:
            assert each.halted[0] <= row["halt_round"] + 1 - first_round <= each.halted[1]
            assert row["reason"] == (each.reason or each.label)
    assert found["overfits"]["best_round"] == 12 + first_round  # the thirteenth round
    assert found["overfits"]["saved"] == 50 - (found["overfits"]["halt_round"] + 1 - first_round)


def test_pictures_are_drawn(sweep: Sweep, tmp_path: Path) -> None:
    write_drawn(tmp_path / "curves.csv", SAMPLE)
    sweep("diagnose", "--curves", tmp_path / "curves.csv", "--plot", tmp_path / "pictures")
    pictures = sorted((tmp_path / "pictures").iterdir())
    assert len(pictures) == len(SAMPLE)
    assert all(each.read_bytes().startswith(b"\x89PNG") for each in pictures)
    assert any(each.name.startswith("batch_norm_s_statistics_lag-") for each in pictures)


def test_a_table_ends_with_the_knobs_to_turn(sweep: Sweep, tmp_path: Path) -> None:
    write_drawn(tmp_path / "curves.csv", SAMPLE)
    said = sweep("diagnose", "--curves", tmp_path / "curves.csv")
    assert "overfitting" in said.out
    assert "trial overfits: More dropout" in said.err
    assert "batch norm's statistics lag: Raise bn_momentum" in said.err


def test_pictures_have_names_of_their_own_whatever_the_trials_are_called(
    sweep: Sweep, tmp_path: Path
) -> None:
    rows = [
        f"{name},{k},{1 / (k + 1)},{1 / (k + 1)}"
        for name in ("a/b", "a_b", "lr=$x_$", "n" * 300)
        for k in (0, 1)
    ]
    (tmp_path / "curves.csv").write_text("\n".join(["trial,round,train_loss,valid_loss", *rows]))
    sweep("diagnose", "--curves", tmp_path / "curves.csv", "--plot", tmp_path / "pictures")
    assert len(list((tmp_path / "pictures").iterdir())) == 4


def test_a_folder_that_can_not_be_written_is_told(sweep: Sweep, tmp_path: Path) -> None:
    write_drawn(tmp_path / "curves.csv", SAMPLE[:1])
    below = tmp_path / "curves.csv" / "below"
    said = sweep("diagnose", "--curves", tmp_path / "curves.csv", "--plot", below, code=2)
    assert "can't be written (Not a directory)" in said.err


def test_a_compressed_file_without_scores_goes_by_its_losses(sweep: Sweep, tmp_path: Path) -> None:
    path = tmp_path / "losses.csv.gz"
    rows = [
        f"r{run},{k},{1 / (k + 1)},{0.5 + run * 0.002 * (k - 8) ** 2}" for run in (0, 1) for k in range(40)
    ]
    path.write_bytes(gzip.compress("\n".join(["trial,round,train_loss,valid_loss", *rows]).encode()))
    found = diagnosed(sweep, "--curves", path)
    assert found["r1"]["label"] == found["r1"]["reason"] == "overfitting"
    assert found["r1"]["best_round"] == 8
    assert found["r0"]["label"] != "overfitting"


def test_a_rule_relative_to_the_study_takes_the_trials_in_order(sweep: Sweep, tmp_path: Path) -> None:
    names = ["converged", "still improving", "bounces"]
    write_drawn(tmp_path / "curves.csv", names)
    found = diagnosed(sweep, "--curves", tmp_path / "curves.csv", "--rule", "eager", "--chance", "0.1")
    assert found["bounces"]["reason"] == "inferior"
    assert "halt_round" in found["converged"]


def test_total_rounds_are_what_the_curves_were_meant_to_have(sweep: Sweep, tmp_path: Path) -> None:
    write_drawn(tmp_path / "curves.csv", ["overfits", "still improving"])
    short = diagnosed(sweep, "--curves", tmp_path / "curves.csv")
    long = diagnosed(sweep, "--curves", tmp_path / "curves.csv", "--total-rounds", "80")
    assert short["overfits"]["halt_round"] < long["overfits"]["halt_round"]
    assert short["still improving"]["label"] == "unfinished"
    assert long["still improving"]["label"] == "healthy"


def test_a_study_is_diagnosed_as_it_was_halted(sweep: Sweep, launch: Sweep) -> None:
    launch("-n", "3", "--study", "s", "behaviour=overfits")
    found = diagnosed(sweep, "s")
    trials = {str(row["trial"]): row for row in json.loads(sweep("trials", "s", "-f", "json").out)}
    assert list(found) == ["0", "1", "2"]
    for name, row in found.items():
        assert row["reason"] == trials[name]["stop_reason"] == "overfitting"
        assert row["halt_round"] == trials[name]["rounds"]
        assert row["saved"] == 10 - row["halt_round"]
    assert list(diagnosed(sweep, "s", "1")) == ["1"]


BAD = {
    "an empty file": ("", ": is empty. Its first line names the columns: round, valid_loss"),
    "no rounds": ("trial,round,train_loss,valid_loss\n", ": contains no round."),
    "no validation figure": (
        "trial,round,train_loss,loss_on_held_out\na,1,1,1\n",
        ": holds no validation loss and no validation score (training figures: train_loss)",
    ),
    "a column twice": (
        "trial,round,train_loss,train_loss,valid_loss\na,1,1,1,1\n",
        ":1: column 'train_loss' occurs twice",
    ),
    "a round twice": (FEW + "a,2,1,1\n", ":5: trial a: round 2 occurs twice."),
    "rounds out of order": (FEW + "a,1,1,1\n", ":5: trial a: round 1 is out of order."),
    "text among the numbers": (FEW + "b,2,low,1\n", ":5: train_loss: 'low' is not a number."),
    "a trial without a name": (FEW + ",2,1,1\n", ":5: trial is empty."),
    "a short line": (FEW + "b,2,1\n", ":5: this line has "),
    "a long line": (FEW + "b,2,1,1,1\n", ":5: this line has "),
    "an open quote": (FEW + 'b,2,"1,1\n', ": not a CSV file: unexpected end of data."),
}


@pytest.mark.parametrize("name", BAD)
def test_a_damaged_file_is_told_with_its_line(refused: Refusal, tmp_path: Path, name: str) -> None:
    text, message = BAD[name]
    path = tmp_path / "bad.csv"
    path.write_text(text)
    assert f"{path}{message}" in refused("diagnose", "--curves", path)


def test_what_is_no_text_or_not_there_is_told(refused: Refusal, tmp_path: Path) -> None:
    assert "can't be read" in refused("diagnose", "--curves", tmp_path / "nothing.csv")
    (tmp_path / "noise.csv").write_bytes(bytes(range(128, 256)))
    assert "noise.csv" in refused("diagnose", "--curves", tmp_path / "noise.csv")
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(FEW.encode())[:30])
    assert "can't be read" in refused("diagnose", "--curves", tmp_path / "cut.csv.gz")


def test_options_that_do_not_go_together_are_refused(refused: Refusal, launch: Sweep, tmp_path: Path) -> None:
    launch("-n", "1", "--study", "s")
    path = tmp_path / "few.csv"
    path.write_text(FEW)
    assert "Give the name of a study, or a file of curves" in refused("diagnose")
    assert "Give the name of a study, or a file of curves" in refused("diagnose", "s", "--curves", path)
    assert "--chance can only be used with --curves" in refused("diagnose", "s", "--chance", "0.1")
    assert "--total-rounds 1 is too small: the longest curve has 2 rounds" in refused(
        "diagnose", "--curves", path, "--total-rounds", "1"
    )
    assert "--rule onest: unknown; did you mean 'onset'?" in refused("diagnose", "s", "--rule", "onest")
    assert "Remove the number of the trial" in refused("diagnose", "s", "0", "--rule", "study")
    assert "There is no study 'frist'" in refused("diagnose", "frist")
