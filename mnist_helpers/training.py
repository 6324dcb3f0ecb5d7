"""One way to train: a recipe goes in, plain numbers come out.

Two variants that are trained here differ only in what their recipes differ in.
"""

import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from mnist_helpers import augmentation, datasets, environment, models
from mnist_helpers.errors import UsageError

environment.check()

import keras
import numpy as np
from tqdm import tqdm


@dataclass(frozen=True)
class Recipe:
    """Everything that defines a training run, as plain values.

    Attributes
    ----------
    train_size
        Number of training images; where there are not so many, all of them.
    epochs
        Passes through them, at most.
    batch_size
        Images a step.
    learning_rate
        Adam's step size.
    l2, dropout_rate
        As in `models.build_cnn`.
    augmentation
        ``"none"``, or a name in `mnist_helpers.augmentation.NAMED`.
    patience
        Epochs without a better validation loss after which training stops and the best weights come back;
        None trains all epochs.
    curve_size
        Validation images that are evaluated after each epoch; the final numbers use all of them.
    seed
        Draws the subset, the weights, the order of the images and all that is random in the network.
    """

    train_size: int = 50_000
    epochs: int = 5
    batch_size: int = 32
    learning_rate: float = 1e-3
    l2: float = 0.0
    dropout_rate: float = 0.0
    augmentation: str = "none"
    patience: int | None = None
    curve_size: int = 10_000
    seed: int = 0


@dataclass(frozen=True)
class Run:
    """What came out of a training run: plain numbers.

    Losses are mean cross-entropies in nats without any penalty, accuracies are shares from 0 to 1.
    `history` holds lists of one number an epoch; its training numbers are running means over the epoch,
    with dropout and augmentation on.
    """

    recipe: Recipe
    seconds: float
    best_epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    history: dict[str, list[float]] = field(repr=False)


def fit(network: keras.Model, digits: datasets.Digits, recipe: Recipe) -> Run:
    """Compile and train a network on all training images of `digits`, then evaluate it.

    Parameters
    ----------
    network
        Takes images of shape (n, 28, 28, 1), values 0 to 255; gives ten probabilities. Trained in place.
    digits
        The images; the test set stays closed.
    recipe
        Its epochs, batch size, learning rate, patience, curve size and seed are used here.
    """
    network.compile(
        optimizer=keras.optimizers.Adam(recipe.learning_rate),
        loss="sparse_categorical_crossentropy",
        # The loss that Keras reports holds the L2 penalty as well: this metric never does.
        metrics=["accuracy", keras.metrics.SparseCategoricalCrossentropy(name="cross_entropy")],
    )
    return _fit_compiled(network, digits, recipe)


def _fit_compiled(network: keras.Model, digits: datasets.Digits, recipe: Recipe) -> Run:
    stop = keras.callbacks.EarlyStopping(
        "val_cross_entropy", mode="min", patience=recipe.patience or 0, restore_best_weights=True
    )
    keras.utils.set_random_seed(recipe.seed)  # the order of the images
    start = time.perf_counter()
    history = network.fit(
        digits.x_train,
        digits.y_train,
        batch_size=recipe.batch_size,
        epochs=recipe.epochs,
        validation_data=(digits.x_validation[: recipe.curve_size], digits.y_validation[: recipe.curve_size]),
        validation_batch_size=250,  # a larger one needs more memory and is no faster
        callbacks=[] if recipe.patience is None else [stop],
        verbose=0,
    ).history
    seconds = time.perf_counter() - start
    best = int(np.argmin(history["val_cross_entropy"])) + 1
    on_training = evaluate(network, digits.x_train, digits.y_train)
    on_validation = evaluate(network, digits.x_validation, digits.y_validation)
    return Run(recipe, seconds, best, *on_training, *on_validation, history)


def evaluate(network: keras.Model, images: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Return a fitted network's mean cross-entropy (nats, no penalty) and accuracy (0 to 1) on images."""
    found = network.evaluate(images, labels, batch_size=250, verbose=0, return_dict=True)
    return found["cross_entropy"], found["accuracy"]


def _build(recipe: Recipe) -> keras.Model:
    ranges = augmentation.NAMED.get(recipe.augmentation)
    if ranges is None and recipe.augmentation != "none":
        known = ", ".join(["none", *augmentation.NAMED])
        raise UsageError(f"augmentation={recipe.augmentation!r} is unknown: choose one of {known}")
    return models.build_cnn(l2=recipe.l2, dropout_rate=recipe.dropout_rate, augment=ranges, seed=recipe.seed)


def train(recipe: Recipe, digits: datasets.Digits) -> tuple[keras.Model, Run]:
    """Build, train and evaluate the network that a recipe describes.

    Parameters
    ----------
    recipe
        The run.
    digits
        All images; the recipe's subset is drawn from them.

    Returns
    -------
    keras.Model, Run
        The trained network and its numbers.
    """
    network = _build(recipe)
    return network, fit(network, digits.subset(recipe.train_size, recipe.seed), recipe)


def compare(
    recipes: Mapping[str, Recipe], digits: datasets.Digits, seeds: Iterable[int]
) -> tuple[dict[str, list[Run]], dict[str, keras.Model]]:
    """Train each recipe once for each seed: the same seeds for all, so that runs can be paired.

    Parameters
    ----------
    recipes
        ``{name: recipe}``; the recipe's own seed is replaced.
    digits
        All images.
    seeds
        One run each.

    Returns
    -------
    runs
        ``{name: runs}``, the runs in the order of the seeds: the same numbers that `train` gives.
    networks
        ``{name: network}``, as trained with the last seed.
    """
    jobs = [(name, replace(recipe, seed=seed)) for seed in seeds for name, recipe in recipes.items()]
    runs: dict[str, list[Run]] = {name: [] for name in recipes}
    networks: dict[str, keras.Model] = {}
    # A bar that is redrawn would litter the stored output of a notebook: it is shown in a terminal only.
    for name, recipe in tqdm(jobs, unit="run", disable=not sys.stderr.isatty()):
        if name not in networks:
            networks[name], run = train(recipe, digits)
        else:  # a new network would be traced anew: a second, and 11 MB that TensorFlow never frees
            _restart(networks[name], recipe)
            run = _fit_compiled(networks[name], digits.subset(recipe.train_size, recipe.seed), recipe)
        runs[name].append(run)
    return runs, networks


def _restart(network: keras.Model, recipe: Recipe) -> None:
    """Give a trained network the state of a new one: weights, random generators, optimizer."""
    for variable, initial in zip(network.variables, _build(recipe).variables, strict=True):
        variable.assign(initial)
    for variable in network.optimizer.variables:
        variable.assign(np.zeros(variable.shape))
    network.optimizer.learning_rate = recipe.learning_rate
