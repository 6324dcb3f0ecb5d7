"""Claims: sentences that the study can contradict, and what it says of each. They are in claims.toml."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mnist_helpers import evidence
from mnist_helpers.errors import UsageError

_SPEAKERS = {"article": "The article", "idea": "Its idea, carried over", "lesson": "We say"}
_VERBS = {"higher": "raises", "lower": "lowers", evidence.UNCLEAR: "does not detectably change"}


def word(claim: Mapping) -> str:
    """Return a claim's sentence, as the lessons' prose has it."""
    against = " compared with {reference}" if "reference" in claim else ""
    default = f"With {{size:,}} training images, {{technique}} {{verb}} {{measure}}{against}."
    defaults = {"measure": "accuracy", "verb": _VERBS.get(claim.get("says"))}
    return claim.get("sentence", default).format(**defaults | claim)


def judge(claim: Mapping, study: pd.DataFrame) -> tuple[str, str]:
    """Return what the study found, as text, and whether that supports or contradicts a claim."""
    technique, size, measure = claim["technique"], claim["size"], claim.get("measure", "accuracy")
    if "value" in claim:
        return _judge_value(claim["value"], evidence.select(study, technique, size, measure))
    pair = {name: claim[name] for name in ("reference", "reference_measure") if name in claim}
    found = evidence.compare(study, technique, size, measure, **pair)
    text = f"{found.interval} {evidence.MEASURES[measure][2]}"
    if found.verdict == claim["says"]:
        return text, "supported"
    return text, evidence.UNCLEAR if found.verdict == evidence.UNCLEAR else "contradicted"


def _judge_value(value: float, runs: pd.Series) -> tuple[str, str]:
    """Ask whether one more run could have given the value: is it in the 95 % prediction interval."""
    from scipy import stats

    mean, spread, n = runs.mean(), runs.std(ddof=1), runs.count()  # of those that did not diverge
    half = stats.t.ppf(0.975, n - 1) * spread * np.sqrt(1 + 1 / n)
    text = f"mean {mean:.2f}, standard deviation {spread:.2f} ({n} runs)"
    text += f"; 95 % prediction interval of one more run: {mean - half:.2f} to {mean + half:.2f}"
    return text, "supported" if abs(value - mean) <= half else "contradicted"


def format_claims(lesson: str | None = None) -> str:
    """Return the claims of a lesson, such as "03", or of all, each with what the study says of it.

    Raises UsageError if no claim is of that lesson.
    """
    study, texts = evidence.read_study(), []
    for claim in evidence.read_ledger():
        if lesson is None or lesson.partition("_")[0].zfill(2) in claim["lessons"]:
            found, verdict = judge(claim, study)
            texts.append(
                f"{_SPEAKERS[claim['by']]}: {word(claim)}\n    {found}\n    {verdict} ({claim['id']})"
            )
    if not texts:
        raise UsageError(f"no claims of lesson {lesson!r}: name one from 02 to 07")
    return "\n".join(texts)
