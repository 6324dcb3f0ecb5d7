"""Find the paper in a photo: its level beside each pixel, and the lines that are printed on it."""

import numpy as np
from scipy import ndimage

FAINTEST = 0.08  # contrast of ink, as a share of the brighter level
_WIDEST = 0.3  # of the picture's longer side: strokes are narrower; shadows, tables and paper are wider
_LINE = 0.025  # of the picture's longer side: the width of ruled lines
_STRIPS = 16  # parts of the picture, side by side, in which a ruled line is followed


def remove_specks(levels: np.ndarray) -> np.ndarray:
    """Remove single pixels: bring each between the lowest and the highest level of its neighbours.

    Parameters
    ----------
    levels : ndarray, shape (height, width, 3)
        Colours from 0 to 255.

    Returns
    -------
    ndarray, shape (height, width, 3)
        The same array if the picture is so small that a pixel may be all of a stroke.
    """
    if max(levels.shape) < 100:
        return levels
    around = np.ones((3, 3, 1), bool)
    around[1, 1] = False
    low, high = (each(levels, footprint=around) for each in (ndimage.minimum_filter, ndimage.maximum_filter))
    return np.clip(levels, low, high)


def find_paper(levels: np.ndarray, sign: int) -> np.ndarray:
    """Return the paper's level at each pixel: the picture without ink, but with shadows and tables.

    Parameters
    ----------
    levels : ndarray, shape (height, width, 3)
        Colours from 0 to 255.
    sign : {1, -1}
        1 if the ink is darker than the paper, -1 if it is brighter.

    Returns
    -------
    ndarray, shape (height, width, 3)
        Levels from 0 to 255: at least those of the picture for sign 1, at most those for sign -1.
    """
    half = round(_WIDEST / 2 * max(levels.shape))
    window = (2 * half + 1, 2 * half + 1, 1)
    padded = np.pad(sign * levels, ((half, half), (half, half), (0, 0)), "edge")
    return sign * ndimage.grey_closing(padded, window, mode="nearest")[half:-half, half:-half]


def find_bright_spots(paper: np.ndarray) -> np.ndarray:
    """Find where the paper is brighter than around and than most of it: light of a lamp, or its reflection.

    Parameters
    ----------
    paper : ndarray, shape (height, width)
        The paper's level at each pixel.

    Returns
    -------
    ndarray, shape (height, width), bool
        Spots narrower than 0.3 of the picture's longer side.
    """
    width = round(_WIDEST * max(paper.shape))
    paper = ndimage.gaussian_filter(paper, max(paper.shape) / 60)  # without the paper's own texture
    around = ndimage.grey_opening(paper, (width, width), mode="nearest")
    return paper > 1.04 * np.maximum(around, np.percentile(paper, 90))


def remove_lines(contrast: np.ndarray, paper: np.ndarray) -> np.ndarray:
    """Remove straight thin lines across the picture, or its paper; keep the strokes that cross them.

    Parameters
    ----------
    contrast : ndarray, shape (height, width)
        Contrast with the paper, from 0 (paper) to 1.
    paper : ndarray, shape (height, width)
        The paper's level, or its negative if the ink is brighter: a table has less.

    Returns
    -------
    ndarray, shape (height, width)
        The contrast without lines.
    """
    bright = paper > np.percentile(paper, (1, 99)).mean()
    width = round(_LINE * max(contrast.shape))
    for _ in range(2):  # level lines, then upright ones
        contrast, bright = contrast.T, bright.T
        thick = ndimage.grey_opening(contrast, (width + 1, 1))
        thin = contrast - thick
        for sheet in (bright, np.ones_like(bright)):
            line = _mark_lines(thin > FAINTEST, sheet & (thick < FAINTEST), width)
            line &= thin > FAINTEST
            if line.any():
                line &= contrast < 1.5 * np.median(contrast[line])  # what is much darker is ink
                contrast = contrast - thin * line
                thin = np.minimum(thin, contrast)
    return contrast


def find_threshold(values: np.ndarray) -> float:
    """Return the threshold that separates two groups of values best (N. Otsu, 1979).

    Parameters
    ----------
    values : ndarray
        At least one number, all above 0.

    Returns
    -------
    float
        Values above it belong to the upper group.
    """
    counts, edges = np.histogram(values, 128, (0, values.max()))
    below = counts.cumsum()
    sums = (counts * edges[1:]).cumsum()
    between = (sums[-1] * below - sums * below[-1]) ** 2 / np.maximum(below * (below[-1] - below), 1)
    return float(edges[1 + between.argmax()])


def _mark_lines(thin: np.ndarray, sheet: np.ndarray, width: int) -> np.ndarray:
    """Mark the pixels of nearly level lines: rows of a sheared picture that are thin ink nearly all along."""
    height, length = thin.shape
    starts = np.linspace(0, length, _STRIPS + 1).astype(int)[:-1]
    spread = ndimage.maximum_filter1d(thin, 3, axis=0)
    crossed, possible = (
        np.add.reduceat(part.astype(np.float32), starts, axis=1) for part in (spread & sheet, sheet)
    )
    marked = np.zeros_like(thin)
    possibly = crossed.max(axis=0) > length / _STRIPS / 2
    if possibly.mean() < 0.3:  # of the picture's length: no line anywhere, which saves time
        return marked
    rows, columns = np.arange(height)[:, np.newaxis], np.arange(length)
    for rise in np.linspace(-0.12, 0.12, 49) * length:
        at = rows + np.rint(rise * ((np.arange(_STRIPS) + 0.5) / _STRIPS - 0.5)).astype(int)
        inside = (at >= 0) & (at < height)
        at = at.clip(0, height - 1)
        seen = (possible[at, range(_STRIPS)] * inside).sum(axis=1)
        share = (crossed[at, range(_STRIPS)] * inside).sum(axis=1) / np.maximum(seen, 1)
        hit = (share > 0.75) & (seen > length / 3)
        if hit.any():
            hit = ndimage.maximum_filter1d(hit, 1 + 2 * (width // 4))
            level = rows - np.rint(rise * (columns / length - 0.5)).astype(int)
            marked |= hit[level.clip(0, height - 1)]
    return marked
