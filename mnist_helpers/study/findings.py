"""What the study found: planned comparisons with their verdicts, as numbers and sentences."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mnist_helpers import statistics
from mnist_helpers.statistics import Difference
from mnist_helpers.study import analysis, plan, store

_LATER = Path(__file__).with_name("later.toml")
REGIMES = {
    "ends": "an annealed learning rate",
    "courses": "a constant learning rate",
    "noise": "30 % of their labels redrawn",
}
STATUSES = ("as expected", "not as expected", "undecided", "added later")
_LABELS = {"augmentation": "augmentation (gentle)"}  # as the lessons and their colours call it
NOT_SHOWN = "not shown"  # it does not hold at the first checkpoint (of a cost) or at the last (of a gain)


def read_courses() -> pd.DataFrame:
    """Read the study.

    Returns
    -------
    DataFrame
        A row per run and scored epoch, as `analysis.read_courses` returns it.

    Raises
    ------
    DataError
        As `store.read_table` does.
    """
    return analysis.read_courses(store.read_table())


def read_later(path: Path = _LATER) -> list[dict[str, Any]]:
    """Read the comparisons that were added after the plan was fixed.

    Parameters
    ----------
    path : Path, optional
        The file; its head describes the fields.

    Returns
    -------
    list of dict
        As `plan.read_comparisons`, but ``expected`` is empty.
    """
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("comparison", [])
    return [{"measure": "accuracy", "epoch": None, "expected": "", **entry} for entry in entries]


def read_article(path: Path = _LATER) -> list[dict[str, str]]:
    """Read what the article concluded, and which comparison asks the same question.

    Parameters
    ----------
    path : Path, optional
        The file; its head describes the fields.

    Returns
    -------
    list of dict
        ``says``, ``comparison`` (a name, as `name_comparison` returns it) and ``note``.
    """
    return tomllib.loads(path.read_text(encoding="utf-8")).get("article", [])


def name_comparison(comparison: Mapping[str, Any]) -> str:
    """Return the name by which prose refers to a comparison.

    Parameters
    ----------
    comparison : mapping
        An entry of `plan.read_comparisons` or `read_later`.

    Returns
    -------
    str
        Such as ``"dropout-1000-ends"``, ``"dropout-1000-ends-cross-entropy"``, ``"L2-5000-courses-5"``,
        ``"L2-0.01-1000-noise"``, ``"augmentation-article-40000-courses-5"`` or
        ``"combined-augmentation-1000-ends"``.
    """
    technique = comparison["technique"].replace(", λ = ", "-").replace(" (article)", "-article")
    parts = [technique, comparison.get("reference", "")]
    parts += [str(comparison["size"]), comparison["family"], str(comparison["epoch"] or "")]
    if comparison["measure"] != "accuracy":
        parts.append(comparison["measure"].replace(" ", "-"))
    return "-".join(part for part in parts if part)


def phrase(comparison: Mapping[str, Any], difference: Difference) -> str:
    """Return the sentence that states what was found.

    Parameters
    ----------
    comparison : mapping
        An entry of `plan.read_comparisons` or `read_later`.
    difference : Difference
        As `analysis.compare` returns it.

    Returns
    -------
    str
        Such as "After 100 epochs on 1,000 images with an annealed learning rate, dropout raises accuracy by
        0.62 points (0.45 to 0.79)."
    """
    size, measure = comparison["size"], comparison["measure"]
    technique = name_technique(comparison["technique"]).replace(", λ", " with λ")
    where = (
        f"After {plan.find_epoch(comparison)} epochs on {size:,} images with {REGIMES[comparison['family']]}"
    )
    against = f" compared with {comparison['reference']}" if "reference" in comparison else ""
    unit = analysis.MEASURES[measure][2].removeprefix("percentage ")
    digits = difference.digits
    left_out = statistics.tell_left_out(difference.diverged, "; ")
    signed = f"({difference.low:+.{digits}f} to {difference.high:+.{digits}f} {unit}{left_out})"
    found = judge(comparison, difference)
    if found == "undecided":
        return f"{where}, it is undecided whether {technique} changes {measure}{against} {signed}."
    if found == "equivalent":
        within = f"changes {measure} by less than {plan.MARGINS[size]} {unit}"
        return f"{where}, {technique} {within}{against} {signed}."
    low, high = sorted((abs(difference.low), abs(difference.high)))
    amount = f"{abs(difference.mean):.{digits}f} {unit} ({low:.{digits}f} to {high:.{digits}f}{left_out})"
    verb = "raises" if found == "higher" else "lowers"
    return f"{where}, {technique} {verb} {measure} by {amount}{against}."


def judge(comparison: Mapping[str, Any], difference: Difference) -> str:
    """Return the verdict of a comparison, with the margin that the plan states for it.

    Parameters
    ----------
    comparison : mapping
        An entry of `plan.read_comparisons` or `read_later`.
    difference : Difference
        As `analysis.compare` returns it.

    Returns
    -------
    {"higher", "lower", "equivalent", "undecided"}
        As `analysis.find_verdict`; only accuracy has a margin.
    """
    margin = plan.MARGINS[comparison["size"]] if comparison["measure"] == "accuracy" else 0
    return analysis.find_verdict(difference, margin)


def evaluate(courses: pd.DataFrame, comparisons: Sequence[Mapping[str, Any]] = ()) -> pd.DataFrame:
    """Evaluate comparisons.

    Parameters
    ----------
    courses : DataFrame
        As `analysis.read_courses` returns it.
    comparisons : sequence of mapping, optional
        Default: those of the plan, and those that were added later.

    Returns
    -------
    DataFrame
        Indexed by `name_comparison`: the fields of each comparison, ``difference`` (a `Difference`),
        ``found`` (its verdict), ``sentence`` and ``status``: ``"as expected"``, ``"not as expected"``,
        ``"undecided"`` or ``"added later"``. An undecided comparison confirms no expectation, not even that
        it would be undecided: otherwise a study with fewer seeds would confirm more.
    """
    rows = {}
    for each in comparisons or plan.read_comparisons() + read_later():
        difference = analysis.compare(courses, each)
        found = judge(each, difference)
        status = "as expected" if found == each["expected"] else "not as expected"
        status = "undecided" if found == "undecided" else status
        rows[name_comparison(each)] = {
            **each,
            "difference": difference,
            "found": found,
            "sentence": phrase(each, difference),
            "status": status if each["expected"] else "added later",
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def find_start(course: pd.DataFrame) -> int | None:
    """Return the checkpoint from which on a technique is better than the baseline.

    Parameters
    ----------
    course : DataFrame
        Rows of one technique in `analysis.compare_courses`.

    Returns
    -------
    int or None
        The first epoch from which on every interval lies above 0; None if the last one does not.
    """
    first = _find_rest_above(course["low"])
    return None if first == len(course) else int(course["epoch"].iloc[first])


def find_rise(course: pd.DataFrame) -> str:
    """Return between which checkpoints the mean difference rises above 0 for the last time.

    Parameters
    ----------
    course : DataFrame
        Rows of one technique in `analysis.compare_courses`.

    Returns
    -------
    str
        Such as ``"7 to 10"``; ``"from the start"`` if every mean lies above 0, and ``"not shown"`` if the
        last one does not.
    """
    first = _find_rest_above(course["mean"])
    if first == len(course):
        return NOT_SHOWN
    epochs = course["epoch"].to_list()
    return f"{epochs[first - 1]} to {epochs[first]}" if first else "from the start"


def _find_rest_above(values: pd.Series) -> int:
    """Return the place from which on all values lie above 0; their number if the last one does not."""
    not_above = np.flatnonzero(values <= 0)
    return int(not_above[-1]) + 1 if len(not_above) else 0


def name_technique(technique: str) -> str:
    """Return a technique as readers see it.

    Parameters
    ----------
    technique : str
        Its name in the plan.

    Returns
    -------
    str
        ``"augmentation (gentle)"`` for ``"augmentation"``; the others as they are.
    """
    return _LABELS.get(technique, technique)


def name_verdict(verdict: str, size: int) -> str:
    """Return a verdict as readers see it.

    Parameters
    ----------
    verdict : str
        As `analysis.find_verdict` returns it.
    size : int
        Number of training images, on which the margin depends.

    Returns
    -------
    str
        ``"within ±0.5"`` for ``"equivalent"``; the others as they are.
    """
    return f"within ±{plan.MARGINS[size]}" if verdict == "equivalent" else verdict


def predict_one_run(courses: pd.DataFrame) -> Difference:
    """Predict one more run of the article's training.

    Parameters
    ----------
    courses : DataFrame
        As `analysis.read_courses` returns it.

    Returns
    -------
    Difference
        Mean test accuracy of the runs, in percent, with the 95 % prediction interval of one more run. Runs
        that diverged are left out and counted.

    Raises
    ------
    DataError
        If fewer than two runs are left.
    """
    from scipy import stats

    [(size, (epochs, _))] = plan.PARTS["article"].sizes.items()
    runs = 100 * analysis.select(courses, "article", "article", size, epochs, "test_accuracy")
    diverged = statistics.count_diverged(runs)
    runs = runs[~statistics.find_diverged(runs)]
    half = stats.t.ppf(0.975, len(runs) - 1) * runs.std(ddof=1) * np.sqrt(1 + 1 / len(runs))
    return Difference(runs.mean(), runs.mean() - half, runs.mean() + half, len(runs), diverged=diverged)


def measure_gaps(courses: pd.DataFrame) -> pd.DataFrame:
    """Measure what there is to repair, and what repairing it brings.

    Parameters
    ----------
    courses : DataFrame
        As `analysis.read_courses` returns it.

    Returns
    -------
    DataFrame
        A row per part ("courses" or "noise"), training size and checkpoint: ``gap``, the baseline's mean
        cross-entropy on test images minus that on training images, in nats; ``technique``, of those that the
        plan compares the one with the highest mean accuracy after the last epoch; ``mean``, ``low`` and
        ``high``, its difference in accuracy to the baseline in percentage points, not adjusted; ``diverged``,
        how many pairs are left out.
    """
    planned = {(each["family"], each["technique"]) for each in plan.read_comparisons()}
    frames = []
    for part in ("courses", "noise"):
        for size, (epochs, _) in plan.PARTS[part].sizes.items():
            found = analysis.compare_courses(courses, size, part=part)
            found = found[[(part, name) in planned for name in found["technique"]]]
            last = found[found["epoch"] == epochs].set_index("technique")["mean"]
            best = found[found["technique"] == last.idxmax()]
            gaps = []
            for epoch in best["epoch"]:
                cell = (courses, part, plan.BASELINE, size, epoch)
                on_test = analysis.select(*cell, "test_cross_entropy")
                gaps.append((on_test - analysis.select(*cell, "train_cross_entropy")).mean())
            frames.append(best.assign(part=part, images=size, gap=gaps))
    return pd.concat(frames, ignore_index=True)
