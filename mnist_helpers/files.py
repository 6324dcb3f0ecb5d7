"""Read and write whole files: a bounded read that cannot hang, a write that leaves nothing half done."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mnist_helpers.errors import DataError, SetupError

MAX_BYTES = 64 * 2**20  # MNIST unpacked takes 55 MB


def read_file(path: Path, limit: int = MAX_BYTES) -> bytes:
    """Read a file that may be anything.

    Parameters
    ----------
    path : Path
        What is opened only if it is a regular file: a named pipe, for example, would never end.
    limit : int, default 64 MiB
        Most bytes that are read.

    Returns
    -------
    bytes
        All of the file.

    Raises
    ------
    DataError
        If there is no such file, or it has more bytes: it is not what was looked for.
    SetupError
        If the system does not let us read it: what it holds is unknown.
    """
    try:
        if not path.is_file():
            raise DataError(f"{path} is not a file: name another")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            content = file.read(min(size, limit) + 1)  # allocates as much
    except FileNotFoundError as error:  # it was there a moment ago
        raise DataError(f"{path} is not a file: name another") from error
    except OSError as error:
        reason = error.strerror or error
        raise SetupError(f"{path} cannot be read ({reason}): make it readable, or name another") from error
    if len(content) > limit:
        raise DataError(f"{path} has more than {limit:,} bytes: name another")
    return content


@contextlib.contextmanager
def open_draft(path: Path, advice: str) -> Iterator[BinaryIO]:
    """Write a file completely or not at all.

    Parameters
    ----------
    path : Path
        The final name. It is given to the draft, ``NAME.part``, after the block ended without an error.
    advice : str
        How to get another folder; becomes part of the message.

    Yields
    ------
    binary file
        The draft. Only one process at a time may write it.

    Raises
    ------
    SetupError
        If the draft cannot be written. An older file of the final name is then unchanged.
    """
    draft = path.with_name(f"{path.name}.part")
    try:
        try:
            with draft.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        reason = error.strerror or error
        raise SetupError(f"{path} cannot be written ({reason}): free some space, or {advice}") from error
