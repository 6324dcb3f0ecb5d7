"""Rows of a study, as `execute.run` records them, without a training."""

from dataclasses import asdict

from mnist_helpers import environment
from mnist_helpers.recipes import Recipe
from mnist_helpers.study import plan


def make_row(key="0123456789abcdef", **changes):
    recipe = {name: str(value) for name, value in asdict(Recipe()).items()}
    row = {"key": key, "schema": str(plan.SCHEMA), "part": "courses", "technique": "baseline"}
    row |= {"dataset": "MNIST", "seconds": "1.5", "seconds_scoring": "0.5"}
    numbers = {
        "train_accuracy": "0.500000",
        "train_cross_entropy": "1.500000",
        "train_calibration_error": "0.100000",
        "test_accuracy": "0.250000",
        "test_cross_entropy": "2.500000",
        "test_calibration_error": "0.200000",
        "threads": "1",
        "test_wrong": "",
        "course": "{}",
    }
    return recipe | row | numbers | environment.describe() | changes
