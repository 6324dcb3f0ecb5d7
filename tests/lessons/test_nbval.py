"""The comparison of outputs: which cells count, and that too few of them fail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from mnist_helpers.lessons import texts

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def compare(pair):
    """Return a function that runs nbval with the repository's conftest, and gives exit code and output."""
    folder = pair[0].parent
    shutil.copy(ROOT / "conftest.py", folder)
    (folder / "pytest.ini").write_text("[pytest]")

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
def test_cells_that_hold_for_mnist_only_are_named_and_left_out_without_it(compare):
    code, output = compare("-n", "2", "--dist", "loadscope", "--min-compared=1")
    assert code == 0, output
    assert "1 cells compared" in output
    assert "not compared, because MNIST is absent: 01_first.ipynb::Cell 2" in output


def test_stripped_notebook_fails_for_lack_of_comparisons(compare, pair):
    notebook, text = pair
    nbformat.write(texts.read_lesson(text), notebook)
    code, output = compare("--min-compared=1")
    assert code == 1, output
    assert "0 cells compared, and at least 1 were expected" in output
    assert "5 passed" in output


@pytest.mark.usefixtures("changed")
def test_changed_output_of_an_mnist_only_cell_fails_with_mnist(compare, pair):
    code, output = compare(MNIST_HELPERS_DATA=str(pair[0]))  # any file: nothing reads it here
    assert code == 1, output
    assert "Cell outputs differ" in output
