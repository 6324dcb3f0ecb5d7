"""The images: MNIST, or the UCI digits where MNIST cannot be had, split into training, validation and test.

MNIST: see `mnist_helpers.mnist_files`.
UCI digits: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
Repository, 1998, CC BY 4.0; the 1,797 images that scikit-learn carries.

Environment variables: ``MNIST_HELPERS_DATA`` (a file mnist.npz, or a folder with it or with the four IDX
files), ``MNIST_HELPERS_CACHE`` (where a download is kept), ``MNIST_HELPERS_OFFLINE=1`` (no network).
"""

import hashlib
import os
from dataclasses import dataclass, field, replace

import numpy as np

from mnist_helpers import mnist_files
from mnist_helpers.errors import DataError, UsageError

# With this seed the first nine images of MNIST, which the article shows, are among the training images.
_VALIDATION_SEED = 19


@dataclass(frozen=True, eq=False)
class Digits:
    """A data set: training and validation images, and a test set behind a door.

    Images are uint8 from 0 (paper) to 255 (ink), shape (n, 28, 28, 1); labels int32 from 0 to 9, shape (n,).
    """

    name: str  # "MNIST" or "UCI digits"
    source: str  # kind of place: "file", "cache", "download" or "embedded"
    x_train: np.ndarray = field(repr=False)
    y_train: np.ndarray = field(repr=False)
    x_validation: np.ndarray = field(repr=False)
    y_validation: np.ndarray = field(repr=False)
    _test: tuple[np.ndarray, np.ndarray] = field(repr=False)
    note: str = ""  # why these images stand in for others

    def __str__(self) -> str:
        sizes = f"{len(self.x_train):,} training and {len(self.x_validation):,} validation images"
        text = f"{self.name} ({self.source}): {sizes}, {len(self._test[0]):,} test images unopened"
        return f"{text}\n{self.note}" if self.note else text

    def subset(self, size: int, seed: int = 0) -> "Digits":
        """Draw training images in which each digit keeps its share; validation and test stay.

        The same seed draws the same images. Where there are not so many, all are kept. Raises UsageError
        if `size` is below 10, one image a digit.
        """
        if size < 10:
            raise UsageError(f"subset(size={size}): at least 10 training images are needed, one a digit")
        if size > len(self.x_train) - 10:
            return self
        keep, _ = _split(self.y_train, size, seed)
        return replace(self, x_train=self.x_train[keep], y_train=self.y_train[keep])

    def merge(self) -> "Digits":
        """Take the validation images for training as well, once nothing is left to choose."""
        x, y = (
            np.concatenate([self.x_train, self.x_validation]),
            np.concatenate([self.y_train, self.y_validation]),
        )
        return replace(self, x_train=x, y_train=y, x_validation=x[:0], y_validation=y[:0])

    def digest(self) -> str:
        """Return the SHA-256 of all images and labels, as they are split, in hexadecimal digits."""
        found = hashlib.sha256()
        for array in (self.x_train, self.y_train, self.x_validation, self.y_validation, *self._test):
            found.update(np.ascontiguousarray(array))
        return found.hexdigest()

    def open_test(self) -> tuple[np.ndarray, np.ndarray]:
        """Open the test set: images uint8 (n, 28, 28, 1) and labels int32 (n,).

        What was chosen with it is not tested by it: lesson 07 opens it, once, after the last choice, and the
        study judges its runs by it, whose strengths were chosen before.
        """
        return self._test


def load(dataset: str = "auto") -> Digits:
    """Load the digits, verified and split.

    ``"mnist"``: from MNIST_HELPERS_DATA, else the cache, else a download: 50,000 training, 10,000 validation
    and 10,000 test images. ``"uci"``: the UCI digits, which need no network: 1,077, 360 and 360. ``"auto"``:
    MNIST, or the UCI digits where MNIST cannot be had.

    Raises DataError if MNIST was asked for and cannot be had, or if MNIST_HELPERS_DATA names something else;
    SetupError if the cache folder cannot be written; UsageError if `dataset` is none of the three.
    """
    if dataset not in ("auto", "mnist", "uci"):
        raise UsageError(f"dataset={dataset!r} is unknown: choose 'auto', 'mnist' or 'uci'")
    if dataset == "uci":
        return _load_uci()
    failures = []
    if found := mnist_files.find():
        source, path = found
        try:
            return _split_mnist(source, mnist_files.read(path))
        except DataError as error:
            if source == "file":
                raise  # a path that somebody chose is never replaced by something else
            failures.append(f"cache: {error}")
            mnist_files.set_aside(path, error)
    if os.environ.get("MNIST_HELPERS_OFFLINE") == "1":
        failures.append("download: not tried, because MNIST_HELPERS_OFFLINE is 1")
    else:
        for url, files in mnist_files.MIRRORS:
            try:
                return _split_mnist("download", mnist_files.fetch(url, files))
            except DataError as error:
                failures.append(f"{url}{error}")
    if dataset == "auto":
        return _load_uci("MNIST could not be had here: `mnist-helpers data --dataset mnist` says why.")
    raise DataError("\n  ".join(["MNIST could not be had:", *failures]) + f"\n{mnist_files.MANUAL}.")


def _split(labels: np.ndarray, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split row numbers into `size` of them and the rest, each digit with its share in both."""
    from sklearn.model_selection import train_test_split

    rows = np.arange(len(labels))
    first, rest = train_test_split(rows, train_size=size, stratify=labels, random_state=seed)
    return np.sort(first), np.sort(rest)


def _make_digits(name, source, images, labels, test, validation_size, note="") -> Digits:
    validation, train = _split(labels, validation_size, _VALIDATION_SEED)
    split = (images[train], labels[train], images[validation], labels[validation])
    return Digits(name, source, *split, test, note)


def _split_mnist(source: str, arrays: dict[str, np.ndarray]) -> Digits:
    x, x_test = (arrays[name][..., np.newaxis] for name in ("x_train", "x_test"))
    y, y_test = (arrays[name].astype(np.int32) for name in ("y_train", "y_test"))
    return _make_digits("MNIST", source, x, y, (x_test, y_test), validation_size=10_000)


def _load_uci(note: str = "") -> Digits:
    """Enlarge scikit-learn's 8 x 8 digits to 20 x 20 pixels, centred in MNIST's frame of 28 x 28."""
    from scipy import ndimage
    from sklearn.datasets import load_digits

    small, labels = load_digits(return_X_y=True)
    large = ndimage.zoom(small.reshape(-1, 8, 8) / 16, (1, 2.5, 2.5), order=1, grid_mode=True, mode="nearest")
    images = np.pad(np.rint(large * 255).astype(np.uint8), ((0, 0), (4, 4), (4, 4)))[..., np.newaxis]
    labels = labels.astype(np.int32)
    fifth = 360  # images for the test and for validation: a fifth of 1,797, each
    test, rest = _split(labels, fifth, _VALIDATION_SEED)
    test = (images[test], labels[test])
    return _make_digits("UCI digits", "embedded", images[rest], labels[rest], test, fifth, note)
