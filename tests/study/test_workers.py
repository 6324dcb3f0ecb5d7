"""Processes that make the study's runs: none is lost, none outlives the study, no port is opened."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent import futures
from pathlib import Path

import calls
import psutil
import pytest

from mnist_helpers.study import workers

PATIENCE = 600  # seconds that one step may take on a very busy machine
STUDY = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import calls
from mnist_helpers.study import workers
if __name__ == "__main__":
    list(workers.call_all(calls.write_pid_and_sleep, [(sys.argv[1],)] * 3, jobs=2))
"""


def call(function, *arguments, **options):
    return sorted(workers.call_all(function, arguments, **options), key=lambda found: found[0])


def test_each_call_is_made_once_with_one_thread_of_tensorflow():
    assert call(calls.double, (1,), (2,), (3,), jobs=2) == [(0, (2, "1")), (1, (4, "1")), (2, (6, "1"))]
    assert multiprocessing.active_children() == []


def test_call_that_fails_is_returned_as_its_error():
    [(_, error)] = call(calls.fail, (7,))
    assert isinstance(error, ValueError)
    assert str(error) == "7 on purpose"


def test_killed_process_loses_no_call(tmp_path):
    found = call(calls.die_once, *((tmp_path, number) for number in range(4)), jobs=2)
    assert found == [(number, number) for number in range(4)]
    assert (tmp_path / "died").exists()


def test_call_that_always_ends_its_process_is_given_up():
    [(_, error)] = call(calls.die, (1,))
    assert isinstance(error, futures.BrokenExecutor)
    assert multiprocessing.active_children() == []


def test_consumer_that_stops_ends_the_processes(tmp_path):
    results = workers.call_all(calls.double, [(number,) for number in range(100)])
    next(results)
    results.close()
    assert multiprocessing.active_children() == []


def test_interrupt_waits_until_a_result_that_is_being_handled_is_kept():
    kept = []

    def interrupt_and_keep():
        for number, _ in workers.call_all(calls.double, [(number,) for number in range(100)]):
            signal.raise_signal(signal.SIGINT)
            kept.append(number)

    with pytest.raises(KeyboardInterrupt):
        interrupt_and_keep()
    assert 1 <= len(kept) < 100
    assert multiprocessing.active_children() == []


@pytest.fixture
def study(tmp_path):
    """Start a study of two processes and return it with its family, once both compute."""
    options = {}
    if os.name == "posix":
        # A background job ignores SIGINT, and so would its children. A shell in front resets it.
        options["preexec_fn"] = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    script = tmp_path / "study.py"
    script.write_text(STUDY, encoding="utf-8")
    (tmp_path / "pids").mkdir()
    command = [sys.executable, str(script), str(tmp_path / "pids")]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True, **options
    ) as process:
        deadline = time.monotonic() + PATIENCE
        while len(list((tmp_path / "pids").iterdir())) < 2:
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield process, psutil.Process(process.pid).children(recursive=True)
        process.kill()


def test_no_process_opens_a_port(study):
    """Whoever could reach one could run code as its user."""
    process, family = study
    for each in (psutil.Process(process.pid), *family):
        connections = each.net_connections("inet")
        assert [used for used in connections if used.status == psutil.CONN_LISTEN] == []


@pytest.mark.parametrize("end", ["SIGKILL", "SIGTERM"])
def test_processes_end_with_a_study_that_is_killed(end, study):
    process, family = study
    assert len(family) >= 2
    process.send_signal(getattr(signal, end, signal.SIGTERM))
    assert not psutil.wait_procs(family, PATIENCE)[1]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process")
@pytest.mark.parametrize("send", [os.kill, getattr(os, "killpg", None)], ids=["to command", "to its group"])
def test_interrupt_ends_all_processes_and_prints_nothing_of_theirs(send, study):
    process, family = study
    send(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE)
    assert errors.count("Traceback") == 1, errors  # this script's own, which no command catches
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert not psutil.wait_procs(family, PATIENCE)[1]
