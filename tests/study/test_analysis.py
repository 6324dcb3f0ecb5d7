"""The analysis of the study, on made-up runs whose answers are known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mnist_helpers import statistics
from mnist_helpers.errors import DataError
from mnist_helpers.statistics import Difference
from mnist_helpers.study import analysis, plan, store

EPOCHS = plan.space_checkpoints(40)
GAINS = {"baseline": 0.0, "dropout": 0.01}


def make_course(gain, seed):
    """Return a course whose accuracy grows with the epochs, and a technique's gain with their logarithm."""
    noise = np.random.default_rng(seed).normal(0, 0.001, 100)
    rows = []
    for epoch in EPOCHS:
        accuracy = 0.9 + 0.01 * np.log(epoch) + gain * np.log(epoch / 5) + noise[epoch]
        rows.append({"epoch": epoch, "test_accuracy": accuracy, "test_cross_entropy": 1 - accuracy})
    return store.pack_course(rows)


STUDY = pd.DataFrame(
    {
        "part": "courses",
        "technique": name,
        "train_size": 5_000,
        "seed": seed,
        "train_cross_entropy": 0.1,
        "course": make_course(gain, noise),
    }
    for name, gain in GAINS.items()
    for seed, noise in ((200, 1), (201, 2), (202, 3), (203, 4))
)
COURSES = analysis.read_courses(STUDY)


def test_course_is_compared_at_the_epoch_that_is_asked_for():
    comparison = {"family": "courses", "technique": "dropout", "size": 5_000}
    for epoch in EPOCHS:
        found = analysis.compare(COURSES, comparison | {"epoch": epoch})
        assert found.mean == pytest.approx(np.log(epoch / 5), abs=1e-3)
        assert found.pairs == 4
    assert analysis.compare(COURSES, comparison) == analysis.compare(COURSES, comparison | {"epoch": 40})


def test_comparison_is_adjusted_for_its_planned_family():
    comparison = {"family": "courses", "technique": "dropout", "size": 5_000, "measure": "cross-entropy"}
    found = analysis.compare(COURSES, comparison)
    last = COURSES[COURSES["epoch"] == 40].set_index(["technique", "seed"])["test_cross_entropy"]
    family = plan.family_size("courses", "cross-entropy")
    assert found == statistics.paired_difference(last["dropout"], last["baseline"], family)


@pytest.mark.parametrize("last", [40, 8, 0], ids=["full course", "ends early", "no checkpoint"])
def test_pair_with_a_run_that_diverged_is_left_out_at_every_epoch(last):
    """Its numbers from before it diverged must not count, nor the accuracy of a constant answer."""
    comparison = {"family": "courses", "technique": "dropout", "size": 5_000}
    study = diverge(STUDY, "dropout", [201], last)
    courses = analysis.read_courses(study)
    others = analysis.read_courses(STUDY[STUDY["seed"] != 201])
    for epoch in EPOCHS:
        found = analysis.compare(courses, comparison | {"epoch": epoch})
        alone = analysis.compare(others, comparison | {"epoch": epoch})
        assert (found.pairs, found.diverged) == (3, 1)
        assert found == replace(alone, diverged=1)
    assert analysis.count_diverged(courses, "courses", ["baseline", "dropout"], 5_000) == 1
    assert analysis.count_diverged(courses, "courses", ["baseline"], 5_000) == 0


@pytest.mark.parametrize("last", [40, 0])
@pytest.mark.parametrize("technique", ["dropout", "baseline"])
def test_fewer_than_two_pairs_are_refused_with_their_numbers(technique, last):
    comparison = {"family": "courses", "technique": "dropout", "size": 5_000}
    for seeds in ([200, 201, 202], [200, 201, 202, 203]):
        courses = analysis.read_courses(diverge(STUDY, technique, seeds, last))
        left = 4 - len(seeds)
        with pytest.raises(DataError, match=f"{len(seeds)} of 4 .* diverged, which leaves {left}: two are"):
            analysis.compare(courses, comparison)


