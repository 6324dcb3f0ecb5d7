"""Ways to break the package, or Keras, on purpose, each by replacing what a public name of it does."""

import functools
from dataclasses import replace

import numpy as np


def ignore_l2():
    """Let the L2 penalty cost nothing."""
    import keras

    keras.regularizers.L2.__call__ = lambda self, weights: 0.0 * keras.ops.sum(weights)


def ignore_dropout():
    """Let dropout layers return their inputs unchanged, in training too."""
    import keras

    keras.layers.Dropout.call = lambda self, inputs, training=False: inputs


def ignore_augmentation():
    """Let the augmentation layer return its images unchanged, in training too."""
    from mnist_helpers import augmentation

    augmentation.RandomAffine.call = lambda self, inputs, training=False: inputs


def shift_labels():
    """Give each image the label of its predecessor."""
    _change_labels(lambda labels: np.roll(labels, 1))


def increment_labels():
    """Give each image the label of the next digit."""
    _change_labels(lambda labels: (labels + 1) % 10)


def leak_validation():
    """Train on the validation images as well."""

    def leak(digits):
        images = np.concatenate([digits.x_train, digits.x_validation])
        labels = np.concatenate([digits.y_train, digits.y_validation])
        return replace(digits, x_train=images, y_train=labels)

    _change_digits(leak)


def swap_labels():
    """Swap the training labels 4 and 9."""

    def swap(digits):
        swapped = np.arange(10)
        swapped[[4, 9]] = 9, 4
        return replace(digits, y_train=swapped[digits.y_train].astype(digits.y_train.dtype))

    _change_digits(swap)


def scale_wrongly():
    """Let a rescaling layer return values ten times too large."""
    import keras

    rescale = keras.layers.Rescaling.call
    keras.layers.Rescaling.call = lambda self, inputs: 10 * rescale(self, inputs)


def augment_at_inference():
    """Let the augmentation layer change images at inference too."""
    from mnist_helpers import augmentation

    call = augmentation.RandomAffine.call
    augmentation.RandomAffine.call = lambda self, inputs, training=False: call(self, inputs, training=True)


def strengthen_l2():
    """Let the L2 penalty cost ten times as much."""
    import keras

    penalty = keras.regularizers.L2.__call__
    keras.regularizers.L2.__call__ = lambda self, weights: 10 * penalty(self, weights)


def ignore_patience():
    """Let early stopping never stop."""
    _change_early_stopping(patience=1_000)


def keep_last_weights():
    """Let early stopping leave the last weights instead of the best."""
    _change_early_stopping(restore_best_weights=False)


def share_seeds():
    """Let all repetitions of a comparison have the first one's seed."""
    from mnist_helpers import training

    compare = training.compare

    @functools.wraps(compare)
    def compare_wrongly(builders, digits, seeds, **settings):
        seeds = list(seeds)
        return compare(builders, digits, [seeds[0]] * len(seeds), **settings)

    training.compare = compare_wrongly


def draw_unstratified():
    """Draw subsets without regard to the digits."""
    from mnist_helpers.datasets import Digits

    def subset(self, size, seed=0):
        count = min(size, len(self.x_train))
        rows = np.sort(np.random.default_rng(seed).choice(len(self.x_train), count, replace=False))
        return replace(self, x_train=self.x_train[rows], y_train=self.y_train[rows])

    Digits.subset = subset


def measure_with_penalty():
    """Let the cross-entropy of an evaluation include the penalty."""
    from mnist_helpers import training

    evaluate = training.evaluate

    @functools.wraps(evaluate)
    def evaluate_wrongly(network, images, labels):
        cross_entropy, accuracy = evaluate(network, images, labels)
        return cross_entropy + sum(float(loss) for loss in network.losses), accuracy

    training.evaluate = evaluate_wrongly


def use_normal_quantile():
    """Make intervals with the normal distribution's quantile instead of Student's t."""
    from scipy import stats

    stats.t.ppf = lambda level, df=None, **_: stats.norm.ppf(level)


