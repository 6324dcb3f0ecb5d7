"""The published study: exactly the planned runs, made after the plan, and verdicts that follow from them."""

import importlib.util
import io
import subprocess
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mnist_helpers import datasets, mnist_files
from mnist_helpers.study import analysis, findings, plan, store

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def table():
    return store.read_table()


@pytest.fixture(scope="module")
def real(table):
    return analysis.read_courses(table)


def test_the_table_has_exactly_the_planned_runs(table):
    planned = pd.DataFrame(
        {"part": task.part, "technique": task.technique, **asdict(task.recipe)} for task in plan.plan_study()
    )
    planned = pd.read_csv(io.StringIO(planned.to_csv(index=False)))  # as the table is read
    order = ["part", "technique", "train_size", "seed"]
    found = table[planned.columns].sort_values(order, ignore_index=True)
    pd.testing.assert_frame_equal(found, planned.sort_values(order, ignore_index=True), check_dtype=False)
    assert len(table) == table["key"].nunique() == 494


@pytest.mark.skipif(mnist_files.find() is None, reason="the study was made on MNIST")
def test_keys_are_those_of_the_plan_on_mnist(table):
    assert set(table["key"]) == set(plan.key_tasks("study", datasets.load("mnist")))


def ask_git(*arguments):
    """Return what git says of the repository, or nothing without git."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


PLANNED = "ecaa8ce"  # the commit that made the plan final, named on docs/plan.md
NEEDS_HISTORY = pytest.mark.skipif(
    not ask_git("cat-file", "-t", PLANNED), reason="needs the repository's history"
)


@NEEDS_HISTORY
def test_every_run_began_after_the_plan_was_committed(table):
    planned = int(ask_git("log", "-1", "--format=%at", PLANNED))
    ended = pd.to_datetime(table["finished"]).map(datetime.timestamp)
    assert (ended - table["seconds"]).min() > planned
    assert PLANNED in (ROOT / "docs" / "plan.md").read_text(encoding="utf-8")


@NEEDS_HISTORY
def test_plan_is_the_one_that_was_committed(tmp_path):
    for name in ("plan.py", "plan.toml"):
        text = ask_git("show", f"{PLANNED}:mnist_helpers/study/{name}")
        (tmp_path / name).write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("first_plan", tmp_path / "plan.py")
    first = sys.modules["first_plan"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(first)
    assert list(map(asdict, first.plan_study())) == list(map(asdict, plan.plan_study()))
    assert (first.MARGINS, first.SCHEMA) == (plan.MARGINS, plan.SCHEMA)
    assert first.read_comparisons() == plan.read_comparisons()


def test_scoring_costs_the_courses_at_most_a_quarter_of_their_training(table):
    courses = table[table["part"] == "courses"]
    assert courses["seconds"].sum() <= 1.25 * (courses["seconds"] - courses["seconds_scoring"]).sum()


def test_ends_on_40_000_images_are_narrow(table):
    """A difference is known to ±0.1 points before the error is shared."""
    ends = table[(table["part"] == "ends") & (table["train_size"] == 40_000)]
    accuracies = 100 * ends.pivot(index="seed", columns="technique", values="test_accuracy")
    for technique in ("L2", "dropout", "augmentation", "combined"):
        differences = accuracies[technique] - accuracies["baseline"]
        low, high = stats.t.interval(0.95, len(differences) - 1, scale=stats.sem(differences))
        assert high - low <= 0.2, technique


def test_each_run_holds_its_checkpoints_and_its_errors(table, real):
    by_run = real.groupby(["part", "technique", "train_size", "seed"], observed=True)
    for row in table.itertuples():
        wrong = store.unpack_wrong(row.test_wrong, 10_000)
        assert wrong.mean() == pytest.approx(1 - row.test_accuracy, abs=1e-4)
        course = by_run.get_group((row.part, row.technique, row.train_size, row.seed))
        planned = plan.space_checkpoints(row.epochs) if plan.PARTS[row.part].has_course else (row.epochs,)
        assert tuple(course.loc[course["is_checkpoint"] == 1, "epoch"]) == planned


def test_the_courses_end_with_the_accuracy_that_the_table_states(table, real):
    last = (
        real.sort_values("epoch").groupby(["part", "technique", "train_size", "seed"], observed=True).last()
    )
    for row in table.itertuples():
        end = last.loc[(row.part, row.technique, row.train_size, row.seed), "test_accuracy"]
        assert end == pytest.approx(row.test_accuracy, abs=1e-4)


FAMILIES = {
    ("ends", "accuracy"): 12,
    ("ends", "cross-entropy"): 12,
    ("courses", "accuracy"): 24,
    ("noise", "accuracy"): 10,
}


def test_all_intervals_and_verdicts_follow_from_the_courses(table):
    """Computed once more, by Student's t with the error shared by each family, without pandas' help."""
    scores = {}
    for row in table.itertuples():
        for checkpoint in store.unpack_course(row.course).itertuples():
            run = (row.part, row.technique, row.train_size, row.seed, checkpoint.epoch)
            scores[run] = {
                "accuracy": 100 * checkpoint.test_accuracy,
                "cross-entropy": checkpoint.test_cross_entropy,
            }
    evaluated = findings.evaluate(analysis.read_courses(table))
    planned = plan.read_comparisons()
    assert len(planned) == sum(FAMILIES.values()) == 58
    for each in planned:
        part, size, measure = each["family"], each["size"], each["measure"]
        epochs, n = plan.PARTS[part].sizes[size]
        epoch = each["epoch"] or epochs
        first = plan.PARTS[part].first_seed
        differences = [
            scores[part, each["technique"], size, seed, epoch][measure]
            - scores[part, "baseline", size, seed, epoch][measure]
            for seed in range(first, first + n)
        ]
        half = stats.t.ppf(1 - 0.025 / FAMILIES[part, measure], n - 1) * stats.sem(differences)
        low, high = np.mean(differences) - half, np.mean(differences) + half
        margin = {1_000: 0.5, 5_000: 0.2, 40_000: 0.1}[size] if measure == "accuracy" else 0
        expected = "higher" if low > 0 else "lower" if high < 0 else "undecided"
        if expected == "undecided" and -margin < low and high < margin:
            expected = "equivalent"
        row = evaluated.loc[findings.name_comparison(each)]
        assert (row["difference"].low, row["difference"].high) == pytest.approx((low, high), abs=1e-6)
        assert row["found"] == expected


def test_with_three_seeds_no_comparison_is_better_supported(real):
    first = real["part"].map({name: part.first_seed for name, part in plan.PARTS.items()}).astype(int)
    complete = findings.evaluate(real)
    cut = findings.evaluate(real[real["seed"] < first + 3])
    assert all(found.pairs == 3 for found in cut["difference"])
    better = (cut["found"] != complete["found"]) & (cut["found"] != "undecided")
    assert list(cut.index[better]) == []
    confirmed = {name for name in cut.index if cut.loc[name, "status"] == "as expected"}
    assert confirmed <= set(complete.index[complete["status"] == "as expected"])


def test_what_the_pages_say_without_numbers_is_what_was_found(real):
    """The summaries in docs/study.md and in lessons 03 to 07."""
    found = findings.evaluate(real)["found"]
    compared = {size: analysis.compare_courses(real, size) for size in plan.MARGINS}
    last = {size: table.groupby("technique").last() for size, table in compared.items()}
    for technique in ("dropout", "augmentation", "combined"):
        for size in (1_000, 5_000):
            assert found[f"{technique}-{size}-ends"] == "higher"
        gains = [last[size].loc[technique] for size in plan.MARGINS]
        assert all(gain["low"] > 0 for gain in gains)
        assert gains[0]["mean"] > gains[1]["mean"] > gains[2]["mean"]
    assert found["augmentation-40000-ends"] == found["combined-40000-ends"] == "higher"
    assert found["dropout-40000-ends"] == found["dropout-40000-courses"] == "undecided"
    assert found["augmentation-40000-courses"] == "undecided"
    assert [found[f"L2-{size}-ends"] for size in plan.MARGINS] == ["equivalent", "equivalent", "undecided"]
    entropies = [name for name in found.index if name.endswith("-ends-cross-entropy")]
    assert (len(entropies), set(found[entropies])) == (12, {"lower"})
    assert (found[["L2-0.01-1000-noise", "L2-0.01-5000-noise", "L2-0.001-5000-noise"]] == "higher").all()
    wild = [table[table["technique"] == "augmentation (article)"] for table in compared.values()]
    assert all((table["high"] < 0).all() for table in wild)


def test_early_stopping_is_what_lesson_06_says(real):
    clean = analysis.tabulate_early_stopping(real).set_index(["images", "monitor", "patience"])["accuracy"]
    for size in (1_000, 5_000):
        by_patience = clean[size]["validation_cross_entropy"]
        assert all(difference.high < 0 for difference in by_patience)
        assert by_patience[2].mean < by_patience[5].mean
        assert clean[size, "validation_accuracy", 10].mean == max(each.mean for each in clean[size])
    assert {difference.verdict for difference in clean[40_000]} == {"undecided"}
    noisy = analysis.tabulate_early_stopping(real, part="noise")["accuracy"]
    assert all(difference.low > 10 for difference in noisy)


def test_gain_grows_with_the_gap_on_true_labels(real):
    gaps = findings.measure_gaps(real)
    ends = gaps[gaps["part"] == "courses"].groupby("images").last().sort_values("gap")
    assert list(ends.index) == [40_000, 5_000, 1_000]
    assert ends["mean"].is_monotonic_increasing
