"""What pytest needs to compare the lessons' outputs (nbval) and to count what it compared."""

import os

import pytest

from mnist_helpers import mnist_files

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # inherited by the kernels

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
#     name: python3
# ---

"""


@pytest.fixture
def make_lesson(tmp_path):
    """Write a lesson of the given cells into tmp_path/lessons and return its path."""

    def make(name, *cells, kernel="python3"):
        path = tmp_path / "lessons" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        text = HEADER.replace("name: python3", f"name: {kernel}") + "\n\n".join(cells) + "\n"
        path.write_text(text, encoding="utf-8")
        return path

    return make


def pytest_addoption(parser):
    """Add --min-compared."""
    text = (
        "fail when fewer notebook cells were compared: a stripped notebook would pass without one comparison"
    )
    parser.addoption("--min-compared", type=int, default=0, metavar="N", help=text)


def pytest_collection_modifyitems(items):
    """Mark the cells that will be compared; leave out what holds for MNIST only where that is absent."""
    cells = [item for item in items if hasattr(item, "cell") and item.options["check"]]
    mnist_only = {cell for cell in cells if "mnist-only" in cell.cell.metadata.get("tags", ())}
    absent = bool(mnist_only) and mnist_files.find() is None
    for cell in cells:
        if absent and cell in mnist_only:
            cell.options["check"] = False
            cell.user_properties.append(("nbval", "skipped"))
        elif cell.cell.outputs and cell.cell.execution_count:  # nbval compares no other
            cell.user_properties.append(("nbval", "compared"))


def pytest_sessionfinish(session):
    """Fail when too little was compared."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    is_worker = hasattr(session.config, "workerinput")
    if (
        not is_worker
        and session.exitstatus == 0
        and len(_find(reporter, "compared")) < session.config.option.min_compared
    ):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    """Say how many cells were compared, and which were not because MNIST is absent."""
    if not (config.option.nbval or config.option.nbval_lax):
        return
    for cell in _find(terminalreporter, "skipped"):
        terminalreporter.write_line(f"not compared, because MNIST is absent: {cell}")
    count, least = len(_find(terminalreporter, "compared")), config.option.min_compared
    verdict = f", and at least {least} were expected" if count < least else ""
    terminalreporter.write_line(f"{count} cells compared{verdict}")


def _find(reporter, state):
    """Return the ids of the passed cells in that state; user properties cross from the workers of xdist."""
    passed = reporter.getreports("passed")
    return [report.nodeid for report in passed if dict(report.user_properties).get("nbval") == state]
