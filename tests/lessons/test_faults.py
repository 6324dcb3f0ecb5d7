"""Run lessons when things go wrong. The faults are real; the time limits are those of a very busy machine."""

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
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


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


def test_cell_past_its_limit_is_named_and_ends_with_what_it_started(make_lesson, tmp_path):
    start = (
        "# %%\nimport pathlib, subprocess, sys\n\n"
        f"started = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep({PATIENCE})'])\n"
        f"_ = pathlib.Path({str(tmp_path / 'started')!r}).write_text(str(started.pid))"
    )
    lesson = make_lesson("01_slow", PARAMETERS, write_pid(tmp_path / "kernel"), start, SLEEP, SOUND)
    [result] = run.run_lessons([lesson], tmp_path / "out", timeout=10)
    assert result.error == "code cell 4 (import time) ran longer than the limit of 10 s"
    assert result.kept
    for name in ("kernel", "started"):
        pid = int((tmp_path / name).read_text())
        assert wait_until(lambda pid=pid: has_ended(pid)), name


def test_output_that_comes_late_is_waited_for(make_lesson, tmp_path):
    """On a busy machine a kernel's output arrives seconds after its reply; papermill waits for four."""
    late = (
        "# %%\nimport time\n\nkernel = get_ipython().kernel\npublish = kernel._publish_status\n\n\n"
        "def publish_late(status, *arguments, **options):\n"
        "    time.sleep(8 * (status == 'idle'))\n"
        "    publish(status, *arguments, **options)\n\n\n"
        "kernel._publish_status = publish_late"
    )
    [result] = run.run_lessons([make_lesson("01_late", PARAMETERS, late, SOUND)], tmp_path / "out")
    assert result.error == ""
    assert result.headline == "UCI digits: fine"


def test_lesson_of_which_no_cell_started_names_none(make_lesson):
    cells = [nbformat.v4.new_code_cell(source) for source in ("", "1")]
    assert run._describe_last_started(cells) == "before its first code cell the lesson"
    cells[0].metadata["papermill"] = {"start_time": "2026-01-01T00:00:00"}
    assert run._describe_last_started(cells) == "code cell 1 ()"


def test_two_progress_bars_never_share_a_line(monkeypatch, tmp_path):
    shown, clashes = set(), []

    def show(job):
        line = job.bar["position"]
        clashes.extend(shown & {line})
        shown.add(line)
        time.sleep(job.timeout / 10)
        shown.remove(line)
        return run.Result(job.lesson.stem)

    monkeypatch.setattr(run, "_run_apart", show)
    # The first lesson outlasts the others.
    work = [
        run._Job(tmp_path / f"{number}.py", False, False, {}, tmp_path, tmp_path, seconds, {"desc": ""})
        for number, seconds in enumerate((9, 1, 2, 1, 2))
    ]
    assert len(list(run._run_all(work, 2))) == 5
    assert clashes == []


def test_missing_kernel_is_found_first_and_the_cure_named(make_lesson, tmp_path, add_kernel):
    add_kernel("gone", [str(tmp_path / "gone" / "python"), "-f", "{connection_file}"])
    for kernel in ("no-such-kernel", "gone"):
        lesson = make_lesson("01_first", PARAMETERS, SOUND, kernel=kernel)
        with pytest.raises(SetupError, match=f"ipykernel install --sys-prefix --name {kernel}"):
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
def test_kernel_that_dies_as_it_starts_is_started_once_more(deaths, error, make_lesson, tmp_path, add_kernel):
    """Kernels that start at once and pick the same port die like this."""
    (tmp_path / "kernel.py").write_text(
        "import pathlib, runpy, sys\n"
        "starts = pathlib.Path(__file__).with_name('starts')\n"
        "starts.write_text(starts.read_text() + 'x' if starts.exists() else 'x')\n"
        f"if len(starts.read_text()) <= {deaths}:\n"
        "    sys.exit(1)\n"
        "runpy.run_module('ipykernel_launcher', run_name='__main__')\n"
    )
    add_kernel("mortal", [sys.executable, str(tmp_path / "kernel.py"), "-f", "{connection_file}"])
    lesson = make_lesson("01_sound", PARAMETERS, SOUND, kernel="mortal")
    [result] = run.run_lessons([lesson], tmp_path / "out")
    assert result.error.startswith(error)
    assert bool(result.error) == bool(error)
    assert (tmp_path / "starts").read_text() == "xx"
    assert not result.kept


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


