"""Read the parameters of lessons and check their values, whoever sets them.

A lesson's cell tagged ``parameters`` declares one parameter a line::

    epochs: int = 5  # 1 to 100: passes over the training images
    dataset: str = "auto"  # auto, mnist or uci: the images to use

The comment begins with the allowed values, as a range or as a list; its meaning follows after the colon.
The command checks values before it runs a lesson. The lesson's next cell calls `check`, so that an edited
cell, papermill, nbconvert and nbval get the same check.
"""

import difflib
import linecache
import os
import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
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
_TYPES: dict[str, tuple[type, ...]] = {"int": (int,), "float": (float, int), "str": (str,), "bool": (bool,)}
_CONVERTERS: dict[str, Callable[[str], Value]] = {
    "int": int,
    "float": float,
    "str": str,
    "bool": lambda text: {"true": True, "false": False}[text],
}
_DECLARATION = re.compile(r"(?m)^(\w+) *: *(\w+) *= *(.*?) *# *([^:\n]+):")
_ASSIGNMENT = re.compile(r"(?m)^(\w+) *(?::[^=\n]*)?=(?!=)")
_CELL = re.compile(r"(?m)^# (?:%%|In\[).*")  # how jupytext and nbconvert begin a cell in a script
_INJECTED = "# Parameters\n"  # how papermill begins the cell that sets its values


@dataclass(frozen=True)
class Parameter:
    """A parameter as its line declares it.

    Parameters
    ----------
    name : str
        Its name.
    kind : str
        Its type: ``"int"``, ``"float"``, ``"str"`` or ``"bool"``; parameters of other types have no values.
    default : str
        The code of its value.
    allowed : str
        The values that it may have, as a range (``"1 to 100"``) or as a list (``"auto, mnist or uci"``).
    """

    name: str
    kind: str
    default: str
    allowed: str


def read_declarations(code: str) -> dict[str, Parameter]:
    """Read what a cell declares.

    Parameters
    ----------
    code : str
        The code of the cell tagged ``parameters``.

    Returns
    -------
    dict of str to Parameter
        The declared parameters by name. Lines of any other form are left out.
    """
    return {found[1]: Parameter(*found.groups()) for found in _DECLARATION.finditer(code)}


def parse_value(parameter: Parameter, text: str) -> Value:
    """Convert text to a parameter's type and check that the value is allowed.

    Parameters
    ----------
    parameter : Parameter
        The parameter.
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
    try:
        value = _CONVERTERS[parameter.kind](text)
    except (KeyError, ValueError):
        raise _refusal(parameter, text) from None
    if not _is_allowed(parameter, value):
        raise _refusal(parameter, text)
    return value


def check() -> None:
    """Check the parameters of the notebook that calls this, as they are now.

    The declarations are read from the code that the notebook has executed. Names that papermill has set and
    the lesson does not declare are printed; nothing reads them.

    Raises
    ------
    UsageError
        If a value is not of the declared type or not allowed, if a line of the parameters' cell has lost its
        type or its allowed values, or if there is no such cell. A notebook shows the message alone.
    """
    caller = sys._getframe(1)
    cells = _read_executed(caller)
    declaring = [cell for cell in cells if read_declarations(cell)]
    if not declaring:
        raise UsageError("No parameters found: run the cell above first, as the lesson has it.")
    declared = read_declarations("\n".join(declaring))
    for name in _ASSIGNMENT.findall(declaring[-1]):
        if name not in declared:
            example = next(line for line in declaring[-1].splitlines() if _DECLARATION.match(line))
            raise UsageError(f"{name}: type and allowed values are missing, as in {example}")
    for name, parameter in declared.items():
        value = caller.f_globals.get(name)
        if not _is_allowed(parameter, value):
            text = value if parameter.kind == "str" and isinstance(value, str) else repr(value)
            raise _refusal(parameter, text)
    injected = "".join(cell for cell in cells if cell.startswith(_INJECTED))
    for name in dict.fromkeys(_ASSIGNMENT.findall(injected)):  # two records may hold a cell
        if name not in declared:
            print(f"Not used: {_describe_unknown('parameter', name, sorted(declared))}")


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
    tables = [_read_notebook(notebook) for notebook in notebooks]
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
            raise UsageError(_describe_unknown(kind, name, known))


def _read_notebook(notebook: "NotebookNode") -> dict[str, Parameter]:
    """Read what a notebook declares in its cells tagged ``parameters``."""
    cells = [cell.source for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    return read_declarations("\n".join(cells))


def _parse_values(table: Mapping[str, Parameter], wanted: Mapping[str, Value]) -> dict[str, Value]:
    """Parse the wanted values of those parameters that a notebook has."""
    return {name: parse_value(table[name], str(text)) for name, text in wanted.items() if name in table}


def _read_executed(caller: FrameType) -> list[str]:
    """Return the cells that were executed up to now, in order, or those of the script that runs."""
    # Python keeps a cell's code like that of a file, for tracebacks. The history has the cells in order, but
    # only those that a front end asks to be kept: nbval does not.
    here = caller.f_code.co_filename
    linecache.getlines(here)
    files = [name for name in linecache.cache if os.path.dirname(name) == os.path.dirname(here)]
    cells = [cell.lstrip() for name in files for cell in _CELL.split("".join(linecache.getlines(name)))]
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return [*cells, *(shell.history_manager.input_hist_raw if shell else ())]


def _is_allowed(parameter: Parameter, value: object) -> bool:
    if type(value) not in _TYPES.get(parameter.kind, ()):  # True is an int, and no number of epochs
        return False
    low, is_range, high = parameter.allowed.partition(" to ")
    if is_range:  # NaN lies in no range
        return isinstance(value, int | float) and float(low) <= value <= float(high)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text in re.split(", | or ", parameter.allowed)


def _refusal(parameter: Parameter, text: str) -> UsageError:
    return UsageError(f"{parameter.name}={text}: {parameter.kind}, {parameter.allowed} is needed")


def _describe_unknown(kind: str, name: str, known: Collection[str]) -> str:
    similar = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {similar[0]}?" if similar else ""
    return f"There is no {kind} {name!r}.{hint} There are: {', '.join(known)}"
