"""Ways to break the package on purpose, each by replacing what a public name of it does."""

import functools
from dataclasses import replace

import numpy as np


def ignore_l2():
    """Build networks without the penalty that was asked for."""
    _leave_out("l2")


def ignore_dropout():
    """Build networks without the dropout that was asked for."""
    _leave_out("dropout_rate")


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


def _leave_out(argument):
    """Drop an argument of `build_cnn`, whose signature stays."""
    from mnist_helpers import models

    build = models.build_cnn

    @functools.wraps(build)
    def build_without(**arguments):
        arguments.pop(argument, None)
        return build(**arguments)

    models.build_cnn = build_without


def _change_labels(change):
    """Change the labels of whatever is loaded; images stay."""
    from mnist_helpers import datasets

    load = datasets.load

    @functools.wraps(load)
    def load_wrong(dataset="auto"):
        digits = load(dataset)
        return replace(digits, y_train=change(digits.y_train), y_validation=change(digits.y_validation))

    datasets.load = load_wrong
