"""Drawings, photos and scans come out in MNIST's format."""

import contextlib
import io
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from strokes import STROKES, draw

from mnist_helpers.drawing import read_picture, to_mnist_frame
from mnist_helpers.errors import UsageError

SEVEN = np.asarray(draw(STROKES[7]))
FRAME = to_mnist_frame(SEVEN)


def place(drawing, top, left, side=600):
    """Put a drawing on a larger paper."""
    paper = np.zeros((side, side), drawing.dtype)
    paper[top : top + len(drawing), left : left + drawing.shape[1]] = drawing
    return paper


def resize(drawing, factor, how=Image.Resampling.BICUBIC):
    image = Image.fromarray(drawing)
    return np.asarray(image.resize((round(image.width * factor), round(image.height * factor)), how))


def distance(frame, other=FRAME):
    """Return the mean absolute difference of two frames, in grey values."""
    return np.abs(frame.astype(int) - other).mean()


@pytest.mark.parametrize("digit", STROKES)
def test_frame_has_mnists_format_size_and_centre_of_mass(digit):
    frame = to_mnist_frame(np.asarray(draw(STROKES[digit])))
    assert (frame.shape, frame.dtype, frame.max()) == ((28, 28, 1), np.uint8, 255)
    ink = frame[..., 0]
    assert max(np.ptp(np.flatnonzero(ink.any(axis=axis))) + 1 for axis in (0, 1)) == 20
    centre = [np.average(np.arange(28), weights=ink.sum(axis=axis)) for axis in (1, 0)]
    assert centre == pytest.approx([14, 14], abs=0.5)


@pytest.mark.parametrize(("top", "left"), [(0, 0), (320, 0), (100, 320), (3, 7)])
def test_position_of_the_drawing_makes_no_difference(top, left):
    assert np.array_equal(to_mnist_frame(place(SEVEN, top, left)), FRAME)


@pytest.mark.parametrize("factor", [0.4, 0.75, 1.5, 2, 2.14])
def test_size_of_the_drawing_makes_nearly_no_difference(factor):
    assert distance(to_mnist_frame(place(resize(SEVEN, factor), 0, 0))) < 4
    assert distance(np.roll(FRAME, 1, axis=1)) > 10


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float16", "float32", "float64"])
def test_dtype_and_range_make_no_difference(dtype):
    drawn = SEVEN > 0
    expected = to_mnist_frame(drawn)
    scaled = drawn * 0.7 if "f" in dtype else drawn
    assert np.array_equal(to_mnist_frame(scaled.astype(dtype)), expected)
    assert np.array_equal(to_mnist_frame(drawn[..., np.newaxis]), expected)


def test_ink_far_from_its_centre_of_mass_stays_inside_the_frame():
    blot = np.zeros((200, 200))
    blot[:60, :60] = 1
    blot[np.arange(200), np.arange(200)] = 1
    ink = to_mnist_frame(blot)[..., 0]
    assert ink[8:14, 8:14].mean() > 200
    assert ink[27, 27] > 0
    assert not ink[:8].any()


@pytest.mark.parametrize("shape", [(1, 500), (500, 1), (1, 1)])
def test_thin_line_and_dot_are_drawn(shape):
    ink = to_mnist_frame(np.ones(shape))[..., 0]
    assert ink.any(axis=1).sum() == (1 if shape[0] < shape[1] else 20)
    assert ink.any(axis=0).sum() == (1 if shape[1] < shape[0] else 20)


def test_stroke_of_one_pixel_becomes_full_ink():
    assert to_mnist_frame(np.eye(280)).max() == 255


def test_empty_drawing_gives_an_empty_frame():
    frame = to_mnist_frame(np.zeros((280, 280)))
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
def test_array_that_is_no_drawing_is_refused(pixels, message):
    with pytest.raises(UsageError, match=message):
        to_mnist_frame(pixels)


def make_pictures():
    """Return one digit in the forms in which people supply it, by name."""
    grey = Image.fromarray(SEVEN)
    rgb = np.repeat(SEVEN[..., np.newaxis], 3, axis=2)
    shadow = np.linspace(0, 40, 280) + np.random.default_rng(0).normal(0, 4, SEVEN.shape)
    dark = Image.new("RGBA", (280, 280))
    dark.paste((10, 20, 90, 255), mask=grey)
    white = Image.new("RGBA", (280, 280))
    white.paste((255, 255, 255, 255), mask=grey)
    return {
        "bright on dark": grey,
        "dark on bright": Image.fromarray(255 - SEVEN),
        "colour": Image.fromarray(np.uint8(240 - rgb * [0.8, 0.7, 0.1])),
        "photo": Image.fromarray(np.uint8(np.clip(200 - shadow - 0.5 * SEVEN, 0, 255))),
        "black and white": grey.convert("1"),
        "dark on transparent": dark,
        "bright on transparent": white,
        "16 bits": Image.fromarray(np.uint16(SEVEN) * 200),
        "12 bits": Image.fromarray(np.uint16(300 - SEVEN.astype(int)) * 13),
        "large": Image.fromarray(resize(255 - SEVEN, 8)),
    }


