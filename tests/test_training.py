"""Training: one recipe, one result; nothing hidden in the numbers; the test set stays closed.

The runs are tiny: a hundred UCI digits and an epoch or two.
"""

import os
import signal
import sys
from dataclasses import replace
from functools import partial

import keras
import numpy as np
import pytest
from tensorflow.python.framework import ops

from mnist_helpers import augmentation, datasets, recipes, training
from mnist_helpers.errors import UsageError


class Closed:
    """A test set that fails whoever looks at it."""

    def __getattr__(self, name):
        raise AssertionError(f"the test set was opened ({name})")

    def __iter__(self):
        raise AssertionError("the test set was opened")

    __getitem__ = __len__ = __array__ = lambda self, *_, **__: self.__iter__()


DIGITS = replace(datasets.load("uci"), _test=Closed())
BASELINE = recipes.Recipe(train_size=100, epochs=1, seed=2)
STOPPING = replace(BASELINE, epochs=30, patience=1, learning_rate=5e-3)
RECIPES = {
    "baseline": BASELINE,
    "L2": replace(BASELINE, l2=0.01),
    "dropout": replace(BASELINE, dropout_rate=0.5),
    "augmentation": replace(BASELINE, augmentation="gentle"),
    "patience": STOPPING,
}


def plain(run):
    """Return a run without its duration, which no seed fixes."""
    return replace(run, seconds=0)


def same(first, second):
    weights = zip(first.get_weights(), second.get_weights(), strict=True)
    return all(np.array_equal(*pair) for pair in weights)


def cross_entropy(network, images, labels):
    """Compute it by hand, in float64."""
    output = np.asarray(network(images), dtype="float64")
    return -np.log(output[np.arange(len(labels)), labels]).mean(), (output.argmax(axis=1) == labels).mean()


