"""The analysis of the study: comparisons, verdicts, early stopping."""

from collections.abc import Collection, Mapping, Sequence
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
        `store.unpack_course`. ``diverged`` says whether the run diverged. Then all of its scores are NaN,
        those of earlier epochs too: otherwise each epoch would be compared over other seeds.

    Raises
    ------
    DataError
        If a course is none, or a column is missing.
    """
    names = ["part", "technique", "train_size", "seed"]
    if missing := {*names, "course", "train_cross_entropy"} - {*study.columns}:
        raise DataError(f"the study has no column {', '.join(sorted(missing))}: git checkout its table")
    frames = []
    losses = study["train_cross_entropy"]
    for run, diverged in zip(study.itertuples(), statistics.find_diverged(losses), strict=True):
        course = store.unpack_course(run.course)
        if diverged:  # before its first checkpoint it has no row, and would not be counted
            course = pd.DataFrame({"epoch": course.get("epoch", pd.Series()) if len(course) else [0.0]})
        frames.append(course.assign(**{name: getattr(run, name) for name in names}, diverged=diverged))
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
    if runs.empty or (rows.empty and not runs["diverged"].all()):
        cell = f"{part} of {technique!r} with {size:,} images, epoch {epoch}"
        raise DataError(f"the study has no {cell}: choose what docs/plan.md lists")
    return rows[column].reindex(sorted(runs["seed"].unique()))  # a run that diverged ends before


def count_diverged(courses: pd.DataFrame, part: str, techniques: Collection[str], size: int) -> int:
    """Count the runs that diverged.

    Parameters
    ----------
    courses : DataFrame
        As `read_courses` returns it.
    part : str
        A name in `plan.PARTS`.
    techniques : collection of str
        Names of its techniques.
    size : int
        Number of training images.

    Returns
    -------
    int
        How many runs of these.
    """
    of_size = courses[(courses["part"] == part) & (courses["train_size"] == size) & courses["diverged"]]
    runs = of_size[of_size["technique"].isin(techniques)]
    return len(runs.drop_duplicates(["technique", "seed"]))


def add_left_out(table: pd.DataFrame, diverged: Mapping[str, int]) -> pd.DataFrame:
    """Add a column to a table that counts the runs, or pairs, that diverged, if there are any.

    Parameters
    ----------
    table : DataFrame
        A row per case.
    diverged : mapping of str to int
        How many are left out of each row, under its name in the index.

    Returns
    -------
    DataFrame
        The same table if none is.
    """
    if not any(diverged.values()):
        return table
    return table.assign(**{"left out": pd.Series(diverged).map(statistics.tell_left_out)})


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
        If the study has no such run, or fewer than two pairs are left.
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
    if difference.verdict != statistics.UNDECIDED:
        return difference.verdict
    return "equivalent" if -margin < difference.low and difference.high < margin else statistics.UNDECIDED


def compare_courses(courses: pd.DataFrame, size: int, part: str = "courses") -> pd.DataFrame:
    """Compare the accuracy of all techniques with the baseline's at every checkpoint.

    Parameters
    ----------
    courses : DataFrame
        As `read_courses` returns it.
    size : int
        Number of training images.
    part : {"courses", "noise"}
        The part of the study.

    Returns
    -------
    DataFrame
        ``technique``, ``epoch``, ``mean``, ``low``, ``high``: each interval for itself, not adjusted, since
        the picture shows the course and the planned comparisons decide. ``diverged`` counts the pairs that
        are left out.
    """
    column, factor, _ = MEASURES["accuracy"]
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
            rows.append((technique, epoch, found.mean, found.low, found.high, found.diverged))
    return pd.DataFrame(rows, columns=["technique", "epoch", "mean", "low", "high", "diverged"])


def add_test_images(differences: np.ndarray, comparisons: int = 1) -> Difference:
    """Return the interval of a mean difference for other seeds and other test images.

    The t interval covers other seeds, but the same test images. Here the variance that the choice of the
    images adds is estimated from a two-way layout (seeds by images, without replication) and added to it. So
    this interval is never narrower.

    Parameters
    ----------
    differences : ndarray, shape (seeds, images)
        One difference per seed and test image; at least two of each.
    comparisons : int, default 1
        Size of the family, as in `statistics.paired_difference`.

    Returns
    -------
    Difference
        In the unit of the differences.
    """
    from scipy import stats

    n_seeds, n_images = differences.shape
    by_seed = differences.mean(axis=1, dtype=float)
    by_image = differences.mean(axis=0, dtype=float)
    mean = float(by_seed.mean())
    # What is left after the effects of seed and image; its variance is in that of the images' means as well.
    residual = differences - by_seed[:, None] - by_image + mean
    error = float(np.square(residual, dtype=float).sum()) / ((n_seeds - 1) * (n_images - 1))
    of_images = max(0.0, float(by_image.var(ddof=1)) / n_images - error / (n_seeds * n_images))
    half = float(
        np.hypot(
            statistics.ci_half_width(by_seed, comparisons),
            stats.norm.ppf(1 - 0.025 / comparisons) * np.sqrt(of_images),
        )
    )
    return Difference(mean, mean - half, mean + half, n_seeds)


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
        Seeds of which a run diverged are left out; `compare` counts them.

    Raises
    ------
    DataError
        If fewer than two seeds are left.
    """
    names = [technique, plan.BASELINE]
    ends = study[(study["part"] == "ends") & (study["train_size"] == size)]
    runs = [ends[ends["technique"] == name].set_index("seed") for name in names]
    pairs = pd.concat(runs, axis=1, join="inner", keys=names).sort_index()
    losses = pairs.xs("train_cross_entropy", axis=1, level=1).sum(axis=1, skipna=False)
    statistics.count_diverged(losses)
    kept = pairs[~statistics.find_diverged(losses)]
    wrong = {
        name: np.stack([store.unpack_wrong(text, 10_000) for text in kept[name, "test_wrong"]])
        for name in names
    }
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


