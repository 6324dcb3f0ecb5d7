"""The cache of MNIST's files, which one process at a time changes: repair it, fill it from the mirrors."""

import contextlib
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import filelock
import numpy as np

from mnist_helpers import downloads, mnist_files
from mnist_helpers.errors import DataError, SetupError

_LOCK_SECONDS = 1800.0  # longer than all mirrors together may take


@contextlib.contextmanager
def _open() -> Iterator[Path]:
    """Create the cache folder and lock it; the lock ends with the process."""
    folder = mnist_files.cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / "lock", mode=0o666).acquire(timeout=_LOCK_SECONDS)
    except filelock.Timeout as error:
        waited = f"another process has held {folder / 'lock'} for {_LOCK_SECONDS / 60:.0f} minutes"
        raise SetupError(f"{waited}: end it, or set MNIST_HELPERS_CACHE to another folder") from error
    except OSError as error:
        raise _unwritable(folder, error) from error
    with lock:
        yield folder


def repair() -> dict[str, np.ndarray] | None:
    """Read the cache again, alone, and rename what is proven wrong to ``*.bad``, with one warning.

    Returns
    -------
    dict of str to ndarray or None
        As `mnist_files.read` returns it, if another process has repaired the cache or another container in
        it is sound.

    Raises
    ------
    SetupError
        If a file may not be read or renamed.
    """
    with _open() as folder:
        while mnist_files.is_cached():
            try:
                return mnist_files.read(folder)
            except mnist_files.WrongFilesError as error:
                _set_aside(folder, error.paths)
                names = ", ".join(f"{path.name}.bad" for path in error.paths)
                text = f"the cached MNIST was broken and is set aside as {names}: {error}"
                warnings.warn(text, stacklevel=3)
    return None


def fill() -> tuple[dict[str, np.ndarray] | None, list[str]]:
    """Download MNIST into the cache from the first mirror that has it, with a warning if it is not the first.

    Returns
    -------
    arrays : dict of str to ndarray or None
        As `mnist_files.read` returns it. Where another process was faster, nothing is downloaded.
    failures : list of str
        What went wrong, one line per mirror.

    Raises
    ------
    SetupError
        If the cache folder cannot be written.
    """
    failures: list[str] = []
    with _open() as folder:
        try:
            for draft in folder.glob("*.part"):  # of a process that was killed
                draft.unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(folder, error) from error
        if mnist_files.is_cached():
            with contextlib.suppress(DataError):
                return mnist_files.read(folder), failures
        for url, known in mnist_files.MIRRORS:
            try:
                for name, each in known.items():
                    if not (folder / name).is_file():
                        downloads.download(url + name, folder / name, each)
                arrays = mnist_files.read(folder)
            except mnist_files.WrongFilesError as error:  # an older IDX file, next to which the others came
                _set_aside(folder, error.paths)
                failures.append(f"{url}: {error}")
            except DataError as error:
                failures.append(str(error))
            else:
                if failures:
                    warnings.warn(f"MNIST came from {url}, since {'; '.join(failures)}", stacklevel=3)
                return arrays, failures
    return None, failures


def _set_aside(folder: Path, paths: Iterable[Path]) -> None:
    try:
        for path in paths:
            path.replace(f"{path}.bad")
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> SetupError:
    reason = error.strerror or error
    return SetupError(f"{folder} cannot be written ({reason}): set MNIST_HELPERS_CACHE to a writable folder")
