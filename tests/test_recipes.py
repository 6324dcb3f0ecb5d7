"""Recipes of trainings that cannot be are refused, whoever makes them."""

from dataclasses import replace

import numpy as np
import pytest

from mnist_helpers.errors import UsageError
from mnist_helpers.recipes import FAST, TUNED, Recipe


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("epochs", 0, "a whole number of at least 1 "),
        ("epochs", -1, "a whole number of at least 1 "),
        ("epochs", 1.5, "a whole number of at least 1 "),
        ("epochs", "abc", "a whole number of at least 1 "),
        ("train_size", 9, "a whole number of at least 10 "),
        ("batch_size", 0, "a whole number of at least 1 "),
        ("learning_rate", 0.0, "a number of at least 1e-12 "),
        ("learning_rate", float("nan"), "a number of at least 1e-12 "),
        ("learning_rate", float("inf"), "a number of at least 1e-12 "),
        ("l2", -0.1, "a number of at least 0 "),
        ("weight_decay", -0.1, "a number of at least 0 "),
        ("dropout_rate", 1.0, "a number of at least 0 and below 1 "),
        ("label_noise", 1.1, "a number of at least 0 and below 1 "),
        ("patience", -1, "a whole number of at least 0 "),
        ("curve_size", -1, "a whole number of at least 0 "),
        ("validation_size", None, "a whole number of at least 0 "),
        ("seed", 2**32, "a whole number of at least 0 and below 4.29497e+09 "),
    ],
)
def test_number_out_of_its_range_is_refused_with_the_range(name, value, allowed):
    with pytest.raises(UsageError, match=rf"^{name}=.*: {allowed.replace('+', '.')}is needed$"):
        replace(Recipe(), **{name: value})


def test_limits_themselves_and_numbers_of_numpy_are_allowed():
    least = {
        "epochs": 1,
        "train_size": 10,
        "batch_size": 1,
        "patience": 0,
        "curve_size": 0,
        "validation_size": 0,
    }
    Recipe(**least, l2=0, dropout_rate=0.999, label_noise=1, seed=2**32 - 1)
    Recipe(epochs=np.int64(3), learning_rate=np.float32(0.1), seed=np.int32(1), patience=None)
    assert FAST.epochs < TUNED.epochs
