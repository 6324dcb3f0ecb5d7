"""Run the committed notebooks with nbval and compare the outputs of their marked cells.

Usage: python tests/nbval_lessons.py [--full] [options of pytest]

Copies in build/nbval/ run, with the answers to all exercises; without --full, with the values
of the quick profile.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill

from mnist_helpers import mnist_files
from mnist_helpers.lessons import texts
from mnist_helpers.lessons.parameters import choose_parameters

ROOT = Path(__file__).resolve().parents[1]
# Cells with small values: as many as there are, so that a lost tag or output fails.
LEAST_COMPARED = {"MNIST": 81, "UCI digits": 60}
PYTEST = [sys.executable, "-m", "pytest", "--nbval-lax", "-n", "2", "--dist", "loadscope"]


def prepare(source: Path, target: Path, quick: bool) -> Path:
    """Copy the notebooks in `source` to `target`, with their outputs and all answers to exercises."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for lesson in texts.find_lessons():
        notebook = add_answers(nbformat.read(source / f"{lesson.stem}.ipynb", as_version=4), lesson)
        path = target / f"{lesson.stem}.ipynb"
        nbformat.write(notebook, path)
        [values] = choose_parameters([notebook], {}, quick)
        papermill.execute_notebook(path, path, values, prepare_only=True, progress_bar=False)
    return target


def add_answers(notebook: nbformat.NotebookNode, lesson: Path) -> nbformat.NotebookNode:
    """Return a lesson with the cells that try each answer, and the outputs that a notebook stores."""
    stored = iter(cell for cell in notebook.cells if cell.cell_type == "code")
    answered = texts.read_lesson(lesson, answers=True)
    for cell in answered.cells:
        if cell.cell_type == "code" and not texts.is_answer(cell):
            published = next(stored)
            if published.source != cell.source:
                raise SystemExit(
                    f"{lesson.stem}: make notebooks, because its text has changed:\n{cell.source}"
                )
            cell.update(outputs=published.outputs, execution_count=published.execution_count)
    return answered


if __name__ == "__main__":
    options = sys.argv[1:]
    folder = prepare(ROOT / "notebooks", ROOT / "build" / "nbval", quick="--full" not in options)
    limits = ["--nbval-cell-timeout=1800", "--nbval-kernel-startup-timeout=600"]
    least = LEAST_COMPARED["MNIST" if mnist_files.find() else "UCI digits"]
    limits += [f"--min-compared={least}", *(option for option in options if option != "--full")]
    command = [*PYTEST, *limits, str(folder)]
    sys.exit(subprocess.call(command, cwd=ROOT))
