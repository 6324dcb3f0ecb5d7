"""Measure what the README says about time, memory and accuracy, each against its reference in the same go.

Usage: python benchmarks/bench.py [SECTION]...; all sections take about 50 minutes on 2 cores

    trainings  the fast and the tuned recipe against the article's six trainings: time in fit, test accuracy
    peers      keras.io's MNIST convnet, and PyTorch's MNIST example where torch is installed
    layers     RandomAffine against a stack of Keras layers; an augmented epoch against a plain one
    memory     peak of a training on bytes, as here, against one on floats, as in most tutorials
    series     all lessons in full, and in the quick profile with two jobs, against the six trainings
    steps      arithmetic in training steps against the machine's rate in matrix products
    study      the quick study with two workers against one

Machines differ and are noisy, so what counts are ratios within one go, with the lowest and the highest.
Each finished section goes into results/benchmarks.json and replaces what stood there.
"""

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent import futures
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import click
import numpy as np
from tqdm import tqdm

from mnist_helpers import cli, datasets, environment, notebooks

RESULTS = Path(__file__).resolve().parents[1] / "results" / "benchmarks.json"
SEEDS = range(5)
# What the article trains: five passes through 60,000 images each time, in batches of 32.
ARTICLE = {
    "baseline": {},
    "L2": {"l2": 1e-4},
    "dropout": {"dropout_rate": 0.2},
    "augmentation that fit never saw": {},
    "early stopping": {},
    "all together": {"l2": 1e-4, "dropout_rate": 0.2},
}


def apart(function, *arguments):
    """Call a function in a new process, so that nothing is warm and memory is its own."""
    with futures.ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


def compare(measured, reference):
    """Return the median ratio of what was measured in turns, with the lowest and the highest.

    Where the reference has another number of values, its median stands for each.
    """
    if len(reference) != len(measured):
        reference = [statistics.median(reference)] * len(measured)
    ratios = [one / other for one, other in zip(measured, reference, strict=True)]
    summary = {"ratio": statistics.median(ratios), "lowest": min(ratios), "highest": max(ratios)}
    return {name: round(value, 3) for name, value in summary.items()}


def take_turns(rounds, **tasks):
    """Time tasks in turn, forth and back, and return ``{name: seconds of each round}``."""
    seconds = {name: [] for name in tasks}
    for number in range(rounds):
        for name in list(tasks)[:: -1 if number % 2 else 1]:
            start = time.perf_counter()
            tasks[name]()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def time_fit(network, images, labels, **settings):
    """Return the seconds inside `fit`, tracing included, and the accuracy on the test set, in percent."""
    start = time.perf_counter()
    network.fit(images, labels, verbose=0, **settings)
    seconds = time.perf_counter() - start
    return report(network, seconds, divisor=255 if images.dtype == np.float32 else 1)


def report(network, seconds, divisor=1):
    """Return the seconds, and the accuracy on the test set, its bytes divided like the training images."""
    x_test, y_test = datasets.load("mnist").open_test()
    right = network.predict(x_test.astype("float32") / divisor, verbose=0).argmax(axis=1) == y_test
    return {"seconds": round(seconds, 2), "accuracy": round(100 * float(right.mean()), 2)}


def train_as_the_article(technique, seed):
    """Train the article's network with its settings, on all 60,000 images."""
    import keras

    from mnist_helpers import models

    digits = datasets.load("mnist").merge()
    keras.utils.set_random_seed(seed)
    network = models.build_cnn(**technique, seed=seed)
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return time_fit(network, digits.x_train, digits.y_train, batch_size=32, epochs=5)


def train_recipe(name, seed):
    """Train one of the named recipes on all 60,000 images; the tuned network reads at five places."""
    from mnist_helpers import models, training

    recipe = replace(getattr(training, name), train_size=60_000, validation_size=0, curve_size=0, seed=seed)
    network, run = training.train(recipe, datasets.load("mnist"))
    return report(models.average_over_shifts(network) if name == "TUNED" else network, run.seconds)


