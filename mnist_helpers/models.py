"""Three networks that classify digits: the article's, a fast one and a tuned one.

All take images of shape (n, 28, 28, 1) with values from 0 to 255 and return ten probabilities. Scaling is
part of each network, so that images can stay uint8. Every technique is off by default.
"""

import random
from collections.abc import Iterator, Mapping

from mnist_helpers import augmentation, environment

environment.check()

import keras
from keras import initializers, layers, regularizers

MNIST_MEAN = 0.1307  # of all pixels of MNIST's 60,000 training images, scaled to [0, 1]
MNIST_STANDARD_DEVIATION = 0.3081


def build_cnn(
    *, l2: float = 0.0, dropout_rate: float = 0.0, augment: Mapping | None = None, seed: int | None = None
) -> keras.Sequential:
    """Build the article's convolutional network, not compiled.

    Parameters
    ----------
    l2 : float, default 0
        λ, at least 0: λ times the sum of squares of each kernel is added to the loss. Biases are exempt.
    dropout_rate : float, default 0
        From 0 to below 1: share of features that is dropped in training, before each dense layer.
    augment : mapping, optional
        Arguments of `augmentation.RandomAffine`, which then changes the training images.
    seed : int, optional
        Fixes the initial weights and everything random inside the network. The same seed gives the same
        initial weights whatever the technique. None leaves both to Keras's global seed.

    Returns
    -------
    keras.Sequential
        93,322 parameters, whatever the technique.
    """
    kernels, operations = _seeded_initializers(seed)

    def kernel() -> dict[str, object]:
        penalty = regularizers.L2(l2) if l2 else None
        return {"kernel_initializer": next(kernels), "kernel_regularizer": penalty}

    network = [
        keras.Input((28, 28, 1)),
        augmentation.RandomAffine(**augment, seed=next(operations)) if augment else None,
        layers.Rescaling(1 / 255),
        layers.Conv2D(32, (3, 3), activation="relu", **kernel()),
        layers.MaxPooling2D((2, 2)),
        layers.Conv2D(64, (3, 3), activation="relu", **kernel()),
        layers.MaxPooling2D((2, 2)),
        layers.Conv2D(64, (3, 3), activation="relu", **kernel()),
        layers.Flatten(),
        layers.Dropout(dropout_rate, seed=next(operations)) if dropout_rate else None,
        layers.Dense(64, activation="relu", **kernel()),
        layers.Dropout(dropout_rate, seed=next(operations)) if dropout_rate else None,
        layers.Dense(10, activation="softmax", **kernel()),
    ]
    return keras.Sequential([layer for layer in network if layer is not None])


def build_fast(*, augment: Mapping | None = None, seed: int | None = None) -> keras.Sequential:
    """Build a network that learns most of what there is to learn in one epoch, not compiled.

    It has half of the article's filters and one convolution fewer. ReLU follows pooling, where it has a
    quarter of the work. Pixels are standardized to mean 0 and standard deviation 1.

    Parameters
    ----------
    augment : mapping, optional
        As in `build_cnn`.
    seed : int, optional
        As in `build_cnn`.

    Returns
    -------
    keras.Sequential
        212,682 parameters.
    """
    kernels, operations = _seeded_initializers(seed)
    network = [
        keras.Input((28, 28, 1)),
        augmentation.RandomAffine(**augment, seed=next(operations)) if augment else None,
        layers.Rescaling(1 / (255 * MNIST_STANDARD_DEVIATION), offset=-MNIST_MEAN / MNIST_STANDARD_DEVIATION),
        layers.Conv2D(16, (5, 5), kernel_initializer=next(kernels)),
        layers.MaxPooling2D((2, 2)),
        layers.ReLU(),
        layers.Conv2D(32, (3, 3), kernel_initializer=next(kernels)),
        layers.MaxPooling2D((2, 2)),
        layers.ReLU(),
        layers.Flatten(),
        layers.Dense(256, activation="relu", kernel_initializer=next(kernels)),
        layers.Dense(10, activation="softmax", kernel_initializer=next(kernels)),
    ]
    return keras.Sequential([layer for layer in network if layer is not None])


def build_tuned(
    *, dropout_rate: float = 0.0, augment: Mapping | None = None, seed: int | None = None
) -> keras.Sequential:
    """Build the network with the fewest errors in the time of the article's six trainings, not compiled.

    It has five convolutions with batch normalization, two of which use stride 2 instead of pooling.

    Parameters
    ----------
    dropout_rate : float, default 0
        From 0 to below 1: share of features that is dropped in training, before the last layer only.
    augment : mapping, optional
        As in `build_cnn`.
    seed : int, optional
        As in `build_cnn`.

    Returns
    -------
    keras.Sequential
        228,362 parameters.
    """
    kernels, operations = _seeded_initializers(seed)
    network = [
        keras.Input((28, 28, 1)),
        augmentation.RandomAffine(**augment, seed=next(operations)) if augment else None,
        layers.Rescaling(1 / 255),
    ]
    for filters, size, stride in ((32, 4, 2), (64, 3, 1), (64, 3, 1), (96, 3, 2), (128, 3, 1)):
        network += [
            layers.Conv2D(
                filters, (size, size), strides=stride, use_bias=False, kernel_initializer=next(kernels)
            ),
            # The moving averages have to settle within few epochs: with Keras's default of 0.99 they do not.
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
        ]
    network += [
        layers.Flatten(),
        layers.Dropout(dropout_rate, seed=next(operations)) if dropout_rate else None,
        layers.Dense(10, activation="softmax", kernel_initializer=next(kernels)),
    ]
    return keras.Sequential([layer for layer in network if layer is not None])


def with_test_time_augmentation(network: keras.Model) -> keras.Model:
    """Wrap a trained network so that it averages its probabilities over five shifts of each image.

    The shifts are none and one pixel to each side. Training is not affected; inference takes five times as
    long.

    Parameters
    ----------
    network : keras.Model
        Takes images of shape (n, 28, 28, 1) and returns probabilities of shape (n, 10).

    Returns
    -------
    keras.Model
        Same inputs and outputs; it shares the weights of `network`.
    """
    image = keras.Input((28, 28, 1))
    padded = layers.ZeroPadding2D(1)(image)
    predictions = []
    for top, left in ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2)):
        shifted = layers.Cropping2D(((top, 2 - top), (left, 2 - left)))(padded)
        predictions.append(network(shifted))
    return keras.Model(image, layers.Average()(predictions))


def _seeded_initializers(
    seed: int | None,
) -> tuple[Iterator[initializers.Initializer], Iterator[int | None]]:
    """Return initializers for a network's kernels, and seeds for its random operations in training.

    Each network has a generator of its own. Keras would draw the seeds of both from Python's global
    generator, which other threads, such as a Dask worker's, use at the same time.
    """

    def seeds(start: int | str | None) -> Iterator[int | None]:
        generator = random.Random(start)
        while True:
            yield None if seed is None else generator.randint(1, 10**9)

    return map(initializers.GlorotUniform, seeds(seed)), seeds(f"training {seed}")
