"""What this package needs of its environment, checked before TensorFlow is loaded.

The requirements are read from the installed package's own metadata, hence from pyproject.toml.
"""

import sys
from importlib import metadata

from mnist_helpers.errors import SetupError

# One library, several distributions: which one is installed depends on the platform.
_ALTERNATIVES = {
    "tensorflow": ("tensorflow-cpu", "tf-nightly"),
    "tensorflow-cpu": ("tensorflow", "tf-nightly"),
}
_INSTALL = "python -m pip install -r requirements.lock, then python -m pip install --no-deps -e ."


def installed_version(name: str) -> str | None:
    """Return the version of a distribution or of its platform's alternative, or None.

    Parameters
    ----------
    name
        Name of a distribution on PyPI, such as ``"keras"``.
    """
    for candidate in (name, *_ALTERNATIVES.get(name, ())):
        try:
            return metadata.version(candidate)
        except metadata.PackageNotFoundError:
            continue
    return None


def find_problems() -> list[str]:
    """Compare Python and the installed packages with what pyproject.toml asks for.

    Returns
    -------
    list of str
        One line for each requirement that is not met; empty when all are.
    """
    if sys.version_info < (3, 11):  # noqa: UP036 — pip refuses it, a path to the sources does not
        return [f"Python {sys.version.split()[0]} is too old: install 3.11, 3.12 or 3.13"]
    try:
        from packaging.requirements import Requirement

        requirements = metadata.requires("mnist-helpers") or ()
    except ModuleNotFoundError as missing:  # also what `metadata` raises
        return [f"{missing.name} is not installed"]
    problems = []
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": "tensorflow"}):
            continue
        found = installed_version(requirement.name)
        if found is None:
            problems.append(f"{requirement.name} is not installed: {requirement.specifier} is needed")
        elif not requirement.specifier.contains(found, prereleases=True):
            problems.append(f"{requirement.name} {found} is installed: {requirement.specifier} is needed")
    return problems


def check() -> None:
    """Refuse to go on in an environment that cannot work.

    Raises
    ------
    SetupError
        If Python or a package is missing or of a wrong version; the message is one line.
    """
    if problems := find_problems():
        raise SetupError(f"{'; '.join(problems)}. In the repository's folder: {_INSTALL}")
