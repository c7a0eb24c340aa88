"""The table of a study, and what is best in it: decisions over plain rows."""

from __future__ import annotations

import pytest

from storage.outcomes import Outcome, ranking, reaches, table_of


def trials(*outcomes: str, numbers: list[int] | None = None) -> list[Outcome]:
    """`C.5` is COMPLETE with .5; P, F, R and W likewise."""
    states = {"C": "COMPLETE", "P": "PRUNED", "F": "FAIL", "R": "RUNNING", "W": "WAITING"}
    return [
        Outcome(100 + k, number, states[outcome[0]], float(outcome[1:]) if outcome[1:] else None)
        for k, (number, outcome) in enumerate(zip(numbers or range(len(outcomes)), outcomes, strict=True))
    ]


@pytest.mark.parametrize(
    ("outcomes", "length"),
    [
        ([], 0),
        (["C.5", "P.1", "F"], 3),
        (["C.5", "R", "C.9"], 1),
        (["C.5", "W", "C.9"], 1),
        (["R", "C.5"], 0),
        (["C.5", "C.6", "R"], 2),
    ],
)
def test_a_table_is_the_longest_run_of_finished_trials(outcomes: list[str], length: int) -> None:
    rows = trials(*outcomes)
    assert table_of(rows) == rows[:length]


def test_a_missing_number_ends_a_table() -> None:
    rows = trials("C.5", "C.6", "C.9", numbers=[0, 1, 3])
    assert table_of(rows) == rows[:2]
    assert table_of(rows[1:]) == []


@pytest.mark.parametrize(
    ("outcomes", "target", "direction", "length"),
    [
        (["C.5", "C.9", "C.8"], 0.8, "maximize", 2),
        (["C.5", "C.8", "C.9"], 0.8, "maximize", 2),
        (["C.5", "P.9", "C.8", "C1"], 0.8, "maximize", 3),
        (["C.5", "C.7"], 0.8, "maximize", 2),
        (["C.5", "C.2", "C.1"], 0.2, "minimize", 2),
        (["C.5", "R", "C.9"], 0.8, "maximize", 1),
        (["C.5", "F", "C.9"], 0.0, "maximize", 1),
    ],
)
def test_a_target_ends_a_table_with_the_first_that_reaches_it(
    outcomes: list[str], target: float, direction: str, length: int
) -> None:
    rows = trials(*outcomes)
    assert table_of(rows, target, direction) == rows[:length]


@pytest.mark.parametrize(
    ("outcome", "target", "direction", "does"),
    [
        ("C.5", 0.5, "maximize", True),
        ("C.5", 0.5, "minimize", True),
        ("C.5", 0.6, "maximize", False),
        ("C.5", 0.6, "minimize", True),
        ("C.5", 0.4, "minimize", False),
        ("P.9", 0.5, "maximize", False),
        ("R.9", 0.5, "maximize", False),
        ("C", 0.5, "minimize", False),
        ("Cnan", 0.5, "maximize", False),
        ("Cnan", 0.5, "minimize", False),
    ],
)
def test_only_a_completed_trial_reaches_a_target(
    outcome: str, target: float, direction: str, does: bool
) -> None:
    (row,) = trials(outcome)
    assert reaches(row, target, direction) is does


@pytest.mark.parametrize(
    ("outcomes", "direction", "order"),
    [
        (["C.5", "C.9", "C.7"], "maximize", [1, 2, 0]),
        (["C.5", "C.9", "C.7"], "minimize", [0, 2, 1]),
        (["C.7", "C.9", "C.9", "C.7"], "maximize", [1, 2, 0, 3]),
        (["C.7", "C.7", "C.5"], "minimize", [2, 0, 1]),
        (["C.5", "P.9", "F", "R", "W", "C"], "maximize", [0]),
        (["C-1", "C0", "Cinf", "C-inf"], "maximize", [2, 1, 0, 3]),
        (["P.5", "F"], "maximize", []),
        ([], "minimize", []),
    ],
)
def test_the_best_come_first_and_equals_by_number(
    outcomes: list[str], direction: str, order: list[int]
) -> None:
    rows = trials(*outcomes)
    assert [row.number for row in ranking(rows, direction)] == order
