"""Statistics of repeated training runs: paired differences, intervals, verdicts, and scores.

Arrays go in, numbers come out: this module reads no file and needs no TensorFlow.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mnist_helpers.errors import DataError

UNDECIDED = "undecided"


def find_diverged(losses: float | Sequence[float] | np.ndarray | pd.Series) -> np.ndarray:
    """Return which runs diverged.

    This is the one definition, from training to the last table: a run diverged if its loss on training images
    stopped being a finite number. All of its numbers are then NaN.

    Parameters
    ----------
    losses : float or array_like
        A number per run.

    Returns
    -------
    ndarray of bool
        One per number, in the same shape.
    """
    return ~np.isfinite(np.asarray(losses, dtype=float))


def tell_left_out(diverged: int, before: str = "") -> str:
    """Return how tables and pictures say that runs are missing.

    Parameters
    ----------
    diverged : int
        Number of runs, or pairs, that are left out.
    before : str, optional
        What separates it from the text before it.

    Returns
    -------
    str
        Such as ``"1 diverged, left out"``; empty, without `before`, if there is none.
    """
    return f"{before}{diverged} diverged, left out" if diverged else ""


def count_diverged(numbers: Sequence[float] | np.ndarray | pd.Series) -> int:
    """Count the runs that diverged, and check that enough others are left for a spread.

    Parameters
    ----------
    numbers : array_like, shape (n,)
        A number per run, or the difference of each pair.

    Returns
    -------
    int
        How many are not finite.

    Raises
    ------
    DataError
        If fewer than two others are left.
    """
    diverged = int(find_diverged(numbers).sum())
    if (kept := len(numbers) - diverged) < 2:
        raise DataError(
            f"{diverged} of {len(numbers)} runs or pairs diverged, which leaves {kept}: two are needed."
            " Lower the learning rate, or add seeds"
        )
    return diverged


@dataclass(frozen=True)
class Difference:
    """Mean of paired differences with its confidence interval, in the unit of the values.

    Parameters
    ----------
    mean, low, high : float
        The mean and the bounds of its 95 % interval: of one comparison alone or, adjusted, of one among
        several (see `paired_difference`).
    pairs : int
        Number of pairs.
    detectable : float
        Minimum detectable difference at 80 % power.
    diverged : int
        Number of pairs that were left out, because a run of them diverged.
    """

    mean: float
    low: float
    high: float
    pairs: int = 0
    detectable: float = 0.0
    diverged: int = 0

    @property
    def verdict(self) -> str:
        """``"higher"`` or ``"lower"`` if the interval excludes 0, else ``"undecided"``."""
        if self.low > 0:
            return "higher"
        return "lower" if self.high < 0 else UNDECIDED

    @property
    def digits(self) -> int:
        """The number of decimals, 2 to 4, with which no bound reads as 0 unless it is smaller than 0.0001."""
        bounds = abs(self.low), abs(self.high)
        digits = 3 if max(bounds) < 0.1 else 2
        while digits < 4 and any(bound and round(bound, digits) == 0 for bound in bounds):
            digits += 1
        return digits

    @property
    def interval(self) -> str:
        """The mean and its interval as text, such as ``"+0.96 [+0.60, +1.32]"``, and how many diverged."""
        bounds = f"{self.low:+.{self.digits}f}, {self.high:+.{self.digits}f}"
        return f"{self.mean:+.{self.digits}f} [{bounds}{tell_left_out(self.diverged, '; ')}]"

    def __str__(self) -> str:
        return f"{self.interval}, {self.verdict}"


def paired_difference(
    values: Sequence[float] | np.ndarray | pd.Series,
    reference: Sequence[float] | np.ndarray | pd.Series,
    comparisons: int = 1,
) -> Difference:
    """Compare two series of runs by Student's t interval of their paired differences.

    Parameters
    ----------
    values, reference : array_like, shape (n,)
        One number per seed, the same seeds in the same order; n is at least 2. A number that is not finite
        belongs to a run that diverged; its pair is left out and counted.
    comparisons : int, default 1
        Size of the family of comparisons that this one belongs to. Each interval of the family has the level
        1 - 0.05 / `comparisons` (Bonferroni), so that all of them together cover the true differences in 95
        of 100 such studies.

    Returns
    -------
    Difference
        Of values minus reference, in their unit.

    Raises
    ------
    DataError
        If fewer than two pairs are left.
    ValueError
        If the series differ in length or have fewer than two runs.
    """
    from scipy import stats

    if len(values) != len(reference) or len(values) < 2:
        raise ValueError(f"expected two or more pairs, found {len(values)} and {len(reference)} runs")
    differences = np.subtract(values, reference)
    diverged = count_diverged(differences)
    differences = differences[~find_diverged(differences)]
    mean = float(differences.mean())
    half = ci_half_width(differences, comparisons)
    detectable = find_detectable(len(differences), comparisons) * float(stats.sem(differences))
    return Difference(mean, mean - half, mean + half, len(differences), detectable, diverged)


@functools.cache
def find_detectable(pairs: int, comparisons: int = 1, power: float = 0.8) -> float:
    """Return the true difference that a paired t test finds with a given probability.

    Parameters
    ----------
    pairs : int
        Number of pairs, at least 2.
    comparisons : int, default 1
        Size of the family, as in `paired_difference`.
    power : float, default 0.8
        Probability that the interval lies above 0, strictly between 0.5 and 1.

    Returns
    -------
    float
        In standard errors of the mean difference; exact, by the noncentral t distribution.
    """
    from scipy import optimize, stats

    critical = stats.t.ppf(1 - 0.025 / comparisons, pairs - 1)
    # The power is near 0.5 where the true difference equals the critical value, and 1 far beyond.
    return float(
        optimize.brentq(lambda d: stats.nct.sf(critical, pairs - 1, d) - power, 0, 10 * critical, xtol=1e-6)
    )


def ci_half_width(values: Sequence[float] | np.ndarray, comparisons: int = 1) -> float:
    """Return half the width of the t interval of a mean.

    Parameters
    ----------
    values : array_like, shape (n,)
        The values; n is at least 1.
    comparisons : int, default 1
        Size of the family, as in `paired_difference`.

    Returns
    -------
    float
        Half the width, in the unit of the values; 0 for a single value, which has no interval.
    """
    from scipy import stats

    if len(values) < 2:
        return 0.0
    return float(stats.t.ppf(1 - 0.025 / comparisons, len(values) - 1) * stats.sem(values))


def table(values: Mapping[str, Sequence[float]], reference: str) -> pd.DataFrame:
    """Tabulate each name's mean and its paired difference to a reference.

    Parameters
    ----------
    values : mapping of str to sequence of float
        For each name one number per seed, the same seeds in the same order.
    reference : str
        The name that the others are compared with.

    Returns
    -------
    DataFrame
        A row per name with mean, number of runs, difference, interval and verdict, rounded to two decimals;
        the cells of the reference's own difference are empty. Runs that diverged (NaN) are left out; if there
        are any, a last column counts them.
    """
    rows = {}
    for name, numbers in values.items():
        missing = find_diverged(numbers)
        kept = np.asarray(numbers)[~missing]
        row: dict[str, float | str] = {"mean": float(kept.mean()) if kept.size else np.nan, "runs": kept.size}
        if name != reference:
            found = paired_difference(numbers, values[reference])
            row[f"minus {reference}"] = found.mean
            row |= {"low": found.low, "high": found.high, "verdict": found.verdict}
        if missing.any():
            row["left out"] = f"{missing.sum()} diverged"
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index").round(2).astype(object).fillna("")


def score(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Score predicted probabilities against the true digits.

    Parameters
    ----------
    probabilities : ndarray, shape (n, 10)
        Predicted probability of each digit.
    labels : ndarray, shape (n,), int
        True digits, 0 to 9.

    Returns
    -------
    dict of str to float
        ``accuracy``, 0 to 1; ``cross_entropy``, in nats; ``calibration_error``, 0 to 1: the mean distance
        between the confidence of a prediction and the share of correct ones, in 15 bins of equal width
        (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017). All are NaN if a probability is:
        broken weights have an accuracy too, that of a constant answer.
    """
    from scipy import stats

    if np.isnan(probabilities).any():
        return dict.fromkeys(("accuracy", "cross_entropy", "calibration_error"), np.nan)
    correct = probabilities.argmax(axis=1) == labels
    confidence = probabilities.max(axis=1).astype(float)
    of_label = probabilities[np.arange(len(labels)), labels].astype(float)
    gaps = stats.binned_statistic(confidence, correct - confidence, "sum", bins=15, range=(0, 1)).statistic
    return {
        "accuracy": float(correct.mean()),
        "cross_entropy": float(-np.log(np.maximum(of_label, 1e-7)).mean()),  # 1e-7 is Keras's own limit
        "calibration_error": float(np.abs(gaps).sum() / len(labels)),
    }
