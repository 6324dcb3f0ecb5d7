"""MNIST's files: find, download, read and verify them.

MNIST is by Yann LeCun and Corinna Cortes, licensed under CC BY-SA 3.0, and is not part of this package. It
comes in two containers: mnist.npz, which Keras distributes, and the four original IDX files, gzipped or not.
Both hold the same four arrays: 60,000 training and 10,000 test images of 28 x 28 pixels, from 0 (paper) to
255 (ink), and their labels, from 0 to 9, all uint8. Arrays with any other content are refused.
"""

import contextlib
import gzip
import hashlib
import logging
import os
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np

from mnist_helpers.errors import DataError, SetupError

# Shape, and SHA-256 of the bytes in C order, of each array.
ARRAYS: dict[str, tuple[tuple[int, ...], str]] = {
    "x_train": ((60_000, 28, 28), "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757"),
    "y_train": ((60_000,), "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13"),
    "x_test": ((10_000, 28, 28), "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161"),
    "y_test": ((10_000,), "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5"),
}
# Hashes of the files as they are downloaded; the IDX files in the order of `ARRAYS`.
_NPZ = {"mnist.npz": "sha256:731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"}
_IDX = {
    "train-images-idx3-ubyte.gz": "md5:f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "md5:d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "md5:9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "md5:ec29112dd5afa0611ce80d1b7f02629c",
}
_IDX_NAMES = dict(zip(ARRAYS, _IDX, strict=True))
MIRRORS = (
    ("https://storage.googleapis.com/tensorflow/tf-keras-datasets/", _NPZ),
    ("https://ossci-datasets.s3.amazonaws.com/mnist/", _IDX),
    ("https://storage.googleapis.com/cvdf-datasets/mnist/", _IDX),
)
_MAX_BYTES = 64 * 2**20  # unpacked; MNIST's four arrays take 55 MB
_TIMEOUT = (10, 30)  # seconds to connect, and to wait for the next bytes
MANUAL = "Put mnist.npz on this machine and set MNIST_HELPERS_DATA to its path"


def cache_folder() -> Path:
    """Return the folder where a downloaded MNIST is kept.

    Returns
    -------
    Path
        MNIST_HELPERS_CACHE if it is set, else a folder in the user's cache. It may not exist yet.
    """
    return Path(os.environ.get("MNIST_HELPERS_CACHE") or _import_pooch().os_cache("mnist_helpers"))


def _import_pooch() -> ModuleType:
    """Import pooch without tqdm's warning about missing notebook widgets, which are not needed."""
    with warnings.catch_warnings(action="ignore"):
        import pooch
    return pooch


def find() -> tuple[str, Path] | None:
    """Find MNIST on this machine, without reading it.

    A relative MNIST_HELPERS_DATA is looked up in the current folder and then in each folder above, because
    Jupyter runs a notebook in the notebook's own folder.

    Returns
    -------
    source : {"file", "cache"}
        ``"file"`` if MNIST_HELPERS_DATA is set.
    path : Path
        Path for `read`. Instead of both, None is returned if MNIST is neither set nor cached.

    Raises
    ------
    DataError
        If MNIST_HELPERS_DATA is set and its path does not exist.
    """
    if value := os.environ.get("MNIST_HELPERS_DATA"):
        for folder in (Path.cwd(), *Path.cwd().parents):
            if (path := folder / Path(value).expanduser()).exists():
                return "file", path
        raise DataError(f"MNIST_HELPERS_DATA is {value!r}, which does not exist: correct or unset it")
    cache = cache_folder()
    is_complete = any(all((cache / name).is_file() for name in files) for files in (_NPZ, _IDX))
    return ("cache", cache) if is_complete else None


def read(path: Path) -> dict[str, np.ndarray]:
    """Read and verify MNIST.

    Parameters
    ----------
    path : Path
        A file mnist.npz, or a folder with mnist.npz or with the four IDX files, gzipped or not.

    Returns
    -------
    dict of str to ndarray
        ``x_train``, ``y_train``, ``x_test`` and ``y_test``, uint8, with the shapes in `ARRAYS`.

    Raises
    ------
    DataError
        If the files cannot be read or an array is not MNIST's; names each such array, with what was
        expected and found.
    """
    if path.is_dir() and (path / "mnist.npz").is_file():
        path = path / "mnist.npz"
    arrays = {name: _read_idx(path, name) for name in ARRAYS} if path.is_dir() else _read_npz(path)
    problems = [f"{name}: {problem}" for name in ARRAYS if (problem := _find_problem(name, arrays[name]))]
    if problems:
        raise DataError(f"{path.name} is not MNIST: {'; '.join(problems)}. {MANUAL}")
    return arrays


