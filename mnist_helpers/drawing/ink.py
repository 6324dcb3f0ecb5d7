"""Find a digit's ink in a photo: by contrast with the paper beside it, and by shape.

Lengths are shares of the picture's longer side or of the digit's, so that a picture's size does not matter.
"""

from typing import NoReturn

import numpy as np
from scipy import ndimage

from mnist_helpers.drawing.close_ups import FRAME, find_close_up
from mnist_helpers.drawing.paper import (
    FAINTEST,
    find_bright_spots,
    find_paper,
    find_threshold,
    remove_lines,
    remove_specks,
)
from mnist_helpers.drawing.shapes import (
    ONE_DIGIT,
    TOUCHING,
    Shape,
    find_fault,
    get_edges,
    label_shapes,
    measure_thickness,
    name_edges,
    soften,
    stand_side_by_side,
)
from mnist_helpers.errors import UsageError

_SMALLEST = 0.05  # of the picture's side: a digit
_PEN = 0.06  # of the digit's size: MNIST's thinnest strokes


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
            f"read_picture: {picture.shape[0]} x {picture.shape[1]} pixels are too few: save it larger"
        )
    blur = max(picture.shape) / 500  # one pixel of 500 averages grain out
    levels = ndimage.gaussian_filter(remove_specks(picture.astype(np.float32)), (blur, blur, 0))
    sign, close_up = find_close_up(levels)
    if close_up is not None and close_up.shape == FRAME:
        return close_up
    view = _View(levels, sign)
    # If a digit stands free, in the same ink, what fills the picture is a table.
    if close_up is not None and not view.stands_free():
        return close_up
    other = _View(levels, -sign)
    views = [view, other] if sign > 0 else [other, view]
    strongest = max(view.strength for view in views)
    views = [view for view in views if view.strength > strongest / 2]
    outlined = max((view.outlined for view in views), default=0)
    views = [view for view in views if view.outlined > max(0.75, outlined - 0.1)]
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
        self.levels = levels
        self.side = max(levels.shape)
        self.inner: list[Shape] = []  # shapes that reach no edge
        self.strength = self.outlined = 0.0
        self.thickness = 1.0
        self.paper = paper = find_paper(levels, sign)
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
                self.main = self._choose(large)
                self.strength = self._level(self.main)
                self.outlined = self._outline(self.main)
                self.thickness = measure_thickness(self.labels[self.main.box] == self.main.label)
                self.inner = [shape for shape in shapes if not (shape.cut or self.main.cut)]
                return
            rest[ndimage.binary_dilation(self.labels > 0, TOUCHING, 2)] = 0

    def _choose(self, large: list[Shape]) -> Shape:
        """Return the largest and strongest shape that stands free, or a larger one that reaches the edge."""
        levels = {shape.label: self._level(shape) for shape in large}
        main = max(large, key=lambda shape: (not shape.cut, shape.size * levels[shape.label] ** 2))
        cut = [shape for shape in large if shape.cut and levels[shape.label] > 0.7 * levels[main.label]]
        return max([main, *cut], key=lambda shape: shape.size)

    def _level(self, shape: Shape) -> float:
        return float(np.median(self.contrast[shape.box][self.labels[shape.box] == shape.label]))

    def _outline(self, shape: Shape) -> float:
        """Return the share of a shape's outline at which paper begins.

        A piece of paper between strokes ends where nothing is to be seen, and so does a piece of a table.
        """
        rows, columns = (slice(max(0, part.start - 6), part.stop + 6) for part in shape.box)
        labels = self.labels[rows, columns]
        own = labels == shape.label
        inside = ndimage.binary_dilation(own, TOUCHING, max(1, round(self.side / 130)))
        ring = ndimage.binary_dilation(inside, TOUCHING) & ~inside
        ring &= (labels == 0) & ~self.lines[rows, columns]
        if not ring.any():
            return 0.0
        nearest = ndimage.distance_transform_edt(~own, return_distances=False, return_indices=True)
        levels, paper = self.levels[rows, columns], self.paper[rows, columns]
        ink, ground = (part[tuple(nearest[:, ring])] for part in (levels, paper))
        step, whole = (np.abs(part - ink).max(axis=1) for part in (levels[ring], ground))
        return float((step > whole / 3).mean())

    def stands_free(self) -> bool:
        """Return whether there is a clear shape that reaches no edge."""
        return bool(self.inner) and self.outlined > 0.8

    def read(self) -> np.ndarray:
        """Return the ink of the digit, or refuse."""
        shapes = [shape for shape in self.inner if not self._is_frame(shape)]
        main = self.main if self.main in shapes else max(shapes, key=lambda shape: shape.size)
        others = [shape for shape in shapes if shape is not main and self._matters(shape, main)]
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
            raise UsageError(f"read_picture: two separate shapes: {ONE_DIGIT}")
        if fault := fault or find_fault(digit):
            raise UsageError(f"read_picture: {fault}: {ONE_DIGIT}")
        if edges := self._reach_edges(digit):
            raise UsageError(f"read_picture: ink runs over the edge, {edges}: {ONE_DIGIT}")
        if self._is_washed_out(digit):
            raise UsageError("read_picture: light hides a part of the ink: turn the paper away from it")
        full = np.percentile(self.contrast[digit], 90)
        ink = soften(self.contrast / full) * ndimage.binary_dilation(digit, TOUCHING)
        # What is faint belongs to a stroke's edge, or it is the rest of a line.
        ink *= ndimage.binary_dilation(ink > 0.1, TOUCHING, max(1, round(self.side / 150)))
        # Strokes thinner than MNIST's thinnest pen become as thick.
        wanted = round(_PEN * main.size - measure_thickness(digit))
        return ndimage.grey_dilation(ink, (wanted + 1, wanted + 1)) if wanted > 0 else ink

    def _matters(self, shape: Shape, main: Shape) -> bool:
        """Return whether a shape is no speck, as clear as the main one, and on paper of the same colour."""
        # Light changes the paper's level, not its colour.
        papers = [self.paper[each.box].mean(axis=(0, 1)) for each in (shape, main)]
        one, other = (paper / max(paper.sum(), 1) for paper in papers)
        return (
            shape.size >= 0.05 * main.size
            and self._level(shape) > self._level(main) / 2
            and np.abs(one - other).max() < 0.06
            and self._outline(shape) > 0.6
        )

    def _reach_edges(self, digit: np.ndarray) -> str:
        """Return the edges that the digit's ink runs over; wide ink at an edge looks like a table."""
        clear = digit & (self.contrast >= np.percentile(self.contrast[digit], 90))
        ink, ground = (np.median(part[clear], axis=0) for part in (self.levels, self.paper))
        alike = np.abs(self.levels - ink).max(axis=2) < np.abs(ground - ink).max() / 3
        near = max(1, round(0.06 * self.side))
        return name_edges(ndimage.binary_dilation(digit, TOUCHING, near, mask=alike | digit))

    def _is_washed_out(self, digit: np.ndarray) -> bool:
        """Return whether strokes fade, over more than their edges, where a bright spot lies on the paper."""
        spot = find_bright_spots(self.paper.mean(axis=2))
        if not spot.any():  # as in most pictures; what follows takes time
            return False
        reach = max(1, round(0.1 * self.main.size))
        spot = ndimage.binary_dilation(spot, TOUCHING, max(1, round(self.side / 20)))
        spot &= ndimage.binary_dilation(digit, TOUCHING, reach)
        share = self.contrast / np.percentile(self.contrast[digit], 75)
        width = max(3, round(0.2 * measure_thickness(digit)))
        fading = spot & (share > 0.2) & (share < 0.75)
        return bool(ndimage.binary_opening(fading, np.ones((width, width))).any())

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


def _refuse(levels: np.ndarray) -> NoReturn:
    """Say why there is no ink inside the picture: it, or something else, reaches an edge."""
    difference = np.abs(levels - np.median(levels, axis=(0, 1))).max(axis=2)
    if difference.max() >= 32:
        mask = difference > difference.max() / 2
        for name, line in get_edges(mask).items():
            if line.mean() > 0.6:
                raise UsageError(f"read_picture: another area at the {name} edge: crop to the paper")
        if edges := name_edges(mask):
            raise UsageError(f"read_picture: ink runs over the edge, {edges}: {ONE_DIGIT}")
    raise UsageError(
        "read_picture: no ink stands out from the paper: write with a darker or thicker pen, larger"
    )
