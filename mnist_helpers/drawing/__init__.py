"""Draw a digit, or read one from a picture, and see what a network makes of it."""

from mnist_helpers.drawing.pad import DrawingPad
from mnist_helpers.drawing.pictures import read_picture, to_mnist_frame

__all__ = ["DrawingPad", "read_picture", "to_mnist_frame"]
