"""Read the parameters of lessons and check the values that are set for them.

A lesson's cell tagged ``parameters`` declares one parameter a line::

    epochs: int = 5  # 1 to 100: passes over the training images
    dataset: str = "auto"  # auto, mnist or uci: the images to use

The comment begins with the allowed values, as a range or as a list; its meaning follows after the colon.
"""

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from mnist_helpers.errors import UsageError

if TYPE_CHECKING:
    from nbformat import NotebookNode

Value = int | float | str | bool

# The quick profile: large enough that each cell does its work, small enough for a test.
QUICK: dict[str, Value] = {
    "train_size": 300,
    "validation_size": 2_000,
    "epochs": 2,
    "n_seeds": 2,
    "small_size": 300,
    "long_epochs": 3,
    "final_train_size": 1_000,
    "final_epochs": 1,
}
_CONVERTERS: dict[str, Callable[[str], Value]] = {
    "int": int,
    "float": float,
    "str": str,
    "bool": lambda text: text == "true",
}


def parse_value(parameter: Mapping[str, str], text: str) -> Value:
    """Convert text to a parameter's type and check that the value is allowed.

    Parameters
    ----------
    parameter : mapping of str to str
        The parameter's entry in what ``papermill.inspect_notebook`` returns.
    text : str
        The value as somebody typed it, such as ``"3"`` or ``"true"``.

    Returns
    -------
    int, float, str or bool
        The value in the parameter's type.

    Raises
    ------
    UsageError
        If the text is not of that type, or the value is not allowed.
    """
    kind = parameter["inferred_type_name"]
    allowed = parameter["help"].partition(":")[0]
    try:
        value = _CONVERTERS[kind](text)
        is_allowed = _is_allowed(value, text, allowed)
    except (KeyError, ValueError):
        is_allowed = False
    if not is_allowed:
        example = parameter["default"]
        raise UsageError(f"{parameter['name']}={text}: {kind}, {allowed} is needed, as in {example}")
    return value


def choose_parameters(
    notebooks: Sequence["NotebookNode"], settings: Mapping[str, str], quick: bool = False
) -> list[dict[str, Value]]:
    """Choose the values to set in each notebook; execute nothing.

    Parameters
    ----------
    notebooks : sequence of NotebookNode
        The notebooks, each with a cell tagged ``parameters``.
    settings : mapping of str to str
        Values as text, by parameter name. They override the quick profile.
    quick : bool, default False
        Whether the quick profile applies.

    Returns
    -------
    list of dict of str to value
        For each notebook, the values of those parameters that it has.

    Raises
    ------
    UsageError
        If no notebook has a parameter of a setting's name, or one that has it does not allow the value.
    """
    import papermill

    tables = [papermill.inspect_notebook(notebook) for notebook in notebooks]
    known = sorted({name for table in tables for name in table})
    check_names("parameter", settings, known)
    wanted = {**QUICK, **settings} if quick else dict(settings)
    return [_parse_values(table, wanted) for table in tables]


def check_names(kind: str, names: Iterable[str], known: Collection[str]) -> None:
    """Check that all names are known.

    Parameters
    ----------
    kind : str
        What is named, for the message: ``"lesson"`` or ``"parameter"``.
    names : iterable of str
        The names to check.
    known : collection of str
        The names that exist.

    Raises
    ------
    UsageError
        For the first unknown name; the message suggests the most similar known one.
    """
    for name in names:
        if name not in known:
            similar = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {similar[0]}?" if similar else ""
            raise UsageError(f"There is no {kind} {name!r}.{hint} There are: {', '.join(known)}")


def _parse_values(table: Mapping[str, Mapping[str, str]], wanted: Mapping[str, Value]) -> dict[str, Value]:
    """Parse the wanted values of those parameters that a notebook has."""
    return {name: parse_value(table[name], str(text)) for name, text in wanted.items() if name in table}


def _is_allowed(value: Value, text: str, allowed: str) -> bool:
    low, is_range, high = allowed.partition(" to ")
    if not is_range:
        return text in re.split(", | or ", allowed)
    return isinstance(value, int | float) and float(low) <= value <= float(high)  # NaN lies in no range
