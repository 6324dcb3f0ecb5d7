"""Find, read and run the lessons.

A lesson is a text (jupytext's percent format) in lessons/; executing it makes a notebook. Its `parameters`
cell states what may be set, for learners and for the checks here alike::

    epochs: int = 5  # 1 to 100: passes over the training images
"""

import contextlib
import difflib
import hashlib
import json
import logging
import multiprocessing
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist_helpers import environment
from mnist_helpers.errors import SetupError, UsageError

# The quick profile: large enough that each cell does its work, small enough for a test.
QUICK = {"train_size": 300, "validation_size": 2_000, "epochs": 2, "n_seeds": 2}
QUICK |= {"final_train_size": 1_000, "final_epochs": 1}
_TYPES = {"int": int, "float": float, "str": str, "bool": lambda text: text == "true"}
# What TensorFlow's C++ part still prints when TF_CPP_MIN_LOG_LEVEL is 3.
_LOG_NOISE = re.compile(r"oneDNN|absl::InitializeLog|cpu_feature_guard|To enable the following instructions")
# Processes begin with what each of them needs, imported once; Windows has no such server.
_PROCESSES = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
_PROCESSES.set_forkserver_preload(["papermill", "nbconvert"])


@dataclass(frozen=True)
class Result:
    """What came out of one lesson; `error` names the cell and the reason, and is empty when all went well."""

    lesson: str
    dataset: str = ""
    seconds: float = 0.0
    peak_megabytes: float | None = None  # of the kernel; None on Windows, which does not tell
    headline: str = ""
    error: str = ""


def find_lessons(names: Iterable[str] = (), folder: Path | None = None) -> list[Path]:
    """Return the texts of the lessons named, as "02", "02_baseline_cnn" or a path, or of all.

    Raises SetupError if there are no lessons, UsageError if a name is unknown.
    """
    folder = folder or Path(__file__).resolve().parents[1] / "lessons"
    texts = sorted(folder.glob("[0-9]*.py"))
    if not texts:
        raise SetupError(f"No lessons in {folder}. Install from a clone of the repository: pip install -e .")
    known = {key: path for path in texts for key in (path.stem, path.stem.partition("_")[0])}
    stems = [Path(name).stem for name in names]
    _check_names("lesson", stems, known)
    return sorted({known[stem] for stem in stems}) or texts


