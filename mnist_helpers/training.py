"""Train networks from recipes and measure them, with one procedure for all techniques."""

import inspect
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from mnist_helpers import _tensorflow, datasets, environment, models, statistics
from mnist_helpers.errors import UsageError
from mnist_helpers.progress import ProgressCallback as ProgressCallback
from mnist_helpers.recipes import PRESETS, Recipe, Run

environment.check()

import keras
import numpy as np
import tensorflow as tf

_tensorflow.release_libraries()

_BUILDERS: dict[str, Callable[..., keras.Model]] = {
    "cnn": models.build_cnn,
    "fast": models.build_fast,
    "tuned": models.build_tuned,
}
_SCORED_AT_ONCE = 100  # images; 250 need 50 MB more
_STEPS_PER_EXECUTION = 32  # fewer returns to Python: a third less time


def build_learning_rate(
    recipe: Recipe, n_images: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return the learning rate of a recipe: constant, or one cycle over all steps of the training.

    The cycle rises linearly from 1/25 of the recipe's rate to that rate for 3/10 of the steps and then
    anneals to 0 along half a cosine.

    Parameters
    ----------
    recipe : Recipe
        Gives the rate, the number of epochs and the batch size.
    n_images : int
        Number of training images, from which the number of steps follows.

    Returns
    -------
    float or LearningRateSchedule
        What `keras.optimizers.Adam` takes as its learning rate.
    """
    if not recipe.one_cycle:
        return recipe.learning_rate
    steps = recipe.epochs * math.ceil(n_images / recipe.batch_size)
    warmup_steps = max(1, round(0.3 * steps))
    return keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate / 25,
        decay_steps=max(1, steps - warmup_steps),
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup_steps,
    )


def fit(network: keras.Model, digits: datasets.Digits, recipe: Recipe, callbacks: Iterable = ()) -> Run:
    """Compile and train a network in place on all training images, then evaluate it.

    The test set is not used.

    Parameters
    ----------
    network : keras.Model
        Takes images of shape (n, 28, 28, 1), 0 to 255, and returns ten probabilities.
    digits : Digits
        Training and validation images.
    recipe : Recipe
        How to train; the fields that describe the network and the subset are ignored.
    callbacks : iterable of keras.callbacks.Callback, optional
        Called in addition to the package's own.

    Returns
    -------
    Run
        Results of the weights that the network is left with.

    Raises
    ------
    UsageError
        If `recipe.patience` is set and there are no validation images to watch.
    """
    optimizer = keras.optimizers.Adam(
        build_learning_rate(recipe, len(digits.x_train)),
        *recipe.betas,
        weight_decay=recipe.weight_decay or None,
    )
    network.compile(
        optimizer,
        loss="sparse_categorical_crossentropy",
        # The loss that Keras reports includes the L2 penalty; this metric never does.
        metrics=[
            keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
            keras.metrics.SparseCategoricalCrossentropy(name="cross_entropy"),
        ],
        steps_per_execution=_STEPS_PER_EXECUTION,
    )
    # Create the optimizer's variables first: otherwise the step is traced twice, half a second per network.
    optimizer.build(network.trainable_variables)
    return _fit_compiled(network, digits, recipe, callbacks)


def _fit_compiled(
    network: keras.Model, digits: datasets.Digits, recipe: Recipe, callbacks: Iterable = ()
) -> Run:
    callbacks = [*callbacks, keras.callbacks.TerminateOnNaN()]
    if recipe.patience is not None:
        stop = {"monitor": "val_cross_entropy", "mode": "min", "restore_best_weights": True}
        callbacks.append(keras.callbacks.EarlyStopping(patience=recipe.patience, **stop))
    _tensorflow.freeze_imports()
    keras.utils.set_random_seed(recipe.seed)  # draws the order of the images
    start = time.perf_counter()
    with _tensorflow.forget_gradients():
        history = network.fit(
            batch(digits.x_train, digits.y_train, recipe.batch_size, shuffle=True),
            shuffle=False,  # the batches are shuffled already
            epochs=recipe.epochs,
            validation_data=_curve_batches(digits, recipe),
            callbacks=callbacks,
            verbose=0,
        ).history
    seconds = time.perf_counter() - start
    _tensorflow.release_memory()  # the batches hold a copy of all images
    on_training = evaluate(network, digits.x_train[:10_000], digits.y_train[:10_000])
    # TerminateOnNaN has ended the training, or its last step broke the weights.
    if statistics.find_diverged([*history["loss"], on_training[0]]).any():
        return Run(recipe, seconds, 0, math.nan, math.nan, math.nan, math.nan, history)
    curve = history.get("val_cross_entropy") or history.get("val_loss")
    best = int(np.argmin(curve)) + 1 if curve else len(history["loss"])
    some = slice(recipe.validation_size)
    on_validation = evaluate(network, digits.x_validation[some], digits.y_validation[some])
    return Run(recipe, seconds, best, *on_training, *on_validation, history)


def _curve_batches(digits: datasets.Digits, recipe: Recipe) -> tf.data.Dataset | None:
    """Return the validation images to evaluate after each epoch, or None."""
    images = digits.x_validation[: recipe.curve_size]
    if len(images):
        return batch(images, digits.y_validation[: recipe.curve_size])
    if recipe.patience is not None:
        needed = "set curve_size and validation_size above 0"
        raise UsageError(f"patience={recipe.patience} needs validation images: {needed}")
    return None


def batch(images: np.ndarray, labels: np.ndarray, size: int = 100, shuffle: bool = False) -> tf.data.Dataset:
    """Return batches of images and labels.

    Batches larger than 100 need more memory and are hardly faster to evaluate. Keras makes batches of arrays
    too, but lets TensorFlow autotune them: the autotuning thread stops late where all cores are busy, and
    delays the next epoch by 0.15 s. TensorFlow's default graph optimizations would copy all images.

    Parameters
    ----------
    images : ndarray, shape (n, ...)
        Any dtype.
    labels : ndarray, shape (n,)
        Any dtype.
    size : int, default 100
        Images per batch; the last batch may be smaller.
    shuffle : bool, default False
        Whether to draw a new order in each epoch, from Keras's global seed.

    Returns
    -------
    tf.data.Dataset
        Pairs of images and labels.
    """
    images = tf.convert_to_tensor(images)
    labels = tf.convert_to_tensor(labels)
    rows = tf.data.Dataset.range(len(images))
    if shuffle:
        rows = rows.shuffle(len(images))
    batches = rows.batch(size).map(lambda chosen: (tf.gather(images, chosen), tf.gather(labels, chosen)))
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False
    return batches.with_options(options)


def evaluate(network: keras.Model, images: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Return the mean cross-entropy and the accuracy of a network's predictions.

    Parameters
    ----------
    network : keras.Model
        Takes the images and returns ten probabilities; it need not be compiled.
    images : ndarray, shape (n, 28, 28, 1)
        Images, 0 to 255.
    labels : ndarray, shape (n,), int
        Their digits.

    Returns
    -------
    cross_entropy : float
        In nats, without any penalty; NaN if there are no images.
    accuracy : float
        From 0 to 1; NaN if there are no images.
    """
    if not len(images):
        return math.nan, math.nan
    # Calling the network directly needs no tracing, which takes longer than 10,000 images do.
    parts = [
        network(images[start : start + _SCORED_AT_ONCE], training=False)
        for start in range(0, len(images), _SCORED_AT_ONCE)
    ]
    found = statistics.score(np.concatenate([np.asarray(part) for part in parts]), labels)
    return found["cross_entropy"], found["accuracy"]


def _build(recipe: Recipe) -> keras.Model:
    """Build the network of a recipe, or raise UsageError if it names what does not exist."""
    if recipe.network not in _BUILDERS:
        raise UsageError(f"network={recipe.network!r} is unknown: choose one of {', '.join(_BUILDERS)}")
    presets: dict[str, Any] = {"none": None, **PRESETS}
    if recipe.augmentation not in presets:
        names = ", ".join(presets)
        raise UsageError(f"augmentation={recipe.augmentation!r} is unknown: choose one of {names}")
    build = _BUILDERS[recipe.network]
    techniques = {
        "l2": recipe.l2,
        "dropout_rate": recipe.dropout_rate,
        "augment": presets[recipe.augmentation],
    }
    chosen = {name: value for name, value in techniques.items() if value}
    if unknown := sorted(chosen.keys() - inspect.signature(build).parameters):
        raise UsageError(f"the {recipe.network} network does not support {', '.join(unknown)}: omit it")
    return build(**chosen, seed=recipe.seed)


def train(recipe: Recipe, digits: datasets.Digits, callbacks: Iterable = ()) -> tuple[keras.Model, Run]:
    """Build, train and evaluate the network of a recipe, on the recipe's subset of the training images.

    Parameters
    ----------
    recipe : Recipe
        What to train, and how.
    digits : Digits
        The images; the test set is not used.
    callbacks : iterable of keras.callbacks.Callback, optional
        As in `fit`.

    Returns
    -------
    network : keras.Model
        The trained network.
    run : Run
        Its numbers.

    Raises
    ------
    UsageError
        If the recipe names an unknown network or augmentation, or a technique that the network lacks.
    """
    _tensorflow.release_memory()
    network = _build(recipe)
    return network, fit(network, select_images(digits, recipe), recipe, callbacks)


def select_images(digits: datasets.Digits, recipe: Recipe) -> datasets.Digits:
    """Return the images that a recipe trains on, and those that it is validated on.

    Parameters
    ----------
    digits : Digits
        All images.
    recipe : Recipe
        Gives size, seed, label noise, and whether validation images are for training as well.

    Returns
    -------
    Digits
        With the recipe's training images.
    """
    if not recipe.validation_size:
        digits = digits.with_validation_in_training()
    digits = digits.subset(recipe.train_size, recipe.seed)
    if recipe.label_noise:
        digits = digits.with_label_noise(recipe.label_noise, recipe.seed)
    return digits


def compare(
    builders: Mapping[str, Callable[[], keras.Model]],
    digits: datasets.Digits,
    seeds: Iterable[int],
    *,
    train_size: int,
    epochs: int,
    batch_size: int = 32,
    label_noise: float = 0.0,
    validation_size: int = 2_000,
    callbacks: Iterable = (),
) -> tuple[dict[str, list[Run]], dict[str, keras.Model]]:
    """Train the networks of your own functions once per seed, so that runs can be paired.

    With one seed, all variants get the same training images in the same order. They also start from the same
    weights: a variant whose weights have the shapes of the first one's starts from those.

    Parameters
    ----------
    builders : mapping of str to callable
        For each variant a function without arguments that returns a new, compiled network. It takes images
        of shape (n, 28, 28, 1), 0 to 255, and returns ten probabilities.
    digits : Digits
        The images; the test set is not used.
    seeds : iterable of int
        One run of each variant per seed.
    train_size : int
        Number of training images, at least 10; each seed draws its own.
    epochs : int
        Passes through the training images, at most.
    batch_size : int, default 32
        Images per step.
    label_noise : float, default 0
        Share of the training labels, 0 to 1, that are redrawn; validation images keep theirs.
    validation_size : int, default 2_000
        Validation images that are evaluated after each epoch and at the end.
    callbacks : iterable of keras.callbacks.Callback, optional
        Passed to each `fit`, such as `keras.callbacks.EarlyStopping`.

    Returns
    -------
    runs : dict of str to list of Run
        In the order of the seeds.
    networks : dict of str to keras.Model
        As trained with the last seed, compiled.

    Raises
    ------
    UsageError
        If a function does not return a compiled network.
    """
    _tensorflow.release_memory()
    seeds = list(seeds)
    settings = Recipe(
        network="own",
        train_size=train_size,
        epochs=epochs,
        batch_size=batch_size,
        curve_size=validation_size,
        validation_size=validation_size,
        label_noise=label_noise,
    )
    progress = ProgressCallback(len(builders) * len(seeds))
    starts: dict[int, list[np.ndarray]] = {}
    runs: dict[str, list[Run]] = {name: [] for name in builders}
    networks: dict[str, keras.Model] = {}
    for name, build in builders.items():
        progress.name = name
        network: keras.Model | None = None
        for seed in seeds:
            recipe = replace(settings, seed=seed)
            fresh = _build_compiled(name, build, seed)
            _start_from(fresh, starts.setdefault(seed, fresh.get_weights()))
            if network is None:
                network = fresh
            else:  # a new network would be traced anew, which takes longer than a short run
                _restart(network, fresh)
            chosen = select_images(digits, recipe)
            runs[name].append(_fit_compiled(network, chosen, recipe, [*callbacks, progress]))
        if network is not None:
            networks[name] = build()  # a fresh network does not hold the training's graphs
            networks[name].set_weights(network.get_weights())
        del network
        _tensorflow.release_memory()
    return runs, networks


def _build_compiled(name: str, build: Callable[[], keras.Model], seed: int) -> keras.Model:
    """Build a network whose initial weights and random layers follow from the seed."""
    keras.utils.set_random_seed(seed)
    network = build()
    if not (isinstance(network, keras.Model) and network.compiled):
        raise UsageError(
            f"{name!r}: its function must return a compiled network, as in `network.compile(...)`"
        )
    network.steps_per_execution = _STEPS_PER_EXECUTION
    network.optimizer.build(network.trainable_variables)
    return network


def _start_from(network: keras.Model, weights: list[np.ndarray]) -> None:
    """Set a network's weights if they have these shapes."""
    if [weight.shape for weight in weights] == [weight.shape for weight in network.get_weights()]:
        network.set_weights(weights)


def _restart(network: keras.Model, fresh: keras.Model) -> None:
    """Give a trained network the state of a new one: weights, random generators, optimizer."""
    ours = [*network.variables, *network.optimizer.variables]
    for variable, initial in zip(ours, [*fresh.variables, *fresh.optimizer.variables], strict=True):
        variable.assign(initial)
