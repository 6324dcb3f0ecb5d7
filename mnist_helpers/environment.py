"""The environment: whether it meets this package's requirements, and which hardware and versions it has.

The requirements are read from the package's metadata, which is made from pyproject.toml.
"""

import contextlib
import os
import platform
import sys
from importlib import metadata
from pathlib import Path

from mnist_helpers.errors import SetupError, UsageError

_TENSORFLOW = ("tensorflow", "tensorflow-cpu", "tf-nightly")  # the same library under different names
INSTALL = "python -m pip install -r requirements/lessons.lock, then python -m pip install --no-deps -e ."
_YES_AND_NO = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(
    ("0", "false", "no", "off", ""), False
)
# Where Linux states how much memory a container, such as Binder's, may use.
_MEMORY_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def read_flag(name: str) -> bool:
    """Read yes or no from an environment variable.

    Parameters
    ----------
    name : str
        The variable.

    Returns
    -------
    bool
        True for 1, true, yes and on; False for 0, false, no and off, and if it is empty or not set. Case
        does not matter.

    Raises
    ------
    UsageError
        If it has another value.
    """
    value = os.environ.get(name, "")
    try:
        return _YES_AND_NO[value.strip().lower()]
    except KeyError:
        raise UsageError(f"{name} is {value[:50]!r}: set it to 1 (yes) or 0 (no)") from None


def installed_version(name: str) -> str | None:
    """Return the version of an installed distribution.

    Parameters
    ----------
    name : str
        Name on PyPI. Each name of TensorFlow stands for all of them, since the name depends on the platform.

    Returns
    -------
    str or None
        The version, or None if the distribution is not installed.
    """
    for candidate in _TENSORFLOW if name in _TENSORFLOW else (name,):
        try:
            return metadata.version(candidate)
        except metadata.PackageNotFoundError:
            continue
    return None


def find_problems(*extras: str) -> list[str]:
    """Find the requirements that Python or the installed packages do not meet.

    Parameters
    ----------
    *extras : str
        Optional dependencies in pyproject.toml that are required too, such as ``"run"``. The base
        dependencies and those of ``"tensorflow"`` always are.

    Returns
    -------
    list of str
        One line per unmet requirement.
    """
    if sys.version_info < (3, 11):  # noqa: UP036 — pip checks it, but running from the sources bypasses pip
        return [f"Python {sys.version.split()[0]} is too old: install 3.11, 3.12 or 3.13"]
    try:
        from packaging.requirements import Requirement

        requirements = [Requirement(text) for text in metadata.requires("mnist-helpers") or ()]
    except ModuleNotFoundError as missing:  # of packaging, or of mnist-helpers' own metadata
        return [f"{missing.name} is not installed"]
    problems = []
    for requirement in requirements:
        contexts = [{"extra": extra} for extra in ("tensorflow", *extras)]
        if requirement.marker and not any(map(requirement.marker.evaluate, contexts)):
            continue
        found = installed_version(requirement.name)
        if not found or not requirement.specifier.contains(found, prereleases=True):
            state = f"{found} is installed" if found else "is not installed"
            problems.append(f"{requirement.name} {state}: {requirement.specifier} is needed")
    return problems


def check(*extras: str) -> None:
    """Check the environment before TensorFlow is imported, which would fail with a less helpful error.

    Parameters
    ----------
    *extras : str
        As in `find_problems`.

    Raises
    ------
    SetupError
        If a requirement is not met; the message names each, and the command that installs them. If the user
        has no home folder: Keras would make one of the name "~".
    """
    check_home()
    if problems := find_problems(*extras):
        raise SetupError(f"{'; '.join(problems)}. In the repository's folder: {INSTALL}")


def check_home(advice: str = "") -> None:
    """Check that there is a home folder; some containers run as a user who has none.

    Parameters
    ----------
    advice : str, optional
        What else would help; becomes part of the message.

    Raises
    ------
    SetupError
        If neither HOME nor the system names one.
    """
    if os.path.expanduser("~") == "~":
        also = f", {advice}" if advice else ""
        raise SetupError(f"this user has no home folder: set HOME to a folder that you may write{also}")


def describe() -> dict[str, str]:
    """Describe what measured numbers depend on.

    Returns
    -------
    dict of str to str
        ``processor``, its number of ``cores``, and the versions of ``python``, ``tensorflow``, ``keras`` and
        ``numpy``; "None" for a package that is not installed.
    """
    processor = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():  # Linux, where platform.processor() is "x86_64" at best
        text = cpuinfo.read_text(encoding="utf-8")
        processor = text.partition("model name")[2].partition("\n")[0].strip("\t: ") or processor
    versions = {name: str(installed_version(name)) for name in ("tensorflow", "keras", "numpy")}
    machine = {"processor": processor, "cores": str(os.cpu_count())}
    return {**machine, "python": platform.python_version(), **versions}


def count_jobs() -> int:
    """Return how many lessons or runs this machine can execute at once.

    Returns
    -------
    int
        One per core, as far as each has 2 GB of memory; at least 1.
    """
    import psutil

    memory = psutil.virtual_memory().total
    for limit in _MEMORY_LIMITS:
        with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
            memory = min(memory, int(limit.read_text()))
    return max(1, min(os.cpu_count() or 1, int(memory / 2e9)))
