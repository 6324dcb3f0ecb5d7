"""Figures from plain data, each with a text alternative.

The functions return the figure and never show it; a notebook shows what its cell returns. Titles name the
data set, axis labels name the units. A technique has the same colour and marker in every figure; training is
drawn solid, validation dashed.
"""

import io
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnist_helpers.statistics import Difference, ci_half_width, paired_difference

# Colours of Okabe and Ito's palette that contrast with white: distinguishable with any colour vision.
_STYLES = {
    "baseline": ("#404040", "o"),
    "L2": ("#0072B2", "s"),
    "dropout": ("#D55E00", "^"),
    "augmentation (gentle)": ("#009E73", "D"),
    "augmentation (article)": ("#CC79A7", "v"),
    "early stopping": ("#703800", "P"),
    "combined": ("#785EF0", "X"),
}
_GREY = "#404040"
_BLUE = "#0072B2"


class DescribedFigure(Figure):
    """A matplotlib figure that a notebook shows once, as PNG with its text alternative.

    Attributes
    ----------
    alt : str
        The text alternative: the title, and the numbers that the figure shows.
    """

    alt = ""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return {"image/png": buffer.getvalue(), "text/plain": self.alt}, {"image/png": {"alt": self.alt}}


def _subplots(
    title: str, alt: str, columns: int = 1, size: tuple[float, float] = (7.5, 3.4), no_error_bars: str = ""
) -> tuple[DescribedFigure, list[Axes]]:
    """Make a figure with axes in a row; `no_error_bars` is the reason that it notes for having none."""
    with mpl.rc_context(
        {"axes.grid": True, "axes.axisbelow": True, "grid.alpha": 0.3, "font.size": 10, "axes.titlesize": 11}
    ):
        figure = DescribedFigure(figsize=size, dpi=100, layout="constrained")
        axes = figure.subplots(1, columns, squeeze=False)
        figure.suptitle(title, fontsize=12)
    if no_error_bars:
        figure.supxlabel(f"{no_error_bars}: no error bars", fontsize=8, color="#595959", x=0.99, ha="right")
    figure.alt = f"{title}. {alt}"
    return figure, list(axes.flat)


def _style(name: str, index: int) -> tuple[str, str]:
    """Return the colour and marker of a technique, or else those at an index."""
    technique = name.split(",")[0]  # "L2, λ = 0.01" is L2
    return _STYLES.get(technique) or list(_STYLES.values())[index % len(_STYLES)]


