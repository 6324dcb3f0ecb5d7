"""Training recipes, their results, and the named augmentation ranges: plain values without TensorFlow.

This is their one home. The study plans and compares runs with these values on machines that need no
TensorFlow; `mnist_helpers.training` turns a `Recipe` into a `Run`.
"""

import math
import numbers
from dataclasses import dataclass, field

from mnist_helpers import statistics
from mnist_helpers.errors import UsageError

# Augmentation ranges: arguments of `augmentation.RandomAffine`. The gentle ranges keep every digit's label;
# the weak ones are half as wide, the strong ones twice.
WEAK = {"rotation": 5, "shift": 1, "zoom": 0.05, "shear": 0.05}
GENTLE = {"rotation": 10, "shift": 2, "zoom": 0.1, "shear": 0.1}
STRONG = {"rotation": 20, "shift": 4, "zoom": 0.2, "shear": 0.2}
# The article's. Its ImageDataGenerator takes the shear of 0.2 in degrees, which is 0.0035 pixels per row.
ARTICLE = {
    "rotation": 40,
    "shift": 5.6,
    "zoom": 0.2,
    "shear": 0.0035,
    "horizontal_flip": True,
    "fill_mode": "nearest",
}
PRESETS = {"weak": WEAK, "gentle": GENTLE, "strong": STRONG, "article": ARTICLE}
# The numbers of a recipe: type, least value, and the value that each stays below.
_RANGES: dict[str, tuple[type, float, float]] = {
    "train_size": (numbers.Integral, 10, math.inf),
    "epochs": (numbers.Integral, 1, math.inf),
    "batch_size": (numbers.Integral, 1, math.inf),
    "learning_rate": (numbers.Real, 1e-12, math.inf),
    "weight_decay": (numbers.Real, 0, math.inf),
    "l2": (numbers.Real, 0, math.inf),
    "dropout_rate": (numbers.Real, 0, 1),
    "patience": (numbers.Integral, 0, math.inf),
    "curve_size": (numbers.Integral, 0, math.inf),
    "validation_size": (numbers.Integral, 0, math.inf),
    "label_noise": (numbers.Real, 0, math.nextafter(1, 2)),
    "seed": (numbers.Integral, 0, 2**32),  # what TensorFlow takes
}


@dataclass(frozen=True)
class Recipe:
    """Everything that defines one training run, as plain values.

    Parameters
    ----------
    network : {"cnn", "fast", "tuned", "own"}
        Which of `models.build_cnn` (the article's network), `build_fast` and `build_tuned` is trained; "own"
        in the runs of `training.compare`, whose networks come from its caller.
    train_size : int
        Number of training images, at least 10; a data set with fewer gives all it has.
    epochs : int
        Passes through the training images, at most.
    batch_size : int
        Images per step.
    learning_rate : float
        Adam's learning rate; with `one_cycle`, its peak.
    one_cycle : bool
        Whether the rate rises to `learning_rate` and anneals to 0, instead of staying constant.
    betas : tuple of float
        Adam's decay rates of the gradient's mean and of its mean square.
    weight_decay : float
        Share of a weight that each step takes away, times the learning rate (AdamW).
    l2 : float
        λ of the L2 penalty, as in `models.build_cnn`.
    dropout_rate : float
        As in `models.build_cnn`.
    augmentation : str
        ``"none"`` or a name in `PRESETS`.
    patience : int or None
        Early stopping: epochs without a lower validation cross-entropy before training stops. None: never.
    curve_size : int
        Validation images that are evaluated after each epoch; 0 for none.
    validation_size : int
        Validation images behind the final numbers; 0 adds all of them to the training images instead.
    label_noise : float
        Share of the training labels, 0 to 1, that are redrawn uniformly from all ten digits.
    seed : int
        Draws the subset, the redrawn labels, the initial weights, the order, and everything random inside
        the network.

    Raises
    ------
    UsageError
        If a number is none or out of its range, such as ``epochs=0``.
    """

    network: str = "cnn"
    train_size: int = 50_000
    epochs: int = 5
    batch_size: int = 32
    learning_rate: float = 1e-3
    one_cycle: bool = False
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    l2: float = 0.0
    dropout_rate: float = 0.0
    augmentation: str = "none"
    patience: int | None = None
    curve_size: int = 10_000
    validation_size: int = 10_000
    label_noise: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, (kind, low, high) in _RANGES.items():
            value = getattr(self, name)
            if name == "patience" and value is None:
                continue
            if not (isinstance(value, kind) and low <= value < high):  # type: ignore[operator]
                whole = "a whole number" if kind is numbers.Integral else "a number"
                limit = f" and below {high:g}" if high < math.inf else ""
                raise UsageError(f"{name}={value!r}: {whole} of at least {low:g}{limit} is needed")


@dataclass(frozen=True)
class Run:
    """The result of one training run, as plain numbers.

    Losses are mean cross-entropies in nats, without any penalty; accuracies are shares from 0 to 1. They
    belong to the network that was kept: that of the last epoch or, with early stopping, of the best one. A
    run diverged if its training loss stopped being a finite number; then each of them is NaN.

    Parameters
    ----------
    recipe : Recipe
        What was trained.
    seconds : float
        Duration of `fit`, with its evaluations and with tracing, in seconds.
    best_epoch : int
        Epoch of the lowest validation cross-entropy, from 1; the last one if `curve_size` is 0. 0 if the run
        diverged.
    train_loss, train_accuracy : float
        On the first 10,000 training images.
    validation_loss, validation_accuracy : float
        On the first `validation_size` validation images; NaN without validation images.
    history : dict of str to list of float
        One number per epoch for each metric. Training metrics are running means over the epoch, with dropout
        and augmentation active.
    """

    recipe: Recipe
    seconds: float
    best_epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    history: dict[str, list[float]] = field(repr=False)

    @property
    def diverged(self) -> bool:
        """Whether the training loss stopped being a finite number (see `statistics.find_diverged`)."""
        return bool(statistics.find_diverged(self.train_loss))


# Both were selected on validation images.
FAST = Recipe(
    network="fast",
    epochs=1,
    batch_size=256,
    learning_rate=8e-3,
    one_cycle=True,
    betas=(0.7, 0.9),
    curve_size=0,
)
TUNED = Recipe(
    network="tuned",
    epochs=15,
    batch_size=128,
    learning_rate=4e-3,
    one_cycle=True,
    weight_decay=0.1,
    dropout_rate=0.3,
    augmentation="gentle",
)
