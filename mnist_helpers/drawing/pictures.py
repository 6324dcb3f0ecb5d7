"""Bring drawings, photos and scans of a digit into MNIST's format.

A network that was trained on MNIST expects digits as MNIST has them: scaled to fit 20 x 20 pixels, and
centred by mass in 28 x 28 (Y. LeCun, C. Cortes and C. J. C. Burges, "The MNIST Database of Handwritten
Digits").
"""

import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from mnist_helpers.drawing.ink import find_ink
from mnist_helpers.drawing.shapes import crop
from mnist_helpers.errors import UsageError

FRAME_SIDE = 28  # pixels
_DIGIT_SIDE = 20  # pixels: the longer side of a digit inside its frame
_MAX_SIDE = 400  # pixels: larger pictures are reduced, which saves time and averages noise out
_MAX_PIXELS = 64_000_000  # of a picture that has to be decoded at its full size


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
    digit = _scale(crop(pixels / pixels.max()))
    height, width = digit.shape
    centre = (np.indices(digit.shape) * digit).sum(axis=(1, 2)) / digit.sum()
    room = FRAME_SIDE - np.array(digit.shape)
    top, left = np.clip(np.rint(FRAME_SIDE / 2 - centre), 0, room).astype(int)
    frame[top : top + height, left : left + width, 0] = np.rint(255 * digit / digit.max())
    return frame


def _scale(ink: np.ndarray) -> np.ndarray:
    """Scale the longer side to 20 pixels, by the mean of the pixels that become one."""
    height, width = (max(1, round(_DIGIT_SIDE * side / max(ink.shape))) for side in ink.shape)
    image = Image.fromarray(ink.astype(np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BOX))


def read_picture(source: str | Path | BinaryIO | Image.Image | np.ndarray) -> np.ndarray:
    """Read a photo or scan of one digit into MNIST's format.

    A good photo shows one digit alone, in one colour, on paper that fills the picture. Ink may be darker or
    brighter than the paper, light may change across it, and ruled lines, specks and a table round the sheet
    are left out. What cannot be told apart is refused; two digits that touch look like one shape.

    Parameters
    ----------
    source : str, Path, binary file, PIL.Image.Image or ndarray
        A PNG, JPEG or other file that Pillow can read, a picture of Pillow's, or an array of shape (height,
        width) or (height, width, 1) for grey, (height, width, 3) for RGB, (height, width, 4) for RGBA. Arrays
        hold booleans, integers from 0 to 255 or to 65,535, or floats from 0 to 1 or to 255. At most 64
        million pixels are read, from JPEG files 192 million.

    Returns
    -------
    ndarray, shape (28, 28, 1), uint8
        From 0 (paper) to 255 (ink).

    Raises
    ------
    UsageError
        If the source is not one picture, or if no digit, or more than one shape, is found; the message names
        the cause.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of sizes and of tags that do not matter here
            if isinstance(source, str | Path):
                if not Path(source).is_file():  # a folder or a pipe is none either
                    raise FileNotFoundError("there is no such file")
                with Path(source).open("rb") as file:
                    picture = _open(file)
            else:
                picture = _open(source)
    except UsageError:
        raise
    except Exception as error:  # Pillow's readers raise errors of many types for broken files
        message = f"is no picture ({error}): give a PNG or JPEG file"
        raise UsageError(f"read_picture: {_describe(source)} {message}"[:400]) from error
    return to_mnist_frame(find_ink(picture))


def _describe(source: object) -> str:
    if isinstance(source, np.ndarray):
        return f"array of {source.dtype}, shape {source.shape},"
    return str(source) if isinstance(source, str | Path) else type(source).__name__


def _open(source: object) -> np.ndarray:
    """Return a picture as RGB, upright, reduced and without transparency."""
    if isinstance(source, np.ndarray):
        image = _from_array(source)
    elif isinstance(source, Image.Image):
        image = source
    else:
        image = Image.open(source)  # type: ignore[arg-type]  # reads the header only
        # A JPEG becomes smaller while it is decoded; a progressive one is kept in memory as a whole.
        if image.format in ("JPEG", "MPO") and not image.info.get("progressive"):
            _check_size(image.size, 3)
            image.draft(None, (2 * _MAX_SIDE, 2 * _MAX_SIDE))
    _check_size(image.size)
    if getattr(image, "is_animated", False) and image.format != "MPO":  # MPO: a phone's photo and preview
        raise UsageError(f"read_picture: {_describe(source)} holds several pictures: save one as a file")
    if image.mode[0] in "IF":  # more than 8 bits per pixel: Pillow would clip the values at 255
        image = _from_array(np.asarray(ImageOps.exif_transpose(image)))
    if image.mode in ("1", "P", "PA"):  # Pillow would reduce these without averaging
        image = image.convert("L" if image.mode == "1" else "RGBA")
    image = image.reduce(max(1, max(image.size) // (2 * _MAX_SIDE)))
    image.thumbnail((_MAX_SIDE, _MAX_SIDE))
    return _lay_on_paper(ImageOps.exif_transpose(image).convert("RGBA"))


def _check_size(size: tuple[int, ...], factor: int = 1) -> None:
    pixels = size[0] * size[1]
    if not 1 <= pixels <= factor * _MAX_PIXELS:
        raise UsageError(
            f"read_picture: {pixels:,} pixels, {size[0]} x {size[1]}: 1 to {factor * _MAX_PIXELS:,} are read;"
            " save a smaller copy"
        )


def _from_array(pixels: np.ndarray) -> Image.Image:
    """Return an array as a picture of 8 bits."""
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (3, 4)):
        raise ValueError("its shape is not (height, width), or that with 1, 3 or 4 channels")
    _check_size(pixels.shape[:2])
    if pixels.dtype.kind not in "buif":
        raise ValueError("its values are not real numbers")
    most = 65_535 if pixels.dtype.kind in "ui" else 255
    low, high = float(pixels.min()), float(pixels.max())
    if pixels.dtype.kind == "f" and low > -1 and 1 < high < 2:  # from 0 to 1, and beyond it by resampling
        pixels, low, high = pixels.clip(0, 1), 0, 1
    if not (low >= 0 and high <= most):
        raise ValueError(f"its values are from {low:g} to {high:g}: 0 to {most}, or 0 to 1, are needed")
    step = max(1, max(pixels.shape[:2]) // 2000)
    scale = 255 if high <= 1 else 255 / high if high > 255 else 1
    return Image.fromarray(np.uint8(np.rint(pixels[::step, ::step] * np.float32(scale))))


def _lay_on_paper(image: Image.Image) -> np.ndarray:
    """Return colours; transparent parts become paper, which is dark if what is opaque is bright."""
    colours = np.asarray(image.convert("RGB"), np.float32)
    alpha = np.asarray(image.getchannel("A"), np.float32)[..., np.newaxis] / 255
    opaque_is_bright = alpha.any() and np.average(colours.mean(axis=2), weights=alpha[..., 0]) >= 128
    paper = 0 if opaque_is_bright else 255
    return paper + (colours - paper) * alpha
