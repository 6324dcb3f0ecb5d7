"""MNIST's files when things go right and wrong; the numbers are those of the project's table of faults.

The arrays are small stand-ins, made here, whose digests take the place of MNIST's. The servers are real ones
on this machine.
"""

import gzip
import hashlib
import io
import pickle
import socket
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
import warnings
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from mnist_helpers import datasets, mnist_files
from mnist_helpers.errors import DataError, SetupError

ROOT = Path(__file__).resolve().parents[1]
IDX = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
]
PAGE = b"<!DOCTYPE html><html><body>Please log in</body></html>"


def make_arrays(n_train=30, n_test=20):
    random = np.random.default_rng(0)
    sizes = {"x_train": (n_train, 28, 28), "y_train": (n_train,), "x_test": (n_test, 28, 28)}
    sizes["y_test"] = (n_test,)
    arrays = {name: np.zeros(shape, np.uint8) for name, shape in sizes.items()}
    for part in ("train", "test"):
        arrays[f"y_{part}"][:] = np.arange(len(arrays[f"y_{part}"])) % 10
        arrays[f"x_{part}"][:, 4:8, 4:8] = random.integers(0, 256, (len(arrays[f"x_{part}"]), 4, 4))
    return arrays


def stand_in(monkeypatch, arrays):
    """Let these arrays be MNIST."""
    known = {name: (array.shape, hashlib.sha256(array).hexdigest()) for name, array in arrays.items()}
    monkeypatch.setattr(mnist_files, "ARRAYS", known)
    return arrays


