"""Break the package on purpose, in a copy, and see a check of the project go red.

A check that stays green whatever the package does would be worth nothing. The scan for whoever opens the
test set is broken on purpose in test_lessons.py.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mnist_helpers import notebooks

ROOT = Path(__file__).resolve().parents[1]
# What is changed, where, and into what.
MUTATIONS = {
    "L2 ignored": ("models.py", "regularizers.L2(l2) if l2 else None", "None"),
    "dropout ignored": (
        "models.py",
        "layers.Dropout(dropout_rate, seed=next(changes)) if dropout_rate else None",
        "None",
    ),
    "augmentation ignored": (
        "models.py",
        "augmentation.RandomAffine(**augment, seed=next(changes)) if augment else None",
        "layers.Identity() if augment else None",
    ),
    "labels out of step": (
        "datasets.py",
        "    validation, train = _split(",
        "    labels = np.roll(labels, 1)\n    validation, train = _split(",
    ),
    "labels one too high": (
        "datasets.py",
        "    validation, train = _split(",
        "    labels = (labels + 1) % 10\n    validation, train = _split(",
    ),
}


@pytest.fixture
def mutate(tmp_path, monkeypatch):
    """Return a function that makes a changed copy of the package the one that new processes import."""

    def make(*names):
        package = shutil.copytree(ROOT / "mnist_helpers", tmp_path / "mnist_helpers")
        for name in names:
            file, old, new = MUTATIONS[name]
            text = (package / file).read_text(encoding="utf-8")
            assert old in text, f"{file} was rewritten: {name} needs another line"
            (package / file).write_text(text.replace(old, new), encoding="utf-8")
        # The current folder comes first in a kernel's path, and PYTHONPATH before installed packages.
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        command = [sys.executable, "-c", "import mnist_helpers; print(mnist_helpers.__file__)"]
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        assert Path(found).samefile(package / "__init__.py")

    monkeypatch.setenv("MNIST_HELPERS_OFFLINE", "1")
    return make


def run_quick(tmp_path, numbers, **settings):
    """Run lessons in the quick profile on the UCI digits; return {number: error}."""
    settings = {"dataset": "uci", **settings}
    lessons = notebooks.find_lessons(numbers)
    results = notebooks.run_lessons(lessons, tmp_path / "out", settings, quick=True, jobs=2)
    return {result.lesson[:2]: result.error for result in results}


def test_lessons_notice_that_their_technique_is_ignored(mutate, tmp_path):
    mutate("L2 ignored", "dropout ignored", "augmentation ignored")
    errors = run_quick(tmp_path, ["03", "04", "05"], epochs="1", train_size="100")
    assert "AssertionError: the raw loss must hold the penalty" in errors["03"]
    assert "AssertionError: two training passes must differ" in errors["04"]
    assert "AssertionError: the changes must reach training" in errors["05"]


def test_lesson_01_notices_labels_out_of_step(mutate, tmp_path):
    mutate("labels out of step")
    assert "the nearest mean should reach 75 %" in run_quick(tmp_path, ["01"])["01"]


def test_unit_test_notices_labels_one_too_high(mutate, tmp_path):
    """No lesson would: all labels change alike."""
    mutate("labels one too high")
    shutil.copy(ROOT / "tests" / "test_datasets.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "uci", str(tmp_path)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    found = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert found.returncode == 1, found.stdout + found.stderr
    failed = [line for line in found.stdout.splitlines() if line.startswith("FAILED")]
    assert len(failed) == 1
    assert "test_uci_images_are_scikit_learns_each_once_with_its_label" in failed[0]