def bench_trainings():
    """Train as the article does, fast and tuned, in turn."""
    found = {"article": [], "fast": [], "tuned": []}
    with tqdm(total=len(ARTICLE) + 2 * len(SEEDS), desc="trainings", unit="training") as bar:
        for seed, technique in enumerate(ARTICLE.values()):
            turn = {"article": (train_as_the_article, technique, seed)}
            if seed in SEEDS:
                turn |= {name: (train_recipe, name.upper(), seed) for name in ("fast", "tuned")}
            for name in list(turn)[:: -1 if seed % 2 else 1]:
                found[name].append(apart(*turn[name]))
                bar.set_postfix_str(f"{name} {found[name][-1]}")
                bar.update()
    seconds = {name: [run["seconds"] for run in runs] for name, runs in found.items()}
    accuracy = {name: [run["accuracy"] for run in found[name]] for name in ("fast", "tuned")}
    # The article's accuracy is that of its first network: of trainings in which nothing else was at work.
    pairs = zip(found["article"], ARTICLE.values(), strict=True)
    accuracy = {"article": [run["accuracy"] for run, technique in pairs if not technique], **accuracy}
    return {
        "seconds": seconds,
        "six trainings": round(sum(seconds["article"]), 1),
        "test accuracy": accuracy,
        "mean test accuracy": {name: round(statistics.mean(each), 3) for name, each in accuracy.items()},
        "fast against one training of the article": compare(seconds["fast"], seconds["article"]),
        "tuned against six trainings of the article": compare(seconds["tuned"], [sum(seconds["article"])]),
    }


def train_as_keras_io(seed):
    """Train the network of keras.io's "Simple MNIST convnet" with its settings."""
    import keras
    from keras import layers

    digits = datasets.load("mnist").merge()
    keras.utils.set_random_seed(seed)
    network = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    images = digits.x_train.astype("float32") / 255
    return time_fit(network, images, digits.y_train, batch_size=128, epochs=15, validation_split=0.1)


def train_as_pytorch(seed):
    """Train the network of PyTorch's MNIST example with its settings, for its first two of 14 epochs."""
    import torch
    from torch import nn

    digits = datasets.load("mnist").merge()
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
        nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10),
    )  # fmt: skip
    pairs = {"training": (digits.x_train, digits.y_train), "test": digits.open_test()}
    images = {
        name: (torch.tensor(x).float().permute(0, 3, 1, 2) / 255 - 0.1307) / 0.3081
        for name, (x, _) in pairs.items()
    }
    labels = {name: torch.tensor(y).long() for name, (_, y) in pairs.items()}
    optimizer = torch.optim.Adadelta(network.parameters(), lr=1.0)
    start = time.perf_counter()
    for _ in range(2):
        for chosen in torch.randperm(len(images["training"])).split(64):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(
                network(images["training"][chosen]), labels["training"][chosen]
            )
            loss.backward()
            optimizer.step()
        for group in optimizer.param_groups:
            group["lr"] *= 0.7
    seconds = time.perf_counter() - start
    network.eval()
    with torch.no_grad():
        parts = [network(part).argmax(1) for part in images["test"].split(1000)]
    accuracy = (torch.cat(parts) == labels["test"]).float().mean().item()
    return {"seconds": round(seconds, 2), "accuracy": round(100 * accuracy, 2)}


def bench_peers():
    """Train what others teach with, and the fast recipe in turn."""
    peers = {"keras.io convnet, 15 epochs": train_as_keras_io}
    if environment.installed_version("torch"):
        peers["PyTorch example, 2 epochs"] = train_as_pytorch
    found = {}
    for name, train in peers.items():
        runs = {"peer": [], "fast": []}
        for seed in SEEDS[:1]:
            runs["peer"].append(apart(train, seed))
            runs["fast"].append(apart(train_recipe, "FAST", seed))
        seconds = [[run["seconds"] for run in runs[kind]] for kind in ("fast", "peer")]
        found[name] = {**runs, "fast against it": compare(*seconds)}
    return found


