"""Random changes of an image that should not change its label, made of Keras's own layers."""

from dataclasses import asdict, dataclass

from mnist_helpers import environment

environment.check()

import keras
from keras import layers


@dataclass(frozen=True)
class Ranges:
    """How far an image may be changed; each change is drawn uniformly between minus and plus its range.

    Attributes
    ----------
    rotation
        Degrees.
    shift
        Fraction of the image's width and height.
    zoom
        Fraction of the image's size, for width and height separately.
    shear
        Fraction of a pixel that a row or column moves against the next.
    horizontal_flip
        Mirror every second image, on average.
    fill_mode
        What appears at the borders: ``"constant"`` (paper) or ``"nearest"`` (the border's pixels, repeated).
    """

    rotation: float = 0.0
    shift: float = 0.0
    zoom: float = 0.0
    shear: float = 0.0
    horizontal_flip: bool = False
    fill_mode: str = "constant"


GENTLE = Ranges(rotation=10, shift=0.07, zoom=0.1, shear=0.1)
# ImageDataGenerator, which the article used, takes its shear of 0.2 in degrees: 0.0035 pixels a row.
ARTICLE = Ranges(rotation=40, shift=0.2, zoom=0.2, shear=0.0035, horizontal_flip=True, fill_mode="nearest")
STRONG = Ranges(rotation=20, shift=0.14, zoom=0.2, shear=0.2)  # gentle, twice
NAMED = {"gentle": GENTLE, "strong": STRONG, "article": ARTICLE}


def build_layers(ranges: Ranges) -> keras.Sequential:
    """Stack Keras's geometric layers for images of shape (n, 28, 28, 1), any range of values.

    They change images in training only (``training=True``) and leave out what has no range. Their seed is
    Keras's global one: a seed of their own, given to each, would draw rotation and shift alike.

    Parameters
    ----------
    ranges
        How far images may be changed.
    """
    chosen = asdict(ranges)
    how = {"fill_mode": chosen.pop("fill_mode"), "fill_value": 0.0}
    build = {
        "horizontal_flip": lambda _: layers.RandomFlip("horizontal"),
        "rotation": lambda degrees: layers.RandomRotation(degrees / 360, **how),
        "shift": lambda part: layers.RandomTranslation(part, part, **how),
        "zoom": lambda part: layers.RandomZoom(part, part, **how),
        "shear": lambda part: layers.RandomShear(part, part, **how),
    }
    stack = [build[name](strength) for name, strength in chosen.items() if strength]
    return keras.Sequential(stack, name="augmentation")
