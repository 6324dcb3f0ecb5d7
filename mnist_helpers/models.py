"""The article's network, with each technique as an argument that is off by default."""

from mnist_helpers import augmentation, environment

environment.check()

import keras
from keras import layers, regularizers


def build_cnn(
    *,
    l2: float = 0.0,
    dropout_rate: float = 0.0,
    augment: augmentation.Ranges | None = None,
    seed: int | None = None,
) -> keras.Sequential:
    """Build the article's convolutional network: 93,322 parameters, whatever the technique.

    Three convolutions of 3 x 3 (32, 64, 64 filters) with two poolings between them, 576 features, a dense
    layer of 64 and one of 10. The input is images of shape (n, 28, 28, 1), values 0 to 255; the output is
    ten probabilities. Scaling to [0, 1] is the network's first layer, so that arrays stay uint8.

    Parameters
    ----------
    l2
        λ: each kernel's sum of squares, times λ, is added to the loss. At least 0.
    dropout_rate
        Share of the features that are dropped in training, before each dense layer. 0 to below 1.
    augment
        Random changes of the training images; None for none.
    seed
        Seed of the weights, the dropout and the changes; without it, what Keras's global seed gives.

    Returns
    -------
    keras.Sequential
        Built, not compiled.
    """
    if seed is not None:
        keras.utils.set_random_seed(seed)
    kernel = {"kernel_regularizer": regularizers.L2(l2) if l2 else None}
    dropout = [layers.Dropout(dropout_rate)] if dropout_rate else []
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *([augmentation.build_layers(augment)] if augment else []),
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, (3, 3), activation="relu", **kernel),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(64, (3, 3), activation="relu", **kernel),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(64, (3, 3), activation="relu", **kernel),
            layers.Flatten(),
            *dropout,
            layers.Dense(64, activation="relu", **kernel),
            *[layers.Dropout(dropout_rate) for _ in dropout],
            layers.Dense(10, activation="softmax", **kernel),
        ]
    )
