"""Parameters of lessons: which values are accepted, with which type, and what the others are told."""

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest
from click.testing import CliRunner
from papermill.cli import papermill

from mnist_helpers.errors import UsageError
from mnist_helpers.lessons import texts
from mnist_helpers.lessons.parameters import QUICK, choose_parameters

ROOT = Path(__file__).resolve().parents[2]

PARAMETERS = """# %% tags=["parameters"]
dataset: str = "auto"  # auto, mnist or uci: the images to use
epochs: int = 5  # 1 to 100: passes over the training images
train_size: int = 2_000  # 10 to 50_000: number of training images
rate: float = 1e-3  # 1e-6 to 1: learning rate
shuffle: bool = True  # true or false: a new order in each epoch
label: str = "a"  # 1 to 9: no text lies in a range
width: complex = 1  # 1 to 9: no parameter has this type"""


@pytest.fixture
def notebook(make_lesson):
    return texts.read_lesson(make_lesson("01_first", PARAMETERS))


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("epochs", "1", 1),
        ("epochs", "100", 100),
        ("train_size", "50_000", 50_000),
        ("rate", "0.5", 0.5),
        ("dataset", "uci", "uci"),
        ("dataset", "auto", "auto"),
        ("shuffle", "true", True),
        ("shuffle", "false", False),
    ],
)
def test_allowed_setting_becomes_a_value_of_its_type(name, text, value, notebook):
    [chosen] = choose_parameters([notebook], {name: text})
    assert chosen == {name: value}
    assert type(chosen[name]) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        *(("epochs", text, "1 to 100") for text in ("0", "-1", "101", "abc", "nan", "inf", "1e9", "2.5", "")),
        *(("rate", text, "1e-6 to 1") for text in ("nan", "inf", "-inf", "0", "1e9")),
        *(("dataset", text, "auto, mnist or uci") for text in ("cifar", "auto, mnist", '"; import os')),
        ("shuffle", "1", "true or false"),
        ("label", "5", "1 to 9"),
        ("width", "5", "1 to 9"),
        ("epoch", "3", "Did you mean epochs"),
        ("epochs; import os", "3", "no parameter"),
    ],
)
def test_impossible_setting_is_refused_with_what_is_possible(name, text, hint, notebook):
    with pytest.raises(UsageError, match=hint):
        choose_parameters([notebook], {name: text})


def test_quick_profile_sets_what_each_lesson_has_and_settings_win(notebook, make_lesson):
    second = make_lesson("02_second", '# %% tags=["parameters"]\nepochs: int = 5  # 1 to 9: passes')
    notebooks = [notebook, texts.read_lesson(second)]
    chosen = choose_parameters(notebooks, {"train_size": "50"}, quick=True)
    assert chosen == [{"train_size": 50, "epochs": QUICK["epochs"]}, {"epochs": QUICK["epochs"]}]


def test_setting_that_only_one_lesson_has_is_accepted_for_that_one(notebook, make_lesson):
    second = make_lesson("02_second", '# %% tags=["parameters"]\nwidth: int = 5  # 1 to 9: pixels')
    assert choose_parameters([notebook, texts.read_lesson(second)], {"rate": "0.1"}) == [{"rate": 0.1}, {}]


# The check in a lesson's own cell, whoever runs it.

CHECK = "# %%\nfrom mnist_helpers.lessons import parameters\n\nparameters.check()"


@pytest.fixture
def run_script(make_lesson):
    """Return a function that runs the two cells as a script, after replacing a part of the first."""

    def run(old="", new="", after=""):
        assert old in PARAMETERS
        cells = [PARAMETERS.replace(old, new, 1).rpartition("\nlabel")[0], f"# %%\n{after}", CHECK]
        runpy.run_path(str(make_lesson("01_first", *cells)))

    return run


@pytest.mark.parametrize(("old", "new"), [("", ""), ("1e-3", "1"), ("= 5 ", "=7"), ("True", "False")])
def test_allowed_values_pass_without_a_word(old, new, run_script, capsys):
    run_script(old, new)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("= 5", "= 0", "epochs=0: int, 1 to 100 is needed"),
        ("= 5", "= '1'", "epochs='1': int, 1 to 100 is needed"),
        ("= 5", "= True", "epochs=True: int, 1 to 100 is needed"),
        ("= 5", "= None", "epochs=None: int, 1 to 100 is needed"),
        ("2_000", "300.5", "train_size=300.5: int, 10 to 50_000 is needed"),
        ("1e-3", "float('nan')", "rate=nan: float, 1e-6 to 1 is needed"),
        ("True", "1", "shuffle=1: bool, true or false is needed"),
        ('"auto"', '"cifar"', "dataset=cifar: str, auto, mnist or uci is needed"),
    ],
)
def test_edited_value_is_refused_as_the_command_would(old, new, message, run_script):
    with pytest.raises(UsageError) as caught:
        run_script(old, new)
    assert str(caught.value) == message
    assert caught.value._render_traceback_() == [f"UsageError: {message}"]


