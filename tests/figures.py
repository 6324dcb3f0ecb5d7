"""An example of each kind of figure, for tests of what all figures have in common."""

from types import SimpleNamespace

import numpy as np

from mnist_helpers import plots

IMAGES = np.random.default_rng(0).integers(0, 256, (11, 28, 28, 1), dtype=np.uint8)
LABELS = {"title": "Titled", "xlabel": "strength", "ylabel": "accuracy (share)"}


def make_run(*cross_entropies):
    """Return a run with these values in training; on validation images each metric is 0.125 higher."""
    values = np.array(cross_entropies)
    metrics = {"loss": values + 9, "cross_entropy": values, "accuracy": 1 - values}
    history = {name: metric.tolist() for name, metric in metrics.items()}
    history |= {f"val_{name}": (metric + 0.125).tolist() for name, metric in metrics.items()}
    return SimpleNamespace(history=history)


RUNS = {"baseline": make_run(0.5, 0.25, 0.375), "L2, λ = 0.01": make_run(0.5, 0.4375, 0.125)}
ACCURACY = {
    "baseline": [95.0, 96.0, 95.5],
    "dropout": [96.0, 97.0, 96.75],
    "L2, λ = 0.01": [95.0, 96.5, 95.0],
}
# Each kind of figure, and what its text alternative must state.
FIGURES = {
    "image_grid": (
        lambda: plots.image_grid(IMAGES, [*range(11)], title="Titled", columns=4),
        ["11 images in 3 rows", "titled 0, 1, 2"],
    ),
    "image_grid, untitled": (
        lambda: plots.image_grid(IMAGES[..., 0], title="Titled"),
        ["11 images in 2 rows."],
    ),
    "lines": (
        lambda: plots.lines({"training": [0.1, 0.2], "validation": [0.3, 0.25]}, [0, 0.5], **LABELS),
        [
            "accuracy (share) against strength",
            "training goes from 0.1 to 0.2; validation goes from 0.3 to 0.25",
        ],
    ),
    "lines over seeds": (
        lambda: plots.lines({"L2, λ = 0.01": [[0.1, 0.3], [0.5, 0.5]]}, ["few", "many"], **LABELS),
        ["L2, λ = 0.01 goes from 0.3 to 0.4"],
    ),
    "lines with marks": (
        lambda: plots.lines(
            ACCURACY, vertical={"here": 2}, horizontal={"there": 96}, ylim=(90, 100), y_log=True, **LABELS
        ),
        ["dropout goes from 96 to 96.8"],
    ),
    "curves": (
        lambda: plots.curves(RUNS, title="Titled", mark_best=True),
        [
            "baseline: loss ends at 0.375 in training and 0.500 on validation images",
            "lowest at epoch 2",
            "L2, λ = 0.01: loss ends at 0.125",
            "lowest at epoch 3",
        ],
    ),
    "bars": (
        lambda: plots.bars({3: 1234, 4: 0.5}, **LABELS),
        ["accuracy (share): 3 1,234, 4 0.5."],
    ),
    "bars, many": (
        lambda: plots.bars({name: number for number, name in enumerate("abcde")}, **LABELS),
        ["accuracy (share): e is highest, at 4, a lowest, at 0."],
    ),
    "lines, many": (
        lambda: plots.lines({name: [9, number] for number, name in enumerate("abcde")}, **LABELS),
        ["e ends highest, at 4; a lowest, at 0."],
    ),
    "bars, stacked": (
        lambda: plots.bars(
            {"small": {"loss": 1, "penalty": 0.5}, "large": {"loss": 2, "penalty": 3}}, **LABELS
        ),
        ["accuracy (share); loss: small 1, large 2."],
    ),
    "confusion": (
        lambda: plots.confusion(np.array([4, 4, 7]), np.array([9, 9, 7]), title="Titled"),
        ["2 of 3 digits are wrong; most often, a 4 is read as 9 (2 times)"],
    ),
    "confusion, all right": (
        lambda: plots.confusion(np.arange(10), np.arange(10), title="Titled"),
        ["0 of 10 digits are wrong"],
    ),
}