def bench_layers():
    """Time RandomAffine against Keras's layers, then epochs with it against epochs without."""
    return apart(_bench_layers)


def _bench_layers():
    import keras
    import tensorflow as tf
    from keras import layers

    from mnist_helpers import augmentation, training

    paper = {"fill_mode": "constant"}
    stack = keras.Sequential(
        [
            layers.RandomRotation(10 / 360, **paper),
            layers.RandomTranslation(2 / 28, 2 / 28, **paper),
            layers.RandomZoom(0.1, 0.1, **paper),
            layers.RandomShear(0.1, 0.1, **paper),
        ]
    )
    fused = augmentation.RandomAffine(**augmentation.GENTLE)
    digits, found = datasets.load("mnist").subset(12_800), {}
    for size in (32, 128):
        batch, loops = tf.constant(digits.x_train[:size].astype("float32")), 12_800 // size

        def repeat(layer, batch=batch, loops=loops):
            @tf.function
            def run():
                total = 0.0
                for _ in tf.range(loops):
                    total += layer(batch, training=True)[0, 14, 14, 0]
                return total

            run()  # the first call builds the graph
            return run

        seconds = take_turns(8, stack=repeat(stack), fused=repeat(fused))
        found[f"RandomAffine's throughput against the stack's, batches of {size}"] = {
            "images a second": round(loops * size / statistics.median(seconds["fused"])),
            **compare(seconds["stack"], seconds["fused"]),
        }
    for name, recipe in (("cnn", training.Recipe()), ("tuned", training.TUNED)):
        tasks = {}
        for ranges in ("none", "gentle"):
            # Like `training.fit`, but epoch by epoch.
            varied = replace(recipe, augmentation=ranges, epochs=1, curve_size=0)
            network, _ = training.train(replace(varied, train_size=1_280), digits)
            fit = {"x": digits.x_train, "y": digits.y_train, "batch_size": recipe.batch_size, "verbose": 0}
            tasks[ranges] = partial(network.fit, **fit)
        seconds = take_turns(6, **tasks)
        found[f"augmented epoch against a plain one, {name}"] = compare(seconds["gentle"], seconds["none"])
    return found


def train_and_weigh(kind):
    """Return the peak of resident memory in MB (10^6 bytes) of a short training on bytes or on floats."""
    import keras

    from mnist_helpers import models

    digits = datasets.load("mnist").merge()
    images, network = digits.x_train, models.build_cnn(seed=0)
    if kind != "bytes":
        images = images.astype(kind) / 255
        network = keras.Sequential([keras.Input((28, 28, 1)), *network.layers[1:]])
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], steps_per_execution=32)
    network.fit(images, digits.y_train, batch_size=128, epochs=1, steps_per_epoch=64, verbose=0)
    from resource import RUSAGE_SELF, getrusage

    return round(getrusage(RUSAGE_SELF).ru_maxrss * (1024 if sys.platform == "linux" else 1) / 1e6)


def bench_memory():
    """Weigh trainings on bytes, which the network scales, and on floats that are scaled before."""
    peak = {
        kind: [apart(train_and_weigh, kind) for _ in range(3)] for kind in ("bytes", "float32", "float64")
    }
    ratios = {f"{kind} against bytes": compare(peak[kind], peak["bytes"]) for kind in ("float32", "float64")}
    return {"peak MB": peak, **ratios}


def bench_series():
    """Run the lessons in full, one of the article's trainings after them, then the quick profile."""
    found, lessons = {}, notebooks.find_lessons()
    profiles = {"full": {"jobs": cli.count_jobs()}, "quick, two jobs": {"quick": True, "jobs": 2}}
    for name, settings in profiles.items():
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            results = list(notebooks.run_lessons(lessons, Path(folder), **settings))
            seconds = round(time.perf_counter() - start, 1)
        if failed := [result for result in results if result.error]:
            raise click.ClickException(f"a lesson failed: {failed[0]}")
        results.sort(key=lambda result: result.lesson)
        each = {r.lesson: {"seconds": round(r.seconds), "peak MB": round(r.peak_megabytes)} for r in results}
        found[name] = {"jobs": settings["jobs"], "seconds": seconds, "lessons": each}
        if name == "full":
            article = apart(train_as_the_article, {}, 0)["seconds"]
    trainings = len(ARTICLE) * article
    found["full against six trainings of the article"] = compare([found["full"]["seconds"]], [trainings])
    return {"one training of the article, seconds": article, **found}


