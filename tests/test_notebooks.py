import json

import jupytext
import nbformat
import pytest

from mnist_helpers import notebooks
from mnist_helpers.errors import SetupError, UsageError

PARAMETERS = """# %% tags=["parameters"]
dataset: str = "auto"  # auto, mnist or uci: the images to use
epochs: int = 5  # 1 to 100: passes over the training images
train_size: int = 2_000  # 10 to 50_000: number of training images
rate: float = 1e-3  # 1e-6 to 1: learning rate
shuffle: bool = True  # true or false: another order in each epoch"""
DATA = '# %%\nprint("UCI digits (embedded)")'
HEADLINE = '# %% tags=["headline"]\nprint(f"{epochs} epochs of {train_size}")'


@pytest.fixture
def lesson(make_lesson):
    return make_lesson("01_first", "# %% [markdown]\n# # First", PARAMETERS, DATA, HEADLINE)


@pytest.mark.parametrize("name", ["02", "02_second", "lessons/02_second.py", "notebooks/02_second.ipynb"])
def test_lesson_is_found_by_number_name_or_path(name, lesson, make_lesson):
    second = make_lesson("02_second", PARAMETERS)
    assert notebooks.find_lessons([name], lesson.parent) == [second]
    assert notebooks.find_lessons([], lesson.parent) == [lesson, second]


def test_unknown_lesson_is_refused_with_the_nearest(lesson):
    with pytest.raises(UsageError, match="Did you mean 01_first"):
        notebooks.find_lessons(["01_frist"], lesson.parent)


def test_folder_without_lessons_is_refused(tmp_path):
    with pytest.raises(SetupError, match="pip install -e"):
        notebooks.find_lessons([], tmp_path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("epochs=1", 1),
        ("epochs=100", 100),
        ("rate=0.5", 0.5),
        ("dataset=uci", "uci"),
        ("shuffle=false", False),
    ],
)
def test_setting_within_its_range_becomes_a_value_of_its_type(text, value, lesson):
    name, text = text.split("=")
    assert notebooks.choose_parameters([notebooks.read_lesson(lesson)], {name: text}) == [{name: value}]


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        *(("epochs", text, "1 to 100") for text in ("0", "-1", "101", "abc", "nan", "inf", "1e9", "2.5", "")),
        *(("rate", text, "1e-6 to 1") for text in ("nan", "inf", "-inf", "0", "1e9")),
        *(("dataset", text, "auto, mnist or uci") for text in ("cifar", "auto, mnist", '"; import os')),
        ("shuffle", "1", "true or false"),
        ("epoch", "3", "Did you mean epochs"),
        ("epochs; import os", "3", "no parameter"),
    ],
)
def test_impossible_setting_is_refused_with_what_is_possible(name, text, hint, lesson):
    with pytest.raises(UsageError, match=hint):
        notebooks.choose_parameters([notebooks.read_lesson(lesson)], {name: text})


def test_quick_profile_applies_where_it_can_and_settings_win(lesson, make_lesson):
    other = make_lesson("02_second", '# %% tags=["parameters"]\nepochs: int = 5  # 1 to 9: passes')
    lessons = [notebooks.read_lesson(path) for path in (lesson, other)]
    first, second = notebooks.choose_parameters(lessons, {"train_size": "50"}, quick=True)
    assert first == {"train_size": 50, "epochs": notebooks.QUICK["epochs"]}
    assert second == {"epochs": notebooks.QUICK["epochs"]}


def test_lesson_run_with_its_defaults_is_clean_pairs_with_its_text_and_repeats(lesson, tmp_path):
    output = tmp_path / "new" / "folder"
    [result] = notebooks.run_lessons([lesson], output)
    assert (result.dataset, result.headline, result.error) == ("UCI digits", "5 epochs of 2000", "")
    assert 0 < result.seconds < 60
    assert result.peak_megabytes is None or 20 < result.peak_megabytes < 500
    assert sorted(path.name for path in output.iterdir()) == ["01_first.html", "01_first.ipynb"]
    notebook = jupytext.read(output / "01_first.ipynb")
    nbformat.validate(notebook)
    assert jupytext.writes(notebook, fmt="py:percent") == lesson.read_text()
    assert notebook.metadata.mnist_helpers.code_sha256 == notebooks.hash_code(notebook)
    assert "papermill" not in json.dumps(notebook)
    assert "version" not in notebook.metadata.language_info
    first = (output / "01_first.ipynb").read_bytes()
    list(notebooks.run_lessons([lesson], output))
    assert (output / "01_first.ipynb").read_bytes() == first


def test_lessons_side_by_side_share_the_cores_and_the_last_one_starts_first(
    make_lesson, tmp_path, monkeypatch
):
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 6)
    code = (
        '# %% tags=["headline"]\nimport os\nimport time\n\n'
        'print(os.environ["TF_NUM_INTRAOP_THREADS"], os.environ["SET_LATER"], time.monotonic())'
    )
    lessons = [make_lesson(name, PARAMETERS, code) for name in ("01_first", "02_second", "03_third")]
    found = {}
    for jobs in (1, 2):  # the server that processes begin from already runs in the second round
        monkeypatch.setenv("SET_LATER", f"round {jobs}")
        results = notebooks.run_lessons(lessons, tmp_path / "out", jobs=jobs)
        found[jobs] = {result.lesson: result.headline.split() for result in results}
    assert {tuple(said[:3]) for said in found[1].values()} == {("6", "round", "1")}
    assert {tuple(said[:3]) for said in found[2].values()} == {("3", "round", "2")}
    assert min(found[1], key=lambda name: float(found[1][name][3])) == "01_first"
    assert max(found[2], key=lambda name: float(found[2][name][3])) == "01_first"


def test_log_lines_of_tensorflow_are_left_out_and_other_warnings_stay(make_lesson, tmp_path, monkeypatch):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # with it, ipykernel leaves the output of C++ parts alone
    code = '# %%\nimport os\n_ = os.write(2, b"I0000 oneDNN custom operations are on\\nlook here\\n")'
    list(notebooks.run_lessons([make_lesson("01_first", PARAMETERS, code)], tmp_path / "out"))
    cell = nbformat.read(tmp_path / "out" / "01_first.ipynb", 4).cells[-1]
    assert [output.text for output in cell.outputs] == ["look here\n"]


def test_drawing_pad_stands_in_a_stored_notebook_as_a_sentence_alone(make_lesson, tmp_path):
    code = "# %%\nfrom mnist_helpers import drawing\n\ndrawing.DrawingPad(print)"
    [result] = notebooks.run_lessons([make_lesson("01_first", PARAMETERS, code)], tmp_path / "out")
    assert not result.error
    notebook = nbformat.read(tmp_path / "out" / "01_first.ipynb", 4)
    [output] = notebook.cells[-1].outputs
    assert list(output.data) == ["text/plain"]
    assert output.data["text/plain"].startswith("A drawing pad: run this cell")
    assert "widgets" not in notebook.metadata
    page = (tmp_path / "out" / "01_first.html").read_text(encoding="utf-8")
    assert "A drawing pad: run this cell" in page
    assert "widget-view+json" not in page
