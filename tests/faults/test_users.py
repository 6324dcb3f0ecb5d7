"""Users who lack something: a home folder, the right to write, or trust in what lies in their folders."""

import os
import sys
from pathlib import Path

import pytest
from machine import (
    call_without_home,
    call_without_rights,
    make_read_only,
    run_without_rights,
    shared_folder,
    small_file_system,
)
from stand_ins import pack

from mnist_helpers import datasets, environment, mnist_files
from mnist_helpers.errors import SetupError
from mnist_helpers.lessons import kernels, pages
from mnist_helpers.study import store

ROOT = Path(__file__).resolve().parents[2]
PARAMETERS = '# %% tags=["parameters"]\nepochs: int = 5  # 1 to 100: passes over the training images'
pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="needs POSIX rights and processes"),
    pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning"),
]


@pytest.fixture
def no_cache(monkeypatch):
    """Leave the cache to the home folder, and load once what a user without rights may not import."""
    datasets.load("auto")
    kernels.check_kernel()
    monkeypatch.delenv("MNIST_HELPERS_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("KERAS_HOME")


def test_user_without_a_home_folder_is_told_and_no_folder_of_that_name_is_made(
    no_cache, splittable, monkeypatch
):
    with shared_folder() as folder:
        (folder / "mnist.npz").write_bytes(pack(**splittable))
        (folder / "mnist.npz").chmod(0o644)
        mnist_files.read(folder)  # imports what a user without rights may not
        monkeypatch.chdir(folder)
        advice = "SetupError: this user has no home folder: set HOME to a folder that you may write"
        loaded = call_without_home(lambda: datasets.load("auto"))
        assert loaded == f"{advice}, or MNIST_HELPERS_CACHE to a folder for MNIST"
        assert call_without_home(lambda: environment.check("run")) == advice
        assert call_without_home(kernels.check_kernel) == advice
        monkeypatch.setenv("MNIST_HELPERS_OFFLINE", "1")
        assert call_without_home(lambda: datasets.load("auto").name) == "UCI digits"
        monkeypatch.setenv("MNIST_HELPERS_DATA", "mnist.npz")
        assert call_without_home(lambda: datasets.load("auto").name) == "MNIST"
        monkeypatch.delenv("MNIST_HELPERS_OFFLINE")
        monkeypatch.delenv("MNIST_HELPERS_DATA")
        monkeypatch.setenv("MNIST_HELPERS_CACHE", str(folder / "cache"))
        assert call_without_home(lambda: datasets.load("auto").name) == "UCI digits"
        assert sorted(path.name for path in folder.iterdir()) == ["cache", "mnist.npz"]


def test_home_folder_that_cannot_be_written_is_named_with_the_variable(no_cache, monkeypatch):
    with shared_folder() as folder:
        folder.chmod(0o555)
        monkeypatch.setenv("HOME", str(folder))
        found = call_without_rights(lambda: datasets.load("auto").name)
        assert found.startswith(f"SetupError: {folder}/")
        assert "cannot be written (Permission denied): set MNIST_HELPERS_CACHE" in found
        monkeypatch.setenv("MNIST_HELPERS_OFFLINE", "1")
        assert call_without_rights(lambda: datasets.load("auto").name) == "UCI digits"


@pytest.mark.parametrize("value", ["~/digits", "~"])
def test_cache_in_the_home_folder_may_be_written_with_a_tilde(value, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MNIST_HELPERS_CACHE", value)
    assert mnist_files.cache_folder() == tmp_path / value[2:]


@pytest.mark.full
def test_lesson_runs_where_the_home_folder_cannot_be_written(write_lesson):
    with shared_folder() as folder:
        write_lesson(folder / "lessons", "01_first", PARAMETERS, "# %%\nimport mnist_helpers")
        for name in ("home", "temporary"):
            (folder / name).mkdir()
        (folder / "home").chmod(0o555)
        (folder / "temporary").chmod(0o777)
        variables = {"HOME": folder / "home", "TMPDIR": folder / "temporary", "PYTHONPATH": ROOT}
        command = [sys.executable, "-c", "from mnist_helpers.cli import main; main()", "run", "--folder"]
        done = run_without_rights(
            [*command, "lessons", "--output", "out"], cwd=folder, env=os.environ | variables
        )
        assert done.returncode == 0, done.stderr
        assert sorted(path.name for path in (folder / "out").iterdir()) == ["01_first.html", "01_first.ipynb"]
        assert list((folder / "home").iterdir()) == []


def open_study(folder):
    with store.open_folder(folder):
        return "opened"


# What writes results, and the folder inside its own that may be the one without rights.
WRITERS = {
    "lessons": (lambda folder: pages.make_scratch(folder).name, "", "choose another folder"),
    "lessons, new folder": (lambda folder: pages.make_scratch(folder / "new").name, "", "choose another"),
    "study": (open_study, "", "use --output"),
    "study's runs": (open_study, "runs", "use --output"),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_folder_without_rights_is_found_before_anything_runs(writer):
    write, inside, advice = WRITERS[writer]
    with shared_folder() as folder:
        (folder / inside).mkdir(exist_ok=True)
        (folder / inside).chmod(0o555)
        found = call_without_rights(lambda: write(folder))
        (folder / inside).chmod(0o755)
        assert found.startswith("SetupError: "), found
        assert f"{folder}" in found
        assert "(Permission denied)" in found
        assert advice in found
        assert [path for path in folder.rglob("*") if path != folder / inside] == []


@pytest.mark.parametrize("writer", WRITERS)
def test_read_only_file_system_is_found_before_anything_runs(writer):
    write, inside, advice = WRITERS[writer]
    with small_file_system() as folder:
        (folder / inside).mkdir(exist_ok=True)
        make_read_only(folder)
        with pytest.raises(SetupError, match=rf"\(Read-only file system\).*{advice}"):
            write(folder)