def pack(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def pack_idx(arrays):
    """Return {file name: gzipped IDX file}, the arrays in the order of MNIST's files."""
    files = {}
    for name, array in zip(IDX, arrays.values(), strict=True):
        header = struct.pack(f">{1 + array.ndim}i", 0x800 + array.ndim, *array.shape)
        files[name] = gzip.compress(header + array.tobytes())
    return files


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Start each test without MNIST, without mirrors, with an empty cache; return the cache folder."""
    for name in ("DATA", "OFFLINE"):
        monkeypatch.delenv(f"MNIST_HELPERS_{name}", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("MNIST_HELPERS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(mnist_files, "MIRRORS", ())
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


@pytest.fixture
def arrays(monkeypatch):
    return stand_in(monkeypatch, make_arrays())


@pytest.fixture
def splittable(monkeypatch):
    """As `arrays`, with enough training images to be split as MNIST is."""
    return stand_in(monkeypatch, make_arrays(10_040))


@pytest.fixture
def server():
    """Serve `answers`, {path: bytes, a status code, or seconds to hang}, and keep the `requests`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.requests.append(self.path)
            answer = server.answers.get(self.path, 404)
            if isinstance(answer, float):
                time.sleep(answer)
            elif isinstance(answer, int):
                self.send_error(answer)
            else:
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.answers, server.requests = {}, []
    server.url = f"http://127.0.0.1:{server.server_port}/"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def closed_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def digest_of(content, algorithm="sha256"):
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def refuse(path, content, match):
    """Write the content, see that it is refused, and return the message."""
    path.write_bytes(content)
    with pytest.raises(DataError, match=match) as caught:
        mnist_files.read(path)
    return str(caught.value)


# Reading


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


WRONG = {  # row 3: what becomes of one array, and what the message must say
    "float64": (lambda a: a.astype("float64"), "x_train", r"expected uint8 \(30, 28, 28\), found float64"),
    "flat": (lambda a: a.reshape(len(a), -1), "x_train", r"found uint8 \(30, 784\)"),
    "scalar": (lambda a: np.uint8(1), "x_train", r"found uint8 \(\)"),
    "nan": (lambda a: np.full(a.shape, np.nan, "float32"), "x_test", r"found float32 \(20, 28, 28\)"),
    "empty": (lambda a: a[:0], "y_train", r"expected uint8 \(30,\), found uint8 \(0,\)"),
    "unequal": (lambda a: a[:-1], "y_test", r"expected uint8 \(20,\), found uint8 \(19,\)"),
    "labels to 12": (lambda a: a + np.uint8(3), "y_test", "other bytes, values from 3 to 12"),
    "one pixel": (lambda a: a + np.eye(28, dtype=np.uint8), "x_test", "expected MNIST's SHA-256"),
    "order": (lambda a: a[::-1], "y_train", "expected MNIST's SHA-256"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_wrong_array_is_refused_with_expected_and_found(fault, arrays, tmp_path):
    change, name, message = WRONG[fault]
    changed = {**arrays, name: change(arrays[name])}
    found = refuse(tmp_path / "mnist.npz", pack(**changed), f"{name}: .*{message}")
    assert not any(f"{other}:" in found for other in set(arrays) - {name})


def test_every_wrong_array_is_named_at_once(arrays, tmp_path):
    short = {name: array[:1] for name, array in arrays.items()}
    found = refuse(tmp_path / "mnist.npz", pack(**short), "is not MNIST")
    assert all(f"{name}: expected uint8" in found for name in arrays)
    assert mnist_files.MANUAL in found


def test_other_names_and_extra_arrays_are_refused(arrays, tmp_path):  # 3, 5
    renamed = {name.replace("x_", "images_"): array for name, array in arrays.items()}
    refuse(tmp_path / "mnist.npz", pack(**renamed), "expected the arrays x_train.*found .*images_train")
    refuse(tmp_path / "mnist.npz", pack(**arrays, more=np.zeros(1)), r"found .*more\.npy")
    refuse(tmp_path / "mnist.npz", pack(), "found \\[\\]")


@pytest.mark.parametrize("fault", ["short", "long", "shape", "gzip", "html", "missing"])
def test_wrong_idx_file_is_refused_by_name(fault, arrays, tmp_path):
    files = pack_idx(arrays)
    plain = gzip.decompress(files[IDX[1]])
    files[IDX[1]] = {
        "short": gzip.compress(plain[:-1]),
        "long": gzip.compress(plain + b"0"),
        "shape": gzip.compress(plain[:7] + b"\x01" + plain[8:]),
        "gzip": files[IDX[1]][:-12],
        "html": PAGE,
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


def test_pickled_payload_is_refused_and_never_runs(arrays, tmp_path):  # 4
    canary = tmp_path / "canary"
    trap = np.array([Canary(canary)], dtype=object)
    refuse(tmp_path / "mnist.npz", pack(**{**arrays, "x_train": trap}), "pickled objects")
    refuse(tmp_path / "mnist.npz", pickle.dumps(Canary(canary)), "expected an npz")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in arrays:
            archive.writestr(f"{name}.npy", pickle.dumps(Canary(canary)))
    refuse(tmp_path / "mnist.npz", buffer.getvalue(), "x_train: expected uint8")
    assert not canary.exists()
    pickle.loads(pickle.dumps(Canary(canary)))
    assert canary.exists(), "the payload must be one that works"


def test_truncated_archive_is_refused_at_each_of_50_points(arrays, tmp_path):  # 1
    content = pack(**arrays)
    for size in np.linspace(0, len(content) - 1, 50, dtype=int):
        refuse(tmp_path / "mnist.npz", content[:size], "expected an npz of plain arrays")


def test_a_wrong_byte_anywhere_is_refused_or_harmless(arrays, tmp_path):  # 1
    content = pack(**arrays)
    directory = content.index(b"PK\x01\x02")
    # Few are harmless (a date, say); the headers and the directory hold those with odd consequences.
    places = [*range(200), *range(directory, len(content)), *range(200, directory, 50)]
    refused = 0
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 0x21
        (tmp_path / "mnist.npz").write_bytes(damaged)
        try:
            mnist_files.read(tmp_path / "mnist.npz")
        except DataError:
            refused += 1
    assert refused > len(places) / 2


def build_zip(member, content, times=1, names=tuple(mnist_files.ARRAYS)):
    """Return an archive of empty members with MNIST's names, but for one."""
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
    """Claim, in the archive's directory, that 65 MiB are 1,000 bytes."""
    return bomb().replace(struct.pack("<I", 65 * 2**20), struct.pack("<I", 1000))


def duplicate():
    with warnings.catch_warnings(action="ignore"):  # zipfile's own, about the duplicate
        return build_zip("x_train", npy(np.zeros(3)), names=[*mnist_files.ARRAYS, "x_train"])


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        (bomb, "expected at most 67,108,864 bytes unpacked, found 68,157,440"),
        (bomb_that_lies, "expected an npz"),
        (duplicate, "found .*'x_train.npy', 'x_train.npy'"),
    ],
)
def test_archive_built_to_harm_is_refused_in_little_memory(attack, message, tmp_path):  # 5
    content = attack()
    tracemalloc.start()
    refuse(tmp_path / "mnist.npz", content, message)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_array_that_claims_a_petabyte_is_refused(tmp_path):  # 5
    header = npy(np.zeros(10**6, np.uint8))[:128]
    claim = header.replace(b"(1000000,), }         ", b"(1000000000000000,), }")
    assert len(claim) == len(header)
    assert claim != header
    refuse(tmp_path / "mnist.npz", build_zip("x_test", claim), "expected an npz")


def test_gzip_bomb_is_refused_in_little_memory(arrays, tmp_path):  # 5
    for name, content in pack_idx(arrays).items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / IDX[0]).write_bytes(gzip.compress(bytes(2**26), compresslevel=1))
    tracemalloc.start()
    with pytest.raises(DataError, match=IDX[0]):
        mnist_files.read(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_html_page_instead_of_an_archive_is_refused(arrays, tmp_path):  # 2
    refuse(tmp_path / "mnist.npz", PAGE, "expected an npz of plain arrays.*not a zip file")


# Finding


def test_relative_path_is_found_from_a_subfolder(arrays, tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mnist.npz").write_bytes(pack(**arrays))
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    monkeypatch.setenv("MNIST_HELPERS_DATA", "data/mnist.npz")
    source, path = mnist_files.find()
    assert source == "file"
    assert path.samefile(tmp_path / "data" / "mnist.npz")


def test_path_that_leads_nowhere_is_an_error_that_names_it(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_HELPERS_DATA", str(tmp_path / "no" / "mnist.npz"))
    with pytest.raises(DataError, match=r"MNIST_HELPERS_DATA is .*mnist\.npz.*nothing is there"):
        datasets.load("auto")


def test_chosen_file_that_is_broken_is_never_replaced_by_other_images(server, tmp_path, monkeypatch):
    (tmp_path / "mnist.npz").write_bytes(PAGE)
    monkeypatch.setenv("MNIST_HELPERS_DATA", str(tmp_path / "mnist.npz"))
    monkeypatch.setattr(mnist_files, "MIRRORS", [(server.url, {"mnist.npz": digest_of(b"")})])
    with pytest.raises(DataError, match="expected an npz"):
        datasets.load("auto")
    assert server.requests == []
    assert (tmp_path / "mnist.npz").read_bytes() == PAGE


def test_chosen_file_that_is_sound_is_read_and_split(splittable, tmp_path, monkeypatch):
    (tmp_path / "mnist.npz").write_bytes(pack(**splittable))
    monkeypatch.setenv("MNIST_HELPERS_DATA", str(tmp_path / "mnist.npz"))
    digits = datasets.load("mnist")
    assert (digits.name, digits.source, digits.x_train.shape) == ("MNIST", "file", (40, 28, 28, 1))
    assert np.array_equal(digits.open_test()[1], splittable["y_test"])


def test_valid_cache_is_used_without_one_request(splittable, place, server, monkeypatch):  # 6
    (place / "mnist.npz").write_bytes(pack(**splittable))
    monkeypatch.setattr(mnist_files, "MIRRORS", [(server.url, {"mnist.npz": digest_of(b"")})])
    assert datasets.load("auto").source == "cache"
    assert server.requests == []


def test_incomplete_download_is_no_cache_and_is_kept_for_the_next_try(arrays, place, recwarn):
    (place / IDX[0]).write_bytes(pack_idx(arrays)[IDX[0]])
    assert mnist_files.find() is None
    assert datasets.load("auto").name == "UCI digits"
    assert (place / IDX[0]).exists()
    assert [str(warning.message) for warning in recwarn if "set aside" in str(warning.message)] == []


def test_broken_cache_is_set_aside_and_fetched_again_with_one_warning(
    splittable, place, server, monkeypatch
):  # 1
    content = pack(**splittable)
    (place / "mnist.npz").write_bytes(content[:-100])
    server.answers["/mnist.npz"] = content
    monkeypatch.setattr(mnist_files, "MIRRORS", [(server.url, {"mnist.npz": digest_of(content)})])
    with pytest.warns(UserWarning, match=r"broken and is set aside as \*\.bad") as caught:
        assert datasets.load("mnist").source == "download"
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert (place / "mnist.npz.bad").read_bytes() == content[:-100]
    assert (place / "mnist.npz").read_bytes() == content


@pytest.mark.filterwarnings("ignore:the cached MNIST was broken")
def test_broken_cache_offline_is_an_error_that_says_both(place, monkeypatch):  # 1
    (place / "mnist.npz").write_bytes(PAGE)
    monkeypatch.setenv("MNIST_HELPERS_OFFLINE", "1")
    with pytest.raises(DataError, match=r"(?s)cache: mnist\.npz.*not tried, because MNIST_HELPERS_OFFLINE"):
        datasets.load("mnist")


@pytest.mark.filterwarnings("ignore:the cached MNIST was broken")
def test_broken_cache_that_cannot_be_changed_names_the_variable(place):  # 12
    (place / "mnist.npz").write_bytes(PAGE)
    (place / "mnist.npz.bad" / "in the way").mkdir(parents=True)
    with pytest.raises(SetupError, match="MNIST_HELPERS_CACHE"):
        datasets.load("auto")


# Fetching


def test_download_is_verified_kept_and_used_from_then_on(splittable, place, server, monkeypatch):
    content = pack(**splittable)
    server.answers["/mnist.npz"] = content
    monkeypatch.setattr(mnist_files, "MIRRORS", [(server.url, {"mnist.npz": digest_of(content)})])
    assert [datasets.load("auto").source for _ in range(2)] == ["download", "cache"]
    assert server.requests == ["/mnist.npz"]
    assert [path.name for path in place.iterdir()] == ["mnist.npz"]


@pytest.mark.parametrize("answer", [403, 404, 500, 503, PAGE, "wrong file", "cut short"])
def test_mirror_that_fails_is_followed_by_the_next(answer, arrays, place, server, monkeypatch):  # 2, 9, 10
    content, files = pack(**arrays), pack_idx(arrays)
    wrong = {"wrong file": pack(x=np.zeros(3)), "cut short": content[:-1]}
    server.answers["/one/mnist.npz"] = wrong.get(answer, answer) if isinstance(answer, str) else answer
    server.answers |= {f"/two/{name}": data for name, data in files.items()}
    mirrors = [
        (f"{server.url}one/", {"mnist.npz": digest_of(content)}),
        (f"{server.url}two/", {name: digest_of(data, "md5") for name, data in files.items()}),
    ]
    with pytest.raises(DataError, match="mnist") as caught:
        mnist_files.fetch(*mirrors[0])
    assert (str(answer) if isinstance(answer, int) else "a login page or a proxy?") in str(caught.value)
    assert list(place.iterdir()) == []
    found = mnist_files.fetch(*mirrors[1])
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)
    assert sorted(path.name for path in place.iterdir()) == sorted(IDX)


def test_load_goes_on_to_the_next_mirror(splittable, server, monkeypatch):  # 9
    content = pack(**splittable)
    server.answers |= {"/one/mnist.npz": 500, "/two/mnist.npz": content}
    files = {"mnist.npz": digest_of(content)}
    monkeypatch.setattr(mnist_files, "MIRRORS", [(server.url + "one/", files), (server.url + "two/", files)])
    assert datasets.load("mnist").source == "download"
    assert server.requests == ["/one/mnist.npz", "/two/mnist.npz"]


def test_without_network_mnist_fails_at_once_and_lists_each_place(server, monkeypatch):  # 7, 9, 11
    files = {"mnist.npz": digest_of(b"")}
    refused, not_tls = f"http://127.0.0.1:{closed_port()}/", server.url.replace("http:", "https:")
    monkeypatch.setattr(mnist_files, "MIRRORS", [(refused, files), (server.url, files), (not_tls, files)])
    start = time.monotonic()
    with pytest.raises(DataError) as caught:
        datasets.load("mnist")
    assert time.monotonic() - start < 5
    lines = str(caught.value).splitlines()
    assert lines[0] == "MNIST could not be had:"
    assert lines[1].startswith(f"  {refused}mnist.npz: ConnectionError")
    assert lines[2].startswith(f"  {server.url}mnist.npz: HTTPError: 404")
    assert lines[3].startswith(f"  {not_tls}mnist.npz: SSLError")
    assert "MNIST_HELPERS_DATA" in lines[4]


def test_without_network_auto_takes_the_uci_digits_and_says_so(monkeypatch):  # 7
    mirror = f"http://127.0.0.1:{closed_port()}/"
    monkeypatch.setattr(mnist_files, "MIRRORS", [(mirror, {"mnist.npz": digest_of(b"")})])
    digits = datasets.load("auto")
    assert (digits.name, digits.source) == ("UCI digits", "embedded")
    assert "UCI digits (embedded)" in str(digits)
    assert "MNIST could not be had here" in str(digits)
    assert "could not be had" not in str(datasets.load("uci"))


def test_offline_makes_no_request(server, monkeypatch):
    monkeypatch.setattr(mnist_files, "MIRRORS", [(server.url, {"mnist.npz": digest_of(b"")})])
    monkeypatch.setenv("MNIST_HELPERS_OFFLINE", "1")
    with pytest.raises(DataError, match="not tried, because MNIST_HELPERS_OFFLINE is 1"):
        datasets.load("mnist")
    assert datasets.load("auto").name == "UCI digits"
    assert server.requests == []


def test_server_that_hangs_is_given_up(server, place, monkeypatch):  # 8
    assert mnist_files._TIMEOUT == (10, 30)
    monkeypatch.setattr(mnist_files, "_TIMEOUT", (0.3, 0.3))
    server.answers["/mnist.npz"] = 2.0
    start = time.monotonic()
    with pytest.raises(DataError, match="ReadTimeout"):
        mnist_files.fetch(server.url, {"mnist.npz": digest_of(b"")})
    assert time.monotonic() - start < 1.5
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("inside", ["", "folder"])
def test_cache_in_whose_place_a_file_stands_names_the_variable(inside, server, tmp_path, monkeypatch):  # 12
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MNIST_HELPERS_CACHE", str(tmp_path / "file" / inside))
    monkeypatch.setattr(mnist_files, "MIRRORS", [(server.url, {"mnist.npz": digest_of(b"")})])
    with pytest.raises(SetupError, match=r"file.* cannot be written: set MNIST_HELPERS_CACHE"):
        datasets.load("mnist")
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on a file's size")
def test_file_that_cannot_be_written_whole_leaves_nothing(arrays, place, server, monkeypatch):  # 13
    import resource

    (place / "mnist.npz.bad").write_bytes(b"an older file")
    content = pack(**arrays)
    server.answers["/mnist.npz"] = content
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # as on a full disk, writing fails midway
    try:
        with pytest.raises(DataError, match=r"mnist\.npz: OSError"):
            mnist_files.fetch(server.url, {"mnist.npz": digest_of(content)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in place.iterdir()] == ["mnist.npz.bad"]
    assert (place / "mnist.npz.bad").read_bytes() == b"an older file"


def test_eight_processes_that_fill_an_empty_cache_at_once_all_succeed(arrays, place, server):  # 14
    content = pack(**arrays)
    server.answers["/mnist.npz"] = content
    code = (
        "import sys; from mnist_helpers import mnist_files\n"
        f"mnist_files.ARRAYS = {mnist_files.ARRAYS!r}\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        f"found = mnist_files.fetch({server.url!r}, {{'mnist.npz': {digest_of(content)!r}}})\n"
        "print(found['y_train'].sum())\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, **pipes) for _ in range(8)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    found = [process.communicate(timeout=60) for process in processes]
    assert [output for output, _ in found] == [f"{arrays['y_train'].sum()}\n"] * 8, found
    assert [path.name for path in place.iterdir()] == ["mnist.npz"]
