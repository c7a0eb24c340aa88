"""What is asked of a driver from outside."""

from __future__ import annotations

import pytest

from storage import Database, open_database
from storage.requests import clear_requests, pending_stop, request_stop


@pytest.mark.parametrize(("now", "kind"), [(False, "stop"), (True, "stop-now")])
def test_a_request_reaches_another_connection(database: Database, url: str, now: bool, kind: str) -> None:
    driver = open_database(url)
    assert pending_stop(driver, 1) is None
    request_stop(database, 1, now=now)
    assert pending_stop(driver, 1) == kind
    driver.close()


def test_the_latest_request_counts(database: Database) -> None:
    request_stop(database, 1, now=False)
    request_stop(database, 1, now=True)
    assert pending_stop(database, 1) == "stop-now"


def test_a_request_is_of_one_study_and_may_be_forgotten(database: Database) -> None:
    for study in (1, 2):
        request_stop(database, study, now=False)
    with database.engine.begin() as connection:
        clear_requests(connection, 1)
        clear_requests(connection, 3)
    assert (pending_stop(database, 1), pending_stop(database, 2)) == (None, "stop")
