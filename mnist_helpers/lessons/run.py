"""Execute lessons: each gives a notebook and an HTML page."""

import logging
import multiprocessing
import os
import queue
import re
import signal
import sys
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent import futures
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import forkserver
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_helpers import environment
from mnist_helpers.errors import UsageError
from mnist_helpers.lessons import kernels, pages
from mnist_helpers.lessons.parameters import Value, choose_parameters
from mnist_helpers.lessons.texts import read_lesson

if TYPE_CHECKING:
    from nbformat import NotebookNode

# A fork server imports the preloaded packages once for all lessons. Windows can only spawn.
_PROCESSES = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
_PROCESSES.set_forkserver_preload(["papermill", "nbconvert"])


@dataclass(frozen=True)
class Result:
    """The outcome of one lesson.

    Parameters
    ----------
    lesson : str
        The lesson's name, such as ``"02_baseline_cnn"``.
    dataset : str
        ``"MNIST"`` or ``"UCI digits"``; empty if the lesson did not get as far as naming it.
    seconds : float
        Time of the execution.
    peak_megabytes : float or None
        Peak memory of the kernel, in MB of 1,000,000 bytes; None on Windows, which does not report it.
    headline : str
        Output of the cell tagged ``headline``.
    error : str
        The cell that failed and the reason; empty if the lesson succeeded.
    kept : bool
        Whether NAME.failed.ipynb holds what a failed lesson reached.
    """

    lesson: str
    dataset: str = ""
    seconds: float = 0.0
    peak_megabytes: float | None = None
    headline: str = ""
    error: str = ""
    kept: bool = False


@dataclass(frozen=True)
class _Job:
    """What the process that executes a lesson has to know."""

    lesson: Path
    quick: bool
    answers: bool
    parameters: dict[str, Value]
    output: Path
    scratch: Path
    timeout: int  # seconds, of each cell
    bar: dict | bool  # papermill's settings of a progress bar, or False


def format_results(results: Iterable[Result]) -> str:
    """Lay results out in columns.

    Parameters
    ----------
    results : iterable of Result
        In any order.

    Returns
    -------
    str
        A header and one line per lesson, in their order.
    """
    rows = [("lesson", "data set", "seconds", "peak MB", "headline result")]
    for result in sorted(results, key=lambda result: result.lesson):
        peak = f"{result.peak_megabytes:.0f}" if result.peak_megabytes else "unknown"
        headline = "FAILED" if result.error else result.headline
        rows.append((result.lesson, result.dataset, f"{result.seconds:.0f}", peak, headline))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def run_lessons(
    lessons: Sequence[Path],
    output: Path,
    settings: Mapping[str, str] | None = None,
    quick: bool = False,
    jobs: int = 1,
    timeout: int = 1800,
    answers: bool = False,
    bars: bool = False,
) -> Generator[Result]:
    """Execute lessons, each in a process of its own.

    A finished lesson is written as NAME.ipynb and NAME.html. A failed one leaves NAME.failed.ipynb. One
    failure does not stop the other lessons. Ctrl-C ends running lessons and keeps finished ones.

    Parameters
    ----------
    lessons : sequence of Path
        The texts, as `texts.find_lessons` returns them.
    output : Path
        The folder to write into; it is made if it does not exist.
    settings : mapping of str to str, optional
        Values of parameters as text, by name.
    quick : bool, default False
        Whether the quick profile sets the other parameters.
    jobs : int, default 1
        How many lessons run at once, at least 1.
    timeout : int, default 1800
        The time limit of each cell, in seconds.
    answers : bool, default False
        Whether the solutions and the wrong answers of the exercises are executed and tested as well.
    bars : bool, default False
        Whether each running lesson shows its cells in a progress bar on stderr.

    Yields
    ------
    Result
        The outcome of each lesson as it ends.

    Raises
    ------
    SetupError
        Before anything runs, if a package or a kernel is missing or `output` cannot be written.
    UsageError
        Before anything runs, if a file is no lesson, two lessons have the same name, or a setting is unknown
        or not allowed.
    """
    environment.check("run")
    if len({path.stem for path in lessons}) < len(lessons):
        raise UsageError("Two lessons of the same name would write the same files: run one after the other")
    notebooks = [read_lesson(path) for path in lessons]
    parameters = choose_parameters(notebooks, settings or {}, quick)
    for kernel in {notebook.metadata["kernelspec"]["name"] for notebook in notebooks}:
        kernels.check_kernel(kernel)
    with pages.make_scratch(output) as scratch:
        work = []
        for lesson, values in zip(lessons, parameters, strict=True):
            bar = {"desc": lesson.stem, "leave": False}
            how = (quick, answers, values)
            work.append(_Job(lesson, *how, output, Path(scratch), timeout, bars and bar))
        if jobs > 1:
            # The later lessons take longer. A long one that starts last would run alone.
            work.reverse()
        yield from _run_all(work, jobs)


def _run_all(work: Sequence[_Job], jobs: int) -> Iterator[Result]:
    lines: queue.SimpleQueue[int] = queue.SimpleQueue()  # of the terminal, for progress bars
    for number in range(1, jobs + 1):
        lines.put(number)
    _start_fork_server()
    with futures.ThreadPoolExecutor(jobs) as threads:
        runs = [threads.submit(_run_on_line, job, lines) for job in work]
        pending = set(runs)
        try:
            while pending:
                # Windows does not notice Ctrl-C during a wait, so each wait lasts a second at most.
                done, pending = futures.wait(pending, 1, futures.FIRST_COMPLETED)
                for run in done:
                    yield run.result()
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            _end_processes(runs)
            raise


