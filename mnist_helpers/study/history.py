"""Two earlier studies, which stopped training where hardly anything overfits: what each of them said."""

from pathlib import Path

import pandas as pd

from mnist_helpers import statistics
from mnist_helpers.errors import DataError
from mnist_helpers.study import store

EARLIER = store.RESULTS / "earlier"
# Column of each measure, and the factor to its unit.
_COLUMNS = {
    "accuracy": ("test_accuracy", 100),
    "cross-entropy": ("test_cross_entropy", 1),
    "calibration error": ("test_calibration_error", 100),
    "epochs": ("epochs_trained", 1),
    "accuracy, stopped on the test set": ("stopped_on_test", 100),
    "accuracy, stopped on validation images": ("stopped_on_validation", 100),
}
_QUOTED = "76bed10f7266bf21ad91d4b554e2eea875e581852dfa42fd061126e83c0630ba"  # SHA-256 of comparisons.csv
_N_TECHNIQUES = 6
_SIZES = (1_000, 5_000, 50_000)
_N_PAIRS = 4  # planned comparisons of two techniques, in accuracy
_RECIPE = ["l2", "dropout_rate", "augmentation", "patience", "epochs", "batch_size", "learning_rate"]


def compare_studies() -> pd.DataFrame:
    """Compare the verdicts of the two earlier studies on the comparisons that the lessons then quoted.

    Returns
    -------
    DataFrame
        A row per comparison: ``technique``, ``reference``, ``size``, ``measure``, ``first`` and ``second``
        (the `Difference` that each study found), ``same_recipes`` (whether both trained alike), ``flipped``
        (whether the verdicts differ) and ``repeated`` (whether a row above asks the same question).

    Raises
    ------
    DataError
        As `store.read_table` does, and if the table of the comparisons is not the one that was written.
    """
    studies = [store.read_table(EARLIER / f"{name}.csv") for name in ("first", "second")]
    rows = []
    for each in _read_comparisons(EARLIER / "comparisons.csv"):
        first, second = (_compare(study, each) for study in studies)
        recipes = [_find_recipes(study, each) for study in studies]
        row = {"first": first, "second": second, "same_recipes": recipes[0] == recipes[1]}
        rows.append(each | row | {"flipped": first.verdict != second.verdict})
    compared = pd.DataFrame(rows)
    # A against B asks the same as B against A.
    asked = [
        (row.size, frozenset([(row.technique, row.measure), (row.reference, row.reference_measure)]))
        for row in compared.itertuples(index=False)
    ]
    return compared.assign(repeated=pd.Series(asked).duplicated())


def _read_comparisons(path: Path) -> list[dict]:
    """Return what the lessons quoted, a row per claim."""
    advice = f"git checkout {path.parent.name}/{path.name}"
    try:
        found = store.hash_table(path)
    except DataError as error:
        raise DataError(f"{error}, or {advice}") from error
    if found != _QUOTED:
        raise DataError(f"{path.name} is not the table of comparisons, but another file: {advice}")
    table = pd.read_csv(path)
    return table[["technique", "reference", "size", "measure", "reference_measure"]].to_dict("records")


def _compare(study: pd.DataFrame, comparison: dict) -> statistics.Difference:
    """Compare two techniques over paired seeds, adjusted as the earlier studies were."""
    runs = []
    for technique, measure in (
        (comparison["technique"], comparison["measure"]),
        (comparison["reference"], comparison["reference_measure"]),
    ):
        column, factor = _COLUMNS[measure]
        rows = _select(study, technique, comparison["size"])
        runs.append(factor * rows[column].mask(statistics.find_diverged(rows["train_cross_entropy"])))
    pairs = pd.concat(runs, axis=1, join="inner")
    measure = comparison["measure"]
    family = _N_TECHNIQUES * len(_SIZES) + _N_PAIRS * (measure == "accuracy")
    if "stopped" in measure:
        family = 1
    return statistics.paired_difference(pairs.iloc[:, 0], pairs.iloc[:, 1], family)


def _select(study: pd.DataFrame, technique: str, size: int) -> pd.DataFrame:
    rows = study[(study["technique"] == technique) & (study["train_size"] == size)]
    return rows.set_index("seed").sort_index()


def _find_recipes(study: pd.DataFrame, comparison: dict) -> list:
    """Return what the two techniques of a comparison trained with."""
    names = (comparison["technique"], comparison["reference"])
    return [
        _select(study, name, comparison["size"])[_RECIPE].drop_duplicates().astype(str).to_numpy().tolist()
        for name in names
    ]
