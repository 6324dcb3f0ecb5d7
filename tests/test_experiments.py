"""The study: each run once, none lost, whatever ends it; numbers that a recipe gives again.

The runs are tiny: a hundred UCI digits and an epoch or two.
"""

import gc
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from click.testing import CliRunner

from mnist_helpers import augmentation, cli, datasets, evidence, experiments, mnist_files, records, training
from mnist_helpers.errors import DataError, SetupError

ROOT = Path(__file__).resolve().parents[1]
DIGITS = datasets.load("uci")
RECIPE = training.Recipe(train_size=100, epochs=2, curve_size=100, validation_size=100, seed=1)
TASK = experiments.Task("baseline", RECIPE)
HAS_MNIST = mnist_files.find() is not None
needs_mnist = pytest.mark.skipif(not HAS_MNIST, reason="the study was made on MNIST")
COMMAND = [str(Path(sys.executable).with_name("mnist-helpers")), "study", "--quick", "--dataset", "uci"]


# What is run.


def test_study_holds_each_technique_at_each_size_with_paired_seeds_and_the_articles_training():
    tasks = experiments.PLANS["study"]()
    counts = pd.Series([(task.technique, task.recipe.train_size) for task in tasks]).value_counts()
    seeds = {1_000: 20, 5_000: 10, 50_000: 10}
    expected = {(name, size): n for name in experiments.TECHNIQUES for size, n in seeds.items()}
    assert counts.to_dict() == expected | {("article", 60_000): 10}
    for name, size in expected:
        found = [t.recipe.seed for t in tasks if (t.technique, t.recipe.train_size) == (name, size)]
        assert found == list(range(seeds[size]))
    assert {(t.recipe.epochs, t.recipe.batch_size, t.recipe.learning_rate) for t in tasks[-10:]} == {
        (5, 32, 1e-3)
    }
    assert all(task.judge == "test" for task in tasks)


def test_technique_differs_from_the_baseline_in_nothing_else():
    tasks = {t.technique: t.recipe for t in experiments.plan_study({5_000: (1, 3)})}
    for name, changes in experiments.TECHNIQUES.items():
        same = {"curve_size": tasks["baseline"].curve_size}  # what is looked at does not change a run
        assert replace(tasks[name], **same) == replace(tasks["baseline"], **changes)


def test_choice_is_made_by_validation_images_and_seeds_that_the_study_does_not_use():
    tasks = experiments.plan_choice()
    assert {task.judge for task in tasks} == {"validation"}
    used = {task.recipe.seed for task in experiments.PLANS["study"]()}
    assert used.isdisjoint(task.recipe.seed for task in tasks)


def test_strengths_of_the_study_are_the_ones_that_the_recorded_choice_gives():
    runs = evidence.read_study(ROOT / "results" / "choice.csv")
    assert not HAS_MNIST or set(runs["key"]) == set(experiments.name_runs("choice", datasets.load("mnist")))
    chosen = experiments.choose(runs)
    used = {name: value for changes in experiments.TECHNIQUES.values() for name, value in changes.items()}
    used["augmentation"] = experiments.TECHNIQUES["augmentation (gentle)"]["augmentation"]
    assert chosen == used


def test_another_candidate_is_chosen_only_if_it_is_detectably_better():
    runs = evidence.read_study(ROOT / "results" / "choice.csv")
    better = runs["technique"] == "l2=0.001"
    assert experiments.choose(runs)["l2"] == 1e-4
    runs.loc[better, "validation_accuracy"] = runs.loc[better, "validation_accuracy"] + 0.02
    assert experiments.choose(runs)["l2"] == 1e-3


def test_key_changes_with_recipe_data_ranges_judge_and_watch_alone(monkeypatch):
    task = experiments.Task("augmentation (gentle)", replace(RECIPE, augmentation="gentle"))
    key = experiments.name_run(task, "digest")
    assert key == experiments.name_run(replace(task, technique="renamed"), "digest")
    others = [
        experiments.name_run(replace(task, recipe=replace(task.recipe, seed=2)), "digest"),
        experiments.name_run(replace(task, judge="validation"), "digest"),
        experiments.name_run(replace(task, watch=True), "digest"),
        experiments.name_run(task, "another digest"),
    ]
    monkeypatch.setitem(augmentation.NAMED, "gentle", {"rotation": 11})
    others.append(experiments.name_run(task, "digest"))
    assert len({key, *others}) == 6


def test_digest_changes_with_any_image_and_with_the_split():
    test = tuple(array.copy() for array in DIGITS.open_test())
    same = replace(DIGITS, x_train=DIGITS.x_train.copy(), _test=test)
    assert same.digest() == DIGITS.digest()
    same.x_train[3, 4, 5] ^= 1
    assert same.digest() != DIGITS.digest()
    test[1][0] += 1
    assert replace(DIGITS, _test=test).digest() != DIGITS.digest()


