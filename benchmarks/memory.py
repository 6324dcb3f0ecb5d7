"""Peak memory of a training on uint8 images, as here, against one on floats, as in most tutorials."""

import sys
from typing import Any

from benchmarks.common import compare_ratios, run_apart
from mnist_helpers import datasets

KINDS = ("bytes", "float32", "float64")


def measure_peak(kind: str, n_steps: int = 64, dataset: str = "mnist") -> int:
    """Train for some steps and return the process's peak memory; call it in a process of its own.

    Parameters
    ----------
    kind : {"bytes", "float32", "float64"}
        Images as bytes, which the network scales, or as floats that are scaled before training.
    n_steps : int, default 64
        Training steps of 128 images.
    dataset : str, default "mnist"
        Data set, as in `datasets.load`.

    Returns
    -------
    int
        Peak of the resident memory in MB (10^6 bytes).
    """
    from resource import RUSAGE_SELF, getrusage

    import keras

    from mnist_helpers import models

    digits = datasets.load(dataset).with_validation_in_training()
    images = digits.x_train
    network = models.build_cnn(seed=0)
    if kind != "bytes":
        images = images.astype(kind) / 255
        network = keras.Sequential([keras.Input((28, 28, 1)), *network.layers[1:]])
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], steps_per_execution=32)
    network.fit(images, digits.y_train, batch_size=128, epochs=1, steps_per_epoch=n_steps, verbose=0)
    unit = 1024 if sys.platform == "linux" else 1
    return round(getrusage(RUSAGE_SELF).ru_maxrss * unit / 1e6)


def measure(n_steps: int = 64, rounds: int = 3, dataset: str = "mnist") -> dict[str, Any]:
    """Measure the peak memory of trainings on bytes and on floats.

    Parameters
    ----------
    n_steps : int, default 64
        Steps of each training.
    rounds : int, default 3
        Trainings of each kind.
    dataset : str, default "mnist"
        Data set, as in `datasets.load`.

    Returns
    -------
    dict
        Peaks in MB by kind, and the ratios of floats to bytes.
    """
    peak = {kind: [run_apart(measure_peak, kind, n_steps, dataset) for _ in range(rounds)] for kind in KINDS}
    ratios = {f"{kind} against bytes": compare_ratios(peak[kind], peak["bytes"]) for kind in KINDS[1:]}
    return {"peak MB": peak, **ratios}
