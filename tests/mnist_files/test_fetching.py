"""mnist_files.fetch: a mirror that works, mirrors that fail in every way, and a cache that is shared."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from stand_ins import HANG, IDX, LOGIN_PAGE, hash_of, pack, pack_idx

from mnist_helpers import mnist_files
from mnist_helpers.errors import DataError, SetupError

ROOT = Path(__file__).resolve().parents[2]


def test_four_idx_files_are_fetched_and_kept(arrays, cache, server):
    files = pack_idx(arrays)
    server.responses |= {f"/{name}": content for name, content in files.items()}
    hashes = {name: hash_of(content, "md5") for name, content in files.items()}
    found = mnist_files.fetch(server.url, hashes)
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)
    assert sorted(path.name for path in cache.iterdir()) == sorted(IDX)


@pytest.mark.parametrize("response", [403, 404, 500, 503, LOGIN_PAGE, "wrong file", "cut short"])
def test_mirror_that_fails_is_an_error_and_leaves_no_file(response, arrays, cache, server):
    content = pack(**arrays)
    wrong = {"wrong file": pack(x=np.zeros(3)), "cut short": content[:-1]}
    server.responses["/mnist.npz"] = wrong.get(response, response)
    reason = str(response) if isinstance(response, int) else "did a login page or a proxy answer"
    with pytest.raises(DataError, match=rf"^mnist\.npz.*{reason}"):
        mnist_files.fetch(server.url, {"mnist.npz": hash_of(content)})
    assert list(cache.iterdir()) == []


def test_server_that_hangs_is_given_up(server, cache, monkeypatch):
    assert mnist_files._TIMEOUT == (10, 30)
    monkeypatch.setattr(mnist_files, "_TIMEOUT", (60, 0.3))
    server.responses["/mnist.npz"] = HANG
    with pytest.raises(DataError, match="ReadTimeout"):
        mnist_files.fetch(server.url, {"mnist.npz": hash_of(b"")})
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("inside", ["", "folder"])
def test_file_in_the_place_of_the_cache_is_an_error(inside, server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MNIST_HELPERS_CACHE", str(tmp_path / "file" / inside))
    with pytest.raises(SetupError, match=r"file.* cannot be written: set MNIST_HELPERS_CACHE"):
        mnist_files.fetch(server.url, {"mnist.npz": hash_of(b"")})
    assert (tmp_path / "file").read_text() == "in the way"
    assert server.requests == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on a file's size")
def test_file_that_cannot_be_written_whole_leaves_nothing(arrays, cache, server):
    import resource

    (cache / "mnist.npz.bad").write_bytes(b"an older file")
    content = pack(**arrays)
    server.responses["/mnist.npz"] = content
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # writing fails midway, as on a full disk
    try:
        with pytest.raises(DataError, match=r"mnist\.npz: OSError"):
            mnist_files.fetch(server.url, {"mnist.npz": hash_of(content)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in cache.iterdir()] == ["mnist.npz.bad"]
    assert (cache / "mnist.npz.bad").read_bytes() == b"an older file"


def test_eight_processes_that_fill_the_cache_at_once_succeed(arrays, cache, server):
    content = pack(**arrays)
    server.responses["/mnist.npz"] = content
    code = (
        "import sys; from mnist_helpers import mnist_files\n"
        f"mnist_files.ARRAYS = {mnist_files.ARRAYS!r}\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        f"found = mnist_files.fetch({server.url!r}, {{'mnist.npz': {hash_of(content)!r}}})\n"
        "print(found['y_train'].sum())\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, **pipes) for _ in range(8)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    found = [process.communicate(timeout=600) for process in processes]
    assert [output for output, _ in found] == [f"{arrays['y_train'].sum()}\n"] * 8, found
    assert [path.name for path in cache.iterdir()] == ["mnist.npz"]
