"""Execution of the study: each run once, none lost, and the same numbers from the same recipe.

The runs are tiny: a hundred UCI digits and an epoch or two.
"""

import gc
import multiprocessing
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from mnist_helpers import cli, datasets, mnist_files, statistics, training
from mnist_helpers.errors import DataError, SetupError
from mnist_helpers.recipes import Recipe
from mnist_helpers.study import execute, plan, store

DIGITS = datasets.load("uci")
RECIPE = Recipe(train_size=100, epochs=2, curve_size=0, validation_size=100, seed=1)
TASK = plan.Task("courses", "baseline", RECIPE, (1, 2))
WRONG = replace(TASK, technique="wrong", recipe=replace(RECIPE, augmentation="wild"))
needs_mnist = pytest.mark.skipif(mnist_files.find() is None, reason="the study was made on MNIST")


def make_run(task):
    return execute.run(task, plan.run_key(task, DIGITS.digest()), "uci")


def test_run_records_the_scores_after_the_last_epoch():
    row = make_run(TASK)
    network, _ = training.train(TASK.recipe, DIGITS)
    images, labels = DIGITS.open_test()
    subset = DIGITS.subset(100, seed=1)
    sets = {
        "train": (subset.x_train, subset.y_train),
        "validation": (DIGITS.x_validation[:100], DIGITS.y_validation[:100]),
        "test": (images, labels),
    }
    for name, (images, labels) in sets.items():
        expected = statistics.score(network.predict(images, verbose=0), labels)
        for score, value in expected.items():
            assert float(row[f"{name}_{score}"]) == pytest.approx(value, abs=1e-5), (name, score)
    course = store.unpack_course(row["course"])
    assert course["epoch"].to_list() == [1, 2]
    assert course["test_accuracy"].to_list()[-1] == float(row["test_accuracy"])
    wrong = store.unpack_wrong(row["test_wrong"], len(DIGITS.open_test()[1]))
    assert 1 - wrong.mean() == pytest.approx(float(row["test_accuracy"]), abs=1e-6)
    assert 0 < float(row["seconds_scoring"]) < float(row["seconds"])
    assert (row["dataset"], row["seed"], row["part"]) == ("UCI digits", "1", "courses")


def test_run_on_noisy_labels_trains_on_them():
    noisy = replace(TASK, recipe=replace(RECIPE, label_noise=1.0, epochs=20), checkpoints=(20,))
    clean = replace(TASK, recipe=replace(RECIPE, epochs=20), checkpoints=(20,))
    accuracies = [float(make_run(task)["test_accuracy"]) for task in (noisy, clean)]
    assert accuracies[0] < 0.4 < 0.6 < accuracies[1]


@pytest.mark.parametrize("epochs", [1, 2])
def test_diverged_run_is_recorded_without_numbers(epochs):
    recipe = replace(RECIPE, learning_rate=1e30, epochs=epochs)
    row = make_run(replace(TASK, recipe=recipe, checkpoints=(1, epochs)))
    assert row["test_accuracy"] == row["train_accuracy"] == row["validation_cross_entropy"] == "nan"
    assert row["test_wrong"] == ""


def test_run_whose_key_is_of_other_data_or_code_is_refused():
    with pytest.raises(DataError, match="data or the version of mnist-helpers differ"):
        execute.run(TASK, plan.run_key(TASK, "digest of other data"), "uci")


