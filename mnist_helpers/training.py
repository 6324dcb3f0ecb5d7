"""One way to train: a recipe goes in, plain numbers come out; variants differ in their recipes alone."""

import ctypes
import gc
import inspect
import math
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

from mnist_helpers import augmentation, datasets, environment, models
from mnist_helpers.errors import UsageError
from mnist_helpers.recipes import FAST as FAST
from mnist_helpers.recipes import TUNED as TUNED
from mnist_helpers.recipes import Recipe, Run

environment.check()

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework import ops
from tqdm import tqdm

# What is imported by now stays. Without this the garbage collector goes through TensorFlow's objects again
# and again: a quarter of a second each time, a tenth of a short comparison.
gc.freeze()


def build_rate(recipe: Recipe, n_images: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return the learning rate of a recipe: a number, or one cycle over all steps of the training.

    The cycle rises in a straight line from 1/25 of the recipe's rate to that rate, for 3/10 of the steps,
    and falls to 0 along half a wave of a cosine.
    """
    if not recipe.one_cycle:
        return recipe.learning_rate
    steps = recipe.epochs * math.ceil(n_images / recipe.batch_size)
    rise = max(1, round(0.3 * steps))
    start, fall = recipe.learning_rate / 25, max(1, steps - rise)
    return keras.optimizers.schedules.CosineDecay(
        start, fall, warmup_target=recipe.learning_rate, warmup_steps=rise
    )


def fit(network: keras.Model, digits: datasets.Digits, recipe: Recipe, callbacks: Iterable = ()) -> Run:
    """Compile and train a network, in place, on all training images of `digits`, then evaluate it.

    The network takes images of shape (n, 28, 28, 1), values 0 to 255, and gives ten probabilities; of the
    recipe, only what does not make the network counts. The test set stays closed; `callbacks` look on.
    """
    optimizer = keras.optimizers.Adam(
        build_rate(recipe, len(digits.x_train)), *recipe.betas, weight_decay=recipe.weight_decay or None
    )
    network.compile(
        optimizer,
        loss="sparse_categorical_crossentropy",
        # The loss that Keras reports holds the L2 penalty as well: this metric never does.
        metrics=[
            keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
            keras.metrics.SparseCategoricalCrossentropy(name="cross_entropy"),
        ],
        steps_per_execution=32,  # fewer returns to Python: a third less time
    )
    # Variables that are made while a step is traced have it traced twice: half a second a network.
    optimizer.build(network.trainable_variables)
    return _fit_compiled(network, digits, recipe, callbacks)


def _fit_compiled(network, digits: datasets.Digits, recipe: Recipe, callbacks: Iterable = ()) -> Run:
    curve = (digits.x_validation[: recipe.curve_size], digits.y_validation[: recipe.curve_size])
    if recipe.patience is not None and not len(curve[0]):
        raise UsageError(f"patience={recipe.patience} needs validation images: set curve_size above 0")
    stop = {"monitor": "val_cross_entropy", "patience": recipe.patience, "restore_best_weights": True}
    stopping = [] if recipe.patience is None else [keras.callbacks.EarlyStopping(mode="min", **stop)]
    # TensorFlow registers a gradient with each step it traces, and with it keeps the step's graph for good:
    # 11 to 20 MB a network. Nothing asks for that gradient again, so it is taken out after the training.
    registry = getattr(ops.gradient_registry, "_registry", {})
    registered = set(registry)
    keras.utils.set_random_seed(recipe.seed)  # the order of the images
    start = time.perf_counter()
    history = network.fit(
        batch(digits.x_train, digits.y_train, recipe.batch_size, shuffle=True),
        shuffle=False,  # it is done
        epochs=recipe.epochs,
        validation_data=batch(*curve) if len(curve[0]) else None,
        callbacks=[*callbacks, *stopping, keras.callbacks.TerminateOnNaN()],
        verbose=0,
    ).history
    seconds = time.perf_counter() - start
    for name in set(registry) - registered:
        del registry[name]
    _release_memory()  # the batches hold a copy of all images
    watched = history.get("val_cross_entropy")
    best = int(np.argmin(watched)) + 1 if watched else recipe.epochs
    on_training = evaluate(network, digits.x_train[:10_000], digits.y_train[:10_000])
    judges = slice(recipe.validation_size)
    on_validation = evaluate(network, digits.x_validation[judges], digits.y_validation[judges])
    return Run(recipe, seconds, best, *on_training, *on_validation, history)


def batch(images: np.ndarray, labels: np.ndarray, size: int = 100, shuffle: bool = False) -> tf.data.Dataset:
    """Return batches of images and labels, in an order that is new in each epoch if `shuffle`.

    Larger batches than 100 need more memory and evaluate hardly faster. Keras would make such batches of
    arrays by itself, and let TensorFlow tune how: but the thread that tunes an epoch's batches often misses
    that they are no longer needed where all cores are busy, and the next epoch waits for it, 0.15 s.
    """
    images, labels = tf.convert_to_tensor(images), tf.convert_to_tensor(labels)
    places = tf.data.Dataset.range(len(images))
    if shuffle:
        places = places.shuffle(len(images))
    batches = places.batch(size).map(lambda chosen: (tf.gather(images, chosen), tf.gather(labels, chosen)))
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False  # they copy all images, for nothing
    return batches.with_options(options)


class Onlooker(keras.callbacks.Callback):
    """Note the accuracy (0 to 1) on some images after each epoch; the training does not notice."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        super().__init__()
        self.images, self.labels = images, labels
        self.accuracy: list[float] = []

    def on_epoch_end(self, epoch: int, logs: Mapping | None = None) -> None:
        """Evaluate the network as it is."""
        self.accuracy.append(evaluate(self.model, self.images, self.labels)[1])


def evaluate(network: keras.Model, images: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Return a fitted network's mean cross-entropy (nats, no penalty) and accuracy (0 to 1) on images.

    Of no images at all, both are nan.
    """
    if not len(images):
        return math.nan, math.nan
    found = network.evaluate(batch(images, labels), verbose=0, return_dict=True)
    return found["cross_entropy"], found["accuracy"]


def _build(recipe: Recipe) -> keras.Model:
    builders = {"cnn": models.build_cnn, "fast": models.build_fast, "tuned": models.build_tuned}
    ranges = {"none": None, **augmentation.NAMED}
    for name, known in (("network", builders), ("augmentation", ranges)):
        if (value := getattr(recipe, name)) not in known:
            raise UsageError(f"{name}={value!r} is unknown: choose one of {', '.join(known)}")
    techniques = {
        "l2": recipe.l2,
        "dropout_rate": recipe.dropout_rate,
        "augment": ranges[recipe.augmentation],
    }
    build, chosen = builders[recipe.network], {name: value for name, value in techniques.items() if value}
    if unknown := chosen.keys() - inspect.signature(build).parameters:
        raise UsageError(f"the {recipe.network} network has no {', '.join(unknown)}: leave it out")
    return build(**chosen, seed=recipe.seed)


def train(recipe: Recipe, digits: datasets.Digits, callbacks: Iterable = ()) -> tuple[keras.Model, Run]:
    """Build, train and evaluate the network of a recipe, on the recipe's subset of `digits`."""
    _release_memory()
    network = _build(recipe)
    if not recipe.validation_size:
        digits = digits.merge()
    return network, fit(network, digits.subset(recipe.train_size, recipe.seed), recipe, callbacks)


def compare(
    recipes: Mapping[str, Recipe], digits: datasets.Digits, seeds: Iterable[int]
) -> tuple[dict[str, list[Run]], dict[str, keras.Model]]:
    """Train each recipe once for each seed: the same seeds for all, so that runs can be paired.

    Returns ``{name: runs}``, in the order of the seeds, the same numbers that `train` gives; and
    ``{name: network}``, as trained with the last seed. A recipe's own seed is replaced, and only the last
    seed's runs have validation curves, unless patience needs them: they take a fifth of a short run.
    """
    seeds, networks = list(seeds), {}
    runs: dict[str, list[Run]] = {name: [] for name in recipes}
    # A bar that is redrawn would litter the stored output of a notebook: it is shown in a terminal only.
    with tqdm(total=len(recipes) * len(seeds), unit="run", disable=not sys.stderr.isatty()) as bar:
        for name, variant in recipes.items():
            network = None
            for seed in seeds:
                curve = variant.curve_size if seed == seeds[-1] or variant.patience is not None else 0
                recipe = replace(variant, seed=seed, curve_size=curve)
                if network is None:
                    network, run = train(recipe, digits)
                else:  # a new network would have to be traced anew, which takes longer than a short run
                    _restart(network, recipe)
                    run = _fit_compiled(network, digits.subset(recipe.train_size, seed), recipe)
                runs[name].append(run)
                bar.update()
            networks[name] = _build(recipe)  # without the graphs of the one that was trained
            networks[name].set_weights(network.get_weights())
            del network
            _release_memory()
    return runs, networks


def _release_memory() -> None:
    """Give back what earlier networks took: 40 MB after seven of them."""
    gc.collect()  # their parts hold each other, and stay until Python happens to look
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)  # glibc keeps what was freed


def _restart(network: keras.Model, recipe: Recipe) -> None:
    """Give a trained network the state of a new one: weights, random generators, optimizer."""
    for variable, initial in zip(network.variables, _build(recipe).variables, strict=True):
        variable.assign(initial)
    for variable in network.optimizer.variables:
        variable.assign(np.zeros(variable.shape))
    if not recipe.one_cycle:  # a cycle begins anew with the count of steps, which is 0 again
        network.optimizer.learning_rate = recipe.learning_rate
