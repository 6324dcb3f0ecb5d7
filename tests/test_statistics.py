"""Statistics, compared with SciPy's own t test and with a calculation by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mnist_helpers import statistics
from mnist_helpers.errors import DataError

random = np.random.default_rng(3)
BASELINE = random.normal(95, 0.5, 8)
HIGHER = BASELINE + random.normal(1.5, 0.3, 8)
SAME = BASELINE + random.normal(0.0, 0.6, 8)


@pytest.mark.parametrize("values", [HIGHER, SAME, BASELINE[::-1]])
@pytest.mark.parametrize("runs", [2, 3, 8])
def test_interval_and_mean_are_those_of_scipys_paired_t_test(values, runs):
    found = statistics.paired_difference(values[:runs], BASELINE[:runs])
    interval = stats.ttest_rel(values[:runs], BASELINE[:runs]).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.mean == pytest.approx(np.mean(values[:runs] - BASELINE[:runs]))


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.1, 0.3, "higher"),
        (-0.3, -0.1, "lower"),
        (-0.1, 0.3, "undecided"),
        (0.0, 0.2, "undecided"),
        (-0.2, 0.0, "undecided"),
    ],
)
def test_verdict_needs_an_interval_that_leaves_out_zero(low, high, verdict):
    found = statistics.Difference((low + high) / 2, low, high)
    assert found.verdict == verdict
    assert str(found) == f"{(low + high) / 2:+.2f} [{low:+.2f}, {high:+.2f}], {verdict}"


def test_verdict_agrees_with_the_p_value():
    for seed in range(50):
        values = BASELINE + np.random.default_rng(seed).normal(0.3, 0.4, 8)
        p_value = stats.ttest_rel(values, BASELINE).pvalue
        assert (statistics.paired_difference(values, BASELINE).verdict == "higher") == (p_value < 0.05)


@pytest.mark.parametrize(("change", "verdict"), [(1, "higher"), (-1, "lower"), (0, "undecided")])
def test_constant_differences_have_no_width(change, verdict):
    found = statistics.paired_difference([3 + change, 5 + change, 4 + change], [3, 5, 4])
    assert found == statistics.Difference(change, change, change, pairs=3)
    assert found.verdict == verdict


@pytest.mark.parametrize(("values", "reference"), [([1, 2], [1, 2, 3]), ([1], [2]), ([], [])])
def test_runs_that_cannot_be_paired_are_refused_with_their_numbers(values, reference):
    with pytest.raises(ValueError, match=f"found {len(values)} and {len(reference)} runs"):
        statistics.paired_difference(values, reference)


def test_table_holds_means_and_differences_to_the_reference():
    found = statistics.table({"baseline": BASELINE, "better": HIGHER, "same": SAME}, "baseline")
    assert list(found.index) == ["baseline", "better", "same"]
    assert list(found.columns) == ["mean", "runs", "minus baseline", "low", "high", "verdict"]
    assert found.loc["baseline", "minus baseline"] == ""
    row, expected = found.loc["better"], statistics.paired_difference(HIGHER, BASELINE)
    assert row["mean"] == pytest.approx(HIGHER.mean(), abs=0.005)
    assert (row["runs"], row["verdict"]) == (8, "higher")
    numbers = pd.to_numeric(row[["minus baseline", "low", "high"]]).tolist()
    assert numbers == pytest.approx([expected.mean, expected.low, expected.high], abs=0.005)
    assert found.loc["same", "verdict"] == "undecided"


def test_adjusted_interval_is_scipys_at_bonferronis_level():
    found = statistics.paired_difference(SAME, BASELINE, comparisons=18)
    interval = stats.ttest_rel(SAME, BASELINE).confidence_interval(1 - 0.05 / 18)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    alone = statistics.paired_difference(SAME, BASELINE)
    assert found.low < alone.low < alone.high < found.high


@pytest.mark.parametrize(("pairs", "comparisons"), [(3, 12), (8, 12), (10, 1), (20, 18)])
def test_detectable_difference_is_found_in_80_percent_of_studies(pairs, comparisons):
    noise = np.random.default_rng(5).normal(0, 1, (4_000, pairs))
    scale = statistics.paired_difference(noise[0], np.zeros(pairs), comparisons).detectable
    scale /= stats.sem(noise[0]) * np.sqrt(pairs)
    seen = stats.ttest_1samp(noise + scale, 0, axis=1).pvalue < 0.05 / comparisons
    assert seen.mean() == pytest.approx(0.8, abs=0.02)  # three standard errors


def test_intervals_of_a_mean_are_scipys_and_a_single_value_has_none():
    interval = stats.ttest_1samp(BASELINE, 0).confidence_interval(0.95)
    assert statistics.ci_half_width(BASELINE) == pytest.approx((interval.high - interval.low) / 2)
    assert statistics.ci_half_width(BASELINE[:1]) == 0


def test_score_of_known_predictions():
    probabilities = np.full((4, 10), 0.2 / 9)
    probabilities[:, 3] = 0.8
    found = statistics.score(probabilities, np.array([3, 3, 3, 5]))
    assert found["accuracy"] == 0.75
    assert found["cross_entropy"] == pytest.approx(-(3 * np.log(0.8) + np.log(0.2 / 9)) / 4)
    assert found["calibration_error"] == pytest.approx(0.05)  # sure of 80 %, right in 75 %


def expected_calibration_error(probabilities, labels, bins):
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    error = 0
    for low in np.arange(bins) / bins:
        inside = (confidence >= low) & (confidence < low + 1 / bins)
        error += abs(correct[inside].sum() - confidence[inside].sum()) / len(labels)
    return error


def test_calibration_error_weights_15_bins_by_their_size():
    random = np.random.default_rng(1)
    probabilities = random.dirichlet(np.full(10, 0.3), 500)
    labels = np.array([random.choice(10, p=row) for row in probabilities])
    found = statistics.score(probabilities, labels)["calibration_error"]
    assert found == pytest.approx(expected_calibration_error(probabilities, labels, 15))
    for bins in (1, 5, 10, 20):
        assert found != pytest.approx(expected_calibration_error(probabilities, labels, bins), rel=1e-3)


def test_probability_zero_is_bounded_and_nan_stays_nan():
    sure = np.eye(10)[[1, 2]]
    assert statistics.score(sure, np.array([1, 3]))["cross_entropy"] == pytest.approx(-np.log(1e-7) / 2)
    found = statistics.score(np.full((2, 10), np.nan), np.array([0, 1]))
    assert np.isnan([*found.values()]).all(), "broken weights have an accuracy, which must not count"
    assert list(found) == ["accuracy", "cross_entropy", "calibration_error"]


def test_pairs_with_a_run_that_diverged_are_left_out_and_counted():
    values = [1.0, np.nan, 2.0, 4.0, np.inf]
    reference = [0.0, 5.0, 1.5, 2.0, 1.0]
    found = statistics.paired_difference(values, reference)
    without = statistics.paired_difference([1.0, 2.0, 4.0], [0.0, 1.5, 2.0])
    assert found == replace(without, diverged=2)
    assert found.interval == without.interval.replace("]", "; 2 diverged, left out]")
    assert str(found) == f"{found.interval}, {without.verdict}"
    for lost, values in ((1, [1.0, np.nan]), (2, [np.inf, np.nan])):
        with pytest.raises(
            DataError, match=rf"{lost} of 2 .* diverged, which leaves {2 - lost}: two are need"
        ):
            statistics.paired_difference(values, [1.0, 2.0])
        with pytest.raises(DataError, match=rf"{lost} of 2 .* diverged"):
            statistics.table({"broken": values, "sound": [1.0, 2.0]}, "broken")


def test_table_says_how_many_runs_diverged_and_leaves_them_out():
    values = {"baseline": [1.0, 2.0, 4.0], "strong": [2.0, np.nan, 6.0]}
    found = statistics.table(values, "baseline")
    assert found.loc["strong", ["mean", "runs", "minus baseline", "left out"]].to_list() == [
        4,
        2,
        1.5,
        "1 diverged",
    ]
    assert found.loc["baseline", ["mean", "runs", "left out"]].to_list() == [2.33, 3, ""]
    assert "left out" not in statistics.table({"baseline": values["baseline"]}, "baseline")
