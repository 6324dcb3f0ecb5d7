"""JupyterLab in a browser: each lesson opens, runs to its end without an error, and its parts work."""

import json
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import papermill
import pytest
from playwright.sync_api import expect

from mnist_helpers import notebooks

ROOT = Path(__file__).resolve().parents[2]
LESSONS = notebooks.find_lessons()
SETTINGS = {
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},  # every cell is in the page
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
# A network that reads most of what is drawn, after seconds.
FINAL = {"final_train_size": "10000", "final_epochs": "1"}
MILLISECONDS = 600_000  # the longest that a step may take, on a busy machine
FINISHED = """() => {
    const cells = [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")].map(each => each.innerText);
    const kernel = document.querySelector(".jp-Notebook-ExecutionIndicator").dataset.status;
    return kernel === "idle" && cells.some(text => /\\d/.test(text)) && !cells.some(text => /\\*/.test(text));
}"""


@pytest.fixture
def lab(tmp_path):
    """Run JupyterLab over an empty folder, with no settings but ours; it ends with its kernels."""
    folder, config = tmp_path / "lessons", tmp_path / "config" / "labconfig"
    folder.mkdir()
    config.mkdir(parents=True)
    (config / "default_setting_overrides.json").write_text(json.dumps(SETTINGS))
    own = {f"JUPYTER_{name.upper()}_DIR": str(tmp_path / name) for name in ("config", "data", "runtime")}
    own |= {"IPYTHONDIR": str(tmp_path / "ipython"), "PYTHONPATH": str(ROOT)}
    own["JUPYTER_TOKEN"] = token = secrets.token_hex()
    options = ["--no-browser", "--allow-root", "--LabApp.extension_manager=readonly"]
    options += ["--ServerApp.port=0", f"--ServerApp.root_dir={folder}"]
    command, log = [sys.executable, "-m", "jupyterlab", *options], tmp_path / "log"
    with open(log, "w") as output:
        server = subprocess.Popen(command, env={**os.environ, **own}, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + 120
        while not (started := list((tmp_path / "runtime").glob("jpserver-*.json"))):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield SimpleNamespace(folder=folder, url=json.loads(started[0].read_text())["url"], token=token)
    finally:
        server.terminate()
        server.wait(60)


def run_all(page, lab, lesson, settings=None):
    """Open a lesson as a notebook without outputs, choose Run All Cells, and wait until nothing is running.

    The quick profile is set, and the settings, which win.
    """
    notebook, path = notebooks.read_lesson(lesson), lab.folder / f"{lesson.stem}.ipynb"
    [values] = notebooks.choose_parameters([notebook], settings or {}, quick=True)
    papermill.execute_notebook(notebook, path, values, prepare_only=True, progress_bar=False)
    n_cells = len(nbformat.read(path, 4).cells)
    page.goto(f"{lab.url}lab/tree/{path.name}?token={lab.token}")
    # Before cells and kernel are there, the menu would run nothing.
    expect(page.locator(".jp-Notebook .jp-Cell")).to_have_count(n_cells, timeout=MILLISECONDS)
    expect(page.locator("#jp-main-statusbar")).to_contain_text("| Idle", timeout=MILLISECONDS)
    page.locator(".lm-MenuBar-itemLabel", has_text="Run").click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(FINISHED, timeout=MILLISECONDS)


def find_problems(page):
    """Return what is wrong in an open notebook that was run, one line each."""
    errors = page.locator('.jp-OutputArea [data-mime-type="application/vnd.jupyter.error"]')
    yield from (f"a cell ended in {text.splitlines()[-1]}" for text in errors.all_inner_texts())
    numbers = page.locator(".jp-CodeCell .jp-InputPrompt").all_inner_texts()
    if numbers != [f"[{number}]:" for number in range(1, len(numbers) + 1)]:
        yield f"cells ran as {' '.join(numbers)}"


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_lesson_opens_and_run_all_ends_without_an_error(lesson, page, lab):
    run_all(page, lab, lesson)
    assert list(find_problems(page)) == []


def test_lesson_whose_cell_raises_is_found(page, lab, make_lesson):
    run_all(page, lab, make_lesson("01_first", "# %%\nprint(1)", "# %%\n1 / 0", "# %%\nprint(2)"))
    assert list(find_problems(page)) == [
        "a cell ended in ZeroDivisionError: division by zero",
        "cells ran as [1]: [2]: [ ]:",
    ]
