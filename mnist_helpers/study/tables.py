"""Tables of the study for readers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mnist_helpers import statistics
from mnist_helpers.statistics import Difference
from mnist_helpers.study import analysis, findings, plan

_TRAINING = {"ends": "annealed", "courses": "constant", "noise": "redrawn labels"}  # short, for a narrow page


def tabulate_technique(courses: pd.DataFrame, technique: str) -> pd.DataFrame:
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
        mean, the difference with its interval, what was found and what was expected.
    """
    rows = []
    for each in plan.read_comparisons():
        if each["technique"].partition(",")[0] == technique:
            rows.append(_describe(courses, each))
    return pd.DataFrame(rows).set_index(["training", "epochs", "measure", "images"])


def _describe(courses: pd.DataFrame, comparison: Mapping[str, Any]) -> dict[str, Any]:
    """Return one row of `tabulate_technique`."""
    found = findings.evaluate(courses, [comparison]).iloc[0]
    part, size = comparison["family"], comparison["size"]
    epochs = plan.find_epoch(comparison)
    column, factor, unit = analysis.MEASURES[comparison["measure"]]
    baseline = factor * analysis.select(courses, part, plan.BASELINE, size, epochs, column).mean()
    strength = comparison["technique"].partition(", ")[2]
    return {
        "training": ", ".join(filter(None, [_TRAINING[part], strength])),
        "epochs": epochs,
        "measure": f"{comparison['measure']} ({unit.replace('percentage points', '%')})",
        "images": f"{size:,}",
        "seeds": found["difference"].pairs,
        "baseline": f"{baseline:.2f}",
        "difference": found["difference"].interval,
        "found": findings.name_verdict(found["found"], size),
        "expected": findings.name_verdict(comparison["expected"], size),
    }


def tabulate_article(courses: pd.DataFrame) -> pd.DataFrame:
    """Tabulate what the article concluded beside what the study found.

    Parameters
    ----------
    courses : DataFrame
        As `analysis.read_courses` returns it.

    Returns
    -------
    DataFrame
        A row per conclusion: the comparison that asks nearly the same question, its difference and its
        verdict.
    """
    evaluated = findings.evaluate(courses)
    rows = []
    for each in findings.read_article():
        found = evaluated.loc[each["comparison"]]
        rows.append(
            {
                "the article says": each["says"],
                "asked here": each["note"],
                "difference": found["difference"].interval,
                "in our runs": findings.name_verdict(found["found"], found["size"]),
            }
        )
    return pd.DataFrame(rows).set_index("the article says")


def tabulate_ends(study: pd.DataFrame, courses: pd.DataFrame) -> pd.DataFrame:
    """Tabulate the primary family with both of its intervals.

    Parameters
    ----------
    study : DataFrame
        A row per run.
    courses : DataFrame
        As `analysis.read_courses` returns it.

    Returns
    -------
    DataFrame
        A row per technique and training size: the difference in accuracy with the interval of the plan; the
        interval that also covers other test images; half the width of the interval that is not adjusted;
        the smallest true difference that this many seeds find with a probability of 80 %; the verdict.
    """
    rows = []
    for each in plan.read_comparisons():
        if (each["family"], each["measure"]) != ("ends", "accuracy"):
            continue
        technique, size = each["technique"], each["size"]
        found = findings.evaluate(courses, [each]).iloc[0]
        images = analysis.find_image_differences(study, technique, size)
        family = plan.family_size("ends", "accuracy")
        wider = analysis.add_test_images(images, family)
        differences = images.mean(axis=1)  # of each seed
        rows.append(
            {
                "technique": findings.name_technique(technique),
                "images": f"{size:,}",
                "difference": found["difference"].interval,
                "other test images too": wider.interval.partition(" ")[2],
                "alone": f"±{statistics.ci_half_width(differences):.3f}",
                "detectable": f"{found['difference'].detectable:.2f}",
                "found": findings.name_verdict(found["found"], size),
            }
        )
    return pd.DataFrame(rows).set_index(["technique", "images"])


