"""A small sound lesson, executed once, for the tests of the checks on published lessons."""

import shutil
from pathlib import Path

import pytest

from mnist_helpers.lessons import run

CHECK = """# %% tags=["nbval-check-output"]
from mnist_helpers.lessons import parameters

parameters.check()
print("UCI digits")"""
PICTURE = """# %% tags=["nbval-check-picture"]
import io

from IPython import display
from PIL import Image

file = io.BytesIO()
Image.new("L", (64, 64), 99).save(file, "png")
display.Image(file.getvalue(), alt="grey")"""
SOUND = [
    "# %% [markdown]\n# # First\n#\n# Next: [again](01_first.ipynb)",
    '# %% tags=["parameters"]\nepochs: int = 5  # 1 to 100: passes over the training images',
    CHECK,
    '# %% tags=["nbval-check-output", "mnist-only"]\nprint(70_000)',
    '# %% tags=["headline"]\nprint("all well")',
    '# %% tags=["nbval-tolerance=0.5"]\nprint("loss 1.25, accuracy 98.2%")',
    PICTURE,
    "# %% [markdown]\n# A function comes next.\n",  # two blank lines, as ruff wants them before it
    "# %%\ndef double(value):\n    return 2 * value",
]


@pytest.fixture(autouse=True)
def no_summary(monkeypatch):
    """Keep what the tests try on purpose out of the summary of a job on GitHub."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


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
