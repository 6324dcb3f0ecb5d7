"""Write executed lessons as notebooks and HTML pages that hold nothing but the lesson and its results."""

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_helpers.errors import SetupError
from mnist_helpers.lessons import render

if TYPE_CHECKING:
    from nbformat import NotebookNode

# TensorFlow's C++ code prints these lines even when TF_CPP_MIN_LOG_LEVEL is 3.
_LOG_NOISE = re.compile(r"oneDNN|absl::InitializeLog|cpu_feature_guard|To enable the following instructions")
_WIDGET = "application/vnd.jupyter.widget-view+json"


def clean(notebook: "NotebookNode") -> None:
    """Remove, in place, what differs from run to run, log lines of TensorFlow, and widgets.

    A widget's text stays. Two runs of a lesson with the same outputs then give the same file.

    Parameters
    ----------
    notebook : NotebookNode
        A notebook as papermill executed it.
    """
    notebook.metadata.pop("papermill", None)
    notebook.metadata.get("language_info", {}).pop("version", None)
    for number, cell in enumerate(notebook.cells, 1):
        cell.id = f"cell-{number}"
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if not cell.metadata.get("tags"):
            cell.metadata.pop("tags", None)
        if cell.cell_type == "code":
            cell.outputs = _clean_outputs(cell.outputs)


def make_scratch(folder: Path) -> tempfile.TemporaryDirectory:
    """Make a folder for lessons and a temporary one inside; remove what killed runs have left there.

    Parameters
    ----------
    folder : Path
        Where finished files will appear; it may exist.

    Returns
    -------
    tempfile.TemporaryDirectory
        The temporary folder, in which files are written first.

    Raises
    ------
    SetupError
        If one of them cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        prefix = f".run-{os.getpid()}-"
        return tempfile.TemporaryDirectory(prefix=prefix, dir=folder, ignore_cleanup_errors=True)
    except OSError as error:
        raise SetupError(f"Cannot write into {folder} ({error.strerror}): choose another folder") from error


def publish(notebook: "NotebookNode", name: str, folder: Path, scratch: Path) -> None:
    """Write a finished lesson as NAME.ipynb and NAME.html, and remove the NAME.failed.ipynb of earlier runs.

    Each file appears complete or not at all.

    Parameters
    ----------
    notebook : NotebookNode
        The executed notebook, cleaned.
    name : str
        The lesson's name, such as ``"02_baseline_cnn"``.
    folder : Path
        Where the files appear.
    scratch : Path
        A folder on the same file system, where they are written first.
    """
    import nbformat

    page = scratch / f"{name}.html"
    page.write_text(render.render(notebook, name), encoding="utf-8")
    draft = scratch / f"{name}.ipynb"
    nbformat.write(notebook, draft)
    page.replace(folder / page.name)
    draft.replace(folder / draft.name)
    _failed_path(name, folder).unlink(missing_ok=True)


def keep_failed(notebook: "NotebookNode", name: str, folder: Path, scratch: Path) -> None:
    """Write what a failed lesson reached as NAME.failed.ipynb; files of earlier runs stay.

    Parameters
    ----------
    notebook : NotebookNode
        The executed notebook, cleaned.
    name : str
        The lesson's name.
    folder : Path
        Where the file appears.
    scratch : Path
        A folder on the same file system, where it is written first.
    """
    import nbformat

    draft = scratch / f"{name}.ipynb"
    nbformat.write(notebook, draft)
    draft.replace(_failed_path(name, folder))


def _clean_outputs(outputs: list["NotebookNode"]) -> list["NotebookNode"]:
    """Remove log lines and widgets; return the outputs that are not empty."""
    for output in outputs:
        if output.get("name") == "stderr":
            lines = output.text.splitlines(keepends=True)
            output.text = "".join(line for line in lines if not _LOG_NOISE.search(line))
        output.get("data", {}).pop(_WIDGET, None)
    return [output for output in outputs if output.get("text") != ""]


def _sweep(parent: Path) -> None:
    """Remove the temporary folders that killed runs have left."""
    for folder in parent.glob(".run-*"):
        number = re.match(r"\.run-(\d+)-", folder.name)
        if number and not _is_running(int(number[1]), folder.stat().st_mtime):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(pid: int, since: float) -> bool:
    """Return whether a process exists that was there at a time, in seconds; numbers are used again."""
    import psutil

    try:
        return psutil.Process(pid).create_time() < since + 60  # clocks are set
    except psutil.NoSuchProcess:
        return False


def _failed_path(name: str, folder: Path) -> Path:
    return folder / f"{name}.failed.ipynb"
