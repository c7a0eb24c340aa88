"""The benchmark's long study has exactly the rows that a launched one has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from benchmarks.long_study import extend, launch
from search_spaces.points import with_fixed
from storage.trials import read_sampler_attributes
from sweeps.samplers.visible_trials import Proposal
from sweeps.study.stored_study import Study

MOMENTS = {"datetime_start", "datetime_complete", "created", "run", "provenance"}


def everything(study: Study) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, but for when they were written, and for the counters, which are raised when next used."""
    known = sqlalchemy.MetaData()
    known.reflect(study.database.engine)
    with study.database.engine.connect() as connection:
        return {
            name: [
                {key: value for key, value in row.items() if key not in MOMENTS}
                for row in connection.execute(table.select()).mappings()
            ]
            for name, table in known.tables.items()
            if name != "sweep_counters"
        }


def proposals_of(study: Study) -> list[Proposal]:
    noted = read_sampler_attributes(study.database, study.row.study_id)
    return [
        Proposal(with_fixed(study.spec.space, trial.params), noted.get(trial.trial_id, {}))
        for trial in study.all_trials()
    ]


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
def test_a_study_put_in_by_bulk_has_the_rows_of_a_launched_one(tmp_path: Path) -> None:
    launched = launch(17, storage=f"sqlite:///{tmp_path}/launched.db")
    built = launch(1, storage=f"sqlite:///{tmp_path}/built.db")
    extend(built, proposals_of(launched)[1:])
    expected = everything(launched)
    assert len(expected["trial_system_attributes"]) == 4
    assert everything(built) == expected
