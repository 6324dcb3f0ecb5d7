"""Write every generated part of the documents: tables of the study, benchmarks, lessons and make targets."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import documents
import messages
import study

from benchmarks import report
from mnist_helpers.study import charts, findings

ROOT = Path(__file__).resolve().parents[1]
# The targets that the README shows; CONTRIBUTING lists all.
FIRST_TARGETS = ("lab", "run", "test", "book")
LESSONS = {
    "01_data_exploration": "Data exploration",
    "02_baseline_cnn": "Baseline CNN",
    "03_l2_regularization": "L2 regularization",
    "04_dropout": "Dropout",
    "05_data_augmentation": "Data augmentation",
    "06_early_stopping": "Early stopping",
    "07_conclusion": "Conclusion",
}


def format_targets(makefile: str, names: Collection[str] = ()) -> str:
    """Return make targets with their descriptions as a Markdown table.

    Parameters
    ----------
    makefile : str
        Text of the Makefile. A target's description follows ``##`` on its line.
    names : collection of str
        Targets to list, in this order; empty: all, in the Makefile's order.

    Returns
    -------
    str
        One row per target.

    Raises
    ------
    KeyError
        If the Makefile has no such target.
    """
    targets = dict(re.findall(r"(?m)^([a-z-]+):.*?  ## (.+)$", makefile))
    rows = [f"| `make {name}` | {targets[name]} |" for name in names or targets]
    return "\n".join(["| command | what it does |", "| --- | --- |", *rows])


def format_lessons(benchmarks: dict[str, Any]) -> str:
    """Return the lessons, their questions and their measured times as a Markdown table.

    Parameters
    ----------
    benchmarks : dict
        Results, as `benchmarks.report.read` returns them.

    Returns
    -------
    str
        One row per lesson, and a sentence on how the times were measured.
    """
    full = benchmarks["series"]["full"]
    rows = ["| lesson | question | time |", "| --- | --- | --- |"]
    for name, title in LESSONS.items():
        text = (ROOT / "lessons" / f"{name}.py").read_text(encoding="utf-8")
        question = re.search(r"(?m)^# # \d\d · (.+)$", text)[1]
        link = f"[{name[:2]} {title}](notebooks/{name}.ipynb)"
        rows.append(f"| {link} | {question} | {full['lessons'][name]['seconds']} s |")
    where = report.find_environment(benchmarks, "series")
    machine = f"{where['cores']} cores ({where['processor']})"
    note = f"The times are those of a full run on MNIST, {report.format_jobs(full['jobs'])} on {machine}."
    return "\n".join([*rows, "", note])


def generate() -> dict[tuple[str, str], str]:
    """Return the generated parts of all documents but the figure and the launch links.

    Returns
    -------
    dict of (str, str) to str
        The text by document and mark.
    """
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    benchmarks = report.read()
    courses = findings.read_courses()
    return {
        ("README.md", "picture"): f"![{charts.draw_courses(courses).alt}](docs/study.png)",
        ("README.md", "study"): study.format_ends(courses),
        ("README.md", "targets"): format_targets(makefile, FIRST_TARGETS),
        ("README.md", "lessons"): format_lessons(benchmarks),
        ("README.md", "benchmarks"): report.format_table(benchmarks),
        ("CONTRIBUTING.md", "targets"): format_targets(makefile),
        ("docs/reliability.md", "messages"): messages.format_table(ROOT / "mnist_helpers"),
    }


def main() -> None:
    """Draw the study's pictures and write every generated part."""
    study.draw(findings.read_courses(), ROOT / "docs")
    for (document, name), text in generate().items():
        documents.update(ROOT / document, name, text)


if __name__ == "__main__":
    main()
