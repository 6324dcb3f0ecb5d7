"""Find a digit's ink in a photo: by contrast with the paper beside it, and by shape.

Lengths are shares of the picture's longer side or of the digit's, so that a picture's size does not matter.
"""

from typing import NoReturn

import numpy as np
from scipy import ndimage

from mnist_helpers.drawing.paper import FAINTEST, find_paper, find_threshold, remove_lines
from mnist_helpers.drawing.shapes import (
    TOUCHING,
    Shape,
    find_fault,
    is_sheet,
    label_shapes,
    measure_thickness,
    stand_side_by_side,
)
from mnist_helpers.errors import UsageError

_SMALLEST = 0.05  # of the picture's side: a digit
_PEN = 0.06  # of the digit's size: MNIST's thinnest strokes
_ONE_DIGIT = "show one digit alone, with paper on all sides"
_EDGES = ("top", "bottom", "left", "right")


def find_ink(picture: np.ndarray) -> np.ndarray:
    """Find the ink of the one digit in a picture.

    The paper's level is taken beside each pixel, so light may change across the paper. Ruled lines, a drawn
    frame, specks, a table, and all else that reaches the picture's edge are left out.

    Parameters
    ----------
    picture : ndarray, shape (height, width, 3)
        Colours from 0 to 255; the ink is darker or brighter than the paper.

    Returns
    -------
    ndarray, shape (height, width), float
        From 0 (paper) upwards (ink).

    Raises
    ------
    UsageError
        If there is no ink, if it runs over an edge, or if it is no single digit's; the message says which.
    """
    if max(picture.shape) < 8:
        raise UsageError(
            f"read_picture: {picture.shape[0]} x {picture.shape[1]} pixels are too few for a digit"
        )
    blur = max(picture.shape) / 500  # one pixel of 500 averages grain out
    levels = ndimage.gaussian_filter(picture.astype(np.float32), (blur, blur, 0))
    if (cropped := _find_cropped(levels)) is not None:
        return cropped
    views = [_View(levels, sign) for sign in (1, -1)]
    strongest = max(view.strength for view in views)
    views = [view for view in views if view.strength > strongest / 2]
    outlined = max((view.outlined for view in views), default=0)
    views = [view for view in views if view.outlined > max(0.7, outlined - 0.1)]
    if not views:
        _refuse(levels)
    # The hole of a dark 0 is a bright shape as strong as the ink, but smaller. So is a digit on a sheet or on
    # a lit part of it, but that is large and thick.
    inner, outer = min(views, key=_get_size), max(views, key=_get_size)
    on_sheet = outer.thickness > 0.1 * outer.side and _get_size(outer) > 0.4 * outer.side
    slender = _get_size(inner) / inner.thickness > 1.15 * _get_size(outer) / outer.thickness
    view = inner if on_sheet and slender else outer
    return view.read() if view.inner else _refuse(levels)


def _get_size(view: "_View") -> int:
    return view.main.size


