"""Paired comparisons, against SciPy's own t test."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mnist_helpers import evidence
from mnist_helpers.errors import DataError

random = np.random.default_rng(3)
BASELINE = random.normal(95, 0.5, 8)
HIGHER = BASELINE + random.normal(1.5, 0.3, 8)
SAME = BASELINE + random.normal(0.0, 0.6, 8)


@pytest.mark.parametrize("values", [HIGHER, SAME, BASELINE[::-1]])
@pytest.mark.parametrize("runs", [2, 3, 8])
def test_interval_and_mean_are_those_of_scipys_paired_t_test(values, runs):
    found = evidence.paired_difference(values[:runs], BASELINE[:runs])
    interval = stats.ttest_rel(values[:runs], BASELINE[:runs]).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.mean == pytest.approx(np.mean(values[:runs] - BASELINE[:runs]))


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.1, 0.3, "higher"),
        (-0.3, -0.1, "lower"),
        (-0.1, 0.3, "no detectable difference"),
        (0.0, 0.2, "no detectable difference"),
        (-0.2, 0.0, "no detectable difference"),
    ],
)
def test_verdict_needs_an_interval_that_leaves_out_zero(low, high, verdict):
    found = evidence.Difference((low + high) / 2, low, high)
    assert found.verdict == verdict
    assert str(found) == f"{(low + high) / 2:+.2f} [{low:+.2f}, {high:+.2f}], {verdict}"


def test_verdict_agrees_with_the_p_value():
    for seed in range(50):
        values = BASELINE + np.random.default_rng(seed).normal(0.3, 0.4, 8)
        p_value = stats.ttest_rel(values, BASELINE).pvalue
        assert (evidence.paired_difference(values, BASELINE).verdict == "higher") == (p_value < 0.05)


@pytest.mark.parametrize(
    ("change", "verdict"), [(1, "higher"), (-1, "lower"), (0, "no detectable difference")]
)
def test_constant_differences_have_no_width(change, verdict):
    found = evidence.paired_difference([3 + change, 5 + change, 4 + change], [3, 5, 4])
    assert found == evidence.Difference(change, change, change, pairs=3)
    assert found.verdict == verdict


@pytest.mark.parametrize(("values", "reference"), [([1, 2], [1, 2, 3]), ([1], [2]), ([], [])])
def test_runs_that_cannot_be_paired_are_refused_with_their_numbers(values, reference):
    with pytest.raises(ValueError, match=f"found {len(values)} and {len(reference)} runs"):
        evidence.paired_difference(values, reference)


def test_table_holds_means_and_differences_to_the_reference():
    found = evidence.table({"baseline": BASELINE, "better": HIGHER, "same": SAME}, "baseline")
    assert list(found.index) == ["baseline", "better", "same"]
    assert list(found.columns) == ["mean", "runs", "minus baseline", "low", "high", "verdict"]
    assert found.loc["baseline", "minus baseline"] == ""
    row, expected = found.loc["better"], evidence.paired_difference(HIGHER, BASELINE)
    assert row["mean"] == pytest.approx(HIGHER.mean(), abs=0.005)
    assert (row["runs"], row["verdict"]) == (8, "higher")
    numbers = pd.to_numeric(row[["minus baseline", "low", "high"]]).tolist()
    assert numbers == pytest.approx([expected.mean, expected.low, expected.high], abs=0.005)
    assert found.loc["same", "verdict"] == "no detectable difference"


# Several comparisons at once, and what could have been seen.


def test_intervals_of_several_comparisons_are_scipys_at_bonferronis_level():
    found = evidence.paired_difference(SAME, BASELINE, comparisons=18)
    interval = stats.ttest_rel(SAME, BASELINE).confidence_interval(1 - 0.05 / 18)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    alone = evidence.paired_difference(SAME, BASELINE)
    assert found.low < alone.low < alone.high < found.high


@pytest.mark.parametrize(("pairs", "comparisons"), [(10, 1), (10, 18), (20, 18)])
def test_difference_that_could_have_been_seen_is_seen_in_four_of_five_studies(pairs, comparisons):
    noise = np.random.default_rng(5).normal(0, 1, (4_000, pairs))
    scale = evidence.paired_difference(noise[0], np.zeros(pairs), comparisons).detectable
    scale /= stats.sem(noise[0]) * np.sqrt(pairs)
    seen = stats.ttest_1samp(noise + scale, 0, axis=1).pvalue < 0.05 / comparisons
    assert seen.mean() == pytest.approx(0.8, abs=0.03)


def test_intervals_of_a_mean_are_scipys_and_a_single_value_has_none():
    interval = stats.ttest_1samp(BASELINE, 0).confidence_interval(0.95)
    assert evidence.half_interval(BASELINE) == pytest.approx((interval.high - interval.low) / 2)
    assert evidence.half_interval(BASELINE[:1]) == 0


# Judging predictions.


def test_score_of_known_predictions():
    probabilities = np.full((4, 10), 0.2 / 9)
    probabilities[:, 3] = 0.8
    found = evidence.score(probabilities, np.array([3, 3, 3, 5]))
    assert found["accuracy"] == 0.75
    assert found["cross_entropy"] == pytest.approx(-(3 * np.log(0.8) + np.log(0.2 / 9)) / 4)
    assert found["calibration_error"] == pytest.approx(0.05)  # sure of 80 %, right in 75 %


def test_calibration_error_is_that_of_the_bins_weighted_by_their_size():
    random = np.random.default_rng(1)
    probabilities = random.dirichlet(np.full(10, 0.3), 500)
    labels = random.integers(0, 10, 500)
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    expected = 0
    for low in np.arange(15) / 15:
        inside = (sure >= low) & (sure < low + 1 / 15)
        expected += abs(right[inside].sum() - sure[inside].sum()) / 500
    assert evidence.score(probabilities, labels)["calibration_error"] == pytest.approx(expected)


def test_impossible_answer_costs_much_and_nan_stays_nan():
    sure = np.eye(10)[[1, 2]]
    assert evidence.score(sure, np.array([1, 3]))["cross_entropy"] == pytest.approx(-np.log(1e-7) / 2)
    found = evidence.score(np.full((2, 10), np.nan), np.array([0, 1]))
    assert np.isnan(found["cross_entropy"])
    assert np.isnan(found["calibration_error"])


# The study.


def make_study(**accuracies):
    """Return a study of one size: technique, then its test accuracies by seed, in percent."""
    rows = [
        {"technique": name.replace("_", " "), "train_size": 1000, "seed": seed, "test_accuracy": value / 100}
        for name, values in accuracies.items()
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows).assign(test_cross_entropy=0.1, test_calibration_error=0.01)


STUDY = make_study(baseline=BASELINE, dropout=HIGHER, L2=SAME)


def test_study_is_compared_seed_by_seed_whatever_the_order_of_its_rows(monkeypatch):
    monkeypatch.setattr(evidence, "read_ledger", list)
    found = evidence.compare(STUDY.sample(frac=1, random_state=1), "dropout", 1000)
    assert found == evidence.paired_difference(HIGHER, BASELINE, comparisons=2)
    others = [
        {"technique": "dropout", "size": 1000, "says": "higher"},  # with the baseline: counted already
        {"technique": "dropout", "size": 1000, "says": "higher", "reference": "L2"},
        {"technique": "L2", "size": 1000, "says": "lower", "reference": "dropout"},  # the same, turned round
        {"technique": "L2", "size": 1000, "says": "lower", "reference": "dropout", "measure": "epochs"},
    ]
    monkeypatch.setattr(evidence, "read_ledger", lambda: others)
    assert evidence.count_comparisons(STUDY, "accuracy") == 3
    assert evidence.count_comparisons(STUDY, "cross-entropy") == 2


def test_pair_with_a_run_that_diverged_is_left_out_and_counted():
    study = STUDY.copy()
    diverged = (study["technique"] == "dropout") & (study["seed"] == 2)
    study.loc[diverged, ["test_accuracy", "test_cross_entropy"]] = (0.098, np.nan)  # what such a network gets
    assert evidence.compare(study, "dropout", 1000).pairs == 7


def test_technique_that_was_not_studied_is_named():
    with pytest.raises(DataError, match="no runs of 'dropout' with 5,000 training images"):
        evidence.compare(STUDY, "dropout", 5000)
