"""Break the package on purpose and see a check of the project fail: one that never fails is worth nothing."""

import os
import subprocess
import sys
from pathlib import Path

import jupytext
import mutations
import nbformat
import pytest

from mnist_helpers.lessons import run, texts

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run_broken(tmp_path, monkeypatch):
    """Return a function that runs a lesson quickly with the package broken, and returns its error."""
    monkeypatch.setenv("PYTHONPATH", str(Path(mutations.__file__).parent))
    monkeypatch.setenv("MNIST_HELPERS_OFFLINE", "1")

    def run_with(mutation, number, **settings):
        [lesson] = texts.find_lessons([number])
        notebook = texts.read_lesson(lesson)
        code = f"import mutations\n\nmutations.{mutation.__name__}()"
        notebook.cells.insert(0, nbformat.v4.new_code_cell(code))
        broken = tmp_path / lesson.name
        jupytext.write(notebook, broken, fmt="py:percent")
        [result] = run.run_lessons([broken], tmp_path / "out", {"dataset": "uci", **settings}, quick=True)
        return result.error

    return run_with


@pytest.mark.parametrize(
    ("number", "mutation", "check"),
    [
        ("03", mutations.ignore_l2, "the raw loss must hold the penalty"),
        ("04", mutations.ignore_dropout, "dropout must slow the first epoch"),
        ("05", mutations.ignore_augmentation, "the layer must change images in training"),
    ],
)
def test_lesson_notices_that_its_technique_is_ignored(number, mutation, check, run_broken):
    error = run_broken(mutation, number, epochs="1")
    assert "raised AssertionError" in error
    assert check in error


def test_lesson_01_notices_labels_out_of_step(run_broken):
    assert "the nearest mean should reach 75 %" in run_broken(mutations.shift_labels, "01")


def test_unit_test_notices_labels_one_too_high(tmp_path):
    """No lesson would, because all labels change alike."""
    (tmp_path / "break_labels.py").write_text("import mutations\n\nmutations.increment_labels()\n")
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    variables["PYTHONPATH"] = os.pathsep.join([str(tmp_path), str(ROOT / "tests")])
    options = ["-q", "-p", "no:cacheprovider", "-p", "break_labels", "-k", "uci"]
    command = [sys.executable, "-m", "pytest", *options, str(ROOT / "tests" / "test_datasets.py")]
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert [line for line in failed if "label" in line]
