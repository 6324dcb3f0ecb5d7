"""The analysis of the next study, committed before its first run: comparisons, verdicts, early stopping.

`mnist_helpers.study.results` still reads the study before it, until the runs of the plan are complete.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mnist_helpers import statistics
from mnist_helpers.errors import DataError
from mnist_helpers.statistics import Difference
from mnist_helpers.study import plan, store

# Each measure's column, the factor to its unit, and the unit.
MEASURES = {
    "accuracy": ("test_accuracy", 100, "percentage points"),
    "cross-entropy": ("test_cross_entropy", 1, "nats"),
    "calibration error": ("test_calibration_error", 100, "percentage points"),
}


def read_courses(study: pd.DataFrame) -> pd.DataFrame:
    """Unpack the courses of the runs.

    Parameters
    ----------
    study : DataFrame
        A row per run.

    Returns
    -------
    DataFrame
        A row per run and scored epoch: ``part``, ``technique``, ``train_size``, ``seed``, and the columns of
        `store.unpack_course`. From the epoch on in which a run diverged, all of its scores are NaN.

    Raises
    ------
    DataError
        If a course is none, or a column is missing.
    """
    names = ["part", "technique", "train_size", "seed"]
    if missing := {*names, "course"} - {*study.columns}:
        raise DataError(f"the study has no column {', '.join(sorted(missing))}: git checkout its table")
    frames = []
    for run in study.itertuples():
        course = store.unpack_course(run.course)
        for entropy in [name for name in course if name.endswith("_cross_entropy")]:
            scores = [name for name in course if name.split("_")[0] == entropy.split("_")[0]]
            course[scores] = course[scores].where(course[entropy].notna())
        frames.append(course.assign(**{name: getattr(run, name) for name in names}))
    courses = pd.concat(frames, ignore_index=True)
    return courses.astype({"part": "category", "technique": "category"})  # ten times as fast to compare


def select(courses: pd.DataFrame, part: str, technique: str, size: int, epoch: int, column: str) -> pd.Series:
    """Select one number per seed.

    Parameters
    ----------
    courses : DataFrame
        As `read_courses` returns it.
    part, technique : str
        Names in `plan.PARTS` and of its techniques.
    size : int
        Number of training images.
    epoch : int
        A checkpoint.
    column : str
        Such as ``"test_accuracy"``.

    Returns
    -------
    Series of float, indexed by seed
        NaN for a run that diverged.

    Raises
    ------
    DataError
        If the study has no such run.
    """
    runs = courses[
        (courses["part"] == part) & (courses["technique"] == technique) & (courses["train_size"] == size)
    ]
    rows = runs[runs["epoch"] == epoch].set_index("seed")
    if rows.empty:
        raise DataError(f"the study has no {part} of {technique!r} with {size:,} images, epoch {epoch}")
    return rows[column].reindex(sorted(runs["seed"].unique()))  # a run that diverged ends before


def compare(courses: pd.DataFrame, comparison: Mapping[str, Any]) -> Difference:
    """Compare a technique with the baseline, or another reference, over paired seeds.

    Parameters
    ----------
    courses : DataFrame
        As `read_courses` returns it.
    comparison : mapping
        ``family`` (the part), ``technique``, ``size``; optional ``epoch`` (default: the last), ``measure``
        (default: accuracy), ``reference`` (default: the baseline).

    Returns
    -------
    Difference
        Technique minus reference in the unit of the measure, adjusted for the planned family; pairs with a
        run that diverged are left out.

    Raises
    ------
    DataError
        If the study has no such run.
    """
    part = comparison["family"]
    size = comparison["size"]
    measure = comparison.get("measure", "accuracy")
    epoch = plan.find_epoch(comparison)
    column, factor, _ = MEASURES[measure]
    names = (comparison["technique"], comparison.get("reference", plan.BASELINE))
    series = [select(courses, part, name, size, epoch, column) for name in names]
    pairs = pd.concat(series, axis=1, join="inner")  # the seeds of which both runs are made
    family = plan.family_size(part, measure)
    return statistics.paired_difference(factor * pairs.iloc[:, 0], factor * pairs.iloc[:, 1], family)


def find_verdict(difference: Difference, margin: float = 0.0) -> str:
    """Return what an interval shows.

    Parameters
    ----------
    difference : Difference
        With its interval.
    margin : float, default 0
        Largest difference that counts as equivalent, in the same unit, as stated in the plan.

    Returns
    -------
    {"higher", "lower", "equivalent", "undecided"}
        ``"equivalent"`` if the interval includes 0 and lies within the margin. Few seeds give a wide
        interval, hence ``"undecided"``.
    """
    if difference.low > 0:
        return "higher"
    if difference.high < 0:
        return "lower"
    return "equivalent" if -margin < difference.low and difference.high < margin else "undecided"


def compare_courses(
    courses: pd.DataFrame, size: int, measure: str = "accuracy", part: str = "courses"
) -> pd.DataFrame:
    """Compare all techniques with the baseline at every checkpoint.

    Parameters
    ----------
    courses : DataFrame
        As `read_courses` returns it.
    size : int
        Number of training images.
    measure : str, default "accuracy"
        A name in `MEASURES`.
    part : {"courses", "noise"}
        The part of the study.

    Returns
    -------
    DataFrame
        ``technique``, ``epoch``, ``mean``, ``low``, ``high``: each interval for itself, not adjusted, since
        the picture shows the course and the planned comparisons decide.
    """
    column, factor, _ = MEASURES[measure]
    planned = plan.PARTS[part]
    rows = []
    for technique in planned.techniques:
        if technique == plan.BASELINE:
            continue
        for epoch in plan.space_checkpoints(planned.sizes[size][0]):
            names = (technique, plan.BASELINE)
            series = [select(courses, part, name, size, epoch, column) for name in names]
            values, reference = (factor * pd.concat(series, axis=1, join="inner")).to_numpy().T
            found = statistics.paired_difference(values, reference)
            rows.append((technique, epoch, found.mean, found.low, found.high))
    return pd.DataFrame(rows, columns=["technique", "epoch", "mean", "low", "high"])


def bootstrap_interval(
    differences: np.ndarray, comparisons: int = 1, resamples: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """Return a bootstrap interval of a mean that draws both seeds and test images anew.

    The t interval covers other seeds, but the same test images. Deviations from the mean are widened by
    √(n / (n - 1)), because resampling few seeds understates their spread.

    Parameters
    ----------
    differences : ndarray, shape (seeds, images)
        One difference per seed and test image.
    comparisons : int, default 1
        Size of the family, as in `statistics.paired_difference`.
    resamples : int, default 10,000
        Number of bootstrap samples.
    seed : int, default 0
        Draws the samples.

    Returns
    -------
    low, high : float
        In the unit of the differences.
    """
    n_seeds, n_images = differences.shape
    generator = np.random.default_rng(seed)
    means = np.empty(resamples)
    for number in range(resamples):
        by_image = differences[generator.integers(0, n_seeds, n_seeds)].mean(axis=0)
        means[number] = by_image[generator.integers(0, n_images, n_images)].mean()
    mean = float(differences.mean())
    tail = 0.025 / comparisons
    widened = (np.quantile(means, [tail, 1 - tail]) - mean) * np.sqrt(n_seeds / (n_seeds - 1))
    return mean + float(widened[0]), mean + float(widened[1])


def find_image_differences(study: pd.DataFrame, technique: str, size: int) -> np.ndarray:
    """Return the accuracy difference to the baseline in the ends, image by image.

    Parameters
    ----------
    study : DataFrame
        A row per run.
    technique : str
        A name in `plan.TECHNIQUES`.
    size : int
        Number of training images.

    Returns
    -------
    ndarray, shape (seeds, 10,000)
        100 where only the technique is right, -100 where only the baseline is, else 0: percentage points.
    """
    ends = study[(study["part"] == "ends") & (study["train_size"] == size)].sort_values("seed")
    wrong = {}
    for name in (technique, plan.BASELINE):
        packed = ends.loc[ends["technique"] == name, "test_wrong"]
        wrong[name] = np.stack([store.unpack_wrong(text, 10_000) for text in packed])
    return 100 * (wrong[plan.BASELINE].astype(np.float32) - wrong[technique])


def stop_early(course: pd.DataFrame, monitor: str, patience: int) -> pd.Series:
    """Apply early stopping to the course of a run.

    Parameters
    ----------
    course : DataFrame
        Rows of one watched run in `read_courses`, a row per epoch.
    monitor : {"validation_cross_entropy", "validation_accuracy"}
        What has to improve.
    patience : int
        Epochs without improvement after which training stops.

    Returns
    -------
    Series
        The row of the best epoch so far, which early stopping restores, and ``epochs``, how many were
        trained.
    """
    course = course.sort_values("epoch")
    values = course[monitor].to_numpy()
    if monitor.endswith("accuracy"):
        values = -values
    best = 0
    last = len(values) - 1
    for epoch in range(len(values)):
        if values[epoch] < values[best]:
            best = epoch
        elif epoch - best >= patience:
            last = epoch
            break
    return pd.concat([course.iloc[best], pd.Series({"epochs": last + 1})])


def tabulate_early_stopping(courses: pd.DataFrame, patiences: Sequence[int] = (2, 5, 10)) -> pd.DataFrame:
    """Tabulate what early stopping costs and saves, read from the courses of the baseline.

    Parameters
    ----------
    courses : DataFrame
        As `read_courses` returns it.
    patiences : sequence of int, default (2, 5, 10)
        Rules to apply.

    Returns
    -------
    DataFrame
        A row per size, monitor and patience: mean number of epochs, and the mean difference to the full
        length of the test accuracy (percentage points) and of the test cross-entropy (nats). ``diverged``
        counts the runs that are left out, because they did not reach the full length.
    """
    baseline = courses[(courses["part"] == "courses") & (courses["technique"] == plan.BASELINE)]
    rows = []
    for size, all_runs in baseline.groupby("train_size"):
        by_seed = [run.sort_values("epoch") for _, run in all_runs.groupby("seed")]
        runs = [run for run in by_seed if pd.notna(run["test_cross_entropy"].iloc[-1])]
        for monitor in ("validation_cross_entropy", "validation_accuracy"):
            for patience in patiences:
                stopped = [stop_early(run, monitor, patience) for run in runs]
                ends = [run.iloc[-1] for run in runs]
                frame = pd.DataFrame(stopped).reset_index(drop=True)
                full = pd.DataFrame(ends).reset_index(drop=True)
                accuracy = 100 * (frame["test_accuracy"] - full["test_accuracy"]).astype(float)
                entropy = (frame["test_cross_entropy"] - full["test_cross_entropy"]).astype(float)
                epochs = frame["epochs"].astype(float).mean()
                diverged = len(by_seed) - len(runs)
                rows.append((size, monitor, patience, epochs, accuracy.mean(), entropy.mean(), diverged))
    columns = ["images", "monitor", "patience", "epochs", "accuracy", "cross-entropy", "diverged"]
    return pd.DataFrame(rows, columns=columns)


def estimate_label_value(courses: pd.DataFrame, size: int, extra: int = 2_000) -> float:
    """Estimate what the validation images of early stopping would have brought as training images.

    Parameters
    ----------
    courses : DataFrame
        As `read_courses` returns it.
    size : int
        Number of training images, one of the courses' sizes.
    extra : int, default 2,000
        Number of images that would be added.

    Returns
    -------
    float
        Gain of the baseline's mean test accuracy after the last epoch, in percentage points: a straight line
        in the logarithm of the size, from this size to the next larger one, or from the next smaller one.
    """
    sizes = sorted(plan.PARTS["courses"].sizes)
    index = min(sizes.index(size), len(sizes) - 2)
    accuracies = []
    for each in sizes[index : index + 2]:
        epochs, _ = plan.PARTS["courses"].sizes[each]
        found = select(courses, "courses", plan.BASELINE, each, epochs, "test_accuracy")
        accuracies.append(100 * found.mean())
    slope = (accuracies[1] - accuracies[0]) / np.log(sizes[index + 1] / sizes[index])
    return float(slope * np.log((size + extra) / size))