@pytest.fixture
def cluster(tmp_path):
    """Start a scheduler and two workers by hand, as processes of their own, and return the address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    dask = [sys.executable, "-m", "dask"]
    ends = address.removeprefix("tcp://").split(":")
    worker = ["worker", address, "--nthreads", "1", "--no-dashboard", "--local-directory", str(tmp_path)]
    commands = [
        [*dask, "scheduler", "--host", ends[0], "--port", ends[1], "--no-dashboard"],
        [*dask, *worker],
        [*dask, *worker],
    ]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    processes = [subprocess.Popen(command, **quiet) for command in commands]
    yield address
    for process in reversed(processes):
        process.terminate()
    for process in processes:
        process.wait(20)


def test_runs_on_a_cluster_are_those_of_one_process(cluster):
    tasks = [replace(TASK, recipe=replace(RECIPE, seed=seed)) for seed in (1, 2)]
    tasks = {plan.run_key(task, DIGITS.digest()): task for task in [*tasks, WRONG]}
    found = dict(execute.compute(tasks, DIGITS, scheduler=cluster))
    assert found.keys() == tasks.keys()
    assert "augmentation='wild' is unknown" in str(found.pop(list(tasks)[-1]))
    for key, row in found.items():
        alone = execute.run(tasks[key], key, "uci")
        assert store.find_deviations(row, alone | {"threads": row["threads"]}, []) == []
        assert (row["key"], row["seed"]) == (key, alone["seed"])


def test_no_task_starts_no_process():
    assert list(execute.compute({}, DIGITS)) == []
    assert multiprocessing.active_children() == []


def test_scheduler_that_does_not_answer_is_named(monkeypatch):
    with pytest.raises(SetupError, match=r"No Dask scheduler answers at nowhere"):
        next(execute.compute({"key": TASK}, DIGITS, scheduler="nowhere"))
    # Collecting the client closes it. While another client starts, that close would wait for itself forever.
    gc.collect()


def test_missing_dask_is_named_with_the_command_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SetupError, match="--scheduler needs distributed: python -m pip install"):
        next(execute.compute({"key": TASK}, DIGITS, scheduler="tcp://127.0.0.1:1"))


def test_help_says_that_a_cluster_must_be_trusted():
    help_text = " ".join(CliRunner().invoke(cli.main, ["study", "--help"]).output.split())
    assert "--scheduler ADDRESS A Dask cluster" in help_text
    assert "whose network must be trusted: all can run code" in help_text


@pytest.fixture
def invoke_study(monkeypatch, tmp_path):
    """Return a function that runs the study's command on the given tasks."""

    def invoke(tasks, *arguments):
        monkeypatch.setitem(plan.PLANS, "quick", lambda: tasks)
        command = ["study", "--quick", "--dataset", "uci", "--jobs", "1", "--output", str(tmp_path)]
        return CliRunner().invoke(cli.main, [*command, *arguments])

    return invoke


def test_command_makes_missing_runs_and_sets_torn_files_aside(invoke_study, tmp_path):
    tasks = [replace(TASK, recipe=replace(RECIPE, seed=seed)) for seed in (1, 2)]
    result = invoke_study([tasks[0], WRONG])
    assert result.exit_code == 5
    assert "1 of 2 runs failed; the others are kept" in result.output
    assert "augmentation='wild' is unknown" in result.output
    before = (tmp_path / "quick.csv").read_bytes()
    (tmp_path / "runs" / "0123.json").write_text("{")
    result = invoke_study(tasks)
    assert result.exit_code == 0, result.output
    assert "1 unreadable files renamed to *.bad: 0123.json" in result.output
    assert "1 of 2 runs are finished" in result.output
    assert (tmp_path / "quick.csv").read_bytes().startswith(before)
    assert store.read_table(tmp_path / "quick.csv")["seed"].to_list() == [1, 2]
    before = (tmp_path / "quick.csv").read_bytes()
    result = invoke_study(tasks, "--rerun", "1")
    assert result.exit_code == 0, result.output
    assert ": agrees" in result.output
    assert (tmp_path / "quick.csv").read_bytes() == before


def test_rerun_with_other_numbers_is_reported_and_ends_with_code_5(invoke_study, tmp_path):
    row = make_run(TASK)
    (tmp_path / "runs").mkdir()
    store.write_run(tmp_path, row | {"test_accuracy": "0.000001", "threads": "1"})
    result = invoke_study([TASK], "--rerun", "1")
    assert result.exit_code == 5
    assert "test_accuracy 0.000001 was" in result.output
    assert "1 of 1 runs failed or gave other numbers" in result.output


def test_rerun_without_a_finished_run_is_refused(invoke_study):
    result = invoke_study([TASK], "--rerun", "1")
    assert result.exit_code == 2
    assert "has no finished run of this plan yet" in result.output


