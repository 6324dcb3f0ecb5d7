"""What paired runs say, and how sure they are; the comparisons of the study."""

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mnist_helpers.errors import DataError

_PACKAGE = Path(__file__).resolve().parent
# In a clone, or in an installed package, into which the build copies it.
STUDY = next(
    (
        folder / "results" / "study.csv"
        for folder in (_PACKAGE.parent, _PACKAGE)
        if (folder / "results").is_dir()
    ),
    _PACKAGE.parent / "results" / "study.csv",
)
_LEDGER = Path(__file__).with_name("claims.toml")
# What is compared: its column in the study, the factor to its unit, and the unit.
MEASURES = {
    "accuracy": ("test_accuracy", 100, "percentage points"),
    "cross-entropy": ("test_cross_entropy", 1, "nats"),
    "calibration error": ("test_calibration_error", 100, "percentage points"),
    "epochs": ("epochs_trained", 1, "epochs"),
    "accuracy, stopped on the test set": ("stopped_on_test", 100, "percentage points"),
    "accuracy, stopped on validation images": ("stopped_on_validation", 100, "percentage points"),
}
UNCLEAR = "no detectable difference"


@dataclass(frozen=True)
class Difference:
    """Mean of paired differences with its confidence interval, in the unit of the values.

    At 95 %, for one comparison alone or, adjusted, for several together: see `paired_difference`.
    """

    mean: float
    low: float
    high: float
    pairs: int = 0
    detectable: float = 0.0  # a true difference as large would be found in four of five such studies

    @property
    def verdict(self) -> str:
        """``"higher"``, ``"lower"`` or ``"no detectable difference"``."""
        below = "lower" if self.high < 0 else UNCLEAR
        return "higher" if self.low > 0 else below

    @property
    def interval(self) -> str:
        """The mean and its interval as text."""
        digits = 3 if max(abs(self.low), abs(self.high)) < 0.1 else 2
        return f"{self.mean:+.{digits}f} [{self.low:+.{digits}f}, {self.high:+.{digits}f}]"

    def __str__(self) -> str:
        return f"{self.interval}, {self.verdict}"


def paired_difference(
    values: Sequence[float], reference: Sequence[float], comparisons: int = 1
) -> Difference:
    """Compare two series of runs, values minus reference, by Student's t interval of their differences.

    Each holds one number a seed, same seeds in the same order; at least two, else ValueError. Of several
    comparisons each is made at the level 1 - 0.05 / `comparisons`, so that all their intervals together hold
    the truth in 95 of 100 such studies (Bonferroni).
    """
    from scipy import stats

    if len(values) != len(reference) or len(values) < 2:
        raise ValueError(f"expected two or more pairs, found {len(values)} and {len(reference)} runs")
    differences = np.subtract(values, reference)
    if not np.isfinite(differences).all():
        raise ValueError("a run diverged (NaN): its pair says nothing about the difference")
    mean, half = differences.mean(), half_interval(differences, comparisons)
    reserve = stats.t.ppf(0.8, len(differences) - 1) * stats.sem(differences)
    bounds = (mean, mean - half, mean + half)
    return Difference(*map(float, bounds), len(differences), float(half + reserve))


def half_interval(values: np.ndarray, comparisons: int = 1) -> float:
    """Return half the width of a mean's interval, as in `paired_difference`; 0 of a single value."""
    from scipy import stats

    critical = stats.t.ppf(1 - 0.025 / comparisons, len(values) - 1)
    return float(critical * stats.sem(values)) if len(values) > 1 else 0.0


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