def tabulate_crossings(courses: pd.DataFrame) -> pd.DataFrame:
    """Tabulate when each technique costs accuracy and when it pays, at a constant rate.

    Parameters
    ----------
    courses : DataFrame
        As `analysis.read_courses` returns it.

    Returns
    -------
    DataFrame
        A row per technique of the courses and training size: until which checkpoint all intervals lie below
        0; between which two checkpoints the mean last rises above 0; from which on all intervals lie above 0;
        and the last difference in accuracy. Each interval is for itself, not adjusted.
    """
    rows = []
    for size in plan.PARTS["courses"].sizes:
        compared = analysis.compare_courses(courses, size)
        for technique, found in compared.groupby("technique", sort=False):
            below = found["epoch"][(found["high"] < 0).cummin()]  # the first ones, without a break
            last = found.iloc[-1]
            at_end = Difference(last["mean"], last["low"], last["high"], diverged=last["diverged"])
            rows.append(
                {
                    "technique": findings.name_technique(str(technique)),
                    "images": f"{size:,}",
                    "costs accuracy until epoch": str(below.max()) if len(below) else findings.NOT_SHOWN,
                    "mean rises above 0": findings.find_rise(found),
                    "pays from epoch": str(findings.find_start(found) or findings.NOT_SHOWN),
                    "at the end": at_end.interval,
                    "epochs": str(last["epoch"]),
                }
            )
    order = [findings.name_technique(name) for name in plan.PARTS["courses"].techniques]
    rows.sort(key=lambda row: order.index(row["technique"]))
    return pd.DataFrame(rows).set_index(["technique", "images"])


def tabulate_stopping(courses: pd.DataFrame, part: str = "courses") -> pd.DataFrame:
    """Tabulate early stopping for readers.

    Parameters
    ----------
    courses : DataFrame
        As `analysis.read_courses` returns it.
    part : {"courses", "noise"}
        The part of the study.

    Returns
    -------
    DataFrame
        A row per training size, monitored score and patience: how many runs stopped (and how many are left
        out, because they diverged), the mean number of epochs over the runs, and test accuracy and
        cross-entropy of the epoch that is kept, minus those of the last one, with 95 % intervals.
    """
    table = analysis.tabulate_early_stopping(courses, part=part)
    monitors = {"validation_cross_entropy": "cross-entropy", "validation_accuracy": "accuracy"}
    columns = {
        "stopped": [
            f"{row.stopped} of {row.runs}{statistics.tell_left_out(row.diverged, '; ')}"
            for row in table.itertuples()
        ],
        "images": [f"{size:,}" for size in table["images"]],
        "monitor": table["monitor"].map(monitors),
        "patience": table["patience"],
        "epochs trained": [f"{epochs:.1f}" for epochs in table["epochs"]],
        "accuracy (points)": [difference.interval for difference in table["accuracy"]],
        "cross-entropy (nats)": [difference.interval for difference in table["cross-entropy"]],
    }
    return pd.DataFrame(columns).set_index(["images", "monitor", "patience"])


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
        percentage points; what the rule of thumb of lesson 02 predicts; and the ratio of annealed to
        constant, as a mean over all techniques (of the variances). If runs diverged, a last column counts
        them.

    Raises
    ------
    DataError
        If fewer than two runs of a technique are left.
    """
    rows = {}
    left_out = {}
    for size, (epochs, _) in plan.PARTS["ends"].sizes.items():
        variances: dict[str, list[float]] = {"courses": [], "ends": []}
        diverged = 0
        for part, found in variances.items():
            for technique in plan.TECHNIQUES:
                runs = 100 * analysis.select(courses, part, technique, size, epochs, "test_accuracy")
                diverged += statistics.count_diverged(runs)
                found.append(float(runs.var(ddof=1)))
        constant, annealed = variances.values()
        error = (
            100 - 100 * analysis.select(courses, "ends", plan.BASELINE, size, epochs, "test_accuracy").mean()
        )
        rows[f"{size:,} images"] = {
            "constant rate": np.sqrt(constant[0]),
            "annealed rate": np.sqrt(annealed[0]),
            "√(error / 2n)": np.sqrt(100 * error / (2 * 10_000)),
            "ratio, all techniques": np.sqrt(np.mean(annealed) / np.mean(constant)),
        }
        left_out[f"{size:,} images"] = diverged
    return analysis.add_left_out(pd.DataFrame.from_dict(rows, orient="index").round(3), left_out)
