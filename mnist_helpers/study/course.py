"""The course of a training: its numbers at checkpoints, recorded while it runs."""

import time
from collections.abc import Mapping

from mnist_helpers import datasets, environment, statistics
from mnist_helpers.study import store
from mnist_helpers.study.plan import Task

environment.check()

import keras
import numpy as np
import tensorflow as tf

_BATCH_SIZE = 250
_TRAIN_SAMPLE = 1_000  # training images that are scored at a checkpoint


class CourseCallback(keras.callbacks.Callback):
    """Score a network at the checkpoints of a task. Does not affect training.

    Parameters
    ----------
    task : Task
        Gives the checkpoints.
    digits : Digits
        Its training images are those that the network is trained on, in its first rows.

    Attributes
    ----------
    rows : list of dict of str to float
        One per epoch that was scored: ``epoch``, ``is_checkpoint``, and the scores of `statistics.score`
        with the prefixes ``train_``, ``validation_`` and ``test_``. If the task watches for early stopping,
        the validation images are scored after every epoch, and the rest also where one of their scores is
        the best so far: that is where a patient rule may stop.
    seconds : float
        Time spent on scoring.
    wrong : str
        The test images that the network got wrong when they were last scored (see `store.unpack_wrong`).
    """

    def __init__(self, task: Task, digits: datasets.Digits) -> None:
        super().__init__()
        self.task = task
        size = task.recipe.validation_size
        self.sets = {"train": (digits.x_train[:_TRAIN_SAMPLE], digits.y_train[:_TRAIN_SAMPLE])}
        if size:
            self.sets["validation"] = (digits.x_validation[:size], digits.y_validation[:size])
        if task.evaluate_on == "test":
            self.sets["test"] = digits.open_test()
        self.rows: list[dict[str, float]] = []
        self.seconds = 0.0
        self.wrong = ""
        self._best = {"accuracy": -np.inf, "cross_entropy": -np.inf}

    def set_model(self, model: keras.Model) -> None:
        """Prepare a forward pass that is traced once.

        Parameters
        ----------
        model : keras.Model
            The network.
        """
        super().set_model(model)
        self._predict = tf.function(lambda images: model(images, training=False), reduce_retracing=True)

    def on_epoch_end(self, epoch: int, logs: Mapping | None = None) -> None:
        """Score the network if a checkpoint is due, or if early stopping may stop here.

        Parameters
        ----------
        epoch : int
            Number of the epoch, from 0.
        logs : mapping, optional
            Keras's own numbers; not used.
        """
        start = time.perf_counter()
        due = epoch + 1 in self.task.checkpoints
        row: dict[str, float] = {"epoch": epoch + 1, "is_checkpoint": int(due)}
        if self.task.watch:
            self._score("validation", row)
            due = self._improves(row) or due
        if due:
            for name in self.sets:
                if f"{name}_accuracy" not in row:
                    self._score(name, row)
        if due or self.task.watch:
            self.rows.append(row)
        self.seconds += time.perf_counter() - start

    def _improves(self, row: Mapping[str, float]) -> bool:
        """Return whether a validation score is the best so far."""
        found = {"accuracy": row["validation_accuracy"], "cross_entropy": -row["validation_cross_entropy"]}
        better = [name for name, value in found.items() if value > self._best[name]]
        self._best |= {name: found[name] for name in better}
        return bool(better)

    def _score(self, name: str, row: dict[str, float]) -> None:
        """Add the scores of one set of images to a row."""
        images, labels = self.sets[name]
        parts = [
            self._predict(tf.constant(images[start : start + _BATCH_SIZE])).numpy()
            for start in range(0, len(images), _BATCH_SIZE)
        ]
        probabilities = np.concatenate(parts)
        for score, value in statistics.score(probabilities, labels).items():
            row[f"{name}_{score}"] = value
        if name == "test":
            self.wrong = store.pack_wrong(probabilities.argmax(axis=1) != labels)
