"""What the sources must not do: open the test set too early, or run code that is hidden in a data file."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LESSONS = sorted((ROOT / "lessons").glob("*.py"))
PACKAGE = sorted((ROOT / "mnist_helpers").rglob("*.py"))
UNSAFE = {"load_model", "load_weights", "pickle", "cloudpickle", "dill", "joblib", "read_pickle"}


def uses(code, name):
    """Return whether the code uses a name: a call, an alias or a string that could become one."""
    for node in ast.walk(ast.parse(code)):
        if name in (getattr(node, "attr", None), getattr(node, "id", None), getattr(node, "value", None)):
            return True
    return False


def find_users(files, name):
    """Return the paths of the files that use a name, relative to the repository."""
    users = [file for file in files if uses(file.read_text(encoding="utf-8"), name)]
    return [file.relative_to(ROOT).as_posix() for file in users]


def find_unsafe(code):
    """Return what in the code could run code that is hidden in a data file."""
    found = []
    for node in ast.walk(ast.parse(code)):
        names = {getattr(node, "attr", None), getattr(node, "id", None), getattr(node, "module", None)}
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.name for alias in node.names}
        allows_pickle = isinstance(node, ast.keyword) and node.arg == "allow_pickle"
        if names & UNSAFE or (allows_pickle and getattr(node.value, "value", True)):
            found.append(ast.unparse(node))
    return found


def test_lesson_07_alone_of_the_lessons_opens_the_test_set():
    assert find_users(LESSONS, "open_test") == ["lessons/07_conclusion.py"]


def test_the_study_alone_of_the_package_opens_the_test_set():
    users = find_users(PACKAGE, "open_test")
    assert users
    assert [user for user in users if not user.startswith("mnist_helpers/study/")] == []


def test_nothing_but_the_data_module_reaches_behind_open_test():
    assert find_users([*LESSONS, *PACKAGE], "_test") == ["mnist_helpers/datasets.py"]


@pytest.mark.parametrize(
    "code", ["digits.open_test()", "f = digits.open_test", "getattr(digits, 'open_test')()"]
)
def test_scan_finds_who_opens_the_test_set(code):
    assert uses(code, "open_test")
    assert not uses("def open_test(): ...", "open_test")


def test_nothing_loads_models_or_pickles():
    files = [*PACKAGE, *LESSONS]
    assert [found for file in files for found in find_unsafe(file.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    "code",
    [
        "keras.models.load_model('x.keras')",
        "from keras.models import load_model",
        "model.load_weights('x.h5')",
        "import pickle",
        "import cloudpickle as p",
        "from pickle import loads",
        "np.load('x.npy', allow_pickle=True)",
        "pd.read_pickle('x')",
    ],
)
def test_scan_finds_what_runs_code_from_a_file(code):
    assert find_unsafe(code)
