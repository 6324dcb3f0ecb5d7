"""Find lessons and run them: what comes out when all goes well."""

import json
import time
from pathlib import Path

import jupytext
import nbformat
import pytest

from mnist_helpers.errors import SetupError, UsageError
from mnist_helpers.lessons import run, texts

PARAMETERS = """# %% tags=["parameters"]
epochs: int = 5  # 1 to 100: passes over the training images
train_size: int = 2_000  # 10 to 50_000: number of training images"""
DATA = '# %%\nprint("UCI digits (embedded)")'
HEADLINE = '# %% tags=["headline"]\nprint(f"{epochs} epochs of {train_size}")'


@pytest.fixture
def lesson(make_lesson):
    return make_lesson("01_first", "# %% [markdown]\n# # First", PARAMETERS, DATA, HEADLINE)


@pytest.mark.parametrize("name", ["02", "02_second"])
def test_lesson_is_found_by_number_or_name(name, lesson, make_lesson):
    second = make_lesson("02_second", PARAMETERS)
    assert texts.find_lessons([name], lesson.parent) == [second]


def test_path_is_that_file_whatever_the_folder_of_lessons_holds(lesson, write_lesson, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mine = write_lesson(tmp_path / "my", "01_first", PARAMETERS, DATA)
    assert texts.find_lessons(["my/01_first.py"], lesson.parent) == [Path("my/01_first.py")]
    assert texts.find_lessons([str(mine)], tmp_path / "no lessons here") == [mine]
    assert texts.find_lessons(["01", str(lesson)], lesson.parent) == [lesson]


@pytest.mark.parametrize("name", ["my/01_first.py", "01_first.py", "lessons/01_first", "lessons", "."])
def test_path_of_no_lesson_is_refused_although_one_of_its_name_exists(name, lesson, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"\.ipynb|There is no lesson"):
        texts.find_lessons([name], lesson.parent)


def test_lessons_of_one_name_are_refused_together(lesson, write_lesson, tmp_path):
    mine = write_lesson(tmp_path / "my", "01_first", PARAMETERS, DATA)
    with pytest.raises(UsageError, match="Two lessons of the same name"):
        next(run.run_lessons([lesson, mine], tmp_path / "out"))


FOREIGN = {
    "tool.py": b"print(1)\n",
    "half.ipynb": b'{"cells": [',
    "list.ipynb": b"[]",
    "deep.ipynb": b"[" * 100_000,
    "future.ipynb": b'{"nbformat": 99, "nbformat_minor": 0, "metadata": {}, "cells": []}',
    "binary.py": b"\xff\xfe\x00# %%\n",
    "torn.py": b"# ---\n# jupyter: [\n# ---\n# %%\nprint(1)\n",
    "code.py": b"# ---\n# jupyter: !!python/object/apply:os.mkdir ['out']\n# ---\n# %%\nprint(1)\n",
}


@pytest.mark.parametrize("name", FOREIGN)
def test_file_that_is_no_lesson_is_refused_before_anything_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(FOREIGN[name])
    with pytest.raises(UsageError, match="is no lesson"):
        next(run.run_lessons([tmp_path / name], tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_notebook_is_run_as_its_text_is(lesson, tmp_path):
    list(run.run_lessons([lesson], tmp_path / "out"))
    notebook = tmp_path / "out" / "01_first.ipynb"
    mine = nbformat.read(notebook, 4)
    mine.cells[2].source = 'print("MNIST, they say")'
    nbformat.write(mine, tmp_path / "mine.ipynb")
    [result] = run.run_lessons([tmp_path / "mine.ipynb"], tmp_path / "out")
    assert (result.dataset, result.headline) == ("MNIST", "5 epochs of 2000")
    list(run.run_lessons([notebook], tmp_path / "again"))
    assert (tmp_path / "again" / notebook.name).read_bytes() == notebook.read_bytes()


def test_without_names_all_lessons_are_found_and_a_repeated_one_once(lesson, make_lesson):
    second = make_lesson("02_second", PARAMETERS)
    assert texts.find_lessons([], lesson.parent) == [lesson, second]
    assert texts.find_lessons(["02", "01", "02_second"], lesson.parent) == [lesson, second]


def test_without_a_folder_the_lessons_of_the_repository_are_found():
    assert [path.stem[:2] for path in texts.find_lessons()] == [f"0{number}" for number in range(1, 8)]


def test_unknown_lesson_is_refused_with_the_most_similar_one(lesson):
    with pytest.raises(UsageError, match="Did you mean 01_first"):
        texts.find_lessons(["01_frist"], lesson.parent)


def test_error_lists_each_lesson_once(lesson):
    with pytest.raises(UsageError, match=r"There are: 01_first$"):
        texts.find_lessons(["9"], lesson.parent)


def test_folder_without_lessons_is_refused(tmp_path):
    with pytest.raises(SetupError, match="pip install -e"):
        texts.find_lessons([], tmp_path)


def test_hash_depends_on_the_code_alone(lesson):
    notebook = texts.read_lesson(lesson)
    before = notebook.metadata.mnist_helpers.code_sha256
    notebook.cells[0].source = "# Last"
    notebook.cells[2].execution_count = 7
    assert texts.hash_code(notebook) == before
    notebook.cells[2].source += " "
    assert texts.hash_code(notebook) != before


def test_finished_lesson_reports_and_pairs_with_its_text(lesson, tmp_path):
    output = tmp_path / "new" / "folder"
    start = time.monotonic()
    [result] = run.run_lessons([lesson], output)
    assert 0 < result.seconds < time.monotonic() - start
    assert (result.dataset, result.headline, result.error) == ("UCI digits", "5 epochs of 2000", "")
    assert result.peak_megabytes is None or 20 < result.peak_megabytes < 500
    assert sorted(path.name for path in output.iterdir()) == ["01_first.html", "01_first.ipynb"]
    notebook = jupytext.read(output / "01_first.ipynb")
    nbformat.validate(notebook)
    assert jupytext.writes(notebook, fmt="py:percent") == lesson.read_text()
    assert notebook.metadata.mnist_helpers.code_sha256 == texts.hash_code(notebook)
    assert "papermill" not in json.dumps(notebook)
    assert "version" not in notebook.metadata.language_info


def test_second_run_gives_the_same_notebook(lesson, tmp_path):
    list(run.run_lessons([lesson], tmp_path / "out"))
    first = (tmp_path / "out" / "01_first.ipynb").read_bytes()
    list(run.run_lessons([lesson], tmp_path / "out"))
    assert (tmp_path / "out" / "01_first.ipynb").read_bytes() == first


def test_settings_and_quick_profile_reach_the_cells(lesson, tmp_path):
    [result] = run.run_lessons([lesson], tmp_path / "out", {"epochs": "3"}, quick=True)
    assert result.headline == "3 epochs of 300"


def test_last_lesson_starts_first_where_several_run_at_once(make_lesson, tmp_path):
    code = '# %% tags=["headline"]\nimport time\n\nprint(time.monotonic())'
    lessons = [make_lesson(name, PARAMETERS, code) for name in ("01_first", "02_second", "03_third")]
    started = {}
    for jobs in (1, 2):
        results = run.run_lessons(lessons[: jobs + 1], tmp_path / "out", jobs=jobs)
        started[jobs] = {result.lesson: float(result.headline) for result in results}
    assert min(started[1], key=started[1].get) == "01_first"
    assert max(started[2], key=started[2].get) == "01_first"


def test_number_of_jobs_leaves_tensorflows_threads_alone(make_lesson, tmp_path, monkeypatch):
    """Another number of threads rounds differently: a lesson would show other numbers than in JupyterLab."""
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    code = (
        '# %% tags=["headline"]\nimport os\n\nprint(sorted(name for name in os.environ if "THREADS" in name))'
    )
    lesson = make_lesson("01_first", PARAMETERS, code)
    for jobs in (1, 2):
        [result] = run.run_lessons([lesson], tmp_path / "out", jobs=jobs)
        assert "TF_NUM_INTRAOP_THREADS" not in result.headline


def test_each_run_has_the_environment_variables_of_its_moment(make_lesson, tmp_path, monkeypatch):
    code = '# %% tags=["headline"]\nimport os\n\nprint(os.environ["SET_LATER"], os.environ["SET_BEFORE"])'
    lesson = make_lesson("01_first", PARAMETERS, code)
    monkeypatch.setenv("SET_BEFORE", "kept")
    for number in ("one", "two"):  # in the second round the fork server runs already
        monkeypatch.setenv("SET_LATER", number)
        [result] = run.run_lessons([lesson], tmp_path / "out")
        assert result.headline == f"{number} kept"


def test_answers_to_exercises_are_tested_on_request(make_lesson, tmp_path):
    answer = '# %% tags=["wrong"]\n# too few\ncheck(1)'
    check = (
        "# %%\nfrom mnist_helpers import exercises\n\ncheck = exercises.exercise("
        'expects="a number", second_hint="?")(lambda answer: None)'
    )
    path = make_lesson("01_first", check, answer)
    [result] = run.run_lessons([path], tmp_path / "without")
    assert result.error == ""
    [result] = run.run_lessons([path], tmp_path / "with", answers=True)
    assert "code cell 2 (# too few) raised AssertionError: Right." in result.error
