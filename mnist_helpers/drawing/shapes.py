"""Shapes of ink in a picture: connected pixels, what they look like, and what no digit looks like."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

ONE_DIGIT = "show one digit alone, with paper on all sides"
TOUCHING = np.ones((3, 3), bool)  # pixels that meet at a corner are connected


@dataclass
class Shape:
    """Connected ink.

    Parameters
    ----------
    label : int
        Its number among the labels, from 1.
    box : (slice, slice)
        Its rows and columns.
    cut : bool
        Whether it reaches the picture's edge.
    """

    label: int
    box: tuple[slice, slice]
    cut: bool

    def __post_init__(self) -> None:
        self.height, self.width = (part.stop - part.start for part in self.box)
        self.size = max(self.height, self.width)


def label_shapes(ink: np.ndarray, threshold: float) -> tuple[np.ndarray, list[Shape]]:
    """Label shapes that are above a threshold; ink that is a little weaker connects them.

    Parameters
    ----------
    ink : ndarray, shape (height, width), float
        From 0 (paper) upwards.
    threshold : float
        In the same unit.

    Returns
    -------
    labels : ndarray, shape (height, width), int
        0 where there is no shape.
    shapes : list of Shape
        In the order of their labels.
    """
    weak, _ = ndimage.label(ink > 0.75 * threshold, TOUCHING)
    kept = np.isin(weak, np.unique(weak[ink > threshold])) & (weak > 0)
    labels, _ = ndimage.label(kept, TOUCHING)
    shapes = []
    for number, box in enumerate(ndimage.find_objects(labels), 1):
        ends = (
            box[0].start == 0,
            box[0].stop == ink.shape[0],
            box[1].start == 0,
            box[1].stop == ink.shape[1],
        )
        shapes.append(Shape(number, box, any(ends)))
    return labels, shapes


def stand_side_by_side(one: Shape, two: Shape) -> bool:
    """Return whether two shapes of about the same height stand beside each other, as two digits do.

    Parameters
    ----------
    one, two : Shape
        In any order.

    Returns
    -------
    bool
        A short bar beside a 5 does not count.
    """
    apart = one.box[1].start >= two.box[1].stop or two.box[1].start >= one.box[1].stop
    return apart and min(one.height, two.height) > 0.7 * max(one.height, two.height)


def is_sheet(mask: np.ndarray) -> bool:
    """Return whether ink that fills a picture may be a sheet of paper: full, but for slender strokes.

    Parameters
    ----------
    mask : ndarray, shape (height, width), bool
        Where the ink is.

    Returns
    -------
    bool
        A bold digit is none.
    """
    filled = ndimage.binary_fill_holes(mask)
    strokes, _ = ndimage.label(filled & ~mask, TOUCHING)
    full = measure_thickness(filled) > 0.5 * np.ptp(np.nonzero(mask), axis=1).max()
    if not full or np.count_nonzero(strokes) > 0.25 * np.count_nonzero(filled):
        return False
    # The loops of a bold 8 are not slender.
    sizes = [max(part.stop - part.start for part in box) for box in ndimage.find_objects(strokes)]
    return measure_thickness(strokes > 0) < 0.4 * max(sizes, default=1)


def find_fault(digit: np.ndarray) -> str:
    """Return what is there that no digit looks like.

    Parameters
    ----------
    digit : ndarray, shape (height, width), bool
        Where the ink is; there must be some.

    Returns
    -------
    str
        A noun with its article; empty if it may be a digit.
    """
    own = crop(digit)
    height, width = own.shape
    if width > 1.75 * height:
        return "a shape wider than a digit"
    if measure_thickness(own) > 0.6 * max(height, width):
        return "a blot without strokes"
    band = max(1, height // 12)
    sides = (own[:band], own[-band:], own[:, :band].T, own[:, -band:].T)
    covered = sum(side.any(axis=0).mean() > 0.85 for side in sides)
    if covered >= 3 and 2 * width > height:
        return "a frame that touches the digit"
    return ""


def measure_thickness(mask: np.ndarray) -> float:
    """Measure how thick a shape is where it is thickest.

    Parameters
    ----------
    mask : ndarray, shape (height, width), bool
        Where the ink is.

    Returns
    -------
    float
        In pixels.
    """
    return 2 * float(ndimage.distance_transform_edt(np.pad(mask, 1)).max())


def crop(ink: np.ndarray) -> np.ndarray:
    """Cut away the rows and columns without ink at each side.

    Parameters
    ----------
    ink : ndarray, shape (height, width)
        Ink is what is not 0; there must be some.

    Returns
    -------
    ndarray, shape (height, width)
        A part of the same array.
    """
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def soften(ink: np.ndarray) -> np.ndarray:
    """Separate ink from the paper's grain.

    Parameters
    ----------
    ink : ndarray
        Shares of full ink.

    Returns
    -------
    ndarray of the same shape
        0 up to 0.4 of full ink; the most from 0.8 on.
    """
    return np.clip(ink - 0.4, 0, 0.4)


def get_edges(pixels: np.ndarray) -> dict[str, np.ndarray]:
    """Return the outermost rows and columns of a picture.

    Parameters
    ----------
    pixels : ndarray, shape (height, width, ...)
        At least one pixel.

    Returns
    -------
    dict
        The pixels at the top, bottom, left and right, under these names.
    """
    return {"top": pixels[0], "bottom": pixels[-1], "left": pixels[:, 0], "right": pixels[:, -1]}


def name_edges(mask: np.ndarray) -> str:
    """Name the edges of a picture that a mask reaches.

    Parameters
    ----------
    mask : ndarray, shape (height, width), bool
        Where the ink is.

    Returns
    -------
    str
        Such as "top and left"; empty if it reaches none.
    """
    return " and ".join(name for name, line in get_edges(mask).items() if line.any())