def bench_steps():
    """Set the arithmetic rate of training steps against that of large matrix products."""
    return apart(_bench_steps)


def _bench_steps():
    import tensorflow as tf

    from mnist_helpers import training

    digits, found = datasets.load("mnist").subset(12_800), {}
    square = tf.random.normal((2048, 2048))
    multiply = tf.function(lambda: tf.reduce_sum(square @ square))
    for name, recipe in (("cnn", training.Recipe()), ("fast", training.FAST), ("tuned", training.TUNED)):
        recipe = replace(recipe, epochs=1, curve_size=0, train_size=1_280)
        network, _ = training.train(recipe, digits)
        work = 0  # multiplications and additions for one image, forwards
        for layer in network.layers:
            if (kernel := getattr(layer, "kernel", None)) is not None:
                places = layer.output.shape[1:-1]  # where a convolution looks; a dense layer has one
                work += 2 * math.prod(kernel.shape) * math.prod(places)
        epoch = 3 * work * len(digits.x_train)  # backwards: once for the inputs, once for the weights
        fit = {"x": digits.x_train, "y": digits.y_train, "batch_size": recipe.batch_size, "verbose": 0}
        products = lambda: [multiply().numpy() for _ in range(20)]  # noqa: E731
        seconds = take_turns(6, steps=partial(network.fit, **fit), product=products)
        rates = {"steps": [epoch / s for s in seconds["steps"]]}
        rates["product"] = [20 * 2 * 2048**3 / s for s in seconds["product"]]
        found[name] = {
            "milliseconds a step": round(
                1000 * statistics.median(seconds["steps"]) * recipe.batch_size / len(digits.x_train), 2
            ),
            "GFLOP/s in steps": round(statistics.median(rates["steps"]) / 1e9, 1),
            "GFLOP/s in products": round(statistics.median(rates["product"]) / 1e9, 1),
            "steps' rate against the products'": compare(rates["steps"], rates["product"]),
        }
    return found


def bench_study():
    """Make the quick study with one worker and with two, in turn."""

    def make(jobs):
        with tempfile.TemporaryDirectory() as folder:
            command = ["mnist-helpers", "study", "--quick", "--jobs", str(jobs), "--output", folder]
            command[0] = str(Path(sys.executable).with_name(command[0]))
            subprocess.run(command, check=True, capture_output=True)

    seconds = take_turns(3, one=partial(make, 1), two=partial(make, 2))
    rounded = {name: [round(value, 1) for value in values] for name, values in seconds.items()}
    return {"seconds": rounded, "two workers' speed against one's": compare(seconds["one"], seconds["two"])}