@pytest.mark.parametrize("name", make_pictures())
def test_picture_file_gives_the_frame_of_the_drawing(name, tmp_path):
    path = tmp_path / "seven.png"
    make_pictures()[name].save(path)
    for source in (path, str(path), io.BytesIO(path.read_bytes()))[: 3 if name == "colour" else 1]:
        found = read_picture(source)
        assert (found.shape, found.dtype) == ((28, 28, 1), np.uint8)
        assert distance(found) < 4


def test_array_gives_the_frame_of_the_drawing():
    assert distance(read_picture(255 - SEVEN)) < 4


def test_photo_from_a_turned_phone_is_read_upright(tmp_path):
    turned = Image.fromarray(255 - SEVEN).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: rotate clockwise for display
    turned.save(tmp_path / "phone.jpg", exif=exif)
    assert distance(read_picture(tmp_path / "phone.jpg")) < 5
    turned.save(tmp_path / "without.jpg")
    assert distance(read_picture(tmp_path / "without.jpg")) > 10


def test_picture_without_ink_is_refused():
    paper = np.random.default_rng(0).integers(220, 240, (99, 99)).astype(np.uint8)
    with pytest.raises(UsageError, match=r"no ink .* darker or thicker pen"):
        read_picture(paper)


@pytest.mark.parametrize("name", ["seven.txt", "cut.png", "missing.png", "."])
def test_file_that_is_no_picture_is_refused_by_name(name, tmp_path):
    (tmp_path / "seven.txt").write_text("7")
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(UsageError, match=rf"{name} is no picture .*: give a PNG or JPEG"):
        read_picture(tmp_path / name)


DARK = 255 - SEVEN  # dark ink on bright paper, in bytes


@pytest.mark.parametrize(
    "picture",
    [
        DARK[..., np.newaxis],
        np.repeat(DARK[..., np.newaxis], 3, axis=2),
        np.dstack([DARK, DARK, DARK, np.full_like(DARK, 255)]),
        DARK.astype(np.int64),
        DARK.astype(np.uint16) * 257,
        DARK.astype(float),
        DARK / 255,
        (DARK / 255).astype(np.float32),
        np.repeat(DARK[..., np.newaxis] / 255, 3, axis=2),
        Image.fromarray(DARK),
        Image.fromarray(DARK).convert("CMYK"),
        Image.fromarray(DARK).convert("P"),
        Image.fromarray(DARK).convert("LA"),
        Image.fromarray(DARK).convert("YCbCr"),
    ],
    ids=lambda picture: (
        f"{getattr(picture, 'dtype', '')}{getattr(picture, 'mode', picture.shape)}"
        if isinstance(picture, np.ndarray)
        else picture.mode
    ),
)
def test_same_picture_in_another_form_gives_the_same_frame(picture):
    assert distance(read_picture(picture), read_picture(DARK)) < 1


@pytest.mark.parametrize("dtype", [bool, np.float16])
def test_black_and_white_arrays_are_read(dtype):
    assert distance(read_picture((DARK > 127).astype(dtype))) < 4


@pytest.mark.parametrize(
    "picture",
    [
        DARK / 127.5 - 1,
        np.where(DARK > 127, np.nan, 0),
        np.where(DARK > 127, np.inf, 0),
        DARK * 300.0,
        DARK.astype(int) - 1,
        DARK.astype(complex),
        DARK.astype(str),
        DARK.astype(object),
        np.zeros((0, 0), np.uint8),
        np.zeros((28, 0, 3)),
        np.zeros(784),
        np.zeros((9, 9, 2)),
        np.zeros((9, 9, 5), np.uint8),
        np.zeros((1, 28, 28, 1), np.uint8),
        DARK.tolist(),
        None,
        7,
        b"picture",
        io.StringIO("picture"),
        io.BytesIO(),
        "",
        "x" * 5000,
        "a\0b",
    ],
    ids=lambda picture: f"{type(picture).__name__} {getattr(picture, 'dtype', '')} {str(picture)[:12]!r}",
)
def test_what_is_no_picture_is_refused_by_one_error(picture):
    with pytest.raises(UsageError, match=r"^read_picture: ") as caught:
        read_picture(picture)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("orientation", range(1, 9))