def test_study_whose_runs_all_fail_leaves_no_table_and_resumes(invoke_study, tmp_path):
    result = invoke_study([WRONG])
    assert result.exit_code == 5
    assert "1 of 1 runs failed" in result.output
    assert list(tmp_path.glob("quick.*")) == []
    result = invoke_study([TASK])
    assert result.exit_code == 0, result.output
    assert len(store.read_table(tmp_path / "quick.csv")) == 1


@pytest.mark.parametrize("arguments", [[], ["--choice"]])
def test_other_digits_are_kept_out_of_the_published_results(arguments):
    result = CliRunner().invoke(cli.main, ["study", *arguments, "--dataset", "uci"])
    assert result.exit_code == 2
    assert "results is for runs on MNIST" in result.output


def test_client_needs_no_tensorflow():
    code = "import sys, mnist_helpers.study.execute; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


needs_study = pytest.mark.skipif(
    mnist_files.find() is None or not store.STUDY.exists(), reason="the study was made on MNIST"
)


@needs_study
def test_published_runs_are_planned_and_not_made_again(tmp_path):
    for path in (store.STUDY, store.STUDY.with_suffix(".json")):
        shutil.copy(path, tmp_path)
    published = store.read_table(store.STUDY)["key"].to_list()
    with execute.open_study("study", tmp_path / "study.csv", "mnist") as study:
        assert study.finished == published
        assert not set(study.missing) & set(published)
        study.publish()
    assert (tmp_path / "study.csv").read_bytes() == store.STUDY.read_bytes()


MOST_IMAGES = 150_000  # of a run that is made again in each test: half a minute on a quiet machine


@needs_study
def test_cheapest_published_run_agrees_when_it_is_made_again(tmp_path):
    """It sees what no example does: a technique, its training, its scoring or its record that changed."""
    for path in (store.STUDY, store.STUDY.with_suffix(".json")):
        shutil.copy(path, tmp_path)
    with execute.open_study("study", tmp_path / "study.csv", "mnist") as study:
        key = choose_cheapest(study)
        if key is None:
            pytest.skip(f"the study has no three like runs of less than {MOST_IMAGES:,} images yet")
        [outcome] = study.make({key: study.tasks[key]}, None, 1)
    assert outcome.error == ""


def choose_cheapest(study):
    """Return the key of a cheap finished run that others share all but the seed with, or None.

    On other machines these others give the standard deviation that it may deviate by.
    """
    tasks = {key: study.tasks[key] for key in study.finished}
    groups = {}
    for key, task in tasks.items():
        groups.setdefault(replace(task, recipe=replace(task.recipe, seed=0)), []).append(key)
    costs = {keys[0]: plan.estimated_cost(task) for task, keys in groups.items() if len(keys) >= 3}
    cheapest = min(costs, key=costs.get, default=None)
    return cheapest if cheapest and costs[cheapest] < MOST_IMAGES else None


def test_cheapest_run_is_chosen_among_those_that_have_a_spread():
    def name(task, *seeds):
        recipes = [replace(task.recipe, seed=seed) for seed in seeds]
        return {f"{task.part} {recipe.seed}": replace(task, recipe=recipe) for recipe in recipes}

    cheap = replace(TASK, part="cheap")
    middle = replace(TASK, part="middle", recipe=replace(RECIPE, epochs=10))
    dear = replace(TASK, part="dear", recipe=replace(RECIPE, train_size=MOST_IMAGES))
    tasks = name(cheap, 1, 2) | name(middle, 1, 2, 3) | name(dear, 1, 2, 3)
    for finished, expected in (
        (list(tasks), "middle 1"),
        ([*name(dear, 1, 2, 3), *name(middle, 1, 2)], None),
        ([*name(cheap, 1, 2)], None),
        ([], None),
    ):
        assert choose_cheapest(SimpleNamespace(tasks=tasks, finished=finished)) == expected


@pytest.mark.full
@needs_study
def test_published_runs_agree_when_they_are_made_again():
    command = [str(Path(sys.executable).with_name("mnist-helpers")), "study", "--rerun", "5"]
    result = subprocess.run(command, cwd=store.RESULTS.parent, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
    assert result.stdout.count(": agrees") == 5
