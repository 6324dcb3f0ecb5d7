"""Data sets have their sizes and splits, and labels that belong to their images."""

import dataclasses

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from mnist_helpers import datasets, mnist_files
from mnist_helpers.errors import UsageError

BILINEAR = Image.Resampling.BILINEAR


@pytest.fixture(scope="module")
def uci():
    return datasets.load("uci")


@pytest.fixture(scope="module")
def mnist():
    if mnist_files.find() is None:
        pytest.skip("MNIST is absent: set MNIST_HELPERS_DATA to its path")
    return datasets.load("mnist")


def parts(digits):
    return {
        "train": (digits.x_train, digits.y_train),
        "validation": (digits.x_validation, digits.y_validation),
        "test": digits.open_test(),
    }


def check_arrays(digits, sizes):
    for (images, labels), size in zip(parts(digits).values(), sizes, strict=True):
        assert (images.shape, images.dtype) == ((size, 28, 28, 1), np.uint8)
        assert (labels.shape, labels.dtype) == ((size,), np.int32)
        assert sorted(set(labels)) == list(range(10))
        assert (images.min(), images.max()) == (0, 255)


def find_originals(images):
    """Return for each image the row of scikit-learn's that looks the same when Pillow enlarges it."""
    enlarged = [
        Image.fromarray(small / 16 * 255).resize((20, 20), BILINEAR) for small in load_digits().images
    ]
    known = np.reshape(enlarged, (-1, 400)).astype(float)
    inner = images[:, 4:24, 4:24, 0].reshape(-1, 400).astype(float)
    rows = ((known**2).sum(axis=1) - 2 * inner @ known.T).argmin(axis=1)
    assert np.abs(inner - known[rows]).max() < 1
    return rows


def test_uci_split_has_its_sizes_types_and_ranges(uci):
    check_arrays(uci, (1077, 360, 360))
    assert (uci.name, uci.source, uci.fallback_reason) == ("UCI digits", "embedded", "")


def test_uci_images_are_scikit_learns_each_once_with_its_label(uci):
    rows = {name: find_originals(images) for name, (images, _) in parts(uci).items()}
    assert sorted(np.concatenate(list(rows.values()))) == list(range(1797))  # hence the splits are disjoint
    for name, (_, labels) in parts(uci).items():
        assert np.array_equal(labels, load_digits().target[rows[name]]), f"{name} labels"


def test_uci_images_fill_the_middle_of_mnists_frame(uci):
    for images, _ in parts(uci).values():
        assert images[:, 4:24, 4:24].sum() == images.sum()
        middle = images[..., 0].mean(axis=0)
        centre = [np.average(np.arange(28), weights=middle.sum(axis=axis)) for axis in (0, 1)]
        assert centre == pytest.approx([13.5, 13.5], abs=0.8)


def test_each_digit_keeps_its_share_in_each_split(uci):
    shares = [np.bincount(labels) / len(labels) for _, labels in parts(uci).values()]
    assert np.ptp(shares, axis=0).max() < 0.005


def test_loading_again_gives_the_same_split(uci):
    again = parts(datasets.load("uci"))
    for name, arrays in parts(uci).items():
        assert all(np.array_equal(*pair) for pair in zip(arrays, again[name], strict=True))


def test_uci_split_is_the_same_on_every_machine(uci):
    first = [labels[:10].tolist() for _, labels in parts(uci).values()]
    assert first == [
        [0, 1, 2, 3, 4, 5, 6, 8, 2, 3],
        [7, 9, 1, 4, 7, 0, 5, 6, 0, 8],
        [0, 0, 3, 5, 8, 4, 0, 1, 6, 3],
    ]


def test_printed_digits_state_name_source_sizes_and_fallback(uci):
    expected = "UCI digits (embedded): 1,077 training and 360 validation images, 360 test images unopened"
    assert str(uci) == expected
    assert str(dataclasses.replace(uci, fallback_reason="Why.")) == f"{expected}\nWhy."


@pytest.mark.parametrize("name", ["cifar", "MNIST", "", None])
def test_unknown_data_set_is_refused_with_the_known_ones(name):
    with pytest.raises(UsageError, match="'auto', 'mnist' or 'uci'"):
        datasets.load(name)


