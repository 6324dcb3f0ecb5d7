"""Figures from plain arrays and runs, each returned with a text for those who cannot see it.

Every `title` also names the data set, axis labels hold the units. A technique keeps its colour and marker
in all lessons; solid lines are training, dashed ones validation.
"""

import io
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mnist_helpers.evidence import Difference, compare_all, compare_by_size, half_interval, paired_difference

# Okabe and Ito's palette, where it stands out from paper: people with any colour vision can tell them apart.
_STYLES = {
    "baseline": ("#404040", "o"),
    "L2": ("#0072B2", "s"),
    "dropout": ("#D55E00", "^"),
    "augmentation (gentle)": ("#009E73", "D"),
    "augmentation (article)": ("#CC79A7", "v"),
    "early stopping": ("#703800", "P"),
    "combined": ("#785EF0", "X"),
}
_RC = {"axes.grid": True, "axes.axisbelow": True, "grid.alpha": 0.3, "font.size": 10, "axes.titlesize": 11}


class DescribedFigure(Figure):
    """A matplotlib figure that shows itself in a notebook once, as PNG with alt text."""

    alt = ""

    def _repr_mimebundle_(self, include=None, exclude=None):
        self.savefig(buffer := io.BytesIO(), format="png")
        return {"image/png": buffer.getvalue(), "text/plain": self.alt}, {"image/png": {"alt": self.alt}}


def _subplots(title: str, alt: str, columns: int = 1, size=(7.5, 3.4), note: str = ""):
    """Make a figure; `note` says why it has no error bars, where it has none."""
    with mpl.rc_context(_RC):
        figure = DescribedFigure(figsize=size, dpi=100, layout="constrained")
        axes = figure.subplots(1, columns, squeeze=False)
        figure.suptitle(title, fontsize=12)
    if note:
        figure.supxlabel(f"{note}: no error bars", fontsize=8, color="#595959", x=0.99, ha="right")
    figure.alt = f"{title}. {alt}"
    return figure, axes


def _style(name: str, index: int) -> tuple[str, str]:
    technique = name.split(",")[0]  # "L2, λ = 0.01" is L2
    return _STYLES.get(technique) or list(_STYLES.values())[index % len(_STYLES)]


