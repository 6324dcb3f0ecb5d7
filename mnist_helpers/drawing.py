"""Draw a digit, or read one from a picture, and see what a network makes of it.

A network that was trained on MNIST expects digits as MNIST has them: scaled into 20 x 20 pixels, then centred
by mass in 28 x 28 (Y. LeCun, C. Cortes and C. J. C. Burges, "The MNIST Database of Handwritten Digits").
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import anywidget
import numpy as np
import traitlets
from PIL import Image, ImageOps

from mnist_helpers.errors import UsageError

SIDE = 280  # of the drawing pad, in pixels
_BOX, _FRAME = 20, 28


def to_mnist_frame(pixels: np.ndarray) -> np.ndarray:
    """Bring a drawing into MNIST's format: uint8 from 0 (paper) to 255 (ink), shape (28, 28, 1).

    `pixels`, of shape (height, width) or (height, width, 1) and of any numeric dtype, are 0 where there is
    paper and the higher the more ink there is. The ink is cut out, its longer side becomes 20 pixels, and
    its centre of mass comes to the middle: to row and column 14, as near as whole pixels and the frame's
    border allow. Without ink, all of the frame is 0.

    Raises UsageError for another shape, and for values that are negative, not finite or no numbers.
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
            " needed; for dark ink on bright paper, read_picture turns them round"
        )
    frame = np.zeros((_FRAME, _FRAME, 1), np.uint8)
    if not pixels.any():
        return frame
    ink = pixels / pixels.max()
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = (max(1, round(_BOX * side / max(ink.shape))) for side in ink.shape)
    image = Image.fromarray(ink.astype(np.float32))
    small = np.asarray(image.resize((width, height), Image.Resampling.BOX))  # the mean of what becomes one
    places = np.indices(small.shape)
    centre = (places * small).sum(axis=(1, 2)) / small.sum()
    top, left = np.clip(np.rint(_FRAME / 2 - centre), 0, _FRAME - np.array(small.shape)).astype(int)
    frame[top : top + height, left : left + width, 0] = np.rint(255 * small / small.max())
    return frame


def read_picture(source: str | Path | BinaryIO | np.ndarray) -> np.ndarray:
    """Read a photo or scan of one digit into MNIST's format: uint8, shape (28, 28, 1).

    `source` is a PNG, JPEG or other file that Pillow knows, or an array of uint8, grey, RGB or RGBA. Ink may
    be dark on bright paper or bright on dark: the picture's border is taken for paper. The light should be
    even, and nothing but the digit should be in the picture.

    Raises UsageError if that is no picture, or if it holds no ink.
    """
    try:
        image = Image.fromarray(source) if isinstance(source, np.ndarray) else Image.open(source)
        if image.mode[0] in "IF":  # more than 8 bits a pixel, which Pillow would cut off at 255
            deep = np.asarray(image, float)
            image = Image.fromarray(np.uint8(255 * deep / max(1, deep.max())))
        image.thumbnail((2 * SIDE, 2 * SIDE))
        image = ImageOps.exif_transpose(image).convert("RGBA")
    except (OSError, SyntaxError, TypeError, ValueError, Image.DecompressionBombError) as error:
        name = f"array of {source.dtype}" if isinstance(source, np.ndarray) else source
        raise UsageError(f"read_picture: {name} is no picture ({error}): give a PNG or JPEG file") from error
    grey, alpha = (np.asarray(part, float) for part in (image.convert("L"), image.getchannel("A")))
    # What is transparent is paper, which is bright if the ink is dark.
    paper = 255 if not alpha.any() or np.average(grey, weights=alpha) < 128 else 0
    grey = paper + (grey - paper) * alpha / 255
    paper = np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]]))
    ink = np.clip(paper - grey if paper > (grey.min() + grey.max()) / 2 else grey - paper, 0, None)
    if ink.max() < 32:
        raise UsageError("read_picture: no ink stands out from the paper: write with a darker or thicker pen")
    return to_mnist_frame(np.clip(ink / ink.max() - 0.4, 0, 0.4))  # below are shadows and the paper's grain


class DrawingPad(anywidget.AnyWidget):
    """A pad for mouse, finger, pen and keyboard beside what `predict` reads from it, while it is drawn on.

    `predict` takes images, uint8 of shape (1, 28, 28, 1), and gives probabilities of shape (1, 10), as a
    Keras network does. An error in it is shown below the pad. `pixels` (bytes, row by row, 0 paper to 255
    ink) may be set as well: the pad shows them. After each change of them `frame` holds the 28 x 28 bytes
    that the network sees, `probabilities` ten numbers (none while the pad is empty), `error` what went wrong.
    """

    _esm = Path(__file__).with_name("drawing_pad.js")
    _css = Path(__file__).with_name("drawing_pad.css")
    side = traitlets.Int(SIDE, read_only=True).tag(sync=True)
    pixels = traitlets.CBytes(b"").tag(sync=True, echo_update=False)  # the page sends a memoryview
    frame = traitlets.Bytes(bytes(_FRAME**2)).tag(sync=True)
    probabilities = traitlets.List(traitlets.Float()).tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)
    asked = traitlets.Int().tag(sync=True)  # counts what the page asks, so that it knows the last answer
    answered = traitlets.Int().tag(sync=True)

    def __init__(self, predict: Callable[[np.ndarray], Any]) -> None:
        super().__init__()
        self._predict = predict

    def __repr__(self) -> str:
        return "A drawing pad: run this cell in Jupyter to draw a digit here."

    @traitlets.validate("pixels")
    def _check_pixels(self, proposal: Any) -> bytes:
        if len(proposal["value"]) not in (0, SIDE**2):
            raise UsageError(
                f"DrawingPad.pixels of {len(proposal['value']):,} bytes: {SIDE} x {SIDE} = {SIDE**2:,} are"
                " needed, or none, for an empty pad"
            )
        return proposal["value"]

    @traitlets.observe("pixels")
    def _answer(self, _: Any) -> None:
        drawn = np.frombuffer(self.pixels or bytes(SIDE**2), np.uint8).reshape(SIDE, SIDE)
        frame, probabilities, error = to_mnist_frame(drawn), [], ""
        if drawn.any():
            try:
                found = np.asarray(self._predict(frame[np.newaxis]), float)
                if found.shape != (1, 10) or not np.isfinite(found).all():
                    raise UsageError(f"it gave {found.tolist()} instead of ten probabilities, shape (1, 10)")
                probabilities = found[0].tolist()
            except Exception as problem:  # whatever it is, it belongs on the page of the person who draws
                error = f"{type(problem).__name__}: {problem}. Mend the network, then run this cell again"
        with self.hold_sync():
            self.frame, self.probabilities, self.error = frame.tobytes(), probabilities, error
            self.answered = self.asked
