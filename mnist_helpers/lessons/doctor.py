"""Check everything that the lessons need, before they need it."""

import os
import platform
import sys
from collections.abc import Callable, Iterator

from mnist_helpers import environment, mnist_files
from mnist_helpers.errors import MnistHelpersError
from mnist_helpers.lessons.kernels import start_kernel


def examine() -> Iterator[tuple[str, bool, str]]:
    """Check machine, packages, kernel and data, one after the other.

    Yields
    ------
    name : str
        What was checked.
    ok : bool
        Whether the lessons can run with it.
    text : str
        What there is, or the problem and the next step.
    """
    checks: dict[str, Callable[[], str]] = {
        "machine": _describe_machine,
        "packages": _check_packages,
        "kernel": start_kernel,
        "data": _check_data,
    }
    for name, check in checks.items():
        try:
            yield name, True, check()
        except (MnistHelpersError, ImportError) as problem:
            yield name, False, str(problem)


def _describe_machine() -> str:
    import psutil

    memory = psutil.virtual_memory().total / 1e9
    python = f"Python {platform.python_version()} in {sys.prefix}"
    return f"{python}, {platform.platform()}, {os.cpu_count()} cores, {memory:.1f} GB memory"


def _check_packages() -> str:
    environment.check("run")
    names = ("tensorflow", "keras", "numpy", "papermill")
    return ", ".join(f"{name} {environment.installed_version(name)}" for name in names)


def _check_data() -> str:
    if found := mnist_files.find():
        source, path = found
        mnist_files.read(path)  # verifies it
        return f"MNIST ({source}) in {path}"
    return f"UCI digits; MNIST is not in {mnist_files.cache_folder()} until `mnist-helpers data` fetches it"