def diverge(study, technique, seeds, last=40):
    """Return a study in which runs diverged, with the epochs up to `last`, whose numbers are finite."""
    study = study.copy()
    for row in study.index[(study["technique"] == technique) & study["seed"].isin(seeds)]:
        course = store.unpack_course(study.loc[row, "course"])
        kept = course[course["epoch"] <= last]
        study.loc[row, "course"] = store.pack_course(kept.to_dict("records"))
        study.loc[row, "train_cross_entropy"] = np.nan
    return study


def test_study_without_a_column_and_a_torn_course_are_named():
    for name in ("course", "train_cross_entropy"):
        with pytest.raises(DataError, match=f"no column {name}"):
            analysis.read_courses(STUDY.drop(columns=name))
    with pytest.raises(DataError, match="is no course"):
        analysis.read_courses(STUDY.assign(course='{"epoch": [1'))


def test_run_that_was_not_planned_is_named():
    with pytest.raises(DataError, match="no courses of 'L2' with 5,000 images, epoch 40"):
        analysis.compare(COURSES, {"family": "courses", "technique": "L2", "size": 5_000})


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.01, 0.9, "higher"),
        (0.01, 0.09, "higher"),
        (-0.9, -0.01, "lower"),
        (-0.09, 0.09, "equivalent"),
        (-0.09, 0.11, "undecided"),
        (-0.1, 0.1, "undecided"),
        (0.0, 0.0, "equivalent"),
    ],
)
def test_verdict_follows_from_interval_and_margin(low, high, verdict):
    assert analysis.find_verdict(Difference((low + high) / 2, low, high), margin=0.1) == verdict


def test_fewer_seeds_support_no_claim_better():
    random = np.random.default_rng(1)
    for mean in (0.0, 0.05, 0.3):
        values = mean + random.normal(0, 0.05, 12)
        all_seeds = analysis.find_verdict(statistics.paired_difference(values, np.zeros(12), 12), 0.1)
        few = analysis.find_verdict(statistics.paired_difference(values[:3], np.zeros(3), 12), 0.1)
        assert few in (all_seeds, "undecided")
    assert few == "undecided"


def draw_differences(random, seeds=1.0, images=30.0, noise=0.0, shape=(10, 2_000)):
    """Draw effects of seeds, of images, and of each pair of both; their true mean is 0."""
    n_seeds, n_images = shape
    effects = random.normal(0, seeds, (n_seeds, 1)) + random.normal(0, images, (1, n_images))
    return effects + random.normal(0, noise, shape)


def test_interval_with_other_images_adds_their_variance():
    found = draw_differences(np.random.default_rng(2))
    interval = analysis.add_test_images(found)
    by_seed, by_image = found.mean(axis=1), found.mean(axis=0)
    seeds = statistics.ci_half_width(by_seed)
    images = 1.96 * by_image.std(ddof=1) / np.sqrt(2_000)
    assert interval.mean == pytest.approx(found.mean())
    assert interval.high - interval.mean == pytest.approx(np.hypot(seeds, images), rel=1e-4)
    assert interval.mean - interval.low == pytest.approx(interval.high - interval.mean)


@pytest.mark.parametrize(("seeds", "images", "noise"), [(0.1, 3, 30), (0, 0, 30), (1, 30, 0), (0.5, 20, 20)])
def test_interval_with_other_images_covers_and_is_never_narrower_than_students(seeds, images, noise):
    random = np.random.default_rng(5)
    covered = 0
    for _ in range(400):
        differences = draw_differences(random, seeds, images, noise, (8, 200))
        found = analysis.add_test_images(differences)
        by_seed = statistics.paired_difference(differences.mean(axis=1), np.zeros(8))
        assert found.low <= by_seed.low + 1e-9
        assert found.high >= by_seed.high - 1e-9
        covered += found.low <= 0 <= found.high
    assert 0.93 <= covered / 400 <= 0.99


def test_interval_with_other_images_of_a_family_is_wider():
    differences = draw_differences(np.random.default_rng(3), noise=1, shape=(8, 500))
    alone = analysis.add_test_images(differences)
    adjusted = analysis.add_test_images(differences, comparisons=12)
    assert adjusted.low < alone.low < alone.high < adjusted.high


