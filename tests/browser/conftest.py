"""A real Chromium for the tests of what people see and click; where there is none, they fail at once."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome")
# The rest of what a quiet, fresh browser needs is among Playwright's own flags.
FLAGS = ["--headless=new", "--disable-gpu"]


def find_chromium(playwright):
    """Return the path of a Chromium, or None: the one named, an installed one, or Playwright's own."""
    if named := os.environ.get("MNIST_HELPERS_CHROMIUM"):
        return shutil.which(named)
    own = playwright.chromium.executable_path
    return next(filter(None, map(shutil.which, (*NAMES, own))), None)


def pytest_configure(config):
    """Start Playwright, and stop here, in one sentence, where a part is missing: nothing is installed."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise pytest.UsageError(
            "The tests in a browser need the package playwright: "
            "python -m pip install --require-hashes -r requirements.lock"
        ) from None
    config.playwright = sync_playwright().start()
    config.add_cleanup(config.playwright.stop)
    config.chromium = find_chromium(config.playwright)
    if config.chromium is None:
        raise pytest.UsageError(
            "The tests in a browser need Chromium: apt-get install chromium, or "
            ".venv/bin/playwright install chromium, or its path in MNIST_HELPERS_CHROMIUM"
        )


@pytest.fixture(scope="session")
def browser(pytestconfig):
    """Start Chromium with a fresh profile."""
    browser = pytestconfig.playwright.chromium.launch(executable_path=pytestconfig.chromium, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def page(browser):
    """Open a page without cookies, caches or settings of another test."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        yield context.new_page()


@pytest.fixture(scope="session")
def screenshots():
    """Return the folder of the pictures that people look at."""
    folder = ROOT / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