def tabulate_early_stopping(
    courses: pd.DataFrame, patiences: Sequence[int] = (2, 5, 10), part: str = "courses"
) -> pd.DataFrame:
    """Tabulate what early stopping costs and saves, read from the courses of the baseline.

    Parameters
    ----------
    courses : DataFrame
        As `read_courses` returns it.
    patiences : sequence of int, default (2, 5, 10)
        Rules to apply.
    part : {"courses", "noise"}
        The part of the study.

    Returns
    -------
    DataFrame
        A row per size, monitor and patience: mean number of epochs, ``stopped``, the number of runs that it
        ended, of ``runs``, and the `Difference` to the full length of the test accuracy (percentage points)
        and of the test cross-entropy (nats), not adjusted. ``diverged`` counts the runs that are left out.

    Raises
    ------
    DataError
        If fewer than two runs are left.
    """
    baseline = courses[(courses["part"] == part) & (courses["technique"] == plan.BASELINE)]
    rows = []
    for size, all_runs in baseline.groupby("train_size"):
        by_seed = [run.sort_values("epoch") for _, run in all_runs.groupby("seed")]
        losses = [run["test_cross_entropy"].iloc[-1] for run in by_seed]
        diverged = statistics.count_diverged(losses)
        runs = [by_seed[index] for index in np.flatnonzero(~statistics.find_diverged(losses))]
        for monitor in ("validation_cross_entropy", "validation_accuracy"):
            for patience in patiences:
                kept = pd.DataFrame([stop_early(run, monitor, patience) for run in runs])
                ends = pd.DataFrame([run.iloc[-1] for run in runs])
                found = {"images": size, "monitor": monitor, "patience": patience}
                found["epochs"] = kept["epochs"].astype(float).mean()
                found["stopped"] = int((kept["epochs"].to_numpy() < ends["epoch"].to_numpy()).sum())
                found["runs"] = len(runs)
                for measure in ("accuracy", "cross-entropy"):
                    column, factor, _ = MEASURES[measure]
                    scores = [factor * table[column].to_numpy(float) for table in (kept, ends)]
                    found[measure] = statistics.paired_difference(*scores)
                rows.append(found | {"diverged": diverged})
    return pd.DataFrame(rows)


def estimate_label_value(courses: pd.DataFrame, size: int, extra: int = 2_000) -> tuple[float, float]:
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
    gain, error : float
        Gain of the baseline's mean test accuracy after the last epoch, in percentage points, and its standard
        error over seeds: a straight line in the logarithm of the size, from this size to the next larger one,
        or from the next smaller one. The error does not cover how far the line itself is off. Runs that
        diverged are left out.

    Raises
    ------
    DataError
        If fewer than two runs of a size are left.
    """
    sizes = sorted(plan.PARTS["courses"].sizes)
    index = min(sizes.index(size), len(sizes) - 2)
    means, errors = [], []
    for each in sizes[index : index + 2]:
        epochs, _ = plan.PARTS["courses"].sizes[each]
        found = 100 * select(courses, "courses", plan.BASELINE, each, epochs, "test_accuracy")
        statistics.count_diverged(found)
        means.append(found.mean())
        errors.append(found.sem())
    share = np.log((size + extra) / size) / np.log(sizes[index + 1] / sizes[index])
    return float(share * (means[1] - means[0])), float(share * np.hypot(*errors))


def correlate_pairs(courses: pd.DataFrame) -> pd.DataFrame:
    """Correlate the accuracies of the two runs of a pair, in the ends.

    Parameters
    ----------
    courses : DataFrame
        As `read_courses` returns it.

    Returns
    -------
    DataFrame
        Pearson's correlation over seeds between each technique (rows) and the baseline, by training size. The
        higher it is, the more pairing narrows the interval of the difference. If pairs diverged, a last
        column counts them.

    Raises
    ------
    DataError
        If fewer than two pairs are left.
    """
    rows: dict[str, dict[str, float]] = {}
    left_out = {}
    for technique in list(plan.TECHNIQUES)[1:]:
        rows[technique] = {}
        diverged = 0
        for size, (epochs, _) in plan.PARTS["ends"].sizes.items():
            pair = [
                select(courses, "ends", name, size, epochs, "test_accuracy")
                for name in (technique, plan.BASELINE)
            ]
            diverged += statistics.count_diverged(pair[0] - pair[1])
            rows[technique][f"{size:,} images"] = pair[0].corr(pair[1])
        left_out[technique] = diverged
    return add_left_out(pd.DataFrame.from_dict(rows, orient="index").rename_axis("technique"), left_out)
