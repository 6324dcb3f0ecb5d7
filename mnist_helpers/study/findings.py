"""What the study found: planned comparisons with their verdicts, as numbers, sentences and tables."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mnist_helpers.statistics import Difference
from mnist_helpers.study import analysis, plan, store

_LATER = Path(__file__).with_name("later.toml")
_REGIMES = {
    "ends": "an annealed rate",
    "courses": "a constant rate",
    "noise": "30 % of their labels redrawn",
}
_VERBS = {"higher": "raises {measure}", "lower": "lowers {measure}"}


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
    """Read the comparisons that were added after the results were known.

    Parameters
    ----------
    path : Path, optional
        The file; its head describes the fields.

    Returns
    -------
    list of dict
        As `plan.read_comparisons`, but with ``expected`` None.
    """
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("comparison", [])
    return [{"measure": "accuracy", "epoch": None, "expected": None, **entry} for entry in entries]


def name_comparison(comparison: Mapping[str, Any]) -> str:
    """Return the name by which prose refers to a comparison.

    Parameters
    ----------
    comparison : mapping
        An entry of `plan.read_comparisons` or `read_later`.

    Returns
    -------
    str
        Such as ``"dropout-1000-ends"``, ``"dropout-1000-ends-cross-entropy"``, ``"L2-5000-courses-5"`` or
        ``"combined-augmentation-1000-ends"``.
    """
    parts = [comparison["technique"].replace(", λ = ", "-"), comparison.get("reference", "")]
    parts += [str(comparison["size"]), comparison["family"], str(comparison["epoch"] or "")]
    if comparison["measure"] != "accuracy":
        parts.append(comparison["measure"].replace(" ", "-"))
    return "-".join(part for part in parts if part)


def phrase(comparison: Mapping[str, Any], verdict: str) -> str:
    """Return the sentence that states a verdict.

    Parameters
    ----------
    comparison : mapping
        An entry of `plan.read_comparisons` or `read_later`.
    verdict : {"higher", "lower", "equivalent", "undecided"}
        As `analysis.find_verdict` returns it.

    Returns
    -------
    str
        Such as "With 1,000 images and an annealed rate, dropout raises accuracy."
    """
    size = comparison["size"]
    measure = comparison["measure"]
    where = (
        f"After {plan.find_epoch(comparison)} epochs on {size:,} images with {_REGIMES[comparison['family']]}"
    )
    against = f" compared with {comparison['reference']}" if "reference" in comparison else ""
    if verdict == "undecided":
        return f"{where}, it is undecided whether {comparison['technique']} changes {measure}{against}."
    equivalent = f"changes {{measure}} by less than {plan.MARGINS[size]} points"
    verb = _VERBS.get(verdict, equivalent).format(measure=measure)
    return f"{where}, {comparison['technique']} {verb}{against}."


def evaluate(courses: pd.DataFrame, comparisons: Sequence[Mapping[str, Any]] = ()) -> pd.DataFrame:
    """Evaluate comparisons.

    Parameters
    ----------
    courses : DataFrame
        As `analysis.read_courses` returns it.
    comparisons : sequence of mapping, optional
        Default: those of the plan.

    Returns
    -------
    DataFrame
        Indexed by `name_comparison`: the fields of each comparison, ``difference`` (a `Difference`),
        ``found`` (its verdict) and ``sentence``.
    """
    rows = {}
    for each in comparisons or plan.read_comparisons():
        difference = analysis.compare(courses, each)
        margin = plan.MARGINS[each["size"]] if each["measure"] == "accuracy" else 0
        found = analysis.find_verdict(difference, margin)
        row = {**each, "difference": difference, "found": found, "sentence": phrase(each, found)}
        rows[name_comparison(each)] = row
    return pd.DataFrame.from_dict(rows, orient="index")


def tabulate(courses: pd.DataFrame, technique: str) -> pd.DataFrame:
    """Tabulate all planned comparisons of a technique for readers.

    Parameters
    ----------
    courses : DataFrame
        As `analysis.read_courses` returns it.
    technique : str
        Such as ``"dropout"``; ``"L2"`` also stands for each of its λ.

    Returns
    -------
    DataFrame
        A row per comparison: how it was trained, epochs, measure, training images, seeds, the baseline's
        mean, the difference with its interval, what was expected and what was found.
    """
    rows = []
    for each in plan.read_comparisons():
        if each["technique"].partition(",")[0] == technique:
            rows.append(_describe(courses, each))
    return pd.DataFrame(rows).set_index(["training", "epochs", "measure", "images"])


def _describe(courses: pd.DataFrame, comparison: Mapping[str, Any]) -> dict[str, Any]:
    """Return one row of `tabulate`."""
    found = evaluate(courses, [comparison]).iloc[0]
    part, size = comparison["family"], comparison["size"]
    epochs = plan.find_epoch(comparison)
    column, factor, unit = analysis.MEASURES[comparison["measure"]]
    baseline = factor * analysis.select(courses, part, plan.BASELINE, size, epochs, column).mean()
    training = _REGIMES[part].replace("their ", "")
    strength = comparison["technique"].partition(", ")[2]
    return {
        "training": f"{training}, {strength}" if strength else training,
        "epochs": epochs,
        "measure": f"{comparison['measure']} ({unit.replace('percentage points', '%')})",
        "images": f"{size:,}",
        "seeds": found["difference"].pairs,
        "baseline": f"{baseline:.2f}",
        "difference": found["difference"].interval,
        "expected": name_verdict(comparison["expected"], size),
        "found": name_verdict(found["found"], size),
    }


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


def tabulate_spread(courses: pd.DataFrame) -> pd.DataFrame:
    """Tabulate the standard deviation of accuracy between seeds, ends beside courses.

    Parameters
    ----------
    courses : DataFrame
        As `analysis.read_courses` returns it.

    Returns
    -------
    DataFrame
        A row per training size: the baseline's standard deviation at a constant and at an annealed rate, in
        percentage points, and the ratio of the two, as a mean over all techniques (of the variances).
    """
    rows = {}
    for size, (epochs, _) in plan.PARTS["ends"].sizes.items():
        variances: dict[str, list[float]] = {"courses": [], "ends": []}
        for part, found in variances.items():
            for technique in plan.TECHNIQUES:
                runs = 100 * analysis.select(courses, part, technique, size, epochs, "test_accuracy")
                found.append(float(runs.var(ddof=1)))
        constant, annealed = variances.values()
        rows[f"{size:,} images"] = {
            "constant rate": np.sqrt(constant[0]),
            "annealed rate": np.sqrt(annealed[0]),
            "ratio, all techniques": np.sqrt(np.mean(annealed) / np.mean(constant)),
        }
    return pd.DataFrame.from_dict(rows, orient="index").round(2)


def predict_one_run(courses: pd.DataFrame) -> Difference:
    """Predict one more run of the article's training.

    Parameters
    ----------
    courses : DataFrame
        As `analysis.read_courses` returns it.

    Returns
    -------
    Difference
        Mean test accuracy of the runs, in percent, with the 95 % prediction interval of one more run.
    """
    from scipy import stats

    [(size, (epochs, _))] = plan.PARTS["article"].sizes.items()
    runs = 100 * analysis.select(courses, "article", "article", size, epochs, "test_accuracy").dropna()
    half = stats.t.ppf(0.975, len(runs) - 1) * runs.std(ddof=1) * np.sqrt(1 + 1 / len(runs))
    return Difference(runs.mean(), runs.mean() - half, runs.mean() + half, len(runs))


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
        ``high``, its difference in accuracy to the baseline in percentage points, not adjusted.
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
