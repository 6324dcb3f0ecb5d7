"""The plan of the study: which runs are made, under which keys, and which comparisons they serve."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import pandas as pd

from mnist_helpers import datasets, statistics
from mnist_helpers.recipes import PRESETS, Recipe

SCHEMA = 2  # version of what a run is and records; part of each key
BASELINE = "baseline"
# What each technique changes in the baseline, at the strengths that were selected from CANDIDATES.
TECHNIQUES: dict[str, dict[str, Any]] = {
    BASELINE: {},
    "L2": {"l2": 1e-4},
    "dropout": {"dropout_rate": 0.5},
    "augmentation (gentle)": {"augmentation": "gentle"},
    "augmentation (article)": {"augmentation": "article"},
    "early stopping": {"patience": 5},
    "combined": {"dropout_rate": 0.5, "augmentation": "gentle"},
}
SIZES = {1_000: (20, 30), 5_000: (10, 15), 50_000: (10, 5)}  # training images: (seeds, epochs)
# Comparisons of two techniques, by measure: (technique, reference, training images). Together with each
# technique against the baseline at each size they are the family that the intervals are adjusted for.
PAIRS = {
    "accuracy": (
        ("dropout", "L2", 50_000),
        ("dropout", "augmentation (gentle)", 50_000),
        ("dropout", "augmentation (gentle)", 1_000),
        ("combined", "augmentation (gentle)", 1_000),
    )
}
# Values that were compared on validation images before the study. The first of each is the default.
CANDIDATES: dict[str, tuple[Any, ...]] = {
    "l2": (1e-4, 1e-5, 1e-3),
    "dropout_rate": (0.2, 0.1, 0.5),
    "augmentation": ("gentle", "weak", "strong"),
    "patience": (2, 1, 5, 10),
}
_CANDIDATE_SEEDS = range(100, 118)  # the study itself uses none of them
_VALIDATION_SIZE = 2_000  # validation images for early stopping and for the numbers beside the test's


@dataclass(frozen=True)
class Task:
    """One run to be made.

    Parameters
    ----------
    technique : str
        A name in `TECHNIQUES`, ``"article"``, or a candidate such as ``"l2=0.001"``.
    recipe : Recipe
        What is trained.
    evaluate_on : {"test", "validation"}
        The images that evaluate the run: validation images if a selection depends on it.
    track_test_accuracy : bool
        Whether to record the accuracy on these images after each epoch, which shows by how much stopping
        on them would overstate it.
    """

    technique: str
    recipe: Recipe
    evaluate_on: str = "test"
    track_test_accuracy: bool = False

    def __str__(self) -> str:
        return f"{self.technique}, {self.recipe.train_size:,} images, seed {self.recipe.seed}"


def plan_study(sizes: Mapping[int, tuple[int, int]] = SIZES) -> list[Task]:
    """Plan each technique at each training size with paired seeds.

    Parameters
    ----------
    sizes : mapping of int to (int, int)
        Number of training images to (number of seeds, epochs).

    Returns
    -------
    list of Task
        The same seeds for each technique of a size, counted from 0.
    """
    tasks = []
    for size, (n_seeds, epochs) in sizes.items():
        for technique, changes in TECHNIQUES.items():
            # Evaluation takes time: record validation curves only for early stopping and its baseline.
            track = technique == BASELINE and size > 1_000
            recipe = Recipe(
                train_size=size,
                epochs=epochs,
                validation_size=_VALIDATION_SIZE,
                curve_size=_VALIDATION_SIZE if track or "patience" in changes else 0,
                **changes,
            )
            for seed in range(n_seeds):
                tasks.append(Task(technique, replace(recipe, seed=seed), track_test_accuracy=track))
    return tasks


def plan_article(n_seeds: int = 10) -> list[Task]:
    """Plan the article's own training, repeated: 60,000 images, none kept for validation.

    Parameters
    ----------
    n_seeds : int, default 10
        Number of runs.

    Returns
    -------
    list of Task
        One per seed, counted from 0.
    """
    recipe = Recipe(train_size=60_000, validation_size=0, curve_size=0)
    return [Task("article", replace(recipe, seed=seed)) for seed in range(n_seeds)]


def plan_candidates() -> list[Task]:
    """Plan the runs that compare the candidate strengths on validation images, at 1,000 training images.

    Returns
    -------
    list of Task
        With seeds that the study does not use.
    """
    _, epochs = SIZES[1_000]
    tasks = []
    for name, values in CANDIDATES.items():
        curve_size = _VALIDATION_SIZE if name == "patience" else 0
        for value in values:
            changes: dict[str, Any] = {name: value}
            recipe = Recipe(train_size=1_000, epochs=epochs, curve_size=curve_size, **changes)
            for seed in _CANDIDATE_SEEDS:
                tasks.append(Task(f"{name}={value}", replace(recipe, seed=seed), "validation"))
    return tasks


# Plans by the name of their table: study.csv, choice.csv, quick.csv.
PLANS: dict[str, Callable[[], list[Task]]] = {
    "study": lambda: plan_study() + plan_article(),
    "choice": plan_candidates,
    "quick": lambda: plan_study({1_000: (4, 12)}),
}


def select_hyperparameters(runs: pd.DataFrame) -> dict[str, object]:
    """Return the strength of each technique that the runs of `plan_candidates` select.

    The first candidate stays, unless the validation accuracy of another is detectably higher over paired
    seeds; of several such, the one with the highest mean is selected. (2,000 of the 10,000 validation
    images also stop the runs with early stopping.)

    Parameters
    ----------
    runs : DataFrame
        The finished runs, a row each, in any order.

    Returns
    -------
    dict of str to object
        Field of `Recipe` to its selected value.
    """
    runs = runs.sort_values("seed")
    selected: dict[str, object] = {}
    for name, values in CANDIDATES.items():
        accuracies = {
            value: runs.loc[runs["technique"] == f"{name}={value}", "validation_accuracy"].to_list()
            for value in values
        }
        default, *others = values
        selected[name] = default
        highest = 0.0
        for value in others:
            found = statistics.paired_difference(accuracies[value], accuracies[default], len(others))
            if found.verdict == "higher" and found.mean > highest:
                selected[name] = value
                highest = found.mean
    return selected


def family_size(measure: str) -> int:
    """Return the number of comparisons that an interval of a measure is adjusted for.

    Parameters
    ----------
    measure : str
        A name in `results.MEASURES`.

    Returns
    -------
    int
        Each technique against the baseline at each size, and the `PAIRS` of the measure; 1 for measures of
        the baseline alone.
    """
    if "stopped" in measure:
        return 1
    return (len(TECHNIQUES) - 1) * len(SIZES) + len(PAIRS.get(measure, ()))


def run_key(task: Task, digest: str) -> str:
    """Return the key of a run: equal keys mean equal runs.

    Parameters
    ----------
    task : Task
        The run. The name of its technique does not count, everything else does.
    digest : str
        `Digits.digest` of the data.

    Returns
    -------
    str
        16 hexadecimal digits, a hash of the recipe with its augmentation ranges, the images that evaluate
        it, the data and the schema.
    """
    ranges = PRESETS.get(task.recipe.augmentation)
    fixed = [SCHEMA, digest, asdict(task.recipe), ranges, task.evaluate_on, task.track_test_accuracy]
    text = json.dumps(fixed, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def key_tasks(plan: str, digits: datasets.Digits) -> dict[str, Task]:
    """Return the runs of a plan by their keys.

    Parameters
    ----------
    plan : str
        A name in `PLANS`.
    digits : Digits
        The data.

    Returns
    -------
    dict of str to Task
        In the order of the plan.
    """
    digest = digits.digest()
    return {run_key(task, digest): task for task in PLANS[plan]()}


def estimated_cost(task: Task) -> int:
    """Return the estimated work of a run, for its place in the queue and for progress bars.

    Parameters
    ----------
    task : Task
        The run.

    Returns
    -------
    int
        In training images; evaluating an image costs a third of training on it.
    """
    return task.recipe.epochs * (task.recipe.train_size + task.recipe.curve_size // 3)
