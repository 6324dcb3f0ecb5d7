"""The base of all figures (look, colours, text alternative), and those that show images or counts."""

import io
import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import colors
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from PIL import Image

# Colours of Okabe and Ito's palette that contrast with white: distinguishable with any colour vision.
STYLES = {
    "baseline": ("#404040", "o"),
    "L2": ("#0072B2", "s"),
    "dropout": ("#D55E00", "^"),
    "augmentation (gentle)": ("#009E73", "D"),
    "augmentation (article)": ("#CC79A7", "v"),
    "early stopping": ("#703800", "P"),
    "combined": ("#785EF0", "X"),
}
GREY = "#404040"
BLUE = "#0072B2"
MARK = "#D55E00"
_DPI = 100  # at which a notebook shows a figure; its file has twice as many pixels each way
WIDTH = 8.0  # inches, of all charts
MOST_HEARD = 100  # characters of a list in a text alternative


class DescribedFigure(Figure):
    """A matplotlib figure that a notebook shows once, as PNG with its text alternative.

    Attributes
    ----------
    alt : str
        The text alternative: one sentence with the title and the numbers that matter.
    """

    alt = ""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        drawn = io.BytesIO()
        self.savefig(drawn, format="png", dpi=2 * _DPI)
        for text in self.findobj(Text):
            # Each text refers to the renderer, which holds all pixels: 5 MB for as long as the figure lives.
            vars(text)["_renderer"] = None
        image = Image.open(drawn).convert("RGB")
        small = io.BytesIO()
        # 256 colours make the file a third as large; no picture of these lessons needs more.
        image.quantize(256, dither=Image.Dither.NONE).save(small, format="png", optimize=True)
        shown = {"alt": self.alt, "width": image.width // 2, "height": image.height // 2}
        return {"image/png": small.getvalue(), "text/plain": self.alt}, {"image/png": shown}


def make_axes(
    title: str, columns: int = 1, size: tuple[float, float] = (WIDTH, 3.6)
) -> tuple[DescribedFigure, list[Axes]]:
    """Make a figure with axes in a row.

    Parameters
    ----------
    title : str
        Title of the figure.
    columns : int, default 1
        Number of axes.
    size : (float, float), optional
        Width and height in inches.

    Returns
    -------
    figure : DescribedFigure
        The figure; it needs a text alternative (see `describe`).
    axes : list of Axes
        Its axes, from left to right.
    """
    look: dict[Any, Any] = {"axes.grid": True, "axes.axisbelow": True, "grid.alpha": 0.3, "font.size": 10}
    look |= {"axes.spines.top": False, "axes.spines.right": False}
    with mpl.rc_context(look):
        figure = DescribedFigure(figsize=size, dpi=_DPI, layout="constrained")
        axes = figure.subplots(1, columns, squeeze=False)
        figure.suptitle(title, fontsize=12)
    return figure, list(axes.flat)


def describe(figure: DescribedFigure, text: str) -> DescribedFigure:
    """Set a figure's text alternative, one sentence that begins with its title.

    Parameters
    ----------
    figure : DescribedFigure
        A figure with a title.
    text : str
        What the sentence says after the title, without a full stop.

    Returns
    -------
    DescribedFigure
        The same figure.
    """
    title = figure.get_suptitle().rstrip(".:")
    # Names may have line breaks, which belong to the drawing.
    figure.alt = " ".join(f"{title}{'' if title.endswith('?') else ':'} {text}.".split())
    return figure


def choose_styles(names: Collection[str]) -> dict[str, tuple[str, str]]:
    """Choose each name's colour and marker.

    Parameters
    ----------
    names : collection of str
        Names of lines or points. Up to a comma, a name is that of a technique: ``"L2, λ = 0.01"`` is L2.

    Returns
    -------
    dict of str to (str, str)
        Colour and marker by name. A technique has its own; its variants get shades of its colour and other
        markers, but a name that ends in ``", validation"`` has the same. Other names get what no technique
        here has.
    """
    techniques = list(dict.fromkeys(name.split(",")[0] for name in names))
    free = [style for technique, style in STYLES.items() if technique not in techniques]
    others = itertools.cycle(free or STYLES.values())
    chosen = {technique: STYLES.get(technique) or next(others) for technique in techniques}
    styles: dict[str, tuple[str, str]] = {}
    uses: dict[str, int] = {}
    for name in names:
        technique = name.split(",")[0]
        color, marker = chosen[technique]
        count = uses[technique] = uses.get(technique, -1) + 1
        if count and not name.endswith(", validation"):
            color = darken(color, max(0.1, 1 - 0.3 * count))
            marker = "<>ph*"[(count - 1) % 5]
        styles[name] = (color, marker)
    return styles


def darken(color: str, share: float) -> str:
    """Return a darker shade of a colour.

    Parameters
    ----------
    color : str
        The colour, in any form that matplotlib knows.
    share : float
        How much of its red, green and blue stays, from 0 to 1.

    Returns
    -------
    str
        The shade as ``"#rrggbb"``.
    """
    red, green, blue = colors.to_rgb(color)
    return colors.to_hex((share * red, share * green, share * blue))


def image_grid(
    images: Sequence,
    titles: Sequence | None = None,
    *,
    title: str,
    columns: int = 9,
    frame: bool = False,
    shared_scale: bool = False,
    to_scale: bool = False,
    marks: Mapping[int, tuple[float, float, float, float]] | None = None,
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
    frame : bool, default False
        Draw a thin frame around each image, which makes a shift visible.
    shared_scale : bool, default False
        Scale all images alike, by the largest absolute value of all; 0 is white, or mid grey where some
        values are negative.
    to_scale : bool, default False
        Keep the proportions of images of different size, instead of enlarging each to its cell.
    marks : mapping of int to (row, column, height, width), optional
        A box to draw into an image, in its pixels, by the image's place in the sequence.

    Returns
    -------
    DescribedFigure
        At most 9 inches wide, unless the title needs more.
    """
    rows = -(-len(images) // columns)  # rounded up
    height, width = np.max([np.shape(image)[:2] for image in images], axis=0)
    gap = width / 12
    head = height / (12 if titles is None else 3)
    cell = min(9, 1 + columns) / columns  # inches
    # A letter of the title is less than a tenth of an inch wide.
    size = (max(4, cell * columns, len(title) / 10), 0.5 + rows * cell * (height + head) / (width + gap))
    figure, (axis,) = make_axes(title, size=size)
    axis.set_axis_off()
    # All images share one pair of axes: one pair each takes ten times as long to draw.
    for index, (image, ink) in enumerate(zip(images, _scale_ink(images, shared_scale), strict=True)):
        row, column = divmod(index, columns)
        top = row * (height + head)
        left = column * (width + gap)
        pixels = np.shape(image)[:2]
        unit = 1.0 if to_scale else min(height / pixels[0], width / pixels[1])
        bottom, right = top + unit * pixels[0], left + unit * pixels[1]
        axis.imshow(ink, cmap="gray_r", vmin=0, vmax=1, extent=(left, right, bottom, top))
        boxes = [((0, 0, *pixels), GREY, 0.8)] if frame else []
        boxes += [(marks[index], MARK, 2)] if marks and index in marks else []
        for (y, x, tall, wide), color, line in boxes:
            corner = (left + unit * x, top + unit * y)
            box = Rectangle(corner, unit * wide, unit * tall, fill=False)
            axis.add_patch(box).set(edgecolor=color, linewidth=line)
        if titles is not None:
            axis.text((left + right) / 2, top - 1, str(titles[index]), fontsize=8, ha="center")
    axis.set_xlim(-gap / 4, columns * (width + gap) - 0.75 * gap)
    axis.set_ylim(rows * (height + head) - head + gap / 4, -head)
    named = "" if titles is None else ", ".join(str(each) for each in titles if str(each))
    # A long list says nothing to somebody who hears it.
    named = f", titled {named}" if named and len(named) <= MOST_HEARD else ""
    counted = [f"{n} {word}{'' if n == 1 else 's'}" for n, word in ((len(images), "image"), (rows, "row"))]
    return describe(figure, f"{' in '.join(counted)}{named}")


def _scale_ink(images: Sequence, shared: bool) -> list[np.ndarray]:
    """Return images with values from 0 (white) to 1 (black)."""
    inks = [np.squeeze(np.atleast_3d(image), axis=2).astype(float) for image in images]
    if not shared:
        return [(ink - ink.min()) / max(np.ptp(ink), 1e-9) for ink in inks]
    largest = max(float(np.abs(ink).max()) for ink in inks) or 1.0
    if min(ink.min() for ink in inks) < 0:
        return [(ink / largest + 1) / 2 for ink in inks]
    return [ink / largest for ink in inks]


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
    figure, (axis,) = make_axes(title, size=(5.5, 5.4))
    axis.imshow(errors, cmap="Oranges")
    axis.grid(visible=False)
    for row, column in np.ndindex(counts.shape):
        color = "white" if errors[row, column] > 0.77 * errors.max() > 0 else "black"
        weight = "bold" if row == column else "normal"
        text = str(counts[row, column] or "·")
        axis.text(column, row, text, fontsize=8, ha="center", va="center", color=color, weight=weight)
    axis.set(xlabel="predicted digit", ylabel="true digit", xticks=range(10), yticks=range(10))
    most = f"most often, a {true} is read as {wrong} ({errors.max()} times)"
    return describe(figure, f"{errors.sum()} of {len(labels)} digits are wrong; {most}")
