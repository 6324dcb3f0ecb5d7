"""Public functions, classes and methods have the sections of NumPy-style docstrings."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import pytest
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import validate

import mnist_helpers
from mnist_helpers import datasets

CHECKS = {
    "GL06", "GL07",  # unknown sections, wrong order of sections
    "PR01", "PR02", "PR07",  # parameters missing, unknown, without description
    "RT01", "RT03",  # returned value missing, without description
    "YD01",  # yielded value missing
}  # fmt: skip
MODULES = [
    module.name
    for module in pkgutil.walk_packages(mnist_helpers.__path__, "mnist_helpers.")
    if not any(part.startswith("_") for part in module.name.split("."))
]


def find_public(owner, module):
    """Yield the public functions and classes that a module defines, and the methods of these classes."""
    for name, value in vars(owner).items():
        value = getattr(value, "__func__", value)  # of a class method or static method
        is_own = (inspect.isfunction(value) or inspect.isclass(value)) and value.__module__ == module
        if is_own and not name.startswith("_"):
            yield value
            if inspect.isclass(value):
                yield from find_public(value, module)


def find_faults(value):
    """Return what the docstring of a function or class lacks, one line each."""
    takes_own_parameters = inspect.isfunction(value) or "__init__" in vars(value)
    checks = CHECKS if takes_own_parameters else {check for check in CHECKS if not check.startswith("PR")}
    docstring = get_doc_object(value, config={"show_class_members": False})  # reads no deprecated members
    errors = validate(docstring)["errors"]
    return [f"{value.__qualname__}: {code} {text}" for code, text in errors if code in checks]


@pytest.mark.parametrize("name", MODULES)
def test_public_docstrings_have_their_sections(name):
    module = importlib.import_module(name)
    faults = [fault for value in find_public(module, name) for fault in find_faults(value)]
    assert faults == [], "\n".join(faults)


def test_modules_and_their_definitions_are_found():
    assert {"mnist_helpers.datasets", "mnist_helpers.study.plan", "mnist_helpers.lessons.run"} <= set(MODULES)
    found = {value.__qualname__ for value in find_public(datasets, datasets.__name__)}
    assert {"load", "Digits", "Digits.subset"} <= found
    assert "Path" not in found


def without_parameters(first: int) -> None:
    """Do it."""


def without_one_parameter(first: int, second: int) -> None:
    """Do it.

    Parameters
    ----------
    first : int
        The first.
    """


def with_former_parameter(first: int) -> None:
    """Do it.

    Parameters
    ----------
    first, former : int
        The first.
    """


def without_returns() -> int:
    """Do it."""
    return 1


def without_yields() -> Iterator[int]:
    """Do it."""
    yield 1


class WithoutParameters:
    """Hold it."""

    def __init__(self, first: int) -> None: ...


def complete(first: int) -> int:
    """Do it.

    Parameters
    ----------
    first : int
        The first.

    Returns
    -------
    int
        The result.
    """
    return first


@pytest.mark.parametrize(
    ("example", "code"),
    [
        (without_parameters, "PR01"),
        (without_one_parameter, "PR01"),
        (with_former_parameter, "PR02"),
        (without_returns, "RT01"),
        (without_yields, "YD01"),
        (WithoutParameters, "PR01"),
    ],
)
def test_missing_section_is_found(example, code):
    assert [fault.split()[1] for fault in find_faults(example)] == [code]


def test_complete_docstring_has_no_fault():
    assert find_faults(complete) == []
