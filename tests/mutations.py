"""Ways to break the package, or Keras, on purpose, each by replacing what a public name of it does."""

import functools
from dataclasses import replace

import numpy as np


def ignore_l2():
    """Let the L2 penalty cost nothing."""
    import keras

    keras.regularizers.L2.__call__ = lambda self, weights: 0.0 * keras.ops.sum(weights)


def ignore_dropout():
    """Let dropout layers return their inputs unchanged, in training too."""
    import keras

    keras.layers.Dropout.call = lambda self, inputs, training=False: inputs


def ignore_augmentation():
    """Let the augmentation layer return its images unchanged, in training too."""
    from mnist_helpers import augmentation

    augmentation.RandomAffine.call = lambda self, inputs, training=False: inputs


def shift_labels():
    """Give each image the label of its predecessor."""
    _change_labels(lambda labels: np.roll(labels, 1))


def increment_labels():
    """Give each image the label of the next digit."""
    _change_labels(lambda labels: (labels + 1) % 10)


def _change_labels(change):
    """Change the labels of whatever is loaded; images stay."""
    from mnist_helpers import datasets

    load = datasets.load

    @functools.wraps(load)
    def load_wrong(dataset="auto"):
        digits = load(dataset)
        return replace(digits, y_train=change(digits.y_train), y_validation=change(digits.y_validation))

    datasets.load = load_wrong
