"""The article's network, with each technique as an argument that is off by default."""

from mnist_helpers import augmentation, environment

environment.check()

import keras
from keras import layers, regularizers


def build_cnn(*, l2=0.0, dropout_rate=0.0, augment: augmentation.Ranges | None = None, seed=None):
    """Build the article's convolutional network, not compiled: 93,322 parameters, whatever the technique.

    It takes images of shape (n, 28, 28, 1), values 0 to 255, and gives ten probabilities. Scaling to [0, 1]
    is its first layer, so that arrays can stay uint8.

    `l2`, λ, at least 0: each kernel's sum of squares, times λ, is added to the loss. `dropout_rate`, 0 to
    below 1: the share of features dropped in training, before each dense layer. `augment`: random changes of
    the training images. `seed`: an integer that becomes Keras's global seed first; None leaves it alone.
    """
    if seed is not None:
        keras.utils.set_random_seed(seed)
    kernel = {"kernel_regularizer": regularizers.L2(l2) if l2 else None}
    network = [
        keras.Input((28, 28, 1)),
        augmentation.build_layers(augment) if augment else None,
        layers.Rescaling(1 / 255),
        layers.Conv2D(32, (3, 3), activation="relu", **kernel),
        layers.MaxPooling2D((2, 2)),
        layers.Conv2D(64, (3, 3), activation="relu", **kernel),
        layers.MaxPooling2D((2, 2)),
        layers.Conv2D(64, (3, 3), activation="relu", **kernel),
        layers.Flatten(),
        layers.Dropout(dropout_rate) if dropout_rate else None,
        layers.Dense(64, activation="relu", **kernel),
        layers.Dropout(dropout_rate) if dropout_rate else None,
        layers.Dense(10, activation="softmax", **kernel),
    ]
    return keras.Sequential([layer for layer in network if layer is not None])
