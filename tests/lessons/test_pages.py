"""What an executed lesson looks like as a stored notebook and as a page."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import psutil
import pytest

from mnist_helpers.lessons import pages, run

PARAMETERS = '# %% tags=["parameters"]\nepochs: int = 5  # 1 to 100: passes over the training images'
WIDGET = "application/vnd.jupyter.widget-view+json"


def make_notebook(*outputs):
    """Return a notebook as papermill leaves it, with the outputs in its one code cell."""
    code = nbformat.v4.new_code_cell("1", outputs=list(outputs), metadata={"papermill": {}, "execution": {}})
    code.metadata["tags"] = []
    text = nbformat.v4.new_markdown_cell("# First", metadata={"papermill": {}, "tags": ["kept"]})
    about = {"papermill": {"duration": 1.5}, "language_info": {"name": "python", "version": "3.11.7"}}
    return nbformat.v4.new_notebook(cells=[text, code], metadata=about)


def make_stream(name, text):
    return nbformat.v4.new_output("stream", name=name, text=text)


@pytest.fixture
def folders(tmp_path):
    """Return a folder for finished files and a scratch folder inside it."""
    scratch = tmp_path / "out" / ".run-1"
    scratch.mkdir(parents=True)
    return scratch.parent, scratch


def test_two_executions_of_the_same_lesson_give_equal_notebooks():
    first = make_notebook(make_stream("stdout", "same\n"))
    second = make_notebook(make_stream("stdout", "same\n"))
    second.metadata.papermill.duration = 2.5
    second.metadata.language_info.version = "3.13.1"
    assert first != second
    pages.clean(first)
    pages.clean(second)
    assert first == second
    assert first.metadata == {"language_info": {"name": "python"}}
    assert [cell.metadata for cell in first.cells] == [{"tags": ["kept"]}, {}]
    assert len({cell.id for cell in first.cells}) == 2


def test_log_lines_of_tensorflow_are_removed_and_other_warnings_stay():
    noise = "I0000 oneDNN custom operations are on\n"
    written = [("stderr", f"{noise}look here\n"), ("stderr", noise), ("stdout", noise)]
    notebook = make_notebook(*(make_stream(name, text) for name, text in written))
    pages.clean(notebook)
    kept = [(output.name, output.text) for output in notebook.cells[1].outputs]
    assert kept == [("stderr", "look here\n"), ("stdout", noise)]


def test_widget_is_removed_and_its_text_stays():
    shown = nbformat.v4.new_output("display_data", {WIDGET: {}, "text/plain": "A drawing pad"})
    notebook = make_notebook(shown)
    pages.clean(notebook)
    assert notebook.cells[1].outputs[0].data == {"text/plain": "A drawing pad"}


def test_finished_lesson_replaces_what_a_failed_run_left(folders):
    folder, scratch = folders
    pages.keep_failed(make_notebook(make_stream("stdout", "half\n")), "01_first", folder, scratch)
    assert sorted(path.name for path in folder.iterdir()) == [".run-1", "01_first.failed.ipynb"]
    pages.publish(make_notebook(make_stream("stdout", "whole\n")), "01_first", folder, scratch)
    assert sorted(path.name for path in folder.iterdir()) == [".run-1", "01_first.html", "01_first.ipynb"]
    assert list(scratch.iterdir()) == []
    nbformat.validate(nbformat.read(folder / "01_first.ipynb", 4))
    assert "whole" in (folder / "01_first.html").read_text(encoding="utf-8")


def test_failed_run_keeps_the_files_of_an_earlier_finished_one(folders):
    folder, scratch = folders
    pages.publish(make_notebook(make_stream("stdout", "whole\n")), "01_first", folder, scratch)
    before = (folder / "01_first.ipynb").read_bytes()
    pages.keep_failed(make_notebook(make_stream("stdout", "half\n")), "01_first", folder, scratch)
    assert (folder / "01_first.ipynb").read_bytes() == before
    assert (folder / "01_first.failed.ipynb").exists()


def test_write_that_fails_leaves_the_earlier_notebook_whole(folders, monkeypatch):
    folder, scratch = folders
    pages.publish(make_notebook(), "01_first", folder, scratch)
    before = {path.name: path.read_bytes() for path in folder.glob("01*")}

    def write_half(notebook, path):
        path.write_text('{"cells": [')
        raise OSError("no space left")

    monkeypatch.setattr(nbformat, "write", write_half)
    with pytest.raises(OSError, match="no space"):
        pages.publish(make_notebook(), "01_first", folder, scratch)
    assert {path.name: path.read_bytes() for path in folder.glob("01*")} == before


def test_folders_of_killed_runs_are_removed_and_those_of_running_ones_stay(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    names = [
        f".run-{ended.pid}-a",
        f".run-{os.getpid()}-before",
        f".run-{os.getpid()}-now",
        ".run-old",
        "run",
    ]
    for name in names:
        (tmp_path / name / "inside").mkdir(parents=True)
    # A process has this number now that is not the one that made the folder.
    earlier = psutil.Process().create_time() - 3600
    os.utime(tmp_path / names[1], (earlier, earlier))
    (tmp_path / ".run-file").touch()
    with pages.make_scratch(tmp_path) as scratch:
        left = {path.name for path in tmp_path.iterdir()}
    assert left == {names[2], ".run-old", "run", ".run-file", Path(scratch).name}
    assert not Path(scratch).exists()


def test_log_lines_of_a_real_kernel_are_removed(make_lesson, tmp_path, monkeypatch):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # with it, ipykernel leaves the output of C++ code alone
    code = '# %%\nimport os\n_ = os.write(2, b"I0000 oneDNN custom operations are on\\nlook here\\n")'
    list(run.run_lessons([make_lesson("01_first", PARAMETERS, code)], tmp_path / "out"))
    cell = nbformat.read(tmp_path / "out" / "01_first.ipynb", 4).cells[-1]
    assert [output.text for output in cell.outputs] == ["look here\n"]


def test_drawing_pad_is_stored_as_a_sentence_alone(make_lesson, tmp_path):
    code = "# %%\nfrom mnist_helpers import drawing\n\ndrawing.DrawingPad(print)"
    [result] = run.run_lessons([make_lesson("01_first", PARAMETERS, code)], tmp_path / "out")
    assert not result.error
    notebook = nbformat.read(tmp_path / "out" / "01_first.ipynb", 4)
    [output] = notebook.cells[-1].outputs
    assert list(output.data) == ["text/plain"]
    assert output.data["text/plain"].startswith("A drawing pad: run this cell")
    assert "widgets" not in notebook.metadata
    page = (tmp_path / "out" / "01_first.html").read_text(encoding="utf-8")
    assert "A drawing pad: run this cell" in page
    assert "widget-view+json" not in page
