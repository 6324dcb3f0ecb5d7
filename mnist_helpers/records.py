"""What a study keeps: a file for each finished run, named by its key, and the tables made of them.

What is there is not run again: a study that was interrupted or killed goes on where it was. A published
table stands for its runs' files, so that a clone of the repository need not have them.
"""

import contextlib
import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path

import numpy as np

from mnist_helpers import environment, evidence
from mnist_helpers.errors import DataError, SetupError
from mnist_helpers.recipes import Recipe

SCHEMA = 2  # a change of what a run is or holds counts it up
_RESULTS = ("train_a", "train_c", "validation_a", "validation_c", "test_", "stopped_", "epochs_")
COMMON = (*environment.describe(), "threads")  # in which runs of one study should agree
NEEDED = "A study needs {}: python -m pip install -r requirements.lock"


@contextlib.contextmanager
def open_folder(folder: Path) -> Iterator[Path]:
    """Make the folder, and keep every other study out of it; the lock ends with the process."""
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


def read_runs(table: Path) -> tuple[dict[str, dict], list[Path]]:
    """Read all runs that a table or the folder `runs` beside it holds, as ``{key: row}``.

    Files that are no runs, and a table that was changed by hand, are set aside and returned. Raises DataError
    where a run has a newer schema than this version knows: it is left alone.
    """
    rows, broken = {}, [] if _restore(table) else [table]
    for path in sorted((table.parent / "runs").glob("*.json")):
        try:
            row = json.loads(path.read_text(encoding="utf-8"))
            newer = int(row["schema"]) > SCHEMA
            sound = row["key"] == path.stem and row.keys() >= {"technique", "seed", "seconds", *COMMON}
        except (ValueError, KeyError, TypeError):
            newer, sound = False, False
        if newer:
            raise DataError(f"{path} was written by a newer version of mnist-helpers: update, then try again")
        if sound:
            rows[path.stem] = row
        else:
            path.replace(f"{path}.bad")
            broken.append(path)
    return rows, broken


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    draft = path.with_name(f"{path.name}.part")
    try:
        draft.write_text(text, encoding="utf-8", newline="\n")
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise SetupError(
            f"{path} cannot be written ({error.strerror}): make room, or use --output"
        ) from error


def write_run(folder: Path, row: Mapping[str, str]) -> None:
    """Keep a finished run as a file of its own."""
    _write(folder / "runs" / f"{row['key']}.json", json.dumps(row, ensure_ascii=False, indent=1) + "\n")


def publish(rows: Iterable[Mapping[str, str]], path: Path) -> None:
    """Write runs as a table, and beside it, as JSON, its digest and the environments that the runs had."""
    rows, text = list(rows), io.StringIO(newline="")
    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    found = [{name: row[name] for name in COMMON} for row in rows]
    kinds = [{**kind, "runs": found.count(kind)} for kind in {str(kind): kind for kind in found}.values()]
    _write(path, text.getvalue())
    about = {"schema": SCHEMA, "sha256": evidence.hash_table(path), "runs": len(rows), "environments": kinds}
    _write(path.with_suffix(".json"), json.dumps(about, indent=1) + "\n")


def _restore(table: Path) -> bool:
    """Write a file for each run that only the published table has; return whether the table was sound."""
    if not table.exists():
        return True
    runs = table.parent / "runs"
    try:
        rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8"))))
        files = [runs / f"{row['key']}.json" for row in rows]
        evidence.read_study(table)
    except (DataError, KeyError, ValueError) as error:
        if isinstance(error, DataError) and all(file.exists() for file in files):
            table.replace(f"{table}.bad")  # a kill came between the table and its digest
            return False
        raise DataError(f"{table} does not fit its digest: git checkout it, or move it away") from error
    for row, file in zip(rows, files, strict=True):
        if not file.exists():
            write_run(table.parent, row)
    return True


def find_deviations(row: Mapping, again: Mapping, rows: Iterable[Mapping]) -> list[str]:
    """Return what differs too much between a run and the same run made again, one line each.

    In the same environment, threads included, all numbers must be the same. Elsewhere rounding differs, and
    with it the course of a training: there a number may lie four standard deviations off, of those runs in
    `rows` that differ from this one in their seed alone.
    """
    same = all(row[name] == again[name] for name in COMMON)
    fixed = [field.name for field in fields(Recipe) if field.name != "seed"] + ["technique", "dataset"]
    alike = [other for other in rows if all(other[name] == row[name] for name in fixed)]
    found = []
    for name in [name for name in again if name.startswith(_RESULTS)]:
        spread = 0.0 if same else 4 * float(np.nanstd([float(other[name]) for other in alike], ddof=1))
        if not abs(float(row[name]) - float(again[name])) <= spread and row[name] != again[name]:
            found.append(f"{name} {row[name]} was {again[name]} again, tolerance {spread:.6f}")
    return found
