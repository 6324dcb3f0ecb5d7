"""The plan of the study, committed before its first run: runs, keys, comparisons, expected verdicts.

Runs, seeds and equivalence margins stand here; comparisons, expected verdicts and reasons in plan.toml.
"""

import functools
import hashlib
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mnist_helpers import datasets, statistics
from mnist_helpers.recipes import PRESETS, Recipe

SCHEMA = 3  # version of what a run is and records; part of each key
BASELINE = "baseline"
# Peak rate and strengths as `select_candidates` selected them from results/choice.csv, before the study.
L2 = 1e-4
DROPOUT_RATE = 0.5
AUGMENTATION = "gentle"
PEAK = 4e-3
TECHNIQUES: dict[str, dict[str, Any]] = {
    BASELINE: {},
    "L2": {"l2": L2},
    "dropout": {"dropout_rate": DROPOUT_RATE},
    "augmentation": {"augmentation": AUGMENTATION},
    "combined": {"dropout_rate": DROPOUT_RATE, "augmentation": AUGMENTATION},
}
_ARTICLE_RANGES = {"augmentation (article)": {"augmentation": "article"}}
_NOISY: dict[str, dict[str, Any]] = {
    BASELINE: {},
    "L2, λ = 0.0001": {"l2": 1e-4},
    "L2, λ = 0.001": {"l2": 1e-3},
    "L2, λ = 0.01": {"l2": 1e-2},
    "dropout": TECHNIQUES["dropout"],
    "augmentation": TECHNIQUES["augmentation"],
}
CANDIDATES: dict[str, tuple[Any, ...]] = {
    "l2": (1e-4, 1e-3),
    "dropout_rate": (0.5, 0.2),
    "augmentation": ("gentle", "weak", "strong"),
}
PEAKS = (4e-3, 2e-3)
MARGINS = {1_000: 0.5, 5_000: 0.2, 40_000: 0.1}  # equivalence margins, percentage points of accuracy
_VALIDATION_SIZE = 2_000

# The article's regime: Adam at a constant rate, batches of 32. And one cycle, whose rate anneals to 0.
CONSTANT = Recipe(validation_size=_VALIDATION_SIZE, curve_size=0)
ANNEALED = replace(CONSTANT, one_cycle=True, batch_size=128, learning_rate=PEAK)


@dataclass(frozen=True)
class Part:
    """One part of the study: techniques at several training sizes over paired seeds.

    Parameters
    ----------
    recipe : Recipe
        What all of its runs share.
    techniques : mapping of str to mapping
        What each technique changes in the recipe.
    sizes : mapping of int to (int, int)
        Number of training images to (epochs, seeds).
    first_seed : int
        The seeds of each size count up from it. No other part and no earlier study uses them.
    has_course : bool
        Whether runs are scored at checkpoints, or after their last epoch only.
    """

    recipe: Recipe
    techniques: Mapping[str, Mapping[str, Any]]
    sizes: Mapping[int, tuple[int, int]]
    first_seed: int
    has_course: bool = False


PARTS = {
    "courses": Part(
        CONSTANT,
        TECHNIQUES | _ARTICLE_RANGES,
        {1_000: (100, 16), 5_000: (40, 10), 40_000: (15, 8)},
        first_seed=200,
        has_course=True,
    ),
    "ends": Part(ANNEALED, TECHNIQUES, {1_000: (100, 12), 5_000: (40, 12), 40_000: (15, 8)}, first_seed=300),
    "noise": Part(
        replace(CONSTANT, label_noise=0.3),
        _NOISY,
        {1_000: (30, 12), 5_000: (20, 8)},
        first_seed=400,
        has_course=True,
    ),
    "article": Part(replace(CONSTANT, validation_size=0), {"article": {}}, {60_000: (5, 10)}, first_seed=500),
}


@dataclass(frozen=True)
class Task:
    """One run to be made.

    Parameters
    ----------
    part : str
        A name in `PARTS`, or ``"candidates"``.
    technique : str
        Such as ``"dropout"``.
    recipe : Recipe
        What is trained.
    checkpoints : tuple of int
        Epochs after which the run is scored, from 1; the last epoch is one of them.
    watch : bool
        Whether to score the validation images after every epoch, so that early stopping can be read from
        the course.
    evaluate_on : {"test", "validation"}
        The images that score the run: validation images if a selection depends on it.
    """

    part: str
    technique: str
    recipe: Recipe
    checkpoints: tuple[int, ...]
    watch: bool = False
    evaluate_on: str = "test"

    def __str__(self) -> str:
        return f"{self.part}, {self.technique}, {self.recipe.train_size:,} images, seed {self.recipe.seed}"


def space_checkpoints(epochs: int, count: int = 12) -> tuple[int, ...]:
    """Return geometrically spaced epochs, epoch 5 among them.

    Parameters
    ----------
    epochs : int
        Length of the training, at least 5.
    count : int, default 12
        Number of checkpoints before equal ones are merged.

    Returns
    -------
    tuple of int
        From 1 to `epochs`.
    """
    spaced = {round(epochs ** (step / (count - 1))) for step in range(count)}
    return tuple(sorted(spaced | {5}))


def plan_part(name: str) -> Iterator[Task]:
    """Plan the runs of one part.

    Parameters
    ----------
    name : str
        A name in `PARTS`.

    Yields
    ------
    Task
        Size by size and seed by seed; `execute.compute` starts the most expensive ones first.
    """
    part = PARTS[name]
    for size, (epochs, n_seeds) in part.sizes.items():
        checkpoints = space_checkpoints(epochs) if part.has_course else (epochs,)
        for seed in range(part.first_seed, part.first_seed + n_seeds):
            for technique, changes in part.techniques.items():
                recipe = replace(part.recipe, train_size=size, epochs=epochs, seed=seed, **changes)
                watch = part.has_course and technique == BASELINE
                yield Task(name, technique, recipe, checkpoints, watch)


