"""Claims: their sentences, and the verdicts of the study on them."""

import numpy as np
import pandas as pd
import pytest

from mnist_helpers.errors import UsageError
from mnist_helpers.study import claims, results

random = np.random.default_rng(3)
BASELINE = random.normal(95, 0.5, 8)
RUNS = {
    "baseline": BASELINE,
    "dropout": BASELINE + random.normal(1.5, 0.3, 8),
    "L2": BASELINE + random.normal(0.0, 0.6, 8),
}
STUDY = pd.DataFrame(
    {
        "technique": name,
        "train_size": 1000,
        "seed": seed,
        "test_accuracy": value / 100,
        "test_cross_entropy": 1,
    }
    for name, values in RUNS.items()
    for seed, value in enumerate(values)
)


@pytest.mark.parametrize(
    ("technique", "says", "verb", "verdict"),
    [
        ("dropout", "higher", "raises", "supported"),
        ("dropout", "lower", "lowers", "contradicted"),
        ("dropout", "no detectable difference", "does not detectably change", "contradicted"),
        ("L2", "higher", "raises", "no detectable difference"),
        ("L2", "no detectable difference", "does not detectably change", "supported"),
    ],
)
def test_claim_is_phrased_and_evaluated_by_what_it_says(technique, says, verb, verdict):
    claim = {"technique": technique, "size": 1000, "says": says}
    assert claims.phrase(claim) == f"With 1,000 training images, {technique} {verb} accuracy."
    against = claims.phrase(claim | {"reference": "augmentation", "measure": "cross-entropy"})
    assert against.endswith(f"{technique} {verb} cross-entropy compared with augmentation.")
    found, given = claims.evaluate(claim, STUDY)
    assert given == verdict
    assert found.endswith("percentage points")


@pytest.mark.parametrize(
    ("value", "verdict"), [(95, "supported"), (98, "contradicted"), (92, "contradicted")]
)
def test_value_is_supported_if_a_single_run_could_have_given_it(value, verdict):
    claim = {"technique": "baseline", "size": 1000, "value": value, "sentence": "{value} % are right."}
    found, given = claims.evaluate(claim, STUDY)
    assert (claims.phrase(claim), given) == (f"{value} % are right.", verdict)
    assert f"mean {BASELINE.mean():.2f}, standard deviation {BASELINE.std(ddof=1):.2f} (8 runs)" in found


LEDGER = claims.read_ledger()


@pytest.fixture(scope="module")
def committed():
    return results.read_study()


@pytest.mark.parametrize("claim", LEDGER, ids=lambda claim: claim["id"])
def test_study_gives_each_claim_the_verdict_of_the_ledger(claim, committed):
    found, verdict = claims.evaluate(claim, committed)
    assert verdict == claim["verdict"], found
    assert verdict == "supported" or claim["by"] != "lesson"


def test_only_one_direction_of_a_claim_is_supported(committed):
    directions = ("higher", "lower", "no detectable difference")
    for claim in LEDGER:
        if "says" in claim:
            verdicts = [claims.evaluate({**claim, "says": says}, committed)[1] for says in directions]
            assert verdicts.count("supported") == 1, claim["id"]


@pytest.mark.parametrize("lesson", ["3", "03", "03_l2_regularization"])
def test_claims_of_a_lesson_are_found_by_each_of_its_names(lesson):
    assert claims.format_claims(lesson) == claims.format_claims("03") != claims.format_claims()


def test_lesson_without_claims_is_refused():
    with pytest.raises(UsageError, match="no claims of lesson '01'"):
        claims.format_claims("01")


def test_ledger_names_each_claim_once_and_every_conclusion_of_the_article():
    names = [claim["id"] for claim in LEDGER]
    assert len(set(names)) == len(names)
    quoted = " ".join(claim["sentence"] for claim in LEDGER if claim["by"] == "article")
    for words in (
        "98.92",
        "a little improvement",
        "by far the better job",
        "no improvement",
        "Early stopping",
    ):
        assert words in quoted.replace("{value}", "98.92")
