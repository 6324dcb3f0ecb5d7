"""What the study shows: its runs by technique, size and measure, compared over paired seeds."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from mnist_helpers import plots, statistics
from mnist_helpers.errors import DataError
from mnist_helpers.statistics import Difference
from mnist_helpers.study import store
from mnist_helpers.study.plan import BASELINE

# The second of two earlier studies, which the lessons show until the runs of the present plan are complete.
EARLIER = store.RESULTS / "earlier" / "second.csv"
_SIZES = (1_000, 5_000, 50_000)
# Comparisons of two techniques, by measure: (technique, reference, training images). Together with six
# techniques against the baseline at each size they are the family that the intervals are adjusted for.
PAIRS = {
    "accuracy": (
        ("dropout", "L2", 50_000),
        ("dropout", "augmentation (gentle)", 50_000),
        ("dropout", "augmentation (gentle)", 1_000),
        ("combined", "augmentation (gentle)", 1_000),
    )
}
# Each measure's column in the table, the factor to its unit, and the unit.
MEASURES = {
    "accuracy": ("test_accuracy", 100, "percentage points"),
    "cross-entropy": ("test_cross_entropy", 1, "nats"),
    "calibration error": ("test_calibration_error", 100, "percentage points"),
    "epochs": ("epochs_trained", 1, "epochs"),
    "accuracy, stopped on the test set": ("stopped_on_test", 100, "percentage points"),
    "accuracy, stopped on validation images": ("stopped_on_validation", 100, "percentage points"),
}


def read_study() -> pd.DataFrame:
    """Read the study that the lessons show.

    Returns
    -------
    DataFrame
        A row per run.

    Raises
    ------
    DataError
        As `store.read_table` does.
    """
    return store.read_table(EARLIER)


def family_size(measure: str) -> int:
    """Return the number of comparisons that an interval of a measure is adjusted for.

    Parameters
    ----------
    measure : str
        A name in `MEASURES`.

    Returns
    -------
    int
        Six techniques against the baseline at each size, and the `PAIRS` of the measure; 1 for measures of
        the baseline alone.
    """
    return 1 if "stopped" in measure else 6 * len(_SIZES) + len(PAIRS.get(measure, ()))


def select(study: pd.DataFrame, technique: str, size: int, measure: str) -> pd.Series:
    """Select the values of one measure.

    Parameters
    ----------
    study : DataFrame
        A row per run.
    technique : str
        A name in its column ``technique``, or ``"article"``.
    size : int
        Number of training images.
    measure : str
        A name in `MEASURES`.

    Returns
    -------
    Series of float, indexed by seed
        In the unit of the measure. NaN for a run that diverged: the accuracy of such a network is a number
        without meaning.

    Raises
    ------
    DataError
        If the study has no such run.
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
    reference: str = BASELINE,
    reference_measure: str | None = None,
) -> Difference:
    """Compare two techniques over paired seeds.

    Parameters
    ----------
    study : DataFrame
        A row per run.
    technique, reference : str
        Names in the table.
    size : int
        Number of training images.
    measure : str, default "accuracy"
        A name in `MEASURES`.
    reference_measure : str, optional
        Measure of the reference, if it is a different one.

    Returns
    -------
    Difference
        Technique minus reference, adjusted for the plan's family of comparisons. Pairs with a run that
        diverged are left out.

    Raises
    ------
    DataError
        If the study has no such run.
    """
    values = select(study, technique, size, measure)
    others = select(study, reference, size, reference_measure or measure)
    pairs = pd.concat([values, others], axis=1, join="inner").dropna()
    return statistics.paired_difference(pairs.iloc[:, 0], pairs.iloc[:, 1], family_size(measure))


def compare_all(
    study: pd.DataFrame, techniques: Sequence[str], measure: str = "accuracy"
) -> dict[str, Difference]:
    """Compare techniques with the baseline at each size.

    Parameters
    ----------
    study : DataFrame
        A row per run.
    techniques : sequence of str
        Names in the table.
    measure : str, default "accuracy"
        A name in `MEASURES`.

    Returns
    -------
    dict of str to Difference
        Such as ``{"L2, 1,000 images": …}``.
    """
    sizes = sorted(study.loc[study["technique"] == BASELINE, "train_size"].unique())
    return {
        f"{technique}, {size:,} images": compare(study, technique, size, measure)
        for technique in techniques
        for size in sizes
    }


def compare_by_size(study: pd.DataFrame) -> dict[int, dict[str, Difference]]:
    """Compare the accuracy of all techniques with the baseline's.

    Parameters
    ----------
    study : DataFrame
        A row per run.

    Returns
    -------
    dict of int to dict of str to Difference
        Number of training images, then technique.
    """
    pairs = study.loc[~study["technique"].isin([BASELINE, "article"]), ["technique", "train_size"]]
    found: dict[int, dict[str, Difference]] = {}
    for technique, size in pairs.drop_duplicates().itertuples(index=False):
        found.setdefault(size, {})[technique] = compare(study, technique, size)
    return found


def tabulate_study(study: pd.DataFrame, technique: str) -> pd.DataFrame:
    """Tabulate a technique against the baseline, by measure and size.

    Parameters
    ----------
    study : DataFrame
        A row per run.
    technique : str
        A name in its column ``technique``.

    Returns
    -------
    DataFrame
        Indexed by measure and images: epochs, seeds, both means, the difference with its interval, the
        verdict, and the minimum detectable difference.
    """
    rows = []
    for measure in ("accuracy", "cross-entropy", "calibration error"):
        _, _, unit = MEASURES[measure]
        digits = 3 if unit == "nats" else 2
        for size in sorted(study.loc[study["technique"] == technique, "train_size"].unique()):
            found = compare(study, technique, size, measure)
            row = {
                "measure": f"{measure} ({unit.replace('percentage points', '%')})",
                "images": f"{size:,}",
                "epochs": f"{select(study, BASELINE, size, 'epochs').max():.0f}",
                "seeds": found.pairs,
            }
            for name in (BASELINE, technique):
                row[name] = f"{select(study, name, size, measure).mean():.{digits}f}"
            row["difference"] = found.interval
            row["verdict"] = found.verdict
            row["detectable"] = f"{found.detectable:.2g}"
            rows.append(row)
    return pd.DataFrame(rows).set_index(["measure", "images"])


def figure(study: pd.DataFrame, techniques: Sequence[str] = ()) -> Figure:
    """Draw techniques against the baseline, with intervals.

    Parameters
    ----------
    study : DataFrame
        A row per run.
    techniques : sequence of str, optional
        Names in the table: accuracy and cross-entropy at each size. None: the accuracy of all
        techniques, a panel per size.

    Returns
    -------
    Figure
        With alt text.
    """
    if not techniques:
        by_size = {f"{size:,} images": found for size, found in compare_by_size(study).items()}
        title = "Test accuracy against the baseline (the study, MNIST)"
        return plots.intervals(by_size, title=title, units=["percentage points"] * len(by_size))
    units = {"accuracy": "percentage points", "cross-entropy": "nats"}
    by_measure = {measure: compare_all(study, techniques, measure) for measure in units}
    what = techniques[0].partition(" (")[0]  # "augmentation (gentle)" is augmentation
    title = f"{what[0].upper()}{what[1:]} against the baseline (the study, MNIST)"
    return plots.intervals(by_measure, title=title, units=list(units.values()))
