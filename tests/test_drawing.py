"""Drawings and pictures in MNIST's format, and the pad without a browser."""

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from strokes import STROKES, draw

from mnist_helpers import datasets, drawing, mnist_files
from mnist_helpers.errors import UsageError

SEVEN = np.asarray(draw(STROKES[7]))
FRAME = drawing.to_mnist_frame(SEVEN)


def place(picture, top, left, side=600):
    """Put a picture on a larger paper."""
    paper = np.zeros((side, side), picture.dtype)
    paper[top : top + len(picture), left : left + picture.shape[1]] = picture
    return paper


def resize(picture, factor, how=Image.Resampling.BICUBIC):
    image = Image.fromarray(picture)
    return np.asarray(image.resize((round(image.width * factor), round(image.height * factor)), how))


@pytest.mark.parametrize("digit", STROKES)
def test_frame_has_mnists_format_longest_side_and_centre_of_mass(digit):
    frame = drawing.to_mnist_frame(np.asarray(draw(STROKES[digit])))
    assert (frame.shape, frame.dtype, frame.max()) == ((28, 28, 1), np.uint8, 255)
    ink = frame[..., 0]
    assert max(np.ptp(np.flatnonzero(ink.any(axis=axis))) + 1 for axis in (0, 1)) == 20
    centre = [np.average(np.arange(28), weights=ink.sum(axis=axis)) for axis in (1, 0)]
    assert centre == pytest.approx([14, 14], abs=0.5)


@pytest.mark.parametrize(("top", "left"), [(0, 0), (320, 0), (100, 320), (3, 7)])
def test_place_of_the_drawing_makes_no_difference(top, left):
    assert np.array_equal(drawing.to_mnist_frame(place(SEVEN, top, left)), FRAME)


@pytest.mark.parametrize("factor", [0.4, 0.75, 1.5, 2, 2.14])
def test_size_of_the_drawing_makes_nearly_none(factor):
    found = drawing.to_mnist_frame(place(resize(SEVEN, factor), 0, 0))
    assert np.abs(found.astype(int) - FRAME).mean() < 4
    assert np.abs(np.roll(FRAME, 1, axis=1).astype(int) - FRAME).mean() > 10


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float16", "float32", "float64"])
def test_numeric_type_and_range_make_no_difference(dtype):
    drawn = SEVEN > 0
    expected = drawing.to_mnist_frame(drawn)
    assert np.array_equal(
        drawing.to_mnist_frame((drawn * 0.7 if "f" in dtype else drawn).astype(dtype)), expected
    )
    assert np.array_equal(drawing.to_mnist_frame(drawn[..., np.newaxis]), expected)


def test_ink_far_from_its_centre_of_mass_neither_leaves_the_frame_nor_wraps_round():
    blot = np.zeros((200, 200))
    blot[:60, :60] = 1
    blot[np.arange(200), np.arange(200)] = 1
    ink = drawing.to_mnist_frame(blot)[..., 0]
    assert ink[8:14, 8:14].mean() > 200
    assert ink[27, 27] > 0
    assert not ink[:8].any()


@pytest.mark.parametrize("shape", [(1, 500), (500, 1), (1, 1)])
def test_thin_line_and_dot_are_drawn(shape):
    ink = drawing.to_mnist_frame(np.ones(shape))[..., 0]
    assert ink.any(axis=1).sum() == (1 if shape[0] < shape[1] else 20)
    assert ink.any(axis=0).sum() == (1 if shape[1] < shape[0] else 20)


def test_empty_drawing_gives_an_empty_frame():
    frame = drawing.to_mnist_frame(np.zeros((280, 280)))
    assert (frame.shape, frame.dtype, frame.any()) == ((28, 28, 1), np.uint8, False)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((28, 28, 3)), r"shape \(28, 28, 3\).*read_picture"),
        (np.zeros(784), r"shape \(784,\).*\(height, width\)"),
        (np.zeros((0, 28)), r"shape \(0, 28\)"),
        (np.full((9, 9), "ink"), "dtype <U3: finite numbers"),
        (np.full((9, 9), 1j), "dtype complex128: finite numbers"),
        (np.full((9, 9), np.nan), "finite numbers"),
        (np.full((9, 9), np.inf), "finite numbers"),
        (-np.eye(9), "from 0 .paper. up .ink..*read_picture"),
    ],
)
def test_what_is_no_drawing_is_refused(pixels, message):
    with pytest.raises(UsageError, match=message):
        drawing.to_mnist_frame(pixels)


