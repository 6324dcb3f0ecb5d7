"""Pictures of the study: when a technique pays, and how much there is to repair."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from mnist_helpers.figures import GREY, DescribedFigure, choose_styles, describe, make_axes
from mnist_helpers.study import analysis, findings, plan

_SIZE = (9.0, 4.0)  # inches
_LABELS = {"augmentation": "augmentation (gentle)"}  # as the lessons and their colours call it


def draw_courses(courses: pd.DataFrame, techniques: Collection[str] = ()) -> DescribedFigure:
    """Draw differences to the baseline against epochs, a panel per training size.

    Parameters
    ----------
    courses : DataFrame
        As `findings.read_courses` returns it.
    techniques : collection of str, optional
        Names in the plan. Default: those that the plan compares in the courses.

    Returns
    -------
    DescribedFigure
        Mean differences in test accuracy with their 95 % intervals, each for itself. What lies far below the
        rest, as in the first epochs, is cut off. The text alternative says from which
        checkpoint on an interval lies above 0.
    """
    planned = [each["technique"] for each in plan.read_comparisons() if each["family"] == "courses"]
    names = list(dict.fromkeys(techniques or planned))
    sizes = plan.PARTS["courses"].sizes
    figure, axes = make_axes("When does a technique pay? (the study, MNIST)", len(sizes), _SIZE)
    labels = {name: _LABELS.get(name, name) for name in names}
    styles = choose_styles([plan.BASELINE, *labels.values()])
    texts = []
    for axis, size in zip(axes, sizes, strict=True):
        table = analysis.compare_courses(courses, size)
        axis.axhline(0, color=GREY)
        for name in names:
            found = table[table["technique"] == name]
            label = labels[name]
            color, marker = styles[label]
            axis.plot(found["epoch"], found["mean"], f"{marker}-", color=color, markersize=4, label=label)
            axis.fill_between(found["epoch"], found["low"], found["high"], color=color, alpha=0.15, lw=0)
            texts.append(f"{label} with {size:,} images {_tell(found)}")
        # The first epochs lie far below and would squeeze the rest.
        late = table[table["technique"].isin(names) & (table["epoch"] > 5)]
        reach = 1.15 * max(late["high"].max(), -late["low"].min())
        axis.set(xscale="log", ylim=(-reach, reach), title=f"{size:,} images", xlabel="epoch")
        ticks = [epoch for epoch in (1, 2, 5, 10, 20, 50, 100) if epoch <= table["epoch"].max()]
        axis.set_xticks(ticks, [str(epoch) for epoch in ticks])
        axis.minorticks_off()
    axes[0].set_ylabel("test accuracy minus the baseline's (points)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(names))
    return describe(figure, "; ".join(texts))


def _tell(found: pd.DataFrame) -> str:
    """Say where a line ends, and from which checkpoint on its interval lies above 0."""
    end = f"ends at {found['mean'].iloc[-1]:+.2f} points"
    undecided = np.flatnonzero(found["low"] <= 0)
    first = undecided[-1] + 1 if len(undecided) else 0
    if first == len(found):
        return end
    return f"is higher from epoch {found['epoch'].iloc[first]:.0f} on and {end}"


def draw_gaps(courses: pd.DataFrame) -> DescribedFigure:
    """Draw what the best technique gains against what there is to repair.

    Parameters
    ----------
    courses : DataFrame
        As `findings.read_courses` returns it.

    Returns
    -------
    DescribedFigure
        A line per part and training size, a point per checkpoint: the baseline's test cross-entropy minus its
        training cross-entropy, and the gain in test accuracy of the technique that is best at the end.
    """
    table = findings.measure_gaps(courses)
    figure, (axis,) = make_axes("What there is to repair, and what the best remedy gains (the study, MNIST)")
    axis.axhline(0, color=GREY)
    texts = []
    groups = list(table.groupby(["part", "images"], sort=False))
    styles = choose_styles([f"{part} {images}" for (part, images), _ in groups])
    for (part, images), found in groups:
        redrawn = ", 30 % of labels redrawn" if part == "noise" else ""
        name = f"{images:,} images{redrawn}: {found['technique'].iloc[0]}"
        color, marker = styles[f"{part} {images}"]
        error = [found["mean"] - found["low"], found["high"] - found["mean"]]
        axis.errorbar(found["gap"], found["mean"], error, None, f"{marker}-", color=color, label=name, ms=4)
        first, last = found.iloc[0], found.iloc[-1]
        texts.append(
            f"{name} goes from a gap of {first['gap']:.2f} and {first['mean']:+.2f} points to"
            f" {last['gap']:.2f} and {last['mean']:+.2f}"
        )
    late = table[table["epoch"] >= 5]
    axis.set(
        xlim=(min(0, late["gap"].min()) - 0.02, 1.05 * late["gap"].max()),
        xlabel="the baseline's cross-entropy on test images minus that on training images (nats)",
        ylabel="gain in accuracy (points)",
        ylim=(1.2 * min(late["low"].min(), -1), 1.1 * late["high"].max()),
    )
    axis.legend(fontsize=8)
    return describe(figure, "; ".join(texts))