def image_grid(images: Sequence, titles: Sequence | None = None, *, title: str, columns: int = 9) -> Figure:
    """Show images in rows, ink dark on paper, each below its title.

    Each of shape (height, width) or (height, width, 1), values of any range: size and ink are scaled alone.
    """
    rows = -(-len(images) // columns)
    named = "" if titles is None else f", titled {', '.join(map(str, titles))}"
    height, width = np.max([np.shape(image)[:2] for image in images], axis=0)
    gap, head = width / 12, height / (3 if named else 12)
    cell = min(9, 1 + columns) / columns  # inches
    # A letter of the title is less than a tenth of an inch wide.
    size = (max(4, cell * columns, len(title) / 10), 0.5 + rows * cell * (height + head) / (width + gap))
    figure, ((axis,),) = _subplots(title, f"{len(images)} images in {rows} rows{named}.", size=size)
    axis.set_axis_off()
    for index, image in enumerate(images):  # in one pair of axes: a pair each takes ten times as long to draw
        top, left = index // columns * (height + head), index % columns * (width + gap)
        ink = np.squeeze(image).astype(float)
        ink = (ink - ink.min()) / max(np.ptp(ink), 1e-9)
        axis.imshow(ink, cmap="gray_r", vmin=0, vmax=1, extent=(left, left + width, top + height, top))
        if named:
            axis.text(left + width / 2, top - 1, titles[index], fontsize=8, ha="center")
    axis.set(xlim=(0, columns * (width + gap) - gap), ylim=(rows * (height + head) - head, -head))
    return figure


def curves(runs: Mapping[str, object], *, title: str, mark_best: bool = False) -> Figure:
    """Draw cross-entropy and accuracy by epoch: solid in training, dashed on validation images.

    `runs` is ``{name: training.Run}``, or Keras's History of a network without a penalty. `mark_best` draws
    a dotted line at each run's epoch of lowest validation cross-entropy.
    """
    figure, axes = _subplots(title, "Two line charts by epoch.", 2, (7.5, 3.8), "one run each")
    lowest = np.inf  # on validation images; training below a tenth of it would squeeze the rest
    for index, (name, run) in enumerate(runs.items()):
        color, marker = _style(name, index)
        look = {"color": color, "marker": marker, "markersize": 4}
        price = "cross_entropy" if "cross_entropy" in run.history else "loss"
        best = int(np.argmin(run.history[f"val_{price}"])) + 1
        lowest = min(lowest, min(run.history[f"val_{price}"]))
        for axis, metric in zip(axes.flat, (price, "accuracy"), strict=True):
            epochs = np.arange(1, len(run.history[metric]) + 1)
            axis.plot(epochs, run.history[metric], "-", **look, label=f"{name}, training")
            axis.plot(epochs, run.history[f"val_{metric}"], "--", **look, label=f"{name}, validation")
            if mark_best:
                axis.axvline(best, color=color, linestyle=":")
        figure.alt += (
            f" {name}: cross-entropy ends at {run.history[price][-1]:.3f} in training and "
            f"{run.history[f'val_{price}'][-1]:.3f} on validation, where it is lowest at epoch {best}."
        )
    for axis, label in zip(axes.flat, ("cross-entropy (nats)", "accuracy (share)"), strict=True):
        axis.set(xlabel="epoch", ylabel=label)
        axis.xaxis.get_major_locator().set_params(integer=True)
    axes[0, 0].set(yscale="log", ylim=(max(axes[0, 0].get_ylim()[0], lowest / 10), None))
    names = axes[0, 1].get_legend_handles_labels()
    figure.legend(*names, loc="outside lower left", fontsize=8, ncols=min(2, len(runs)))
    return figure


def bars(values: Mapping[object, float], *, title: str, xlabel: str, ylabel: str) -> Figure:
    """Draw one bar a name, with its value above it."""
    alt = f"Bar chart of {ylabel}: " + ", ".join(f"{name}: {value:,.4g}" for name, value in values.items())
    figure, ((axis,),) = _subplots(title, f"{alt}.", note="single values")
    drawn = axis.bar([str(name) for name in values], list(values.values()), color="#0072B2")
    axis.bar_label(drawn, fmt="{:,.4g}", fontsize=8)
    axis.margins(y=0.12)  # room for the labels
    axis.set(xlabel=xlabel, ylabel=ylabel)
    return figure


def histograms(values: Mapping[str, np.ndarray], *, title: str, xlabel: str) -> Figure:
    """Draw the distributions of arrays of any shape as outlines, with a logarithmic count."""
    spread = "; ".join(f"{name}: standard deviation {np.std(array):.4g}" for name, array in values.items())
    figure, ((axis,),) = _subplots(title, f"Histograms. {spread}.", note="all values shown")
    edges = np.histogram_bin_edges(np.concatenate([np.ravel(array) for array in values.values()]), 60)
    for index, (name, array) in enumerate(values.items()):
        look = {"color": _style(name, index)[0], "linestyle": ("-", "--", ":")[index % 3]}
        axis.hist(np.ravel(array), edges, histtype="step", label=name, **look)
    axis.set(xlabel=xlabel, ylabel="count", yscale="log")
    axis.legend()
    return figure


def confusion(labels: np.ndarray, predicted: np.ndarray, *, title: str) -> Figure:
    """Count the pairs of true and predicted digit, integers of shape (n,); only errors are coloured."""
    counts = np.zeros((10, 10), dtype=int)
    np.add.at(counts, (labels, predicted), 1)
    errors = counts - np.diag(np.diag(counts))
    true, wrong = np.unravel_index(errors.argmax(), errors.shape)
    alt = f"{errors.sum()} of {len(labels)} digits are wrong; most often, a {true} is read as {wrong}"
    figure, ((axis,),) = _subplots(
        title, f"{alt} ({errors.max()} times).", 1, (5.5, 5.4), "counts of one model"
    )
    axis.imshow(errors, cmap="Oranges")
    axis.grid(visible=False)
    for row, column in np.ndindex(counts.shape):
        color = "white" if errors[row, column] > 0.77 * errors.max() > 0 else "black"
        look = {"ha": "center", "va": "center", "weight": "bold" if row == column else "normal"}
        axis.text(column, row, counts[row, column] or "·", fontsize=8, color=color, **look)
    axis.set(xlabel="predicted digit", ylabel="true digit", xticks=range(10), yticks=range(10))
    return figure


def differences(values: Mapping[str, Sequence], reference: str, *, title: str, xlabel: str) -> Figure:
    """Draw each name's paired differences to the reference: a dot a seed, the mean and its 95 % interval.

    `values` is ``{name: one number a seed}``, the reference among them, same seeds in the same order.
    """
    others = [name for name in values if name != reference]
    found = [paired_difference(values[name], values[reference]) for name in others]
    alt = "; ".join(f"{name}: {difference}" for name, difference in zip(others, found, strict=True))
    alt = f"{xlabel}, mean and 95 % interval. {alt}."
    figure, ((axis,),) = _subplots(title, alt, size=(7.5, 1.6 + 0.5 * len(others)))
    axis.axvline(0, color="#404040")
    for row, (name, difference) in enumerate(zip(others, found, strict=True)):
        color, marker = _style(name, row + 1)
        each = np.subtract(values[name], values[reference])
        axis.plot(each, np.full(len(each), row + 0.18), ".", color=color)
        look = {"fmt": marker, "color": color, "capsize": 4}
        axis.errorbar(difference.mean, row, xerr=difference.high - difference.mean, **look)
    axis.set(xlabel=xlabel, yticks=range(len(others)), yticklabels=others, ylim=(len(others) - 0.5, -0.5))
    return figure


def intervals(panels: Mapping[str, Mapping[str, Difference]], *, title: str, units: Sequence[str]) -> Figure:
    """Draw differences with their intervals, ``{panel: {row: difference}}``: the same rows in each panel.

    A row named after a technique has its colour and marker; `units` label the panels' axes. A row that
    reaches five times as far as any other would squeeze them: in panels of more than three rows, an arrow at
    the edge and a number stand for it.
    """
    rows = list(next(iter(panels.values())))
    size = (max(7, 1.6 + 2.6 * len(panels)), 1.3 + 0.42 * len(rows))
    figure, axes = _subplots(title, "Means and 95 % intervals.", len(panels), size)
    for (panel, found), unit, axis in zip(panels.items(), units, axes.flat, strict=True):
        *_, second, first = 0, *sorted(max(abs(each.low), abs(each.high)) for each in found.values())
        limit = 1.15 * (second if len(found) > 3 and first > 5 * second > 0 else first) or 1.0
        axis.axvline(0, color="#404040")
        for row, (name, each) in enumerate(found.items()):
            color, marker = _style(name, 1)
            if max(abs(each.low), abs(each.high)) > limit:
                text, side = (f"{each.mean:+.2g} →", 1) if each.mean > 0 else (f"← {each.mean:+.2g}", -1)
                look = {"ha": "right" if side > 0 else "left", "va": "center", "fontsize": 9}
                axis.text(side * 0.97 * limit, row, text, **look)
                continue
            error = [[each.mean - each.low], [each.high - each.mean]]
            axis.errorbar(each.mean, row, xerr=error, fmt=marker, color=color, capsize=4)
        axis.set(title=panel, xlabel=unit, xlim=(-limit, limit), ylim=(len(rows) - 0.5, -0.5))
        axis.locator_params(axis="x", nbins=5)
        axis.set_yticks(range(len(rows)), rows if axis is axes[0, 0] else [""] * len(rows))
        figure.alt += f" {panel}: " + "; ".join(f"{name}: {each}" for name, each in found.items()) + "."
    return figure


def study(runs: pd.DataFrame, techniques: Sequence[str] = ()) -> Figure:
    """Draw what the study found against the baseline: all techniques' accuracy, by size, or more of a few."""
    units = {"accuracy": "percentage points", "cross-entropy": "nats"}
    if techniques:
        found = {measure: compare_all(runs, techniques, measure) for measure in units}
        what = techniques[0].partition(" (")[0]  # "augmentation (gentle)" and another are augmentation
        title = f"{what[0].upper()}{what[1:]} against the baseline (the study, MNIST)"
        return intervals(found, title=title, units=list(units.values()))
    found = {f"{size:,} images": each for size, each in compare_by_size(runs).items()}
    title = "Test accuracy against the baseline (the study, MNIST)"
    return intervals(found, title=title, units=[units["accuracy"]] * len(found))


def sweep(strengths: Sequence, lines: Mapping[str, Sequence], *, title: str, xlabel: str, ylabel: str):
    """Draw what a strength does, at equal distances: ``{name: values}``, "validation" dashed.

    For each strength there is a number, or one a seed: of these, the mean and its 95 % interval are drawn.
    """
    seeds = {name: [np.atleast_1d(values) for values in line] for name, line in lines.items()}
    means = {name: [values.mean() for values in line] for name, line in seeds.items()}
    halves = {name: [half_interval(values) for values in line] for name, line in seeds.items()}
    alt = "; ".join(f"{name}: {', '.join(f'{v:.4g}' for v in line)}" for name, line in means.items())
    repeated = any(half for line in halves.values() for half in line)
    alt = f"{ylabel} at {', '.join(map(str, strengths))}{', means with 95 % intervals' * repeated}. {alt}."
    figure, ((axis,),) = _subplots(title, alt, note="" if repeated else "exact values")
    for index, (name, line) in enumerate(means.items()):
        dash = "--" if name == "validation" else "-"
        look = {"linestyle": dash, "marker": "osD"[index % 3], "color": "#0072B2", "capsize": 4}
        axis.errorbar(list(map(str, strengths)), line, halves[name] if repeated else None, label=name, **look)
    axis.set(xlabel=xlabel, ylabel=ylabel)
    axis.legend()
    return figure
