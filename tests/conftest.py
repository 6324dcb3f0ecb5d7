"""Fixtures that write small lessons and kernels."""

import json
import signal
from functools import partial

import pytest

# A shell starts jobs in its background with Ctrl-C ignored, and so would be what the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

HEADER = """\
# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags
#     notebook_metadata_filter: -jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: {kernel}
# ---

"""


@pytest.fixture(scope="session")
def write_lesson():
    """Return a function that writes a lesson of the given cells into a folder and returns its path."""

    def write(folder, name, *cells, kernel="python3"):
        folder.mkdir(exist_ok=True)
        path = folder / f"{name}.py"
        path.write_text(HEADER.format(kernel=kernel) + "\n\n".join(cells) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def make_lesson(write_lesson, tmp_path):
    """Return a function that writes a lesson into tmp_path/lessons and returns its path."""
    return partial(write_lesson, tmp_path / "lessons")


@pytest.fixture
def add_kernel(monkeypatch, tmp_path):
    """Return a function that gives Jupyter a kernel: a name and the command that starts it."""
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))

    def add(name, command):
        folder = tmp_path / "jupyter" / "kernels" / name
        folder.mkdir(parents=True)
        spec = {"argv": command, "display_name": name, "language": "python"}
        (folder / "kernel.json").write_text(json.dumps(spec))

    return add
