"""What the study found, on a made-up study whose answers are known."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mnist_helpers import statistics
from mnist_helpers.study import analysis, findings, plan


@pytest.fixture(scope="module")
def evaluated(courses):
    return findings.evaluate(courses)


def test_every_planned_comparison_is_evaluated_under_a_name_of_its_own(evaluated):
    planned = evaluated[evaluated["status"] != "added later"]
    assert len(planned) == len(plan.read_comparisons()) == 58
    assert len(evaluated) == 58 + len(findings.read_later())
    assert evaluated.index.is_unique
    assert set(evaluated["found"]) <= {"higher", "lower", "equivalent", "undecided"}


def test_verdicts_are_those_of_the_effects_that_were_built_in(evaluated):
    for technique in ("dropout", "augmentation", "combined"):
        for size in plan.MARGINS:
            assert evaluated.loc[f"{technique}-{size}-ends", "found"] == "higher"
    assert evaluated.loc["L2-1000-ends", "found"] == "equivalent"
    assert evaluated.loc["L2-0.01-5000-noise", "expected"] == "higher"
    # There is no margin for cross-entropy, so nothing is equivalent there.
    assert "equivalent" not in set(evaluated.loc[evaluated["measure"] == "cross-entropy", "found"])


@pytest.mark.parametrize(
    ("change", "interval", "sentence"),
    [
        (
            {},
            (0.621, 0.449, 0.793),
            "After 100 epochs on 1,000 images with an annealed learning rate, dropout raises accuracy by 0.62"
            " points (0.45 to 0.79).",
        ),
        (
            {"family": "courses", "epoch": 5, "measure": "cross-entropy"},
            (-0.05, -0.0704, -0.03),
            "After 5 epochs on 1,000 images with a constant learning rate, dropout lowers cross-entropy by"
            " 0.050 nats (0.030 to 0.070).",
        ),
        (
            {"size": 5_000, "reference": "L2"},
            (0.05, -0.1, 0.19),
            "After 40 epochs on 5,000 images with an annealed learning rate, dropout changes accuracy by less"
            " than 0.2 points compared with L2 (-0.10 to +0.19 points).",
        ),
        (
            {"family": "noise"},
            (0.3, -0.2, 0.8),
            "After 30 epochs on 1,000 images with 30 % of their labels redrawn, it is undecided whether"
            " dropout changes accuracy (-0.20 to +0.80 points).",
        ),
        (
            {"technique": "L2, λ = 0.01", "family": "noise"},
            (2.5, 2.04, 2.961),
            "After 30 epochs on 1,000 images with 30 % of their labels redrawn, L2 with λ = 0.01 raises"
            " accuracy by 2.50 points (2.04 to 2.96).",
        ),
        (
            {"measure": "calibration error"},
            (0.1, -0.2, 0.4),  # no margin is planned for it
            "After 100 epochs on 1,000 images with an annealed learning rate, it is undecided whether dropout"
            " changes calibration error (-0.20 to +0.40 points).",
        ),
    ],
)
def test_sentence_states_comparison_verdict_and_numbers(change, interval, sentence):
    comparison = {
        "family": "ends",
        "technique": "dropout",
        "size": 1_000,
        "measure": "accuracy",
        "epoch": None,
    }
    assert findings.phrase(comparison | change, statistics.Difference(*interval, 12)) == sentence


def test_later_comparison_has_a_reference_and_the_plans_interval(courses, tmp_path):
    file = tmp_path / "later.toml"
    entry = '[[comparison]]\nfamily = "ends"\ntechnique = "combined"\nreference = "dropout"\nsize = 1000\n'
    file.write_text(entry, encoding="utf-8")
    later = findings.read_later(file)
    found = findings.evaluate(courses, later).loc["combined-dropout-1000-ends"]
    assert found["expected"] == ""
    pair = [
        100 * analysis.select(courses, "ends", name, 1_000, 100, "test_accuracy")
        for name in ("combined", "dropout")
    ]
    assert found["difference"] == statistics.paired_difference(*pair, plan.family_size("ends", "accuracy"))


def test_status_says_whether_the_expectation_was_met(evaluated):
    for row in evaluated.itertuples():
        if not row.expected:
            assert row.status == "added later"
        elif row.found == "undecided":
            assert row.status == "undecided"
        else:
            assert row.status == ("as expected" if row.expected == row.found else "not as expected")
    assert set(evaluated["status"]) == {"as expected", "not as expected", "undecided", "added later"}


def test_prediction_of_one_run_is_wider_than_the_interval_of_the_mean(courses):
    found = findings.predict_one_run(courses)
    runs = 100 * analysis.select(courses, "article", "article", 60_000, 5, "test_accuracy")
    assert found.mean == pytest.approx(runs.mean())
    half = stats.t.ppf(0.975, 9) * np.hypot(runs.std(ddof=1), stats.sem(runs))
    assert (found.low, found.high) == pytest.approx((runs.mean() - half, runs.mean() + half))


def test_gap_is_that_of_the_baseline_and_the_gain_that_of_the_best_technique(courses):
    table = findings.measure_gaps(courses)
    cells = table[["part", "images"]].drop_duplicates()
    assert len(cells) == 5
    last = table[(table["part"] == "courses") & (table["images"] == 1_000)].iloc[-1]
    assert (last["technique"], last["epoch"]) == ("combined", 100)
    cell = ("courses", "baseline", 1_000, 100)
    test, train = (
        analysis.select(courses, *cell, f"{images}_cross_entropy").mean() for images in ("test", "train")
    )
    assert last["gap"] == pytest.approx(test - train)
    gain = analysis.select(courses, "courses", "combined", 1_000, 100, "test_accuracy")
    gain -= analysis.select(courses, "courses", "baseline", 1_000, 100, "test_accuracy")
    assert last["mean"] == pytest.approx(100 * gain.mean())
    # The article's ranges are in no planned comparison.
    assert "augmentation (article)" not in set(table["technique"])


def test_seeds_cut_to_three_support_no_comparison_better(study, evaluated):
    few = study[study.groupby(["part", "technique", "train_size"]).cumcount() < 3]
    cut = findings.evaluate(analysis.read_courses(few))
    assert (cut["found"] == "undecided").sum() > (evaluated["found"] == "undecided").sum()
    better = (cut["found"] != "undecided") & (cut["found"] != evaluated["found"])
    assert not better.any(), cut.loc[better, ["expected", "found"]]
    confirmed = {name for name in cut.index if cut.loc[name, "status"] == "as expected"}
    assert confirmed <= set(evaluated.index[evaluated["status"] == "as expected"])


@pytest.mark.parametrize(
    ("low", "start"),
    [([-1, 1, 1], 4), ([1, 1, 1], 1), ([1, 1, -1], None), ([1, 0, 1], 9), ([-1, 0, 0], None)],
)
def test_a_technique_pays_from_where_its_intervals_stay_above_0(low, start):
    assert findings.find_start(pd.DataFrame({"epoch": [1, 4, 9], "low": low})) == start


@pytest.mark.parametrize(
    ("means", "rise"),
    [
        ([-1, 1, 2], "1 to 4"),
        ([1, -1, 2], "4 to 9"),
        ([1, 2, 3], "from the start"),
        ([1, 2, -1], "not shown"),
    ],
)
def test_mean_rises_above_0_between_two_checkpoints(means, rise):
    assert findings.find_rise(pd.DataFrame({"epoch": [1, 4, 9], "mean": means})) == rise
