"""Claims: what the study says of each, and that a sentence cannot part from it unnoticed."""

import numpy as np
import pandas as pd
import pytest

from mnist_helpers import claims, evidence

random = np.random.default_rng(3)
BASELINE = random.normal(95, 0.5, 8)
RUNS = {
    "baseline": BASELINE,
    "dropout": BASELINE + random.normal(1.5, 0.3, 8),
    "L2": BASELINE + random.normal(0.0, 0.6, 8),
}
STUDY = pd.DataFrame(
    {"technique": name, "train_size": 1000, "seed": seed, "test_accuracy": value / 100}
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
def test_claim_is_worded_and_judged_by_what_it_says(technique, says, verb, verdict):
    claim = {"technique": technique, "size": 1000, "says": says}
    assert claims.word(claim) == f"With 1,000 training images, {technique} {verb} accuracy."
    against = claims.word(claim | {"reference": "augmentation", "measure": "cross-entropy"})
    assert against.endswith(f"{technique} {verb} cross-entropy compared with augmentation.")
    found, judged = claims.judge(claim, STUDY)
    assert judged == verdict
    assert found.endswith("percentage points")


@pytest.mark.parametrize(
    ("value", "verdict"), [(95, "supported"), (98, "contradicted"), (92, "contradicted")]
)
def test_value_is_supported_if_a_single_run_could_have_given_it(value, verdict):
    claim = {"technique": "baseline", "size": 1000, "value": value, "sentence": "{value} % are right."}
    found, judged = claims.judge(claim, STUDY)
    assert (claims.word(claim), judged) == (f"{value} % are right.", verdict)
    assert f"mean {BASELINE.mean():.2f}, standard deviation {BASELINE.std(ddof=1):.2f} (8 runs)" in found


LEDGER, COMMITTED = evidence.read_ledger(), evidence.read_study()


@pytest.mark.parametrize("claim", LEDGER, ids=lambda claim: claim["id"])
def test_study_says_of_each_claim_what_the_ledger_says(claim):
    found, verdict = claims.judge(claim, COMMITTED)
    assert verdict == claim["verdict"], found
    assert verdict == "supported" or claim["by"] == "article"


def test_claim_whose_direction_is_turned_is_found():
    turned = {"higher": "lower", "lower": "higher", "no detectable difference": "higher"}
    for claim in LEDGER:
        if "says" in claim and claim["verdict"] != "no detectable difference":
            _, verdict = claims.judge({**claim, "says": turned[claim["says"]]}, COMMITTED)
            assert verdict != claim["verdict"] or claim["verdict"] == "contradicted"


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
