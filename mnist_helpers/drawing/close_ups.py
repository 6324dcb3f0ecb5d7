"""Find a digit in a picture that it fills, such as a tight crop or an image of MNIST's."""

import numpy as np

from mnist_helpers.drawing.paper import remove_lines
from mnist_helpers.drawing.shapes import (
    ONE_DIGIT,
    find_fault,
    get_edges,
    is_sheet,
    label_shapes,
    soften,
    stand_side_by_side,
)
from mnist_helpers.errors import UsageError

FRAME = (28, 28)  # MNIST's own format: nothing surrounds the digit


def find_close_up(levels: np.ndarray) -> tuple[int, np.ndarray | None]:
    """Find the ink of a digit that fills a plain picture, whose border is ink or paper of one level.

    Parameters
    ----------
    levels : ndarray, shape (height, width, 3)
        Colours from 0 to 255.

    Returns
    -------
    sign : {1, -1}
        1 if the ink is darker than the paper, -1 if it is brighter.
    ink : ndarray, shape (height, width), float, or None
        From 0 (paper) upwards (ink); None if no such digit is found.

    Raises
    ------
    UsageError
        If two digits fill the picture.
    """
    paper = np.median(np.concatenate([*get_edges(levels).values()]), axis=0)
    sign = 1 if (paper - levels).max() > (levels - paper).max() else -1
    contrast = (sign * (paper - levels)).max(axis=2)
    ink = soften(contrast / max(contrast.max(), 32))
    mask = ink > 0
    if not mask.any() or (remove_lines(contrast / 255, np.zeros_like(ink)) < contrast / 255).any():
        return sign, None
    even = np.abs(levels - paper).max(axis=2) < 0.2 * contrast.max()
    if np.concatenate([*get_edges(even | mask).values()]).mean() < 0.9:
        return sign, None
    if mask.shape == FRAME:  # of MNIST's own size, and plain
        return sign, ink * mask
    near = round(0.04 * max(mask.shape)) + 1
    if not all(part.any() for part in (mask[:near], mask[-near:], mask[:, :near], mask[:, -near:])):
        return sign, None
    labels, shapes = label_shapes(contrast, 0.2 * contrast.max())
    main = max(shapes, key=lambda shape: shape.size)
    shares = np.bincount(labels[mask], minlength=len(shapes) + 1) / np.count_nonzero(mask)
    for shape in shapes:
        both = shares[main.label] + shares[shape.label] > 0.6
        if both and shape is not main and stand_side_by_side(main, shape):
            raise UsageError(f"read_picture: two separate shapes: {ONE_DIGIT}")
    fills = shares.max() > 0.6 and not is_sheet(mask) and not find_fault(mask)
    return sign, ink * mask if fills else None
