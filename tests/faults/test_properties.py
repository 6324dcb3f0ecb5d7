"""What holds for any input: readers return the truth or raise a typed error, keys and checks never guess."""

# ruff: noqa: PT017 — a reader may succeed or raise; both ends are checked

import gzip
import io
import json
import random
import re
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from mnist_rows import make_row
from PIL import Image
from stand_ins import make_arrays, pack, pack_idx

from mnist_helpers import mnist_files
from mnist_helpers.drawing.pictures import read_picture, to_mnist_frame
from mnist_helpers.errors import DataError, UsageError
from mnist_helpers.lessons.parameters import Parameter, parse_value
from mnist_helpers.recipes import PRESETS, Recipe
from mnist_helpers.study import plan, store

# The same examples each time and no limit of time, so that a busy machine changes nothing.
steady = settings(derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
ARRAYS = make_arrays()
NPZ = pack(**ARRAYS)
IDX = pack_idx(ARRAYS)
PLAIN = {name.removesuffix(".gz"): gzip.decompress(content) for name, content in IDX.items()}


def draw_picture():
    picture = Image.new("L", (40, 40), 255)
    picture.paste(0, (15, 8, 22, 33))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


PICTURE = draw_picture()
RUN = json.dumps(make_row()).encode()


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


def damage(content, generator):
    """Return what `damaged` might draw, a hundred times as fast."""
    changed = bytearray(content)
    for _ in range(generator.randint(1, 4)):
        at = generator.randrange(len(changed) + 1)
        changed[at : at + generator.choice([0, 1, 1, 1, 2, 8, 1000])] = generator.randbytes(
            generator.randint(0, 8)
        )
    return bytes(changed)


@pytest.fixture
def folder(arrays, tmp_path):
    """Return a folder in which `arrays` count as MNIST."""
    assert all(np.array_equal(arrays[name], ARRAYS[name]) for name in ARRAYS)
    return tmp_path


def read_or_refuse(path):
    """Read MNIST: it must be right, or refused with a typed error."""
    try:
        found = mnist_files.read(path)
    except DataError as error:
        assert 20 < len(str(error)) < 2_000
        return False
    assert all(np.array_equal(found[name], ARRAYS[name]) for name in ARRAYS)
    return True


@steady
@given(damaged(NPZ))
def test_damaged_npz_is_mnist_or_refused(folder, content):
    (folder / "mnist.npz").write_bytes(content)
    read_or_refuse(folder / "mnist.npz")


@pytest.mark.parametrize("files", [IDX, PLAIN], ids=["gzipped", "plain"])
@steady
@given(data=st.data())
def test_damaged_idx_files_are_mnist_or_refused(folder, files, data):
    name = data.draw(st.sampled_from(sorted(files)))
    for other, content in files.items():
        (folder / other).write_bytes(content if other != name else data.draw(damaged(content)))
    read_or_refuse(folder)


def read_run_or_set_aside(folder, content):
    """Read a run's file: it is that run, it is set aside, or it is of a newer version and stays."""
    runs = folder / "runs"
    runs.mkdir(exist_ok=True)
    path = runs / f"{make_row()['key']}.json"
    path.write_bytes(content)
    try:
        rows, broken = store.read_runs(folder / "study.csv")
    except DataError as error:
        assert "newer version" in str(error)
        assert path.read_bytes() == content
        return
    if broken:
        assert (rows, broken) == ({}, [path])
        assert path.with_name(f"{path.name}.bad").read_bytes() == content
    else:
        [row] = rows.values()
        assert row == json.loads(content)
        assert row["key"] == path.stem
        assert np.isfinite(float(row["test_accuracy"])) or row["test_accuracy"].strip().lower().endswith(
            "nan"
        )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(make_row())), inner),
    max_leaves=8,
)


