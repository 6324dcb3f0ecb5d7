"""Make the runs of the study, each once, on this machine or on a Dask cluster."""

import contextlib
import functools
import logging
import math
import os
import random
import signal
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mnist_helpers import _tensorflow, datasets, environment
from mnist_helpers.errors import DataError, SetupError, UsageError
from mnist_helpers.study import plan, store
from mnist_helpers.study.plan import Task
from mnist_helpers.study.store import Row

# Settings of Dask. The first concerns local workers alone.
_DASK = {
    # Environment variables of the workers, in place of Dask's own: its MALLOC_TRIM_THRESHOLD_ makes each
    # training step return its memory and ask for it again, which costs an eighth of the time.
    "distributed.nanny.pre-spawn-environ": {
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    },
    # Dask's self-monitoring cost 5 % of two busy cores.
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.monitor-interval": "1s",
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
}
_ONE_AT_A_TIME = threading.Lock()  # Keras's seed is global, and a worker may have several threads


@dataclass(frozen=True)
class Outcome:
    """What came of one task: a row, or an error.

    Parameters
    ----------
    task : Task
        The run.
    row : dict of str to str or None
        What `run` recorded; None if it failed.
    error : str
        Why it failed, or how it deviates from the recorded run; empty if all is well.
    """

    task: Task
    row: Row | None = None
    error: str = ""


@dataclass(frozen=True)
class Study:
    """A plan with its data, its folder and the runs that are finished; see `open_study`.

    Parameters
    ----------
    table : Path
        Where `publish` writes.
    digits : Digits
        The data.
    tasks : dict of str to Task
        The plan, by key.
    rows : dict of str to dict
        Finished runs of this and other plans in the folder, by key.
    broken : list of Path
        Files that were set aside as ``*.bad``.
    """

    table: Path
    digits: datasets.Digits
    tasks: dict[str, Task]
    rows: dict[str, Row]
    broken: list[Path]

    @property
    def finished(self) -> list[str]:
        """Keys of the plan's finished runs."""
        return [key for key in self.tasks if key in self.rows]

    @property
    def missing(self) -> dict[str, Task]:
        """Runs of the plan that are yet to be made, by key."""
        return {key: task for key, task in self.tasks.items() if key not in self.rows}

    def sample(self, count: int) -> dict[str, Task]:
        """Draw finished runs at random, to be made again.

        Parameters
        ----------
        count : int
            How many, at most.

        Returns
        -------
        dict of str to Task
            By key.

        Raises
        ------
        UsageError
            If no run is finished.
        """
        if not self.finished:
            raise UsageError(f"--rerun: {self.table.parent} has no finished run of this plan yet")
        chosen = random.sample(self.finished, min(count, len(self.finished)))
        return {key: self.tasks[key] for key in chosen}

    def make(self, tasks: Mapping[str, Task], scheduler: str | None, jobs: int) -> Iterator[Outcome]:
        """Make runs: keep the new ones, compare the others with what is recorded.

        Parameters
        ----------
        tasks : mapping of str to Task
            By key: `missing` ones, or some of `finished`.
        scheduler : str or None
            As in `compute`.
        jobs : int
            As in `compute`.

        Yields
        ------
        Outcome
            As each run finishes. A new run's file is written first.
        """
        for key, result in compute(tasks, self.digits, scheduler=scheduler, jobs=jobs):
            if isinstance(result, Exception):
                yield Outcome(tasks[key], error=f"{type(result).__name__}: {result}")
            elif key in self.rows:
                deviations = store.find_deviations(self.rows[key], result, self.rows.values())
                yield Outcome(tasks[key], result, "; ".join(deviations))
            else:
                store.write_run(self.table.parent, result)
                self.rows[key] = result
                yield Outcome(tasks[key], result)

    def publish(self) -> bool:
        """Write the table of the plan's finished runs.

        Returns
        -------
        bool
            Whether there were any.
        """
        if self.finished:
            store.publish([self.rows[key] for key in self.finished], self.table)
        return bool(self.finished)


@contextlib.contextmanager
def open_study(name: str, table: Path, dataset: str, mnist_only: bool = False) -> Iterator[Study]:
    """Lock a study's folder and read what is finished.

    Parameters
    ----------
    name : str
        The plan, a name in `plan.PLANS`.
    table : Path
        The table; runs are in the folder ``runs`` beside it.
    dataset : str
        As in `datasets.load`.
    mnist_only : bool, default False
        Whether the table is the published one, which must hold runs on MNIST alone.

    Yields
    ------
    Study
        Nothing is made yet.

    Raises
    ------
    DataError, SetupError
        As `store.open_folder`, `store.read_runs` and `datasets.load` do.
    UsageError
        If `mnist_only` is set and the data are other digits.
    """
    with store.open_folder(table.parent):
        digits = datasets.load(dataset)
        if mnist_only and digits.name != "MNIST":
            raise UsageError(f"{table.parent} is for runs on MNIST: use --output for the {digits.name}")
        rows, broken = store.read_runs(table)
        yield Study(table, digits, plan.key_tasks(name, digits), rows, broken)


@functools.cache
def _load(dataset: str) -> tuple[datasets.Digits, str]:
    digits = datasets.load(dataset)
    return digits, digits.digest()


