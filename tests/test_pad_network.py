"""The network of the web book's drawing pad: its kept weights belong to their recipe and read digits."""

import hashlib
import json
import re
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from strokes import STROKES, draw

from mnist_helpers.drawing import to_mnist_frame

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "docs"))
import pad

NOTES = json.loads(pad.NOTES.read_text(encoding="utf-8"))


def test_weights_belong_to_the_recipe_and_are_small():
    assert NOTES["recipe"] == json.loads(json.dumps(asdict(pad.RECIPE))), "make pad"
    assert hashlib.sha256(pad.WEIGHTS.read_bytes()).hexdigest() == NOTES["sha256"], "make pad"
    assert pad.WEIGHTS.stat().st_size < 500_000
    assert NOTES["test_accuracy"] >= 0.99


@pytest.mark.full
def test_weights_have_the_test_accuracy_that_the_pages_name():
    from mnist_helpers import datasets, mnist_files, training

    if mnist_files.find() is None:
        pytest.skip("MNIST is absent: set MNIST_HELPERS_DATA to its path")
    _, accuracy = training.evaluate(pad.read_network(), *datasets.load("mnist").open_test())
    # Another processor may round otherwise, which decides an image or two.
    assert accuracy == pytest.approx(NOTES["test_accuracy"], abs=2.5e-4)
    assert f"reads\n{100 * accuracy:.1f} % of the test images" in pad.show()


def test_network_reads_every_hand_drawn_digit():
    frames = np.array([to_mnist_frame(np.asarray(draw(strokes))) for strokes in STROKES.values()])
    assert np.asarray(pad.read_network()(frames)).argmax(axis=1).tolist() == list(STROKES)


def test_script_of_the_pages_is_classic_and_loads_nothing(tmp_path):
    pad.write_files(tmp_path / "new")
    script = (tmp_path / "new" / "drawing-pad.js").read_text(encoding="utf-8")
    code = re.sub(r'"[\w+/=]{1000,}"', '""', script)
    assert len(script) > 500_000 > 50_000 > len(code)
    assert not re.search(r"(?m)^\s*(?:import|export)\b|https?:|\bimport\(|\bfetch\(|XMLHttpRequest", code)
    assert ".pad-place" in code
    style = (tmp_path / "new" / "drawing-pad.css").read_text(encoding="utf-8")
    assert ".pad-canvas" in style
    assert "@media print" in style


def test_pad_takes_the_place_of_a_notebooks_output():
    cells = [
        {"cell_type": "markdown", "source": "`drawing.DrawingPad(network)` shows it."},
        {"cell_type": "code", "source": "drawing.DrawingPad(network)", "outputs": ["a sentence"]},
        {"cell_type": "code", "source": "1 + 1", "outputs": ["2"]},
    ]
    notebook = {"cells": list(cells)}
    pad.replace_output(notebook)
    assert [cell["source"] for cell in notebook["cells"]] == [
        *(cell["source"] for cell in cells[:2]),
        "{{ pad }}",
        "1 + 1",
    ]
    assert [cell["outputs"] for cell in cells[1:]] == [[], ["2"]]
