"""Progress is one line that is gone when the work is done."""

import io
import re
import sys
import time
from types import SimpleNamespace

import keras
import nbformat
import numpy as np
import pytest

from mnist_helpers import progress, training
from mnist_helpers.lessons import run

WORK = """\
# %%
import time

from mnist_helpers import progress

line = progress.ProgressLine()
time.sleep(1)
line.update(0.25, "1 of 4 runs")
shown = line.shown
"""


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Return a terminal in place of the error stream, and let time pass at once."""
    now = [time.monotonic()]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    stream = Terminal()
    stream.wait = lambda seconds: now.__setitem__(0, now[0] + seconds)
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=stream, modules=sys.modules))
    return stream


def test_terminal_shows_what_is_done_and_seconds_left_and_ends_clean(terminal):
    line = progress.ProgressLine()
    terminal.wait(2)
    line.update(0.25, "1 of 4 runs")
    assert terminal.getvalue().strip() == "1 of 4 runs · 6 s left"
    terminal.wait(0.1)
    line.update(0.3, "too soon")
    assert "too soon" not in terminal.getvalue()
    line.close()
    assert terminal.getvalue().endswith(f"\r{'':<79}\r")


def test_work_of_less_than_two_seconds_shows_nothing(terminal):
    line = progress.ProgressLine()
    terminal.wait(0.6)
    line.update(0.5, "half")
    line.close()
    assert terminal.getvalue() == ""


def test_stream_that_is_no_terminal_gets_nothing(terminal, monkeypatch):
    monkeypatch.setattr(terminal, "isatty", lambda: False, raising=False)
    line = progress.ProgressLine()
    terminal.wait(9)
    line.update(0.5, "half")
    line.close()
    assert terminal.getvalue() == ""


def test_notebook_shows_the_line_and_stores_none_of_it(make_lesson, tmp_path):
    still_going = f"{WORK}shown"
    done = f"{WORK}line.close()\nprint('shown:', shown)"
    path = make_lesson("01_first", still_going, done)
    [result] = run.run_lessons([path], tmp_path)
    assert not result.error
    going, ended = nbformat.read(tmp_path / "01_first.ipynb", 4).cells
    assert "1 of 4 runs · 3 s left" in going.outputs[0].data["text/plain"]
    assert "<progress" in going.outputs[0].data["text/html"]
    assert [output.text for output in ended.outputs] == ["shown: True\n"]


def test_callback_counts_runs_and_epochs(terminal):
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    network.compile("sgd", "mse")
    shown = []

    class Wait(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            terminal.wait(3)

        def on_epoch_end(self, epoch, logs=None):
            shown.append(terminal.getvalue().rpartition("\r")[2].strip())

    callback = training.ProgressCallback(runs=2)
    callback.name = "baseline"
    for _ in range(2):
        network.fit(np.ones((4, 1)), np.ones(4), 2, 2, 0, callbacks=[Wait(), callback])
    assert [re.sub(r" · \d+ s left$", "", text) for text in shown] == [
        "0 of 2 runs · baseline, epoch 1 of 2",
        "0 of 2 runs · baseline, epoch 2 of 2",
        "1 of 2 runs · baseline, epoch 1 of 2",
        "1 of 2 runs · baseline, epoch 2 of 2",
    ]
    assert shown[0].endswith("18 s left")
    assert terminal.getvalue().endswith(f"\r{'':<79}\r")