@steady
@given(damaged(RUN) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_file_of_a_run_is_that_run_or_set_aside(folder, content):
    read_run_or_set_aside(folder, content)


@steady
@given(st.sampled_from(sorted(make_row())), JSON)
def test_run_with_one_other_field_is_a_run_or_set_aside(folder, name, value):
    read_run_or_set_aside(folder, json.dumps(make_row() | {name: value}).encode())


@steady
@given(data=st.data())
def test_damaged_table_is_refused_unless_its_rows_are_sound(tmp_path, data):
    (tmp_path / "runs").mkdir(exist_ok=True)
    table = tmp_path / "study.csv"
    store.publish([make_row()], table)
    path = data.draw(st.sampled_from([table, table.with_suffix(".json")]))
    path.write_bytes(data.draw(damaged(path.read_bytes())))
    for read in (store.read_table, store.read_runs):
        try:
            read(table)
        except DataError as error:
            assert re.search("git checkout|makes it|newer version", str(error))
    for file in (tmp_path / "runs").iterdir():
        assert re.fullmatch(r"[0-9a-f]{16}\.json", file.name)
        file.unlink()


RECIPES = st.builds(
    Recipe,
    network=st.sampled_from(["cnn", "fast", "tuned"]),
    train_size=st.integers(10, 60_000),
    epochs=st.integers(1, 100),
    batch_size=st.integers(1, 512),
    learning_rate=st.floats(1e-5, 1),
    one_cycle=st.booleans(),
    weight_decay=st.floats(0, 1).map(abs),
    l2=st.floats(0, 1).map(abs),
    dropout_rate=st.floats(0, 0.9).map(abs),
    augmentation=st.sampled_from(["none", *PRESETS]),
    patience=st.none() | st.integers(0, 10),
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
    name = data.draw(st.sampled_from([field.name for field in fields(Recipe) if field.name != "betas"]))
    changed = replace(recipe, **{name: getattr(other, name)})
    assert (plan.run_key(replace(task, recipe=changed), "digest") == key) == (changed == recipe)
    assert plan.run_key(task, "other digest") != key
    assert plan.run_key(replace(task, watch=True), "digest") != key
    assert plan.run_key(replace(task, evaluate_on="validation"), "digest") != key


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
    else:
        assert text in re.split(", | or ", allowed)


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
        return
    assert (frame.shape, frame.dtype) == ((28, 28, 1), np.uint8)
    assert frame.max() == (255 if pixels.any() else 0)


@steady
@given(damaged(PICTURE))
def test_damaged_picture_is_a_frame_or_refused(content):
    read_picture_or_refuse(content)


def read_picture_or_refuse(content):
    try:
        frame = read_picture(io.BytesIO(content))
    except UsageError:
        return
    assert (frame.shape, frame.dtype) == ((28, 28, 1), np.uint8)


@pytest.mark.full
def test_100_000_damaged_files_crash_nothing_and_are_never_read_wrongly(folder):
    generator = random.Random(0)
    accepted = 0
    places = {name: folder / name for name in ("npz", "gzipped", "plain", "study")}
    for place in places.values():
        place.mkdir()
    for kind, files in (("gzipped", IDX), ("plain", PLAIN)):
        for name, content in files.items():
            (places[kind] / name).write_bytes(content)
    for number in range(100_000):
        kind = ("npz", "gzipped", "plain", "study", "picture")[number % 5]
        if kind == "npz":
            (places[kind] / "mnist.npz").write_bytes(damage(NPZ, generator))
            accepted += read_or_refuse(places[kind])
        elif kind == "study":
            read_run_or_set_aside(places[kind], damage(RUN, generator))
        elif kind == "picture":
            read_picture_or_refuse(damage(PICTURE, generator))
        else:
            files = IDX if kind == "gzipped" else PLAIN
            name = generator.choice(sorted(files))
            (places[kind] / name).write_bytes(damage(files[name], generator))
            accepted += read_or_refuse(places[kind])
            (places[kind] / name).write_bytes(files[name])
    assert accepted < 10_000, "most damage must be seen, or it is none"
