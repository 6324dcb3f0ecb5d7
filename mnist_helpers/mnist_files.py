"""The files of MNIST: find them, fetch them, and refuse all that is not MNIST, bit for bit.

MNIST: Yann LeCun and Corinna Cortes, made available under CC BY-SA 3.0; never part of this package.
"""

import gzip
import hashlib
import logging
import os
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np

from mnist_helpers.errors import DataError, SetupError

# Shape and SHA-256 of the bytes of each array, in C order: whatever the container, the arrays are these.
ARRAYS = {
    "x_train": ((60_000, 28, 28), "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757"),
    "y_train": ((60_000,), "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13"),
    "x_test": ((10_000, 28, 28), "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161"),
    "y_test": ((10_000,), "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5"),
}
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
_MOST_BYTES = 64 * 2**20  # the four arrays take 55 MB; an archive that claims more is not MNIST
_TIMEOUT = (10, 30)  # seconds to connect, and to wait for the next bytes
MANUAL = "Put mnist.npz on this machine and set MNIST_HELPERS_DATA to its path"


def cache_folder() -> Path:
    """Return the folder where a downloaded MNIST is kept: MNIST_HELPERS_CACHE, else the user's cache."""
    return Path(os.environ.get("MNIST_HELPERS_CACHE") or _pooch().os_cache("mnist_helpers"))


def _pooch():
    with warnings.catch_warnings(action="ignore"):  # tqdm's wish for widgets, which nothing here needs
        import pooch
    return pooch


def find() -> tuple[str, Path] | None:
    """Return where MNIST lies on this machine, as ("file" or "cache", path), or None; nothing is read.

    A relative MNIST_HELPERS_DATA is looked up from the current folder upwards, because Jupyter runs a
    notebook in the notebook's own folder. Raises DataError if nothing is there.
    """
    if value := os.environ.get("MNIST_HELPERS_DATA"):
        for base in (Path.cwd(), *Path.cwd().parents):
            if (path := base / Path(value).expanduser()).exists():
                return "file", path
        raise DataError(f"MNIST_HELPERS_DATA is {value!r}, and nothing is there: correct or unset it")
    cache = cache_folder()
    complete = any(all((cache / name).is_file() for name in files) for files in (_NPZ, _IDX))
    return ("cache", cache) if complete else None


def read(path: Path) -> dict[str, np.ndarray]:
    """Return MNIST's four arrays, uint8, shapes as in `ARRAYS`, read from a path and verified.

    The path is a file mnist.npz, or a folder with it or with the four IDX files, gzipped or plain. Raises
    DataError if it cannot be read or an array is not MNIST's, with expected and found for each.
    """
    if path.is_dir() and (path / "mnist.npz").is_file():
        path = path / "mnist.npz"
    arrays = {name: _read_idx(path, name) for name in ARRAYS} if path.is_dir() else _read_npz(path)
    problems = []
    for name, (shape, digest) in ARRAYS.items():
        array = arrays[name]
        if array.dtype != np.uint8 or array.shape != shape:
            problems.append(f"{name}: expected uint8 {shape}, found {array.dtype} {array.shape}")
        elif hashlib.sha256(np.ascontiguousarray(array)).hexdigest() != digest:
            found = f"values from {array.min()} to {array.max()}"
            problems.append(f"{name}: expected MNIST's SHA-256, found other bytes, {found}")
    if problems:
        raise DataError(f"{path.name} is not MNIST: {'; '.join(problems)}. {MANUAL}")
    return arrays


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(path) as archive:  # the directory first: a bomb is refused before it unpacks
            members = archive.infolist()
        names = sorted(member.filename for member in members)
        if names != sorted(f"{name}.npy" for name in ARRAYS):
            raise DataError(f"{path.name}: expected the arrays {', '.join(ARRAYS)}, found {names[:8]}")
        if (total := sum(member.file_size for member in members)) > _MOST_BYTES:
            raise DataError(f"{path.name}: expected at most {_MOST_BYTES:,} bytes unpacked, found {total:,}")
        with np.load(path, allow_pickle=False) as archive:
            return {name: np.asarray(archive[name]) for name in ARRAYS}  # NumPy returns others as bytes
    except DataError:
        raise
    except Exception as error:  # one wrong byte can make zipfile and NumPy raise nearly anything
        found = "pickled objects, which could run code" if "pickle" in str(error) else error
        raise DataError(f"{path.name}: expected an npz of plain arrays, found: {found}. {MANUAL}") from error


def _read_idx(folder: Path, name: str) -> np.ndarray:
    packed = folder / _IDX_NAMES[name]
    shape, _ = ARRAYS[name]
    header = np.array([0x800 + len(shape), *shape], dtype=">i4").tobytes()  # 0x08: unsigned bytes
    size = len(header) + int(np.prod(shape))
    try:
        with gzip.open(packed) if packed.is_file() else packed.with_suffix("").open("rb") as file:
            data = file.read(size + 1)  # never more than the array needs: a gzip bomb stays small
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{packed.name} cannot be read ({error}). {MANUAL}") from error
    if len(data) != size or not data.startswith(header):
        raise DataError(f"{packed.name}: expected an IDX file of uint8 {shape}, found something else")
    return np.frombuffer(data, dtype=np.uint8, offset=len(header)).reshape(shape)


def fetch(url: str, files: dict[str, str]) -> dict[str, np.ndarray]:
    """Download one mirror's ``{file name: "algorithm:hash"}`` into the cache and read the arrays.

    A file gets its name only after its hash agreed. Raises DataError if one cannot be fetched or is not
    MNIST's, SetupError if the cache folder cannot be written.
    """
    pooch, folder = _pooch(), cache_folder()
    try:
        pooch.utils.make_local_storage(folder)
    except OSError as error:
        raise SetupError(f"{folder} cannot be written: set MNIST_HELPERS_CACHE to a folder") from error
    pooch.get_logger().setLevel(logging.WARNING)
    for name, digest in files.items():
        download = pooch.HTTPDownloader(timeout=_TIMEOUT, progressbar=True)
        try:
            pooch.retrieve(url + name, digest, fname=name, path=folder, downloader=download)
        except ValueError as error:
            raise DataError(f"{name} has another hash than MNIST's: a login page or a proxy?") from error
        except OSError as error:  # what requests raises is an OSError
            raise DataError(f"{name}: {type(error).__name__}: {error}") from error
    return read(folder)


def set_aside(folder: Path, error: DataError) -> None:
    """Rename the cached files to ``*.bad``, with one warning that says why."""
    warnings.warn(f"the cached MNIST was broken and is set aside as *.bad: {error}", stacklevel=3)
    try:
        for path in (folder / name for name in (*_NPZ, *_IDX) if (folder / name).is_file()):
            path.replace(f"{path}.bad")
    except OSError as problem:
        raise SetupError(f"{folder} cannot be written: set MNIST_HELPERS_CACHE to a folder") from problem
