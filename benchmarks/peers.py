"""Other tutorials' trainings against the fast recipe: keras.io's, and PyTorch's where torch is installed."""

import time
from typing import Any

from benchmarks.common import compare_ratios, run_apart
from benchmarks.trainings import time_fit, train_recipe
from mnist_helpers import datasets, environment, recipes

SEED = 0


def train_keras_io(seed: int, dataset: str = "mnist") -> dict[str, float]:
    """Train the network of keras.io's "Simple MNIST convnet" with its settings.

    Parameters
    ----------
    seed : int
        Seed of weights, dropout and order.
    dataset : str, default "mnist"
        Data set, as in `datasets.load`.

    Returns
    -------
    dict of str to float
        ``seconds`` in `fit` and ``accuracy`` on the test set, in percent.
    """
    import keras
    from keras import layers

    digits = datasets.load(dataset).with_validation_in_training()
    keras.utils.set_random_seed(seed)
    network = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    images = digits.x_train.astype("float32") / 255
    return time_fit(network, images, digits.y_train, dataset, batch_size=128, epochs=15, validation_split=0.1)


def train_pytorch(seed: int, dataset: str = "mnist") -> dict[str, float]:
    """Train the network of PyTorch's MNIST example with its settings, for the first two of its 14 epochs.

    Parameters
    ----------
    seed : int
        Seed of weights, dropout and order.
    dataset : str, default "mnist"
        Data set, as in `datasets.load`.

    Returns
    -------
    dict of str to float
        ``seconds`` of the training loop and ``accuracy`` on the test set, in percent.
    """
    import torch
    from torch import nn

    digits = datasets.load(dataset).with_validation_in_training()
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
        nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10),
    )  # fmt: skip
    pairs = {"training": (digits.x_train, digits.y_train), "test": digits.open_test()}
    images = {
        name: (torch.tensor(x).float().permute(0, 3, 1, 2) / 255 - 0.1307) / 0.3081
        for name, (x, _) in pairs.items()
    }
    labels = {name: torch.tensor(y).long() for name, (_, y) in pairs.items()}
    optimizer = torch.optim.Adadelta(network.parameters(), lr=1.0)
    start = time.perf_counter()
    for _ in range(2):
        for chosen in torch.randperm(len(images["training"])).split(64):
            optimizer.zero_grad()
            outputs = network(images["training"][chosen])
            nn.functional.cross_entropy(outputs, labels["training"][chosen]).backward()
            optimizer.step()
        for group in optimizer.param_groups:
            group["lr"] *= 0.7
    seconds = time.perf_counter() - start
    network.eval()
    with torch.no_grad():
        predicted = torch.cat([network(part).argmax(1) for part in images["test"].split(1000)])
    accuracy = (predicted == labels["test"]).float().mean().item()
    return {"seconds": round(seconds, 2), "accuracy": round(100 * accuracy, 2)}


def measure() -> dict[str, Any]:
    """Train each peer and the fast recipe once, in turns.

    Returns
    -------
    dict
        The trainings of each pair and their ratio, by peer.
    """
    peers = {"keras.io convnet, 15 epochs": train_keras_io}
    if environment.installed_version("torch"):
        peers["PyTorch example, 2 epochs"] = train_pytorch
    found = {}
    for name, train in peers.items():
        peer = run_apart(train, SEED)
        fast = run_apart(train_recipe, recipes.FAST, SEED)
        found[name] = {
            "peer": [peer],
            "fast": [fast],
            "fast against it": compare_ratios([fast["seconds"]], [peer["seconds"]]),
        }
    return found
