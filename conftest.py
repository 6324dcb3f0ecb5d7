"""pytest's part in comparing the notebooks' outputs: choose and count the cells that nbval compares."""

import os

import pytest

from mnist_helpers import mnist_files

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # kernels inherit it


def pytest_addoption(parser):
    """Add --min-compared."""
    parser.addoption(
        "--min-compared",
        type=int,
        default=0,
        metavar="N",
        help="fail if nbval compared fewer cells; a notebook without outputs passes without a comparison",
    )


def pytest_collection_modifyitems(items):
    """Mark the cells that nbval will compare; where MNIST is absent, leave out those tagged mnist-only."""
    marked = [item for item in items if hasattr(item, "cell") and item.options["check"]]
    has_mnist = mnist_files.find() is not None if marked else False
    for item in marked:
        if "mnist-only" in item.cell.metadata.get("tags", ()) and not has_mnist:
            item.options["check"] = False
            item.user_properties.append(("nbval", "skipped"))
        elif item.cell.outputs and item.cell.execution_count:  # nbval compares no others
            item.user_properties.append(("nbval", "compared"))


def pytest_sessionfinish(session):
    """Fail an otherwise successful session if too few cells were compared."""
    if hasattr(session.config, "workerinput"):  # a worker of xdist; its controller counts
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    n_compared = len(find_cells(reporter, "compared"))
    if session.exitstatus == pytest.ExitCode.OK and n_compared < session.config.option.min_compared:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    """Report how many cells were compared and which were not because MNIST is absent."""
    if not (config.option.nbval or config.option.nbval_lax):
        return
    for cell in find_cells(terminalreporter, "skipped"):
        terminalreporter.write_line(f"not compared, because MNIST is absent: {cell}")
    n_compared = len(find_cells(terminalreporter, "compared"))
    line = f"{n_compared} cells compared"
    if n_compared < config.option.min_compared:
        line += f", and at least {config.option.min_compared} were expected"
    terminalreporter.write_line(line)


def find_cells(reporter, state):
    """Return the ids of the passed cells in a state, those of xdist's workers included."""
    passed = reporter.getreports("passed")
    return [report.nodeid for report in passed if dict(report.user_properties).get("nbval") == state]
