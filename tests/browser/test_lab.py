"""JupyterLab in a browser: each lesson opens and runs to its end, and the drawing pad reads a digit."""

import json
import math
import os
import re
import secrets
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import nbformat
import papermill
import pytest
from playwright.sync_api import expect
from strokes import STROKES

from mnist_helpers.lessons import parameters, texts

ROOT = Path(__file__).resolve().parents[2]
LESSONS = texts.find_lessons()
# The page then holds every cell.
SETTINGS = {"@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"}}
# The quick profile's final network is too weak for handwriting. This one takes a few seconds longer.
STRONGER = {"final_train_size": "10000"}
STEP = 30  # pixels that the mouse moves at once: a move takes a frame of the browser
FINISHED = """() => {
    const prompts = [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")];
    const cells = prompts.map(each => each.innerText);
    const kernel = document.querySelector(".jp-Notebook-ExecutionIndicator").dataset.status;
    return kernel === "idle" && cells.some(text => /\\d/.test(text)) && !cells.some(text => /\\*/.test(text));
}"""


def wait_for_address(process, runtime, log, patience):
    """Return the address of a server once it has started."""
    deadline = time.monotonic() + patience
    while process.poll() is None and time.monotonic() < deadline:
        for path in runtime.glob("jpserver-*.json"):
            if path.stat().st_size:
                return json.loads(path.read_text(encoding="utf-8"))["url"]
        time.sleep(0.2)
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text()}")


