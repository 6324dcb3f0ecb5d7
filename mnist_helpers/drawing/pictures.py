"""Bring drawings, photos and scans of a digit into MNIST's format.

A network that was trained on MNIST expects digits as MNIST has them: scaled to fit 20 x 20 pixels, and
centred by mass in 28 x 28 (Y. LeCun, C. Cortes and C. J. C. Burges, "The MNIST Database of Handwritten
Digits").
"""

from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from mnist_helpers.errors import UsageError

FRAME_SIDE = 28  # pixels
_DIGIT_SIDE = 20  # pixels: the longer side of a digit inside its frame
_MAX_SIDE = 560  # pixels: larger pictures are reduced, which saves time and averages noise out


def to_mnist_frame(pixels: np.ndarray) -> np.ndarray:
    """Bring a drawing into MNIST's format.

    The ink is cut out, its longer side is scaled to 20 pixels, and its centre of mass is moved to the centre
    of the frame: to row and column 14, as nearly as whole pixels and the frame's border allow.

    Parameters
    ----------
    pixels : ndarray, shape (height, width) or (height, width, 1)
        Any real dtype, values from 0 (paper) upwards (ink); only their ratios matter.

    Returns
    -------
    ndarray, shape (28, 28, 1), uint8
        From 0 (paper) to 255 (ink); 0 everywhere if there is no ink.

    Raises
    ------
    UsageError
        If the shape differs, or if values are negative, not finite or not numbers.
    """
    pixels = np.asarray(pixels)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim != 2 or not pixels.size:
        raise UsageError(
            f"to_mnist_frame(pixels) of shape {pixels.shape}: one grey picture of shape (height, width) is"
            " needed; read_picture takes files and colour"
        )
    if pixels.dtype.kind not in "buif" or not np.isfinite(pixels).all() or pixels.min() < 0:
        raise UsageError(
            f"to_mnist_frame(pixels) of dtype {pixels.dtype}: finite numbers from 0 (paper) up (ink) are"
            " needed; for dark ink on bright paper use read_picture, which inverts it"
        )
    frame = np.zeros((FRAME_SIDE, FRAME_SIDE, 1), np.uint8)
    if not pixels.any():
        return frame
    digit = _scale(_crop(pixels / pixels.max()))
    height, width = digit.shape
    centre = (np.indices(digit.shape) * digit).sum(axis=(1, 2)) / digit.sum()
    room = FRAME_SIDE - np.array(digit.shape)
    top, left = np.clip(np.rint(FRAME_SIDE / 2 - centre), 0, room).astype(int)
    frame[top : top + height, left : left + width, 0] = np.rint(255 * digit / digit.max())
    return frame


def _crop(ink: np.ndarray) -> np.ndarray:
    """Cut away the rows and columns without ink at each side."""
    rows = np.flatnonzero(ink.any(axis=1))
    columns = np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _scale(ink: np.ndarray) -> np.ndarray:
    """Scale the longer side to 20 pixels, by the mean of the pixels that become one."""
    height, width = (max(1, round(_DIGIT_SIDE * side / max(ink.shape))) for side in ink.shape)
    image = Image.fromarray(ink.astype(np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BOX))


def read_picture(source: str | Path | BinaryIO | np.ndarray) -> np.ndarray:
    """Read a photo or scan of one digit into MNIST's format.

    Ink may be dark on bright paper or bright on dark paper: the picture's border counts as paper. The light
    should be even, and the picture should show nothing but the digit.

    Parameters
    ----------
    source : str, Path, binary file, or ndarray of uint8
        A PNG, JPEG or other file that Pillow can read, or an array of shape (height, width) for grey,
        (height, width, 3) for RGB or (height, width, 4) for RGBA.

    Returns
    -------
    ndarray, shape (28, 28, 1), uint8
        From 0 (paper) to 255 (ink).

    Raises
    ------
    UsageError
        If the source is not a picture, or if no ink stands out from the paper.
    """
    try:
        image = _open(source)
    except (OSError, SyntaxError, TypeError, ValueError, Image.DecompressionBombError) as error:
        name = f"array of {source.dtype}" if isinstance(source, np.ndarray) else source
        raise UsageError(f"read_picture: {name} is no picture ({error}): give a PNG or JPEG file") from error
    grey = _lay_on_paper(image)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    paper = np.median(border)
    paper_is_bright = paper > (grey.min() + grey.max()) / 2
    ink = np.clip(paper - grey if paper_is_bright else grey - paper, 0, None)
    if ink.max() < 32:
        raise UsageError("read_picture: no ink stands out from the paper: write with a darker or thicker pen")
    # Shadows and the paper's grain are below 0.4; from 0.8 on, a pixel counts as full ink.
    return to_mnist_frame(np.clip(ink / ink.max() - 0.4, 0, 0.4))


def _open(source: str | Path | BinaryIO | np.ndarray) -> Image.Image:
    """Open a picture as RGBA, upright and reduced."""
    image: Image.Image
    image = Image.fromarray(source) if isinstance(source, np.ndarray) else Image.open(source)
    if image.mode[0] in "IF":  # more than 8 bits per pixel: Pillow would clip the values at 255
        deep = np.asarray(image, float)
        image = Image.fromarray(np.uint8(255 * deep / max(1, deep.max())))
    image.thumbnail((_MAX_SIDE, _MAX_SIDE))
    return ImageOps.exif_transpose(image).convert("RGBA")


def _lay_on_paper(image: Image.Image) -> np.ndarray:
    """Return grey values; transparent parts become paper, which is dark if the ink is bright."""
    grey = np.asarray(image.convert("L"), float)
    alpha = np.asarray(image.getchannel("A"), float)
    ink_is_bright = alpha.any() and np.average(grey, weights=alpha) >= 128
    paper = 0 if ink_is_bright else 255
    return paper + (grey - paper) * alpha / 255