def test_run_records_what_training_gives_and_says_how_the_epoch_was_chosen():
    task = experiments.Task("baseline", replace(RECIPE, epochs=4, learning_rate=5e-3), watch=True)
    row = experiments.run(task, experiments.name_run(task, DIGITS.digest()), "uci")
    onlooker = training.Onlooker(*DIGITS.open_test())
    network, run = training.train(task.recipe, DIGITS, [onlooker])
    loss, accuracy = training.evaluate(network, *DIGITS.open_test())
    assert float(row["test_accuracy"]) == pytest.approx(accuracy, abs=1e-6)
    assert float(row["test_cross_entropy"]) == pytest.approx(loss, rel=1e-4)
    assert float(row["validation_cross_entropy"]) == pytest.approx(run.validation_loss, abs=1e-6)
    best = np.argmax(run.history["val_accuracy"])
    assert float(row["stopped_on_validation"]) == pytest.approx(onlooker.accuracy[best], abs=1e-6)
    assert float(row["stopped_on_test"]) == pytest.approx(max(onlooker.accuracy), abs=1e-6)
    assert onlooker.accuracy[-1] == pytest.approx(accuracy)
    assert (row["dataset"], row["seed"], row["epochs_trained"]) == ("UCI digits", "1", "4")


def test_run_whose_key_is_of_other_data_or_code_is_refused():
    with pytest.raises(DataError, match="other data or another version"):
        experiments.run(TASK, experiments.name_run(TASK, "digest of other data"), "uci")


# On a cluster.


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


def test_runs_on_a_cluster_are_those_of_one_process_and_a_failed_one_is_named(cluster):
    recipes = [replace(RECIPE, seed=seed, epochs=1) for seed in (1, 2)]
    recipes.append(replace(RECIPE, augmentation="wild"))
    tasks = [experiments.Task("baseline", recipe) for recipe in recipes]
    tasks = {experiments.name_run(task, DIGITS.digest()): task for task in tasks}
    found = dict(experiments.compute(tasks, DIGITS, scheduler=cluster))
    assert found.keys() == tasks.keys()
    assert "augmentation='wild' is unknown" in str(found.pop(list(tasks)[-1]))
    for key, row in found.items():
        alone = experiments.run(tasks[key], key, "uci")
        assert records.find_deviations(row, alone | {"threads": row["threads"]}, []) == []
        assert (row["key"], row["seed"]) == (key, alone["seed"])