def run(task: Task, key: str, dataset: str) -> Row:
    """Train and evaluate one run; a worker calls this.

    Parameters
    ----------
    task : Task
        The run.
    key : str
        Its key, as the client computed it.
    dataset : {"mnist", "uci"}
        The data.

    Returns
    -------
    dict of str to str
        The fields of the recipe; ``train_``, ``validation_`` and ``test_`` columns with the scores after the
        last epoch (`statistics.score`), six decimals each, NaN if the run diverged; ``seconds``, the duration
        of `fit`, and ``seconds_scoring``, the part spent on scoring; ``finished``, in UTC; the environment;
        ``test_wrong`` and ``course`` (see `store`), the former empty if the run diverged.

    Raises
    ------
    DataError
        If this worker's data or version give a different key.
    """
    digits, digest = _load(dataset)
    if plan.run_key(task, digest) != key:
        raise DataError(
            "the data or the version of mnist-helpers differ from the client's: install the same here"
        )
    with _ONE_AT_A_TIME:
        numbers, course, wrong = _train(task, digits)
    recorded = {
        "key": key,
        "schema": plan.SCHEMA,
        "part": task.part,
        "technique": task.technique,
        **asdict(task.recipe),
        **{name: f"{value:.6f}" for name, value in numbers.items()},
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "dataset": digits.name,
        "threads": os.environ.get("TF_NUM_INTRAOP_THREADS", "unset"),
        **environment.describe(),
        "test_wrong": wrong,
        "course": store.pack_course(course),
    }
    return {name: str(value) for name, value in recorded.items()}


def _train(task: Task, digits: datasets.Digits) -> tuple[dict[str, float], list[dict], str]:
    """Return the numbers of a run after its last epoch, its course, and the test images it got wrong."""
    with _tensorflow.silence():  # TensorFlow's first lines would garble the progress bar
        from mnist_helpers import training
        from mnist_helpers.study.course import CourseCallback

    callback = CourseCallback(task, training.select_images(digits, task.recipe))
    _, found = training.train(task.recipe, digits, [callback])
    last = callback.rows[-1] if callback.rows else {}
    diverged = last.get("epoch") != task.recipe.epochs or math.isnan(last["train_cross_entropy"])
    if diverged:
        last = {}
    numbers = {
        f"{name}_{score}": last.get(f"{name}_{score}", math.nan)
        for name in callback.sets
        for score in ("accuracy", "cross_entropy", "calibration_error")
    }
    numbers["seconds"] = found.seconds
    numbers["seconds_scoring"] = callback.seconds
    return numbers, callback.rows, "" if diverged else callback.wrong


@contextlib.contextmanager
def _deferred_interrupt() -> Iterator[threading.Event]:
    """Turn Ctrl-C into an event inside the block, and into KeyboardInterrupt after it.

    Raised in the midst of Dask's code, the exception would make Dask print a traceback of its own.
    """
    interrupted = threading.Event()
    with _handle_interrupt(lambda *_: interrupted.set()):
        yield interrupted
    if interrupted.is_set():
        raise KeyboardInterrupt


@contextlib.contextmanager
def _handle_interrupt(handler: Any) -> Iterator[None]:
    """Set the handler of SIGINT inside the block; only the main thread can, and only it gets the signal."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def compute(
    tasks: Mapping[str, Task], digits: datasets.Digits, *, scheduler: str | None = None, jobs: int = 1
) -> Iterator[tuple[str, Row | Exception]]:
    """Run tasks with Dask, the longest first.

    Parameters
    ----------
    tasks : mapping of str to Task
        By key.
    digits : Digits
        The data, which each worker loads by itself.
    scheduler : str, optional
        Address of a Dask cluster, such as ``tcp://10.0.0.1:8786``. None starts one on this machine.
    jobs : int, default 1
        Processes of one thread each, on this machine. With batches of 32 a second thread does not speed up
        a run; a second process raises throughput.

    Yields
    ------
    key : str
        Of the task.
    result : dict of str to str or Exception
        Its row, or why it failed.

    Raises
    ------
    SetupError
        If Dask is missing or no scheduler answers.
    KeyboardInterrupt
        After Ctrl-C, once the workers have ended.
    """
    if not tasks:
        return
    try:
        import dask
        import distributed
    except ModuleNotFoundError as missing:
        raise SetupError(store.NEEDED.format(missing.name)) from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # failures are returned as results
    dataset = "mnist" if digits.name == "MNIST" else "uci"
    with contextlib.ExitStack() as stack:
        interrupted = stack.enter_context(_deferred_interrupt())
        stack.enter_context(dask.config.set(_DASK))
        if not scheduler:
            # A terminal sends Ctrl-C to the workers too. They inherit that it is ignored: Dask ends them.
            with _handle_interrupt(signal.SIG_IGN):
                cluster = distributed.LocalCluster(
                    n_workers=jobs,
                    threads_per_worker=1,
                    dashboard_address="localhost:0",
                    silence_logs=logging.CRITICAL,
                )
            scheduler = stack.enter_context(cluster)
        try:
            client = stack.enter_context(distributed.Client(scheduler, timeout="30s"))
        except (OSError, ValueError) as error:
            raise SetupError(f"No Dask scheduler answers at {scheduler}: {error}") from error
        longest_first = sorted(tasks, key=lambda key: -plan.estimated_cost(tasks[key]))
        pending = {
            client.submit(run, tasks[key], key, dataset, key=f"run-{key}"): key for key in longest_first
        }
        while pending and not interrupted.is_set():
            with contextlib.suppress(TimeoutError):  # wake up each second to look for an interrupt
                distributed.wait(list(pending), timeout=1, return_when="FIRST_COMPLETED")
            for future in [future for future in pending if future.done()]:
                yield pending.pop(future), _result(future)
                future.release()


def _result(future: Any) -> Row | Exception:
    """Return the row of a finished run, or what failed: the run, or a cluster that is gone."""
    try:
        return future.result()
    except Exception as error:
        return error
