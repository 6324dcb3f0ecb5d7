"""Claims: sentences that the study can contradict, and its verdict on each. They stand in claims.toml."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mnist_helpers.errors import UsageError
from mnist_helpers.statistics import UNCLEAR
from mnist_helpers.study import plan, results

_LEDGER = Path(__file__).with_name("claims.toml")
_SPEAKERS = {"article": "The article", "idea": "Its idea, applied to other sizes", "lesson": "The lessons"}
_VERBS = {"higher": "raises", "lower": "lowers", UNCLEAR: "does not detectably change"}


def read_ledger(path: Path = _LEDGER) -> list[dict[str, Any]]:
    """Read the claims as they are written down.

    Parameters
    ----------
    path : Path, optional
        The ledger; its head describes the fields of a claim.

    Returns
    -------
    list of dict
        One per claim.
    """
    return tomllib.loads(path.read_text(encoding="utf-8"))["claim"]


def phrase(claim: Mapping[str, Any]) -> str:
    """Return the sentence of a claim, as the lessons' prose states it.

    Parameters
    ----------
    claim : mapping
        An entry of the ledger.

    Returns
    -------
    str
        Its own sentence, or one made of its fields.
    """
    against = " compared with {reference}" if "reference" in claim else ""
    default = f"With {{size:,}} training images, {{technique}} {{verb}} {{measure}}{against}."
    fields = {"measure": "accuracy", "verb": _VERBS.get(claim.get("says", "")), **claim}
    return claim.get("sentence", default).format(**fields)


def evaluate(claim: Mapping[str, Any], study: pd.DataFrame) -> tuple[str, str]:
    """Evaluate a claim against the study.

    Parameters
    ----------
    claim : mapping
        An entry of the ledger.
    study : DataFrame
        A row per run.

    Returns
    -------
    found : str
        What the study measured.
    verdict : {"supported", "contradicted", "no detectable difference"}
        What that means for the claim.
    """
    technique = claim["technique"]
    size = claim["size"]
    measure = claim.get("measure", "accuracy")
    if "value" in claim:
        return _evaluate_value(claim["value"], results.select(study, technique, size, measure))
    reference = claim.get("reference", plan.BASELINE)
    found = results.compare(study, technique, size, measure, reference, claim.get("reference_measure"))
    text = f"{found.interval} {results.MEASURES[measure][2]}"
    if found.verdict == claim["says"]:
        return text, "supported"
    return text, UNCLEAR if found.verdict == UNCLEAR else "contradicted"


def _evaluate_value(value: float, runs: pd.Series) -> tuple[str, str]:
    """Ask whether one more run could give a value: whether the 95 % prediction interval contains it."""
    from scipy import stats

    n = runs.count()  # without runs that diverged
    mean = runs.mean()
    deviation = runs.std(ddof=1)
    half = stats.t.ppf(0.975, n - 1) * deviation * np.sqrt(1 + 1 / n)
    text = f"mean {mean:.2f}, standard deviation {deviation:.2f} ({n} runs)"
    text += f"; 95 % prediction interval of one more run: {mean - half:.2f} to {mean + half:.2f}"
    return text, "supported" if abs(value - mean) <= half else "contradicted"


def format_claims(lesson: str | None = None) -> str:
    """Return claims with the study's verdicts, as text.

    Parameters
    ----------
    lesson : str, optional
        Such as ``"03"`` or ``"03_l2_regularization"``. None: the claims of all lessons.

    Returns
    -------
    str
        Three lines per claim: who says what, what the study measured, and the verdict.

    Raises
    ------
    UsageError
        If the lesson has no claims.
    """
    study = results.read_study()
    texts = []
    for claim in read_ledger():
        if lesson is None or lesson.partition("_")[0].zfill(2) in claim["lessons"]:
            found, verdict = evaluate(claim, study)
            speaker = _SPEAKERS[claim["by"]]
            texts.append(f"{speaker}: {phrase(claim)}\n    {found}\n    {verdict} ({claim['id']})")
    if not texts:
        raise UsageError(f"no claims of lesson {lesson!r}: name one from 02 to 07")
    return "\n".join(texts)
