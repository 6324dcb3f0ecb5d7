"""MNIST's files: find, download, read and verify them.

MNIST is by Yann LeCun and Corinna Cortes, licensed under CC BY-SA 3.0, and is not part of this package. It
comes in two containers: mnist.npz, which Keras distributes, and the four original IDX files, gzipped or not.
Both hold the same four arrays: 60,000 training and 10,000 test images of 28 x 28 pixels, from 0 (paper) to
255 (ink), and their labels, from 0 to 9, all uint8. Arrays with any other content are refused.
"""

import contextlib
import hashlib
import io
import math
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import numpy as np
import platformdirs

from mnist_helpers import environment, files
from mnist_helpers.downloads import Known
from mnist_helpers.errors import DataError, SetupError

# Shape, and SHA-256 of the bytes in C order, of each array.
ARRAYS: dict[str, tuple[tuple[int, ...], str]] = {
    "x_train": ((60_000, 28, 28), "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757"),
    "y_train": ((60_000,), "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13"),
    "x_test": ((10_000, 28, 28), "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161"),
    "y_test": ((10_000,), "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5"),
}
# The files as they are downloaded; the IDX files in the order of `ARRAYS`.
_NPZ = {
    "mnist.npz": Known(11_490_434, "sha256:731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1")
}
_IDX = {
    "train-images-idx3-ubyte.gz": Known(9_912_422, "md5:f68b3c2dcbeaaa9fbdd348bbdeb94873"),
    "train-labels-idx1-ubyte.gz": Known(28_881, "md5:d53e105ee54ea40749a09fcbcd1e9432"),
    "t10k-images-idx3-ubyte.gz": Known(1_648_877, "md5:9fb629c4189551a2d022fa330f9573f3"),
    "t10k-labels-idx1-ubyte.gz": Known(4_542, "md5:ec29112dd5afa0611ce80d1b7f02629c"),
}
_IDX_NAMES = dict(zip(ARRAYS, _IDX, strict=True))
MIRRORS = (
    ("https://storage.googleapis.com/tensorflow/tf-keras-datasets/", _NPZ),
    ("https://ossci-datasets.s3.amazonaws.com/mnist/", _IDX),
    ("https://storage.googleapis.com/cvdf-datasets/mnist/", _IDX),
)
MANUAL = "Put mnist.npz on this machine and set MNIST_HELPERS_DATA to its path"
_ZIP = b"PK\x03\x04"  # how these files begin
_GZIP = b"\x1f\x8b"


class WrongFilesError(DataError):
    """Files were read whole and are not MNIST's.

    Parameters
    ----------
    message : str
        What was expected and found.
    paths : list of Path
        The files.
    """

    def __init__(self, message: str, paths: list[Path]) -> None:
        super().__init__(message)
        self.paths = paths


def cache_folder() -> Path:
    """Return the folder where a downloaded MNIST is kept.

    Returns
    -------
    Path
        MNIST_HELPERS_CACHE if it is set, else a folder in the user's cache. It may not exist yet.

    Raises
    ------
    SetupError
        If the variable is not set and the user has no home folder.
    """
    if value := os.environ.get("MNIST_HELPERS_CACHE"):
        return Path(os.path.expanduser(value))
    environment.check_home("or MNIST_HELPERS_CACHE to a folder for MNIST")
    return Path(platformdirs.user_cache_dir("mnist_helpers"))


def is_cached() -> bool:
    """Return whether the cache has all files of one of the containers.

    Returns
    -------
    bool
        Nothing is read yet.

    Raises
    ------
    SetupError
        If the cache may not be searched.
    """
    try:
        folder = cache_folder()
    except SetupError:  # without a home folder nothing was kept
        return False
    return any(all(_exists(folder / name) for name in names) for names in (_NPZ, _IDX))


