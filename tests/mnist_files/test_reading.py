"""mnist_files.read accepts MNIST in every container and refuses everything else."""

import gzip
import io
import pickle
import struct
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from stand_ins import IDX, LOGIN_PAGE, pack, pack_idx

from mnist_helpers import mnist_files
from mnist_helpers.errors import DataError


def refuse(path, content, match):
    """Write the content, assert that it is refused, and return the message."""
    path.write_bytes(content)
    with pytest.raises(DataError, match=match) as caught:
        mnist_files.read(path)
    return str(caught.value)


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def test_npz_is_read_from_file_and_folder(arrays, tmp_path):
    (tmp_path / "mnist.npz").write_bytes(pack(**arrays))
    for path in (tmp_path, tmp_path / "mnist.npz"):
        found = mnist_files.read(path)
        assert list(found) == list(arrays)
        assert all(np.array_equal(found[name], arrays[name]) for name in arrays)


@pytest.mark.parametrize("packed", [True, False])
def test_idx_files_are_read_gzipped_and_plain(packed, arrays, tmp_path):
    for name, content in pack_idx(arrays).items():
        path = tmp_path / (name if packed else name.removesuffix(".gz"))
        path.write_bytes(content if packed else gzip.decompress(content))
    found = mnist_files.read(tmp_path)
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)


# What becomes of one array, which one, and what the message must state.
WRONG_ARRAYS = {
    "float64": (lambda a: a.astype("float64"), "x_train", r"expected uint8 \(30, 28, 28\), found float64"),
    "flat": (lambda a: a.reshape(len(a), -1), "x_train", r"found uint8 \(30, 784\)"),
    "scalar": (lambda a: np.uint8(1), "x_train", r"found uint8 \(\)"),
    "fortran": (lambda a: np.asfortranarray(a ^ 1), "x_train", "expected MNIST's SHA-256"),
    "nan": (lambda a: np.full(a.shape, np.nan, "float32"), "x_test", r"found float32 \(20, 28, 28\)"),
    "empty": (lambda a: a[:0], "y_train", r"expected uint8 \(30,\), found uint8 \(0,\)"),
    "unequal": (lambda a: a[:-1], "y_test", r"expected uint8 \(20,\), found uint8 \(19,\)"),
    "labels to 12": (lambda a: a + np.uint8(3), "y_test", "other bytes, values from 3 to 12"),
    "one pixel": (lambda a: a + np.eye(28, dtype=np.uint8), "x_test", "expected MNIST's SHA-256"),
    "order": (lambda a: a[::-1], "y_train", "expected MNIST's SHA-256"),
}


@pytest.mark.parametrize("fault", WRONG_ARRAYS)
def test_wrong_array_is_refused_with_expected_and_found(fault, arrays, tmp_path):
    change, name, message = WRONG_ARRAYS[fault]
    changed = {**arrays, name: change(arrays[name])}
    found = refuse(tmp_path / "mnist.npz", pack(**changed), f"{name}: .*{message}")
    assert not any(f"{other}:" in found for other in set(arrays) - {name})


def test_every_wrong_array_is_named_at_once(arrays, tmp_path):
    short = {name: array[:1] for name, array in arrays.items()}
    found = refuse(tmp_path / "mnist.npz", pack(**short), "is not MNIST")
    assert all(f"{name}: expected uint8" in found for name in arrays)
    assert mnist_files.MANUAL in found


def test_renamed_and_extra_arrays_are_refused(arrays, tmp_path):
    renamed = {name.replace("x_", "images_"): array for name, array in arrays.items()}
    refuse(tmp_path / "mnist.npz", pack(**renamed), "found: the arrays .*images_train.* instead of .*x_train")
    refuse(tmp_path / "mnist.npz", pack(**arrays, more=np.zeros(1)), r"found: the arrays .*more\.npy")
    refuse(tmp_path / "mnist.npz", pack(), r"found: the arrays \[\]")


@pytest.mark.parametrize("fault", ["short", "long", "shape", "gzip", "html", "missing"])
def test_wrong_idx_file_is_refused_by_name(fault, arrays, tmp_path):
    files = pack_idx(arrays)
    plain = gzip.decompress(files[IDX[1]])
    files[IDX[1]] = {
        "short": gzip.compress(plain[:-1]),
        "long": gzip.compress(plain + b"0"),
        "shape": gzip.compress(plain[:7] + b"\x01" + plain[8:]),
        "gzip": files[IDX[1]][:-12],
        "html": LOGIN_PAGE,
        "missing": b"",
    }[fault]
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    if fault == "missing":
        (tmp_path / IDX[1]).unlink()
    with pytest.raises(DataError, match=IDX[1]):
        mnist_files.read(tmp_path)


