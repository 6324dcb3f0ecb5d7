"""What the study found, on a made-up study whose answers are known."""

import numpy as np
import pandas as pd
import pytest
import synthetic
from scipy import stats

from mnist_helpers import statistics
from mnist_helpers.study import analysis, findings, plan


@pytest.fixture(scope="module")
def evaluated(courses):
    return findings.evaluate(courses)


def test_every_planned_comparison_is_evaluated_under_a_name_of_its_own(evaluated):
    assert len(evaluated) == len(plan.read_comparisons()) == 58
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
    ("change", "verdict", "sentence"),
    [
        ({}, "higher", "After 100 epochs on 1,000 images with an annealed rate, dropout raises accuracy."),
        (
            {"family": "courses", "epoch": 5, "measure": "cross-entropy"},
            "lower",
            "After 5 epochs on 1,000 images with a constant rate, dropout lowers cross-entropy.",
        ),
        (
            {"size": 5_000, "reference": "L2"},
            "equivalent",
            "After 40 epochs on 5,000 images with an annealed rate, dropout changes accuracy by less than 0.2"
            " points compared with L2.",
        ),
        (
            {"family": "noise"},
            "undecided",
            "After 30 epochs on 1,000 images with 30 % of their labels redrawn, it is undecided whether"
            " dropout changes accuracy.",
        ),
    ],
)
def test_sentence_states_comparison_and_verdict(change, verdict, sentence):
    comparison = {
        "family": "ends",
        "technique": "dropout",
        "size": 1_000,
        "measure": "accuracy",
        "epoch": None,
    }
    assert findings.phrase(comparison | change, verdict) == sentence


def test_later_comparison_has_a_reference_and_the_plans_interval(courses, tmp_path):
    file = tmp_path / "later.toml"
    entry = '[[comparison]]\nfamily = "ends"\ntechnique = "combined"\nreference = "dropout"\nsize = 1000\n'
    file.write_text(entry, encoding="utf-8")
    later = findings.read_later(file)
    found = findings.evaluate(courses, later).loc["combined-dropout-1000-ends"]
    assert found["expected"] is None
    pair = [
        100 * analysis.select(courses, "ends", name, 1_000, 100, "test_accuracy")
        for name in ("combined", "dropout")
    ]
    assert found["difference"] == statistics.paired_difference(*pair, plan.family_size("ends", "accuracy"))


def test_nothing_was_added_later_under_a_planned_name(evaluated):
    later = findings.read_later()
    names = [findings.name_comparison(each) for each in later]
    assert len(set(names)) == len(names)
    assert evaluated.index.intersection(names).empty


def test_table_of_a_technique_has_each_of_its_comparisons(courses, evaluated):
    table = findings.tabulate(courses, "L2").reset_index()
    assert len(table) == 3 + 3 + 3 + 3 + 6
    row = table[(table["training"] == "30 % of labels redrawn, λ = 0.01") & (table["images"] == "5,000")]
    expected = evaluated.loc["L2-0.01-5000-noise"]
    assert row["difference"].item() == expected["difference"].interval
    assert row["expected"].item() == "higher"
    within = table[(table["training"] == "an annealed rate") & (table["measure"] == "accuracy (%)")]
    assert within["found"].to_list()[:2] == ["within ±0.5", "within ±0.2"]
    baseline = 100 * analysis.select(courses, "noise", "baseline", 5_000, 20, "test_accuracy").mean()
    assert row["baseline"].item() == f"{baseline:.2f}"


def test_spread_between_seeds_is_told_apart_by_regime():
    wide = synthetic.make_study(spread=0.004)
    narrow = synthetic.make_study(spread=0.001)
    mixed = pd.concat([wide[wide["part"] != "ends"], narrow[narrow["part"] == "ends"]])
    table = findings.tabulate_spread(analysis.read_courses(mixed))
    assert list(table.index) == ["1,000 images", "5,000 images", "40,000 images"]
    assert table["ratio, all techniques"].between(0.15, 0.35).all()
    assert (table["annealed rate"] < table["constant rate"]).all()


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
