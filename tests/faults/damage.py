"""Damaged files of each kind that the package reads, and what a reader may make of them."""

# ruff: noqa: PT017 — a reader may succeed or raise; both ends are checked

import contextlib
import csv
import faulthandler
import gzip
import io
import json
import re
import signal
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from mnist_rows import make_row
from PIL import Image
from stand_ins import make_arrays, pack, pack_idx

from mnist_helpers import mnist_files
from mnist_helpers.drawing.pictures import read_picture
from mnist_helpers.errors import DataError, UsageError
from mnist_helpers.study import history, rows, store

ARRAYS = make_arrays()
NPZ = pack(**ARRAYS)
IDX = pack_idx(ARRAYS)
PLAIN = {name.removesuffix(".gz"): gzip.decompress(content) for name, content in IDX.items()}
ROW = make_row()
RUN = json.dumps(ROW).encode()
SCORES = [f"{images}_{score}" for images in ("train", "test") for score in rows.SCORES]
FORMATS = ("PNG", "JPEG", "TIFF", "GIF", "WebP", "BMP")


def damage(content, generator):
    """Return a damaged copy: bytes changed, cut out or put in, in one to four places, or the end cut off."""
    changed = bytearray(content)
    if generator.random() < 0.1:
        return bytes(changed[: generator.randrange(len(changed))])
    for _ in range(generator.randint(1, 4)):
        at = generator.randrange(len(changed) + 1)
        changed[at : at + generator.choice([0, 1, 1, 1, 2, 8, 1000])] = generator.randbytes(
            generator.randint(0, 8)
        )
    return bytes(changed)


class Hang(BaseException):
    """No reader may catch this, as some catch every Exception."""


@contextlib.contextmanager
def time_limit(seconds, name):
    """Fail, and name what was read, if the block takes longer, even inside a library's C code."""

    def stop(*_):
        raise Hang(f"{name}: not read within {seconds} s")

    faulthandler.dump_traceback_later(2 * seconds, exit=True)  # where no signal gets through
    previous = signal.signal(signal.SIGALRM, stop) if hasattr(signal, "SIGALRM") else None
    if previous is not None:
        signal.alarm(seconds)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        if previous is not None:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, previous)


def read_mnist(path):
    """Read MNIST: it is right, or refused with a typed error of some length."""
    try:
        found = mnist_files.read(path)
    except DataError as error:
        assert 20 < len(str(error)) < 2_000
        return False
    assert list(found) == list(ARRAYS)
    assert all(np.array_equal(found[name], ARRAYS[name]) for name in ARRAYS)
    assert {array.dtype for array in found.values()} == {np.dtype(np.uint8)}
    return True


def read_npz(folder, content):
    (folder / "mnist.npz").write_bytes(content)
    return read_mnist(folder)


def read_idx(folder, content, name, files):
    """Read a folder of four IDX files, one of them damaged."""
    for other, sound in files.items():
        (folder / other).write_bytes(content if other == name else sound)
    return read_mnist(folder)


def read_run(folder, content):
    """Read a run's file: it is that run, it is set aside, or it is of a newer version and stays."""
    (folder / "runs").mkdir(exist_ok=True)
    path = folder / "runs" / f"{ROW['key']}.json"
    path.write_bytes(content)
    try:
        found, broken = store.read_runs(folder / "study.csv")
    except DataError as error:
        assert "newer version" in str(error)
        assert path.read_bytes() == content
        return False
    if broken:
        assert (found, broken) == ({}, [path])
        assert path.with_name(f"{path.name}.bad").read_bytes() == content
        return False
    [(key, row)] = found.items()
    assert key == path.stem == row["key"]
    assert row == json.loads(content)
    if row["schema"] == ROW["schema"]:
        assert row.keys() >= ROW.keys()
        numbers = [float(row[name]) for name in SCORES]
        assert all(0 <= number < np.inf for number in numbers) or np.isnan(numbers).all()
    return True


