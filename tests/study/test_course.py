"""The course of a training: scored when it is due, without any effect on the training."""

from dataclasses import replace

import numpy as np
import pytest

from mnist_helpers import datasets, statistics, training
from mnist_helpers.recipes import Recipe
from mnist_helpers.study import plan, store
from mnist_helpers.study.course import CourseCallback

DIGITS = datasets.load("uci")
RECIPE = Recipe(train_size=200, epochs=6, learning_rate=5e-3, curve_size=0, validation_size=100, seed=1)
TASK = plan.Task("courses", "baseline", RECIPE, (1, 3, 6))


def follow(task):
    callback = CourseCallback(task, training.select_images(DIGITS, task.recipe))
    network, run = training.train(task.recipe, DIGITS, [callback])
    return network, run, callback


@pytest.mark.parametrize("epochs", [1, 3, 6])
def test_checkpoint_has_the_scores_of_a_training_that_ends_there(epochs):
    _, _, callback = follow(TASK)
    [row] = [row for row in callback.rows if row["epoch"] == epochs]
    network, _ = training.train(replace(RECIPE, epochs=epochs), DIGITS)
    subset = DIGITS.subset(200, seed=1)
    sets = {
        "train": (subset.x_train, subset.y_train),
        "validation": (DIGITS.x_validation[:100], DIGITS.y_validation[:100]),
        "test": DIGITS.open_test(),
    }
    for name, (images, labels) in sets.items():
        expected = statistics.score(network.predict(images, verbose=0), labels)
        found = {score: row[f"{name}_{score}"] for score in expected}
        assert found == pytest.approx(expected, abs=1e-5), name


def test_training_is_the_same_to_the_last_bit_without_a_course():
    network, run, _ = follow(replace(TASK, watch=True))
    alone, expected = training.train(RECIPE, DIGITS)
    assert all(map(np.array_equal, network.get_weights(), alone.get_weights()))
    assert run.history == expected.history


def test_rows_are_the_checkpoints_and_nothing_else():
    _, _, callback = follow(TASK)
    assert [row["epoch"] for row in callback.rows] == [1, 3, 6]
    assert callback.seconds > 0


def test_watched_course_scores_every_epoch_and_the_test_set_at_new_bests():
    _, _, callback = follow(replace(TASK, watch=True))
    assert [row["epoch"] for row in callback.rows] == [1, 2, 3, 4, 5, 6]
    best = {"validation_accuracy": -np.inf, "validation_cross_entropy": np.inf}
    skipped = 0
    for row in callback.rows:
        improved = row["validation_accuracy"] > best["validation_accuracy"]
        improved |= row["validation_cross_entropy"] < best["validation_cross_entropy"]
        best["validation_accuracy"] = max(best["validation_accuracy"], row["validation_accuracy"])
        best["validation_cross_entropy"] = min(
            best["validation_cross_entropy"], row["validation_cross_entropy"]
        )
        due = improved or row["epoch"] in TASK.checkpoints
        assert ("test_accuracy" in row) == due
        skipped += not due
    assert skipped or callback.rows[-1]["validation_accuracy"] == best["validation_accuracy"]


def test_wrong_test_images_are_those_of_the_last_epoch():
    network, _, callback = follow(TASK)
    images, labels = DIGITS.open_test()
    expected = network.predict(images, verbose=0).argmax(axis=1) != labels
    assert 0 < expected.sum() < len(labels)
    assert np.array_equal(store.unpack_wrong(callback.wrong, len(labels)), expected)


def test_run_that_selects_never_opens_the_test_set():
    task = replace(TASK, evaluate_on="validation")
    closed = replace(DIGITS, _test=None)
    callback = CourseCallback(task, training.select_images(closed, task.recipe))
    training.train(task.recipe, closed, [callback])
    assert not [name for row in callback.rows for name in row if name.startswith("test_")]


def test_course_survives_packing_with_six_decimals():
    rows = [{"epoch": 1, "validation_accuracy": 1 / 3}, {"epoch": 2, "test_accuracy": float("nan")}]
    found = store.unpack_course(store.pack_course(rows))
    assert found["epoch"].to_list() == [1, 2]
    assert found["validation_accuracy"].to_list()[0] == 0.333333
    assert found.isna().sum().to_dict() == {"epoch": 0, "validation_accuracy": 1, "test_accuracy": 2}