def test_picture_of_16_bits_is_turned_upright(orientation, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = []
    for name, pixels in (("8.png", DARK), ("16.png", DARK.astype(np.uint16) * 257)):
        Image.fromarray(pixels).save(tmp_path / name, exif=exif)
        found.append(read_picture(tmp_path / name))
    assert distance(*found) < 1


@pytest.mark.parametrize("beyond", [0.02, 0.2])
def test_floats_that_resampling_brought_beyond_1_are_read(beyond):
    stretched = DARK / 255 * (1 + 2 * beyond) - beyond
    assert distance(read_picture(stretched), read_picture(DARK)) < 4


def test_photo_of_50_megapixels_that_pillow_opened_is_read(tmp_path):
    Image.fromarray(DARK).resize((8192, 6144)).save(tmp_path / "large.jpg")
    with Image.open(tmp_path / "large.jpg") as photo:
        assert read_picture(photo).any()


def test_file_of_several_pictures_is_refused_except_a_phones_photo_with_its_preview(tmp_path):
    pages = [Image.fromarray(DARK), Image.fromarray(SEVEN)]
    for name in ("film.gif", "pages.tiff", "film.png"):
        pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:])
        with pytest.raises(UsageError, match="holds several pictures: save one"):
            read_picture(tmp_path / name)
    pages[0].save(tmp_path / "phone.jpg", "MPO", save_all=True, append_images=pages[1:])
    assert distance(read_picture(tmp_path / "phone.jpg")) < 5


@pytest.mark.parametrize(
    "name", ["seven.png", "seven.jpg", "seven.gif", "seven.tiff", "seven.bmp", "seven.webp"]
)
def test_file_that_ends_early_or_is_damaged_is_refused_or_read(name, tmp_path):
    path = tmp_path / name
    Image.fromarray(DARK[::2, ::2]).save(path)
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    for share in (0.02, 0.3, 0.9):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(UsageError, match=r"^read_picture: "):
            read_picture(path)
    for _ in range(4):
        damaged = bytearray(whole)
        for at in random.integers(0, len(whole), 20):
            damaged[at] = random.integers(256)
        with contextlib.suppress(UsageError):
            assert read_picture(io.BytesIO(damaged)).shape == (28, 28, 1)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UsageError, match="no such file"):
        read_picture(tmp_path / "pipe.png")


def test_opaque_paper_with_transparent_corners_is_read():
    picture = Image.fromarray(np.dstack([DARK, DARK, DARK, np.full_like(DARK, 255)]))
    picture.paste((0, 0, 0, 0), (0, 0, 60, 60))
    assert distance(read_picture(picture)) < 4


def measure_reading(path):
    """Read a file in a process of its own; return what it says, its seconds of work and its peak in MB."""
    # getrusage would count what the process that starts this one has used.
    code = (
        "import pathlib, sys, time; from mnist_helpers.drawing import read_picture\n"
        "start = time.process_time()\n"
        "try: print('read', read_picture(sys.argv[1]).shape)\n"
        "except Exception as error: print(type(error).__name__, error)\n"
        "status = pathlib.Path('/proc/self/status').read_text()\n"
        "print(time.process_time() - start, int(status.split('VmHWM:')[1].split()[0]) / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    said, numbers = done.stdout.splitlines()
    return said, *map(float, numbers.split())


@pytest.mark.full
@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the peak")
@pytest.mark.parametrize("name", ["grey.png", "deep.png", "plain.jpg", "progressive.jpg"])
def test_picture_of_150_megapixels_takes_little_time_and_memory(name, tmp_path):
    pixels = np.full((12_000, 12_500), 230, np.uint8)
    pixels[3000:9000, 6000:6800] = 30
    image = Image.fromarray(pixels.astype(np.uint16) * 200 if name == "deep.png" else pixels)
    options = {"compress_level": 1} if name.endswith("png") else {"progressive": name[1] == "r"}
    image.save(tmp_path / name, **options)
    said, seconds, peak = measure_reading(tmp_path / name)
    assert said.startswith("read" if name == "plain.jpg" else "UsageError read_picture: 150,000,000 pixels")
    assert seconds < 5
    assert peak < 600


@pytest.mark.parametrize(
    "how", [Image.Resampling.NEAREST, Image.Resampling.BICUBIC], ids=["blocks", "smooth"]
)
def test_enlarged_and_shifted_digits_are_read_as_well_as_before(how, mnist, fast):
    from mnist_helpers import training

    random = np.random.default_rng(0)
    images = mnist.x_validation[:2000]
    labels = mnist.y_validation[:2000]
    frames = []
    for image in images[..., 0]:
        large = resize(image, random.uniform(3, 8), how)
        margins = random.integers(0, 280, 2)
        frames.append(to_mnist_frame(np.pad(large, [(margin, 280 - margin) for margin in margins])))
    before, after = (training.evaluate(fast, found, labels)[1] for found in (images, np.stack(frames)))
    assert before > 0.96
    assert after > before - 0.01
