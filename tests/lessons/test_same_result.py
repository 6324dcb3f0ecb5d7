"""Whatever runs a lesson, the same parameters give the same result, in little memory."""

import copy
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from mnist_helpers.lessons import run, texts

ROOT = Path(__file__).resolve().parents[2]
LESSON = texts.find_lessons()[1]  # the first that trains
NOTEBOOK = ROOT / "notebooks" / f"{LESSON.stem}.ipynb"
VALUES = {"train_size": "500", "epochs": "1", "n_seeds": "2", "small_size": "100", "long_epochs": "2"}
MOST_MEGABYTES = 950  # Binder guarantees 1 GB


def read_headline(path):
    cells = nbformat.read(path, 4).cells
    [cell] = [cell for cell in cells if "headline" in cell.metadata.get("tags", ())]
    return cell.outputs[0].text.strip()


def edit_values(notebook):
    """Set `VALUES` as a reader does, in the cell of parameters."""
    [cell] = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    lines = cell.source.splitlines()
    for name, value in VALUES.items():
        [at] = [number for number, line in enumerate(lines) if line.startswith(f"{name}:")]
        head, _, rest = lines[at].partition(" = ")
        lines[at] = f"{head} = {value}  #{rest.partition('#')[2]}"
    cell.source = "\n".join(lines)


@pytest.fixture(scope="module")
def edited():
    notebook = nbformat.read(NOTEBOOK, 4)
    edit_values(notebook)
    return notebook


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """Return what the command makes of the lesson."""
    [result] = run.run_lessons([LESSON], tmp_path_factory.mktemp("run"), VALUES)
    assert result.error == ""
    return result.headline


@pytest.mark.full
def test_papermill_gives_the_headline_of_the_command(expected, tmp_path):
    values = [text for name, value in VALUES.items() for text in ("-p", name, value)]
    command = ["papermill", NOTEBOOK, tmp_path / "out.ipynb", "--no-progress-bar", *values]
    subprocess.run([sys.executable, "-m", *command], cwd=tmp_path, check=True)
    assert read_headline(tmp_path / "out.ipynb") == expected


@pytest.mark.full
def test_nbconvert_gives_the_headline_of_the_command_and_nbval_agrees(edited, expected, tmp_path):
    nbformat.write(edited, tmp_path / "edited.ipynb")
    command = ["jupyter", "nbconvert", "--execute", "--to", "notebook", "--output", "out.ipynb"]
    subprocess.run([sys.executable, "-m", *command, tmp_path / "edited.ipynb"], cwd=tmp_path, check=True)
    assert read_headline(tmp_path / "out.ipynb") == expected

    notebook = nbformat.read(tmp_path / "out.ipynb", 4)
    for cell in notebook.cells:
        is_headline = "headline" in cell.metadata.get("tags", ())
        cell.metadata["tags"] = ["nbval-check-output"] if is_headline else []
    nbformat.write(notebook, ROOT / "build" / "same_result.ipynb")
    command = ["pytest", "-q", "--nbval-lax", "--min-compared=1", "build/same_result.ipynb"]
    subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=True)


@pytest.mark.full
def test_run_all_twice_in_one_kernel_in_an_empty_folder_gives_the_same_headline(edited, expected, tmp_path):
    twice = copy.deepcopy(edited)
    twice.cells += copy.deepcopy(edited.cells)
    for number, cell in enumerate(twice.cells):
        cell.id = f"cell-{number}"
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(twice, kernel_name="python3", timeout=600, resources=resources).execute()
    headlines = [cell for cell in twice.cells if "headline" in cell.metadata.get("tags", ())]
    assert [cell.outputs[0].text.strip() for cell in headlines] == [expected, expected]


@pytest.mark.full
def test_every_kernel_stays_below_the_memory_that_binder_guarantees(tmp_path):
    """Two at a time, so that each runs beside other load."""
    results = list(run.run_lessons(texts.find_lessons(), tmp_path, quick=True, jobs=2))
    peaks = {result.lesson: result.peak_megabytes for result in results}
    assert len(peaks) == 7
    assert {lesson: peak for lesson, peak in peaks.items() if peak > MOST_MEGABYTES} == {}
