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

import filelock
import numpy as np
import pandas as pd

from mnist_helpers import files
from mnist_helpers.errors import DataError, SetupError
from mnist_helpers.recipes import Recipe
from mnist_helpers.study.plan import SCHEMA
from mnist_helpers.study.rows import ENVIRONMENT, NEWER, NewerError, check_row, check_schema

_PACKAGE = Path(__file__).resolve().parents[1]
# In a clone the results stand beside the package; in an installed package the build has copied them into it.
RESULTS = _PACKAGE / "results" if (_PACKAGE / "results").is_dir() else _PACKAGE.parent / "results"
STUDY = RESULTS / "study.csv"
_MEASURED = ("train_a", "train_c", "validation_a", "validation_c", "test_a", "test_c")
_PACKED = ("test_wrong", "course")
_RUN_BYTES = 2**20  # of a run's file; real ones have 10 kB
# What reading foreign content raises; RecursionError where JSON is nested too deep.
_FOREIGN = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, csv.Error)

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
        If another study holds the folder, or it cannot be written.
    """
    try:
        (folder / "runs").mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / "runs" / "lock").acquire(timeout=0)
    except filelock.Timeout:
        raise SetupError(f"Another study is running in {folder}: wait for it, or use --output") from None
    except OSError as error:
        raise SetupError(f"{folder} cannot be written ({error.strerror}): use --output") from error
    with lock:
        for draft in (
            *folder.glob("*.part"),
            *(folder / "runs").glob("*.part"),
        ):  # of a study that was killed
            with contextlib.suppress(OSError):
                draft.unlink()
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
        If a run or the table has a newer schema than this version reads, which leaves it alone, or if the
        table was changed by hand and runs are found nowhere else.
    SetupError
        If a file may not be read, or a broken one may not be renamed.
    """
    rows: dict[str, Row] = {}
    broken = [] if _restore(table) else [table]
    for path in sorted((table.parent / "runs").glob("*.json")):
        try:
            rows[path.stem] = _read_run(path)
        except _NoRunError:
            _set_aside(path)
            broken.append(path)
    return rows, broken


class _NoRunError(DataError):
    """A file under the name of a run is proven to be none."""


def _set_aside(path: Path) -> None:
    try:
        path.replace(f"{path}.bad")
    except OSError as error:
        reason = error.strerror or error
        raise SetupError(f"{path} is broken and cannot be renamed ({reason}): move it away") from error


def _read_run(path: Path) -> Row:
    """Read the file of a run, whatever lies there."""
    try:
        row = json.loads(files.read_file(path, _RUN_BYTES))
        _check(row)
        if row["key"] != path.stem:
            raise ValueError(f"the run has the key {row['key']}")
    except NewerError:
        raise NewerError(f"{path} was {NEWER}") from None
    except (DataError, *_FOREIGN) as error:
        raise _NoRunError(f"{path} is no run ({str(error)[:200]}): move it away") from error
    return row


def _check(row: Any) -> None:
    """Raise NewerError, DataError or one of `_FOREIGN` if this is not the row of a run."""
    check_row(row)
    if row["schema"] == str(SCHEMA):
        unpack_course(row["course"])


def _write(path: Path, text: str) -> None:
    """Write a file completely or not at all."""
    with files.open_draft(path, "use --output") as draft:
        draft.write(text.encode())


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
        text = files.read_file(table).decode()
        reader = csv.DictReader(io.StringIO(text), strict=True)
        rows = list(reader)
        if "key" not in (reader.fieldnames or ()):
            raise KeyError("key")
        for row in rows:
            _check(row)
    except NewerError:
        raise NewerError(f"{table} was {NEWER}") from None
    except (DataError, *_FOREIGN) as error:
        raise DataError(f"{advice} ({str(error)[:200]})") from error
    paths = [table.parent / "runs" / f"{row['key']}.json" for row in rows]
    try:
        read_table(table)
    except NewerError:
        raise
    except DataError as error:
        if not (paths and all(path.exists() for path in paths)):
            raise DataError(advice) from error
        _set_aside(table)  # a kill came between the table and its digest: the files hold the runs
        return False
    for row, path in zip(rows, paths, strict=True):
        if not path.exists():
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
    return hashlib.sha256(files.read_file(path).replace(b"\r\n", b"\n")).hexdigest()


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
        If there is no such table, if it is not the one that was written, or if a newer version wrote it.
    SetupError
        If a file may not be read.
    """
    about_path = path.with_suffix(".json")
    try:
        about: dict[str, Any] = json.loads(files.read_file(about_path))
        expected = about["sha256"]
        schema = check_schema(about.get("schema", 0))
        found = hash_table(path)
    except NewerError:
        raise NewerError(f"{path} was {NEWER}") from None
    except (DataError, *_FOREIGN) as error:
        raise DataError(f"No study in {path.parent} ({error}): `mnist-helpers study` makes it") from error
    if found != expected:
        raise DataError(f"{path.name} does not fit its digest: git checkout {path.parent.name}")
    try:
        text = files.read_file(path).decode()
        if schema == SCHEMA:
            for row in csv.DictReader(io.StringIO(text), strict=True):
                check_row(row)
        return pd.read_csv(io.StringIO(text))
    except _FOREIGN as error:  # no table, not UTF-8, or rows that are no runs
        raise DataError(f"{path.name} is no table ({error}): git checkout {path.parent.name}") from error


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

    Raises
    ------
    DataError
        If the text is not that of so many images.
    """
    size = -(-count // 8)
    try:
        packed = zlib.decompressobj().decompress(base64.b64decode(text, validate=True), size + 1)
    except (ValueError, zlib.error, TypeError) as error:
        raise DataError(f"a run's column test_wrong is broken ({error}): git checkout its table") from error
    if len(packed) != size:
        raise DataError(f"a run's column test_wrong is not of {count:,} images: git checkout its table")
    return np.unpackbits(np.frombuffer(packed, np.uint8), count=count).astype(bool)


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

    Raises
    ------
    DataError
        If the text is no course.
    """
    try:
        columns = json.loads(text)
        return pd.DataFrame({str(name): [*column] for name, column in columns.items()}, dtype=float)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{str(text)[:40]!r} is no course of a run ({error}): git checkout its table"
        ) from error
