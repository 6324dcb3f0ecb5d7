"""Figures from plain data, each with a text alternative.

The functions return the figure and never show it; a notebook shows what its cell returns. Titles name the
data set, axis labels name the units. A technique has the same colour and marker in every figure; training is
drawn solid, validation dashed.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import ticker
from matplotlib.axes import Axes

from mnist_helpers.figures import (
    BLUE,
    GREY,
    MARK,
    WIDTH,
    DescribedFigure,
    choose_styles,
    darken,
    describe,
    make_axes,
)
from mnist_helpers.figures import confusion as confusion
from mnist_helpers.figures import image_grid as image_grid
from mnist_helpers.statistics import Difference, paired_difference


def lines(
    values: Mapping[str, Sequence],
    x: Sequence | None = None,
    *,
    title: str,
    xlabel: str,
    ylabel: str,
    x_log: bool = False,
    y_log: bool = False,
    vertical: Mapping[str, float] | None = None,
    horizontal: Mapping[str, float] | None = None,
    ylim: tuple[float | None, float | None] | None = None,
) -> DescribedFigure:
    """Draw lines with their names at their ends.

    Parameters
    ----------
    values : mapping of str to sequence
        For each name numbers, or one sequence of numbers per seed: then each seed is a thin line, and their
        mean a thick one. Names that begin alike, up to a comma, share a colour; a name that ends in
        ``", validation"`` is dashed.
    x : sequence, optional
        Positions that all lines share, or texts for positions of equal distance; default 1, 2, 3 and so on.
    title, xlabel, ylabel : str
        Title of the figure and labels of its axes, with units.
    x_log, y_log : bool, default False
        Whether an axis is logarithmic.
    vertical, horizontal : mapping of str to float, optional
        Positions of dotted lines, with their names.
    ylim : (float or None, float or None), optional
        Where the vertical axis begins and ends.

    Returns
    -------
    DescribedFigure
        Its text alternative holds where each line begins and ends.
    """
    figure, (axis,) = make_axes(title)
    axis.set(xlabel=xlabel, ylabel=ylabel)
    named = x is not None and isinstance(x[0], str)
    positions = range(len(x)) if named and x is not None else x
    ends = _draw_lines(axis, values, positions, choose_styles(values))
    if x_log:
        axis.set_xscale("log")
    if y_log:
        _set_log_scale(axis)
    if x is None or (not x_log and all(isinstance(each, int) for each in x)):
        axis.locator_params(axis="x", integer=True)
    elif named or x_log:
        axis.set_xticks(list(positions or ()), [str(each) for each in x], minor=False)
        axis.minorticks_off()
    if ylim:
        axis.set_ylim(*ylim)
    for label, position in (vertical or {}).items():
        axis.axvline(position, color=GREY, linestyle=":")
        axis.text(position, 1.01, label, transform=axis.get_xaxis_transform(), fontsize=8, ha="center")
    for label, position in (horizontal or {}).items():
        axis.axhline(position, color=GREY, linestyle=":")
        where: dict[str, Any] = {"transform": axis.get_yaxis_transform(), "va": "bottom", "ha": "right"}
        axis.text(0.99, position, label, fontsize=8, **where)
    _name_ends(axis, ends)
    texts = [f"{name} goes from {start:.3g} to {end:.3g}" for name, (start, end, *_) in ends.items()]
    return describe(figure, f"{ylabel} against {xlabel}; {'; '.join(texts)}")


def _set_log_scale(axis: Axes) -> None:
    """Make the vertical axis logarithmic, with plain numbers such as 0.02 at its ticks."""
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_formatter(ticker.NullFormatter())


def _draw_lines(
    axis: Axes, values: Mapping[str, Sequence], x: Sequence | None, styles: Mapping[str, tuple[str, str]]
) -> dict[str, tuple]:
    """Draw lines; return for each name its first and last value, its last position and its colour."""
    ends = {}
    for name in values:
        color, marker = styles[name]
        several = np.ndim(values[name][0]) > 0
        runs = [list(map(float, run)) for run in (values[name] if several else [values[name]])]
        style = "--" if name.endswith("validation") else "-"
        positions = [list(range(1, len(run) + 1)) if x is None else list(x)[: len(run)] for run in runs]
        if several:
            for place, run in zip(positions, runs, strict=True):
                axis.plot(place, run, style, color=color, linewidth=0.6)
        shortest = min(map(len, runs))
        mean = np.mean([run[:shortest] for run in runs], axis=0)
        place = positions[0][:shortest]
        every = max(1, shortest // 12)
        axis.plot(place, mean, marker + style, color=color, markersize=4, markevery=every, label=name)
        ends[name] = (mean[0], mean[-1], place[-1], color)
    return ends


def _name_ends(axis: Axes, ends: Mapping[str, tuple]) -> None:
    """Write the names of lines at their right ends, one above the other where they would overlap."""
    axis.margins(x=0.02)
    bottom, top = axis.get_ylim()
    point = axis.figure.dpi / 72  # pixels
    places = []
    for name, (_, end, place, color) in ends.items():
        at = (place, min(max(end, bottom), top))
        places.append((axis.transData.transform(at)[1] / point, name, at, color))
    lowest = -np.inf
    for height, name, at, color in sorted(places):
        lowest = max(height, lowest + 12)
        # Text needs more contrast than a line.
        look: dict[str, Any] = {"color": darken(color, 0.7), "fontsize": 9, "va": "center"}
        axis.annotate(name, at, (6, lowest - height), textcoords="offset points", **look)


def curves(runs: Mapping[str, Any], *, title: str, mark_best: bool = False) -> DescribedFigure:
    """Draw loss and accuracy by epoch, in training (solid) and on validation images (dashed).

    Parameters
    ----------
    runs : mapping of str to recipes.Run or keras.callbacks.History
        Each has a `history`: one number per epoch for each metric. If it holds ``cross_entropy``, that is
        drawn instead of ``loss``, which may include a penalty.
    title : str
        Title of the figure.
    mark_best : bool, default False
        Draw a dotted line at each run's epoch of lowest validation loss.

    Returns
    -------
    DescribedFigure
        Loss in nats on a logarithmic axis, accuracy as a share from 0 to 1.
    """
    figure, axes = make_axes(title, 2, (WIDTH, 3.6))
    texts = []
    bests: dict[str, int] = {}
    parts: list[dict[str, Sequence]] = [{}, {}]
    styles = choose_styles(runs)
    for name, run in runs.items():
        loss = "cross_entropy" if "cross_entropy" in run.history else "loss"
        prefix = f"{name}, " if len(runs) > 1 else ""
        for part, metric in zip(parts, (loss, "accuracy"), strict=True):
            part[f"{prefix}training"] = run.history[metric]
            part[f"{prefix}validation"] = run.history[f"val_{metric}"]
        styles |= dict.fromkeys([f"{prefix}training", f"{prefix}validation"], styles[name])
        best = int(np.argmin(run.history[f"val_{loss}"])) + 1
        bests[name] = best
        texts.append(
            f"{name}: loss ends at {run.history[loss][-1]:.3f} in training and"
            f" {run.history[f'val_{loss}'][-1]:.3f} on validation images, where it is lowest at epoch {best}"
        )
    lowest = min(min(values) for name, values in parts[0].items() if name.endswith("validation"))
    for axis, part, ylabel in zip(axes, parts, ("cross-entropy (nats)", "accuracy (share)"), strict=True):
        ends = _draw_lines(axis, part, None, styles)
        axis.set(xlabel="epoch", ylabel=ylabel)
        axis.locator_params(axis="x", integer=True)
        if axis is axes[0]:
            _set_log_scale(axis)
            # Training losses below a tenth of the lowest validation loss would squeeze the rest.
            axis.set_ylim(max(axis.get_ylim()[0], lowest / 10), None)
        _name_ends(axis, ends)
    for name in bests if mark_best else ():
        axes[0].axvline(bests[name], color=styles[name][0], linestyle=":")
    return describe(figure, "; ".join(texts))


def bars(values: Mapping[Any, Any], *, title: str, xlabel: str, ylabel: str) -> DescribedFigure:
    """Draw one bar per name, with its value above it.

    Parameters
    ----------
    values : mapping of name to float, or to mapping of str to float
        A value, or the parts of one, which are stacked.
    title, xlabel, ylabel : str
        Title of the figure and labels of its axes, with units.

    Returns
    -------
    DescribedFigure
        Its text alternative holds all values.
    """
    figure, (axis,) = make_axes(title)
    stacks = {
        str(name): value if isinstance(value, Mapping) else {"": value} for name, value in values.items()
    }
    bottoms = np.zeros(len(stacks))
    ends = {}
    for index, part in enumerate(next(iter(stacks.values()))):
        heights = np.array([stack[part] for stack in stacks.values()])
        color = (BLUE, MARK, GREY)[index % 3]
        drawn = axis.bar(list(stacks), heights, bottom=bottoms, color=color)
        ends[part] = (0, bottoms[-1] + heights[-1] / 2, len(stacks) - 0.6, color)
        bottoms += heights
    axis.bar_label(drawn, [f"{height:,.4g}" for height in bottoms], fontsize=8)
    axis.margins(y=0.12)  # room for the labels
    axis.set(xlabel=xlabel, ylabel=ylabel)
    _name_ends(axis, ends)
    texts = [
        f"{name} " + " + ".join(f"{part} {value:,.4g}".strip() for part, value in stack.items())
        for name, stack in stacks.items()
    ]
    return describe(figure, f"{ylabel} is {', '.join(texts)}")


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
    figure, (axis,) = make_axes(title, size=(WIDTH, 1.6 + 0.5 * len(found)))
    axis.axvline(0, color=GREY)
    styles = choose_styles([reference, *found])
    for row, (name, difference) in enumerate(found.items()):
        color, marker = styles[name]
        seeds = np.subtract(values[name], values[reference])
        axis.plot(seeds, np.full(len(seeds), row + 0.18), ".", color=color)
        half = difference.high - difference.mean
        axis.errorbar(difference.mean, row, xerr=half, fmt=marker, color=color, capsize=4)
    axis.set(xlabel=xlabel, yticks=range(len(found)), yticklabels=found, ylim=(len(found) - 0.5, -0.5))
    texts = "; ".join(f"{name} {difference}" for name, difference in found.items())
    return describe(figure, f"{xlabel}, mean and 95 % interval: {texts}")


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
    size = (max(WIDTH, 1.6 + 2.6 * len(panels)), 1.3 + 0.42 * len(rows))
    figure, axes = make_axes(title, len(panels), size)
    styles = choose_styles(["", *dict.fromkeys(name for found in panels.values() for name in found)])
    texts = []
    for (panel, found), unit, axis in zip(panels.items(), units, axes, strict=True):
        limit = _limit(found.values())
        axis.axvline(0, color=GREY)
        for row, (name, difference) in enumerate(found.items()):
            if _reach(difference) > limit:
                _draw_arrow(axis, row, difference.mean, limit)
                continue
            color, marker = styles[name]
            error = [[difference.mean - difference.low], [difference.high - difference.mean]]
            axis.errorbar(difference.mean, row, xerr=error, fmt=marker, color=color, capsize=4)
        axis.set(title=panel, xlabel=unit, xlim=(-limit, limit), ylim=(len(rows) - 0.5, -0.5))
        axis.locator_params(axis="x", nbins=5)
        axis.set_yticks(range(len(rows)), rows if axis is axes[0] else [""] * len(rows))
        texts.append(f"{panel}: " + ", ".join(f"{name} {difference}" for name, difference in found.items()))
    return describe(figure, f"means and 95 % intervals; {'; '.join(texts)}")


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
