"""The dashboard's page in a real browser, as a person uses it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import element_to_be_clickable
from selenium.webdriver.support.ui import WebDriverWait

from sweeps.report.dashboard.notes import own_note
from tests.sweeps_tests.browser import browsing, complaints
from tests.sweeps_tests.cli.dashboards import NUM_ROUNDS, NUM_TRIALS, Served


@dataclass(frozen=True)
class Page:
    """A browser that looks at one dashboard."""

    driver: Chrome
    served: Served

    def open(self, path: str) -> None:
        self.driver.get(self.served.url + path)

    def find(self, selector: str, number: int = 1) -> list[WebElement]:
        """The elements, once there are so many."""
        self.wait(lambda _: len(self._all(selector)) == number, f"{number} {selector}")
        return self._all(selector)

    def wait_for(self, *texts: str) -> None:
        """Until all of them can be read."""
        self.wait(lambda _: all(text in self._all("body")[0].text for text in texts), str(texts))

    def click(self, label: str) -> None:
        """Press the button of that name."""
        self.wait(
            element_to_be_clickable((By.XPATH, f"//button[normalize-space()='{label}']")), label
        ).click()

    def wait(self, condition: Callable[[Any], Any], what: str) -> Any:
        return WebDriverWait(self.driver, 60, 0.1).until(condition, what)

    def _all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)


@pytest.fixture(scope="module")
def page(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browsing(tmp_path_factory.mktemp("chromium")) as browser:
        yield Page(browser, served)


@pytest.mark.browser
def test_a_person_finds_the_study_in_the_list(page: Page) -> None:
    page.open("/")
    best = page.served.study.best().value
    page.wait_for(f"1. curves ({NUM_TRIALS} of {NUM_TRIALS} trials, best accuracy {best:.4g})")
    page.wait_for("Direction: MAXIMIZE")


DRAWN = {
    "#plot-history .scatterlayer .points path": NUM_TRIALS,
    "#plot-history .scatterlayer .js-line": 1,  # the best so far
    "#graph-intermediate-values .scatterlayer .js-line": NUM_TRIALS,
    "#graph-intermediate-values .scatterlayer .points path": NUM_TRIALS * NUM_ROUNDS,
    "#graph-timeline .bars .point": NUM_TRIALS,
    "[id='user-defined-plot:training-and-validation'] .scatterlayer .js-line": 10,  # of the best five trials, training and validation
    "#graph-hyperparameter-importances .bars .point": 4,
}


@pytest.mark.browser
def test_a_person_sees_history_curves_and_importances(page: Page, tmp_path: Path) -> None:
    page.open("/dashboard/studies/1")
    for selector, number in DRAWN.items():
        page.find(selector, number)
    assert page.driver.save_screenshot(tmp_path / "study.png")
    best = page.served.study.best()
    names = [label.text for label in page.find("#graph-hyperparameter-importances .ytick text", 4)]
    assert names[-1] == "quality"  # the topmost; alone it makes the toy's scores
    page.wait_for(f"Best Trial (number={best.number})", f"{best.value:.6g}")


@pytest.mark.browser
def test_a_person_reads_why_a_trial_ended(page: Page, tmp_path: Path) -> None:
    page.open("/dashboard/studies/1/trials?numbers=3")
    notes = page.served.study.trial(3).attributes
    page.wait_for(
        "Trial 3 (trial_id=4)", f"Overfitting: {notes['because']}", f"best round {notes['best_round']}"
    )
    page.wait_for(
        "why it ended overfitting", *(f"evidence: {name.replace('_', ' ')}" for name in notes["evidence"])
    )
    (drawn,) = page.find("img[alt='Training and validation of trial 3']")
    page.wait(lambda _: drawn.get_property("naturalWidth") == 600, "the picture of its curves")
    assert page.driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    assert page.driver.save_screenshot(tmp_path / "trial.png")


@pytest.mark.browser
def test_a_person_finds_no_button_that_would_be_refused(page: Page, tmp_path: Path) -> None:
    page.open("/dashboard")
    page.wait_for("1. curves")
    for label in ("delete study", "rename study"):
        assert not any(button.is_displayed() for button in page.find(f"button[aria-label='{label}']"))
    assert page.driver.save_screenshot(tmp_path / "list.png")
    assert complaints(page.driver) == []


@pytest.mark.browser
def test_a_person_takes_a_note(page: Page, tmp_path: Path) -> None:
    page.open("/dashboard/studies/1/note")
    page.find("main button")[0].click()
    page.find("main textarea:not([readonly])")[0].send_keys("a **fine** study")
    page.click("Save")
    page.wait_for("Success to save the note")
    page.find("main textarea", 0)  # the editor is closed
    page.wait(lambda _: "fine" in [each.text for each in page._all("main strong")], "the note as Markdown")
    assert page.driver.save_screenshot(tmp_path / "note.png")
    body = page.served.get("/api/studies/1")["note"]["body"]
    assert own_note(body) == "a **fine** study"
    assert body.startswith("**toy** on toy-rows: maximizes validation accuracy. 16 trials are finished.")