def _find_problem(name: str, array: np.ndarray) -> str:
    """Return what distinguishes an array from MNIST's, or an empty text."""
    shape, digest = ARRAYS[name]
    if array.dtype != np.uint8 or array.shape != shape:
        return f"expected uint8 {shape}, found {array.dtype} {array.shape}"
    if hashlib.sha256(np.ascontiguousarray(array).data).hexdigest() != digest:
        return f"expected MNIST's SHA-256, found other bytes, values from {array.min()} to {array.max()}"
    return ""


@contextlib.contextmanager
def _refusing_other_files(path: Path) -> Iterator[None]:
    """Turn any exception into a DataError: one wrong byte makes zipfile and NumPy raise nearly any."""
    try:
        yield
    except Exception as error:
        found = "pickled objects, which could run code" if "pickle" in str(error) else error
        raise DataError(f"{path.name}: expected an npz of plain arrays, found: {found}. {MANUAL}") from error


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    # Check the archive's directory before anything is unpacked, against archives that unpack to terabytes.
    with _refusing_other_files(path), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    names = sorted(member.filename for member in members)
    if names != sorted(f"{name}.npy" for name in ARRAYS):
        raise DataError(f"{path.name}: expected the arrays {', '.join(ARRAYS)}, found {names[:8]}")
    size = sum(member.file_size for member in members)
    if size > _MAX_BYTES:
        raise DataError(f"{path.name}: expected at most {_MAX_BYTES:,} bytes unpacked, found {size:,}")
    with _refusing_other_files(path), np.load(path, allow_pickle=False) as arrays:
        # NumPy returns a member that is not in its format as bytes.
        return {name: np.asarray(arrays[name]) for name in ARRAYS}


def _read_idx(folder: Path, name: str) -> np.ndarray:
    packed = folder / _IDX_NAMES[name]
    path = packed if packed.is_file() else packed.with_suffix("")
    shape, _ = ARRAYS[name]
    header = np.array([0x800 + len(shape), *shape], dtype=">i4").tobytes()  # 0x08: unsigned bytes
    size = len(header) + int(np.prod(shape))
    try:
        with gzip.open(path) if path == packed else path.open("rb") as file:
            data = file.read(size + 1)  # one byte more shows an excess; a gzip bomb is not unpacked further
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{packed.name} cannot be read ({error}). {MANUAL}") from error
    if len(data) != size or not data.startswith(header):
        raise DataError(f"{packed.name}: expected an IDX file of uint8 {shape}, found something else")
    return np.frombuffer(data, dtype=np.uint8, offset=len(header)).reshape(shape)


def fetch(url: str, files: dict[str, str]) -> dict[str, np.ndarray]:
    """Download MNIST from one mirror into the cache, then read and verify it.

    A file gets its final name after its hash was verified. Files that are in the cache already are not
    downloaded again.

    Parameters
    ----------
    url : str
        Address of the mirror, with a slash at its end.
    files : dict of str to str
        ``{file name: "algorithm:hash"}``, as in `MIRRORS`.

    Returns
    -------
    dict of str to ndarray
        As `read` returns it.

    Raises
    ------
    DataError
        If a file cannot be downloaded or is not MNIST's.
    SetupError
        If the cache folder cannot be written.
    """
    pooch = _import_pooch()
    folder = cache_folder()
    try:
        pooch.utils.make_local_storage(folder)
    except OSError as error:
        raise _unwritable(folder) from error
    pooch.get_logger().setLevel(logging.WARNING)
    downloader = pooch.HTTPDownloader(timeout=_TIMEOUT, progressbar=True)
    for name, digest in files.items():
        try:
            pooch.retrieve(url + name, digest, fname=name, path=folder, downloader=downloader)
        except ValueError as error:
            raise DataError(f"{name} lacks MNIST's hash: did a login page or a proxy answer?") from error
        except OSError as error:  # all exceptions of requests derive from OSError
            raise DataError(f"{name}: {type(error).__name__}: {error}") from error
    return read(folder)


def set_aside(folder: Path, error: DataError) -> None:
    """Rename the cached files to ``*.bad``, and warn once.

    Parameters
    ----------
    folder : Path
        The cache.
    error : DataError
        What is wrong with its files; becomes part of the warning, which points at the caller's caller.

    Raises
    ------
    SetupError
        If a file cannot be renamed.
    """
    warnings.warn(f"the cached MNIST was broken and is set aside as *.bad: {error}", stacklevel=3)
    try:
        for path in (folder / name for name in (*_NPZ, *_IDX) if (folder / name).is_file()):
            path.replace(f"{path}.bad")
    except OSError as problem:
        raise _unwritable(folder) from problem


def _unwritable(folder: Path) -> SetupError:
    return SetupError(f"{folder} cannot be written: set MNIST_HELPERS_CACHE to a writable folder")
