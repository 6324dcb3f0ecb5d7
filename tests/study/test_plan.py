"""The plan: which runs are made, their keys, and the comparisons that were fixed before the first of them."""

import itertools
from collections import Counter
from dataclasses import replace

import pandas as pd
import pytest

from mnist_helpers import datasets, mnist_files, recipes
from mnist_helpers.recipes import Recipe
from mnist_helpers.study import plan, store

RECIPE = Recipe(train_size=100, epochs=2, curve_size=0, validation_size=100, seed=1)
TASKS = plan.plan_study()
TASK = plan.Task("courses", "augmentation", replace(RECIPE, augmentation="gentle"), (1, 2))


@pytest.mark.parametrize("name", plan.PARTS)
def test_part_has_each_technique_at_each_size_with_paired_seeds(name):
    part = plan.PARTS[name]
    tasks = [task for task in TASKS if task.part == name]
    cells = Counter((task.technique, task.recipe.train_size) for task in tasks)
    assert set(cells) == {(technique, size) for technique in part.techniques for size in part.sizes}
    for (technique, size), count in cells.items():
        epochs, n_seeds = part.sizes[size]
        of_cell = [t for t in tasks if (t.technique, t.recipe.train_size) == (technique, size)]
        assert count == n_seeds
        expected = list(range(part.first_seed, part.first_seed + n_seeds))
        assert [task.recipe.seed for task in of_cell] == expected
        assert {task.recipe.epochs for task in of_cell} == {epochs}
        assert {task.evaluate_on for task in of_cell} == {"test"}


def test_technique_differs_from_the_baseline_in_nothing_else():
    for name, part in plan.PARTS.items():
        for technique, changes in part.techniques.items():
            for task in (t for t in TASKS if (t.part, t.technique) == (name, technique)):
                same = {field: getattr(part.recipe, field) for field in ("train_size", "epochs", "seed")}
                assert replace(task.recipe, **same) == replace(part.recipe, **changes)


def test_no_two_parts_share_a_seed_with_each_other_or_an_earlier_study():
    earlier = {*range(20), *range(100, 118)}
    seeds = {name: {task.recipe.seed for task in TASKS if task.part == name} for name in plan.PARTS}
    seeds["candidates"] = {task.recipe.seed for task in plan.plan_candidates()}
    everything = [seed for each in seeds.values() for seed in each]
    assert len(set(everything)) == len(everything)
    assert earlier.isdisjoint(everything)


def test_articles_training_is_planned_as_the_article_has_it():
    tasks = [task for task in TASKS if task.part == "article"]
    expected = Recipe(
        train_size=60_000, epochs=5, batch_size=32, learning_rate=1e-3, validation_size=0, curve_size=0
    )
    assert {replace(task.recipe, seed=0) for task in tasks} == {expected}
    assert len(tasks) == 10


def test_regimes_are_those_of_the_plan():
    assert not plan.CONSTANT.one_cycle
    assert (plan.CONSTANT.learning_rate, plan.CONSTANT.batch_size) == (1e-3, 32)
    assert plan.ANNEALED.one_cycle
    assert (plan.ANNEALED.learning_rate, plan.ANNEALED.batch_size) == (plan.PEAK, 128)
    assert plan.PARTS["noise"].recipe.label_noise == 0.3


@pytest.mark.parametrize("epochs", [15, 20, 30, 40, 100])
def test_checkpoints_are_spaced_geometrically_and_include_epoch_5(epochs):
    found = plan.space_checkpoints(epochs)
    assert found[0] == 1
    assert found[-1] == epochs
    assert 5 in found
    assert 9 <= len(found) <= 12
    late = [second / first for first, second in itertools.pairwise(found) if first >= 8]
    assert max(late) < 1.7


def test_only_the_baselines_courses_are_watched_for_early_stopping():
    watched = {(task.part, task.technique) for task in TASKS if task.watch}
    assert watched == {("courses", "baseline"), ("noise", "baseline")}


def test_candidates_are_scored_on_validation_images():
    tasks = plan.plan_candidates()
    assert {task.evaluate_on for task in tasks} == {"validation"}
    assert {task.recipe.train_size for task in tasks} == {1_000, 40_000}
    assert all(task.recipe.one_cycle for task in tasks)


def test_candidates_do_not_depend_on_what_they_select(monkeypatch):
    before = plan.plan_candidates()
    monkeypatch.setattr(plan, "PEAK", 2e-3)
    monkeypatch.setattr(plan, "ANNEALED", replace(plan.ANNEALED, learning_rate=2e-3))
    assert plan.plan_candidates() == before


def make_candidate_runs(**accuracies):
    """Return finished candidate runs: 95 and 99 % for all but the named, in percentage points more."""
    rows = []
    for task in plan.plan_candidates():
        size = task.recipe.train_size
        more = accuracies.get(task.technique.replace("=", "_").replace(".", "_"), {}).get(size, 0)
        accuracy = {1_000: 95, 40_000: 99}[size] + more
        rows.append((task.technique, size, task.recipe.seed, accuracy / 100))
    return pd.DataFrame(rows, columns=["technique", "train_size", "seed", "validation_accuracy"])