def make_pictures():
    """Return the same digit as people would hand it in, by name."""
    grey, rgb = Image.fromarray(SEVEN), np.repeat(SEVEN[..., np.newaxis], 3, axis=2)
    shadow = np.linspace(0, 40, 280) + np.random.default_rng(0).normal(0, 4, SEVEN.shape)
    clear, white = Image.new("RGBA", (280, 280)), Image.new("RGBA", (280, 280))
    clear.paste((10, 20, 90, 255), mask=grey)
    white.paste((255, 255, 255, 255), mask=grey)
    return {
        "bright on dark": grey,
        "dark on bright": Image.fromarray(255 - SEVEN),
        "colour": Image.fromarray(np.uint8(240 - rgb * [0.8, 0.7, 0.1])),
        "photo": Image.fromarray(np.uint8(np.clip(200 - shadow - 0.5 * SEVEN, 0, 255))),
        "black and white": grey.convert("1"),
        "dark on transparent": clear,
        "bright on transparent": white,
        "16 bits": Image.fromarray(np.uint16(SEVEN) * 200),
        "large": Image.fromarray(resize(255 - SEVEN, 8)),
    }


@pytest.mark.parametrize("name", make_pictures())
def test_picture_file_gives_the_frame_of_the_drawing(name, tmp_path):
    path = tmp_path / "seven.png"
    make_pictures()[name].save(path)
    for source in (path, str(path), io.BytesIO(path.read_bytes())):
        found = drawing.read_picture(source)
        assert (found.shape, found.dtype) == ((28, 28, 1), np.uint8)
        assert np.abs(found.astype(int) - FRAME).mean() < 4


def test_picture_as_array_and_photo_held_upright_are_read(tmp_path):
    assert np.abs(drawing.read_picture(255 - SEVEN).astype(int) - FRAME).mean() < 4
    turned, exif = Image.fromarray(255 - SEVEN).transpose(Image.Transpose.ROTATE_90), Image.Exif()
    exif[0x0112] = 6  # turn right to show
    turned.save(tmp_path / "phone.jpg", exif=exif)
    assert np.abs(drawing.read_picture(tmp_path / "phone.jpg").astype(int) - FRAME).mean() < 5


def test_picture_without_ink_is_refused(tmp_path):
    paper = np.random.default_rng(0).integers(220, 240, (99, 99)).astype(np.uint8)
    with pytest.raises(UsageError, match=r"no ink .* darker or thicker pen"):
        drawing.read_picture(paper)


def test_what_is_no_picture_is_refused_by_name(tmp_path):
    (tmp_path / "seven.txt").write_text("7")
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    for name in ("seven.txt", "cut.png", "missing.png", "."):
        with pytest.raises(UsageError, match=rf"{name} is no picture .*: give a PNG or JPEG"):
            drawing.read_picture(tmp_path / name)
    with pytest.raises(UsageError, match="array of float64 is no picture"):
        drawing.read_picture(np.zeros((9, 9, 3)))


@pytest.fixture
def pad():
    """Return a pad whose network reads 7 in everything and keeps what it saw."""
    seen = []

    def predict(images):
        seen.append(images)
        return np.eye(10)[[7]]

    pad = drawing.DrawingPad(predict)
    pad.seen = seen
    return pad


def test_pad_takes_pixels_as_a_page_sends_them(pad):
    pad.set_state({"pixels": memoryview(SEVEN.tobytes()), "asked": 3})
    assert (len(pad.seen), pad.pixels, pad.answered) == (1, SEVEN.tobytes(), 3)


def test_pad_answers_pixels_with_what_the_network_sees_and_its_probabilities(pad):
    pad.pixels = SEVEN.tobytes()
    [images] = pad.seen
    assert np.array_equal(images, FRAME[np.newaxis])
    assert np.array_equal(np.frombuffer(pad.frame, np.uint8).reshape(28, 28, 1), FRAME)
    assert pad.probabilities == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]
    assert pad.error == ""