class Canary:
    """Touches a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_pickled_payload_is_refused_and_never_runs(arrays, tmp_path):
    canary = tmp_path / "canary"
    trap = np.array([Canary(canary)], dtype=object)
    refuse(tmp_path / "mnist.npz", pack(**{**arrays, "x_train": trap}), "pickled objects")
    refuse(tmp_path / "mnist.npz", pickle.dumps(Canary(canary)), "expected an npz")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in arrays:
            archive.writestr(f"{name}.npy", pickle.dumps(Canary(canary)))
    refuse(tmp_path / "mnist.npz", buffer.getvalue(), "expected an npz of plain arrays")
    assert not canary.exists()
    pickle.loads(pickle.dumps(Canary(canary)))
    assert canary.exists(), "the payload must work, or its absence would show nothing"


def test_archive_truncated_at_any_of_50_points_is_refused(arrays, tmp_path):
    content = pack(**arrays)
    for size in np.linspace(0, len(content) - 1, 50, dtype=int):
        refuse(tmp_path / "mnist.npz", content[:size], "expected an npz of plain arrays")


def test_wrong_byte_anywhere_is_refused_or_harmless(arrays, tmp_path):
    content = pack(**arrays)
    directory = content.index(b"PK\x01\x02")
    # Few bytes are harmless, such as those of a date. Headers and directory raise the most varied errors.
    positions = [*range(200), *range(directory, len(content)), *range(200, directory, 50)]
    refused = 0
    for position in positions:
        damaged = bytearray(content)
        damaged[position] ^= 0x21
        (tmp_path / "mnist.npz").write_bytes(damaged)
        try:
            mnist_files.read(tmp_path / "mnist.npz")
        except DataError:
            refused += 1
    assert refused > len(positions) / 2


def build_zip(member, content, times=1, names=tuple(mnist_files.ARRAYS)):
    """Return an archive with members of MNIST's names, all empty but one."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            with archive.open(f"{name}.npy", "w") as file:
                for _ in range(times if name == member else 0):
                    file.write(content)
    return buffer.getvalue()


def bomb():
    return build_zip("x_train", bytes(2**20), times=65)


def bomb_that_lies():
    """Claim in the archive's directory that 65 MiB are 1,000 bytes."""
    return bomb().replace(struct.pack("<I", 65 * 2**20), struct.pack("<I", 1000))


def crowd():
    """An archive of 15 MB, for whose entries zipfile would take five times as much."""
    entry = b"PK\x01\x02" + bytes(42)
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 150_000 * len(entry), 0, 0)
    return entry * 150_000 + tail


def duplicate():
    with warnings.catch_warnings(action="ignore"):  # zipfile warns of the duplicate
        return build_zip("x_train", npy(np.zeros(3)), names=[*mnist_files.ARRAYS, "x_train"])


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        (bomb, "found: 68,157,440 bytes unpacked, more than 67,108,864"),
        (bomb_that_lies, "expected an npz"),
        (duplicate, "found: the arrays .*'x_train.npy'"),
        (crowd, "found: about 150,000 files instead of"),
    ],
)
def test_malicious_archive_is_refused_in_little_memory(attack, message, tmp_path):
    content = attack()
    tracemalloc.start()
    refuse(tmp_path / "mnist.npz", content, message)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def pack_members(members):
    """Return an archive of the bytes of its members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def test_array_that_claims_a_petabyte_is_refused(arrays, tmp_path):
    header = npy(np.zeros(10**6, np.uint8))[:128]
    claim = header.replace(b"(1000000,), }         ", b"(1000000000000000,), }")
    assert len(claim) == len(header)
    assert claim != header
    others = {name: npy(array) for name, array in arrays.items() if name != "x_test"}
    refuse(tmp_path / "mnist.npz", pack_members(others | {"x_test": claim}), "found uint8 .1000000000000000,")


def test_gzip_bomb_is_refused_in_little_memory(arrays, tmp_path):
    for name, content in pack_idx(arrays).items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / IDX[0]).write_bytes(gzip.compress(bytes(2**26), compresslevel=1))
    tracemalloc.start()
    with pytest.raises(DataError, match=IDX[0]):
        mnist_files.read(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_html_page_instead_of_an_archive_is_refused(arrays, tmp_path):
    refuse(tmp_path / "mnist.npz", LOGIN_PAGE, "expected an npz of plain arrays, found: HTML")


def test_message_quotes_little_of_a_broken_file(arrays, tmp_path):
    """zipfile quotes a member's name, which wrong bytes make as long as they like."""
    content = bytearray(pack(**arrays))
    content[content.index(b"x_train.npy") - 4 : content.index(b"x_train.npy") - 2] = b"\xff\x02"  # its length
    found = refuse(
        tmp_path / "mnist.npz", bytes(content), "expected an npz of plain arrays, found: File name"
    )
    assert len(found) < 500
