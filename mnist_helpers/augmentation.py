"""Random changes of an image that should not change its label, in one step for a whole batch."""

import math
from collections.abc import Sequence

from mnist_helpers import environment
from mnist_helpers.recipes import ARTICLE as ARTICLE
from mnist_helpers.recipes import GENTLE as GENTLE
from mnist_helpers.recipes import NAMED as NAMED

environment.check()

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable("mnist_helpers")
class RandomAffine(keras.layers.Layer):
    """Rotate, shear, zoom and shift images at random about their centre, in training only.

    Keras's layers resample the image once for each kind of change; this one multiplies the changes into one
    matrix an image and resamples once, which is faster and blurs less.

    Parameters
    ----------
    rotation, shift, zoom, shear : float or (float, float)
        What each is drawn from, uniformly: from minus to plus the number, or from the first to the second.
        `rotation` in degrees, counter-clockwise; `shift` in pixels, right and down drawn separately; `zoom`
        as a fraction of width and height, drawn separately, above -1, positive makes smaller (as in Keras);
        `shear` in pixels that a row, or a column, moves against the next, drawn separately.
    horizontal_flip : bool
        Mirror an image, left to right, with probability 1/2.
    fill_mode : {"constant", "nearest", "reflect", "wrap"}
        What appears at the borders: `fill_value`, or what the image repeats there.
    fill_value : float
        In the images' own units.
    seed : int, optional
        Of this layer alone. None: drawn from Keras's global seed.

    Input and output: images, shape (n, height, width, channels) or (height, width, channels), of any numeric
    dtype and value range; shape and dtype are kept, integers are rounded to the nearest.

    Raises ValueError for a range or a fill mode that makes no sense.
    """

    def __init__(
        self,
        rotation=0.0,
        shift=0.0,
        zoom=0.0,
        shear=0.0,
        horizontal_flip=False,
        fill_mode="constant",
        fill_value=0.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.rotation, self.shift, self.zoom, self.shear = rotation, shift, zoom, shear
        self.horizontal_flip, self.fill_mode, self.fill_value = horizontal_flip, fill_mode, fill_value
        self.seed = seed
        if fill_mode not in ("constant", "nearest", "reflect", "wrap"):
            raise ValueError(f"fill_mode={fill_mode!r}: choose constant, nearest, reflect or wrap")
        names = ("rotation", "shift", "shift", "zoom", "zoom", "shear", "shear")
        low, high = np.transpose([_bounds(name, getattr(self, name)) for name in names])
        if low[3] <= -1:
            raise ValueError(f"zoom={zoom!r}: must stay above -1, where an image would be endlessly large")
        self._low, self._span = low.astype("float32"), (high - low).astype("float32")
        self._seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs, training=False):
        """Return changed copies of the images if `training`, else the images as they are."""
        if not training:
            return inputs
        images = tf.convert_to_tensor(inputs)
        if images.shape.rank == 3:
            return self.call(images[tf.newaxis], training=True)[0]
        size = tf.shape(images)
        changed = tf.raw_ops.ImageProjectiveTransformV3(
            images=tf.cast(images, tf.float32),
            transforms=self._draw(size[0], tf.cast(size[1:3], tf.float32)),
            output_shape=size[1:3],
            fill_value=float(self.fill_value),
            interpolation="BILINEAR",
            fill_mode=self.fill_mode.upper(),
        )
        changed.set_shape(images.shape)
        if images.dtype.is_integer:
            changed = tf.round(changed)
        return tf.cast(changed, images.dtype)

    def _draw(self, count, size):
        """Draw a matrix an image, shape (count, 8): where in the old image each pixel of the new one lies."""
        drawn = keras.random.uniform((count, 8), seed=self._seed_generator)
        degrees, right, down, zoom_x, zoom_y, shear_x, shear_y = tf.unstack(
            drawn[:, :7] * self._span + self._low, axis=1
        )
        cos, sin = tf.cos(degrees * (math.pi / 180)), tf.sin(degrees * (math.pi / 180))
        mirror = 1 - 2 * tf.round(drawn[:, 7]) if self.horizontal_flip else 1.0
        zoom_x, zoom_y = 1 + zoom_x, 1 + zoom_y
        # First the change undone last: shift, then mirror, zoom and shear, then rotation.
        x_x, x_y = (cos * zoom_x - sin * shear_y) * mirror, cos * shear_x - sin * zoom_y
        y_x, y_y = (sin * zoom_x + cos * shear_y) * mirror, sin * shear_x + cos * zoom_y
        middle_y, middle_x = (size[0] - 1) / 2, (size[1] - 1) / 2
        right, down = right + middle_x, down + middle_y
        to_x, to_y = middle_x - x_x * right - x_y * down, middle_y - y_x * right - y_y * down
        zero = tf.zeros_like(to_x)
        return tf.stack([x_x, x_y, to_x, y_x, y_y, to_y, zero, zero], axis=1)

    def compute_output_shape(self, input_shape):
        """Return the shape as it is."""
        return input_shape

    def get_config(self):
        """Return the arguments, so that a saved network holds its changes."""
        names = ("rotation", "shift", "zoom", "shear", "horizontal_flip", "fill_mode", "fill_value", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _bounds(name: str, value) -> tuple[float, float]:
    low, high = value if isinstance(value, Sequence) and len(value) == 2 else (-value, value)
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(f"{name}={value!r}: give a number from 0 up, or two, the smaller first")
    return low, high
