"""Tables of the study for readers, of a made-up study whose answers are known."""

import numpy as np
import pandas as pd
import pytest
import synthetic

from mnist_helpers import statistics
from mnist_helpers.study import analysis, findings, plan, tables


@pytest.fixture(scope="module")
def evaluated(courses):
    return findings.evaluate(courses)


def test_conclusions_of_the_article_are_set_beside_comparisons_that_exist(courses, evaluated):
    table = tables.tabulate_article(courses)
    for each in findings.read_article():
        found = evaluated.loc[each["comparison"]]
        row = table.loc[each["says"]]
        assert row["difference"] == found["difference"].interval
        assert row["in our runs"] == findings.name_verdict(found["found"], 40_000)


def test_table_of_the_ends_has_both_intervals(study, courses, evaluated):
    table = tables.tabulate_ends(study, courses)
    assert len(table) == 12
    row = table.loc[("dropout", "1,000")]
    found = evaluated.loc["dropout-1000-ends", "difference"]
    assert row["difference"] == found.interval
    images = analysis.find_image_differences(study, "dropout", 1_000)
    wider = analysis.add_test_images(images, 12)
    assert row["other test images too"] == f"[{wider.low:+.2f}, {wider.high:+.2f}]"
    assert row["detectable"] == f"{found.detectable:.2f}"
    assert row["found"] == "higher"
    assert row["alone"] == f"±{statistics.ci_half_width(images.mean(axis=1)):.3f}"


def test_table_of_a_technique_has_each_of_its_comparisons(courses, evaluated):
    table = tables.tabulate_technique(courses, "L2").reset_index()
    assert len(table) == 3 + 3 + 3 + 3 + 6
    row = table[(table["training"] == "redrawn labels, λ = 0.01") & (table["images"] == "5,000")]
    expected = evaluated.loc["L2-0.01-5000-noise"]
    assert row["difference"].item() == expected["difference"].interval
    assert row["expected"].item() == "higher"
    within = table[(table["training"] == "annealed") & (table["measure"] == "accuracy (%)")]
    assert within["found"].to_list()[:2] == ["within ±0.5", "within ±0.2"]
    baseline = 100 * analysis.select(courses, "noise", "baseline", 5_000, 20, "test_accuracy").mean()
    assert row["baseline"].item() == f"{baseline:.2f}"


def test_spread_between_seeds_is_told_apart_by_regime():
    wide = synthetic.make_study(spread=0.004)
    narrow = synthetic.make_study(spread=0.001)
    mixed = pd.concat([wide[wide["part"] != "ends"], narrow[narrow["part"] == "ends"]])
    table = tables.tabulate_spread(analysis.read_courses(mixed))
    assert list(table.index) == ["1,000 images", "5,000 images", "40,000 images"]
    assert table["ratio, all techniques"].between(0.15, 0.35).all()
    assert (table["annealed rate"] < table["constant rate"]).all()
    mean = analysis.select(
        analysis.read_courses(mixed), "ends", "baseline", 1_000, 100, "test_accuracy"
    ).mean()
    expected = 100 * np.sqrt((1 - mean) / 20_000)
    assert table.loc["1,000 images", "√(error / 2n)"] == pytest.approx(expected, abs=1e-3)


def test_crossings_have_each_technique_at_each_size(courses):
    table = tables.tabulate_crossings(courses)
    assert len(table) == 15
    found = analysis.compare_courses(courses, 5_000).query("technique == 'dropout'")
    row = table.loc[("dropout", "5,000")]
    assert int(row["costs accuracy until epoch"]) == found[found["high"] < 0]["epoch"].max()
    before, after = map(int, row["mean rises above 0"].split(" to "))
    rise = found.set_index("epoch")["mean"]
    assert rise[before] <= 0 < rise[after]
    assert int(row["pays from epoch"]) == findings.find_start(found)
    assert row["at the end"].startswith(f"{found['mean'].iloc[-1]:+.2f} [")
    assert table.loc[("augmentation (article)", "1,000"), "pays from epoch"] == findings.NOT_SHOWN


def test_only_a_first_run_of_costly_checkpoints_counts(courses, monkeypatch):
    """An interval that dips below 0 later is no cost of the first epochs."""
    table = pd.DataFrame({"technique": "dropout", "epoch": [1, 4, 9], "mean": [-1.0, 0.0, -1.0]})
    table = table.assign(low=-2.0, high=[-0.5, 1.0, -0.5], diverged=0)
    monkeypatch.setattr(analysis, "compare_courses", lambda *_: table)
    row = tables.tabulate_crossings(courses).loc[("dropout", "1,000")]
    assert row["costs accuracy until epoch"] == "1"
    table["high"] = [0.5, -1.0, 1.0]  # it begins without a cost
    row = tables.tabulate_crossings(courses).loc[("dropout", "1,000")]
    assert row["costs accuracy until epoch"] == findings.NOT_SHOWN


def test_early_stopping_is_tabulated_with_intervals(courses):
    table = tables.tabulate_stopping(courses)
    assert len(table) == 3 * 2 * 3
    assert len(tables.tabulate_stopping(courses, "noise")) == 2 * 2 * 3
    found = analysis.tabulate_early_stopping(courses, patiences=[5]).iloc[0]
    row = table.loc[("1,000", "cross-entropy", 5)]
    assert row["accuracy (points)"] == found["accuracy"].interval
    assert row["cross-entropy (nats)"] == found["cross-entropy"].interval
    assert row["stopped"] == f"{found['stopped']} of {plan.PARTS['courses'].sizes[1_000][1]}"
    assert found["accuracy"].pairs == plan.PARTS["courses"].sizes[1_000][1]