def test_no_task_starts_no_cluster(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert list(experiments.compute({}, DIGITS)) == []


def test_scheduler_that_does_not_answer_is_named(monkeypatch):
    with pytest.raises(SetupError, match=r"No Dask scheduler answers at nowhere"):
        next(experiments.compute({"key": TASK}, DIGITS, scheduler="nowhere"))
    # Dask closes what is left of that client when it is collected; while another one starts, it would wait
    # for itself for ever.
    gc.collect()


@pytest.mark.parametrize("missing", ["filelock", "distributed"])
def test_missing_library_is_named_with_the_command_that_brings_it(missing, monkeypatch, tmp_path):  # 26
    monkeypatch.setitem(sys.modules, missing, None)
    use = {
        "filelock": lambda: records.open_folder(tmp_path).__enter__(),
        "distributed": lambda: next(experiments.compute({"key": TASK}, DIGITS)),
    }
    with pytest.raises(SetupError, match=f"A study needs {missing}: python -m pip install"):
        use[missing]()


def test_command_makes_what_is_missing_keeps_it_and_makes_it_again(tmp_path, monkeypatch):
    tasks = [experiments.Task("baseline", replace(RECIPE, seed=seed)) for seed in (1, 2)]
    wrong = experiments.Task("wrong", replace(RECIPE, augmentation="wild"))
    monkeypatch.setitem(experiments.PLANS, "quick", lambda: [tasks[0], wrong])
    arguments = ["study", "--quick", "--dataset", "uci", "--jobs", "1", "--output", str(tmp_path)]
    result = CliRunner().invoke(cli.main, arguments)
    assert result.exit_code == 5
    assert "1 of 2 runs failed; the others are kept" in result.output
    assert "augmentation='wild' is unknown" in result.output
    before = (tmp_path / "quick.csv").read_bytes()
    monkeypatch.setitem(experiments.PLANS, "quick", lambda: tasks)
    torn = tmp_path / "runs" / "0123.json"
    torn.write_text("{")
    result = CliRunner().invoke(cli.main, arguments)
    assert result.exit_code == 0, result.output
    assert "1 set aside as *.bad, to be made again: 0123.json" in result.output
    assert "1 of 2 runs are there" in result.output
    assert (tmp_path / "quick.csv").read_bytes().startswith(before)
    assert evidence.read_study(tmp_path / "quick.csv")["seed"].to_list() == [1, 2]
    before = (tmp_path / "quick.csv").read_bytes()
    result = CliRunner().invoke(cli.main, [*arguments, "--rerun", "1"])
    assert result.exit_code == 0, result.output
    assert ": agrees" in result.output
    assert (tmp_path / "quick.csv").read_bytes() == before


def test_study_whose_runs_all_fail_leaves_no_table_and_goes_on_next_time(tmp_path, monkeypatch):
    wrong = [experiments.Task("wrong", replace(RECIPE, augmentation="wild"))]
    arguments = ["study", "--quick", "--dataset", "uci", "--jobs", "1", "--output", str(tmp_path)]
    monkeypatch.setitem(experiments.PLANS, "quick", lambda: wrong)
    result = CliRunner().invoke(cli.main, arguments)
    assert result.exit_code == 5
    assert "1 of 1 runs failed" in result.output
    assert list(tmp_path.glob("quick.*")) == []
    monkeypatch.setitem(experiments.PLANS, "quick", lambda: [TASK])
    result = CliRunner().invoke(cli.main, arguments)
    assert result.exit_code == 0, result.output
    assert len(evidence.read_study(tmp_path / "quick.csv")) == 1


@pytest.mark.parametrize("plan", [[], ["--choice"]])
def test_study_of_other_digits_is_kept_apart_from_the_published_one(plan):
    result = CliRunner().invoke(cli.main, ["study", *plan, "--dataset", "uci"])
    assert result.exit_code == 2
    assert "results is for runs on MNIST" in result.output


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process")
def test_interrupt_keeps_finished_runs_and_ends_the_workers(tmp_path):  # 15
    study = subprocess.Popen(
        [*COMMAND, "--output", str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
        # A job in the background ignores SIGINT and hands that down; somebody who presses Ctrl-C is in front.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert study.stderr.readline().startswith("1/28")
    family = psutil.Process(study.pid).children(recursive=True)
    study.send_signal(signal.SIGINT)
    _, text = study.communicate(timeout=60)
    assert study.returncode == 130, text
    assert "Interrupted; what was finished is kept." in text
    assert "Traceback" not in text
    assert list((tmp_path / "runs").glob("*.json"))
    assert not psutil.wait_procs(family, timeout=20)[1]


def test_client_needs_no_tensorflow():
    code = "import sys, mnist_helpers.experiments; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# The committed study.


def test_committed_table_holds_every_run_of_the_study_made_by_its_recipe():
    runs, tasks = evidence.read_study(), experiments.PLANS["study"]()
    assert len(runs) == len(tasks)
    for column in ("seed", "train_size", "epochs", "l2", "dropout_rate", "augmentation", "technique"):
        expected = [getattr(t.recipe, column, t.technique) for t in tasks]
        assert runs[column].to_list() == expected, column
    assert runs[["test_accuracy", "test_cross_entropy", "test_calibration_error"]].notna().all(axis=None)
    if HAS_MNIST:
        assert runs["key"].to_list() == list(experiments.name_runs("study", datasets.load("mnist")))


@needs_mnist
def test_study_that_is_complete_starts_nothing_and_leaves_its_table(tmp_path):
    for name in ("study.csv", "study.json"):
        shutil.copy(ROOT / "results" / name, tmp_path)
    result = CliRunner().invoke(cli.main, ["study", "--output", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "290 of 290 runs are there" in result.output
    assert (tmp_path / "study.csv").read_bytes() == (ROOT / "results" / "study.csv").read_bytes()


# Killed.


def read_numbers(folder):
    return evidence.read_study(folder / "quick.csv").drop(columns="seconds")


@pytest.mark.full
def test_twenty_kills_neither_lose_nor_double_a_run(tmp_path):  # 16
    kept, moments = {}, random.Random(16)
    for number in range(20):
        study = subprocess.Popen([*COMMAND, "--output", str(tmp_path)], start_new_session=True)
        children = psutil.Process(study.pid)
        time.sleep(moments.uniform(1, 20))
        family = children.children(recursive=True) if study.poll() is None else []
        study.kill()
        study.wait()
        _, alive = psutil.wait_procs(family, timeout=20)
        assert not alive, f"kill {number}: {alive} outlived the study"
        now = {path: path.read_bytes() for path in (tmp_path / "runs").glob("*.json")}
        assert kept.items() <= now.items(), f"kill {number} touched a finished run"
        kept = now
        if len(kept) == len(experiments.PLANS["quick"]()):  # so that the next kills hit work as well
            for path in list(kept)[:4]:
                path.unlink()
                del kept[path]
    assert kept, "no run was finished between the kills: the test would show nothing"
    subprocess.run([*COMMAND, "--output", str(tmp_path)], check=True)
    assert {path: path.read_bytes() for path in kept} == kept
    subprocess.run([*COMMAND, "--output", str(tmp_path / "uninterrupted")], check=True)
    pd.testing.assert_frame_equal(
        read_numbers(tmp_path), read_numbers(tmp_path / "uninterrupted"), check_exact=True
    )


@needs_mnist
@pytest.mark.full
def test_runs_picked_at_random_agree_when_they_are_made_again():
    command = [*COMMAND[:2], "--rerun", "5"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
    assert result.stdout.count(": agrees") == 5
