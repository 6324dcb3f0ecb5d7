"""The study's files: one per finished run, named by its key, and the tables made of them.

Finished runs are skipped, so an interrupted or killed study resumes. A published table stands for the files
of its runs, so a clone of the repository does not need them.
"""

import base64
import contextlib
import csv
import hashlib
import io
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mnist_helpers import environment
from mnist_helpers.errors import DataError, SetupError
from mnist_helpers.recipes import Recipe
from mnist_helpers.study.plan import SCHEMA

_PACKAGE = Path(__file__).resolve().parents[1]
# In a clone the results stand beside the package; in an installed package the build has copied them into it.
RESULTS = _PACKAGE / "results" if (_PACKAGE / "results").is_dir() else _PACKAGE.parent / "results"
STUDY = RESULTS / "study.csv"
ENVIRONMENT = (*environment.describe(), "threads")  # columns in which the runs of one study should agree
_MEASURED = ("train_a", "train_c", "validation_a", "validation_c", "test_a", "test_c")
_PACKED = ("test_wrong", "course")
NEEDED = "A study needs {}: python -m pip install -r requirements/dev.lock"

Row = dict[str, str]


@contextlib.contextmanager
def open_folder(folder: Path) -> Iterator[Path]:
    """Create a study's folder and lock it; the lock ends with the process.

    Parameters
    ----------
    folder : Path
        Where tables are written; finished runs go to its subfolder ``runs``.

    Yields
    ------
    Path
        The folder.

    Raises
    ------
    SetupError
        If filelock is missing, another study holds the folder, or it cannot be written.
    """
    try:
        import filelock
    except ModuleNotFoundError as missing:
        raise SetupError(NEEDED.format(missing.name)) from None
    try:
        (folder / "runs").mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / "runs" / "lock").acquire(timeout=0)
    except filelock.Timeout:
        raise SetupError(f"Another study is running in {folder}: wait for it, or use --output") from None
    except OSError as error:
        raise SetupError(f"{folder} cannot be written ({error.strerror}): use --output") from error
    with lock:
        yield folder


def read_runs(table: Path) -> tuple[dict[str, Row], list[Path]]:
    """Read all finished runs from a table and from the files in the folder ``runs`` beside it.

    Parameters
    ----------
    table : Path
        The table, which need not exist.

    Returns
    -------
    rows : dict of str to dict
        Key of each run to its row.
    broken : list of Path
        Files that are no runs, and a table without its digest: renamed to ``*.bad``.

    Raises
    ------
    DataError
        If a run has a newer schema than this version reads, which leaves it alone, or if the table was
        changed by hand and runs are found nowhere else.
    """
    rows: dict[str, Row] = {}
    broken = [] if _restore(table) else [table]
    for path in sorted((table.parent / "runs").glob("*.json")):
        row = _read_run(path)
        if row is None:
            path.replace(f"{path}.bad")
            broken.append(path)
        else:
            rows[path.stem] = row
    return rows, broken


def _read_run(path: Path) -> Row | None:
    """Read the file of a run; None if it is torn or no run."""
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
        schema = int(row["schema"])
        is_run = row["key"] == path.stem and row.keys() >= {"technique", "seed", "seconds", *ENVIRONMENT}
    except (ValueError, KeyError, TypeError):
        return None
    if schema > SCHEMA:
        raise DataError(f"{path} was written by a newer version of mnist-helpers: update, then try again")
    return row if is_run else None


def _write(path: Path, text: str) -> None:
    """Write a file completely or not at all."""
    draft = path.with_name(f"{path.name}.part")
    try:
        draft.write_text(text, encoding="utf-8", newline="\n")
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        advice = "free some space, or use --output"
        raise SetupError(f"{path} cannot be written ({error.strerror}): {advice}") from error


def write_run(folder: Path, row: Mapping[str, str]) -> None:
    """Write a finished run to a file of its own.

    Parameters
    ----------
    folder : Path
        The study's folder.
    row : mapping of str to str
        What `execute.run` returns.

    Raises
    ------
    SetupError
        If the file cannot be written; an older one is then unchanged.
    """
    _write(folder / "runs" / f"{row['key']}.json", json.dumps(row, ensure_ascii=False, indent=1) + "\n")


def publish(rows: Iterable[Mapping[str, str]], path: Path) -> None:
    """Write runs as a table, and beside it a JSON file with its digest and the runs' environments.

    Parameters
    ----------
    rows : iterable of mapping
        The runs; columns that a run lacks stay empty.
    path : Path
        The table, such as ``results/study.csv``.

    Raises
    ------
    SetupError
        If a file cannot be written.
    """
    rows = list(rows)
    text = io.StringIO(newline="")
    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    counts: dict[tuple[str, ...], int] = {}
    for row in rows:
        kind = tuple(row[name] for name in ENVIRONMENT)
        counts[kind] = counts.get(kind, 0) + 1
    kinds = [dict(zip(ENVIRONMENT, kind, strict=True)) | {"runs": n} for kind, n in counts.items()]
    _write(path, text.getvalue())
    about = {"schema": SCHEMA, "sha256": hash_table(path), "runs": len(rows), "environments": kinds}
    _write(path.with_suffix(".json"), json.dumps(about, indent=1) + "\n")


