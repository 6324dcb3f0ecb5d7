"""Progress of long work as one line, in a notebook or a terminal, that is gone when the work is done."""

import html
import sys
import time
from collections.abc import Mapping

from mnist_helpers import environment

environment.check()

import keras


class ProgressLine:
    """Show how far some work is, and how many seconds are left.

    A notebook shows the line as the cell's output and clears that output at the end, so that nothing of it is
    stored. A terminal shows it on the error stream. Elsewhere, and for work of less than two seconds, nothing
    is shown.

    Attributes
    ----------
    shown : bool
        Whether the line is visible now.
    """

    def __init__(self) -> None:
        self.shown = False
        self._start = time.monotonic()
        self._last = self._start

    def update(self, share: float, text: str) -> None:
        """Show a new state, at most twice a second.

        Parameters
        ----------
        share : float
            Share of the work that is done, from 0 to 1.
        text : str
            What has been done and what the work is at, such as ``"2 of 6 runs"``.
        """
        now = time.monotonic()
        elapsed = now - self._start
        if now - self._last < 0.5 or share <= 0 or elapsed / share < 2:
            return
        self._last = now
        left = elapsed * (1 - share) / share
        line = f"{text} · {left:.0f} s left"
        if _is_notebook():
            from IPython import display

            bar = f'<progress value="{share:.3f}" max="1"></progress> {html.escape(line)}'
            display.clear_output(wait=True)  # waits for what follows, so that nothing flickers
            display.display({"text/html": bar, "text/plain": line}, raw=True)
        elif sys.stderr.isatty():
            print(f"\r{line:<79.79}", end="", file=sys.stderr, flush=True)
        else:
            return
        self.shown = True

    def close(self) -> None:
        """Remove the line; in a notebook, with whatever else the cell has shown."""
        if not self.shown:
            return
        self.shown = False
        if _is_notebook():
            from IPython import display

            display.clear_output()
        else:
            print(f"\r{'':<79}\r", end="", file=sys.stderr, flush=True)


class ProgressCallback(keras.callbacks.Callback):
    """Show how far a training is; when it is done, nothing of that stays in a notebook's output.

    Use it with ``verbose=0``, in a cell that prints nothing before: its output is cleared at the end.

    Parameters
    ----------
    runs : int, default 1
        Number of trainings, one after the other, that share this callback.

    Attributes
    ----------
    name : str
        What is trained now.
    """

    def __init__(self, runs: int = 1) -> None:
        super().__init__()
        self.runs = runs
        self.name = ""
        self._done = 0
        self._epoch = 0
        self._line = ProgressLine()

    def on_epoch_begin(self, epoch: int, logs: Mapping | None = None) -> None:
        """Note which epoch begins.

        Parameters
        ----------
        epoch : int
            Number of the epoch, from 0.
        logs : mapping, optional
            Keras's own numbers; not used.
        """
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Mapping | None = None) -> None:
        """Show the state after some steps.

        Parameters
        ----------
        batch : int
            Number of the last step in the epoch, from 0.
        logs : mapping, optional
            Keras's own numbers; not used.
        """
        epochs = self.params["epochs"]
        steps = self.params["steps"]  # None where Keras cannot know it before the first epoch's end
        epochs_done = self._epoch + ((batch + 1) / steps if steps else 0)
        share = (self._done + epochs_done / epochs) / self.runs
        runs = f"{self._done} of {self.runs} runs · " if self.runs > 1 else ""
        name = f"{self.name}, " if self.name else ""
        self._line.update(share, f"{runs}{name}epoch {self._epoch + 1} of {epochs}")

    def on_train_end(self, logs: Mapping | None = None) -> None:
        """Count a training that ended; remove the line after the last one.

        Parameters
        ----------
        logs : mapping, optional
            Keras's own numbers; not used.
        """
        self._done += 1
        if self._done >= self.runs:
            self._line.close()


def _is_notebook() -> bool:
    """Return whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    return hasattr(ipython and ipython.get_ipython(), "kernel")
