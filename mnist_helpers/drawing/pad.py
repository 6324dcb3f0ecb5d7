"""A drawing pad for notebooks that shows what a network reads. Its page is pad.js and pad.css."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from mnist_helpers.drawing.pictures import FRAME_SIDE, to_mnist_frame
from mnist_helpers.errors import UsageError

SIDE = 280  # pixels


class DrawingPad(anywidget.AnyWidget):
    """A pad for mouse, finger, pen and keyboard that shows a network's reading while a digit is drawn.

    Parameters
    ----------
    predict : callable
        Takes images, uint8 of shape (1, 28, 28, 1), and returns probabilities of shape (1, 10), as a Keras
        network does. The pad shows its errors.

    Attributes
    ----------
    pixels : bytes
        The drawing: 280 x 280 bytes, row by row, from 0 (paper) to 255 (ink); none if the pad is empty. May
        be set too: the pad shows the new drawing. After each change the next three are set.
    frame : bytes
        What the network sees: 28 x 28 bytes, row by row.
    probabilities : list of float
        Ten numbers; none if the pad is empty or `predict` failed.
    error : str
        Why `predict` failed; empty if it did not.

    Raises
    ------
    UsageError
        If `pixels` is set to a different number of bytes.
    """

    _esm = Path(__file__).with_name("pad.js")
    _css = Path(__file__).with_name("pad.css")
    side = traitlets.Int(SIDE, read_only=True).tag(sync=True)
    pixels = traitlets.CBytes(b"").tag(sync=True, echo_update=False)  # the page sends a memoryview
    frame = traitlets.Bytes(bytes(FRAME_SIDE**2)).tag(sync=True)
    probabilities = traitlets.List(traitlets.Float()).tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)
    # The page counts its drawings in `asked`, the kernel confirms the last one in `answered`.
    asked = traitlets.Int().tag(sync=True)
    answered = traitlets.Int().tag(sync=True)

    def __init__(self, predict: Callable[[np.ndarray], Any]) -> None:
        super().__init__()
        self._predict = predict

    def __repr__(self) -> str:
        return "A drawing pad: run this cell in Jupyter to draw a digit here."

    @traitlets.validate("pixels")
    def _check_pixels(self, proposal: Any) -> bytes:
        pixels: bytes = proposal["value"]
        if len(pixels) not in (0, SIDE**2):
            raise UsageError(
                f"DrawingPad.pixels of {len(pixels):,} bytes: {SIDE} x {SIDE} = {SIDE**2:,} are needed, or"
                " none for an empty pad"
            )
        return pixels

    @traitlets.observe("pixels")
    def _update(self, _: Any) -> None:
        drawing = np.frombuffer(self.pixels or bytes(SIDE**2), np.uint8).reshape(SIDE, SIDE)
        frame = to_mnist_frame(drawing)
        probabilities: list[float] = []
        error = ""
        if drawing.any():
            try:
                probabilities = self._read(frame)
            except Exception as problem:  # any error of the network is shown to the person who draws
                error = f"{type(problem).__name__}: {problem}. Correct the network, then run this cell again"
        with self.hold_sync():
            self.frame = frame.tobytes()
            self.probabilities = probabilities
            self.error = error
            self.answered = self.asked

    def _read(self, frame: np.ndarray) -> list[float]:
        probabilities = np.asarray(self._predict(frame[np.newaxis]), float)
        if probabilities.shape != (1, 10) or not np.isfinite(probabilities).all():
            raise UsageError(
                f"it returned {probabilities.tolist()} instead of ten probabilities, shape (1, 10)"
            )
        return [float(probability) for probability in probabilities[0]]