class _View:
    """The picture seen as dark ink on bright paper (sign 1), or as bright ink on dark paper (sign -1)."""

    def __init__(self, levels: np.ndarray, sign: int) -> None:
        self.side = max(levels.shape)
        self.inner: list[Shape] = []  # shapes that reach no edge
        self.strength = self.outlined = 0.0
        self.thickness = 1.0
        paper = find_paper(levels, sign)
        # Shadows divide both levels, so their ratio counts. 32 grey levels more damp the noise of the dark.
        brighter = np.maximum(paper, levels)
        if sign < 0:  # at a stroke's edge, too, its full level counts
            near = max(3, round(self.side / 15))
            brighter = ndimage.maximum_filter(brighter, (near, near, 1))
        contrast = (sign * (paper - levels) / (brighter + 32)).max(axis=2)
        self.contrast = remove_lines(contrast, sign * paper.mean(axis=2))
        self.lines = contrast - self.contrast > FAINTEST
        weak, weakest = np.percentile(self.contrast, (25, 5))  # of paper, even where bold ink covers half
        floor = max(FAINTEST, weak + 6 * (weak - weakest))
        rest = self.contrast.copy()
        for _ in range(3):  # what is stronger than the digit but too small, such as specks, goes first
            if np.count_nonzero(rest > floor) < 5:
                return
            self.labels, shapes = label_shapes(rest, max(floor, find_threshold(rest[rest > floor])))
            large = [shape for shape in shapes if shape.size >= _SMALLEST * self.side]
            if large:
                self.main = max(large, key=lambda shape: shape.size)
                self._judge(levels, paper)
                self.inner = self._inside(shapes, large)
                if self.inner or self.main.cut:
                    return
            rest[ndimage.binary_dilation(self.labels > 0, TOUCHING, 2)] = 0

    def _judge(self, levels: np.ndarray, paper: np.ndarray) -> None:
        """Measure the main shape: its contrast, its outline, and its thickness."""
        rows, columns = (slice(max(0, part.start - 6), part.stop + 6) for part in self.main.box)
        own = self.labels[rows, columns] == self.main.label
        self.strength = float(np.median(self.contrast[rows, columns][own]))
        # A piece of paper between strokes ends where nothing is to be seen; ink ends where paper begins.
        inside = ndimage.binary_dilation(own, TOUCHING, max(1, round(self.side / 130)))
        ring = ndimage.binary_dilation(inside, TOUCHING) & ~inside & ~self.lines[rows, columns]
        nearest = ndimage.distance_transform_edt(~own, return_distances=False, return_indices=True)
        ink, ground = (part[rows, columns][tuple(nearest[:, ring])] for part in (levels, paper))
        step, whole = (np.abs(part - ink).max(axis=1) for part in (levels[rows, columns][ring], ground))
        self.outlined = float((step > whole / 3).mean()) if ring.any() else 0.0
        self.thickness = measure_thickness(own)

    def _inside(self, shapes: list[Shape], large: list[Shape]) -> list[Shape]:
        """Return the shapes that reach no edge, if the digit is among them."""
        largest = max((shape.size for shape in large if not shape.cut), default=0)
        cut = [shape for shape in large if shape.cut]
        if any(shape.size > largest and self._level(shape) > 0.7 * self.strength for shape in cut):
            return []
        return [shape for shape in shapes if not shape.cut] if largest else []

    def _level(self, shape: Shape) -> float:
        return float(np.median(self.contrast[shape.box][self.labels[shape.box] == shape.label]))

    def read(self) -> np.ndarray:
        """Return the ink of the digit, or refuse."""
        shapes = sorted(self.inner, key=lambda shape: -shape.size)
        shapes = [shape for shape in shapes if not self._is_frame(shape)]
        main = shapes[0]
        others = [shape for shape in shapes[1:] if shape.size >= 0.05 * main.size]
        digit = self.labels == main.label
        fault = find_fault(digit)
        found = [main]
        while found:  # a bar that does not touch its 5 belongs to it
            distance = ndimage.distance_transform_edt(~digit)
            found = [
                shape
                for shape in others
                if not stand_side_by_side(main, shape)
                and ndimage.minimum(distance, self.labels, shape.label) <= 0.1 * main.size + 1
            ]
            digit |= np.isin(self.labels, [shape.label for shape in found])
            others = [shape for shape in others if shape not in found]
        if any(shape.size > 0.35 * main.size for shape in others):
            raise UsageError(f"read_picture: two separate shapes: {_ONE_DIGIT}")
        if fault := fault or find_fault(digit):
            raise UsageError(f"read_picture: {fault}: {_ONE_DIGIT}")
        full = np.percentile(self.contrast[digit], 90)
        ink = _soften(self.contrast / full) * ndimage.binary_dilation(digit, TOUCHING)
        # Strokes thinner than MNIST's thinnest pen become as thick.
        wanted = round(_PEN * main.size - measure_thickness(digit))
        return ndimage.grey_dilation(ink, (wanted + 1, wanted + 1)) if wanted > 0 else ink

    def _is_frame(self, shape: Shape) -> bool:
        """Say whether another large shape lies in the empty middle of this one."""
        own = self.labels[shape.box] == shape.label
        top, left = shape.height // 4, shape.width // 4
        hollow = own[top : shape.height - top, left : shape.width - left].mean() < 0.01
        return hollow and any(
            other.size > 0.3 * shape.size
            and all(a.start < b.start and b.stop < a.stop for a, b in zip(shape.box, other.box, strict=True))
            for other in self.inner
        )


def _soften(ink: np.ndarray) -> np.ndarray:
    """Below 0.4 of full ink is the paper's grain; from 0.8 on, a pixel counts as full ink."""
    return np.clip(ink - 0.4, 0, 0.4)


def _find_cropped(levels: np.ndarray) -> np.ndarray | None:
    """Find the ink of a digit that fills a plain picture, whose border is ink or paper of one level."""
    paper = np.median(_border(levels), axis=0)
    dark = (paper - levels).max() > (levels - paper).max()
    contrast = (paper - levels if dark else levels - paper).max(axis=2)
    ink = _soften(contrast / max(contrast.max(), 32))
    mask = ink > 0
    if not mask.any() or (remove_lines(contrast / 255, np.zeros_like(ink)) < contrast / 255).any():
        return None
    even = np.abs(levels - paper).max(axis=2) < 0.2 * contrast.max()
    if _border(even | mask).mean() < 0.9:
        return None
    if mask.shape == (28, 28):  # of MNIST's own size, and plain
        return ink * mask
    near = round(0.04 * max(mask.shape)) + 1
    if not all(part.any() for part in (mask[:near], mask[-near:], mask[:, :near], mask[:, -near:])):
        return None
    labels, shapes = label_shapes(contrast, 0.2 * contrast.max())
    main = max(shapes, key=lambda shape: shape.size)
    shares = np.bincount(labels[mask], minlength=len(shapes) + 1) / np.count_nonzero(mask)
    for shape in shapes:
        both = shares[main.label] + shares[shape.label] > 0.6
        if both and shape is not main and stand_side_by_side(main, shape):
            raise UsageError(f"read_picture: two separate shapes: {_ONE_DIGIT}")
    return ink * mask if shares.max() > 0.6 and not is_sheet(mask) and not find_fault(mask) else None


def _refuse(levels: np.ndarray) -> NoReturn:
    """Say why there is no ink inside the picture: it, or something else, reaches an edge."""
    difference = np.abs(levels - np.median(levels, axis=(0, 1))).max(axis=2)
    if difference.max() >= 32:
        mask = difference > difference.max() / 2
        lines = dict(zip(_EDGES, (mask[0], mask[-1], mask[:, 0], mask[:, -1]), strict=True))
        for name, line in lines.items():
            if line.mean() > 0.6:
                raise UsageError(f"read_picture: another area at the {name} edge: crop to the paper")
        edges = " and ".join(name for name, line in lines.items() if line.any())
        if edges:
            raise UsageError(f"read_picture: ink runs over the edge, {edges}: {_ONE_DIGIT}")
    raise UsageError(
        "read_picture: no ink stands out from the paper: write with a darker or thicker pen, larger"
    )


def _border(pixels: np.ndarray) -> np.ndarray:
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