def find_all() -> Iterator[tuple[str, Path]]:
    """Find every MNIST on this machine, without reading it.

    A relative MNIST_HELPERS_DATA is looked up in the current folder and then in each folder above, because
    Jupyter runs a notebook in the notebook's own folder.

    Yields
    ------
    source : {"file", "cache", "Keras's cache"}
        ``"file"``, and nothing else, if MNIST_HELPERS_DATA is set.
    path : Path
        Path for `read`.

    Raises
    ------
    DataError
        If MNIST_HELPERS_DATA is set and its path does not exist.
    SetupError
        If a folder may not be searched.
    """
    if value := os.environ.get("MNIST_HELPERS_DATA"):
        wanted = Path(os.path.expanduser(value))
        for folder in (Path.cwd(), *Path.cwd().parents):
            if _exists(path := folder / wanted):
                yield "file", path
                return
        shown = value if len(value) <= 200 else f"{value[:200]}…"
        raise DataError(f"MNIST_HELPERS_DATA is {shown!r}, which does not exist: correct or unset it")
    if is_cached():
        yield "cache", cache_folder()
    keras = Path(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")) / "datasets" / "mnist.npz"
    with contextlib.suppress(SetupError):  # a cache that is not ours stops nobody
        if _exists(keras):
            yield "Keras's cache", keras


def _exists(path: Path) -> bool:
    """Return whether there is a file or a folder, rather than nothing, a pipe or a device."""
    try:
        return path.is_file() or path.is_dir()
    except OSError as error:
        reason = f"{str(path)[:200]} cannot be looked up ({error.strerror or error})"
        raise SetupError(f"{reason}: correct MNIST_HELPERS_DATA or MNIST_HELPERS_CACHE") from error


def find() -> tuple[str, Path] | None:
    """Find the first MNIST on this machine, without reading it.

    Returns
    -------
    source, path
        As `find_all` yields them, or None instead of both.

    Raises
    ------
    DataError, SetupError
        As `find_all` does.
    """
    return next(find_all(), None)


def read(path: Path) -> dict[str, np.ndarray]:
    """Read and verify MNIST.

    Parameters
    ----------
    path : Path
        A file mnist.npz, or a folder with it or with the four IDX files, gzipped or not. Files in a folder
        are recognised by their content, whatever their names; torchvision's folder holds them below.

    Returns
    -------
    dict of str to ndarray
        ``x_train``, ``y_train``, ``x_test`` and ``y_test``, uint8, with the shapes in `ARRAYS`.

    Raises
    ------
    WrongFilesError
        If an array is not MNIST's; names each, with what was expected and found.
    DataError
        If a file is missing.
    SetupError
        If a file may not be read, or memory does not suffice.
    """
    try:
        return _read_folder(path) if path.is_dir() else _read_npz(path)
    except MemoryError as error:
        raise SetupError(f"memory does not suffice for {path}: 200 MB are needed, end programs") from error


def _read_folder(folder: Path) -> dict[str, np.ndarray]:
    if _exists(npz := folder / "mnist.npz"):
        return _read_npz(npz)
    candidates: dict[str, list[Path]] = {kind: [] for kind in ("archive", *ARRAYS)}
    for kind, path in _recognise(folder):
        candidates[kind].append(path)
    archives = candidates.pop("archive")
    if archives and not all(candidates.values()):
        for path in archives[:-1]:  # a model of Keras begins like one, too
            with contextlib.suppress(WrongFilesError):
                return _read_npz(path)
        return _read_npz(archives[-1])
    found: dict[str, np.ndarray | str] = {}
    wrong = []
    for name, paths in candidates.items():
        usual = folder / _IDX_NAMES[name]
        paths = paths or [path for path in (usual, usual.with_suffix("")) if _exists(path)]
        if not paths:
            expected = f"an IDX file of uint8 {ARRAYS[name][0]}, usually named {usual.name}"
            raise DataError(f"{folder} has no {name}: expected {expected}. {MANUAL}")
        for path in paths:
            found[name] = _read_idx(path, name)
            if not (problem := _find_problem(name, found[name])):
                break
            wrong.append(path)
            found[name] = f"{path.name}: {problem}"
    return _verify(folder, found, wrong)


def _recognise(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield what the files of a folder, and of torchvision's folders below, begin like."""
    kinds = {_ZIP: "archive"} | {_make_header(name): name for name in ARRAYS}
    for place in (folder, folder / "raw", folder / "MNIST" / "raw"):
        try:
            found = [path for path in place.iterdir() if path.is_file()] if place.is_dir() else []
        except OSError as error:
            raise SetupError(f"{place} cannot be searched ({error.strerror}): make it readable") from error
        for path in sorted(found):
            if path.suffix in (".bad", ".part"):  # set aside, or a draft
                continue
            start = b""
            with contextlib.suppress(OSError, zlib.error), path.open("rb") as file:
                start = file.read(1024)
                if start.startswith(_GZIP):
                    start = zlib.decompressobj(31).decompress(start, 64)
            yield from ((kind, path) for begin, kind in kinds.items() if start.startswith(begin))


def _verify(path: Path, found: Mapping[str, np.ndarray | str], wrong: list[Path]) -> dict[str, np.ndarray]:
    """Return the arrays if all are MNIST's."""
    problems = [f"{name}: {problem}" for name in ARRAYS if (problem := _find_problem(name, found[name]))]
    if problems:
        raise WrongFilesError(f"{path.name} is not MNIST: {'; '.join(problems)}. {MANUAL}", wrong)
    return {name: array for name, array in found.items() if isinstance(array, np.ndarray)}


def _find_problem(name: str, array: np.ndarray | str) -> str:
    """Return what distinguishes an array from MNIST's, or an empty text; a text is a known problem."""
    if isinstance(array, str):
        return array
    if hashlib.sha256(array.data).hexdigest() != ARRAYS[name][1]:
        return f"expected MNIST's SHA-256, found other bytes, values from {array.min()} to {array.max()}"
    return ""


def _read_file(path: Path) -> bytes:
    try:
        return files.read_file(path)
    except DataError as error:  # too large, or no file: wrong like one of other bytes
        raise WrongFilesError(str(error), [path]) from error


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    content = _read_file(path)
    expected = [f"{name}.npy" for name in ARRAYS]
    try:
        # Check the directory before anything is unpacked, against archives that unpack to terabytes. zipfile
        # keeps 500 bytes for each entry, so too many are refused before it reads them.
        if (entries := content.count(b"PK\x01\x02")) > 1_000:
            raise ValueError(f"about {entries:,} files instead of {expected}")
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [member.filename for member in archive.infolist()]
            size = sum(member.file_size for member in archive.infolist())
            if sorted(names) != sorted(expected):
                raise ValueError(f"the arrays {names[:8]} instead of {expected}")
            if size > files.MAX_BYTES:
                raise ValueError(f"{size:,} bytes unpacked, more than {files.MAX_BYTES:,}")
            found: dict[str, np.ndarray | str] = {}
            for name in ARRAYS:
                with archive.open(f"{name}.npy") as file:
                    found[name] = _read_npy(file, name)
    except MemoryError:
        raise
    except Exception as error:  # one wrong byte makes zipfile and NumPy raise nearly any
        # The error may quote kilobytes of the file.
        kind = "HTML" if b"<html" in content[:512].lower() else str(error)[:200]
        message = f"{path.name}: expected an npz of plain arrays, found: {kind}. {MANUAL}"
        raise WrongFilesError(message, [path]) from error
    return _verify(path, found, [path])


def _read_npy(file: IO[bytes], name: str) -> np.ndarray | str:
    """Read an array, or return why it is not MNIST's; no more is read or allocated than MNIST needs."""
    is_first = np.lib.format.read_magic(file) == (1, 0)
    read_header = np.lib.format.read_array_header_1_0 if is_first else np.lib.format.read_array_header_2_0
    try:
        shape, in_fortran_order, dtype = read_header(file)
    except MemoryError:  # of Python's parser, which no amount of memory helps
        raise ValueError("a header that is nested too deep") from None
    if dtype.hasobject:
        raise ValueError("pickled objects, which could run code")
    expected, _ = ARRAYS[name]
    if dtype != np.uint8 or shape != expected:
        return f"expected uint8 {expected}, found {dtype} {shape}"[:200]
    array = np.empty(shape[::-1] if in_fortran_order else shape, np.uint8)
    if file.readinto(array.data.cast("B")) != array.size or file.read(1):  # type: ignore[attr-defined]
        return f"expected {array.size:,} bytes, found another number"
    return np.ascontiguousarray(array.T) if in_fortran_order else array


def _make_header(name: str) -> bytes:
    """Return how the IDX file of an array begins."""
    shape, _ = ARRAYS[name]
    return np.array([0x800 + len(shape), *shape], dtype=">i4").tobytes()  # 0x08: unsigned bytes


def _read_idx(path: Path, name: str) -> np.ndarray | str:
    """Read an array, or return why it is not MNIST's."""
    content = _read_file(path)
    shape, _ = ARRAYS[name]
    header = _make_header(name)
    size = len(header) + math.prod(shape)
    if content.startswith(_GZIP):
        try:
            packed = zlib.decompressobj(31)
            content = packed.decompress(content, size + 1)  # a bomb is not unpacked further
        except zlib.error as error:
            return f"expected a gzip file, found: {error}"
        if not packed.eof:
            return f"expected {size:,} bytes in gzip, found another number"
    if len(content) != size or not content.startswith(header):
        return f"expected an IDX file of uint8 {shape}, found something else"
    return np.frombuffer(content, dtype=np.uint8, offset=len(header)).reshape(shape)
