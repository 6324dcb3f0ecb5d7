"""What holds for any input: readers return the truth or raise a typed error, keys and checks never guess."""

# ruff: noqa: PT017 — a reader may succeed or raise; both ends are checked

import contextlib
import io
import json
import random
import re
import sys
import time
from dataclasses import fields, replace

import damage
import numpy as np
import pytest
from damage import ARRAYS, IDX, NPZ, PLAIN, RUN
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from mnist_rows import make_row
from PIL import Image, ImageFile, features

from mnist_helpers.drawing.pictures import read_picture, to_mnist_frame
from mnist_helpers.errors import UsageError
from mnist_helpers.lessons.parameters import Parameter, parse_value
from mnist_helpers.recipes import PRESETS, Recipe
from mnist_helpers.study import plan

# The same examples each time and no limit of time, so that a busy machine changes nothing.
steady = settings(derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))


@st.composite
def damaged(draw, content):
    """Draw a damaged copy: bytes changed, cut out, repeated, or another file altogether."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(changed) - 1)))
        length = draw(st.sampled_from([0, 1, 1, 2, 8, 1000]))
        changed[at : at + length] = draw(st.binary(max_size=8))
    return bytes(changed)


@pytest.fixture
def folder(arrays, tmp_path):
    """Return a folder in which `arrays` count as MNIST."""
    assert all(np.array_equal(arrays[name], ARRAYS[name]) for name in ARRAYS)
    return tmp_path


@steady
@given(damaged(NPZ))
def test_damaged_npz_is_mnist_or_refused(folder, content):
    damage.read_npz(folder, content)


@pytest.mark.parametrize("files", [IDX, PLAIN], ids=["gzipped", "plain"])
@steady
@given(data=st.data())
def test_damaged_idx_files_are_mnist_or_refused(folder, files, data):
    name = data.draw(st.sampled_from(sorted(files)))
    damage.read_idx(folder, data.draw(damaged(files[name])), name, files)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(make_row())), inner),
    max_leaves=8,
)


@steady
@given(damaged(RUN) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_file_of_a_run_is_that_run_or_set_aside(folder, content):
    damage.read_run(folder, content)


@steady
@given(st.sampled_from(sorted(make_row())), JSON)
def test_run_with_one_other_field_is_a_run_or_set_aside(folder, name, value):
    damage.read_run(folder, json.dumps(make_row() | {name: value}).encode())


@steady
@given(data=st.data())
def test_damaged_table_or_digest_is_the_one_that_was_written_or_refused(tmp_path, data):
    files = damage.make_table(tmp_path)
    name = data.draw(st.sampled_from(sorted(files)))
    damage.read_table(tmp_path, data.draw(damaged(files[name])), name)


@steady
@given(damaged(damage.COMPARISONS))
def test_damaged_table_of_comparisons_is_that_table_or_refused(tmp_path, content):
    damage.read_comparisons(tmp_path, content)


RECIPES = st.builds(
    Recipe,
    network=st.sampled_from(["cnn", "fast", "tuned"]),
    train_size=st.integers(10, 60_000),
    epochs=st.integers(1, 100),
    batch_size=st.integers(1, 512),
    learning_rate=st.floats(1e-5, 1),
    one_cycle=st.booleans(),
    betas=st.tuples(st.floats(0, 0.99).map(abs), st.floats(0, 0.999).map(abs)),
    weight_decay=st.floats(0, 1).map(abs),
    l2=st.floats(0, 1).map(abs),
    dropout_rate=st.floats(0, 0.9).map(abs),
    augmentation=st.sampled_from(["none", *PRESETS]),
    patience=st.none() | st.integers(0, 10),
    curve_size=st.integers(0, 10_000),
    validation_size=st.integers(0, 10_000),
    label_noise=st.floats(0, 1).map(abs),
    seed=st.integers(0, 2**32 - 1),
)


@steady
@given(RECIPES, st.data())
def test_key_is_of_everything_that_makes_a_run_and_of_nothing_else(recipe, data):
    task = plan.Task("courses", "baseline", recipe, (recipe.epochs,))
    key = plan.run_key(task, "digest")
    assert re.fullmatch("[0-9a-f]{16}", key)
    assert plan.run_key(replace(task, part="ends", technique="dropout"), "digest") == key
    other = data.draw(RECIPES)
    name = data.draw(st.sampled_from([field.name for field in fields(Recipe)]))
    changed = replace(recipe, **{name: getattr(other, name)})
    assert (plan.run_key(replace(task, recipe=changed), "digest") == key) == (changed == recipe)
    assert plan.run_key(task, "other digest") != key
    assert plan.run_key(replace(task, watch=True), "digest") != key
    assert plan.run_key(replace(task, evaluate_on="validation"), "digest") != key
    assert plan.run_key(replace(task, checkpoints=(*task.checkpoints, 101)), "digest") != key
    again = replace(recipe, **{field.name: getattr(recipe, field.name) for field in fields(Recipe)})
    assert plan.run_key(replace(task, recipe=again), "digest") == key


NUMBERS = (
    st.floats().map(str)
    | st.integers().map(str)
    | st.sampled_from(["1e9", "0x10", "\uff11", "1_0", " 3", "true"])
)


@pytest.mark.parametrize(
    ("kind", "allowed", "default"),
    [
        ("int", "1 to 100", "5"),
        ("float", "0 to 0.9", "0.5"),
        ("str", "auto, mnist or uci", '"auto"'),
        ("bool", "true or false", "True"),
    ],
)
@steady
@given(text=NUMBERS | st.text(max_size=20))
def test_parameter_is_of_its_type_and_in_its_range_or_refused(kind, allowed, default, text):
    try:
        value = parse_value(Parameter("x", kind, default, allowed), text)
    except UsageError as error:
        assert allowed in str(error)
        return
    assert type(value).__name__ == kind
    if kind in ("int", "float"):
        low, high = map(float, allowed.split(" to "))
        assert low <= value <= high
        assert value == (int(text) if kind == "int" else float(text))
    else:
        assert text in re.split(", | or ", allowed)
        assert value == (text if kind == "str" else text == "true")


@steady
@given(
    arrays_of.arrays(
        st.sampled_from([np.uint8, np.float32, np.float64, bool]),
        arrays_of.array_shapes(max_dims=3, max_side=40),
    )
)
def test_any_pixels_become_a_frame_or_are_refused(pixels):
    try:
        frame = to_mnist_frame(pixels)
    except UsageError:
        plain = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
        assert plain.ndim != 2 or not (np.isfinite(plain).all() and (plain >= 0).all())
        return
    assert (frame.shape, frame.dtype) == ((28, 28, 1), np.uint8)
    assert frame.max() == (255 if pixels.any() else 0)
    around = [(2, 5), (3, 1), *[(0, 0)] * (pixels.ndim - 2)]
    assert np.array_equal(to_mnist_frame(np.pad(pixels, around)), frame), "where the ink lies does not matter"


@pytest.mark.parametrize("kind", damage.FORMATS)
@steady
@given(data=st.data())
def test_damaged_picture_is_its_frame_or_refused(kind, data):
    damage.read_damaged_picture(data.draw(damaged(damage.PICTURES[kind])), kind)


@pytest.mark.parametrize("content", [*damage.PICTURES], ids=str)
def test_sound_picture_of_each_kind_is_read(content):
    assert damage.read_damaged_picture(damage.PICTURES[content], content)
    assert np.count_nonzero(damage.FRAMES[content]) > 50


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_picture_of_150_megapixels_is_refused_by_its_header(kind, monkeypatch):
    file = io.BytesIO()
    Image.new("1", (15_000, 10_000)).save(file, kind)
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("it was decoded"))
    with pytest.raises(UsageError, match=r"150,000,000 pixels, 15000 x 10000: 1 to 64,000,000 are read"):
        read_picture(file)


@pytest.mark.skipif(not features.check("avif"), reason="needs a Pillow that writes AVIF")
def test_torn_avif_is_refused_or_read():
    file = io.BytesIO()
    Image.open(io.BytesIO(damage.PICTURES["PNG"])).save(file, "AVIF")
    content = file.getvalue()
    frame = read_picture(io.BytesIO(content))
    refused = 0
    for size in np.linspace(0, len(content) - 1, 50, dtype=int):
        try:
            assert np.array_equal(read_picture(io.BytesIO(content[:size])), frame)
        except UsageError:
            refused += 1
    assert refused > 40


N_FILES = 100_000
KINDS = sorted({"npz", "run", "comparisons.csv", "study.csv", "study.json", *IDX, *PLAIN, *damage.FORMATS})
SECONDS = 60  # for one file: a thousand times what it takes


@pytest.mark.full
@pytest.mark.parametrize("kind", KINDS)
def test_100_000_damaged_files_crash_nothing_and_are_never_read_wrongly(kind, folder):
    content, read = damage.list_kinds(folder)[kind]
    assert read(content), "the sound file is accepted"
    generator = random.Random(kind)
    accepted = 0
    start = time.perf_counter()
    for number in range(-(-N_FILES // len(KINDS))):
        changed = damage.damage(content, generator)
        with damage.time_limit(SECONDS, f"{kind}, damaged file {number}"):
            try:
                accepted += read(changed)
            except Exception as error:
                error.add_note(f"{kind}, damaged file {number}: {changed[:5_000]!r}")
                raise
    print(f"{kind}: {number + 1:,} files, {accepted:,} accepted, {time.perf_counter() - start:.0f} s")
    assert accepted < 0.7 * number, "most damage must be seen, or it is none"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no alarm: the whole process ends there")
def test_reader_that_hangs_fails_by_name():
    """The deadline passes through a reader that catches every Exception."""

    def hang():
        with damage.time_limit(1, "npz, damaged file 7"):
            while True:
                with contextlib.suppress(Exception):
                    time.sleep(0.1)

    with pytest.raises(damage.Hang, match="npz, damaged file 7: not read within 1 s"):
        hang()
