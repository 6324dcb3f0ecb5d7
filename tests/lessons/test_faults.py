"""Run lessons when things go wrong. The faults are real; the time limits are those of a very busy machine."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent import futures
from pathlib import Path

import nbformat
import psutil
import pytest

from mnist_helpers.errors import SetupError, UsageError
from mnist_helpers.lessons import run, texts

COMMAND = Path(sys.executable).with_name("mnist-helpers")
PATIENCE = 600  # seconds
PARAMETERS = '# %% tags=["parameters"]\nepochs: int = 5  # 1 to 100: passes over the training images'
SOUND = '# %% tags=["headline"]\nprint("UCI digits: fine")'
SLEEP = f"# %%\nimport time\n\ntime.sleep({PATIENCE})"


def write_pid(path):
    """Return a cell that writes the number of its process into a file."""
    return f"# %%\nimport os, pathlib\n\n_ = pathlib.Path({str(path)!r}).write_text(str(os.getpid()))"


def wait_until(condition):
    """Return whether the condition becomes true in time."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def has_ended(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_dead_kernel_is_named_and_the_other_lessons_run(make_lesson, tmp_path):
    deaths = {"01_exits": "os._exit(1)", "02_killed": "os.kill(os.getpid(), 9 if os.name == 'posix' else 15)"}
    before = "# %%\nimport os\n\nprint('before')"
    lessons = [make_lesson(name, PARAMETERS, before, f"# %%\n{code}", SOUND) for name, code in deaths.items()]
    lessons.append(make_lesson("03_sound", PARAMETERS, SOUND))
    results = {result.lesson: result for result in run.run_lessons(lessons, tmp_path / "out", jobs=2)}
    for name, code in deaths.items():
        # A death that nobody notices would end as a cell past its limit.
        assert results[name].error.startswith(f"code cell 3 ({code}) ended its kernel")
        kept = nbformat.read(tmp_path / "out" / f"{name}.failed.ipynb", 4)
        nbformat.validate(kept)
        assert kept.cells[1].outputs[0].text == "before\n"
    assert results["03_sound"].headline == "UCI digits: fine"
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["01_exits.failed.ipynb", "02_killed.failed.ipynb", "03_sound.html", "03_sound.ipynb"]


def test_error_in_a_cell_is_reported_with_cell_and_message(make_lesson, tmp_path):
    lesson = make_lesson("01_broken", PARAMETERS, SOUND, '# %%\nraise ValueError("on purpose")')
    [result] = run.run_lessons([lesson], tmp_path / "out")
    assert result.error == 'code cell 3 (raise ValueError("on purpose")) raised ValueError: on purpose'
    assert (result.dataset, result.headline) == ("UCI digits", "UCI digits: fine")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["01_broken.failed.ipynb"]


def test_cell_past_its_limit_is_ended_and_named(make_lesson, tmp_path):
    lesson = make_lesson("01_slow", PARAMETERS, write_pid(tmp_path / "pid"), SLEEP, SOUND)
    [result] = run.run_lessons([lesson], tmp_path / "out", timeout=10)
    assert result.error == "code cell 3 (import time) ran longer than the limit of 10 s"
    pid = int((tmp_path / "pid").read_text())
    assert wait_until(lambda: has_ended(pid))


def test_missing_kernel_is_found_first_and_the_cure_named(make_lesson, tmp_path):
    lesson = make_lesson("01_first", PARAMETERS, SOUND, kernel="no-such-kernel")
    with pytest.raises(SetupError, match="ipykernel install --sys-prefix --name no-such-kernel"):
        next(run.run_lessons([lesson], tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("where", ["name", "value"])
def test_code_in_a_setting_never_runs(where, make_lesson, tmp_path):
    canary = tmp_path / "canary"
    code = f"__import__('pathlib').Path({str(canary)!r}).touch()"
    settings = {f"epochs = {code}; x": "1"} if where == "name" else {"epochs": code}
    lesson = make_lesson("01_first", PARAMETERS, SOUND)
    with pytest.raises(UsageError):
        next(run.run_lessons([lesson], tmp_path / "out", settings))
    assert not canary.exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("inside", [False, True])
def test_output_that_cannot_be_written_is_found_before_a_lesson_runs(inside, make_lesson, tmp_path):
    canary = tmp_path / "canary"
    lesson = make_lesson("01_first", PARAMETERS, write_pid(canary))
    blocked = tmp_path / "file"
    blocked.write_text("a file in the place of a folder")
    with pytest.raises(SetupError, match=r"Cannot write into .*choose another folder"):
        next(run.run_lessons([lesson], blocked / "inside" if inside else blocked))
    assert not canary.exists()


@pytest.mark.parametrize(("deaths", "error"), [(1, ""), (2, "RuntimeError: Kernel died before replying")])
def test_kernel_that_dies_as_it_starts_is_started_once_more(
    deaths, error, make_lesson, tmp_path, monkeypatch
):
    """Kernels that start at once and pick the same port die like this."""
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
    [result] = run.run_lessons([lesson], tmp_path / "out")
    assert result.error.startswith(error)
    assert bool(result.error) == bool(error)
    assert (kernel / "starts").read_text() == "xx"


def test_consumer_that_stops_ends_running_lessons(make_lesson, tmp_path):
    make_lesson("01_slow", PARAMETERS, write_pid(tmp_path / "pid"), SLEEP)
    make_lesson("02_sound", PARAMETERS, SOUND)
    results = run.run_lessons(texts.find_lessons((), tmp_path / "lessons"), tmp_path / "out", jobs=2)
    assert next(results).lesson == "02_sound"
    assert wait_until((tmp_path / "pid").exists)
    results.close()
    pid = int((tmp_path / "pid").read_text())
    assert wait_until(lambda: has_ended(pid))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["02_sound.html", "02_sound.ipynb"]


def test_process_that_starts_during_an_interrupt_is_ended_too():
    """A lesson's process needs seconds to start, in which it is no child yet."""

    def start_late():
        time.sleep(1)
        late = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(PATIENCE,))
        late.start()
        late.join()

    with futures.ThreadPoolExecutor(1) as threads:
        running = threads.submit(start_late)
        waiting = threads.submit(start_late)
        waiting.cancel()
        run._end_processes([running, waiting])
        assert running.done()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process")
@pytest.mark.parametrize("send", [os.kill, getattr(os, "killpg", None)], ids=["to command", "to its group"])
def test_interrupt_keeps_finished_lessons_and_ends_kernels(send, make_lesson, tmp_path):
    """A terminal sends Ctrl-C to the whole process group, other tools send it to the command alone."""
    make_lesson("01_sound", PARAMETERS, SOUND)
    make_lesson("02_slow", PARAMETERS, write_pid(tmp_path / "pid"), SLEEP)
    folders = ["--folder", tmp_path / "lessons", "--output", tmp_path / "out"]
    process = subprocess.Popen(
        [COMMAND, "run", "--jobs", "1", *folders],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A background job ignores SIGINT, and so would its children. A shell in front resets it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert wait_until(lambda: (tmp_path / "pid").exists() or process.poll() is not None)
    assert process.poll() is None, process.stderr.read()
    send(process.pid, signal.SIGINT)
    _, text = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, text
    assert "Traceback" not in text
    pid = int((tmp_path / "pid").read_text())
    assert wait_until(lambda: has_ended(pid))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["01_sound.html", "01_sound.ipynb"]
