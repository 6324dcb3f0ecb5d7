"""A study that is interrupted or killed: it ends, it keeps every finished run, and it resumes."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from mnist_helpers import datasets
from mnist_helpers.study import plan, store

PATIENCE = 600  # seconds that one step may take on a very busy machine
N_RUNS = len(plan.PLANS["quick"]())
N_KILLS = 20
COMMAND = [str(Path(sys.executable).with_name("mnist-helpers")), "study", "--quick", "--dataset", "uci"]


def start(folder, errors=None):
    """Start a small study in a process group of its own, as a shell does with each command."""
    options = {}
    if os.name == "posix":
        # A background job ignores SIGINT, one of nohup SIGHUP, and so would its children.
        options["preexec_fn"] = lambda: [
            signal.signal(sent, signal.SIG_DFL) for sent in (signal.SIGINT, signal.SIGHUP)
        ]
    command = [*COMMAND, "--jobs", "2", "--output", str(folder)]
    return subprocess.Popen(command, stderr=errors, start_new_session=True, **options)


def find_runs(folder):
    """Return the files of the finished runs with their contents."""
    return {path: path.read_bytes() for path in (folder / "runs").glob("*.json")}


def wait_for_runs(folder, count, study):
    """Wait until this many runs are finished, or the study is over."""
    deadline = time.monotonic() + PATIENCE
    while len(find_runs(folder)) < count and study.poll() is None:
        assert time.monotonic() < deadline, f"no {count} runs within {PATIENCE} s"
        time.sleep(0.1)


@pytest.mark.full  # test_workers interrupts the same processes without a training
@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send these signals")
@pytest.mark.parametrize(
    ("name", "send"),
    [
        ("SIGINT", "kill"),
        ("SIGINT", "killpg"),
        ("SIGTERM", "kill"),
        ("SIGTERM", "killpg"),
        ("SIGHUP", "kill"),
    ],
)
def test_interrupted_study_ends_quietly_and_keeps_finished_runs(name, send, tmp_path):
    """A terminal sends signals to the whole process group, other tools send them to the command alone.

    SIGHUP to the group ends Python's own helper of `multiprocessing` too, which says so.
    """
    errors = tmp_path / "stderr"
    with open(errors, "w") as stream:
        study = start(tmp_path, stream)
    wait_for_runs(tmp_path, 1, study)
    assert study.poll() is None, errors.read_text()
    family = psutil.Process(study.pid).children(recursive=True)
    getattr(os, send)(study.pid, getattr(signal, name))
    assert study.wait(PATIENCE) == 130, errors.read_text()
    lines = errors.read_text().splitlines()
    progress = [line for line in lines if re.match(rf"\d+/{N_RUNS} ", line)]
    [message] = [line for line in lines if line not in progress]
    assert message.startswith("Interrupted; ")
    rows, broken = store.read_runs(tmp_path / "quick.csv")
    assert broken == []
    tasks = plan.key_tasks("quick", datasets.load("uci"))
    assert len(progress) <= len(rows) < N_RUNS
    assert store.read_table(tmp_path / "quick.csv")["key"].to_list() == [key for key in tasks if key in rows]
    assert not psutil.wait_procs(family, PATIENCE)[1]


@pytest.mark.full
def test_twenty_kills_neither_lose_nor_double_a_run(tmp_path):
    folder = tmp_path / "killed"
    kept = {}
    moments = random.Random(16)
    for number in range(N_KILLS):
        study = start(folder)
        wait_for_runs(folder, len(kept) + moments.randrange(3), study)
        time.sleep(moments.uniform(0, 3))  # a random moment: while it starts, trains or writes
        family = psutil.Process(study.pid).children(recursive=True) if study.poll() is None else []
        study.kill()
        study.wait()
        _, alive = psutil.wait_procs(family, PATIENCE)
        assert not alive, f"kill {number}: {alive} outlived the study"
        now = find_runs(folder)
        assert kept.items() <= now.items(), f"kill {number} touched a finished run"
        kept = now
        if len(kept) == N_RUNS:  # so that the next kills interrupt something as well
            for path in list(kept)[:4]:
                path.unlink()
                del kept[path]
    assert kept, "no run was finished between the kills: the test would show nothing"
    tables = []
    for target in (folder, tmp_path / "uninterrupted"):
        assert start(target).wait() == 0
        tables.append(
            pd.read_csv(target / "quick.csv").drop(columns=["seconds", "seconds_scoring", "finished"])
        )
    assert {path: path.read_bytes() for path in kept} == kept
    pd.testing.assert_frame_equal(*tables, check_exact=True)