def build(rate=0.0, filters=4, flip=False, learning_rate=1e-2):
    """Build a network as a learner would, with random layers and without any seed."""
    network = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            augmentation.RandomAffine(rotation=10, horizontal_flip=flip),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(filters, 5, strides=3, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Flatten(),
            keras.layers.Dropout(rate),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    network.compile(
        keras.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return network


SMALL = {"train_size": 100, "epochs": 2, "validation_size": 50}


def test_compare_gives_each_seed_what_it_gives_alone_to_the_last_bit():
    """Its second run takes over the first one's network: nothing of that may be left."""
    registry = ops.gradient_registry._registry
    before = len(registry)
    runs, networks = training.compare({"mine": partial(build, 0.5)}, DIGITS, iter([1, 2]), **SMALL)
    alone, again = training.compare({"mine": partial(build, 0.5)}, DIGITS, [2], **SMALL)
    assert [run.recipe.seed for run in runs["mine"]] == [1, 2]
    assert runs["mine"][0].history != runs["mine"][1].history
    assert plain(runs["mine"][1]) == plain(alone["mine"][0])
    assert same(networks["mine"], again["mine"])
    assert len(registry) == before, "each entry keeps a network's graphs in memory for good"


def test_variants_differ_in_nothing_but_what_their_functions_change():
    """They have the same images in the same order, and start from the same weights."""
    started = []

    class Watch(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            started.append(self.model.get_weights())

    variants = {
        "first": build,
        "equal": partial(build, 0.0),
        "dropout": partial(build, 0.5),
        "wide": partial(build, filters=5),
    }
    runs, _ = training.compare(variants, DIGITS, [3], **SMALL, callbacks=[Watch()])
    first, _, dropout, wide = started
    assert all(np.array_equal(*pair) for pair in zip(first, dropout, strict=True))
    assert [weight.shape for weight in wide] != [weight.shape for weight in first]
    found = {name: run.history["loss"] for name, [run] in runs.items()}
    assert found["first"] == found["equal"]
    assert len({tuple(history) for history in found.values()}) == 3


def test_compare_follows_its_settings():
    run = training.compare({"mine": build}, DIGITS, [4], **SMALL | {"label_noise": 0.5})[0]["mine"][0]
    chosen = DIGITS.subset(100, 4).with_label_noise(0.5, 4)
    assert run.recipe.label_noise == 0.5
    network = training.compare({"mine": build}, DIGITS, [4], **SMALL | {"label_noise": 0.5})[1]["mine"]
    expected = cross_entropy(network, chosen.x_train, chosen.y_train)
    assert (run.train_loss, run.train_accuracy) == pytest.approx(expected, rel=1e-4)
    expected = cross_entropy(network, DIGITS.x_validation[:50], DIGITS.y_validation[:50])
    assert (run.validation_loss, run.validation_accuracy) == pytest.approx(expected, rel=1e-4)
    assert run.history["val_loss"][-1] == pytest.approx(run.validation_loss, rel=1e-4), (
        "one network, one number"
    )
    stop = keras.callbacks.EarlyStopping("val_loss", min_delta=9, patience=1)
    settings = SMALL | {"epochs": 9, "callbacks": [stop]}
    stopped = training.compare({"mine": build}, DIGITS, [4, 5], **settings)[0]["mine"]
    assert [len(run.history["loss"]) for run in stopped] == [2, 2], "the callback starts anew with each run"


@pytest.mark.parametrize("wrong", [keras.Sequential, lambda: None])
def test_function_that_returns_no_compiled_network_is_refused_by_name(wrong):
    with pytest.raises(UsageError, match="'mine': its function must return a compiled network"):
        training.compare({"mine": wrong}, DIGITS, [1], **SMALL)


def test_batches_hold_each_image_once_per_epoch_in_an_order_of_the_seed():
    labels = np.arange(250, dtype="int64")
    images = np.broadcast_to(labels.astype("uint8")[:, None, None, None], (250, 28, 28, 1))

    def read(batches):
        found = [(image.numpy(), label.numpy()) for image, label in batches]
        assert [len(image) for image, _ in found] == [100, 100, 50]
        assert all(np.array_equal(image[:, 3, 4, 0], label) for image, label in found)
        return np.concatenate([label for _, label in found])

    assert np.array_equal(read(training.batch(images, labels)), labels)
    orders = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        shuffled = training.batch(images, labels, shuffle=True)
        orders.append([read(shuffled), read(shuffled)])
    assert np.array_equal(orders[0], orders[1])
    distinct = {tuple(order) for pair in orders[1:] for order in pair}
    assert len(distinct) == 4
    assert all(sorted(order) == labels.tolist() for order in distinct)


def test_same_recipe_gives_the_same_run_to_the_last_bit():
    recipe = replace(BASELINE, epochs=2, l2=0.01, dropout_rate=0.2, augmentation="article", patience=1)
    (network, run), (again, repeated) = (training.train(recipe, DIGITS) for _ in range(2))
    assert plain(run) == plain(repeated)
    assert same(network, again)


def test_numbers_are_those_of_the_kept_network_without_penalty():
    network, run = training.train(replace(BASELINE, epochs=2, l2=0.1, curve_size=50), DIGITS)
    subset = DIGITS.subset(100, seed=2)
    images, labels = DIGITS.x_validation, DIGITS.y_validation
    on_training, on_validation, on_part = (
        pytest.approx(cross_entropy(network, *pairs), rel=1e-4)
        for pairs in ((subset.x_train, subset.y_train), (images, labels), (images[:50], labels[:50]))
    )
    assert (run.train_loss, run.train_accuracy) == on_training
    assert (run.validation_loss, run.validation_accuracy) == on_validation
    assert training.evaluate(network, images, labels) == (run.validation_loss, run.validation_accuracy)
    assert {len(values) for values in run.history.values()} == {2}
    assert (run.history["val_cross_entropy"][-1], run.history["val_accuracy"][-1]) == on_part
    penalty = float(sum(network.losses))
    assert penalty > 1
    expected = run.history["val_cross_entropy"][-1] + penalty
    assert run.history["val_loss"][-1] == pytest.approx(expected, rel=1e-4)


def test_early_stopping_stops_and_restores_the_best_weights():
    network, run = training.train(STOPPING, DIGITS)
    curve = run.history["val_cross_entropy"]
    assert len(curve) < 30
    assert len(curve) == run.best_epoch + 1, "patience is one epoch"
    assert run.best_epoch == int(np.argmin(curve)) + 1
    assert run.validation_loss == pytest.approx(min(curve), rel=1e-4)
    assert run.validation_loss != pytest.approx(curve[-1], rel=1e-4)
    expected = cross_entropy(network, DIGITS.x_validation, DIGITS.y_validation)
    assert (run.validation_loss, run.validation_accuracy) == pytest.approx(expected, rel=1e-4)


def test_early_stopping_watches_the_cross_entropy_without_the_penalty():
    """The penalty shrinks for long, so a loss that holds it falls on while the cross-entropy rises."""
    _, run = training.train(replace(STOPPING, l2=0.1), DIGITS)
    curve = run.history["val_cross_entropy"]
    assert len(curve) == run.best_epoch + 1 == int(np.argmin(curve)) + 2 < 30
    assert np.argmin(run.history["val_loss"]) == len(curve) - 1, "this loss would not have stopped yet"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"augmentation": "wild"},
            "augmentation='wild' is unknown: choose one of none, weak, gentle, strong, article",
        ),
        ({"network": "deep"}, "network='deep' is unknown: choose one of cnn, fast, tuned"),
        ({"network": "fast", "l2": 0.1}, "the fast network does not support l2"),
        (
            {"patience": 1, "curve_size": 0},
            "patience=1 needs validation images: set curve_size and validation_size above 0",
        ),
    ],
)
def test_recipe_that_cannot_be_is_refused(change, message):
    with pytest.raises(UsageError, match=message):
        training.train(replace(BASELINE, **change), DIGITS)


