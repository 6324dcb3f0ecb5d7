"""The two earlier studies: their tables are kept, and their verdicts are compared as they were made."""

import pytest
from scipy import stats

from mnist_helpers.study import history, store


@pytest.fixture(scope="module")
def compared():
    return history.compare_studies()


def test_studies_disagree_in_some_verdicts_though_most_recipes_are_the_same(compared):
    flipped = compared[compared["flipped"]]
    assert 0 < len(flipped) < len(compared)
    assert 0 < flipped["same_recipes"].sum() < len(flipped)
    for row in flipped.itertuples():
        assert row.first.verdict != row.second.verdict
    # The dropout rate was changed between the two.
    assert not compared.loc[compared["technique"] == "dropout", "same_recipes"].any()
    assert compared.loc[compared["technique"] == "L2", "same_recipes"].all()


@pytest.mark.parametrize(("column", "table"), [("first", "first.csv"), ("second", "second.csv")])
def test_interval_is_scipys_at_the_level_of_the_family(compared, column, table):
    row = compared[(compared["technique"] == "combined") & (compared["size"] == 50_000)].iloc[0]
    study = store.read_table(history.EARLIER / table)
    runs = study[study["train_size"] == 50_000].pivot(
        index="seed", columns="technique", values="test_accuracy"
    )
    test = stats.ttest_rel(100 * runs["combined"], 100 * runs["baseline"])
    interval = test.confidence_interval(1 - 0.05 / 22)
    assert (row[column].low, row[column].high) == pytest.approx((interval.low, interval.high))
