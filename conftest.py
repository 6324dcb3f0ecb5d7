"""pytest's part in running notebooks: which cells nbval compares, how closely, and what came of it.

Beside nbval's own tags a cell may have these (see docs/testing.md):

- ``nbval-tolerance=0.5``: compare its output, but let floats differ by that much; ``nbval-tolerance=2%``
  is for percentages alone, and a cell may have both.
- ``nbval-check-picture``: compare its output, pictures included.
- ``mnist-only``: compare it only where MNIST is there.
- ``defaults-only``: compare it only where no parameter was changed.
"""

import json
import os
import re

import cell_report
import pytest
from outputs import accept, find_changed_line, find_changed_pictures

from mnist_helpers import environment, mnist_files

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # kernels inherit it

TOLERANCE = "nbval-tolerance="
PICTURE = "nbval-check-picture"
KNOWN = {PICTURE, "nbval-check-output", "nbval-ignore-output", "nbval-raises-exception", "nbval-skip"}


# Another project writes these two anew, without this package.


def name_data():
    """Return which data set the notebooks use on this machine."""
    return "MNIST" if mnist_files.find() else "UCI digits"


def name_versions():
    """Return the versions that stand above the table of what moved."""
    versions = environment.describe()
    return ", ".join(f"{name} {versions[name]}" for name in ("tensorflow", "keras", "numpy"))


def pytest_addoption(parser):
    """Add the options of this file."""
    parser.addoption(
        "--min-compared",
        type=int,
        default=0,
        metavar="N",
        help="fail if nbval compared fewer cells; a notebook without outputs passes without a comparison",
    )
    parser.addoption(
        "--record-shares",
        action="store_true",
        help=f"write each notebook's slowest cells, as shares of its time, into {cell_report.SHARES.name}",
    )


def pytest_collection_modifyitems(items):
    """Choose the cells that nbval will compare, and how."""
    cells = [item for item in items if hasattr(item, "cell")]
    data = name_data() if cells else ""
    for item in cells:
        tags = item.cell.metadata.get("tags", ())
        tolerances = read_tolerances(item.nodeid, tags)
        changed = any("injected-parameters" in cell.metadata.get("tags", ()) for cell in item.parent.nb.cells)
        item.user_properties += [
            ("code", item.cell.source.partition("\n")[0][:60]),
            ("profile", f"{'changed' if changed else 'defaults'}, {data}"),
        ]
        if not (item.options["check"] or tolerances or PICTURE in tags):
            continue
        missing = "MNIST is absent" if "mnist-only" in tags and data != "MNIST" else ""
        if reason := missing or ("parameters were changed" if "defaults-only" in tags and changed else ""):
            item.user_properties.append(("left out", reason))
        item.options["check"] = not reason
        if not reason and item.cell.outputs and item.cell.execution_count:  # nbval compares no others
            item.user_properties.append(("compared", True))
            extend_comparison(item, tolerances, PICTURE in tags)


def read_tolerances(cell, tags):
    """Return the tolerances that a cell's tags state, by unit; refuse tags that would have no effect."""
    tolerances = {}
    for tag in tags:
        if stated := re.fullmatch(TOLERANCE + r"(\d+(?:\.\d+)?)(%?)", tag):
            tolerances[stated[2]] = float(stated[1])
        elif tag.startswith("nbval-") and tag not in KNOWN:
            raise pytest.UsageError(
                f"{cell}: no tag {tag}; there are {TOLERANCE}0.5, {TOLERANCE}2%, {', '.join(KNOWN)}"
            )
    return tolerances


def extend_comparison(item, tolerances, with_pictures):
    """Let nbval's comparison of a cell know tolerances and pictures."""
    compare_exactly = item.compare_outputs

    def compare(test, ref, skip_compare=None):
        accepted, changes = accept(test, ref, tolerances)
        same_text = compare_exactly(accepted, ref, skip_compare)
        moved = [change for change in changes if not change.is_allowed]
        pictures = find_changed_pictures(test, ref) if with_pictures else []
        lesson = f"{item.path.stem}, {item.name}"
        item.comparison_traceback += [f"{lesson}: {line}" for line in [*moved, *pictures]]
        text = "" if same_text or moved else f"text differs: {find_changed_line(test, ref)}"
        item.user_properties += [
            ("changes", [tuple(change) for change in changes]),
            ("problem", "; ".join(filter(None, [text, *pictures]))),
        ]
        return same_text and not pictures

    item.compare_outputs = compare


def pytest_exception_interact(node, call):
    """Remember that a notebook refused its parameters."""
    message = getattr(call.excinfo.value, "inner_traceback", "") or ""
    if "parameters.check()" in getattr(node, "cell", {}).get("source", "") and "UsageError" in message:
        node.parent.refused = True


def pytest_runtest_setup(item):
    """Skip what follows a refusal; nbval itself would go on."""
    if getattr(item.parent, "refused", False):
        pytest.skip("the notebook refused its parameters")


def pytest_sessionfinish(session):
    """Fail an otherwise successful session if too few cells were compared."""
    if is_worker(session.config):
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    n_compared = len(find_cells(reporter, "compared"))
    if session.exitstatus == pytest.ExitCode.OK and n_compared < session.config.option.min_compared:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    """Report how many cells were compared, which were left out, what moved, and what became slow."""
    if is_worker(config) or not (config.option.nbval or config.option.nbval_lax):
        return
    left_out = find_cells(terminalreporter, "left out")
    for reason in sorted(set(left_out.values())):
        names = ", ".join(name for name, found in left_out.items() if found == reason)
        terminalreporter.write_line(f"not compared, because {reason}: {names}")
    n_compared = len(find_cells(terminalreporter, "compared"))
    line = f"{n_compared} cells compared"
    if n_compared < config.option.min_compared:
        line += f", and at least {config.option.min_compared} were expected"
    terminalreporter.write_line(line)
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    cells = list(cell_report.read_cells(reports))
    report_changes(cells, terminalreporter)
    report_shares(cells, terminalreporter, config.option.record_shares)


def is_worker(config):
    """Return whether this is a worker of xdist. Its controller counts and reports."""
    return hasattr(config, "workerinput")


def find_cells(reporter, fact):
    """Return what holds for the passed cells that have a property, xdist's workers included, by node."""
    facts = {report.nodeid: dict(report.user_properties) for report in reporter.getreports("passed")}
    return {name: found[fact] for name, found in facts.items() if fact in found}


def report_changes(cells, reporter):
    """Print what moved against the stored outputs, and append it to the summary of a job on GitHub."""
    table = cell_report.format_changes(cells) or "Nothing moved."
    text = f"\nAgainst the stored outputs, with {name_versions()}:\n\n{table}\n"
    reporter.write_line(text)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(summary, "a", encoding="utf-8") as file:
            file.write(text)


def report_shares(cells, reporter, record):
    """Name the cells that take twice their share of a notebook's time, or record the shares."""
    shares, known = cell_report.measure_shares(cells), cell_report.read_shares()
    if record:
        table = json.dumps(cell_report.record_shares(shares, known), indent=2, ensure_ascii=False)
        cell_report.SHARES.write_text(table + "\n", encoding="utf-8")
        return
    for line in cell_report.find_slower(shares, known):
        reporter.write_line(f"slower than usual: {line}")