def test_one_cycle_rises_linearly_and_falls_to_zero_along_a_cosine():
    recipe = replace(BASELINE, one_cycle=True, learning_rate=0.5, epochs=4, batch_size=32)
    schedule = training.build_learning_rate(recipe, n_images=790)  # 25 steps an epoch, the last one smaller
    rates = np.array([float(schedule(step)) for step in range(101)])
    assert rates[:31] == pytest.approx(np.linspace(0.02, 0.5, 31), abs=1e-6)
    assert rates[30:] == pytest.approx(0.25 * (1 + np.cos(np.linspace(0, np.pi, 71))), abs=1e-6)
    assert training.build_learning_rate(BASELINE, 790) == BASELINE.learning_rate


@pytest.mark.parametrize("n_images", [10, 60, 100])
def test_one_cycle_of_very_few_steps_is_still_finite(n_images):
    schedule = training.build_learning_rate(replace(recipes.FAST, batch_size=32), n_images)
    assert np.isfinite([float(schedule(step)) for step in range(5)]).all()


def test_optimizer_has_what_the_recipe_says():
    recipe = replace(recipes.TUNED, train_size=100, epochs=10, betas=(0.8, 0.95), curve_size=0)
    network, run = training.train(recipe, DIGITS)
    optimizer = network.optimizer
    assert (optimizer.beta_1, optimizer.beta_2, optimizer.weight_decay) == (0.8, 0.95, 0.1)
    assert float(optimizer.learning_rate) == pytest.approx(0, abs=1e-6), "the cycle has ended"
    assert run.best_epoch == 10
    assert not [name for name in run.history if name.startswith("val_")]
    assert training.train(BASELINE, DIGITS)[0].optimizer.weight_decay is None


