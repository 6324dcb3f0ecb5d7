"""Arithmetic rate of training steps against that of large matrix products on the same machine."""

import math
import statistics
from dataclasses import replace
from functools import partial
from typing import Any

from benchmarks.common import compare_ratios, run_apart, take_turns
from mnist_helpers import datasets, recipes

RECIPES = {"cnn": recipes.Recipe(), "fast": recipes.FAST, "tuned": recipes.TUNED}
SIDE = 2048  # rows and columns of the matrices
PRODUCTS = 20  # per round


def measure(n_images: int = 12_800, rounds: int = 6, dataset: str = "mnist") -> dict[str, Any]:
    """Time epochs of each network and matrix products in turns.

    Parameters
    ----------
    n_images : int, default 12_800
        Images per epoch.
    rounds : int, default 6
        Epochs of each network.
    dataset : str, default "mnist"
        Data set, as in `datasets.load`.

    Returns
    -------
    dict
        Milliseconds per step, rates in GFLOP/s and their ratio, by network.
    """
    return run_apart(_measure, n_images, rounds, dataset)


def count_operations(network: Any) -> int:
    """Return the multiplications and additions of one image's forward pass.

    Parameters
    ----------
    network : keras.Model
        A sequential network. Only layers with a kernel count: convolutions and dense layers.

    Returns
    -------
    int
        Number of operations.
    """
    count = 0
    for layer in network.layers:
        if (kernel := getattr(layer, "kernel", None)) is not None:
            places = layer.output.shape[1:-1]  # a convolution has many, a dense layer has one
            count += 2 * math.prod(kernel.shape) * math.prod(places)
    return count


def _measure(n_images: int, rounds: int, dataset: str) -> dict[str, Any]:
    import tensorflow as tf

    from mnist_helpers import training

    digits = datasets.load(dataset).subset(n_images)
    n_images = len(digits.x_train)
    square = tf.random.normal((SIDE, SIDE))
    multiply = tf.function(lambda: tf.reduce_sum(square @ square))

    def multiply_often() -> None:
        for _ in range(PRODUCTS):
            multiply().numpy()

    found = {}
    for name, recipe in RECIPES.items():
        # A short training compiles the network and traces its step, so that only epochs are timed.
        recipe = replace(recipe, epochs=1, curve_size=0, train_size=1_280)
        network, _ = training.train(recipe, digits)
        # Twice the forward pass on the way back: once for the inputs, once for the weights.
        epoch = 3 * count_operations(network) * n_images
        fit = {"x": digits.x_train, "y": digits.y_train, "batch_size": recipe.batch_size, "verbose": 0}
        seconds = take_turns(rounds, steps=partial(network.fit, **fit), products=multiply_often)
        steps = [epoch / each for each in seconds["steps"]]
        products = [PRODUCTS * 2 * SIDE**3 / each for each in seconds["products"]]
        per_step = statistics.median(seconds["steps"]) * recipe.batch_size / n_images
        found[name] = {
            "milliseconds a step": round(1000 * per_step, 2),
            "GFLOP/s in steps": round(statistics.median(steps) / 1e9, 1),
            "GFLOP/s in products": round(statistics.median(products) / 1e9, 1),
            "steps' rate against the products'": compare_ratios(steps, products),
        }
    return found
