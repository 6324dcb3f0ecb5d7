"""All lessons in full, and in the quick profile with two jobs, against the article's six trainings."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import compare_ratios, run_apart
from benchmarks.trainings import ARTICLE, train_article
from mnist_helpers import environment
from mnist_helpers.errors import LessonError
from mnist_helpers.lessons import run, texts


def run_series(lessons: Sequence[Path], jobs: int, quick: bool = False) -> dict[str, Any]:
    """Run lessons into a temporary folder.

    Parameters
    ----------
    lessons : sequence of Path
        Texts of the lessons.
    jobs : int
        Lessons run at once.
    quick : bool, default False
        Whether to set small values.

    Returns
    -------
    dict
        ``jobs``, ``seconds`` in all, and ``lessons``: seconds and peak memory in MB of each.

    Raises
    ------
    LessonError
        If a lesson fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        results = list(run.run_lessons(lessons, Path(folder), jobs=jobs, quick=quick))
        seconds = round(time.perf_counter() - start, 1)
    if failed := [result for result in results if result.error]:
        raise LessonError(f"a lesson failed: {failed[0]}")
    results.sort(key=lambda result: result.lesson)
    each = {}
    for result in results:
        peak = None if result.peak_megabytes is None else round(result.peak_megabytes)  # None on Windows
        each[result.lesson] = {"seconds": round(result.seconds), "peak MB": peak}
    return {"jobs": jobs, "seconds": seconds, "lessons": each}


def measure() -> dict[str, Any]:
    """Run the lessons in full, one of the article's trainings after them, then the quick profile.

    Returns
    -------
    dict
        Seconds of one training of the article, both runs of the series, and the ratio of the full one to
        six such trainings.
    """
    lessons = texts.find_lessons()
    full = run_series(lessons, environment.count_jobs())
    article = run_apart(train_article, ARTICLE["baseline"], 0)["seconds"]
    return {
        "one training of the article, seconds": article,
        "full": full,
        "quick, two jobs": run_series(lessons, 2, quick=True),
        "full against six trainings of the article": compare_ratios(
            [full["seconds"]], [len(ARTICLE) * article]
        ),
    }
