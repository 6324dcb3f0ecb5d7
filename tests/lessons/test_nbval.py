"""The comparison of notebooks by nbval: which cells count, what may differ, and how a change is reported."""

import base64
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from PIL import Image

from mnist_helpers import mnist_files
from mnist_helpers.lessons import texts

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def compare(pair):
    """Return a function that runs nbval with the repository's conftest, and gives exit code and output."""
    folder = pair[0].parent
    shutil.copy(ROOT / "conftest.py", folder)
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT / 'tests'}")

    def run_nbval(*options, **variables):
        command = [sys.executable, "-m", "pytest", "--nbval-lax", "-p", "no:cacheprovider", *options, "."]
        command += ["--nbval-cell-timeout=600", "--nbval-kernel-startup-timeout=600"]
        inherited = {name: value for name, value in os.environ.items() if name != "MNIST_HELPERS_DATA"}
        own = {"MNIST_HELPERS_CACHE": str(folder / "cache"), "MNIST_HELPERS_OFFLINE": "1"}
        variables = inherited | own | variables
        done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True)
        return done.returncode, done.stdout

    return run_nbval


@pytest.fixture
def changed(pair):
    """Change the stored output of the cell that holds for MNIST only."""
    notebook = nbformat.read(pair[0], 4)
    notebook.cells[3].outputs[0].text = "60000\n"
    nbformat.write(notebook, pair[0])


@pytest.mark.usefixtures("changed")
def test_cells_that_hold_for_mnist_only_are_named_and_left_out_without_it(compare, tmp_path):
    options = ["-n", "2", "--dist", "loadscope", "--min-compared=1"]
    code, output = compare(*options, GITHUB_STEP_SUMMARY=str(tmp_path / "summary.md"))
    assert code == 0, output
    assert "3 cells compared" in output
    assert "not compared, because MNIST is absent: 01_first.ipynb::Cell 2" in output
    assert "Nothing moved." in output
    assert (tmp_path / "summary.md").read_text().count("Nothing moved.") == 1, "workers report too"


def test_stripped_notebook_fails_for_lack_of_comparisons(compare, pair):
    notebook, text = pair
    nbformat.write(texts.read_lesson(text), notebook)
    code, output = compare("--min-compared=1")
    assert code == 1, output
    assert "0 cells compared, and at least 1 were expected" in output
    assert "7 passed" in output


@pytest.mark.usefixtures("changed")
def test_changed_output_of_an_mnist_only_cell_fails_with_mnist(compare, pair):
    code, output = compare(MNIST_HELPERS_DATA=str(pair[0]))  # any file: nothing reads it here
    assert code == 1, output
    assert "Cell outputs differ" in output


@pytest.fixture
def edit(pair):
    """Return a function that changes the stored notebook."""

    def change(function):
        notebook = nbformat.read(pair[0], 4)
        function(notebook.cells)
        nbformat.write(notebook, pair[0])

    return change


def draw_grey(level):
    with io.BytesIO() as file:
        Image.new("L", (64, 64), level).save(file, "png")
        return base64.b64encode(file.getvalue()).decode()


def test_tolerance_holds_for_floats_and_pictures(compare, edit, tmp_path):
    def move(cells):
        cells[5].outputs[0].text = "loss 1.75, accuracy 97.9%\n"
        cells[6].outputs[0].data["image/png"] = draw_grey(101)

    edit(move)
    summary = tmp_path / "summary.md"
    code, output = compare(GITHUB_STEP_SUMMARY=str(summary))
    assert code == 0, output
    start = '| 01_first | Cell 4: print("loss 1.25, accuracy 98.2%") | '
    for line in ("1.75 | 1.25 | 0.5 | within |", "97.9 | 98.2 | 0.5 | within |"):
        assert start + line in output
        assert start + line in summary.read_text()


def test_percentages_may_have_a_tolerance_of_their_own(compare, edit):
    def move(cells):
        cells[5].metadata.tags = ["nbval-tolerance=0.1", "nbval-tolerance=2%"]
        cells[5].outputs[0].text = "loss 1.85, accuracy 97.1%\n"

    edit(move)
    code, output = compare()
    assert code == 1, output
    assert "1.85 became 1.25 (allowed: ± 0.1)" in output
    assert "| 97.1 | 98.2 | 2 | within |" in output


def test_what_moved_too_far_is_named_with_lesson_cell_and_numbers(compare, edit):
    def move(cells):
        cells[2].outputs[0].text = "UCI digit\n"
        cells[5].outputs[0].text = "loss 1.85, accuracy 97.9%\n"
        cells[6].outputs[0].data["image/png"] = draw_grey(120)

    edit(move)
    code, output = compare()
    assert code == 1, output
    assert "3 failed" in output
    assert "01_first, Cell 4: 1.85 became 1.25 (allowed: ± 0.5)" in output
    assert "01_first, Cell 5: picture 1 differs by 21 levels" in output
    assert "| **text differs: 'UCI digit' became 'UCI digits'** |" in output
    assert "97.9 became" not in output
    assert "| 97.9 | 98.2 | 0.5 | within |" in output


def test_cells_that_hold_for_the_defaults_are_left_out_where_parameters_were_set(compare, edit):
    def move(cells):
        cells[1].metadata.tags.append("injected-parameters")
        cells[5].metadata.tags.append("defaults-only")
        cells[5].outputs[0].text = "loss 9.99\n"

    edit(move)
    code, output = compare()
    assert code == 0, output
    assert "not compared, because parameters were changed: 01_first.ipynb::Cell 4" in output


@pytest.mark.parametrize(
    "tag", ["nbval-tolerence=0.5", "nbval-tolerance", "nbval-tolerance=x", "nbval-tolerance=2%%"]
)
def test_tag_that_would_have_no_effect_is_refused(tag, compare, edit):
    edit(lambda cells: cells[5].metadata.tags.append(tag))
    code, output = compare("--collect-only")
    assert code == pytest.ExitCode.USAGE_ERROR, output


def test_plain_command_passes_on_a_committed_notebook_and_fails_on_a_changed_copy():
    """From the root, without options: `pytest --nbval-lax notebooks/`. The first lesson takes least."""
    committed = ROOT / "notebooks" / "01_data_exploration.ipynb"
    notebook = nbformat.read(committed, 4)
    stored = {out.text: out for cell in notebook.cells for out in cell.get("outputs", ()) if "text" in out}

    def change(old, new):
        [output] = [output for text, output in stored.items() if old in text]
        output.text = output.text.replace(old, new)

    change("nearest mean: number 1", "nearest mean: number 2")
    change("accuracy 79.0%", "accuracy 80.0%")  # within the tolerance
    change("accuracy 84.5%", "accuracy 90.0%")  # beyond it
    copy = ROOT / "build" / "plain" / "01_changed.ipynb"
    copy.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, copy)
    command = [Path(sys.executable).with_name("pytest"), "--nbval-lax", committed.relative_to(ROOT), copy]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout
    failed = {line.split(" - ")[0] for line in done.stdout.splitlines() if line.startswith("FAILED")}
    expected = [16] if mnist_files.find() is None else [15, 16]
    assert failed == {f"FAILED build/plain/01_changed.ipynb::Cell {number}" for number in expected}
    if 15 in expected:
        assert re.search(r"01_changed, Cell 15: 90.0 became [\d.]+ \(allowed: ± 2\)", done.stdout)
        assert re.search(r"\| 80.0 \| [\d.]+ \| 2 \| within \|", done.stdout)