def image_grid(
    images: Sequence, titles: Sequence | None = None, *, title: str, columns: int = 9
) -> DescribedFigure:
    """Show images in rows, ink dark on white.

    Parameters
    ----------
    images : sequence of ndarray, shape (height, width) or (height, width, 1)
        At least one, in any numeric dtype. Each is scaled by its own lowest and highest value.
    titles : sequence, optional
        The text above each image.
    title : str
        Title of the figure.
    columns : int, default 9
        Images per row.

    Returns
    -------
    DescribedFigure
        At most 9 inches wide, unless the title needs more.
    """
    rows = -(-len(images) // columns)  # rounded up
    named = "" if titles is None else f", titled {', '.join(map(str, titles))}"
    height, width = np.max([np.shape(image)[:2] for image in images], axis=0)
    gap = width / 12
    head = height / (3 if named else 12)
    cell = min(9, 1 + columns) / columns  # inches
    # A letter of the title is less than a tenth of an inch wide.
    size = (max(4, cell * columns, len(title) / 10), 0.5 + rows * cell * (height + head) / (width + gap))
    figure, (axis,) = _subplots(title, f"{len(images)} images in {rows} rows{named}.", size=size)
    axis.set_axis_off()
    # All images share one pair of axes: one pair each takes ten times as long to draw.
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        top = row * (height + head)
        left = column * (width + gap)
        ink = np.squeeze(image).astype(float)
        ink = (ink - ink.min()) / max(np.ptp(ink), 1e-9)
        axis.imshow(ink, cmap="gray_r", vmin=0, vmax=1, extent=(left, left + width, top + height, top))
        if titles is not None:
            axis.text(left + width / 2, top - 1, str(titles[index]), fontsize=8, ha="center")
    axis.set(xlim=(0, columns * (width + gap) - gap), ylim=(rows * (height + head) - head, -head))
    return figure


def curves(runs: Mapping[str, Any], *, title: str, mark_best: bool = False) -> DescribedFigure:
    """Draw cross-entropy and accuracy by epoch, in training (solid) and on validation images (dashed).

    Parameters
    ----------
    runs : mapping of str to recipes.Run or keras.callbacks.History
        Each has a `history`: one number per epoch for each metric. Keras's holds no ``cross_entropy``, so
        its ``loss`` is drawn, which is the same for a network without a penalty.
    title : str
        Title of the figure.
    mark_best : bool, default False
        Draw a dotted line at each run's epoch of lowest validation cross-entropy.

    Returns
    -------
    DescribedFigure
        Cross-entropy in nats on a logarithmic axis, accuracy as a share from 0 to 1.
    """
    figure, axes = _subplots(title, "Two line charts by epoch.", 2, (7.5, 3.8), no_error_bars="one run each")
    lowest = np.inf
    for index, (name, run) in enumerate(runs.items()):
        color, marker = _style(name, index)
        metric = "cross_entropy" if "cross_entropy" in run.history else "loss"
        training = run.history[metric]
        validation = run.history[f"val_{metric}"]
        best = int(np.argmin(validation)) + 1
        lowest = min(lowest, min(validation))
        for axis, shown in zip(axes, (metric, "accuracy"), strict=True):
            for part, key, line in (("training", shown, "-"), ("validation", f"val_{shown}", "--")):
                numbers = run.history[key]
                epochs = range(1, len(numbers) + 1)
                label = f"{name}, {part}"
                axis.plot(epochs, numbers, marker + line, color=color, markersize=4, label=label)
            if mark_best:
                axis.axvline(best, color=color, linestyle=":")
        figure.alt += (
            f" {name}: cross-entropy ends at {training[-1]:.3f} in training and {validation[-1]:.3f} on"
            f" validation, where it is lowest at epoch {best}."
        )
    for axis, ylabel in zip(axes, ("cross-entropy (nats)", "accuracy (share)"), strict=True):
        axis.set(xlabel="epoch", ylabel=ylabel)
        axis.locator_params(axis="x", integer=True)
    # Training losses below a tenth of the lowest validation loss would squeeze the rest.
    axes[0].set(yscale="log", ylim=(max(axes[0].get_ylim()[0], lowest / 10), None))
    handles, labels = axes[1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", fontsize=8, ncols=min(2, len(runs)))
    return figure


def bars(values: Mapping[Any, float], *, title: str, xlabel: str, ylabel: str) -> DescribedFigure:
    """Draw one bar per name, with its value above it.

    Parameters
    ----------
    values : mapping of name to float
        Single values, which have no error bars.
    title, xlabel, ylabel : str
        Title of the figure and labels of its axes, with units.

    Returns
    -------
    DescribedFigure
        Its text alternative holds all values.
    """
    alt = f"Bar chart of {ylabel}: " + ", ".join(f"{name}: {value:,.4g}" for name, value in values.items())
    figure, (axis,) = _subplots(title, f"{alt}.", no_error_bars="single values")
    drawn = axis.bar([str(name) for name in values], list(values.values()), color=_BLUE)
    axis.bar_label(drawn, fmt="{:,.4g}", fontsize=8)
    axis.margins(y=0.12)  # room for the labels
    axis.set(xlabel=xlabel, ylabel=ylabel)
    return figure


def histograms(values: Mapping[str, np.ndarray], *, title: str, xlabel: str) -> DescribedFigure:
    """Draw the distributions of arrays as outlines, with a logarithmic count.

    Parameters
    ----------
    values : mapping of str to ndarray
        Arrays of any shape; they share 60 bins of equal width.
    title, xlabel : str
        Title of the figure, and label of its horizontal axis, with units.

    Returns
    -------
    DescribedFigure
        Its text alternative holds each array's standard deviation.
    """
    spread = "; ".join(f"{name}: standard deviation {np.std(array):.4g}" for name, array in values.items())
    figure, (axis,) = _subplots(title, f"Histograms. {spread}.", no_error_bars="all values shown")
    edges = list(np.histogram_bin_edges(np.concatenate([np.ravel(each) for each in values.values()]), 60))
    for index, (name, array) in enumerate(values.items()):
        color, _ = _style(name, index)
        linestyle = ("-", "--", ":")[index % 3]
        axis.hist(np.ravel(array), edges, histtype="step", label=name, color=color, linestyle=linestyle)
    axis.set(xlabel=xlabel, ylabel="count", yscale="log")
    axis.legend()
    return figure


def confusion(labels: np.ndarray, predicted: np.ndarray, *, title: str) -> DescribedFigure:
    """Draw the confusion matrix of digits, with only the errors coloured.

    Parameters
    ----------
    labels, predicted : ndarray, shape (n,), int
        True and predicted digits, 0 to 9.
    title : str
        Title of the figure.

    Returns
    -------
    DescribedFigure
        Rows are true digits, columns predicted ones.
    """
    counts = np.zeros((10, 10), dtype=int)
    np.add.at(counts, (labels, predicted), 1)
    errors = counts - np.diag(np.diag(counts))
    true, wrong = np.unravel_index(errors.argmax(), errors.shape)
    alt = (
        f"{errors.sum()} of {len(labels)} digits are wrong; most often, a {true} is read as {wrong}"
        f" ({errors.max()} times)."
    )
    figure, (axis,) = _subplots(title, alt, size=(5.5, 5.4), no_error_bars="counts of one model")
    axis.imshow(errors, cmap="Oranges")
    axis.grid(visible=False)
    for row, column in np.ndindex(counts.shape):
        color = "white" if errors[row, column] > 0.77 * errors.max() > 0 else "black"
        weight = "bold" if row == column else "normal"
        text = str(counts[row, column] or "·")
        axis.text(column, row, text, fontsize=8, ha="center", va="center", color=color, weight=weight)
    axis.set(xlabel="predicted digit", ylabel="true digit", xticks=range(10), yticks=range(10))
    return figure


def differences(
    values: Mapping[str, Sequence[float]], reference: str, *, title: str, xlabel: str
) -> DescribedFigure:
    """Draw each name's paired differences to a reference: a dot per seed, their mean and its 95 % interval.

    Parameters
    ----------
    values : mapping of str to sequence of float
        For each name one number per seed, the same seeds in the same order; the reference is among them.
    reference : str
        The name that the others are compared with.
    title, xlabel : str
        Title of the figure, and label of its horizontal axis, with units.

    Returns
    -------
    DescribedFigure
        Its text alternative holds each difference with interval and verdict.
    """
    found = {name: paired_difference(values[name], values[reference]) for name in values if name != reference}
    texts = "; ".join(f"{name}: {difference}" for name, difference in found.items())
    alt = f"{xlabel}, mean and 95 % interval. {texts}."
    figure, (axis,) = _subplots(title, alt, size=(7.5, 1.6 + 0.5 * len(found)))
    axis.axvline(0, color=_GREY)
    for row, (name, difference) in enumerate(found.items()):
        color, marker = _style(name, row + 1)
        seeds = np.subtract(values[name], values[reference])
        axis.plot(seeds, np.full(len(seeds), row + 0.18), ".", color=color)
        half = difference.high - difference.mean
        axis.errorbar(difference.mean, row, xerr=half, fmt=marker, color=color, capsize=4)
    axis.set(xlabel=xlabel, yticks=range(len(found)), yticklabels=found, ylim=(len(found) - 0.5, -0.5))
    return figure


def intervals(
    panels: Mapping[str, Mapping[str, Difference]], *, title: str, units: Sequence[str]
) -> DescribedFigure:
    """Draw differences with their intervals in panels that share their rows.

    A row that reaches five times as far as any other would squeeze them. In panels of more than three rows,
    an arrow and a number at the edge stand for it.

    Parameters
    ----------
    panels : mapping of str to mapping of str to Difference
        ``{panel: {row: difference}}``, at least one of each, the same rows in each panel. A row named after
        a technique has its colour and marker.
    title : str
        Title of the figure.
    units : sequence of str
        The unit of each panel.

    Returns
    -------
    DescribedFigure
        Its text alternative holds each difference with interval and verdict.
    """
    rows = list(next(iter(panels.values())))
    size = (max(7, 1.6 + 2.6 * len(panels)), 1.3 + 0.42 * len(rows))
    figure, axes = _subplots(title, "Means and 95 % intervals.", len(panels), size)
    for (panel, found), unit, axis in zip(panels.items(), units, axes, strict=True):
        limit = _limit(found.values())
        axis.axvline(0, color=_GREY)
        for row, (name, difference) in enumerate(found.items()):
            if _reach(difference) > limit:
                _draw_arrow(axis, row, difference.mean, limit)
                continue
            color, marker = _style(name, 1)
            error = [[difference.mean - difference.low], [difference.high - difference.mean]]
            axis.errorbar(difference.mean, row, xerr=error, fmt=marker, color=color, capsize=4)
        axis.set(title=panel, xlabel=unit, xlim=(-limit, limit), ylim=(len(rows) - 0.5, -0.5))
        axis.locator_params(axis="x", nbins=5)
        axis.set_yticks(range(len(rows)), rows if axis is axes[0] else [""] * len(rows))
        texts = "; ".join(f"{name}: {difference}" for name, difference in found.items())
        figure.alt += f" {panel}: {texts}."
    return figure


def _reach(difference: Difference) -> float:
    """Return the distance from 0 to the farther end of an interval."""
    return max(abs(difference.low), abs(difference.high))


def _limit(found: Collection[Difference]) -> float:
    """Return where a panel's axis ends on both sides."""
    *others, farthest = sorted(map(_reach, found))
    if len(others) >= 3 and farthest > 5 * others[-1] > 0:
        farthest = others[-1]
    return 1.15 * farthest or 1.0


def _draw_arrow(axis: Axes, row: int, mean: float, limit: float) -> None:
    """Write a mean beyond the limit at the edge of its side."""
    if mean > 0:
        axis.text(0.97 * limit, row, f"{mean:+.2g} →", ha="right", va="center", fontsize=9)
    else:
        axis.text(-0.97 * limit, row, f"← {mean:+.2g}", ha="left", va="center", fontsize=9)


def sweep(
    strengths: Sequence, lines: Mapping[str, Sequence], *, title: str, xlabel: str, ylabel: str
) -> DescribedFigure:
    """Draw the effect of a technique's strength, with equal distances between the strengths.

    Parameters
    ----------
    strengths : sequence
        The strengths, as they are to be written.
    lines : mapping of str to sequence
        For each name one entry per strength: a number, or one number per seed, whose mean and 95 % interval
        are drawn. The line named ``"validation"`` is dashed.
    title, xlabel, ylabel : str
        Title of the figure and labels of its axes, with units.

    Returns
    -------
    DescribedFigure
        Its text alternative holds the means.
    """
    labels = [str(strength) for strength in strengths]
    means = {name: [float(np.mean(values)) for values in line] for name, line in lines.items()}
    halves = {name: [ci_half_width(np.atleast_1d(values)) for values in line] for name, line in lines.items()}
    has_intervals = any(any(line) for line in halves.values())
    kind = ", means with 95 % intervals" if has_intervals else ""
    texts = [f"{name}: {', '.join(f'{mean:.4g}' for mean in line)}" for name, line in means.items()]
    alt = f"{ylabel} at {', '.join(labels)}{kind}. {'; '.join(texts)}."
    figure, (axis,) = _subplots(title, alt, no_error_bars="" if has_intervals else "exact values")
    for index, (name, line) in enumerate(means.items()):
        look = "osD"[index % 3] + ("--" if name == "validation" else "-")
        half = halves[name] if has_intervals else None
        axis.errorbar(labels, line, half, fmt=look, label=name, color=_BLUE, capsize=4)
    axis.set(xlabel=xlabel, ylabel=ylabel)
    axis.legend()
    return figure