def score(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Judge predictions, shape (n, 10), by the true digits, shape (n,).

    `accuracy` from 0 to 1; `cross_entropy` in nats; `calibration_error`, from 0 to 1: how far, on average,
    the probability of the predicted digit lies from the share of right answers, in 15 bins of equal width
    (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017). Where probabilities are nan, the
    last two are nan.
    """
    from scipy import stats

    right, confidence = probabilities.argmax(axis=1) == labels, probabilities.max(axis=1).astype(float)
    given = probabilities[np.arange(len(labels)), labels].astype(float)
    if np.isnan(probabilities).any():
        return {"accuracy": float(right.mean()), "cross_entropy": np.nan, "calibration_error": np.nan}
    gaps = stats.binned_statistic(confidence, right - confidence, "sum", bins=15, range=(0, 1)).statistic
    return {
        "accuracy": float(right.mean()),
        "cross_entropy": float(-np.log(np.maximum(given, 1e-7)).mean()),  # Keras's own limit
        "calibration_error": float(np.abs(gaps).sum() / len(labels)),
    }


def hash_table(path: Path) -> str:
    """Return the SHA-256 of a table, in hexadecimal digits, whatever its line ends."""
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def read_study(path: Path = STUDY) -> pd.DataFrame:
    """Read the study's runs, a row each, and the digest that was written with them.

    Raises DataError if there is no study or if its table is not the one that was written.
    """
    try:
        expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["sha256"]
        found = hash_table(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"No study in {path.parent} ({error}): `mnist-helpers study` makes it") from error
    if found != expected:
        raise DataError(f"{path.name} does not fit its digest: git checkout {path.parent.name}")
    return pd.read_csv(path)


def select(study: pd.DataFrame, technique: str, size: int, measure: str) -> pd.Series:
    """Return a measure, in its unit, of the runs of a technique at a training size, by seed.

    It is nan of a run that diverged: the accuracy of such a network is a number, and means nothing.
    """
    column, factor, _ = MEASURES[measure]
    runs = study[(study["technique"] == technique) & (study["train_size"] == size)]
    if runs.empty:
        raise DataError(f"the study has no runs of {technique!r} with {size:,} training images")
    runs = runs.set_index("seed").sort_index()
    return factor * runs[column].where(runs["test_cross_entropy"].notna())


def compare(
    study: pd.DataFrame,
    technique: str,
    size: int,
    measure: str = "accuracy",
    reference: str = "baseline",
    reference_measure: str | None = None,
) -> Difference:
    """Compare two techniques of the study over their seeds, adjusted for all comparisons of one measure.

    A pair in which a run diverged is left out: `pairs` counts those that remain.
    """
    values = select(study, technique, size, measure)
    others = select(study, reference, size, reference_measure or measure)
    pairs = pd.concat([values, others], axis=1, join="inner").dropna()
    return paired_difference(pairs.iloc[:, 0], pairs.iloc[:, 1], count_comparisons(study, measure))


def count_comparisons(study: pd.DataFrame, measure: str) -> int:
    """Return in how many comparisons a measure is: the whole grid's with the baseline, and the ledger's."""
    grid = study.loc[~study["technique"].isin(["baseline", "article"]), ["technique", "train_size"]]
    made = {(frozenset([name, "baseline"]), size) for name, size in grid.itertuples(index=False)}
    if "stopped" in measure:  # of the baseline alone
        made = set()
    claims = [claim for claim in read_ledger() if claim.get("measure", "accuracy") == measure]
    made |= {(frozenset([c["technique"], c["reference"]]), c["size"]) for c in claims if "reference" in c}
    return max(1, len(made))


def compare_all(
    study: pd.DataFrame, techniques: Sequence[str], measure: str = "accuracy"
) -> dict[str, Difference]:
    """Compare techniques with the baseline at each size: ``{"L2, 1,000 images": difference}``."""
    sizes = sorted(study.loc[study["technique"] == "baseline", "train_size"].unique())
    pairs = [(technique, size) for technique in techniques for size in sizes]
    return {f"{name}, {size:,} images": compare(study, name, size, measure) for name, size in pairs}


def compare_by_size(study: pd.DataFrame) -> dict[int, dict[str, Difference]]:
    """Compare the accuracy of all techniques: ``{training images: {technique: difference}}``."""
    pairs = study.loc[~study["technique"].isin(["baseline", "article"]), ["technique", "train_size"]]
    found: dict[int, dict[str, Difference]] = {}
    for technique, size in pairs.drop_duplicates().itertuples(index=False):
        found.setdefault(size, {})[technique] = compare(study, technique, size)
    return found


def tabulate_study(study: pd.DataFrame, technique: str) -> pd.DataFrame:
    """Tabulate a technique against the baseline by size: accuracy, cross-entropy and calibration error."""
    rows = []
    for measure in ("accuracy", "cross-entropy", "calibration error"):
        _, _, unit = MEASURES[measure]
        for size in sorted(study.loc[study["technique"] == technique, "train_size"].unique()):
            found = compare(study, technique, size, measure)
            means = [select(study, name, size, measure).mean() for name in ("baseline", technique)]
            texts = [f"{mean:.{3 if unit == 'nats' else 2}f}" for mean in means]
            epochs = f"{select(study, 'baseline', size, 'epochs').max():.0f}"
            shown = (epochs, found.pairs, *texts, found.interval, found.verdict, f"{found.detectable:.2g}")
            rows.append((f"{measure} ({unit.replace('percentage points', '%')})", f"{size:,}", *shown))
    columns = [
        "measure",
        "images",
        "epochs",
        "seeds",
        "baseline",
        technique,
        "difference",
        "verdict",
        "could have seen",
    ]
    return pd.DataFrame(rows, columns=columns).set_index(columns[:2])


def read_ledger(path: Path = _LEDGER) -> list[dict]:
    """Read the claims as they are written down; the ledger's head says what an entry holds."""
    return tomllib.loads(path.read_text(encoding="utf-8"))["claim"]
