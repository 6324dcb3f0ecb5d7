"""Figures from plain data, each with a text alternative.

The functions return the figure and never show it; a notebook shows what its cell returns. Titles name the
data set, axis labels name the units. A technique has the same colour and marker in every figure; training is
drawn solid, validation dashed.
"""

from collections.abc import Mapping, Sequence
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
        Its text alternative holds where up to three lines begin and end; of more, which ends highest and
        lowest.
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
    if len(ends) > 3:
        texts = _tell_extremes({name: end for name, (_, end, *_) in ends.items()}, "ends")
    return describe(figure, f"{ylabel} against {xlabel}; {'; '.join(texts)}")


def _tell_extremes(values: Mapping[str, float], verb: str) -> list[str]:
    """Say which of many values is the highest, and which the lowest."""
    highest, lowest = max(values, key=values.__getitem__), min(values, key=values.__getitem__)
    return [
        f"{highest} {verb} highest, at {values[highest]:,.4g}",
        f"{lowest} lowest, at {values[lowest]:,.4g}",
    ]


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
        Its text alternative holds up to four values, of stacks the first part's; of more values, the highest
        and the lowest.
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
    told = next(iter(next(iter(stacks.values()))))
    shown = {name: stack[told] for name, stack in stacks.items()}
    texts = [f"{name} {height:,.4g}" for name, height in shown.items()]
    if len(texts) > 4:
        texts = _tell_extremes(shown, "is")
    of_part = f"; {told}" if told else ""
    return describe(figure, f"{ylabel}{of_part}: {', '.join(texts)}")