@pytest.mark.parametrize("empty", [b"", bytes(280**2)])
def test_cleared_pad_asks_no_network_and_has_no_probabilities(pad, empty):
    pad.pixels = SEVEN.tobytes()
    pad.pixels = empty
    assert len(pad.seen) == 1
    assert (pad.probabilities, any(pad.frame)) == ([], False)


def test_error_of_the_network_is_shown_until_the_next_answer(pad):
    pad.pixels = SEVEN.tobytes()
    pad._predict = lambda images: images / "seven"
    pad.pixels = SEVEN.T.tobytes()
    assert pad.probabilities == []
    assert re.match(r"\w+Error: .*\. Mend the network, then run this cell again", pad.error, re.DOTALL)
    for number, answer in enumerate((np.ones((1, 9)), np.full((1, 10), np.nan)), 1):
        pad._predict = lambda images, answer=answer: answer
        pad.pixels = np.roll(SEVEN, 9 * number).tobytes()
        assert f"{answer.tolist()} instead of ten probabilities" in pad.error
    pad.pixels = b""
    assert pad.error == ""


def test_pixels_of_another_size_are_refused_and_change_nothing(pad):
    with pytest.raises(UsageError, match="784 bytes: 280 x 280 = 78,400 are needed"):
        pad.pixels = bytes(784)
    assert (pad.pixels, pad.seen) == (b"", [])


def test_pad_stands_as_a_sentence_where_nothing_runs(pad):
    assert pad._repr_mimebundle_()[0]["text/plain"] == repr(pad)
    assert repr(pad).startswith("A drawing pad: run this cell")


def test_page_of_the_pad_needs_no_other_site():
    for code in (drawing.DrawingPad._esm, drawing.DrawingPad._css):
        assert len(str(code)) > 1000
        assert not re.search(r"https?:|\bimport\b|\burl\(|\bfetch\(", str(code))


@pytest.fixture(scope="module")
def mnist():
    if mnist_files.find() is None:
        pytest.skip("MNIST is absent: set MNIST_HELPERS_DATA to its path")
    return datasets.load("mnist")


@pytest.fixture(scope="module")
def fast(mnist):
    """Train the fast network on part of the images: seconds."""
    from mnist_helpers import training

    recipe = replace(training.FAST, train_size=10_000, epochs=2, validation_size=100)
    return training.train(recipe, mnist)[0]


@pytest.mark.parametrize(
    "how", [Image.Resampling.NEAREST, Image.Resampling.BICUBIC], ids=["blocks", "smooth"]
)
def test_digits_enlarged_shifted_and_brought_back_are_read_as_well_as_before(how, mnist, fast):
    from mnist_helpers import training

    draws = np.random.default_rng(0)
    images, labels = mnist.x_validation[:2000], mnist.y_validation[:2000]
    frames = []
    for image in images[..., 0]:
        large = resize(image, draws.uniform(3, 8), how)
        room = draws.integers(0, 280, 2)
        frames.append(drawing.to_mnist_frame(np.pad(large, [(part, 280 - part) for part in room])))
    before, after = (training.evaluate(fast, found, labels)[1] for found in (images, np.stack(frames)))
    assert before > 0.96
    assert after > before - 0.01


def read_strokes(network):
    """Return what the pad of a network reads from the strokes of 0 to 9."""
    pad, readings = drawing.DrawingPad(network), []
    for strokes in STROKES.values():
        pad.pixels = draw(strokes).tobytes()
        assert not pad.error
        readings.append(int(np.argmax(pad.probabilities)))
    return readings


def test_fast_network_reads_hand_drawn_digits_on_the_pad(fast):
    assert np.sum(np.array(read_strokes(fast)) == list(STROKES)) >= 9


@pytest.mark.full
def test_final_network_of_lesson_07_reads_hand_drawn_digits_on_the_pad(mnist):
    from mnist_helpers import training

    recipe = replace(training.TUNED, epochs=2, batch_size=64, validation_size=100, curve_size=0)
    network, _ = training.train(recipe, mnist)
    assert np.sum(np.array(read_strokes(network)) == list(STROKES)) >= 9