@pytest.fixture(scope="module")
def server(tmp_path_factory, pytestconfig):
    """Run JupyterLab on an empty folder and a free port, with a token and without the user's settings."""
    scratch = tmp_path_factory.mktemp("lab")
    folder = scratch / "lessons"
    folder.mkdir()
    config = scratch / "config" / "labconfig"
    config.mkdir(parents=True)
    (config / "default_setting_overrides.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    token = secrets.token_hex()
    variables = {f"JUPYTER_{name.upper()}_DIR": str(scratch / name) for name in ("config", "data", "runtime")}
    variables["IPYTHONDIR"] = str(scratch / "ipython")
    variables["PYTHONPATH"] = str(ROOT)
    variables["JUPYTER_TOKEN"] = token
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    settings = re.search(r"JUPYTER_CONFIG_PATH=(\S+) .*/jupyter lab notebooks", makefile)[1]
    variables["JUPYTER_CONFIG_PATH"] = str(ROOT / settings)  # that of `make lab`
    options = ["--no-browser", "--allow-root", "--LabApp.extension_manager=readonly"]
    options += ["--ServerApp.port=0", f"--ServerApp.root_dir={folder}"]
    command = [sys.executable, "-m", "jupyterlab", *options]
    log = scratch / "log"
    with log.open("w") as output:
        process = subprocess.Popen(command, env={**os.environ, **variables}, stdout=output, stderr=output)
    try:
        url = wait_for_address(process, scratch / "runtime", log, pytestconfig.patience)
        yield SimpleNamespace(folder=folder, url=url, token=token)
    finally:
        process.terminate()
        process.wait(pytestconfig.patience)


@pytest.fixture
def lab(server, page):
    """Return the server, and end the kernels of a test after it: all seven together need much memory."""
    yield server
    access = {"headers": {"Authorization": f"token {server.token}"}}
    for kernel in page.request.get(f"{server.url}api/kernels", **access).json():
        page.request.delete(f"{server.url}api/kernels/{kernel['id']}", **access)


def run_all(page, lab, lesson, settings=None):
    """Open a lesson without outputs, choose Run All Cells, and wait until nothing is running.

    The quick profile sets the parameters that `settings` does not.
    """
    notebook = texts.read_lesson(lesson)
    path = lab.folder / f"{lesson.stem}.ipynb"
    [values] = parameters.choose_parameters([notebook], settings or {}, quick=True)
    papermill.execute_notebook(notebook, path, values, prepare_only=True, progress_bar=False)
    page.goto(f"{lab.url}lab/tree/{path.name}?reset&token={lab.token}")
    # The menu runs nothing before the cells and the kernel are there.
    expect(page.locator(".jp-Notebook .jp-Cell")).to_have_count(len(nbformat.read(path, 4).cells))
    expect(page.locator("#jp-main-statusbar")).to_contain_text("| Idle")
    page.locator(".lm-MenuBar-itemLabel", has_text="Run").click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(FINISHED)


def find_problems(page):
    """Yield what is wrong in an open notebook that was run, one line each."""
    # JupyterLab shows errors and text on stderr in the same way.
    written = page.locator('.jp-OutputArea [data-mime-type="application/vnd.jupyter.stderr"]')
    errors = written.filter(has_text=re.compile(r"Traceback|Cell In\b|Error:"))
    yield from (f"a cell ended in {text.splitlines()[-1]}" for text in errors.all_inner_texts())
    numbers = page.locator(".jp-CodeCell .jp-InputPrompt").all_inner_texts()
    # A folded cell shows no number.
    if any(text and text != f"[{number}]:" for number, text in enumerate(numbers, 1)):
        yield f"cells ran as {' '.join(numbers)}"


def draw(page, canvas, strokes):
    """Draw with the mouse. A stroke is a list of points (x, y), each from 0 to 1 across the canvas."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    for stroke in strokes:
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for start, end in pairwise(points):
            page.mouse.move(*end, steps=max(1, round(math.dist(start, end) / STEP)))
        page.mouse.up()


def draw_with_keys(page, pad, strokes):
    """Draw with Space and arrow keys. The pen starts in the middle, and a press moves it by 1/35."""
    pad.locator("canvas.pad-canvas").focus()
    answer = pad.locator(".pad-answer")
    position = [17, 17]
    for stroke in strokes:
        for number, point in enumerate(stroke):
            move_pen(page, position, [round(34 * share) for share in point])
            if number == 0:
                page.keyboard.press("Space")
                expect(answer).to_have_text("Pen down.")
        page.keyboard.press("Space")
        expect(answer).not_to_have_text("Pen down.")


def move_pen(page, position, goal):
    """Move the pen with arrow keys and update its position; the longer way first, for straight lines."""
    arrows = (("ArrowLeft", "ArrowRight"), ("ArrowUp", "ArrowDown"))
    while position != goal:
        axis = max((0, 1), key=lambda each: abs(goal[each] - position[each]))
        forward = goal[axis] > position[axis]
        page.keyboard.press(arrows[axis][forward])
        position[axis] += 1 if forward else -1


def test_first_start_asks_nothing(page, lab):
    page.goto(f"{lab.url}lab?reset&token={lab.token}")
    expect(page.locator(".jp-Launcher-content")).to_be_visible()
    page.wait_for_timeout(5000)  # the question about news comes a moment after the page
    assert page.locator(".Toastify__toast, .jp-Dialog").all_inner_texts() == []


@pytest.mark.parametrize("lesson", LESSONS[:-1], ids=lambda path: path.stem)
def test_lesson_opens_and_runs_without_an_error(lesson, page, lab):
    run_all(page, lab, lesson)
    assert list(find_problems(page)) == []


def test_last_lesson_reads_a_7_drawn_with_mouse_and_keys(page, lab):
    run_all(page, lab, LESSONS[-1], STRONGER)
    assert list(find_problems(page)) == []
    pad = page.locator(".drawing-pad")
    answer = pad.locator(".pad-answer")
    expect(answer).to_have_text("Draw a digit.")
    draw(page, pad.locator("canvas.pad-canvas"), STROKES[7])
    expect(answer).to_contain_text("Reads 7")
    pad.get_by_role("button", name="Undo").click()
    expect(answer).to_have_text("Draw a digit.")
    draw_with_keys(page, pad, STROKES[7])
    expect(answer).to_contain_text("Reads 7")
    page.keyboard.press("c")
    expect(answer).to_have_text("Draw a digit.")
    page.keyboard.press("Control+z")
    expect(answer).to_contain_text("Reads 7")
    pad.get_by_role("button", name="Clear").click()
    expect(answer).to_have_text("Draw a digit.")


def test_cell_that_raises_or_runs_out_of_order_is_found(page, lab, make_lesson):
    run_all(page, lab, make_lesson("01_first", "# %%\nprint(1)", "# %%\n1 / 0"))
    assert list(find_problems(page)) == ["a cell ended in ZeroDivisionError: division by zero"]
    page.locator(".jp-CodeCell .jp-InputArea-editor").first.click()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".jp-CodeCell .jp-InputPrompt").first).to_have_text("[3]:")
    assert "cells ran as [3]: [2]:" in find_problems(page)