def plan_study() -> list[Task]:
    """Plan all runs of the study.

    Returns
    -------
    list of Task
        Part by part.
    """
    return [task for name in PARTS for task in plan_part(name)]


def plan_candidates() -> list[Task]:
    """Plan the runs that select peak rate and strengths on validation images.

    Returns
    -------
    list of Task
        Each candidate alone in the baseline, in the annealed regime, with 1,000 and with 40,000 images.
    """
    values = [("learning_rate", peak) for peak in PEAKS]
    values += [(name, value) for name, several in CANDIDATES.items() for value in several]
    base = replace(ANNEALED, learning_rate=PEAKS[0], validation_size=10_000)
    tasks = []
    for size, epochs, seeds in ((1_000, 100, range(600, 604)), (40_000, 15, range(600, 601))):
        for seed in seeds:
            for name, value in values:
                changes: dict[str, Any] = {"train_size": size, "epochs": epochs, "seed": seed, name: value}
                recipe = replace(base, **changes)
                candidate = f"{name}={value}"
                tasks.append(Task("candidates", candidate, recipe, (epochs,), evaluate_on="validation"))
    return tasks


def plan_quick() -> list[Task]:
    """Plan a small study, about a minute on two cores: it shows that everything works, and nothing else.

    Returns
    -------
    list of Task
        The baseline and every technique at 1,000 images, four seeds each.
    """
    tasks = []
    for seed in range(4):
        for technique, changes in PARTS["courses"].techniques.items():
            recipe = replace(CONSTANT, train_size=1_000, epochs=12, seed=seed, **changes)
            tasks.append(Task("courses", technique, recipe, (1, 5, 12), technique == BASELINE))
    return tasks


PLANS: dict[str, Callable[[], list[Task]]] = {
    "study": plan_study,
    "choice": plan_candidates,
    "quick": plan_quick,
}


def select_candidates(runs: pd.DataFrame) -> dict[str, object]:
    """Return the peak rate and the strengths that the runs of `plan_candidates` select.

    The score of a candidate is its mean validation accuracy, in units of the margin at each training size,
    averaged over the two sizes. The best score is selected; a tie goes to the candidate named first. A
    candidate of which a run diverged is never selected.

    Parameters
    ----------
    runs : DataFrame
        The finished runs, one row per run, in any order.

    Returns
    -------
    dict of str to object
        Field of `Recipe` to its selected value.
    """
    margins = runs["train_size"].map(MARGINS)
    in_margins = 100 * runs["validation_accuracy"] / margins
    in_margins = in_margins.mask(statistics.find_diverged(in_margins), -np.inf)
    scores = in_margins.groupby([runs["technique"], runs["train_size"]]).mean().groupby("technique").mean()
    fields = {"learning_rate": PEAKS, **CANDIDATES}
    return {name: max(values, key=lambda v: scores[f"{name}={v}"]) for name, values in fields.items()}


@functools.cache
def family_size(family: str, measure: str) -> int:
    """Return the number of planned comparisons that an interval is adjusted for.

    Parameters
    ----------
    family : str
        A part of the study.
    measure : str
        ``"accuracy"`` or ``"cross-entropy"``; other measures were not planned and share accuracy's number.

    Returns
    -------
    int
        At least 1.
    """
    planned = [each["measure"] for each in read_comparisons() if each["family"] == family]
    return max(1, planned.count(measure) or planned.count("accuracy"))


def run_key(task: Task, digest: str) -> str:
    """Return the key of a run: runs with the same key have the same plan, data and schema.

    Parameters
    ----------
    task : Task
        The run. The names of its part and technique do not count, everything else does.
    digest : str
        `Digits.digest` of the data.

    Returns
    -------
    str
        16 hexadecimal digits, a hash of the recipe with its augmentation ranges, the scored images, the
        checkpoints, the data and the schema.
    """
    fixed = asdict(task)
    del fixed["part"], fixed["technique"]
    ranges = PRESETS.get(task.recipe.augmentation)
    text = json.dumps([SCHEMA, digest, fixed, ranges], sort_keys=True)
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
    """Return the estimated work of a run, for scheduling and for progress bars.

    Parameters
    ----------
    task : Task
        The run.

    Returns
    -------
    int
        In training images; scoring an image costs a third of training on it.
    """
    recipe = task.recipe
    scored = len(task.checkpoints) * (11_000 + recipe.validation_size)
    scored += task.watch * recipe.epochs * recipe.validation_size
    return recipe.epochs * recipe.train_size + scored // 3


def read_comparisons() -> list[dict[str, Any]]:
    """Read the planned comparisons with their expected verdicts and reasons.

    Returns
    -------
    list of dict
        ``family``, ``technique``, ``size``, ``measure``, ``epoch`` (None: the last), ``expected``,
        ``reason``.
    """
    entries = tomllib.loads(Path(__file__).with_name("plan.toml").read_text(encoding="utf-8"))
    comparisons = []
    for entry in entries["comparison"]:
        for size, expected in entry.pop("expected").items():
            shared = {"measure": "accuracy", "epoch": None, **entry}
            comparisons.append({**shared, "size": int(size), "expected": expected})
    return comparisons


def find_epoch(comparison: Mapping[str, Any]) -> int:
    """Return the epoch after which a comparison is made.

    Parameters
    ----------
    comparison : mapping
        ``family``, ``size``, and ``epoch`` unless it is the last.

    Returns
    -------
    int
        From 1.
    """
    return comparison.get("epoch") or PARTS[comparison["family"]].sizes[comparison["size"]][0]