@pytest.fixture
def start_command(make_lesson, tmp_path):
    """Return a function that starts the command and waits until its second, endless lesson runs."""
    make_lesson("01_sound", PARAMETERS, SOUND)
    make_lesson("02_slow", PARAMETERS, write_pid(tmp_path / "pid"), SLEEP)
    folders = ["--folder", tmp_path / "lessons", "--output", tmp_path / "out"]

    def reset_signals():
        # A background job ignores SIGINT, and so would its children. A shell in front resets it.
        for sent in ENDS:
            signal.signal(sent, signal.SIG_DFL)

    def start(before=reset_signals):
        process = subprocess.Popen(
            [COMMAND, "run", "--jobs", "1", *folders],
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=before,
        )
        assert wait_until(lambda: (tmp_path / "pid").exists() or process.poll() is not None)
        assert process.poll() is None, process.stderr.read()
        return process, psutil.Process(process.pid).children(recursive=True)

    return start


def find_files(folder):
    return sorted(path.name for path in folder.iterdir())


ENDS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send these signals")


WAYS = {"to command": os.kill, "to its group": getattr(os, "killpg", None)}
QUICK = (signal.SIGTERM, "to command")  # which takes the way of SIGINT; the others run in make test-full


@needs_posix
@pytest.mark.parametrize(
    ("sent", "way"),
    [
        pytest.param(
            sent, way, marks=[] if (sent, way) == QUICK else pytest.mark.full, id=f"{sent.name} {way}"
        )
        for sent in ENDS
        for way in WAYS
    ],
)
def test_signal_keeps_finished_lessons_and_ends_all_processes(sent, way, start_command, tmp_path):
    """A terminal sends Ctrl-C or its end to the whole process group, other tools to the command alone."""
    process, children = start_command()
    assert int((tmp_path / "pid").read_text()) in {child.pid for child in children}
    WAYS[way](process.pid, sent)
    _, text = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, text
    assert "Traceback" not in text
    assert wait_until(lambda: all(has_ended(child.pid) for child in children))
    assert find_files(tmp_path / "out") == ["01_sound.html", "01_sound.ipynb"]


@pytest.mark.full
@needs_posix
def test_command_that_is_killed_leaves_no_process_and_the_next_run_removes_its_folder(
    start_command, make_lesson, tmp_path
):
    process, children = start_command()
    process.kill()
    process.communicate(timeout=PATIENCE)
    assert wait_until(lambda: all(has_ended(child.pid) for child in children))
    scratch, *finished = find_files(tmp_path / "out")
    assert scratch.startswith(f".run-{process.pid}-")
    assert finished == ["01_sound.html", "01_sound.ipynb"]
    nbformat.validate(nbformat.read(tmp_path / "out" / "01_sound.ipynb", 4))
    list(run.run_lessons([make_lesson("03_sound", PARAMETERS, SOUND)], tmp_path / "out"))
    assert find_files(tmp_path / "out") == [*finished, "03_sound.html", "03_sound.ipynb"]


@needs_posix
def test_hangup_that_is_ignored_stays_ignored(start_command, tmp_path):
    """The command `nohup` asks for that."""
    process, _ = start_command(lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    os.killpg(process.pid, signal.SIGHUP)
    time.sleep(2)
    assert process.poll() is None
    process.terminate()
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 130


@needs_posix
def test_process_of_a_lesson_that_is_killed_ends_with_its_kernel_and_is_reported(make_lesson, tmp_path):
    """A system that is out of memory may kill this process instead of its kernel."""
    kill = "# %%\nimport os, signal\n\nos.kill(os.getppid(), signal.SIGKILL)"
    lessons = [
        make_lesson("01_killed", PARAMETERS, write_pid(tmp_path / "pid"), f"{kill}\n\n{SLEEP}"),
        make_lesson("02_sound", PARAMETERS, SOUND),
    ]
    killed, sound = run.run_lessons(lessons, tmp_path / "out")
    assert killed.error == "its process was killed (out of memory?)"
    assert not killed.kept
    assert sound.error == ""
    assert wait_until(lambda: has_ended(int((tmp_path / "pid").read_text())))
