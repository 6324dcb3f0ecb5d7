"""The benchmarks: their arithmetic, their command, and two of them run for real on few images."""

import json
import os

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks import __main__ as command
from benchmarks import common, layers, memory, peers, report, series, steps, study, trainings
from mnist_helpers.errors import DataError


def test_measured_and_reference_are_compared_pair_by_pair():
    found = common.compare_ratios([1.0, 4.0, 3.0], [2.0, 2.0, 1.0])
    assert found == {"ratio": 2.0, "lowest": 0.5, "highest": 3.0}


def test_median_stands_for_a_reference_of_different_length():
    found = common.compare_ratios([1.0, 2.0], [4.0, 2.0, 3.0])
    assert found == {"ratio": 0.5, "lowest": 0.333, "highest": 0.667}


def test_tasks_take_turns_in_reversed_order_every_second_round():
    order = []
    seconds = common.take_turns(3, a=lambda: order.append("a"), b=lambda: order.append("b"))
    assert order == list("abbaab")
    assert {name: len(values) for name, values in seconds.items()} == {"a": 3, "b": 3}


def test_function_runs_in_a_different_process():
    assert common.run_apart(os.getpid) != os.getpid()


def test_article_trains_six_times():
    assert len(trainings.ARTICLE) == 6


def make_trainings(article_seconds):
    """Return trainings in which only the article's with a technique have an accuracy of 50 %."""
    article = [
        {"seconds": seconds, "accuracy": 50.0 if technique else 99.0}
        for seconds, technique in zip(article_seconds, trainings.ARTICLE.values(), strict=True)
    ]
    return {
        "article": article,
        "fast": [{"seconds": 1.0, "accuracy": 98.0}, {"seconds": 2.0, "accuracy": 99.0}],
        "tuned": [{"seconds": 42.0, "accuracy": 99.5}],
    }


def test_fast_is_compared_with_one_training_and_tuned_with_all_six():
    found = trainings.summarize(make_trainings([2.0, 3.0, 4.0, 4.0, 4.0, 4.0]))
    fast = found["fast against one training of the article"]
    tuned = found["tuned against six trainings of the article"]
    assert found["six trainings"] == 21.0
    assert (fast["lowest"], fast["highest"]) == (0.25, 0.5)  # against the median of 4 s
    assert tuned["ratio"] == 2.0


def test_accuracy_of_the_article_comes_from_trainings_without_technique():
    found = trainings.summarize(make_trainings([1.0] * 6))
    assert found["mean test accuracy"] == {"article": 99.0, "fast": 98.5, "tuned": 99.5}


class FakeNetwork:
    """A network that knows nothing and remembers the largest pixel that it was tested on."""

    def fit(self, images, labels, verbose, **settings):
        self.settings = settings

    def predict(self, images, verbose):
        self.largest = images.max()
        return np.eye(10)[np.zeros(len(images), int)]


@pytest.mark.parametrize(("dtype", "largest"), [("uint8", 255), ("float32", 1)])
def test_test_images_are_scaled_like_training_images(dtype, largest):
    network = FakeNetwork()
    found = trainings.time_fit(network, np.zeros((1, 28, 28, 1), dtype), np.zeros(1), "uci", epochs=7)
    assert network.largest == largest
    assert network.settings == {"epochs": 7}
    assert 5 < found["accuracy"] < 15  # it calls every digit a 0


def test_operations_of_a_network_are_counted():
    import keras
    from keras import layers

    convolution = [keras.Input((6, 6, 2)), layers.Conv2D(3, 3), layers.MaxPooling2D(), layers.Flatten()]
    network = keras.Sequential([*convolution, layers.Dense(5)])
    assert steps.count_operations(network) == 2 * (4 * 4 * 3 * 3 * 2 * 3 + 2 * 2 * 3 * 5)


def test_article_and_fast_recipe_train_on_the_uci_digits():
    from mnist_helpers import recipes

    article = trainings.train_article(trainings.ARTICLE["all together"], 0, "uci")
    fast = trainings.train_recipe(recipes.FAST, 0, "uci")
    assert article["accuracy"] > 80
    assert fast["accuracy"] > 20  # chance gives 10: an epoch of the UCI digits has six steps
    assert min(article["seconds"], fast["seconds"]) > 0


def test_tuned_recipe_is_tested_with_test_time_augmentation(monkeypatch):
    from mnist_helpers import models, recipes, training

    run = training.Run(recipes.TUNED, 3.0, 1, 0.0, 0.0, 0.0, 0.0, {})
    monkeypatch.setattr(training, "train", lambda recipe, digits: (FakeNetwork(), run))
    seen = []
    monkeypatch.setattr(models, "with_test_time_augmentation", lambda net: seen.append(net) or net)
    trainings.train_recipe(recipes.FAST, 0, "uci")
    assert seen == []
    assert trainings.train_recipe(recipes.TUNED, 0, "uci")["seconds"] == 3.0
    assert len(seen) == 1


def test_peak_of_a_small_training_is_measured():
    assert 100 < common.run_apart(memory.measure_peak, "float32", 2, "uci") < 10_000


@pytest.mark.full
def test_small_memory_benchmark_measures_every_kind_of_images():
    found = memory.measure(n_steps=2, rounds=1, dataset="uci")
    assert found.keys() == report.read()["memory"].keys()
    assert all(100 < peak < 10_000 for peaks in found["peak MB"].values() for peak in peaks)


