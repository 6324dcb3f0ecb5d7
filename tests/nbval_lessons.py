"""Run the committed notebooks under nbval and compare the outputs of their marked cells.

Usage: python tests/nbval_lessons.py [--full]

Without --full each runs with the values of the quick profile, from a copy in build/nbval/.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill

from mnist_helpers import notebooks

ROOT = Path(__file__).resolve().parents[1]
LEAST_COMPARED = 30
PYTEST = [sys.executable, "-m", "pytest", "--nbval-lax", "-n", "2", "--dist", "loadscope"]


def prepare(source: Path, target: Path) -> Path:
    """Copy the notebooks in `source` to `target`, with outputs and with the quick profile set."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in sorted(source.glob("*.ipynb")):
        [values] = notebooks.choose_parameters([nbformat.read(path, 4)], {}, quick=True)
        papermill.execute_notebook(path, target / path.name, values, prepare_only=True, progress_bar=False)
    return target


if __name__ == "__main__":
    full = "--full" in sys.argv
    folder = ROOT / "notebooks" if full else prepare(ROOT / "notebooks", ROOT / "build" / "nbval")
    limits = [f"--nbval-cell-timeout={1800 if full else 120}", f"--min-compared={LEAST_COMPARED}"]
    sys.exit(subprocess.call([*PYTEST, *limits, str(folder)], cwd=ROOT))