def test_subset_keeps_pairs_shares_validation_and_test(uci):
    subset = uci.subset(300, seed=1)
    check_arrays(subset, (300, 360, 360))
    assert subset.x_validation is uci.x_validation
    assert subset.open_test() is uci.open_test()
    shares = [np.bincount(labels) / len(labels) for labels in (subset.y_train, uci.y_train)]
    assert np.ptp(shares, axis=0).max() < 0.005
    rows = find_originals(subset.x_train)
    assert len(set(rows)) == 300
    assert np.array_equal(subset.y_train, load_digits().target[rows])


def test_subset_follows_its_seed(uci):
    first, same, other = (uci.subset(100, seed).x_train for seed in (1, 1, 2))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("size", [9, 0, -1])
def test_subset_below_one_image_per_digit_is_refused(size, uci):
    with pytest.raises(UsageError, match=rf"size={size}\): at least 10"):
        uci.subset(size)


def test_smallest_subset_has_one_image_per_digit(uci):
    assert sorted(uci.subset(10).y_train) == list(range(10))


@pytest.mark.parametrize(
    ("size", "expected"), [(1066, 1066), (1067, 1067), (1068, 1077), (1077, 1077), (50_000, 1077)]
)
def test_subset_keeps_all_where_fewer_than_ten_would_be_left(size, expected, uci):
    assert len(uci.subset(size).x_train) == expected


def test_mnist_split_has_its_sizes_types_and_ranges(mnist):
    check_arrays(mnist, (50_000, 10_000, 10_000))
    assert mnist.name == "MNIST"
    expected = "50,000 training and 10,000 validation images, 10,000 test images unopened"
    assert str(mnist) == f"MNIST ({mnist.source}): {expected}"
    assert mnist.source in ("file", "cache", "Keras's cache")


def test_mnist_begins_with_the_digits_of_the_article(mnist):
    assert mnist.y_train[:9].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1]


def test_mnist_labels_belong_to_their_images(mnist):
    means = [mnist.x_train[mnist.y_train == digit].mean(axis=0) for digit in range(10)]
    for images, labels in parts(mnist).values():
        distances = [((images[:2000] - mean) ** 2).sum(axis=(1, 2, 3)) for mean in means]
        assert (np.argmin(distances, axis=0) == labels[:2000]).mean() > 0.75


def test_mnist_keeps_its_shares_in_validation(mnist):
    shares = [np.bincount(labels) / len(labels) for labels in (mnist.y_train, mnist.y_validation)]
    assert np.ptp(shares, axis=0).max() < 0.001


def test_validation_images_in_training_leave_none_for_validation(uci):
    merged = uci.with_validation_in_training()
    assert np.array_equal(merged.x_train, np.concatenate([uci.x_train, uci.x_validation]))
    assert np.array_equal(merged.y_train, np.concatenate([uci.y_train, uci.y_validation]))
    assert (merged.x_validation.shape, merged.y_validation.shape) == ((0, 28, 28, 1), (0,))
    assert merged.open_test() is uci.open_test()


def test_digest_depends_on_the_images_and_on_the_split(uci):
    assert uci.digest() == datasets.load("uci").digest()
    changed = uci.x_validation.copy()
    changed[-1, 0, 0] += 1
    others = [dataclasses.replace(uci, x_validation=changed), uci.subset(1000), uci.subset(1000, seed=1)]
    assert len({each.digest() for each in (uci, *others)}) == 4


def test_label_noise_redraws_a_share_of_the_training_labels_alone(uci):
    noisy = uci.with_label_noise(0.3, seed=1)
    changed = noisy.y_train != uci.y_train
    assert changed.mean() == pytest.approx(0.27, abs=0.03)  # a tenth of the redrawn labels stay right
    assert set(np.unique(noisy.y_train)) == set(range(10))
    assert noisy.y_train.dtype == uci.y_train.dtype
    assert noisy.x_train is uci.x_train
    assert noisy.y_validation is uci.y_validation
    assert noisy.open_test() is uci.open_test()
    assert np.array_equal(noisy.y_train, uci.with_label_noise(0.3, seed=1).y_train)
    assert not np.array_equal(noisy.y_train, uci.with_label_noise(0.3, seed=2).y_train)
    assert np.array_equal(uci.with_label_noise(0).y_train, uci.y_train)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_share_of_label_noise_outside_0_to_1_is_refused(share, uci):
    with pytest.raises(UsageError, match="a share from 0 to 1 is needed"):
        uci.with_label_noise(share)
