"""Paired comparisons, against SciPy's own t test."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mnist_helpers import evidence

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
    assert found == evidence.Difference(change, change, change)
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
