"""Configurations that are added by hand: kept in their order, of their study, each with the trial that it became."""

from __future__ import annotations

import getpass

from storage import Database
from storage.additions import read_additions, record_addition, request_addition
from tests.storage_tests.conftest import make_study


def test_additions_are_read_in_the_order_in_which_they_were_asked_for(database: Database) -> None:
    study = make_study(database, "ours").study_id
    points = [{"rate": 0.5}, {"rate": 1e-300, "name": "é"}, {"flag": True, "none": None}]
    for point in points:
        request_addition(database, study, point)
    found = read_additions(database, study)
    assert [each.point for each in found] == points
    assert {each.number for each in found} == {None}
    assert all(each.asked_by.startswith(f"{getpass.getuser()}@") for each in found)


def test_an_addition_is_of_its_study_only(database: Database) -> None:
    ours, other = (make_study(database, name).study_id for name in ("ours", "other"))
    request_addition(database, ours, {"rate": 0.5})
    assert read_additions(database, other) == []


def test_the_number_of_a_trial_is_recorded_with_it_or_not_at_all(database: Database) -> None:
    study = make_study(database, "ours").study_id
    for rate in (0.5, 0.25):
        request_addition(database, study, {"rate": rate})
    first, second = read_additions(database, study)
    with database.engine.begin() as connection:
        record_addition(connection, first.id, 7)
    with database.engine.connect() as connection:  # rolled back, as when the insertion of the trial fails
        record_addition(connection, second.id, 8)
    assert [each.number for each in read_additions(database, study)] == [7, None]
