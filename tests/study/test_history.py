"""The two earlier studies: their tables are kept, and their verdicts are compared as they were made."""

import pytest
from scipy import stats

from mnist_helpers.errors import DataError
from mnist_helpers.study import history, store


@pytest.fixture(scope="module")
def compared():
    return history.compare_studies()


def test_studies_disagree_in_some_verdicts_though_most_recipes_are_the_same(compared):
    flipped = compared[compared["flipped"]]
    assert 0 < len(flipped) < len(compared)
    assert 0 < flipped["same_recipes"].sum() < len(flipped)
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


def test_claims_that_ask_the_same_are_counted_once(compared):
    """29 claims of the lessons were about 22 comparisons."""
    assert (len(compared), (~compared["repeated"]).sum()) == (29, 22)
    distinct = compared[~compared["repeated"]]
    assert (distinct["flipped"].sum(), (distinct["flipped"] & distinct["same_recipes"]).sum()) == (6, 4)
    dropout = compared[(compared["size"] == 1_000) & (compared["technique"] == "dropout")]
    turned = compared[(compared["size"] == 1_000) & (compared["reference"] == "dropout")]
    against = dropout[dropout["reference"] == "augmentation (gentle)"]
    assert (against["repeated"].item(), turned["repeated"].item()) == (False, True)


@pytest.mark.parametrize("content", [b"", b"technique,size\nL2,1000\n", b"\xff\xfe", None, "changed"])
def test_claims_that_are_no_table_are_refused(content, tmp_path, monkeypatch):
    for path in history.EARLIER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    path = tmp_path / "comparisons.csv"
    text = path.read_bytes()
    path.unlink()
    if content is not None:
        path.write_bytes(text.replace(b"1000", b"5000", 1) if content == "changed" else content)
    monkeypatch.setattr(history, "EARLIER", tmp_path)
    with pytest.raises(DataError, match=r"comparisons\.csv is not .*git checkout .*/comparisons\.csv"):
        history.compare_studies()
