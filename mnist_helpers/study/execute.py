"""Make the runs of the study, each once, in processes of this machine or on a Dask cluster."""

import contextlib
import functools
import math
import os
import random
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from mnist_helpers import _tensorflow, datasets, environment
from mnist_helpers.errors import DataError, UsageError
from mnist_helpers.study import plan, store, workers
from mnist_helpers.study.plan import Task
from mnist_helpers.study.store import Row

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
            raise UsageError(
                f"--rerun: {self.table.parent} has no finished run of this plan yet: start without it"
            )
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
    last = {} if found.diverged else callback.rows[-1]
    numbers = {
        f"{name}_{score}": last.get(f"{name}_{score}", math.nan)
        for name in callback.sets
        for score in ("accuracy", "cross_entropy", "calibration_error")
    }
    numbers["seconds"] = found.seconds
    numbers["seconds_scoring"] = callback.seconds
    return numbers, callback.rows, "" if found.diverged else callback.wrong


def compute(
    tasks: Mapping[str, Task], digits: datasets.Digits, *, scheduler: str | None = None, jobs: int = 1
) -> Iterator[tuple[str, Row | Exception]]:
    """Run tasks, the longest first.

    Parameters
    ----------
    tasks : mapping of str to Task
        By key.
    digits : Digits
        The data, which each worker loads by itself.
    scheduler : str, optional
        Address of a Dask cluster, such as ``tcp://10.0.0.1:8786``. None uses processes of this machine, which
        open no port.
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
        If a cluster is asked for, and Dask is missing or no scheduler answers.
    KeyboardInterrupt
        After Ctrl-C, once the workers have ended.
    """
    if not tasks:
        return
    dataset = "mnist" if digits.name == "MNIST" else "uci"
    longest_first = sorted(tasks.items(), key=lambda item: -plan.estimated_cost(item[1]))
    arguments = [(task, key, dataset) for key, task in longest_first]
    found = workers.call_all(run, arguments, scheduler=scheduler, jobs=jobs)
    yield from ((arguments[index][1], result) for index, result in found)
