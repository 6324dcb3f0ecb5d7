"""What the row of a run must have, whoever wrote it."""

import math
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from mnist_helpers import environment, statistics
from mnist_helpers.errors import DataError
from mnist_helpers.recipes import Recipe
from mnist_helpers.study.plan import SCHEMA

ENVIRONMENT = (*environment.describe(), "threads")  # columns in which the runs of one study should agree
SCORES = ("accuracy", "cross_entropy", "calibration_error")
NEWER = "written by a newer version of mnist-helpers: update, then try again"
_TEXTS = {field.name for field in fields(Recipe)} | {"part", "dataset", "test_wrong", "course"}


class NewerError(DataError):
    """Something was written by a newer version of this package."""


def check_schema(value: Any) -> int:
    """Return the number of a schema.

    Parameters
    ----------
    value : object
        What stands in a file.

    Returns
    -------
    int
        At most `plan.SCHEMA`.

    Raises
    ------
    NewerError
        If this version does not read that schema.
    OverflowError, TypeError, ValueError
        If it is no whole number.
    """
    schema = int(value)
    if schema > SCHEMA:
        raise NewerError(NEWER)
    return schema


def has_diverged(row: Mapping[str, str]) -> bool:
    """Return whether a row is that of a run that diverged.

    Parameters
    ----------
    row : mapping of str to str
        As `execute.run` returns it.

    Returns
    -------
    bool
        As `statistics.find_diverged`.
    """
    return bool(statistics.find_diverged(float(row["train_cross_entropy"])))


def check_row(row: Any) -> None:
    """Check that a row is that of a run, complete with its numbers; those of a run that diverged are NaN.

    Parameters
    ----------
    row : object
        What was read: a dict of str to str, one may hope.

    Raises
    ------
    AttributeError, KeyError, TypeError, ValueError
        If it is not.
    NewerError
        If its schema is newer than this version's.
    """
    if not all(isinstance(text, str) for text in (*row, *row.values())):
        raise TypeError("a field is no text")
    schema = check_schema(row["schema"])
    if not re.fullmatch("[0-9a-f]{16}", row["key"]):
        raise ValueError(f"the key {row['key'][:40]!r} is not 16 hexadecimal digits")
    if missing := {"technique", "seed", "seconds", *ENVIRONMENT} - row.keys():
        raise KeyError(*missing)
    if schema < SCHEMA:  # its key never fits a task of today: it is kept, but not used
        return
    judges = [name for name in ("validation", "test") if any(row.get(f"{name}_{score}") for score in SCORES)]
    diverged = has_diverged(row)
    for name in [f"{name}_{score}" for name in ("train", *judges) for score in SCORES]:
        value = float(row[name])
        most = math.inf if name.endswith("cross_entropy") else 1
        if not (math.isnan(value) if diverged else 0 <= value <= most and math.isfinite(value)):
            raise ValueError(f"{name} is {row[name]}")
    for name in ("seconds", "seconds_scoring"):
        if not 0 <= float(row[name]) < math.inf:
            raise ValueError(f"{name} is {row[name]}")
    if not judges or _TEXTS - row.keys():
        raise ValueError("the run is incomplete")
