"""The fast and the tuned recipe against the article's six trainings: time in `fit` and test accuracy."""

import statistics
import time
from dataclasses import replace
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.common import compare_ratios, in_turn, run_apart
from mnist_helpers import datasets, recipes

SEEDS = range(5)
# What the article trains: each time five epochs on 60,000 images, in batches of 32.
ARTICLE: dict[str, dict[str, Any]] = {
    "baseline": {},
    "L2": {"l2": 1e-4},
    "dropout": {"dropout_rate": 0.2},
    "augmentation that fit never saw": {},
    "early stopping": {},
    "all together": {"l2": 1e-4, "dropout_rate": 0.2},
}


def time_fit(network: Any, images: np.ndarray, labels: np.ndarray, dataset: str, **settings: Any) -> dict:
    """Train a compiled Keras network; return the seconds in `fit` and the test accuracy.

    Parameters
    ----------
    network : keras.Model
        A compiled network that returns ten probabilities per image.
    images : ndarray, shape (n, 28, 28, 1), uint8 (0 to 255) or float32 (0 to 1)
        Training images. The test images are scaled like them.
    labels : ndarray, shape (n,)
        Digits from 0 to 9.
    dataset : str
        Data set of the test images, as in `datasets.load`.
    **settings : Any
        Arguments of `fit`.

    Returns
    -------
    dict
        As `score` returns it; the tracing of the training step counts as time in `fit`.
    """
    start = time.perf_counter()
    network.fit(images, labels, verbose=0, **settings)
    seconds = time.perf_counter() - start
    return score(network, seconds, dataset, divisor=255 if images.dtype == np.float32 else 1)


def score(network: Any, seconds: float, dataset: str, divisor: float = 1) -> dict[str, float]:
    """Evaluate a trained network on the test set.

    Parameters
    ----------
    network : keras.Model
        A network that returns ten probabilities per image.
    seconds : float
        Seconds that its training took, returned with the accuracy.
    dataset : str
        Data set of the test images, as in `datasets.load`.
    divisor : float, default 1
        Number by which the network's training images were divided, and the test images are too.

    Returns
    -------
    dict of str to float
        ``seconds`` and ``accuracy`` (in percent), rounded to two decimals.
    """
    x_test, y_test = datasets.load(dataset).open_test()
    right = network.predict(x_test.astype("float32") / divisor, verbose=0).argmax(axis=1) == y_test
    return {"seconds": round(seconds, 2), "accuracy": round(100 * float(right.mean()), 2)}


def train_article(technique: dict[str, Any], seed: int, dataset: str = "mnist") -> dict[str, float]:
    """Train the article's network with its settings on all training images.

    Parameters
    ----------
    technique : dict
        Arguments of `models.build_cnn`, one of ARTICLE.
    seed : int
        Seed of weights and order.
    dataset : str, default "mnist"
        Data set, as in `datasets.load`.

    Returns
    -------
    dict of str to float
        As `score` returns it.
    """
    import keras

    from mnist_helpers import models

    digits = datasets.load(dataset).with_validation_in_training()
    keras.utils.set_random_seed(seed)
    network = models.build_cnn(**technique, seed=seed)
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return time_fit(network, digits.x_train, digits.y_train, dataset, batch_size=32, epochs=5)


def train_recipe(recipe: recipes.Recipe, seed: int, dataset: str = "mnist") -> dict[str, float]:
    """Train a recipe on all training images; the tuned network is tested with test-time augmentation.

    Parameters
    ----------
    recipe : Recipe
        The recipe. Its sizes and its seed are replaced.
    seed : int
        Seed of weights, order and everything random in the network.
    dataset : str, default "mnist"
        Data set, as in `datasets.load`.

    Returns
    -------
    dict of str to float
        As `score` returns it.
    """
    from mnist_helpers import models, training

    recipe = replace(recipe, train_size=60_000, validation_size=0, curve_size=0, seed=seed)
    network, run = training.train(recipe, datasets.load(dataset))
    if recipe.network == "tuned":
        network = models.with_test_time_augmentation(network)
    return score(network, run.seconds, dataset)


def measure() -> dict[str, Any]:
    """Train as the article does, fast and tuned, in turns.

    Returns
    -------
    dict
        Seconds and accuracies of every training, their means, and the ratios.
    """
    found: dict[str, list[dict[str, float]]] = {"article": [], "fast": [], "tuned": []}
    with tqdm(total=len(ARTICLE) + 2 * len(SEEDS), desc="trainings", unit="training") as bar:
        for seed, technique in enumerate(ARTICLE.values()):
            turn: dict[str, tuple] = {"article": (train_article, technique, seed)}
            if seed in SEEDS:
                turn["fast"] = (train_recipe, recipes.FAST, seed)
                turn["tuned"] = (train_recipe, recipes.TUNED, seed)
            for name in in_turn(turn, seed):
                found[name].append(run_apart(*turn[name]))
                bar.set_postfix_str(f"{name} {found[name][-1]}")
                bar.update()
    return summarize(found)


def summarize(found: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    """Return means and ratios of trainings.

    Parameters
    ----------
    found : dict of str to list of dict
        Trainings of ``article`` (in the order of ARTICLE), ``fast`` and ``tuned``, as `score` returns them.

    Returns
    -------
    dict
        As `measure` returns it.
    """
    seconds = {name: [run["seconds"] for run in runs] for name, runs in found.items()}
    # The article's accuracy is that of its first network: of the trainings without a technique.
    plain = [run for run, technique in zip(found["article"], ARTICLE.values(), strict=True) if not technique]
    accuracy = {name: [run["accuracy"] for run in runs] for name, runs in {**found, "article": plain}.items()}
    return {
        "seconds": seconds,
        "six trainings": round(sum(seconds["article"]), 1),
        "test accuracy": accuracy,
        "mean test accuracy": {name: round(statistics.mean(each), 3) for name, each in accuracy.items()},
        "fast against one training of the article": compare_ratios(seconds["fast"], seconds["article"]),
        "tuned against six trainings of the article": compare_ratios(
            seconds["tuned"], [sum(seconds["article"])]
        ),
    }
