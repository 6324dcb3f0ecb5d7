"""The drawing pad without a browser: the kernel's side of it."""

import re
from dataclasses import replace

import numpy as np
import pytest
from strokes import STROKES, draw

from mnist_helpers.drawing import DrawingPad, to_mnist_frame
from mnist_helpers.errors import UsageError

SEVEN = np.asarray(draw(STROKES[7]))
FRAME = to_mnist_frame(SEVEN)


@pytest.fixture
def pad():
    """Return a pad whose network reads a 7 in every image and records in `seen` what it was given."""
    seen = []

    def predict(images):
        seen.append(images)
        return np.eye(10)[[7]]

    pad = DrawingPad(predict)
    pad.seen = seen
    return pad


def test_pixels_are_accepted_as_a_page_sends_them(pad):
    pad.set_state({"pixels": memoryview(SEVEN.tobytes()), "asked": 3})
    assert (len(pad.seen), pad.pixels, pad.answered) == (1, SEVEN.tobytes(), 3)


def test_pixels_give_the_frame_and_the_probabilities(pad):
    pad.pixels = SEVEN.tobytes()
    [images] = pad.seen
    assert np.array_equal(images, FRAME[np.newaxis])
    assert np.array_equal(np.frombuffer(pad.frame, np.uint8).reshape(28, 28, 1), FRAME)
    assert pad.probabilities == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]
    assert pad.error == ""


@pytest.mark.parametrize("empty", [b"", bytes(280**2)])
def test_cleared_pad_calls_no_network_and_has_no_probabilities(pad, empty):
    pad.pixels = SEVEN.tobytes()
    pad.pixels = empty
    assert len(pad.seen) == 1
    assert (pad.probabilities, any(pad.frame)) == ([], False)


def test_error_of_the_network_is_shown_until_the_next_reading(pad):
    pad.pixels = SEVEN.tobytes()
    pad._predict = lambda images: images / "seven"
    pad.pixels = SEVEN.T.tobytes()
    assert pad.probabilities == []
    assert re.match(r"\w+Error: .*\. Correct the network, then run this cell again", pad.error, re.DOTALL)
    pad.pixels = b""
    assert pad.error == ""


@pytest.mark.parametrize("output", [np.ones((1, 9)), np.full((1, 10), np.nan)], ids=["nine", "nan"])
def test_output_that_is_no_ten_probabilities_is_an_error(pad, output):
    pad._predict = lambda images: output
    pad.pixels = SEVEN.tobytes()
    assert f"{output.tolist()} instead of ten probabilities" in pad.error
    assert pad.probabilities == []


def test_wrong_number_of_pixels_is_refused_and_changes_nothing(pad):
    with pytest.raises(UsageError, match="784 bytes: 280 x 280 = 78,400 are needed"):
        pad.pixels = bytes(784)
    assert (pad.pixels, pad.seen) == (b"", [])


def test_pad_is_a_sentence_where_no_widget_is_shown(pad):
    assert pad._repr_mimebundle_()[0]["text/plain"] == repr(pad)
    assert repr(pad).startswith("A drawing pad: run this cell")


@pytest.mark.parametrize("part", ["_esm", "_css"])
def test_page_of_the_pad_loads_nothing_from_elsewhere(part):
    code = str(getattr(DrawingPad, part))
    assert len(code) > 1000
    assert not re.search(r"https?:|\bimport\b|\burl\(|\bfetch\(", code)


def read_strokes(network):
    """Return what the pad of a network reads in the strokes of 0 to 9."""
    pad = DrawingPad(network)
    readings = []
    for strokes in STROKES.values():
        pad.pixels = draw(strokes).tobytes()
        assert not pad.error
        readings.append(int(np.argmax(pad.probabilities)))
    return readings


def test_fast_network_reads_hand_drawn_digits_on_the_pad(fast):
    assert np.sum(np.array(read_strokes(fast)) == list(STROKES)) >= 9


@pytest.mark.full
def test_final_network_reads_hand_drawn_digits_on_the_pad(mnist):
    from mnist_helpers import training
    from mnist_helpers.recipes import TUNED

    recipe = replace(TUNED, epochs=2, batch_size=64, validation_size=100, curve_size=0)
    network, _ = training.train(recipe, mnist)
    assert np.sum(np.array(read_strokes(network)) == list(STROKES)) >= 9
