"""Time the whole series against the six trainings of the article that it follows.

Usage: python benchmarks/series.py [RUN OPTIONS], such as --jobs 2; ten to fifteen minutes on 2 cores

Prints both times in seconds and their ratio, measured in one go, because machines differ and are noisy.
The article trains six networks, each for 5 epochs on 60,000 images in batches of 32. Only the time inside
`fit` is counted for them; for the series everything counts, from the first kernel to the last page.
"""

import subprocess
import sys
import tempfile
import time

import numpy as np
from tqdm import tqdm

from mnist_helpers import datasets, models

import keras  # isort: skip — after `models`, which checks the environment

TRAININGS = {
    "baseline": {},
    "L2": {"l2": 1e-4},
    "dropout": {"dropout_rate": 0.2},
    "augmentation that fit never saw": {},
    "early stopping": {},
    "all together": {"l2": 1e-4, "dropout_rate": 0.2},
}


def time_article(digits):
    """Return the seconds inside `fit` of each of the article's trainings."""
    images = np.concatenate([digits.x_train, digits.x_validation])
    labels = np.concatenate([digits.y_train, digits.y_validation])
    seconds = {}
    for name, technique in tqdm(TRAININGS.items(), "the article's trainings"):
        network = models.build_cnn(**technique, seed=0)
        network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        start = time.perf_counter()
        network.fit(images, labels, batch_size=32, epochs=5, verbose=0)
        seconds[name] = time.perf_counter() - start
        keras.backend.clear_session()
    return seconds


def time_series(options):
    """Return the seconds that all seven lessons take."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run(["mnist-helpers", "run", "--output", folder, *options], check=True)
        return time.perf_counter() - start


if __name__ == "__main__":
    series = time_series(sys.argv[1:])
    article = time_article(datasets.load("mnist"))
    for name, seconds in article.items():
        print(f"{seconds:7.1f} s  {name}")
    print(f"{sum(article.values()):7.1f} s  the article's six trainings\n{series:7.1f} s  the whole series")
    print(f"   {series / sum(article.values()):.2f}   ratio")