def _start_fork_server() -> None:
    """Start multiprocessing's own processes such that they outlive SIGHUP, as they do Ctrl-C."""
    if sys.platform != "win32" and threading.current_thread() is threading.main_thread():
        previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # they inherit that
        forkserver.ensure_running()
        signal.signal(signal.SIGHUP, previous)


def _end_processes(runs: Sequence[futures.Future]) -> None:
    """Terminate the processes of all runs; each ends its kernel first."""
    # A process that is still starting is not among the children yet, so look again until all runs are over.
    while not all(run.done() for run in runs):
        for child in multiprocessing.active_children():
            child.terminate()
        time.sleep(0.1)


def _run_on_line(job: _Job, lines: queue.SimpleQueue[int]) -> Result:
    """Run one lesson whose progress bar has a line of its own."""
    line = lines.get()
    try:
        return _run_apart(replace(job, bar=isinstance(job.bar, dict) and job.bar | {"position": line}))
    finally:
        lines.put(line)


def _run_apart(job: _Job) -> Result:
    """Run one lesson in a new process, so that its memory and a crash stay there."""
    for may_retry in (True, False):
        try:
            setup = (dict(os.environ),)
            with futures.ProcessPoolExecutor(1, _PROCESSES, _enter_process, setup) as pool:
                return pool.submit(_run_lesson, job).result()
        except BrokenProcessPool:
            problem = "its process was killed (out of memory?)"
            break
        except OSError as error:
            problem = f"{error} ({job.output}): remove the cause, or use another --output"
            for draft in job.scratch.glob(f"{job.lesson.stem}.*"):  # the other lessons need the space
                draft.unlink()
            break
        except Exception as error:  # whatever it is, the other lessons go on
            problem = f"{type(error).__name__}: {error}"
            # Kernels that start together may pick the same port (jupyter_client #154). No cell has run yet.
            if not (may_retry and "died before replying to kernel_info" in problem):
                break
    return Result(job.lesson.stem, error=problem)


def _enter_process(variables: Mapping[str, str]) -> None:
    """Prepare a new process for a lesson."""
    for name in {"SIGINT", "SIGHUP"} & vars(signal).keys():  # they reach the parent, which ends this process
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    kernels.end_with_parent()
    os.environ.clear()  # the fork server passes on the variables of the first run
    os.environ.update(variables)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # the result holds what it would log
    # The kernel inherits file descriptor 2 and repeats TensorFlow's log there: discard it. Progress bars go
    # to sys.stderr, which keeps the terminal.
    sys.stderr = os.fdopen(os.dup(2), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _run_lesson(job: _Job) -> Result:
    """Execute one lesson and write what came out."""
    import nbformat

    name = job.lesson.stem
    draft = job.scratch / f"{name}.ipynb"
    start = time.monotonic()
    reason = _execute(job, draft)
    seconds = time.monotonic() - start
    notebook = nbformat.read(draft, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    error = f"{_describe_last_started(code)} {reason}" if reason else ""
    pages.clean(notebook)
    write = pages.keep_failed if error else pages.publish
    write(notebook, name, job.output, job.scratch)
    found = (_find_dataset(code), seconds, _measure_peak(), _find_headline(code))
    return Result(name, *found, error, kept=bool(error))


def _execute(job: _Job, draft: Path) -> str:
    """Execute a lesson into `draft`; return why it failed, or nothing."""
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    try:
        papermill.execute_notebook(
            read_lesson(job.lesson, job.answers, job.quick),
            draft,
            job.parameters,
            progress_bar=job.bar,
            extra_arguments=kernels.END_WITH_PARENT,
            start_timeout=kernels.START_TIMEOUT,
            execution_timeout=job.timeout,
            iopub_timeout=job.timeout,  # papermill's 4 seconds fail a lesson on a busy machine
            coalesce_streams=True,  # else the kernel cuts a cell's text at random places
            store_widget_state=False,  # HTML pages have no live widgets
        )
    except CellTimeoutError:
        return f"ran longer than the limit of {job.timeout} s"
    except DeadKernelError:
        return "ended its kernel (out of memory?)"
    except papermill.PapermillExecutionError as error:
        return f"raised {error.ename}: {error.evalue}"
    return ""


def _measure_peak() -> float | None:
    """Return the peak memory of the kernel, the only child of this process, in megabytes."""
    if sys.platform == "win32":
        return None
    from resource import RUSAGE_CHILDREN, getrusage

    unit = 1024 if sys.platform == "linux" else 1  # bytes
    return getrusage(RUSAGE_CHILDREN).ru_maxrss * unit / 1e6


def _describe_last_started(code: Sequence["NotebookNode"]) -> str:
    # papermill calls all cells of a failed notebook completed, but only started ones have a start time.
    number = sum(bool(cell.metadata.get("papermill", {}).get("start_time")) for cell in code)
    if not number:
        return "before its first code cell the lesson"
    return f"code cell {number} ({code[number - 1].source.partition(chr(10))[0][:60]})"


def _find_dataset(code: Sequence["NotebookNode"]) -> str:
    """Return the data set named at the start of the first output that begins with one."""
    for cell in code:
        if found := re.match("MNIST|UCI digits", _read_stdout(cell)):
            return found[0]
    return ""


def _find_headline(code: Sequence["NotebookNode"]) -> str:
    return "".join(_read_stdout(cell) for cell in code if "headline" in cell.metadata.get("tags", ()))


def _read_stdout(cell: "NotebookNode") -> str:
    return "".join(output.text for output in cell.outputs if output.get("name") == "stdout").strip()