def reverse_pairs():
    """Pair each run with the reference of a different seed."""
    from mnist_helpers import statistics

    compare = statistics.paired_difference

    @functools.wraps(compare)
    def compare_wrongly(values, reference, comparisons=1):
        return compare(values, list(reference)[::-1], comparisons)

    statistics.paired_difference = compare_wrongly


def rotate_by_radians():
    """Take the degrees of a rotation for radians."""
    from mnist_helpers import augmentation

    init = augmentation.RandomAffine.__init__

    @functools.wraps(init)
    def init_wrongly(self, rotation=0.0, **settings):
        init(self, rotation=np.multiply(rotation, 180 / np.pi).tolist(), **settings)

    augmentation.RandomAffine.__init__ = init_wrongly


def drop_pixels():
    """Move a network's dropout layers before its first convolution."""
    import keras

    init = keras.Sequential.__init__

    @functools.wraps(init)
    def init_wrongly(self, layers=None, *args, **settings):
        layers = list(layers or ())
        dropouts = [layer for layer in layers if isinstance(layer, keras.layers.Dropout)]
        kept = [layer for layer in layers if layer not in dropouts]
        first = next((i for i, layer in enumerate(kept) if isinstance(layer, keras.layers.Conv2D)), 0)
        init(self, [*kept[:first], *dropouts, *kept[first:]], *args, **settings)

    keras.Sequential.__init__ = init_wrongly


def keep_rate():
    """Let a learning rate that should anneal stay at its peak."""
    from keras.optimizers import schedules

    schedules.CosineDecay.__call__ = lambda self, step: (
        self.initial_learning_rate if self.warmup_target is None else self.warmup_target
    )


def open_validation_as_test():
    """Return the validation images as the test set."""
    from mnist_helpers.datasets import Digits

    Digits.open_test = lambda self: (self.x_validation, self.y_validation)


def centre_by_box():
    """Centre a drawing by its bounding box instead of its mass."""
    from mnist_helpers import drawing
    from mnist_helpers.drawing import pad, pictures

    frame = pictures.to_mnist_frame

    @functools.wraps(frame)
    def frame_wrongly(pixels):
        framed = frame(pixels)[..., 0]
        rows, columns = (np.flatnonzero(framed.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            return framed[..., np.newaxis]
        shifts = [(27 - each[0] - each[-1]) // 2 for each in (rows, columns)]
        return np.roll(framed, shifts, (0, 1))[..., np.newaxis]

    pictures.to_mnist_frame = pad.to_mnist_frame = drawing.to_mnist_frame = frame_wrongly


def calibrate_in_five_bins():
    """Measure the calibration error in 5 bins instead of 15."""
    from scipy import stats

    binned = stats.binned_statistic

    @functools.wraps(binned)
    def binned_wrongly(*args, bins=10, **settings):
        return binned(*args, bins=5, **settings)

    stats.binned_statistic = binned_wrongly


def skip_steps():
    """Let optimizers change no weight."""
    import keras

    keras.optimizers.Optimizer.apply = lambda self, gradients, variables=None: self.iterations.assign_add(1)


def _change_early_stopping(**wrong):
    import keras

    init = keras.callbacks.EarlyStopping.__init__

    @functools.wraps(init)
    def init_wrongly(self, *args, **settings):
        init(self, *args, **settings | wrong)

    keras.callbacks.EarlyStopping.__init__ = init_wrongly


def _change_labels(change):
    """Change the labels of whatever is loaded; images stay."""
    _change_digits(
        lambda digits: replace(
            digits, y_train=change(digits.y_train), y_validation=change(digits.y_validation)
        )
    )


def _change_digits(change):
    """Change whatever is loaded."""
    from mnist_helpers import datasets

    load = datasets.load

    @functools.wraps(load)
    def load_wrong(dataset="auto"):
        return change(load(dataset))

    datasets.load = load_wrong
