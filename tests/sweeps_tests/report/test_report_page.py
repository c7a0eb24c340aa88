"""The report in a real browser: wide and narrow, light and dark, printed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from sweeps import RunSettings, StudySettings, launch
from sweeps.report.page.html import page_of
from sweeps.report.study_report import study_report
from tests.conftest import TOY
from tests.sweeps_tests.browser import browsing, complaints, picture, printed, requests, show_as
from tests.sweeps_tests.report.test_study_report import SPACE

VIEWS = [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    (folder / "space.yaml").write_text(SPACE)
    settings = StudySettings(TOY, space=folder / "space.yaml", sampler="random", seed=3)
    run = RunSettings(runner="inline", num_trials=16, max_failures=99, out=str(folder / "out"))
    study = launch(settings, run, study="s", storage=f"sqlite:///{folder}/s.db").study
    (folder / "report.html").write_text(page_of(study_report(study)))
    return folder / "report.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with browsing(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), VIEWS, ids=[f"{w}-{s}" for w, s in VIEWS])
def test_it_fits_its_window_and_asks_for_nothing(
    page: Path, browser: Chrome, tmp_path: Path, width: int, scheme: str
) -> None:
    show_as(browser, width, scheme)
    requests(browser)
    browser.get(page.as_uri())
    assert browser.execute_script("return document.documentElement.scrollWidth") == width
    paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(15, 19, 24)")
    picture(browser, tmp_path / "report.png")
    assert {url for url in requests(browser) if not url.startswith("data:")} == {page.as_uri()}
    assert complaints(browser) == []


@pytest.mark.browser
def test_it_can_be_printed_from_a_dark_screen(page: Path, browser: Chrome, tmp_path: Path) -> None:
    show_as(browser, 1280, "dark")
    browser.get(page.as_uri())
    assert printed(browser, tmp_path / "report.pdf").startswith(b"%PDF")