def format_readme(results):
    """Return the README's table of the results, in Markdown."""

    def ratio(found):
        if found["lowest"] == found["highest"]:
            return f"{found['ratio']:.2f} (one measurement)"
        return f"{found['ratio']:.2f} ({found['lowest']:.2f} to {found['highest']:.2f})"

    trainings, layers, series = results["trainings"], results["layers"], results["series"]
    mean = {name: f"{value:.2f} %" for name, value in trainings["mean test accuracy"].items()}
    full, quick = series["full"], series["quick, two jobs"]
    wrong = {name: 100 - value for name, value in trainings["mean test accuracy"].items()}
    n_article = len(trainings["test accuracy"]["article"])
    rows = [
        (
            f"Fast recipe: {mean['fast']}, mean of {len(SEEDS)} seeds",
            f"one training of the article: {mean['article']}, mean of {n_article}",
            f"time in `fit`: {ratio(trainings['fast against one training of the article'])}",
        ),
        (
            f"Tuned recipe, read at five places: {mean['tuned']}, mean of {len(SEEDS)} seeds",
            "the article's six trainings together",
            f"time in `fit`: {ratio(trainings['tuned against six trainings of the article'])}; "
            f"errors against those trainings of its first network: {wrong['tuned'] / wrong['article']:.2f}",
        ),
    ]
    for name, peer in results["peers"].items():
        fast, other = (statistics.mean(run["accuracy"] for run in peer[each]) for each in ("fast", "peer"))
        time_ratio = f"time in `fit`: {ratio(peer['fast against it'])}"
        rows.append((f"Fast recipe: {fast:.2f} %", f"{name}: {other:.2f} %", time_ratio))
    stack, cnn, tuned = (
        next(found for name, found in layers.items() if name.endswith(end))
        for end in ("batches of 128", "cnn", "tuned")
    )
    peak, memory = max(each["peak MB"] for each in full["lessons"].values()), results["memory"]
    rows += [
        ("`RandomAffine`, images a second", "four Keras layers in a row", ratio(stack)),
        ("An epoch with `RandomAffine`, article's network", "without", f"time: {ratio(cnn)}"),
        ("An epoch with `RandomAffine`, tuned network", "without", f"time: {ratio(tuned)}"),
        (
            "Training on float32 images",
            "training on bytes",
            f"memory: {ratio(memory['float32 against bytes'])}",
        ),
        (
            f"All lessons, {full['jobs']} at once: {full['seconds']:.0f} s, no kernel above {peak} MB",
            "the article's six trainings",
            f"time: {ratio(series['full against six trainings of the article'])}",
        ),
        ("All lessons in the quick profile, two jobs", "", f"{quick['seconds']:.0f} s"),
    ]
    rows += [
        (
            f"Arithmetic in a training step, {name} network: {found['GFLOP/s in steps']:.0f} GFLOP/s",
            f"large matrix products: {found['GFLOP/s in products']:.0f} GFLOP/s",
            ratio(found["steps' rate against the products'"]),
        )
        for name, found in results["steps"].items()
    ]
    study = results["study"]
    seconds = statistics.median(study["seconds"]["two"])
    speed = ratio(study["two workers' speed against one's"])
    rows.append((f"Quick study, two workers: {seconds:.0f} s", "one worker", f"speed: {speed}"))
    table = [("what", "reference", "ratio, with the lowest and the highest"), ("---",) * 3, *rows]
    where = results["environment"]
    machine = f"{where['cores']} cores ({where['processor']}), TensorFlow {where['tensorflow']}"
    return "\n".join([f"Measured on {machine}:", "", *(f"| {' | '.join(row)} |" for row in table)])


SECTIONS = {
    "trainings": bench_trainings,
    "peers": bench_peers,
    "layers": bench_layers,
    "memory": bench_memory,
    "series": bench_series,
    "steps": bench_steps,
    "study": bench_study,
}


@click.command(help=__doc__.replace("\n\n", "\n\n\b\n"))
@click.argument("sections", nargs=-1, type=click.Choice(list(SECTIONS)))
def main(sections):  # noqa: D103 — the help says it
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    datasets.load("mnist")  # refused before work starts where there is none
    for name in sections or SECTIONS:
        found = SECTIONS[name]()
        results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        results |= {"environment": environment.describe(), name: found}
        RESULTS.parent.mkdir(exist_ok=True)
        draft = RESULTS.with_suffix(".part")
        draft.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        draft.replace(RESULTS)
        click.echo(f"{name}\n{json.dumps(found, indent=1, ensure_ascii=False)}")
    if results.keys() >= SECTIONS.keys():
        readme = RESULTS.parents[1] / "README.md"
        before, start, rest = readme.read_text(encoding="utf-8").partition("<!-- benchmarks -->\n")
        _, end, after = rest.partition("\n<!-- end of benchmarks -->")
        text = "".join((before, start, format_readme(results), end, after))
        readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