def test_selection_weighs_each_size_by_its_margin():
    default = {"learning_rate": 4e-3, "l2": 1e-4, "dropout_rate": 0.5, "augmentation": "gentle"}
    assert plan.select_candidates(make_candidate_runs()) == default
    better = make_candidate_runs(dropout_rate_0_2={1_000: 0.1, 40_000: -0.01})
    assert plan.select_candidates(better) == default | {"dropout_rate": 0.2}
    worse = make_candidate_runs(dropout_rate_0_2={1_000: 0.1, 40_000: -0.03})
    assert plan.select_candidates(worse.sample(frac=1, random_state=1)) == default


@pytest.mark.parametrize("size", [1_000, 40_000])
def test_candidate_of_which_a_run_diverged_is_never_selected(size):
    best = make_candidate_runs(dropout_rate_0_2={1_000: 0.1, 40_000: 0.1})
    default = plan.select_candidates(make_candidate_runs())
    assert plan.select_candidates(best) == default | {"dropout_rate": 0.2}
    diverged = (best["technique"] == "dropout_rate=0.2") & (best["train_size"] == size)
    best.loc[diverged.idxmax(), "validation_accuracy"] = float("nan")
    assert plan.select_candidates(best) == default


def test_key_changes_with_everything_that_changes_a_run_alone(monkeypatch):
    key = plan.run_key(TASK, "digest")
    assert key == plan.run_key(replace(TASK, technique="renamed", part="ends"), "digest")
    others = [
        plan.run_key(replace(TASK, recipe=replace(TASK.recipe, seed=2)), "digest"),
        plan.run_key(replace(TASK, recipe=replace(TASK.recipe, label_noise=0.1)), "digest"),
        plan.run_key(replace(TASK, evaluate_on="validation"), "digest"),
        plan.run_key(replace(TASK, checkpoints=(2,)), "digest"),
        plan.run_key(replace(TASK, watch=True), "digest"),
        plan.run_key(TASK, "digest of other data"),
    ]
    monkeypatch.setitem(recipes.PRESETS, "gentle", {"rotation": 11})
    others.append(plan.run_key(TASK, "digest"))
    monkeypatch.setattr(plan, "SCHEMA", plan.SCHEMA + 1)
    others.append(plan.run_key(TASK, "digest"))
    assert len({key, *others}) == 9


def test_every_planned_comparison_has_its_runs_and_a_reason():
    planned = {(task.part, task.technique, task.recipe.train_size) for task in TASKS}
    comparisons = plan.read_comparisons()
    for each in comparisons:
        cell = (each["family"], each["technique"], each["size"])
        assert cell in planned
        assert each["technique"] != plan.BASELINE
        assert each["expected"] in ("higher", "lower", "equivalent", "undecided")
        assert each["reason"].endswith(".")
        epochs = plan.PARTS[each["family"]].sizes[each["size"]][0]
        assert each["epoch"] is None or each["epoch"] in plan.space_checkpoints(epochs)
    names = [
        tuple(each[name] for name in ("family", "technique", "size", "measure", "epoch"))
        for each in comparisons
    ]
    assert len(set(names)) == len(names)


def test_primary_family_is_four_techniques_at_three_sizes():
    ends = [each for each in plan.read_comparisons() if each["family"] == "ends"]
    for measure in ("accuracy", "cross-entropy"):
        cells = {(each["technique"], each["size"]) for each in ends if each["measure"] == measure}
        assert cells == {(t, s) for t in plan.TECHNIQUES if t != plan.BASELINE for s in plan.MARGINS}


def test_cost_counts_training_and_a_third_for_scoring():
    task = plan.Task("courses", "baseline", replace(RECIPE, train_size=900, epochs=4), (1, 4))
    assert plan.estimated_cost(task) == 4 * 900 + 2 * 11_100 // 3
    watched = replace(task, watch=True)
    assert plan.estimated_cost(watched) == 4 * 900 + (2 * 11_100 + 4 * 100) // 3


def test_strengths_are_those_that_the_recorded_candidates_select():
    runs = store.read_table(store.RESULTS / "choice.csv")
    selected = plan.select_candidates(runs)
    assert selected == {
        "learning_rate": plan.PEAK,
        "l2": plan.L2,
        "dropout_rate": plan.DROPOUT_RATE,
        "augmentation": plan.AUGMENTATION,
    }
    assert runs["validation_accuracy"].notna().all()
    assert not [name for name in runs.columns if name.startswith("test_a")]
    if mnist_files.find():
        assert runs["key"].to_list() == list(plan.key_tasks("choice", datasets.load("mnist")))
