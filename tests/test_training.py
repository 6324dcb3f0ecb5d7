"""Training: one recipe, one result; nothing hidden in the numbers; the test set stays closed.

The runs are tiny: a hundred UCI digits and an epoch or two.
"""

from dataclasses import replace

import numpy as np
import pytest
from tensorflow.python.framework import ops

from mnist_helpers import datasets, training
from mnist_helpers.errors import UsageError


class Closed:
    """A test set that fails whoever looks at it."""

    def __getattr__(self, name):
        raise AssertionError(f"the test set was opened ({name})")

    def __iter__(self):
        raise AssertionError("the test set was opened")

    __getitem__ = __len__ = __array__ = lambda self, *_, **__: self.__iter__()


DIGITS = replace(datasets.load("uci"), _test=Closed())
BASELINE = training.Recipe(train_size=100, epochs=1, seed=2)
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
    answer = np.asarray(network(images), dtype="float64")
    return -np.log(answer[np.arange(len(labels)), labels]).mean(), (answer.argmax(axis=1) == labels).mean()


@pytest.mark.parametrize("techniques", [["baseline", "L2"], ["dropout", "augmentation"], ["patience"]])
def test_compare_gives_what_train_gives_to_the_last_bit(techniques):
    """Its second run takes over the first one's network: nothing of that may be left."""
    registry = ops.gradient_registry._registry
    before = len(registry)
    runs, networks = training.compare({name: RECIPES[name] for name in techniques}, DIGITS, iter([1, 2]))
    assert list(runs) == list(networks) == techniques
    for technique in techniques:
        first, second = runs[technique]
        network, run = training.train(RECIPES[technique], DIGITS)
        assert plain(second) == plain(run)
        assert same(networks[technique], network)
        assert first.recipe == replace(run.recipe, seed=1)
        assert first.history != second.history
    assert len(registry) == before, "each entry keeps a network's graphs in memory for good"


def test_same_recipe_gives_the_same_run_to_the_last_bit():
    recipe = replace(BASELINE, epochs=2, l2=0.01, dropout_rate=0.2, augmentation="article", patience=1)
    (network, run), (again, repeated) = (training.train(recipe, DIGITS) for _ in range(2))
    assert plain(run) == plain(repeated)
    assert same(network, again)


def test_numbers_are_cross_entropy_without_penalty_and_accuracy_of_the_network_kept():
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


def test_unknown_augmentation_is_refused_with_the_known_ones():
    with pytest.raises(UsageError, match="'wild' is unknown: choose one of none, gentle, article"):
        training.train(replace(BASELINE, augmentation="wild"), DIGITS)


def test_test_set_of_these_runs_does_fail_whoever_looks():
    for look in (len, list, np.asarray, str, lambda test: test[0]):
        with pytest.raises(AssertionError, match="opened"):
            look(DIGITS) if look is str else look(DIGITS.open_test())
