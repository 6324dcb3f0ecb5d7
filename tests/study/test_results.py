"""Results of the study: selected and compared seed by seed."""

import numpy as np
import pandas as pd
import pytest

from mnist_helpers import statistics
from mnist_helpers.errors import DataError
from mnist_helpers.study import claims, results

random = np.random.default_rng(3)
BASELINE = random.normal(95, 0.5, 8)
HIGHER = BASELINE + random.normal(1.5, 0.3, 8)
SAME = BASELINE + random.normal(0.0, 0.6, 8)


def make_study(**accuracies):
    """Return a study of one size: technique, then its test accuracies by seed, in percent."""
    rows = [
        {"technique": name.replace("_", " "), "train_size": 1000, "seed": seed, "test_accuracy": value / 100}
        for name, values in accuracies.items()
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows).assign(test_cross_entropy=0.1, test_calibration_error=0.01)


STUDY = make_study(baseline=BASELINE, dropout=HIGHER, L2=SAME)


def test_study_is_compared_by_seed_whatever_the_order_of_its_rows():
    shuffled = STUDY.sample(frac=1, random_state=1)
    family = results.family_size("accuracy")
    for technique, values in (("dropout", HIGHER), ("L2", SAME)):
        found = results.compare(shuffled, technique, 1000)
        assert found == statistics.paired_difference(values, BASELINE, family)
    against = results.compare(shuffled, "dropout", 1000, reference="L2")
    assert against == statistics.paired_difference(HIGHER, SAME, family)


def test_each_measure_has_its_column_and_unit():
    study = STUDY.assign(
        test_cross_entropy=0.25,
        test_calibration_error=0.03,
        epochs_trained=7,
        stopped_on_test=0.5,
        stopped_on_validation=0.4,
    )
    expected = {"cross-entropy": 0.25, "calibration error": 3, "epochs": 7}
    expected |= {"accuracy, stopped on the test set": 50, "accuracy, stopped on validation images": 40}
    for measure, value in expected.items():
        assert results.select(study, "L2", 1000, measure).to_list() == [pytest.approx(value)] * 8
    assert results.MEASURES.keys() - expected.keys() == {"accuracy"}


def test_table_of_a_technique_has_a_row_per_measure_and_size():
    table = results.tabulate_study(results.read_study(), "dropout")
    sizes = ["1,000", "5,000", "50,000"]
    measures = ["accuracy (%)", "cross-entropy (nats)", "calibration error (%)"]
    assert list(table.index) == [(measure, size) for measure in measures for size in sizes]
    found = results.compare(results.read_study(), "dropout", 1000)
    row = table.loc[("accuracy (%)", "1,000")]
    assert row["difference"] == found.interval
    assert row["verdict"] == found.verdict == "higher"
    assert row["detectable"] == f"{found.detectable:.2g}"
    assert (row["epochs"], row["seeds"]) == ("30", 20)


def test_pair_with_a_run_that_diverged_is_left_out_and_counted():
    study = STUDY.copy()
    diverged = (study["technique"] == "dropout") & (study["seed"] == 2)
    study.loc[diverged, ["test_accuracy", "test_cross_entropy"]] = (0.098, np.nan)  # what such a network gets
    assert results.compare(study, "dropout", 1000).pairs == 7


def test_technique_that_was_not_studied_is_named():
    with pytest.raises(DataError, match="no runs of 'dropout' with 5,000 training images"):
        results.compare(STUDY, "dropout", 5000)


def test_figure_states_its_title_and_numbers():
    figure = results.figure(STUDY.loc[STUDY["technique"] != "L2"])
    assert figure.get_suptitle() == "Test accuracy against the baseline (the study, MNIST)"
    assert figure.alt.startswith(f"{figure.get_suptitle()}: ")
    found = results.compare(STUDY, "dropout", 1000)
    assert f"1,000 images: dropout {found}" in figure.alt


def test_figure_of_a_technique_shows_two_measures_at_each_size():
    figure = results.figure(results.read_study(), ["dropout"])
    assert [axis.get_title() for axis in figure.axes] == ["accuracy", "cross-entropy"]
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == [f"dropout, {size} images" for size in ("1,000", "5,000", "50,000")]


def test_figure_replaces_a_far_technique_at_each_size_by_an_arrow():
    study = results.read_study()
    figure = results.figure(study)
    far = list(results.compare_by_size(study)[1000]).index("augmentation (article)")
    assert [[text.get_position()[1] for text in axis.texts] for axis in figure.axes] == [[far]] * 3


def test_family_holds_the_grid_and_the_pairs_of_the_measure():
    assert results.family_size("accuracy") == 6 * 3 + 4
    assert results.family_size("cross-entropy") == 6 * 3
    assert results.family_size("accuracy, stopped on the test set") == 1


def test_every_comparison_of_the_ledger_is_in_the_family():
    study = results.read_study()
    techniques = set(study["technique"]) - {"baseline", "article"}
    sizes = set(study["train_size"]) - {60_000}
    for claim in claims.read_ledger():
        measure = claim.get("measure", "accuracy")
        pair = {claim["technique"], claim.get("reference", "baseline")}
        if "value" in claim or "stopped" in measure:
            continue
        pairs = [({first, second}, size) for first, second, size in results.PAIRS.get(measure, ())]
        grid = [({name, "baseline"}, size) for name in techniques for size in sizes]
        assert (pair, claim["size"]) in pairs + grid, claim["id"]
    assert len(techniques) * len(sizes) == results.family_size("cross-entropy")
    assert set(results.PAIRS) <= set(results.MEASURES)
