"""The study: techniques, training sizes and paired seeds; each run made once, wherever Dask sends it.

What a run is, and its key; `mnist_helpers.records` keeps what came out, and knows what is missing.
"""

import contextlib
import hashlib
import json
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache

import numpy as np
import pandas as pd

from mnist_helpers import datasets, environment, evidence, records
from mnist_helpers.errors import DataError, SetupError
from mnist_helpers.recipes import NAMED, Recipe

# What each technique changes in the baseline, at the strengths that were chosen from CANDIDATES.
TECHNIQUES = {
    "baseline": {},
    "L2": {"l2": 1e-4},
    "dropout": {"dropout_rate": 0.5},
    "augmentation (gentle)": {"augmentation": "gentle"},
    "augmentation (article)": {"augmentation": "article"},
    "early stopping": {"patience": 5},
    "combined": {"dropout_rate": 0.5, "augmentation": "gentle"},
}
SIZES = {1_000: (20, 30), 5_000: (10, 15), 50_000: (10, 5)}  # training images: (seeds, epochs)
# What validation images chose from, before the study; the first of each stays unless another is better.
CANDIDATES = {
    "l2": (1e-4, 1e-5, 1e-3),
    "dropout_rate": (0.2, 0.1, 0.5),
    "augmentation": ("gentle", "weak", "strong"),
    "patience": (2, 1, 5, 10),
}
_VALIDATION_SIZE = (
    2_000  # validation images that decide when to stop, and behind the numbers beside the test's
)


@dataclass(frozen=True)
class Task:
    """A run to be made."""

    technique: str
    recipe: Recipe
    judge: str = "test"  # or "validation": the images that judge a run on which a choice depends
    watch: bool = False  # note the judge's accuracy after each epoch, to see what stopping by it would claim

    def __str__(self) -> str:
        return f"{self.technique}, {self.recipe.train_size:,} images, seed {self.recipe.seed}"


def plan_study(sizes: Mapping[int, tuple[int, int]] = SIZES) -> list[Task]:
    """Return the runs of all techniques at the sizes given, ``{training images: (seeds, epochs)}``."""
    tasks = []
    for size, (n_seeds, epochs) in sizes.items():
        for technique, changes in TECHNIQUES.items():
            # Evaluations take time: only those have a curve who stop by it, or with whom it is compared.
            watch = technique == "baseline" and size > 1_000
            curve_size = _VALIDATION_SIZE if watch or "patience" in changes else 0
            recipe = Recipe(
                train_size=size,
                epochs=epochs,
                validation_size=_VALIDATION_SIZE,
                curve_size=curve_size,
                **changes,
            )
            tasks += [Task(technique, replace(recipe, seed=seed), watch=watch) for seed in range(n_seeds)]
    return tasks


def plan_article(n_seeds: int = 10) -> list[Task]:
    """Return the article's own training, repeated: 60,000 images, nothing kept back for validation."""
    recipe = Recipe(train_size=60_000, validation_size=0, curve_size=0)
    return [Task("article", replace(recipe, seed=seed)) for seed in range(n_seeds)]


def plan_choice() -> list[Task]:
    """Return the runs that compare the candidates on validation images, with seeds that no study uses."""
    baseline = Recipe(train_size=1_000, epochs=SIZES[1_000][1], curve_size=0)
    tasks = []
    for name, values in CANDIDATES.items():
        for value in values:
            recipe = replace(
                baseline, **{name: value}, curve_size=_VALIDATION_SIZE if name == "patience" else 0
            )
            candidate = f"{name}={value}"
            tasks += [Task(candidate, replace(recipe, seed=seed), "validation") for seed in range(100, 118)]
    return tasks


def choose(runs: pd.DataFrame) -> dict[str, object]:
    """Return the value of each strength that the runs of `plan_choice` decide for.

    The first candidate stays, unless another's validation accuracy is detectably higher over paired seeds;
    of several such, the one of the highest mean. (Of the 10,000 images that judge, 2,000 also stop a run.)
    """
    chosen, runs = {}, runs.sort_values("seed")
    for name, values in CANDIDATES.items():
        series = [
            runs.loc[runs["technique"] == f"{name}={v}", "validation_accuracy"].to_list() for v in values
        ]
        found = [evidence.paired_difference(other, series[0], len(values) - 1) for other in series[1:]]
        better = [
            (d.mean, value) for d, value in zip(found, values[1:], strict=True) if d.verdict == "higher"
        ]
        chosen[name] = max(better, key=lambda pair: pair[0])[1] if better else values[0]
    return chosen


PLANS = {
    "study": lambda: plan_study() + plan_article(),
    "choice": plan_choice,
    "quick": lambda: plan_study({1_000: (4, 12)}),
}