def test_image_differences_are_paired_by_seed():
    rows = []
    wrong = np.zeros((3, 2, 10_000), dtype=bool)
    wrong[0, 0, 7] = True  # seed 300: the baseline alone is wrong
    wrong[1, 1, 8] = True  # seed 301: the technique alone is wrong
    wrong[2] = True  # seed 302: both are wrong everywhere
    for number in (2, 0, 1):
        for index, name in enumerate(("baseline", "dropout")):
            packed = store.pack_wrong(wrong[number, index])
            rows.append(("ends", name, 1_000, 300 + number, packed))
    study = pd.DataFrame(rows, columns=["part", "technique", "train_size", "seed", "test_wrong"])
    study["train_cross_entropy"] = 0.1
    found = analysis.find_image_differences(study, "dropout", 1_000)
    assert found.shape == (3, 10_000)
    assert found[0, 7] == 100
    assert found[1, 8] == -100
    assert np.count_nonzero(found) == 2
    for seed in (300, 301):
        diverged = (study["technique"] == "dropout") & (study["seed"] == seed)
        study.loc[diverged, ["train_cross_entropy", "test_wrong"]] = [np.nan, np.nan]
        if seed == 300:
            assert (analysis.find_image_differences(study, "dropout", 1_000) == found[1:]).all()
    with pytest.raises(DataError, match=r"2 of 3 .* which leaves 1"):
        analysis.find_image_differences(study, "dropout", 1_000)


def make_watched(values, monitor="validation_cross_entropy"):
    return pd.DataFrame({"epoch": range(1, len(values) + 1), monitor: values})


@pytest.mark.parametrize(
    ("values", "patience", "best", "epochs"),
    [
        ([5, 4, 3, 4, 4, 4], 2, 3, 5),  # stops two epochs after the best
        ([5, 4, 3, 4, 2, 4], 2, 5, 6),  # one bad epoch is forgiven
        ([5, 4, 3, 4, 4, 2], 2, 3, 5),  # the better one comes too late
        ([5, 4, 3, 2, 1, 0], 2, 6, 6),  # never stops
        ([1, 2, 3], 1, 1, 2),
        ([3, 3, 3, 3], 2, 1, 3),  # equal is no improvement
    ],
)
def test_early_stopping_restores_the_best_epoch_so_far(values, patience, best, epochs):
    found = analysis.stop_early(make_watched(values), "validation_cross_entropy", patience)
    assert (found["epoch"], found["epochs"]) == (best, epochs)
    turned = make_watched([-value for value in values], "validation_accuracy").sample(frac=1, random_state=1)
    found = analysis.stop_early(turned, "validation_accuracy", patience)
    assert (found["epoch"], found["epochs"]) == (best, epochs)


def test_early_stopping_is_tabulated_against_the_full_length():
    frames = []
    for seed in (200, 201):
        course = make_watched([3.0, 1.0, 2.0, 2.0, 2.0])
        course["validation_accuracy"] = [0.1, 0.2, 0.3, 0.4, 0.5]
        course["test_accuracy"] = [0.5, 0.6, 0.65, 0.68, 0.70]
        course["test_cross_entropy"] = [0.5, 0.2, 0.3, 0.4, 0.5]
        frames.append(course.assign(part="courses", technique="baseline", train_size=1_000, seed=seed))
    table = analysis.tabulate_early_stopping(pd.concat(frames), patiences=[2])
    by_monitor = table.set_index("monitor")
    stopped = by_monitor.loc["validation_cross_entropy"]
    assert (stopped["epochs"], stopped["images"]) == (4, 1_000)
    assert (stopped["stopped"], stopped["runs"]) == (2, 2)
    assert stopped["accuracy"].mean == pytest.approx(-10)
    assert stopped["cross-entropy"].mean == pytest.approx(-0.3)
    assert stopped["accuracy"].pairs == 2
    full = by_monitor.loc["validation_accuracy"]
    assert (full["epochs"], full["accuracy"].mean, full["cross-entropy"].mean) == (5, 0, 0)
    assert (full["stopped"], full["runs"]) == (0, 2)
    broken = frames[0].assign(seed=202, test_accuracy=0.1)
    broken = broken.assign(test_cross_entropy=np.nan)
    again = analysis.tabulate_early_stopping(pd.concat([*frames, broken]), patiences=[2])
    assert (table["diverged"].to_list(), again["diverged"].to_list()) == ([0, 0], [1, 1])
    pd.testing.assert_frame_equal(table.drop(columns="diverged"), again.drop(columns="diverged"))
    with pytest.raises(DataError, match=r"1 of 2 .* which leaves 1"):
        analysis.tabulate_early_stopping(pd.concat([frames[0], broken]), patiences=[2])


