"""What paired runs say, and how sure they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Difference:
    """Mean of paired differences with its 95 % confidence interval, in the unit of the values."""

    mean: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """``"higher"``, ``"lower"`` or ``"no detectable difference"``."""
        below = "lower" if self.high < 0 else "no detectable difference"
        return "higher" if self.low > 0 else below

    def __str__(self) -> str:
        return f"{self.mean:+.2f} [{self.low:+.2f}, {self.high:+.2f}], {self.verdict}"


def paired_difference(values: Sequence[float], reference: Sequence[float]) -> Difference:
    """Compare two series of runs, values minus reference, by Student's t interval of their differences.

    Each holds one number a seed, same seeds in the same order; at least two, else ValueError.
    """
    from scipy import stats

    if len(values) != len(reference) or len(values) < 2:
        raise ValueError(f"expected two or more pairs, found {len(values)} and {len(reference)} runs")
    differences = np.subtract(values, reference)
    if not np.isfinite(differences).all():
        raise ValueError("a run diverged (NaN): its pair says nothing about the difference")
    mean, half = differences.mean(), stats.t.ppf(0.975, len(differences) - 1) * stats.sem(differences)
    return Difference(float(mean), float(mean - half), float(mean + half))


def table(values: Mapping[str, Sequence[float]], reference: str) -> pd.DataFrame:
    """Tabulate each name's mean and its paired difference to the reference, with interval and verdict."""
    rows = {}
    for name, numbers in values.items():
        rows[name] = {"mean": np.mean(numbers), "runs": len(numbers)}
        if name != reference:
            found = paired_difference(numbers, values[reference])
            interval = {"low": found.low, "high": found.high, "verdict": found.verdict}
            rows[name] |= {f"minus {reference}": found.mean, **interval}
    return pd.DataFrame.from_dict(rows, orient="index").round(2).astype(object).fillna("")