def test_final_numbers_come_from_as_many_validation_images_as_asked_for():
    network, run = training.train(replace(BASELINE, validation_size=40), DIGITS)
    expected = cross_entropy(network, DIGITS.x_validation[:40], DIGITS.y_validation[:40])
    assert (run.validation_loss, run.validation_accuracy) == pytest.approx(expected, rel=1e-4)


def test_without_validation_images_they_are_trained_on_and_their_numbers_are_nan():
    recipe = replace(BASELINE, validation_size=0)
    merged_by_hand = DIGITS.with_validation_in_training()
    found, merged = (training.train(recipe, digits)[1] for digits in (DIGITS, merged_by_hand))
    assert np.isnan([found.validation_loss, found.validation_accuracy]).all()
    assert 0 < found.train_accuracy <= 1
    assert (found.train_loss, found.history) == (merged.train_loss, merged.history)
    _, without = training.train(BASELINE, DIGITS)
    assert found.train_loss != without.train_loss


def test_training_numbers_come_from_the_first_10_000_training_images():
    images, labels = (np.concatenate([part] * 11) for part in (DIGITS.x_train, DIGITS.y_train))
    labels[1_000:10_000] = np.roll(labels[1_000:10_000], 1)  # so that no two parts have the same number
    network = keras.Sequential(
        [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
    )
    digits = replace(DIGITS, x_train=images, y_train=labels)
    run = training.fit(network, digits, replace(BASELINE, batch_size=1_000, curve_size=0, validation_size=10))
    answers = network.predict(images, verbose=0).argmax(axis=1)
    expected, *others = ((answers == labels)[:n].mean() for n in (10_000, 1_000, None))
    assert run.train_accuracy == pytest.approx(expected, abs=1e-4)
    for other in others:
        assert run.train_accuracy != pytest.approx(other, abs=1e-3)


def test_training_teaches_every_digit_under_its_own_label():
    """Two labels that `fit` swaps cost a fifth of the accuracy, which few other tests would see."""
    network, run = training.train(replace(BASELINE, train_size=1_000, epochs=6), DIGITS)
    answers = network.predict(DIGITS.x_validation, verbose=0).argmax(axis=1)
    right = [(answers[DIGITS.y_validation == digit] == digit).mean() for digit in range(10)]
    assert min(right) > 0.6, right
    assert run.train_accuracy > 0.9


def test_test_set_of_these_runs_does_fail_whoever_looks():
    for look in (len, list, np.asarray, str, lambda test: test[0]):
        with pytest.raises(AssertionError, match="opened"):
            look(DIGITS) if look is str else look(DIGITS.open_test())


@pytest.mark.parametrize(
    "change",
    [
        {"curve_size": 50},
        {"curve_size": 0},
        {"curve_size": 50, "patience": 3},
        {"epochs": 1, "batch_size": 100},
    ],
    ids=["with a curve", "without", "stopped early", "in the last step"],
)
def test_run_that_diverged_says_so_and_has_no_numbers(change):
    recipe = replace(BASELINE, learning_rate=1e30, **{"epochs": 4, **change})
    _, run = training.train(recipe, DIGITS)
    assert run.diverged
    assert run.best_epoch == 0
    assert np.isnan([run.train_loss, run.train_accuracy, run.validation_loss, run.validation_accuracy]).all()
    assert len(run.history["loss"]) < 4, "the training stops"
    assert not training.train(BASELINE, DIGITS)[1].diverged


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process")
def test_interrupted_training_keeps_the_numbers_of_the_complete_epochs():
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                os.kill(os.getpid(), signal.SIGINT)

    network = build()
    with pytest.raises(KeyboardInterrupt):
        training.fit(network, DIGITS.subset(100), replace(BASELINE, epochs=4), [Interrupt()])
    assert len(network.history.history["loss"]) == 2
    assert len(network.history.history["val_accuracy"]) == 2
    assert np.isfinite(training.evaluate(network, DIGITS.x_validation[:50], DIGITS.y_validation[:50])).all()