def _restore(table: Path) -> bool:
    """Write a file for each run that only the table holds; return whether the table fits its digest."""
    if not table.exists():
        return True
    advice = f"{table} does not fit its digest: git checkout it, or move it away"
    try:
        rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8"))))
        files = [table.parent / "runs" / f"{row['key']}.json" for row in rows]
    except (KeyError, ValueError) as error:
        raise DataError(advice) from error
    try:
        read_table(table)
    except DataError as error:
        if not all(file.exists() for file in files):
            raise DataError(advice) from error
        table.replace(f"{table}.bad")  # a kill came between the table and its digest: the files hold the runs
        return False
    for row, file in zip(rows, files, strict=True):
        if not file.exists():
            write_run(table.parent, row)
    return True


def hash_table(path: Path) -> str:
    """Return the SHA-256 of a table, whatever its line ends.

    Parameters
    ----------
    path : Path
        The table.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def read_table(path: Path = STUDY) -> pd.DataFrame:
    """Read a table of runs and verify it by the digest that was written with it.

    Parameters
    ----------
    path : Path, default `STUDY`
        The table.

    Returns
    -------
    DataFrame
        A row per run.

    Raises
    ------
    DataError
        If there is no such table, or if it is not the one that was written.
    """
    try:
        about: dict[str, Any] = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        expected = about["sha256"]
        found = hash_table(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"No study in {path.parent} ({error}): `mnist-helpers study` makes it") from error
    if found != expected:
        raise DataError(f"{path.name} does not fit its digest: git checkout {path.parent.name}")
    return pd.read_csv(path)


def find_deviations(
    row: Mapping[str, str], again: Mapping[str, str], rows: Iterable[Mapping[str, str]]
) -> list[str]:
    """Compare a run with the same run made again.

    In the same environment, threads included, all numbers must be equal. Elsewhere rounding differs, and
    with it the course of a training: a number may then differ by four standard deviations of the seeds.

    Parameters
    ----------
    row, again : mapping of str to str
        The run as recorded, and as made again.
    rows : iterable of mapping
        All runs of the study, from which the standard deviations are taken.

    Returns
    -------
    list of str
        A sentence for each number that deviates too far.
    """
    same = all(row[name] == again[name] for name in ENVIRONMENT)
    fixed = [field.name for field in fields(Recipe) if field.name != "seed"] + ["technique", "dataset"]
    alike = [other for other in rows if all(other.get(name) == row[name] for name in fixed)]
    deviations = [f"{name} differs" for name in _PACKED if same and row[name] != again[name]]
    for name in again:
        if not name.startswith(_MEASURED) or row[name] == again[name]:
            continue
        spread = 0.0 if same else 4 * float(np.nanstd([float(other[name]) for other in alike], ddof=1))
        if not abs(float(row[name]) - float(again[name])) <= spread:
            deviations.append(f"{name} {row[name]} was {again[name]} again, tolerance {spread:.6f}")
    return deviations


def pack_wrong(wrong: np.ndarray) -> str:
    """Pack which images a network got wrong into text.

    Parameters
    ----------
    wrong : ndarray, shape (n,), bool
        One flag per image.

    Returns
    -------
    str
        The bits, compressed, in base 64: a few hundred characters.
    """
    return base64.b64encode(zlib.compress(np.packbits(wrong).tobytes(), 9)).decode()


def unpack_wrong(text: str, count: int) -> np.ndarray:
    """Return which images a network got wrong.

    Parameters
    ----------
    text : str
        As `pack_wrong` returns it.
    count : int
        Number of images.

    Returns
    -------
    ndarray, shape (count,), bool
        One flag per image.
    """
    packed = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    return np.unpackbits(packed, count=count).astype(bool)


def pack_course(rows: list[dict]) -> str:
    """Pack the course of a run into text.

    Parameters
    ----------
    rows : list of dict of str to float
        One per epoch that was scored; a number that a row lacks was not measured there.

    Returns
    -------
    str
        JSON, one list per column, numbers with six decimals.
    """
    columns = dict.fromkeys(name for row in rows for name in row)
    rounded = {name: [_round(row.get(name)) for row in rows] for name in columns}
    return json.dumps(rounded, separators=(",", ":"))


def _round(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else round(float(value), 6)


def unpack_course(text: str) -> pd.DataFrame:
    """Return the course of a run.

    Parameters
    ----------
    text : str
        As `pack_course` returns it.

    Returns
    -------
    DataFrame
        One row per epoch that was scored; NaN where a number was not measured.
    """
    return pd.DataFrame(json.loads(text), dtype=float)
