"""A small sound lesson, executed once, for the tests of the checks on published lessons."""

import shutil
from pathlib import Path

import pytest

from mnist_helpers.lessons import run

SOUND = [
    "# %% [markdown]\n# # First\n#\n# Next: [again](01_first.ipynb)",
    '# %% tags=["parameters"]\nepochs: int = 5  # 1 to 100: passes over the training images',
    '# %% tags=["nbval-check-output"]\nprint("UCI digits")',
    '# %% tags=["nbval-check-output", "mnist-only"]\nprint(70_000)',
    '# %% tags=["headline"]\nprint("all well")',
    "# %% [markdown]\n# A function comes next.\n",  # two blank lines, as ruff wants them before it
    "# %%\ndef double(value):\n    return 2 * value",
]


@pytest.fixture(scope="session")
def executed(write_lesson, tmp_path_factory):
    """Execute the lesson; return the folder of its text and its notebook."""
    folder = tmp_path_factory.mktemp("sound")
    [result] = run.run_lessons([write_lesson(folder, "01_first", *SOUND)], folder)
    assert not result.error
    return folder


@pytest.fixture
def pair(executed, tmp_path):
    """Return copies of the executed notebook and of its text."""
    return [Path(shutil.copy(executed / name, tmp_path)) for name in ("01_first.ipynb", "01_first.py")]