def name_run(task: Task, digest: str) -> str:
    """Return a run's key: a hash of its recipe, its judge, the data's digest and the schema's version."""
    ranges = NAMED.get(task.recipe.augmentation)
    fixed = [records.SCHEMA, digest, asdict(task.recipe), ranges, task.judge, task.watch]
    text = json.dumps(fixed, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def _load(dataset: str) -> tuple[datasets.Digits, str]:
    digits = datasets.load(dataset)
    return digits, digits.digest()


_ALONE = threading.Lock()  # a worker may have several threads; Keras's seed is one for all of them


def run(task: Task, key: str, dataset: str) -> dict[str, str]:
    """Train and judge, and return all that is recorded, as text: numbers of six decimals.

    `train_`, `validation_` and `test_` columns hold what `evidence.score` names, `seconds` those of `fit`.
    `stopped_on_validation` and `stopped_on_test` are test accuracies: at the epoch of the best validation
    accuracy, and at that of the best test accuracy, of runs with `watch`. Raises DataError where data or
    package are not those of the key.
    """
    digits, digest = _load(dataset)
    if name_run(task, digest) != key:
        raise DataError("this worker has other data or another version of mnist-helpers than the study")
    with _ALONE:
        return {"key": key, "schema": str(records.SCHEMA), **_run(task, digits)}


def _run(task: Task, digits: datasets.Digits) -> dict[str, str]:
    with environment.silence():  # TensorFlow's first lines would stand between a bar and its results
        from mnist_helpers import training

    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # "retracing": each run has a network of its own
    judges = {"test": digits.open_test, "validation": lambda: (digits.x_validation, digits.y_validation)}
    images, labels = judges[task.judge]()
    onlooker = training.Onlooker(images, labels)
    network, found = training.train(task.recipe, digits, [onlooker] if task.watch else [])
    network.steps_per_execution = 1  # a graph of many steps would take longer to build than they take
    judged = evidence.score(network.predict(training.batch(images, labels), verbose=0), labels)
    row = {
        "train_accuracy": found.train_accuracy,
        "train_cross_entropy": found.train_loss,
        "validation_accuracy": found.validation_accuracy,
        "validation_cross_entropy": found.validation_loss,
        **{f"{task.judge}_{name}": value for name, value in judged.items()},
        "seconds": found.seconds,
    }
    if task.watch:
        best = int(np.argmax(found.history["val_accuracy"]))
        row |= {"stopped_on_validation": onlooker.accuracy[best], "stopped_on_test": max(onlooker.accuracy)}
    row = {name: f"{value:.6f}" for name, value in row.items()}
    threads = os.environ.get("TF_NUM_INTRAOP_THREADS", "unset")
    made = {"epochs_trained": len(found.history["loss"]), "dataset": digits.name, "threads": threads}
    recorded = {"technique": task.technique, **asdict(task.recipe), **row, **made, **environment.describe()}
    return {name: str(value) for name, value in recorded.items()}


def name_runs(plan: str, digits: datasets.Digits) -> dict[str, Task]:
    """Return the runs of a plan, one of PLANS, as ``{key: task}``."""
    digest = digits.digest()
    return {name_run(task, digest): task for task in PLANS[plan]()}


# What a local cluster is told.
_DASK = {
    # Its workers' variables. Without Dask's own: MALLOC_TRIM_THRESHOLD_ has each training step give its
    # memory back and ask for it again, an eighth of the time, and more with every run beside it.
    "distributed.nanny.pre-spawn-environ": {
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    },
    # Its looks at itself, many times a second, took a twentieth of two busy cores; a run takes seconds.
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.monitor-interval": "1s",
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
}


def compute(
    tasks: Mapping[str, Task], digits: datasets.Digits, *, scheduler: str | None = None, jobs: int = 1
) -> Iterator[tuple[str, dict | Exception]]:
    """Run tasks, ``{key: task}``, by Dask, the longest first; yield each key with its row, or what failed.

    `scheduler` is the address of a cluster; without one, `jobs` processes of one thread each do the work:
    in batches of 32 two threads are no faster than one, and two runs at once are.
    """
    if not tasks:
        return
    try:
        import dask
        import distributed
    except ModuleNotFoundError as missing:
        raise SetupError(records.NEEDED.format(missing.name)) from None
    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set(_DASK))
        if not scheduler:
            local = {"n_workers": jobs, "threads_per_worker": 1, "dashboard_address": "localhost:0"}
            scheduler = stack.enter_context(distributed.LocalCluster(**local, silence_logs="ERROR"))
        try:
            client = stack.enter_context(distributed.Client(scheduler, timeout="30s"))
        except (OSError, ValueError) as error:
            raise SetupError(f"No Dask scheduler answers at {scheduler}: {error}") from error
        dataset = "mnist" if digits.name == "MNIST" else "uci"
        longest = sorted(tasks, key=lambda key: -measure(tasks[key]))
        futures = {client.submit(run, tasks[key], key, dataset, key=f"run-{key}"): key for key in longest}
        for future in distributed.as_completed(futures):
            try:
                found = future.result()
            except Exception as error:  # of the run, or of a cluster that is gone
                found = error
            yield futures[future], found
            future.release()


def measure(task: Task) -> int:
    """Return the work of a run, for orders and bars: images that pass; one that is judged costs a third."""
    return task.recipe.epochs * (task.recipe.train_size + task.recipe.curve_size // 3)
