"""Pictures of the study: when a technique pays, and how much there is to repair."""

from collections.abc import Collection
from typing import Any

import pandas as pd

from mnist_helpers import statistics
from mnist_helpers.figures import GREY, DescribedFigure, choose_styles, describe, make_axes
from mnist_helpers.study import analysis, findings, plan

_SIZE = (9.0, 4.0)  # inches


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
        rest, as in the first epochs, is cut off. The text alternative says at which sizes each technique is
        better at the end. A panel's title counts the runs that diverged and are left out.
    """
    planned = [each["technique"] for each in plan.read_comparisons() if each["family"] == "courses"]
    names = list(dict.fromkeys(techniques or planned))
    sizes = plan.PARTS["courses"].sizes
    figure, axes = make_axes("When does a technique pay? (the study, MNIST)", len(sizes), _SIZE)
    labels = {name: findings.name_technique(name) for name in names}
    styles = choose_styles([plan.BASELINE, *labels.values()])
    better: dict[str, list[str]] = {label: [] for label in labels.values()}
    for axis, size in zip(axes, sizes, strict=True):
        table = analysis.compare_courses(courses, size)
        axis.axhline(0, color=GREY)
        for name in names:
            found = table[table["technique"] == name]
            label = labels[name]
            color, marker = styles[label]
            axis.plot(found["epoch"], found["mean"], f"{marker}-", color=color, markersize=4, label=label)
            axis.fill_between(found["epoch"], found["low"], found["high"], color=color, alpha=0.15, lw=0)
            if findings.find_start(found):
                better[label].append(f"{size:,}")
        # The first epochs lie far below and would squeeze the rest.
        late = table[table["technique"].isin(names) & (table["epoch"] > 5)]
        reach = 1.15 * max(late["high"].max(), -late["low"].min())
        diverged = analysis.count_diverged(courses, "courses", [plan.BASELINE, *names], size)
        title = f"{size:,} images" + statistics.tell_left_out(diverged, "\n")
        axis.set(xscale="log", ylim=(-reach, reach), title=title, xlabel="epoch")
        ticks = [epoch for epoch in (1, 2, 5, 10, 20, 50, 100) if epoch <= table["epoch"].max()]
        axis.set_xticks(ticks, [str(epoch) for epoch in ticks])
        axis.minorticks_off()
    axes[0].set_ylabel("test accuracy minus the baseline's (points)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(names))
    texts = []
    for label, found in better.items():
        everywhere = "at every size" if len(found) == len(sizes) else f"with {' and '.join(found)} images"
        texts.append(f"{label} {everywhere if found else 'at no size'}")
    return describe(figure, f"at the end the interval lies above 0 for {', '.join(texts)}")


def draw_gaps(courses: pd.DataFrame) -> DescribedFigure:
    """Draw what the best technique gains against what there is to repair.

    Parameters
    ----------
    courses : DataFrame
        As `findings.read_courses` returns it.

    Returns
    -------
    DescribedFigure
        A panel for true labels and one for redrawn ones; a line per training size, a point per checkpoint:
        the baseline's test cross-entropy minus its training cross-entropy, and the gain in test accuracy of
        the technique that is best at the end. The axes are fitted to the epochs from 5 on. A line's label
        counts the pairs that diverged and are left out.
    """
    table = findings.measure_gaps(courses)
    figure, axes = make_axes("What there is to repair, and what the best technique gains", 2, _SIZE)
    styles = choose_styles([f"{images:,} images" for images in plan.MARGINS])
    titles = {"courses": "true labels", "noise": "30 % of labels redrawn"}
    for axis, (part, title) in zip(axes, titles.items(), strict=True):
        shown = table[table["part"] == part]
        axis.axhline(0, color=GREY)
        for images, found in shown.groupby("images"):
            name = f"{images:,} images"
            best = found["technique"].iloc[0]
            color, marker = styles[name]
            error = [found["mean"] - found["low"], found["high"] - found["mean"]]
            left_out = statistics.tell_left_out(found["diverged"].iloc[-1], "; ")
            label = f"{name}: {findings.name_technique(best)}{left_out}"
            line: dict[str, Any] = {"color": color, "label": label, "markersize": 4}
            axis.errorbar(found["gap"], found["mean"], error, None, f"{marker}-", **line)
        late = shown[shown["epoch"] >= 5]
        axis.set(
            title=f"{title} (the study, MNIST)",
            xlim=(min(0, late["gap"].min()) - 0.02, 1.05 * late["gap"].max()),
            xlabel="gap: cross-entropy, test minus training (nats)",
            ylim=(1.2 * min(late["low"].min(), -1), 1.1 * late["high"].max()),
        )
        axis.legend(fontsize=8, loc="lower right")
    axes[0].set_ylabel("gain in accuracy (points)")
    last = table.groupby(["part", "images"], sort=False).last().sort_values("mean")
    ends = [f"{row.mean:+.2f} points at a gap of {row.gap:.2f} nats" for row in last.itertuples()]
    return describe(figure, f"at the end the gains range from {ends[0]} to {ends[-1]}")
