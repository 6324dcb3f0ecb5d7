"""Imports go one way: the command, then study, lessons and drawing, then the modules they share."""

import pkgutil
import subprocess
import sys

import pytest

import mnist_helpers

WINGS = {f"mnist_helpers.{name}" for name in ("study", "lessons", "drawing")}
BASE = [
    f"mnist_helpers.{module.name}"
    for module in pkgutil.iter_modules(mnist_helpers.__path__)
    if not module.ispkg
]


def find_loaded(*modules):
    """Return the names of all modules that are loaded after importing some in a new process."""
    code = f"import sys; import {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_base_modules_import_no_wing():
    loaded = find_loaded(*BASE)
    assert set(BASE) <= loaded
    assert not WINGS & loaded


@pytest.mark.parametrize("wing", sorted(WINGS))
def test_wing_imports_no_other_wing(wing):
    modules = [f"{wing}.{module.name}" for module in pkgutil.iter_modules([_find_folder(wing)])]
    loaded = find_loaded(*modules)
    assert WINGS & loaded == {wing}
    assert "mnist_helpers.cli" not in loaded


def _find_folder(wing):
    return f"{mnist_helpers.__path__[0]}/{wing.rpartition('.')[2]}"


def test_statistics_plots_and_results_need_no_tensorflow():
    modules = (
        "statistics",
        "plots",
        "recipes",
        "study.analysis",
        "study.findings",
        "study.charts",
        "study.history",
        "study.plan",
    )
    loaded = find_loaded(*(f"mnist_helpers.{module}" for module in modules))
    assert "mnist_helpers.study.analysis" in loaded
    assert not {"tensorflow", "keras"} & loaded