def test_courses_are_compared_at_every_checkpoint(monkeypatch):
    part = plan.PARTS["courses"]
    known = {name: part.techniques[name] for name in GAINS}
    monkeypatch.setitem(plan.PARTS, "courses", plan.Part(part.recipe, known, part.sizes, 200, True))
    table = analysis.compare_courses(COURSES, 5_000)
    assert table["epoch"].to_list() == list(EPOCHS)
    assert set(table["technique"]) == {"dropout"}
    crossing = table.set_index("epoch")["mean"]
    assert crossing[1] < 0 < crossing[40]
    assert ((table["low"] <= table["mean"]) & (table["mean"] <= table["high"])).all()


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (1_000, 2 * np.log(3) / np.log(5)),  # two points from 1,000 to 5,000 images
        (5_000, 1 * np.log(7 / 5) / np.log(8)),  # one point from 5,000 to 40,000
        (40_000, 1 * np.log(42 / 40) / np.log(8)),  # no larger size: the same slope goes on
    ],
)
def test_value_of_labels_follows_the_slope_between_two_sizes(size, expected):
    rows = []
    for images, accuracy in ((1_000, 0.95), (5_000, 0.97), (40_000, 0.98)):
        epochs, _ = plan.PARTS["courses"].sizes[images]
        for seed, noise in ((200, 0.001), (201, -0.001)):
            rows.append(("courses", "baseline", images, seed, epochs, accuracy + noise, 0.1))
    columns = ["part", "technique", "train_size", "seed", "epoch", "test_accuracy", "test_cross_entropy"]
    courses = pd.DataFrame(rows, columns=columns)
    gain, error = analysis.estimate_label_value(courses, size)
    assert gain == pytest.approx(expected)
    # Each mean of two runs, 0.1 points above and below it, has a standard error of 0.1 points.
    assert error == pytest.approx(0.1 * np.sqrt(2) * expected / (2 if size == 1_000 else 1))
    courses.loc[courses["seed"] == 200, "test_accuracy"] = np.nan
    with pytest.raises(DataError, match=r"1 of 2 .* which leaves 1"):
        analysis.estimate_label_value(courses, size)


def test_runs_of_a_pair_are_correlated():
    rows = []
    for seed, base in ((300, 0.90), (301, 0.91), (302, 0.92)):
        for size, (epochs, _) in plan.PARTS["ends"].sizes.items():
            for technique, accuracy in (("baseline", base), ("dropout", 2 * base - 1), ("L2", 1 - base)):
                rows.append(("ends", technique, size, seed, epochs, accuracy))
            for technique, accuracy in (("augmentation", 0.9 + seed % 2), ("combined", base)):
                rows.append(("ends", technique, size, seed, epochs, accuracy))
    columns = ["part", "technique", "train_size", "seed", "epoch", "test_accuracy"]
    courses = pd.DataFrame(rows, columns=columns)
    found = analysis.correlate_pairs(courses)
    assert found["1,000 images"].to_dict() == pytest.approx(
        {"L2": -1, "dropout": 1, "augmentation": 0, "combined": 1}, abs=1e-9
    )
    assert "left out" not in found
    broken = (courses["technique"] == "dropout") & (courses["seed"] == 302)
    courses["test_accuracy"] = courses["test_accuracy"].mask(broken & (courses["train_size"] == 1_000))
    found = analysis.correlate_pairs(courses)
    assert found.loc["dropout", "1,000 images"] == pytest.approx(1)
    assert found["left out"].to_dict() == {
        "L2": "",
        "dropout": "1 diverged, left out",
        "augmentation": "",
        "combined": "",
    }
