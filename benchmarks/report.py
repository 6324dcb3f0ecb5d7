"""Keep the results of the benchmarks in results/benchmarks.json and format them as the README's table."""

import json
import statistics
from pathlib import Path
from typing import Any

from mnist_helpers import environment

RESULTS = Path(__file__).resolve().parents[1] / "results" / "benchmarks.json"


def read(path: Path = RESULTS) -> dict[str, Any]:
    """Return the stored results.

    Parameters
    ----------
    path : Path
        File of the results.

    Returns
    -------
    dict
        The environment and the result of each benchmark, by name; empty where there is no file.
    """
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def store(name: str, found: dict[str, Any], path: Path = RESULTS) -> None:
    """Store a benchmark's result in place of its former one; the other results stay.

    Parameters
    ----------
    name : str
        Name of the benchmark.
    found : dict
        What its `measure` returned.
    path : Path
        File of the results. It is written completely or not at all.
    """
    machine = environment.describe()
    results = {"environment": machine} | read(path) | {name: found}
    # A benchmark that is repeated alone may run on a machine other than the first one's.
    results["environments"] = results.get("environments", {}) | {name: machine}
    path.parent.mkdir(exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
    draft.replace(path)


def format_table(results: dict[str, Any]) -> str:
    """Return the README's table.

    Parameters
    ----------
    results : dict
        Results of all benchmarks, as `read` returns them.

    Returns
    -------
    str
        The machine, and a table in Markdown.
    """
    rows = [("measured", "reference", "ratio, with the lowest and the highest"), ("---", "---", "---")]
    where = results["environment"]
    for name, format_rows in _FORMATS.items():
        processor = find_environment(results, name)["processor"]
        other = "" if processor == where["processor"] else f" (on {processor})"
        rows += [(f"{measured}{other}", *rest) for measured, *rest in format_rows(results[name])]
    machine = f"{where['cores']} cores ({where['processor']}), TensorFlow {where['tensorflow']}"
    return "\n".join([f"Measured on {machine}:", "", *(f"| {' | '.join(row)} |" for row in rows)])


def find_environment(results: dict[str, Any], name: str) -> dict[str, str]:
    """Return the environment in which a benchmark was made.

    Parameters
    ----------
    results : dict
        Results of benchmarks, as `read` returns them.
    name : str
        Name of the benchmark.

    Returns
    -------
    dict of str to str
        As `mnist_helpers.environment.describe` returns it.
    """
    return results.get("environments", {}).get(name, results["environment"])


def format_jobs(jobs: int) -> str:
    """Return how many lessons ran at once, as text.

    Parameters
    ----------
    jobs : int
        The number, at least 1.

    Returns
    -------
    str
        Such as ``"2 lessons at once"``.
    """
    return f"{jobs} lessons at once" if jobs > 1 else "one lesson at a time"


def _ratio(found: dict[str, float]) -> str:
    if found["lowest"] == found["highest"]:
        return f"{found['ratio']:.2f} (one measurement)"
    return f"{found['ratio']:.2f} ({found['lowest']:.2f} to {found['highest']:.2f})"


def _format_trainings(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    mean = {name: f"{value:.2f} %" for name, value in found["mean test accuracy"].items()}
    runs = {name: len(values) for name, values in found["test accuracy"].items()}
    errors = {name: 100 - value for name, value in found["mean test accuracy"].items()}
    return [
        (
            f"Fast recipe: {mean['fast']}, mean of {runs['fast']} seeds",
            f"one training of the article: {mean['article']}, mean of {runs['article']} seeds",
            f"time in `fit`: {_ratio(found['fast against one training of the article'])}",
        ),
        (
            f"Tuned recipe with test-time augmentation: {mean['tuned']}, mean of {runs['tuned']} seeds",
            "the article's six trainings together",
            f"time in `fit`: {_ratio(found['tuned against six trainings of the article'])}; "
            f"test errors, against one training of the article: {errors['tuned'] / errors['article']:.2f}",
        ),
    ]


def _format_peers(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    rows = []
    for name, peer in found.items():
        mean = {each: statistics.mean(run["accuracy"] for run in peer[each]) for each in ("fast", "peer")}
        ratio = f"time in `fit`: {_ratio(peer['fast against it'])}"
        rows.append((f"Fast recipe: {mean['fast']:.2f} %", f"{name}: {mean['peer']:.2f} %", ratio))
    return rows


def _format_layers(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    throughput = found["RandomAffine's throughput against the stack's, batches of 128"]
    rows = [("`RandomAffine`, images per second", "four Keras layers in a row", _ratio(throughput))]
    for name, title in (("cnn", "article's network"), ("tuned", "tuned network")):
        ratio = f"time: {_ratio(found[f'augmented epoch against a plain one, {name}'])}"
        rows.append((f"An epoch with `RandomAffine`, {title}", "an epoch without", ratio))
    return rows


def _format_memory(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    ratio = f"memory: {_ratio(found['float32 against bytes'])}"
    return [("Training on float32 images", "training on bytes", ratio)]


def _format_series(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    full = found["full"]
    peak = max(lesson["peak MB"] for lesson in full["lessons"].values())
    return [
        (
            f"The series, {format_jobs(full['jobs'])}: {full['seconds']:.0f} s, no kernel above {peak} MB",
            "the article's six trainings",
            f"time: {_ratio(found['full against six trainings of the article'])}",
        ),
        ("All lessons in the quick profile, two jobs", "", f"{found['quick, two jobs']['seconds']:.0f} s"),
    ]


def _format_steps(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (
            f"Arithmetic in a training step, {name} network: {network['GFLOP/s in steps']:.0f} GFLOP/s",
            f"large matrix products: {network['GFLOP/s in products']:.0f} GFLOP/s",
            _ratio(network["steps' rate against the products'"]),
        )
        for name, network in found.items()
    ]


def _format_study(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    seconds = statistics.median(found["seconds"]["two"])
    speed = _ratio(found["two workers' speed against one's"])
    return [(f"Quick study, two workers: {seconds:.0f} s", "one worker", f"speed: {speed}")]


_FORMATS = {
    "trainings": _format_trainings,
    "peers": _format_peers,
    "layers": _format_layers,
    "memory": _format_memory,
    "series": _format_series,
    "steps": _format_steps,
    "study": _format_study,
}
