"""Random changes of an image that should not change its label, made of Keras's own layers."""

from dataclasses import asdict, dataclass

from mnist_helpers import environment

environment.check()

import keras
from keras import layers


@dataclass(frozen=True)
class Ranges:
    """How far an image may be changed; each change is drawn uniformly between minus and plus its range."""

    rotation: float = 0.0  # degrees
    shift: float = 0.0  # fraction of the image's width, and of its height
    zoom: float = 0.0  # fraction of the image's size, for width and height separately
    shear: float = 0.0  # fraction of a pixel that a row, or a column, moves against the next
    horizontal_flip: bool = False  # mirror every second image, on average
    fill_mode: str = "constant"  # what appears at the borders: constant (paper) or nearest (the border)


GENTLE = Ranges(rotation=10, shift=0.07, zoom=0.1, shear=0.1)
# ImageDataGenerator, which the article used, takes its shear of 0.2 in degrees: 0.0035 pixels a row.
ARTICLE = Ranges(rotation=40, shift=0.2, zoom=0.2, shear=0.0035, horizontal_flip=True, fill_mode="nearest")
NAMED = {"gentle": GENTLE, "article": ARTICLE}


def build_layers(ranges: Ranges) -> keras.Sequential:
    """Stack Keras's geometric layers for images of shape (n, 28, 28, 1), values of any range.

    They change images in training only (``training=True``) and leave out what has no range. Their seed is
    Keras's global one: a seed of their own, given to each, would draw rotation and shift alike.
    """
    chosen = asdict(ranges)
    how = {"fill_mode": chosen.pop("fill_mode"), "fill_value": 0.0}
    build = {
        "rotation": lambda degrees: layers.RandomRotation(degrees / 360, **how),
        "shift": lambda part: layers.RandomTranslation(part, part, **how),
        "zoom": lambda part: layers.RandomZoom(part, part, **how),
        "shear": lambda part: layers.RandomShear(part, part, **how),
        "horizontal_flip": lambda _: layers.RandomFlip("horizontal"),
    }
    stack = [build[name](strength) for name, strength in chosen.items() if strength]
    return keras.Sequential(stack, name="augmentation")
