"""Fixtures that write small lessons."""

from functools import partial

import pytest

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
