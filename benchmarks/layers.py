"""`RandomAffine` against a stack of Keras layers, and an augmented epoch against a plain one."""

import statistics
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from benchmarks.common import compare_ratios, run_apart, take_turns
from mnist_helpers import datasets, recipes


def measure(
    n_images: int = 12_800, layer_rounds: int = 8, epoch_rounds: int = 6, dataset: str = "mnist"
) -> dict:
    """Time the layers alone, then epochs with and without augmentation, in turns.

    Parameters
    ----------
    n_images : int, default 12_800
        Images per round; at least 128.
    layer_rounds, epoch_rounds : int, default 8 and 6
        Rounds of the layers alone and of the epochs.
    dataset : str, default "mnist"
        Data set, as in `datasets.load`.

    Returns
    -------
    dict
        Throughput ratios by batch size, and ratios of epochs by network.
    """
    return run_apart(_measure, n_images, layer_rounds, epoch_rounds, dataset)


def _measure(n_images: int, layer_rounds: int, epoch_rounds: int, dataset: str) -> dict[str, Any]:
    digits = datasets.load(dataset).subset(n_images)
    found: dict[str, Any] = {}
    for size in (32, 128):
        name = f"RandomAffine's throughput against the stack's, batches of {size}"
        found[name] = _time_layers(digits, size, layer_rounds)
    for name, recipe in (("cnn", recipes.Recipe()), ("tuned", recipes.TUNED)):
        ratios = _time_epochs(digits, recipe, epoch_rounds)
        found[f"augmented epoch against a plain one, {name}"] = ratios
    return found


def _time_layers(digits: datasets.Digits, size: int, rounds: int) -> dict[str, float]:
    """Time both ways to augment on batches of one size."""
    import keras
    import tensorflow as tf
    from keras import layers

    from mnist_helpers.augmentation import RandomAffine

    background = {"fill_mode": "constant"}
    stack = keras.Sequential(
        [
            layers.RandomRotation(10 / 360, **background),
            layers.RandomTranslation(2 / 28, 2 / 28, **background),
            layers.RandomZoom(0.1, 0.1, **background),
            layers.RandomShear(0.1, 0.1, **background),
        ]
    )
    batch = tf.constant(digits.x_train[:size].astype("float32"))
    loops = len(digits.x_train) // size

    def repeat(layer: Callable) -> Callable:
        @tf.function
        def augment_batches() -> Any:
            total = 0.0
            for _ in tf.range(loops):
                total += layer(batch, training=True)[0, 14, 14, 0]
            return total

        augment_batches()  # the first call builds the graph
        return augment_batches

    ranges: dict[str, Any] = recipes.GENTLE
    fused = RandomAffine(**ranges)
    seconds = take_turns(rounds, stack=repeat(stack), fused=repeat(fused))
    return {
        "images a second": round(loops * size / statistics.median(seconds["fused"])),
        **compare_ratios(seconds["stack"], seconds["fused"]),
    }


def _time_epochs(digits: datasets.Digits, recipe: recipes.Recipe, rounds: int) -> dict[str, float]:
    """Time epochs of a recipe's network with gentle augmentation against epochs without."""
    from mnist_helpers import training

    tasks = {}
    for ranges in ("none", "gentle"):
        # A short training compiles the network and traces its step, so that only epochs are timed.
        short = replace(recipe, augmentation=ranges, epochs=1, curve_size=0, train_size=1_280)
        network, _ = training.train(short, digits)
        fit = {"x": digits.x_train, "y": digits.y_train, "batch_size": recipe.batch_size, "verbose": 0}
        tasks[ranges] = partial(network.fit, **fit)
    seconds = take_turns(rounds, **tasks)
    return compare_ratios(seconds["gentle"], seconds["none"])