def read_table(folder, content, name):
    """Read a study whose table or digest is damaged: it is the one that was written, or refused."""
    (folder / "runs").mkdir(exist_ok=True)
    table = folder / "study.csv"
    store.publish([ROW], table)
    sound = store.read_table(table)
    (folder / name).write_bytes(content)
    accepted = []
    for read in (store.read_table, store.read_runs):
        try:
            found = read(table)
        except DataError as error:
            assert re.search("git checkout|makes it|newer version", str(error)), error
            accepted.append(False)
            continue
        accepted.append(True)
        if read is store.read_table:
            assert found.equals(sound)
        else:
            assert found == ({ROW["key"]: ROW}, [])
    for file in (folder / "runs").iterdir():
        assert re.fullmatch(r"[0-9a-f]{16}\.json", file.name)
        file.unlink()
    assert accepted[0] or not accepted[1], "what is no study must not become runs"
    return all(accepted)


def make_table(folder):
    """Return the table of a study, and its digest, as bytes."""
    store.publish([ROW], folder / "study.csv")
    return {name: (folder / name).read_bytes() for name in ("study.csv", "study.json")}


COMPARISONS = (history.EARLIER / "comparisons.csv").read_bytes()
CLAIMS = [
    {name: row[name] for name in ("technique", "reference", "size", "measure", "reference_measure")}
    for row in csv.DictReader(io.StringIO(COMPARISONS.decode()))
]


def read_comparisons(folder, content):
    """Read what the earlier lessons claimed: all of it, or nothing."""
    (folder / "comparisons.csv").write_bytes(content)
    try:
        found = history._read_comparisons(folder / "comparisons.csv")
    except DataError as error:
        assert "git checkout" in str(error)
        return False
    assert [{name: str(value) for name, value in row.items()} for row in found] == CLAIMS
    return True


def draw_picture(kind):
    """Return a picture of a digit as a file of that format, and the frame that it becomes."""
    picture = Image.new("RGB", (40, 40), (250, 248, 240))
    picture.paste((20, 20, 30), (15, 8, 22, 33))
    picture.paste((20, 20, 30), (12, 27, 26, 33))
    file = io.BytesIO()
    picture.save(file, kind, **({"compression": "tiff_deflate"} if kind == "TIFF" else {}))
    return file.getvalue()


PICTURES = {kind: draw_picture(kind) for kind in FORMATS}
FRAMES = {kind: read_picture(io.BytesIO(content)) for kind, content in PICTURES.items()}


def read_damaged_picture(content, kind):
    """Read a picture: its frame is the undamaged one, that of the pixels which Pillow reads, or none."""
    try:
        frame = read_picture(io.BytesIO(content))
    except UsageError as error:
        assert 20 < len(str(error)) <= 500
        return False
    assert (frame.shape, frame.dtype, frame.max()) == ((28, 28, 1), np.uint8, 255)
    if not np.array_equal(frame, FRAMES[kind]):
        image = Image.open(io.BytesIO(content))
        is_plain = image.mode in ("L", "RGB") and not image.getexif() and "transparency" not in image.info
        if is_plain and max(image.size) <= 400:
            assert np.array_equal(frame, read_picture(np.asarray(image)))
    return True


class Kind(NamedTuple):
    """A kind of file: what is damaged, and the reader, which returns whether it accepted a damaged copy."""

    content: bytes
    read: Callable


def list_kinds(folder):
    """Return {name: Kind}; the readers write into the folder."""
    kinds = {"npz": Kind(NPZ, lambda content: read_npz(folder, content))}
    for files in (IDX, PLAIN):
        for name, sound in files.items():
            kinds[name] = Kind(
                sound, lambda content, name=name, files=files: read_idx(folder, content, name, files)
            )
    kinds["run"] = Kind(RUN, lambda content: read_run(folder, content))
    for name, sound in make_table(folder).items():
        kinds[name] = Kind(sound, lambda content, name=name: read_table(folder, content, name))
    kinds["comparisons.csv"] = Kind(COMPARISONS, lambda content: read_comparisons(folder, content))
    for kind, sound in PICTURES.items():
        kinds[kind] = Kind(sound, lambda content, kind=kind: read_damaged_picture(content, kind))
    return kinds
