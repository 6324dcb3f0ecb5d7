"""The data sets, split into training, validation and test images: MNIST, and the UCI digits.

MNIST: 70,000 images of 28 x 28 pixels; `mnist_helpers.mnist_files` names its source and licence.

UCI digits: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
Repository, 1998, CC BY 4.0. scikit-learn contains 1,797 of its images, 8 x 8 pixels with values from 0 to 16;
here they are enlarged to MNIST's format. They need no network and stand in for MNIST where it is missing.

Environment variables:

- ``MNIST_HELPERS_DATA``: path of mnist.npz, or of a folder with mnist.npz or with the four IDX files.
- ``MNIST_HELPERS_CACHE``: folder for downloads.
- ``MNIST_HELPERS_OFFLINE``: 1, true, yes or on: never use the network; 0, false, no or off: use it.
"""

import hashlib
from dataclasses import dataclass, field, replace

import numpy as np

from mnist_helpers import environment, mnist_cache, mnist_files
from mnist_helpers.errors import DataError, SetupError, UsageError

# With this seed the first nine images of MNIST, which the article shows, are among the training images.
_VALIDATION_SEED = 19
_Pair = tuple[np.ndarray, np.ndarray]  # images and labels


@dataclass(frozen=True, eq=False)
class Digits:
    """Images of handwritten digits with their labels, split into training, validation and test set.

    Images are uint8 arrays of shape (n, 28, 28, 1), from 0 (paper) to 255 (ink). Labels are int32 arrays of
    shape (n,), from 0 to 9.

    Parameters
    ----------
    name : {"MNIST", "UCI digits"}
        Name of the data set.
    source : {"file", "cache", "Keras's cache", "download", "embedded"}
        Where the images were read from.
    x_train, y_train : ndarray
        Training images and labels.
    x_validation, y_validation : ndarray
        Validation images and labels.
    _test : tuple of ndarray
        Test images and labels; `open_test` returns them.
    fallback_reason : str
        Why this data set stands in for MNIST; empty if it does not.
    """

    name: str
    source: str
    x_train: np.ndarray = field(repr=False)
    y_train: np.ndarray = field(repr=False)
    x_validation: np.ndarray = field(repr=False)
    y_validation: np.ndarray = field(repr=False)
    _test: _Pair = field(repr=False)
    fallback_reason: str = ""

    def __str__(self) -> str:
        sizes = f"{len(self.x_train):,} training and {len(self.x_validation):,} validation images"
        text = f"{self.name} ({self.source}): {sizes}, {len(self._test[0]):,} test images unopened"
        return f"{text}\n{self.fallback_reason}" if self.fallback_reason else text

    def subset(self, size: int, seed: int = 0) -> "Digits":
        """Draw a random subset of the training images, stratified by digit.

        Parameters
        ----------
        size : int
            Number of training images, at least 10. All are kept if fewer than `size` + 10 exist, because a
            stratified draw must leave one image of each digit.
        seed : int, default 0
            Seed of the draw: the same seed draws the same images.

        Returns
        -------
        Digits
            The same validation and test images, and the drawn training images in their original order.

        Raises
        ------
        UsageError
            If `size` is below 10, one image per digit.
        """
        if size < 10:
            raise UsageError(f"subset(size={size}): at least 10 training images are needed, one per digit")
        if size > len(self.x_train) - 10:
            return self
        rows, _ = _split(self.y_train, size, seed)
        return replace(self, x_train=self.x_train[rows], y_train=self.y_train[rows])

    def with_validation_in_training(self) -> "Digits":
        """Add the validation images to the training images, for the training after the last choice.

        Returns
        -------
        Digits
            Training images followed by the validation images, no validation images, the same test images.
        """
        return replace(
            self,
            x_train=np.concatenate([self.x_train, self.x_validation]),
            y_train=np.concatenate([self.y_train, self.y_validation]),
            x_validation=self.x_validation[:0],
            y_validation=self.y_validation[:0],
        )

    def with_label_noise(self, share: float, seed: int = 0) -> "Digits":
        """Redraw a share of the training labels; validation and test images keep theirs.

        Parameters
        ----------
        share : float
            Share of the training images, 0 to 1, whose label is drawn anew. All ten digits are equally
            likely, so a tenth of them keep the right one.
        seed : int, default 0
            The same seed redraws the same labels.

        Returns
        -------
        Digits
            The same images.

        Raises
        ------
        UsageError
            If `share` is not between 0 and 1.
        """
        if not 0 <= share <= 1:
            raise UsageError(f"with_label_noise(share={share}): a share from 0 to 1 is needed")
        generator = np.random.default_rng(seed)
        count = round(share * len(self.y_train))
        rows = generator.choice(len(self.y_train), count, replace=False)
        labels = self.y_train.copy()
        labels[rows] = generator.integers(0, 10, count)
        return replace(self, y_train=labels)

    def digest(self) -> str:
        """Return a fingerprint of the data and of its split.

        Returns
        -------
        str
            SHA-256 of all images and labels, 64 hexadecimal digits.
        """
        digest = hashlib.sha256()
        for array in (self.x_train, self.y_train, self.x_validation, self.y_validation, *self._test):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def open_test(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the test set, which must not be used for model selection.

        Lesson 07 opens it once, after the last choice. The study evaluates its runs on it; their
        hyperparameters were selected on validation images.

        Returns
        -------
        images : ndarray, shape (n, 28, 28, 1), uint8
            Test images, from 0 (paper) to 255 (ink).
        labels : ndarray, shape (n,), int32
            Their digits.
        """
        return self._test


def load(dataset: str = "auto") -> Digits:
    """Load a data set, verified and split.

    Parameters
    ----------
    dataset : {"auto", "mnist", "uci"}, default "auto"
        ``"mnist"``: from MNIST_HELPERS_DATA, else from the cache, else from Keras's own cache, else from a
        download: 50,000 training, 10,000 validation and 10,000 test images. ``"uci"``: the UCI digits, 1,077,
        360 and 360 images.
        ``"auto"``: MNIST, or the UCI digits where MNIST is not available.

    Returns
    -------
    Digits
        Each digit has about the same share in the training and the validation images.

    Raises
    ------
    DataError
        If ``"mnist"`` is not available, or if MNIST_HELPERS_DATA is set and does not lead to MNIST.
    SetupError
        If the cache folder cannot be written, or a file in it may not be read.
    UsageError
        If `dataset` is not one of the three, or MNIST_HELPERS_OFFLINE is neither yes nor no.
    """
    if dataset not in ("auto", "mnist", "uci"):
        raise UsageError(f"dataset={dataset!r} is unknown: choose 'auto', 'mnist' or 'uci'")
    if dataset == "uci":
        return _load_uci()
    is_offline = environment.read_flag("MNIST_HELPERS_OFFLINE")
    failures: list[str] = []
    for source, path in mnist_files.find_all():
        try:
            return _split_mnist(source, mnist_files.read(path))
        except (DataError, SetupError) as error:
            if source == "file" or (source == "cache" and isinstance(error, SetupError)):
                raise  # a path that the user set is never replaced by other images
            failures.append(f"{source}: {error}")
            if source == "cache" and (arrays := mnist_cache.repair()):
                return _split_mnist("cache", arrays)
    if is_offline:
        failures.append("download: not tried, because MNIST_HELPERS_OFFLINE is set")
    else:
        arrays, problems = mnist_cache.fill()
        if arrays:
            return _split_mnist("download", arrays)
        failures += problems
    if dataset == "auto":
        reason = "MNIST is not available here: `mnist-helpers data --dataset mnist` says why."
        return replace(_load_uci(), fallback_reason=reason)
    reasons = "\n  ".join(failures)
    raise DataError(f"MNIST is not available:\n  {reasons}\n{mnist_files.MANUAL}.")


def _split(labels: np.ndarray, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw `size` row numbers, stratified by label; return them and the remaining ones, each sorted."""
    from sklearn.model_selection import train_test_split

    rows = np.arange(len(labels))
    drawn, rest = train_test_split(rows, train_size=size, stratify=labels, random_state=seed)
    return np.sort(drawn), np.sort(rest)


def _hold_out_validation(name: str, source: str, rest: _Pair, test: _Pair, size: int) -> Digits:
    """Split what is not test images into `size` validation images and training images."""
    images, labels = rest
    validation, train = _split(labels, size, _VALIDATION_SEED)
    split = (images[train], labels[train], images[validation], labels[validation])
    return Digits(name, source, *split, test)


def _split_mnist(source: str, arrays: dict[str, np.ndarray]) -> Digits:
    rest = (arrays["x_train"][..., np.newaxis], arrays["y_train"].astype(np.int32))
    test = (arrays["x_test"][..., np.newaxis], arrays["y_test"].astype(np.int32))
    return _hold_out_validation("MNIST", source, rest, test, size=10_000)


def _load_uci() -> Digits:
    """Enlarge scikit-learn's 8 x 8 digits to 20 x 20 pixels, centred in MNIST's frame of 28 x 28."""
    from scipy import ndimage
    from sklearn.datasets import load_digits

    small, values = load_digits(return_X_y=True)
    large = ndimage.zoom(small.reshape(-1, 8, 8) / 16, (1, 2.5, 2.5), order=1, grid_mode=True, mode="nearest")
    images = np.pad(np.rint(large * 255).astype(np.uint8), ((0, 0), (4, 4), (4, 4)))[..., np.newaxis]
    labels = values.astype(np.int32)
    fifth = 360  # of the 1,797 images: the size of the test set and of the validation set
    drawn, others = _split(labels, fifth, _VALIDATION_SEED)
    rest = (images[others], labels[others])
    test = (images[drawn], labels[drawn])
    return _hold_out_validation("UCI digits", "embedded", rest, test, fifth)
