"""Fixtures that every test may use: a home of its own, the toy task, the data root."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sweeps import RunSettings, StudySettings
from sweeps.launching import Watcher
from sweeps.sweep import Result, launch
from tests.postgres import Server, reason_for_none, serving

HERE = Path(__file__).parent
TOY = f"{HERE / 'toy.py'}:Toy"
TOY_SPACE = HERE / "toy_space.yaml"


@pytest.hookimpl(trylast=True)  # once tests are deselected
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that start Ray first, the longest before the others, two for each long file that doesn't.

    They take minutes, and wait as much as they compute; at the end, short files keep all processes busy.
    """
    few_but_long = ("test_simulation.py", "test_data_parallel.py", "test_contributing.py", "test_readers.py")
    by_file: dict[Path, list[pytest.Item]] = {}
    for item in items:
        by_file.setdefault(item.path, []).append(item)
    starts = {
        path: sum(item.get_closest_marker("ray") is not None for item in by_file[path]) for path in by_file
    }
    order = sorted((path for path in by_file if starts[path]), key=lambda path: -starts[path])
    others = sorted(
        (path for path in by_file if not starts[path]),
        key=lambda path: (path.name not in few_but_long, -len(by_file[path])),
    )
    for place, path in enumerate(others):
        order.insert(3 * place + 2, path)
    items[:] = [item for path in order for item in by_file[path]]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home for studies that no other test sees; SWEEP_DATA_DIR is kept for tests on real data."""
    monkeypatch.setenv("SWEEP_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SWEEP_STORAGE", raising=False)
    return tmp_path / "home"


@pytest.fixture(autouse=True, scope="session")
def migrations_read_once() -> Iterator[None]:
    """Optuna executes its migration files three times for each new database: half the time of a toy study."""
    from optuna.storages._rdb.storage import _VersionManager

    read, scripts = _VersionManager._create_alembic_script, []

    def read_once(manager: _VersionManager) -> Any:
        scripts[:] = scripts or [read(manager)]
        return scripts[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_VersionManager, "_create_alembic_script", read_once)
        yield


def missing(part: str, reason: str) -> None:
    """Skip for want of a part, unless SWEEP_TEST_REQUIRE names it: then its absence is a failure."""
    if part in os.environ.get("SWEEP_TEST_REQUIRE", "").split(","):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A running PostgreSQL."""
    if reason := reason_for_none():
        missing("postgres", reason)
    with serving() as running:
        yield running


@pytest.fixture
def mortal_server() -> Iterator[Server]:
    """A PostgreSQL that may be killed; it starts again by itself."""
    if reason := reason_for_none(our_own=True):
        missing("postgres", reason)
    with serving(our_own=True) as running:
        yield running


@pytest.fixture(scope="session")
def decoded() -> Iterator[Path]:
    """Where rows of real images are kept for the tests that follow, and no longer: they are hundreds of MB."""
    with tempfile.TemporaryDirectory(prefix="decoded-") as folder:
        yield Path(folder)


@pytest.fixture
def data_root(decoded: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the real data sets lie; tests on them skip where there are none."""
    if "SWEEP_CACHE_DIR" not in os.environ:
        monkeypatch.setenv("SWEEP_CACHE_DIR", str(decoded))
    given = os.environ.get("SWEEP_DATA_DIR")
    if not given or not (Path(given) / "mnist").is_dir():
        pytest.skip("needs the real data sets: set SWEEP_DATA_DIR")
    return Path(given)


ToyLauncher = Callable[..., Result]


@pytest.fixture
def launch_toy() -> ToyLauncher:
    """Launches the toy in this process; keyword arguments go to the settings that have them."""

    def launch_it(
        *overrides: str,
        study: str | None = None,
        storage: str | None = None,
        watcher: Watcher | None = None,
        **options: Any,
    ) -> Result:
        of_study = {
            name: options.pop(name) for name in list(options) if name in StudySettings.__dataclass_fields__
        }
        settings = StudySettings(**{"task": TOY, "space": TOY_SPACE, **of_study}, overrides=overrides)
        run = RunSettings(**{"runner": "inline", "num_trials": 8, **options})
        return launch(settings, run, study=study, storage=storage, watcher=watcher)

    return launch_it