def test_command_and_cell_say_the_same(notebook, run_script):
    with pytest.raises(UsageError) as by_command:
        choose_parameters([notebook], {"epochs": "0"})
    with pytest.raises(UsageError) as by_cell:
        run_script("= 5", "= 0")
    assert str(by_command.value) == str(by_cell.value)


def test_value_set_between_the_two_cells_is_refused(run_script):
    with pytest.raises(UsageError, match="epochs=0: int"):
        run_script(after="epochs = 0")


def test_line_that_lost_its_range_is_refused_with_an_example(run_script):
    with pytest.raises(
        UsageError, match=r"epochs: type and allowed values are missing, as in dataset: str = "
    ):
        run_script("epochs: int = 5  # 1 to 100: passes over the training images", "epochs = 0")


def test_cell_that_declares_nothing_is_refused(make_lesson):
    with pytest.raises(UsageError, match="run the cell above first"):
        runpy.run_path(str(make_lesson("01_first", "# %%\nepochs = 0", CHECK)))


@pytest.fixture
def trap(make_lesson, tmp_path):
    """Write a notebook whose last cell, a training so to speak, leaves a file; return its path."""
    train = f"# %%\nimport pathlib\n\npathlib.Path({str(tmp_path / 'trained')!r}).touch()"
    path = tmp_path / "lesson.ipynb"
    jupytext.write(
        jupytext.read(make_lesson("01_first", PARAMETERS.rpartition("\nlabel")[0], CHECK, train)), path
    )
    return path


def read_outputs(path):
    return [output for cell in nbformat.read(path, 4).cells for output in cell.get("outputs", ())]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-r", "epochs", "1"), "epochs='1': int, 1 to 100 is needed"),
        (("-p", "train_size", "300.5"), "train_size=300.5: int, 10 to 50_000 is needed"),
    ],
)
def test_papermill_is_refused_in_one_line_before_anything_is_trained(options, message, trap, tmp_path):
    done = CliRunner().invoke(
        papermill, [str(trap), str(tmp_path / "out.ipynb"), "--no-progress-bar", *options]
    )
    assert message in str(done.exception)
    [error] = [out for out in read_outputs(tmp_path / "out.ipynb") if out.output_type == "error"]
    assert error.traceback == [f"UsageError: {message}"]
    assert not (tmp_path / "trained").exists()


def test_name_that_papermill_lets_through_is_named_in_the_first_output(trap, tmp_path):
    options = ["--no-progress-bar", "-p", "epochs", "3", "-p", "epoch", "3"]
    done = CliRunner().invoke(papermill, [str(trap), str(tmp_path / "out.ipynb"), *options])
    assert done.exit_code == 0, done.output
    first = read_outputs(tmp_path / "out.ipynb")[0]
    assert first.text.startswith("Not used: There is no parameter 'epoch'. Did you mean epochs? There are: ")
    assert first.text.count("\n") == 1
    assert (tmp_path / "trained").exists()


@pytest.mark.parametrize("runner", ["nbconvert", "nbval"])
def test_edited_cell_is_refused_in_one_line_whatever_runs_it(runner, trap, tmp_path):
    notebook = nbformat.read(trap, 4)
    notebook.cells[0].source = notebook.cells[0].source.replace("= 5", "= 0")
    nbformat.write(notebook, trap)
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]")
    folders = [str(ROOT / "tests"), os.environ.get("PYTHONPATH")]
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, folders))}
    options = {
        "nbconvert": ["nbconvert", "--execute", "--to", "notebook", "--output", "out.ipynb"],
        "nbval": ["pytest", "-p", "no:cacheprovider", "--nbval-lax", "--nbval-kernel-startup-timeout=600"],
    }
    command = [sys.executable, "-m", *options[runner], str(trap)]
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True)
    assert done.returncode == 1
    text = done.stdout + done.stderr
    assert "UsageError: epochs=0: int, 1 to 100 is needed" in text
    assert "check()" in text  # the cell
    assert "_refusal" not in text  # what lies behind it
    assert not (tmp_path / "trained").exists()
