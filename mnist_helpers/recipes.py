"""What defines a training run, and what comes out of one: plain values, which need no TensorFlow."""

from dataclasses import dataclass, field

# Arguments of RandomAffine. Gentle ranges keep a digit's label; weak ones are half, strong ones twice them.
WEAK = {"rotation": 5, "shift": 1, "zoom": 0.05, "shear": 0.05}
GENTLE = {"rotation": 10, "shift": 2, "zoom": 0.1, "shear": 0.1}
STRONG = {"rotation": 20, "shift": 4, "zoom": 0.2, "shear": 0.2}
# The article's. ImageDataGenerator takes its shear of 0.2 in degrees: 0.0035 pixels a row.
ARTICLE = {
    "rotation": 40,
    "shift": 5.6,
    "zoom": 0.2,
    "shear": 0.0035,
    "horizontal_flip": True,
    "fill_mode": "nearest",
}
NAMED = {"weak": WEAK, "gentle": GENTLE, "strong": STRONG, "article": ARTICLE}


@dataclass(frozen=True)
class Recipe:
    """Everything that defines a training run, as plain values."""

    network: str = "cnn"  # "cnn" (the article's), "fast" or "tuned": what models.build_... makes
    train_size: int = 50_000  # training images; where there are not so many, all of them
    epochs: int = 5  # passes through them, at most
    batch_size: int = 32  # images a step
    learning_rate: float = 1e-3  # Adam's step size
    one_cycle: bool = False  # the rate rises to learning_rate and falls to 0, instead of staying there
    betas: tuple[float, float] = (0.9, 0.999)  # Adam's memory of gradients, and of their squares
    weight_decay: float = 0.0  # share of a weight, times the rate, that each step takes away
    l2: float = 0.0  # as in models.build_cnn
    dropout_rate: float = 0.0  # as in models.build_cnn
    augmentation: str = "none"  # "none" or a name in augmentation.NAMED
    patience: int | None = None  # stop after so many epochs without a better validation loss; None: never
    curve_size: int = 10_000  # validation images evaluated after each epoch; 0: none
    validation_size: int = 10_000  # validation images behind the final numbers; 0: they train as well
    seed: int = 0  # draws the subset, the weights, the order and all that is random in the network


@dataclass(frozen=True)
class Run:
    """What came out of a training run: plain numbers.

    Losses are mean cross-entropies in nats without any penalty, accuracies are shares from 0 to 1. They
    belong to the network that was kept: the last epoch's, or the best one's where patience was set.
    `history` holds lists of one number an epoch; its training numbers are running means over the epoch,
    with dropout and augmentation on.
    """

    recipe: Recipe
    seconds: float  # of `fit`, with its evaluations and the tracing of a network's first run
    best_epoch: int  # from 1: the one of lowest validation loss, or the last where no curve was asked for
    train_loss: float  # on the first 10,000 training images, as is the accuracy
    train_accuracy: float
    validation_loss: float  # nan, as is the accuracy, where all images are for training
    validation_accuracy: float
    history: dict[str, list[float]] = field(repr=False)


# Chosen on validation images.
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
