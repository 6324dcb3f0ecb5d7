"""A network that reads digits."""

from dataclasses import replace

import pytest

from mnist_helpers import datasets, mnist_files


@pytest.fixture(scope="session")
def mnist():
    """Return MNIST, or skip the test."""
    if mnist_files.find() is None:
        pytest.skip("MNIST is absent: set MNIST_HELPERS_DATA to its path")
    return datasets.load("mnist")


@pytest.fixture(scope="session")
def fast(mnist):
    """Train the fast network on a part of the images, which takes seconds."""
    from mnist_helpers import training
    from mnist_helpers.recipes import FAST

    recipe = replace(FAST, train_size=10_000, epochs=2, validation_size=100)
    return training.train(recipe, mnist)[0]
