"""A run that diverged is left out, and counted, from its training to the last table and picture."""

from dataclasses import replace

import numpy as np
import pytest

from mnist_helpers import datasets
from mnist_helpers.errors import DataError
from mnist_helpers.recipes import Recipe
from mnist_helpers.study import analysis, charts, execute, findings, plan, rows, store, tables

DIGITS = datasets.load("uci")
LEFT_OUT = "1 diverged, left out"
COMPARISON = {"family": "courses", "technique": "dropout", "size": 100, "epoch": 1}


def make_runs(*rates):
    """Make a pair of runs for each learning rate of the technique."""
    made = []
    for seed, rate in enumerate(rates):
        for technique in ("baseline", "dropout"):
            recipe = Recipe(train_size=100, epochs=2, curve_size=0, validation_size=0, seed=seed)
            if technique == "dropout":
                recipe = replace(recipe, learning_rate=rate, dropout_rate=0.5)
            task = plan.Task("courses", technique, recipe, (1, 2))
            made.append(execute.run(task, plan.run_key(task, DIGITS.digest()), "uci"))
    return made


def test_recipe_that_diverges_is_left_out_and_counted_through_the_whole_chain(tmp_path):
    made = make_runs(1e-3, 1e-3, 1e30)
    assert [rows.has_diverged(row) for row in made] == [False] * 5 + [True]
    (tmp_path / "runs").mkdir()
    for row in made:
        store.write_run(tmp_path, row)
    found, broken = store.read_runs(tmp_path / "study.csv")
    assert (len(found), broken) == (6, [])
    for kept, pairs in ((made, 2), (made[2:], 1)):
        store.publish(kept, tmp_path / "study.csv")
        courses = analysis.read_courses(store.read_table(tmp_path / "study.csv"))
        if pairs == 1:
            with pytest.raises(DataError, match=r"1 of 2 .* diverged, which leaves 1: two are needed"):
                analysis.compare(courses, COMPARISON)
            continue
        difference = analysis.compare(courses, COMPARISON)
        assert (difference.pairs, difference.diverged) == (2, 1)
        accuracy = {row["seed"]: [] for row in made[:4]}
        for row in made[:4]:
            course = store.unpack_course(row["course"]).set_index("epoch")
            accuracy[row["seed"]].append(course.loc[1, "test_accuracy"])
        by_hand = np.mean([after - before for before, after in accuracy.values()])
        assert difference.mean == pytest.approx(100 * by_hand)
        assert LEFT_OUT in str(difference)


@pytest.fixture(scope="module")
def broken(study):
    """Return a study in which one run of dropout diverged at 1,000 images, in each part."""
    study = study.copy()
    chosen = (study["technique"] == "dropout") & (study["train_size"] == 1_000)
    first = study[chosen].groupby("part")["seed"].min()
    lost = chosen & (study["seed"] == study["part"].map(first))
    assert lost.sum() == len(first) == 3
    study.loc[lost, ["train_cross_entropy", "test_cross_entropy"]] = np.nan
    study["test_wrong"] = study["test_wrong"].mask(lost)  # as pandas reads an empty field
    return study


@pytest.fixture(scope="module")
def broken_courses(broken):
    return analysis.read_courses(broken)


def test_every_comparison_and_its_sentence_say_so(broken_courses):
    evaluated = findings.evaluate(broken_courses)
    concerned = (evaluated["technique"] == "dropout") & (evaluated["size"] == 1_000)
    assert concerned.sum() >= 3
    said = evaluated["sentence"].str.endswith((f"; {LEFT_OUT}).", f"; {LEFT_OUT})"))
    said |= evaluated["sentence"].str.contains(f"; {LEFT_OUT}) compared with", regex=False)
    against = evaluated.get("reference", "") == "dropout"
    assert (said == (concerned | (against & (evaluated["size"] == 1_000)))).all()


def test_every_table_says_so(broken, broken_courses):
    found = tables.tabulate_technique(broken_courses, "dropout")["difference"]
    assert found.str.contains(LEFT_OUT).sum() == found.index.get_level_values("images").to_list().count(
        "1,000"
    )
    ends = tables.tabulate_ends(broken, broken_courses)["difference"]
    assert ends.index[ends.str.contains(LEFT_OUT)].to_list() == [("dropout", "1,000")]
    crossings = tables.tabulate_crossings(broken_courses)["at the end"]
    assert crossings.index[crossings.str.contains(LEFT_OUT)].to_list() == [("dropout", "1,000")]
    for part in ("courses", "noise"):
        stopping = tables.tabulate_stopping(broken_courses, part)["stopped"]
        assert not stopping.str.contains(LEFT_OUT).any(), "no run of the baseline diverged"
    for table in (tables.tabulate_spread(broken_courses), analysis.correlate_pairs(broken_courses).T):
        assert any("diverged, left out" in str(text) for text in table.to_numpy().ravel())
    spread = tables.tabulate_spread(broken_courses)
    assert spread["left out"].to_list() == ["2 diverged, left out", "", ""]
    assert spread.drop(columns="left out").notna().all(axis=None)


def test_early_stopping_and_the_prediction_say_so(study):
    lost = (study["technique"].isin(["baseline", "article"])) & (study["seed"] == study["seed"].min())
    lost |= (study["part"] == "article") & (study["seed"] == study["seed"][study["part"] == "article"].min())
    lost |= (study["part"] == "noise") & (study["seed"] == study["seed"][study["part"] == "noise"].min())
    courses = analysis.read_courses(study.assign(train_cross_entropy=study["train_cross_entropy"].mask(lost)))
    assert LEFT_OUT in tables.tabulate_stopping(courses, "noise")["stopped"].iloc[0]
    prediction = findings.predict_one_run(courses)
    assert (prediction.diverged, LEFT_OUT in prediction.interval) == (1, True)


def test_every_picture_says_so(broken_courses, courses):
    panels = [axis.get_title() for axis in charts.draw_courses(broken_courses).axes]
    assert panels == [f"1,000 images\n{LEFT_OUT}", "5,000 images", "40,000 images"]
    shown = charts.draw_courses(broken_courses, ["L2"])
    assert [axis.get_title() for axis in shown.axes] == ["1,000 images", "5,000 images", "40,000 images"]
    gaps = findings.measure_gaps(courses)
    best = gaps[(gaps["part"] == "courses") & (gaps["images"] == 1_000)]["technique"].iloc[0]
    lost = broken_courses["technique"] == best
    lost &= (broken_courses["part"] == "courses") & (broken_courses["train_size"] == 1_000)
    lost &= broken_courses["seed"] == broken_courses["seed"][lost].min()
    scores = [name for name in broken_courses if name.startswith(("test_", "train_c"))]
    courses = broken_courses.copy()
    courses.loc[lost, scores] = np.nan
    legends = [axis.get_legend().get_texts() for axis in charts.draw_gaps(courses).axes]
    texts = [text.get_text() for texts in legends for text in texts]
    assert [text for text in texts if LEFT_OUT in text] == [f"1,000 images: {best}; {LEFT_OUT}"]