def hash_code(notebook: Mapping) -> str:
    """Return the SHA-256 of a notebook's code as hexadecimal digits."""
    code = json.dumps([cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"])
    return hashlib.sha256(code.encode()).hexdigest()


def read_lesson(path: Path) -> Any:
    """Read a lesson's text as a notebook (nbformat's NotebookNode) that carries the hash of its code."""
    import jupytext

    notebook = jupytext.read(path)
    notebook.metadata["mnist_helpers"] = {"code_sha256": hash_code(notebook)}
    return notebook


def parse_value(parameter: Mapping[str, str], text: str) -> int | float | str | bool:
    """Turn text into a value of a parameter (an entry of papermill.inspect_notebook), or raise UsageError."""
    kind, allowed = parameter["inferred_type_name"], parameter["help"].partition(":")[0]
    with contextlib.suppress(KeyError, TypeError, ValueError):
        value = _TYPES[kind](text)
        low, is_range, high = allowed.partition(" to ")  # no nan fits a range
        if float(low) <= value <= float(high) if is_range else text in re.split(", | or ", allowed):
            return value
    raise UsageError(f"{parameter['name']}={text}: {kind}, {allowed} is needed, as in {parameter['default']}")


def choose_parameters(notebooks: Sequence, settings: Mapping[str, str], quick: bool = False) -> list[dict]:
    """Return the values to set in each notebook that has the parameter; nothing is executed.

    Settings win over the quick profile. Raises UsageError if no notebook has one or allows its value.
    """
    import papermill

    tables = [papermill.inspect_notebook(notebook) for notebook in notebooks]
    known = sorted({name for table in tables for name in table})
    _check_names("parameter", settings, known)
    wanted = {**(QUICK if quick else {}), **settings}
    return [{k: parse_value(table[k], str(v)) for k, v in wanted.items() if k in table} for table in tables]


def check_kernel(name: str = "python3") -> str:
    """Return the kernel's name, or raise SetupError with the command that installs it."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        KernelSpecManager().get_kernel_spec(name)
    except NoSuchKernel:
        command = f'"{sys.executable}" -m ipykernel install --sys-prefix --name {name}'
        raise SetupError(f"Jupyter has no kernel {name!r}. Install it: {command}") from None
    return name


def run_lessons(
    lessons: Sequence[Path], output: Path, settings=None, quick=False, jobs=1, timeout=1800, bars=False
) -> Iterator[Result]:
    """Execute lessons, each in a process of its own, and yield each result as it comes.

    A finished lesson stands as NAME.ipynb and NAME.html in `output`, what a failed one reached as
    NAME.failed.ipynb. `settings` maps names to text, `timeout` is each cell's limit in seconds, `bars` shows
    each lesson's cells. Before anything runs, raises SetupError if a package or kernel is missing or `output`
    cannot be written, UsageError for bad settings. Ctrl-C ends running lessons and keeps finished ones.
    """
    environment.check("run")
    notebooks = [read_lesson(path) for path in lessons]
    parameters = choose_parameters(notebooks, settings or {}, quick)
    for name in {notebook.metadata["kernelspec"]["name"] for notebook in notebooks}:
        check_kernel(name)
    try:
        output.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(prefix=".run-", dir=output, ignore_cleanup_errors=True)
    except OSError as error:
        raise SetupError(f"Cannot write into {output} ({error.strerror}): choose another folder") from error
    work, cores = list(zip(lessons, parameters, strict=True)), max(1, (os.cpu_count() or 1) // jobs)
    if jobs > 1:  # the later lessons are the longer ones: a long one that starts last would run alone
        work.reverse()
    with scratch, futures.ThreadPoolExecutor(jobs) as threads:
        pending = set()
        try:
            for index, (path, values) in enumerate(work):
                bar = {"desc": path.stem, "position": 1 + index % jobs, "leave": False} if bars else False
                options = {"parameters": values, "execution_timeout": timeout, "progress_bar": bar}
                pending.add(threads.submit(_run_apart, path, output, Path(scratch.name), cores, options))
            while pending:  # wakes up each second: Windows does not notice Ctrl-C during a wait
                done, pending = futures.wait(pending, 1, futures.FIRST_COMPLETED)
                yield from (run.result() for run in done)
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            for child in multiprocessing.active_children():
                child.terminate()  # its kernel notices within a second that its parent is gone, and ends
            raise


def _run_apart(path: Path, *job: Any) -> Result:
    """Run one lesson in a new process: memory and a crash are its own, Ctrl-C is its parent's business."""
    for may_retry in (True, False):
        try:
            with futures.ProcessPoolExecutor(1, _PROCESSES, _begin, (dict(os.environ),)) as pool:
                return pool.submit(_run_lesson, path, *job).result()
        except Exception as error:  # whatever befalls one lesson must not stop the others
            # Kernels that start together may pick the same port (jupyter_client #154); no cell has run yet.
            if not (may_retry and "died before replying to kernel_info" in str(error)):
                return Result(path.stem, error=f"{type(error).__name__}: {error}")


def _begin(variables: dict[str, str]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.clear()  # the server's are those of the first run
    os.environ.update(variables)


def _run_lesson(path: Path, output: Path, scratch: Path, cores: int, options: dict) -> Result:
    import nbformat
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(cores))  # lessons side by side share the machine
    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what it logs is in the result
    # How the kernel cuts its output into messages must not show, and a page holds nothing that runs.
    options |= {"coalesce_streams": True, "store_widget_state": False}
    # The kernel repeats TensorFlow's log on its own stderr, which it inherits: only bars reach the terminal.
    sys.stderr = os.fdopen(os.dup(2), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    draft, start, error, found = scratch / f"{path.stem}.ipynb", time.monotonic(), "", {}
    try:
        papermill.execute_notebook(read_lesson(path), draft, **options)
    except CellTimeoutError:
        error = f"ran longer than the limit of {options['execution_timeout']} s"
    except DeadKernelError:
        error = "ended its kernel (out of memory?)"
    except papermill.PapermillExecutionError as problem:
        error = f"raised {problem.ename}: {problem.evalue}"
    found["seconds"], notebook = time.monotonic() - start, nbformat.read(draft, 4)
    if sys.platform != "win32":
        from resource import RUSAGE_CHILDREN, getrusage

        unit = 1024 if sys.platform == "linux" else 1
        found["peak_megabytes"] = getrusage(RUSAGE_CHILDREN).ru_maxrss * unit / 1e6
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if error:  # papermill calls every cell of such a notebook completed, but only started ones have a time
        number = sum(bool(cell.metadata.papermill.start_time) for cell in code)
        error = f"code cell {number} ({code[number - 1].source.splitlines()[0][:60]}) {error}"
    for cell in code:
        text = "".join(out.text for out in cell.outputs if out.get("name") == "stdout").strip()
        if name := re.match("MNIST|UCI digits", text):
            found.setdefault("dataset", name[0])
        if "headline" in cell.metadata.tags:
            found["headline"] = text
    _publish(notebook, draft, output, failed=bool(error))
    return Result(path.stem, error=error, **found)


def _publish(notebook: Any, draft: Path, output: Path, failed: bool) -> Any:
    """Write a notebook, complete or not at all, under its final name, and a page beside a finished one."""
    import nbformat
    from nbconvert import HTMLExporter

    notebook.metadata.pop("papermill", None)  # what differs from run to run and says nothing about the lesson
    notebook.metadata.get("language_info", {}).pop("version", None)
    for number, cell in enumerate(notebook.cells, 1):
        cell.id = f"cell-{number}"
        added = {"papermill", "execution", *(() if cell.metadata.get("tags") else ("tags",))}
        cell.metadata = {key: value for key, value in cell.metadata.items() if key not in added}
        for out in cell.get("outputs", ()):
            if out.get("name") == "stderr":
                out.text = "".join(line for line in out.text.splitlines(True) if not _LOG_NOISE.search(line))
            out.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)  # its text/plain stays
        if "outputs" in cell:
            cell.outputs = [out for out in cell.outputs if out.get("text", True)]
    nbformat.write(notebook, draft)
    unfinished, page = output / f"{draft.stem}.failed.ipynb", draft.with_suffix(".html")
    if failed:
        return draft.replace(unfinished)
    page.write_text(HTMLExporter(embed_images=True).from_notebook_node(notebook)[0], encoding="utf-8")
    page.replace(output / page.name)
    draft.replace(output / draft.name)
    unfinished.unlink(missing_ok=True)


def _check_names(kind: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in (name for name in names if name not in known):
        nearest = [f" Did you mean {match}?" for match in difflib.get_close_matches(name, known, 1)]
        raise UsageError(f"There is no {kind} {name!r}.{''.join(nearest)} There are: {', '.join(known)}")
