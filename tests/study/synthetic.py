"""A made-up study with exactly the runs of the plan, whose effects are known."""

import zlib

import numpy as np
import pandas as pd

from mnist_helpers.study import plan, store

# What each technique gains in the end, in shares of accuracy; all of them cost something at first.
GAINS = {
    "L2": 0.0,
    "dropout": 0.006,
    "augmentation": 0.010,
    "combined": 0.012,
    "augmentation (article)": -0.05,
}
_FLOORS = {1_000: 0.045, 5_000: 0.02, 40_000: 0.01, 60_000: 0.011}  # error of the baseline at the end
_N_TEST = 10_000


def make_study(gains=GAINS, spread=0.001):
    """Return a row per planned run, in the columns that the analysis reads."""
    rows = []
    for task in plan.plan_study():
        recipe = task.recipe
        noise = np.random.default_rng([recipe.seed, recipe.train_size])
        own = np.random.default_rng([recipe.seed, recipe.train_size, zlib.crc32(task.technique.encode())])
        shared = noise.normal(0, spread)
        gain = gains.get(task.technique.partition(", λ")[0], 0.0) * _FLOORS[recipe.train_size] / 0.045
        gain *= 4 if task.part == "noise" else 1
        course = []
        epochs = range(1, recipe.epochs + 1) if task.watch else task.checkpoints
        for epoch in epochs:
            error = _FLOORS[recipe.train_size] * (1 + 3 / epoch) + shared + own.normal(0, spread / 2)
            rise = gain * (1 - np.exp(-epoch / 8)) - 0.1 * (gain != 0) * np.exp(-epoch)
            accuracy = 1 - error + rise
            overfit = 0.002 * epoch
            row = {"epoch": epoch, "validation_accuracy": accuracy + own.normal(0, spread)}
            row["test_cross_entropy"] = 3 * error + overfit - rise
            row["validation_cross_entropy"] = row["test_cross_entropy"] + own.normal(0, spread)
            row |= {"test_accuracy": accuracy, "train_cross_entropy": 1 / epoch**2}
            row |= {"test_calibration_error": 0.1 * error, "is_checkpoint": epoch in task.checkpoints}
            course.append(row)
        wrong = noise.permutation(_N_TEST) >= round(course[-1]["test_accuracy"] * _N_TEST)
        rows.append(
            {
                "part": task.part,
                "technique": task.technique,
                "train_size": recipe.train_size,
                "seed": recipe.seed,
                "train_cross_entropy": course[-1]["train_cross_entropy"],
                "test_cross_entropy": course[-1]["test_cross_entropy"],
                "test_wrong": store.pack_wrong(wrong),
                "course": store.pack_course(course),
            }
        )
    return pd.DataFrame(rows)
