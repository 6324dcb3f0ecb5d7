"""JupyterLab in a browser: each lesson opens and runs to its end, and the drawing pad reads what is drawn."""

import json
import os
import re
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
from strokes import STROKES

from mnist_helpers import notebooks

ROOT = Path(__file__).resolve().parents[2]
LESSONS = notebooks.find_lessons()
SETTINGS = {
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},  # every cell is in the page
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
# The quick profile's final network is too weak for handwriting; this one takes seconds more.
ABLE = {"final_train_size": "10000"}
FINISHED = """() => {
    const cells = [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")].map(each => each.innerText);
    const kernel = document.querySelector(".jp-Notebook-ExecutionIndicator").dataset.status;
    return kernel === "idle" && cells.some(text => /\\d/.test(text)) && !cells.some(text => /\\*/.test(text));
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory, pytestconfig):
    """Run JupyterLab over an empty folder, on a free port, with a token and no settings but ours."""
    scratch = tmp_path_factory.mktemp("lab")
    folder, config = scratch / "lessons", scratch / "config" / "labconfig"
    folder.mkdir()
    config.mkdir(parents=True)
    (config / "default_setting_overrides.json").write_text(json.dumps(SETTINGS))
    own = {f"JUPYTER_{name.upper()}_DIR": str(scratch / name) for name in ("config", "data", "runtime")}
    own |= {"IPYTHONDIR": str(scratch / "ipython"), "PYTHONPATH": str(ROOT)}
    own["JUPYTER_TOKEN"] = token = secrets.token_hex()
    options = ["--no-browser", "--allow-root", "--LabApp.extension_manager=readonly"]
    options += ["--ServerApp.port=0", f"--ServerApp.root_dir={folder}"]
    command, log = [sys.executable, "-m", "jupyterlab", *options], scratch / "log"
    with open(log, "w") as output:
        process = subprocess.Popen(command, env={**os.environ, **own}, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + pytestconfig.patience
        while not (started := [p for p in (scratch / "runtime").glob("jpserver-*.json") if p.stat().st_size]):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield SimpleNamespace(folder=folder, url=json.loads(started[0].read_text())["url"], token=token)
    finally:
        process.terminate()
        process.wait(pytestconfig.patience)


@pytest.fixture
def lab(server, page):
    """Return the server, and end the kernels of the test: all seven would need much memory."""
    yield server
    look = {"headers": {"Authorization": f"token {server.token}"}}
    for kernel in page.request.get(f"{server.url}api/kernels", **look).json():
        page.request.delete(f"{server.url}api/kernels/{kernel['id']}", **look)


def run_all(page, lab, lesson, settings=None):
    """Open a lesson as a notebook without outputs, choose Run All Cells, and wait until nothing is running.

    The quick profile is set, and the settings, which win.
    """
    notebook, path = notebooks.read_lesson(lesson), lab.folder / f"{lesson.stem}.ipynb"
    [values] = notebooks.choose_parameters([notebook], settings or {}, quick=True)
    papermill.execute_notebook(notebook, path, values, prepare_only=True, progress_bar=False)
    page.goto(f"{lab.url}lab/tree/{path.name}?reset&token={lab.token}")
    # Before cells and kernel are there, the menu would run nothing.
    expect(page.locator(".jp-Notebook .jp-Cell")).to_have_count(len(nbformat.read(path, 4).cells))
    expect(page.locator("#jp-main-statusbar")).to_contain_text("| Idle")
    page.locator(".lm-MenuBar-itemLabel", has_text="Run").click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(FINISHED)


def find_problems(page):
    """Return what is wrong in an open notebook that was run, one line each."""
    # JupyterLab shows errors and what was written to stderr alike.
    written = page.locator('.jp-OutputArea [data-mime-type="application/vnd.jupyter.stderr"]')
    errors = written.filter(has_text=re.compile(r"Traceback|Cell In\b|Error:"))
    yield from (f"a cell ended in {text.splitlines()[-1]}" for text in errors.all_inner_texts())
    numbers = page.locator(".jp-CodeCell .jp-InputPrompt").all_inner_texts()
    if numbers != [f"[{number}]:" for number in range(1, len(numbers) + 1)]:
        yield f"cells ran as {' '.join(numbers)}"


def draw(page, canvas, strokes):
    """Draw with the mouse as a hand would: strokes are lists of points, 0 to 1 across the canvas."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    for stroke in strokes:
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for x, y in points[1:]:
            page.mouse.move(x, y, steps=8)
        page.mouse.up()


def draw_with_keys(page, pad, strokes):
    """Draw with Space and arrow keys: the pen starts in the middle, and a press moves it by 1/35."""
    pad.locator("canvas.pad-canvas").focus()
    arrows = (("ArrowLeft", "ArrowRight"), ("ArrowUp", "ArrowDown"))
    at, answer = [17, 17], pad.locator(".pad-answer")
    for stroke in strokes:
        for number, point in enumerate(stroke):
            goal = [round(34 * share) for share in point]
            while at != goal:  # the farther way first: a slanted line becomes small steps
                axis = max((0, 1), key=lambda each: abs(goal[each] - at[each]))
                forward = goal[axis] > at[axis]
                page.keyboard.press(arrows[axis][forward])
                at[axis] += 1 if forward else -1
            if number == 0:
                page.keyboard.press("Space")
                expect(answer).to_have_text("Pen down.")
        page.keyboard.press("Space")
        expect(answer).not_to_have_text("Pen down.")


@pytest.mark.parametrize("lesson", LESSONS[:-1], ids=lambda path: path.stem)
def test_lesson_opens_and_run_all_ends_without_an_error(lesson, page, lab):
    run_all(page, lab, lesson)
    assert list(find_problems(page)) == []


def test_last_lesson_runs_without_an_error_and_reads_a_7_drawn_with_mouse_and_keys(page, lab):
    run_all(page, lab, LESSONS[-1], ABLE)
    assert list(find_problems(page)) == []
    pad = page.locator(".drawing-pad")
    expect(pad.locator(".pad-answer")).to_have_text("Draw a digit.")
    draw(page, pad.locator("canvas.pad-canvas"), STROKES[7])
    expect(pad.locator(".pad-answer")).to_contain_text("Reads 7", timeout=60_000)
    pad.get_by_role("button", name="Clear").click()
    expect(pad.locator(".pad-answer")).to_have_text("Draw a digit.")
    draw_with_keys(page, pad, STROKES[7])
    expect(pad.locator(".pad-answer")).to_contain_text("Reads 7", timeout=60_000)
    page.keyboard.press("c")
    expect(pad.locator(".pad-answer")).to_have_text("Draw a digit.")


def test_cell_that_raises_or_runs_out_of_order_is_found(page, lab, make_lesson):
    run_all(page, lab, make_lesson("01_first", "# %%\nprint(1)", "# %%\n1 / 0"))
    assert list(find_problems(page)) == ["a cell ended in ZeroDivisionError: division by zero"]
    page.locator(".jp-CodeCell .jp-InputArea-editor").first.click()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".jp-CodeCell .jp-InputPrompt").first).to_have_text("[3]:")
    assert "cells ran as [3]: [2]:" in find_problems(page)
