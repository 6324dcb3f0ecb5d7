"""Random affine changes of images that should not change their labels, in one step per batch.

The named ranges, such as the gentle and the article's, are in `mnist_helpers.recipes.PRESETS`.
"""

import math
from collections.abc import Sequence
from typing import Any

from mnist_helpers import environment

environment.check()

import keras
import numpy as np
import tensorflow as tf

Range = float | Sequence[float]


@keras.saving.register_keras_serializable("mnist_helpers")
class RandomAffine(keras.layers.Layer):
    """Rotate, shear, zoom and shift images at random about their centre, in training only.

    Keras's layers resample an image once per kind of change. This layer multiplies the changes into one
    matrix per image and resamples once, which is faster and blurs less.

    Input and output are images of shape (n, height, width, channels) or (height, width, channels), of any
    numeric dtype and value range. Shape and dtype are kept; integers are rounded to the nearest.

    Parameters
    ----------
    rotation, shift, zoom, shear : float or (float, float), default 0
        Range of the uniform distribution from which each change is drawn: from minus to plus the number, or
        from the first to the second. `rotation` is in degrees, counter-clockwise. `shift` is in pixels,
        right and down drawn separately. `zoom` is a fraction of width and of height, drawn separately, above
        -1; as in Keras, positive values shrink. `shear` is in pixels per row and pixels per column, drawn
        separately.
    horizontal_flip : bool, default False
        Whether to mirror an image, left to right, with probability 1/2.
    fill_mode : {"constant", "nearest", "reflect", "wrap"}
        What fills the borders: `fill_value`, or what the image repeats there.
    fill_value : float, default 0
        In the unit of the images.
    seed : int, optional
        Seed of this layer's own generator. None draws it from Keras's global seed.
    **kwargs : Any
        Arguments of `keras.layers.Layer`, such as ``name``.

    Raises
    ------
    ValueError
        If a range is not finite or its bounds are reversed, or the fill mode is unknown.
    """

    def __init__(
        self,
        rotation: Range = 0.0,
        shift: Range = 0.0,
        zoom: Range = 0.0,
        shear: Range = 0.0,
        horizontal_flip: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        self.rotation = rotation
        self.shift = shift
        self.zoom = zoom
        self.shear = shear
        self.horizontal_flip = horizontal_flip
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.seed = seed
        if fill_mode not in ("constant", "nearest", "reflect", "wrap"):
            raise ValueError(f"fill_mode={fill_mode!r}: choose constant, nearest, reflect or wrap")
        names = ("rotation", "shift", "shift", "zoom", "zoom", "shear", "shear")
        low, high = np.transpose([_bounds(name, getattr(self, name)) for name in names])
        if low[3] <= -1:
            raise ValueError(f"zoom={zoom!r}: must stay above -1, where an image would be infinitely large")
        self._low = low.astype("float32")
        self._span = (high - low).astype("float32")
        self._seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return changed copies of the images in training, and the images themselves at inference.

        Parameters
        ----------
        inputs : tensor or array_like, shape (n, height, width, channels) or (height, width, channels)
            The images, of any numeric dtype and value range.
        training : bool, default False
            Whether to change them.

        Returns
        -------
        tensor
            Shape and dtype of `inputs`.
        """
        if not training:
            return inputs
        images = tf.convert_to_tensor(inputs)
        if images.shape.rank == 3:
            return self.call(images[tf.newaxis], training=True)[0]
        size = tf.shape(images)
        changed = tf.raw_ops.ImageProjectiveTransformV3(
            images=tf.cast(images, tf.float32),
            transforms=self._sample_transforms(size[0], tf.cast(size[1:3], tf.float32)),
            output_shape=size[1:3],
            fill_value=float(self.fill_value),
            interpolation="BILINEAR",
            fill_mode=self.fill_mode.upper(),
        )
        changed.set_shape(images.shape)
        if images.dtype.is_integer:
            changed = tf.round(changed)
        return tf.cast(changed, images.dtype)

    def _sample_transforms(self, count: Any, size: Any) -> Any:
        """Draw one matrix per image, shape (count, 8): it maps a pixel's new place to its old one."""
        drawn = keras.random.uniform((count, 8), seed=self._seed_generator)
        degrees, right, down, zoom_x, zoom_y, shear_x, shear_y = tf.unstack(
            drawn[:, :7] * self._span + self._low, axis=1
        )
        cos = tf.cos(degrees * (math.pi / 180))
        sin = tf.sin(degrees * (math.pi / 180))
        mirror = 1 - 2 * tf.round(drawn[:, 7]) if self.horizontal_flip else 1.0
        zoom_x = 1 + zoom_x
        zoom_y = 1 + zoom_y
        # The matrix undoes the changes in reverse: shift, then mirror, zoom and shear, then rotation.
        x_x = (cos * zoom_x - sin * shear_y) * mirror
        x_y = cos * shear_x - sin * zoom_y
        y_x = (sin * zoom_x + cos * shear_y) * mirror
        y_y = sin * shear_x + cos * zoom_y
        middle_y = (size[0] - 1) / 2
        middle_x = (size[1] - 1) / 2
        right += middle_x
        down += middle_y
        to_x = middle_x - x_x * right - x_y * down
        to_y = middle_y - y_x * right - y_y * down
        zero = tf.zeros_like(to_x)
        return tf.stack([x_x, x_y, to_x, y_x, y_y, to_y, zero, zero], axis=1)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the shape of the outputs.

        Parameters
        ----------
        input_shape : tuple of int or None
            Shape of the images.

        Returns
        -------
        tuple of int or None
            The same shape.
        """
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, with which Keras saves and restores the layer.

        Returns
        -------
        dict of str to Any
            Arguments of this class by name.
        """
        names = ("rotation", "shift", "zoom", "shear", "horizontal_flip", "fill_mode", "fill_value", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _bounds(name: str, value: Any) -> tuple[float, float]:
    """Return a range's lower and upper bound."""
    low, high = value if isinstance(value, Sequence) and len(value) == 2 else (-value, value)
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(f"{name}={value!r}: give a number from 0 up, or two, the smaller first")
    return low, high
