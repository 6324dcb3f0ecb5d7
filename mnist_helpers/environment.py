"""What this package needs of its environment, read from its metadata, hence from pyproject.toml."""

import contextlib
import os
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from mnist_helpers.errors import SetupError

_TENSORFLOW = ("tensorflow", "tensorflow-cpu", "tf-nightly")  # one library: its name depends on the platform
_INSTALL = "python -m pip install -r requirements.lock, then python -m pip install --no-deps -e ."


def installed_version(name: str) -> str | None:
    """Return the version of a distribution on PyPI, or of its platform's alternative, or None."""
    for candidate in _TENSORFLOW if name in _TENSORFLOW else (name,):
        try:
            return metadata.version(candidate)
        except metadata.PackageNotFoundError:
            continue
    return None


def find_problems(*extras: str) -> list[str]:
    """Return one line for each requirement that Python or the installed packages do not meet.

    Those of TensorFlow are among them, and of the other extras that are named, such as ``"run"``.
    """
    if sys.version_info < (3, 11):  # noqa: UP036 — pip refuses it, a path to the sources does not
        return [f"Python {sys.version.split()[0]} is too old: install 3.11, 3.12 or 3.13"]
    try:
        from packaging.requirements import Requirement

        requirements = [Requirement(text) for text in metadata.requires("mnist-helpers") or ()]
    except ModuleNotFoundError as missing:  # also what `metadata` raises
        return [f"{missing.name} is not installed"]
    problems = []
    for needed in requirements:
        wanted = [{"extra": extra} for extra in ("tensorflow", *extras)]
        if needed.marker and not any(map(needed.marker.evaluate, wanted)):
            continue
        found = installed_version(needed.name)
        if not found or not needed.specifier.contains(found, prereleases=True):
            state = f"{found} is installed" if found else "is not installed"
            problems.append(f"{needed.name} {state}: {needed.specifier} is needed")
    return problems


def describe() -> dict[str, str]:
    """Return what measured numbers depend on: processor, cores, and versions."""
    processor, cpuinfo = platform.processor(), Path("/proc/cpuinfo")
    if cpuinfo.exists():  # Linux, where Python finds no more than "x86_64"
        text = cpuinfo.read_text(encoding="utf-8")
        processor = text.partition("model name")[2].partition("\n")[0].strip("\t: ") or processor
    versions = {name: str(installed_version(name)) for name in ("tensorflow", "keras", "numpy")}
    machine = {"processor": processor, "cores": str(os.cpu_count())}
    return {**machine, "python": platform.python_version(), **versions}


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Keep what C++ code writes off the terminal, as TensorFlow does while it is imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    terminal, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        os.close(nowhere)


def check(*extras: str) -> None:
    """Raise SetupError, with one line, if `find_problems` finds any."""
    if problems := find_problems(*extras):
        raise SetupError(f"{'; '.join(problems)}. In the repository's folder: {_INSTALL}")
