"""Running lessons when things go wrong: the faults are real, the numbers are those of the project's table."""

import ast
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from mnist_helpers import notebooks
from mnist_helpers.errors import SetupError, UsageError

ROOT = Path(__file__).resolve().parents[1]
PARAMETERS = '# %% tags=["parameters"]\nepochs: int = 5  # 1 to 100: passes over the training images'
SOUND = '# %% tags=["headline"]\nprint("UCI digits: fine")'


def leave_pid(path):
    return f"# %%\nimport os, pathlib, time\n\n_ = pathlib.Path({str(path)!r}).write_text(str(os.getpid()))"


def has_ended(pid, seconds=10):
    deadline = time.monotonic() + seconds
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def test_dead_kernel_is_noticed_and_the_other_lessons_run(make_lesson, tmp_path):  # 20
    deaths = {"01_exits": "os._exit(1)", "02_killed": "os.kill(os.getpid(), 9 if os.name == 'posix' else 15)"}
    before = "# %%\nimport os\n\nprint('before')"
    lessons = [make_lesson(name, PARAMETERS, before, f"# %%\n{code}", SOUND) for name, code in deaths.items()]
    lessons.append(make_lesson("03_sound", PARAMETERS, SOUND))
    start = time.monotonic()
    results = {r.lesson: r for r in notebooks.run_lessons(lessons, tmp_path / "out", jobs=2)}
    assert time.monotonic() - start < 60
    for name, code in deaths.items():
        assert results[name].error.startswith(f"code cell 3 ({code}) ended its kernel")
        kept = nbformat.read(tmp_path / "out" / f"{name}.failed.ipynb", 4)
        nbformat.validate(kept)
        assert kept.cells[1].outputs[0].text == "before\n"
    assert results["03_sound"].headline == "UCI digits: fine"
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["01_exits.failed.ipynb", "02_killed.failed.ipynb", "03_sound.html", "03_sound.ipynb"]


def test_cell_past_its_limit_is_ended_and_named(make_lesson, tmp_path):  # 21
    sleeping = make_lesson("01_slow", PARAMETERS, leave_pid(tmp_path / "pid"), "# %%\ntime.sleep(600)", SOUND)
    [result] = notebooks.run_lessons([sleeping], tmp_path / "out", timeout=2)
    assert "code cell 3 (time.sleep(600)) ran longer than the limit of 2 s" in result.error
    assert has_ended(int((tmp_path / "pid").read_text()))


def test_missing_kernel_is_found_first_with_the_command_that_installs_it(make_lesson, tmp_path):  # 22
    lesson = make_lesson("01_first", PARAMETERS, SOUND, kernel="no-such-kernel")
    with pytest.raises(SetupError, match="ipykernel install --sys-prefix --name no-such-kernel"):
        next(notebooks.run_lessons([lesson], tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("where", ["name", "value"])
def test_code_in_a_setting_never_runs(where, make_lesson, tmp_path):  # 23
    canary = tmp_path / "canary"
    code = f"__import__('pathlib').Path({str(canary)!r}).touch()"
    settings = {f"epochs = {code}; x": "1"} if where == "name" else {"epochs": code}
    lesson = make_lesson("01_first", PARAMETERS, SOUND)
    with pytest.raises(UsageError):
        next(notebooks.run_lessons([lesson], tmp_path / "out", settings))
    assert not canary.exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("inside", [False, True])
def test_output_that_cannot_be_written_is_found_before_a_lesson_runs(inside, make_lesson, tmp_path):  # 24
    canary = tmp_path / "canary"
    lesson = make_lesson("01_first", PARAMETERS, leave_pid(canary))
    blocked = tmp_path / "file"
    blocked.write_text("a file in the place of a folder")
    with pytest.raises(SetupError, match=r"Cannot write into .*choose another folder"):
        next(notebooks.run_lessons([lesson], blocked / "inside" if inside else blocked))
    assert not canary.exists()


@pytest.mark.parametrize(("deaths", "error"), [(1, ""), (2, "RuntimeError: Kernel died before replying")])
def test_kernel_that_dies_as_it_starts_is_started_once_more(
    make_lesson, tmp_path, monkeypatch, deaths, error
):
    """As when two kernels that start together pick the same port."""
    kernel = tmp_path / "kernels" / "mortal"
    kernel.mkdir(parents=True)
    (kernel / "kernel.py").write_text(
        "import pathlib, runpy, sys\n"
        "starts = pathlib.Path(__file__).with_name('starts')\n"
        "starts.write_text(starts.read_text() + 'x' if starts.exists() else 'x')\n"
        f"if len(starts.read_text()) <= {deaths}:\n"
        "    sys.exit(1)\n"
        "runpy.run_module('ipykernel_launcher', run_name='__main__')\n"
    )
    command = [sys.executable, str(kernel / "kernel.py"), "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": "mortal", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    lesson = make_lesson("01_sound", PARAMETERS, SOUND, kernel="mortal")
    [result] = notebooks.run_lessons([lesson], tmp_path / "out")
    assert result.error.startswith(error)
    assert bool(result.error) == bool(error)
    assert (kernel / "starts").read_text() == "xx"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process")
def test_interrupt_keeps_finished_lessons_and_ends_kernels(make_lesson, tmp_path):  # 15
    make_lesson("01_sound", PARAMETERS, SOUND)
    make_lesson("02_slow", PARAMETERS, leave_pid(tmp_path / "pid"), "# %%\ntime.sleep(600)")
    code = (
        "from pathlib import Path; from mnist_helpers import cli, notebooks\n"
        "if __name__ == '__main__':\n"
        f"    notebooks.find_lessons.__defaults__ = ((), Path({str(tmp_path / 'lessons')!r}))\n"
        "    cli.main()\n"
    )
    (tmp_path / "command.py").write_text(code)
    command = [sys.executable, tmp_path / "command.py", "run", "--jobs", "1", "--output", tmp_path / "out"]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": _path()},
        # A job in the background ignores SIGINT and hands that down; somebody who presses Ctrl-C is in front.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "pid").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    stderr = process.communicate(timeout=30)[1]
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert has_ended(int((tmp_path / "pid").read_text()))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["01_sound.html", "01_sound.ipynb"]


def _path():
    return os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])


def test_nothing_loads_models_or_pickles():  # 25
    files = [*(ROOT / "mnist_helpers").glob("*.py"), *(ROOT / "lessons").glob("*.py")]
    assert files
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


def find_unsafe(code):
    """Return what in the code could run code that is hidden in a data file."""
    unsafe = {"load_model", "load_weights", "pickle", "cloudpickle", "dill", "joblib", "read_pickle"}
    found = []
    for node in ast.walk(ast.parse(code)):
        names = {getattr(node, "attr", None), getattr(node, "id", None), getattr(node, "module", None)}
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.name for alias in node.names}
        if (
            isinstance(node, ast.keyword)
            and node.arg == "allow_pickle"
            and getattr(node.value, "value", True)
        ):
            names.add("load_model")
        found += [ast.unparse(node)] * bool(names & unsafe)
    return found
