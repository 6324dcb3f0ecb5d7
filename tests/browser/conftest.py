"""A real Chromium for tests of what people see and click. Without one, pytest stops with a message."""

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--headless=new", "--disable-gpu"]
PATIENCE = 600  # seconds that a step may take on a busy machine


def find_chromium(playwright):
    """Return the path of a Chromium, or None: the one set, else Playwright's own, else an installed one."""
    own = os.environ.get("MNIST_HELPERS_CHROMIUM")
    candidates = [own] if own else [playwright.chromium.executable_path, *NAMES]
    return next(filter(None, map(shutil.which, candidates)), None)


def pytest_configure(config):
    """Start Playwright; without it or without Chromium, stop with one sentence that says what is missing."""
    try:
        from playwright.sync_api import expect, sync_playwright
    except ImportError:
        raise pytest.UsageError(
            "Tests in a browser need playwright: "
            "python -m pip install --require-hashes -r requirements/dev.lock"
        ) from None
    config.patience = PATIENCE
    expect.set_options(timeout=1000 * PATIENCE)
    config.playwright = sync_playwright().start()
    config.add_cleanup(config.playwright.stop)
    config.chromium = find_chromium(config.playwright)
    if config.chromium is None:
        raise pytest.UsageError(
            "Tests in a browser need Chromium: apt-get install chromium, or .venv/bin/playwright install "
            "chromium, or the path of one in MNIST_HELPERS_CHROMIUM"
        )


@pytest.fixture(scope="session")
def browser(pytestconfig):
    """Start Chromium with a fresh profile."""
    options = {"executable_path": pytestconfig.chromium, "args": FLAGS, "timeout": 1000 * PATIENCE}
    with pytestconfig.playwright.chromium.launch(**options) as browser:
        yield browser


@pytest.fixture
def page(browser):
    """Open a page without cookies, caches or settings of other tests."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        context.set_default_timeout(1000 * PATIENCE)
        yield context.new_page()
