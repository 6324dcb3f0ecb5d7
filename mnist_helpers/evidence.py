"""What paired runs say, and how sure they are; the study's comparisons, and the claims that rest on them."""

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mnist_helpers.errors import DataError

STUDY = Path(__file__).resolve().parents[1] / "results" / "study.csv"
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
_UNCLEAR = "no detectable difference"
_VERBS = {"higher": "raises", "lower": "lowers", _UNCLEAR: "does not detectably change"}


@dataclass(frozen=True)
class Difference:
    """Mean of paired differences with its 95 % confidence interval, in the unit of the values."""

    mean: float
    low: float
    high: float
    pairs: int = 0
    detectable: float = 0.0  # a true difference of this size would be found in four of five such studies

    @property
    def verdict(self) -> str:
        """``"higher"``, ``"lower"`` or ``"no detectable difference"``."""
        below = "lower" if self.high < 0 else _UNCLEAR
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
    mean, error, freedom = differences.mean(), stats.sem(differences), len(differences) - 1
    critical = stats.t.ppf(1 - 0.025 / comparisons, freedom)
    half, detectable = critical * error, (critical + stats.t.ppf(0.8, freedom)) * error
    return Difference(*map(float, (mean, mean - half, mean + half)), len(differences), float(detectable))


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
    except OSError as error:
        raise DataError(f"No study in {path.parent} ({error}): `mnist-helpers study` makes it") from error
    if found != expected:
        raise DataError(f"{path.name} was changed after the study wrote it: git checkout {path.parent.name}")
    return pd.read_csv(path)


def select(study: pd.DataFrame, technique: str, size: int, measure: str) -> pd.Series:
    """Return a measure, in its unit, of the runs of a technique at a training size, by seed."""
    column, factor, _ = MEASURES[measure]
    runs = study[(study["technique"] == technique) & (study["train_size"] == size)]
    if runs.empty:
        raise DataError(f"the study has no runs of {technique!r} with {size:,} training images")
    return factor * runs.set_index("seed")[column].sort_index()


def compare(
    study: pd.DataFrame,
    technique: str,
    size: int,
    measure: str = "accuracy",
    reference: str = "baseline",
    reference_measure: str | None = None,
) -> Difference:
    """Compare two techniques of the study over their seeds, adjusted for all comparisons of one measure.

    Those are each technique with the baseline at each size, and whatever else the ledger compares. A pair in
    which a run diverged is left out: `pairs` counts those that remain.
    """
    values = select(study, technique, size, measure)
    others = select(study, reference, size, reference_measure or measure)
    pairs = pd.concat([values, others], axis=1, join="inner").dropna()
    return paired_difference(pairs.iloc[:, 0], pairs.iloc[:, 1], count_comparisons(study))


def count_comparisons(study: pd.DataFrame) -> int:
    """Return how many comparisons one measure is in: the whole grid's, and the ledger's others."""
    grid = study[~study["technique"].isin(["baseline", "article"])]
    others = [claim for claim in read_ledger() if "value" not in claim and len(claim.keys() & _OTHER)]
    return len(grid[["technique", "train_size"]].drop_duplicates()) + len(others)


_OTHER = {"reference", "reference_measure"}  # what a claim has that compares with more than the baseline


def tabulate_study(study: pd.DataFrame, techniques: Sequence[str]) -> pd.DataFrame:
    """Tabulate techniques against the baseline: accuracy, cross-entropy and calibration error, by size."""
    rows = []
    for technique in techniques:
        for measure in ("accuracy", "cross-entropy", "calibration error"):
            for size in sorted(study.loc[study["technique"] == technique, "train_size"].unique()):
                found = compare(study, technique, size, measure)
                means = [select(study, name, size, measure).mean() for name in ("baseline", technique)]
                unit = MEASURES[measure][2].replace("percentage points", "%")
                texts = [f"{mean:.{3 if unit == 'nats' else 2}f}" for mean in means]
                shown = (found.pairs, *texts, found.interval, found.verdict, f"{found.detectable:.2g}")
                rows.append((technique, f"{measure} ({unit})", f"{size:,}", *shown))
    columns = ["technique", "measure", "images", "seeds", "baseline", "with it", "difference", "verdict"]
    return pd.DataFrame(rows, columns=[*columns, "could have seen"]).set_index(columns[:3])


def read_ledger(path: Path = _LEDGER) -> list[dict]:
    """Read the claims as they are written down; the ledger's head says what an entry holds."""
    return tomllib.loads(path.read_text(encoding="utf-8"))["claim"]


def judge(claim: Mapping, study: pd.DataFrame) -> tuple[str, str, str]:
    """Return a claim's sentence, what the study found, and whether that supports or contradicts it."""
    technique, size, measure = claim["technique"], claim["size"], claim.get("measure", "accuracy")
    if "value" in claim:
        runs = select(study, technique, size, measure)
        return claim["sentence"].format(**claim), *_judge_value(claim["value"], runs)
    pair = {name: claim[name] for name in _OTHER & claim.keys()}
    found = compare(study, technique, size, measure, **pair)
    against = f" compared with {pair['reference']}" if "reference" in pair else ""
    default = f"With {size:,} training images, {technique} {{verb}} {measure}{against}."
    sentence = claim.get("sentence", default).format(verb=_VERBS[claim["says"]], **claim)
    agrees = "supported" if found.verdict == claim["says"] else "contradicted"
    open_question = found.verdict == _UNCLEAR != claim["says"]
    return sentence, f"{found.interval} {MEASURES[measure][2]}", _UNCLEAR if open_question else agrees


def _judge_value(value: float, runs: pd.Series) -> tuple[str, str]:
    """Ask whether one more run could have given the value: is it in the 95 % prediction interval."""
    from scipy import stats

    mean, spread, n = runs.mean(), runs.std(ddof=1), len(runs)
    half = stats.t.ppf(0.975, n - 1) * spread * np.sqrt(1 + 1 / n)
    text = f"mean {mean:.2f}, standard deviation {spread:.2f} ({n} runs)"
    text += f", a single run lies between {mean - half:.2f} and {mean + half:.2f}"
    return text, "supported" if abs(value - mean) <= half else "contradicted"


def claims(lesson: str | None = None, study: pd.DataFrame | None = None) -> pd.DataFrame:
    """Tabulate the claims of a lesson, such as "03", or of all, with what the study says of each."""
    study = read_study() if study is None else study
    entries = [claim for claim in read_ledger() if lesson is None or lesson in claim["lessons"]]
    rows = [(claim["id"], claim["by"], *judge(claim, study)) for claim in entries]
    columns = ["claim", "who says so", "sentence", "the study (95 % intervals)", "verdict"]
    return pd.DataFrame(rows, columns=columns).set_index("claim")
