"""The plan: which runs are made, their keys, and the strengths that were selected for them."""

from dataclasses import replace

import pandas as pd
import pytest

from mnist_helpers import datasets, mnist_files, recipes
from mnist_helpers.recipes import Recipe
from mnist_helpers.study import claims, plan, results, store

HAS_MNIST = mnist_files.find() is not None
RECIPE = Recipe(train_size=100, epochs=2, curve_size=100, validation_size=100, seed=1)
CANDIDATE_TABLE = store.RESULTS / "choice.csv"


def test_study_has_each_technique_at_each_size_with_paired_seeds():
    tasks = plan.plan_study()
    counts = pd.Series([(task.technique, task.recipe.train_size) for task in tasks]).value_counts()
    seeds = {1_000: 20, 5_000: 10, 50_000: 10}
    assert counts.to_dict() == {(name, size): n for name in plan.TECHNIQUES for size, n in seeds.items()}
    for name, size in counts.index:
        found = [t.recipe.seed for t in tasks if (t.technique, t.recipe.train_size) == (name, size)]
        assert found == list(range(seeds[size]))
    assert {task.evaluate_on for task in tasks} == {"test"}


def test_articles_training_is_its_own_ten_times():
    tasks = [task for task in plan.PLANS["study"]() if task.technique == "article"]
    assert [task.recipe.seed for task in tasks] == list(range(10))
    expected = Recipe(
        train_size=60_000,
        epochs=5,
        batch_size=32,
        learning_rate=1e-3,
        validation_size=0,
        curve_size=0,
    )
    assert {replace(task.recipe, seed=0) for task in tasks} == {expected}


def test_technique_differs_from_the_baseline_in_nothing_else():
    tasks = {task.technique: task.recipe for task in plan.plan_study({5_000: (1, 3)})}
    for name, changes in plan.TECHNIQUES.items():
        unseen = {"curve_size": tasks["baseline"].curve_size}  # evaluations do not change a run
        assert replace(tasks[name], **unseen) == replace(tasks["baseline"], **changes)


def test_candidates_are_compared_on_validation_images_and_other_seeds():
    tasks = plan.plan_candidates()
    assert {task.evaluate_on for task in tasks} == {"validation"}
    used = {task.recipe.seed for task in plan.PLANS["study"]()}
    assert used.isdisjoint(task.recipe.seed for task in tasks)


def test_strengths_of_the_study_are_those_that_the_candidates_select():
    runs = store.read_table(CANDIDATE_TABLE)
    if HAS_MNIST:
        assert set(runs["key"]) == set(plan.key_tasks("choice", datasets.load("mnist")))
    used = {name: value for changes in plan.TECHNIQUES.values() for name, value in changes.items()}
    used["augmentation"] = plan.TECHNIQUES["augmentation (gentle)"]["augmentation"]
    assert plan.select_hyperparameters(runs) == used


def test_default_stays_unless_a_candidate_is_detectably_better():
    runs = store.read_table(CANDIDATE_TABLE)
    better = runs["technique"] == "l2=0.001"
    assert plan.select_hyperparameters(runs)["l2"] == 1e-4
    runs.loc[better, "validation_accuracy"] += 0.02
    assert plan.select_hyperparameters(runs)["l2"] == 1e-3


def test_key_changes_with_everything_that_changes_a_run_alone(monkeypatch):
    task = plan.Task("augmentation (gentle)", replace(RECIPE, augmentation="gentle"))
    key = plan.run_key(task, "digest")
    assert key == plan.run_key(replace(task, technique="renamed"), "digest")
    others = [
        plan.run_key(replace(task, recipe=replace(task.recipe, seed=2)), "digest"),
        plan.run_key(replace(task, evaluate_on="validation"), "digest"),
        plan.run_key(replace(task, track_test_accuracy=True), "digest"),
        plan.run_key(task, "digest of other data"),
    ]
    monkeypatch.setitem(recipes.PRESETS, "gentle", {"rotation": 11})
    others.append(plan.run_key(task, "digest"))
    monkeypatch.setattr(plan, "SCHEMA", plan.SCHEMA + 1)
    others.append(plan.run_key(task, "digest"))
    assert len({key, *others}) == 7


def test_family_holds_the_grid_and_the_pairs_of_the_measure():
    assert plan.family_size("accuracy") == 6 * 3 + 4
    assert plan.family_size("cross-entropy") == 6 * 3
    assert plan.family_size("accuracy, stopped on the test set") == 1


def test_every_comparison_of_the_ledger_is_in_the_family():
    techniques = set(plan.TECHNIQUES) - {plan.BASELINE}
    for claim in claims.read_ledger():
        measure = claim.get("measure", "accuracy")
        pair = {claim["technique"], claim.get("reference", plan.BASELINE)}
        if "value" in claim or "stopped" in measure:
            continue
        pairs = [({first, second}, size) for first, second, size in plan.PAIRS.get(measure, ())]
        grid = [({name, plan.BASELINE}, size) for name in techniques for size in plan.SIZES]
        assert (pair, claim["size"]) in pairs + grid, claim["id"]
    assert set(plan.PAIRS) <= set(results.MEASURES)


def test_cost_counts_training_and_a_third_for_evaluation():
    task = plan.Task("baseline", replace(RECIPE, train_size=900, curve_size=300, epochs=4))
    assert plan.estimated_cost(task) == 4 * (900 + 100)


def test_committed_table_has_exactly_the_planned_runs():
    runs = results.read_study()
    tasks = plan.PLANS["study"]()
    assert len(runs) == len(tasks)
    for column in ("seed", "train_size", "epochs", "l2", "dropout_rate", "augmentation", "technique"):
        expected = [getattr(task.recipe, column, task.technique) for task in tasks]
        assert runs[column].to_list() == expected, column
    assert runs[["test_accuracy", "test_cross_entropy", "test_calibration_error"]].notna().all(axis=None)


@pytest.mark.skipif(not HAS_MNIST, reason="keys depend on MNIST")
def test_committed_table_has_the_keys_of_the_plan():
    keys = list(plan.key_tasks("study", datasets.load("mnist")))
    assert results.read_study()["key"].to_list() == keys
