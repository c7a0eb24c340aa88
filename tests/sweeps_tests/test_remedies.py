"""An error of a lower package gains, on the command line, what can be done about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from objectives import DataError
from storage.errors import LeaseLost, StorageUnavailable, StudyDeleted
from sweeps.errors import RunBroken
from sweeps.remedies import commands_for, continued_by, with_remedy
from tests.sweeps_tests.conftest import Refusal


def test_a_database_that_is_not_there_comes_with_what_makes_one(refused: Refusal, tmp_path: Path) -> None:
    said = refused("status", "--storage", f"sqlite:///{tmp_path}/none.db", code=1)
    assert (
        f"There is no database at {tmp_path}/none.db. `sweep launch` creates one; name another with --storage or "
        "SWEEP_STORAGE." in said
    )


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (LeaseLost("Taken over."), "Taken over. To see it: sweep status s --storage x"),
        (StudyDeleted("It was deleted."), "It was deleted."),
        (StorageUnavailable("No server."), "No server."),
        (DataError("Damaged."), "Damaged."),
    ],
)
def test_the_most_special_remedy_is_told_or_none(error: Exception, told: str) -> None:
    with pytest.raises(type(error)), commands_for("s", " --storage x"), continued_by("sweep resume s"):
        raise error
    assert with_remedy(error) == told


def test_the_command_of_the_outer_run_continues_it() -> None:
    error = RunBroken("Ray broke down.")
    with pytest.raises(RunBroken), continued_by("sweep confirm s"), continued_by("sweep resume s-confirm-1"):
        raise error
    assert with_remedy(error) == "Ray broke down. To continue: sweep confirm s"
