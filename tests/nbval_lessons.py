"""Run the committed notebooks with nbval and compare the outputs of their marked cells.

Usage: python tests/nbval_lessons.py [--full]

Without --full, copies in build/nbval/ run with the values of the quick profile.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill

from mnist_helpers.lessons.parameters import choose_parameters

ROOT = Path(__file__).resolve().parents[1]
LEAST_COMPARED = 30  # cells
PYTEST = [sys.executable, "-m", "pytest", "--nbval-lax", "-n", "2", "--dist", "loadscope"]


def prepare(source: Path, target: Path) -> Path:
    """Copy the notebooks in `source` to `target`, with their outputs, and set the quick profile in them."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in sorted(source.glob("*.ipynb")):
        [values] = choose_parameters([nbformat.read(path, as_version=4)], {}, quick=True)
        papermill.execute_notebook(path, target / path.name, values, prepare_only=True, progress_bar=False)
    return target


if __name__ == "__main__":
    full = "--full" in sys.argv
    folder = ROOT / "notebooks" if full else prepare(ROOT / "notebooks", ROOT / "build" / "nbval")
    limits = ["--nbval-cell-timeout=1800", "--nbval-kernel-startup-timeout=600"]
    command = [*PYTEST, *limits, f"--min-compared={LEAST_COMPARED}", str(folder)]
    sys.exit(subprocess.call(command, cwd=ROOT))