@pytest.mark.full
def test_small_steps_benchmark_measures_every_network():
    found = steps.measure(n_images=128, rounds=2, dataset="uci")
    assert found.keys() == report.read()["steps"].keys()
    for network in found.values():
        ratio = network.pop("steps' rate against the products'")
        assert min(*network.values(), *ratio.values()) > 0


@pytest.mark.full
def test_small_layers_benchmark_measures_layers_and_epochs():
    found = layers.measure(n_images=256, layer_rounds=2, epoch_rounds=2, dataset="uci")
    assert found.keys() == report.read()["layers"].keys()
    assert all(each["lowest"] > 0 for each in found.values())


def test_series_of_one_quick_lesson_is_timed():
    from mnist_helpers.lessons import texts

    found = series.run_series(texts.find_lessons(["01"]), jobs=1, quick=True)
    (lesson,) = found["lessons"].values()
    assert found["jobs"] == 1
    assert 0 < lesson["seconds"] <= found["seconds"] + 1
    assert lesson["peak MB"] is None or lesson["peak MB"] > 50


def test_study_is_run_with_one_and_two_workers_in_turns(monkeypatch):
    calls = []
    monkeypatch.setattr(study, "run_quick_study", calls.append)
    assert study.measure(rounds=2)["seconds"].keys() == {"one", "two"}
    assert calls == [1, 2, 2, 1]


def test_pytorch_is_left_out_where_torch_is_not_installed(monkeypatch):
    called = []

    def train(function, *arguments):
        called.append(function)
        return {"seconds": 1.0 + len(called), "accuracy": 99.0}

    monkeypatch.setattr(peers, "run_apart", train)
    monkeypatch.setattr(peers.environment, "installed_version", lambda name: None)
    (found,) = peers.measure().values()
    assert called == [peers.train_keras_io, peers.train_recipe]
    assert found["fast against it"]["ratio"] == 1.5
    monkeypatch.setattr(peers.environment, "installed_version", lambda name: "2.0")
    assert len(peers.measure()) == 2


def test_stored_result_replaces_its_predecessor_and_keeps_others(tmp_path):
    path = tmp_path / "results" / "benchmarks.json"
    report.store("memory", {"a": 1}, path)
    report.store("layers", {"b": "±"}, path)
    report.store("memory", {"a": 2}, path)
    found = report.read(path)
    machine = found.pop("environment")
    assert machine.keys() == report.read()["environment"].keys()
    assert found.pop("environments") == {"memory": machine, "layers": machine}
    assert found == {"memory": {"a": 2}, "layers": {"b": "±"}}
    assert list(path.parent.iterdir()) == [path]


def test_stored_results_are_those_of_all_benchmarks():
    assert report.read().keys() - {"environments"} == {"environment", *command.BENCHMARKS}


def test_result_from_a_different_machine_says_so():
    results = report.read() | {"environments": {"memory": {"processor": "Other"}}}
    [row] = [line for line in report.format_table(results).splitlines() if "float32" in line]
    assert row.startswith("| Training on float32 images (on Other) |")
    assert "(on " not in report.format_table(results | {"environments": {}})


@pytest.mark.parametrize("name", command.BENCHMARKS)
def test_each_changed_benchmark_changes_the_table(name):
    results = report.read()
    table = report.format_table(results)
    results[name] = json.loads(json.dumps(results[name]), parse_float=lambda text: 3 * float(text))
    assert report.format_table(results) != table


def test_single_measurement_is_told_from_a_range():
    results = report.read()
    results["memory"]["float32 against bytes"] = {"ratio": 2.0, "lowest": 2.0, "highest": 2.0}
    assert "| memory: 2.00 (one measurement) |" in report.format_table(results)
    results["memory"]["float32 against bytes"] = {"ratio": 2.0, "lowest": 1.5, "highest": 2.5}
    assert "| memory: 2.00 (1.50 to 2.50) |" in report.format_table(results)


@pytest.fixture
def recorded(monkeypatch):
    """Replace what each benchmark does by the name of its result, and return what the command stores."""
    stored = {}
    for name, module in command.BENCHMARKS.items():
        monkeypatch.setattr(module, "measure", lambda name=name: {"result of": name})
    monkeypatch.setattr(command.report, "store", stored.__setitem__)
    monkeypatch.setattr(command.datasets, "load", lambda dataset: None)
    return stored


@pytest.mark.parametrize("names", [["memory"], ["steps", "layers"], []])
def test_command_stores_the_named_benchmarks_or_all(names, recorded):
    result = CliRunner().invoke(command.main, names)
    assert result.exit_code == 0, result.output
    assert recorded == {name: {"result of": name} for name in names or command.BENCHMARKS}


def test_command_refuses_an_unknown_benchmark(recorded):
    assert CliRunner().invoke(command.main, ["memory", "speed"]).exit_code == 2
    assert recorded == {}


def test_command_measures_nothing_without_mnist(recorded, monkeypatch):
    def refuse(dataset):
        assert dataset == "mnist"
        raise DataError("no MNIST")

    monkeypatch.setattr(command.datasets, "load", refuse)
    assert isinstance(CliRunner().invoke(command.main, []).exception, DataError)
    assert recorded == {}
