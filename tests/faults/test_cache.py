"""The cache: only what is proven wrong is set aside, and whatever the machine refuses is said as it is."""

import os
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from machine import (
    call_apart,
    call_without_rights,
    make_read_only,
    needs_root,
    shared_folder,
    small_file_system,
)
from stand_ins import IDX, LOGIN_PAGE, closed_port, known, make_arrays, pack, pack_idx
from test_downloads import load_at_once

from mnist_helpers import datasets, mnist_files
from mnist_helpers.errors import DataError, SetupError, UsageError

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX rights and processes")
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


def load():
    return datasets.load("auto")


def test_cache_truncated_at_any_of_100_points_is_refused(arrays, cache):
    content = pack(**arrays)
    for size in np.linspace(0, len(content) - 1, 100, dtype=int):
        (cache / "mnist.npz").write_bytes(content[:size])
        with pytest.raises(mnist_files.WrongFilesError, match="expected an npz of plain arrays"):
            mnist_files.read(cache)


def test_idx_files_truncated_at_any_of_100_points_are_refused_by_name(arrays, cache):
    files = pack_idx(arrays)
    for name, content in files.items():
        (cache / name).write_bytes(content)
    for name, content in files.items():
        for size in np.linspace(0, len(content) - 1, 25, dtype=int):
            (cache / name).write_bytes(content[:size])
            with pytest.raises(mnist_files.WrongFilesError, match=name) as caught:
                mnist_files.read(cache)
            assert caught.value.paths == [cache / name], "the other three are sound"
        (cache / name).write_bytes(content)


def test_broken_idx_file_alone_is_set_aside_and_fetched(splittable, cache, server, monkeypatch):
    files = pack_idx(splittable)
    server.responses |= {f"/{name}": content for name, content in files.items()}
    hashes = {name: known(content, "md5") for name, content in files.items()}
    monkeypatch.setattr(mnist_files, "MIRRORS", [(server.url, hashes)])
    for name, content in files.items():
        (cache / name).write_bytes(content if name != IDX[2] else content[:-9])
    with pytest.warns(UserWarning, match=f"set aside as {IDX[2]}.bad"):
        assert datasets.load("mnist").source == "download"
    assert server.requests == [f"/{IDX[2]}"]
    assert sorted(path.name for path in cache.iterdir()) == sorted([*IDX, f"{IDX[2]}.bad", "lock"])


@pytest.mark.parametrize("broken", ["folder", "too large", "header"])
def test_strange_file_in_the_cache_is_set_aside_and_fetched(broken, splittable, mirror, cache):
    mirror(pack(**splittable))
    path = cache / "mnist.npz"
    if broken == "folder":
        path.mkdir()
    elif broken == "too large":
        with path.open("wb") as file:
            file.truncate(65 * 2**20)
    else:
        header = b"{'descr': " + b"-" * 7_000 + b"1}\n"  # Python's parser calls this a lack of memory
        array = b"\x93NUMPY\x02\x00" + len(header).to_bytes(4, "little") + header
        with zipfile.ZipFile(path, "w") as archive:
            for name in mnist_files.ARRAYS:
                archive.writestr(f"{name}.npy", array)
    with pytest.warns(UserWarning, match="set aside as mnist.npz.bad"):
        assert load().source == "download"
    assert (cache / "mnist.npz.bad").exists()


def test_file_that_was_set_aside_stays_as_it_is(splittable, cache):
    for name, content in pack_idx(splittable).items():
        (cache / name).write_bytes(content if name != IDX[0] else LOGIN_PAGE)
    old = pack(**splittable)[:-9]
    (cache / "mnist.npz.bad").write_bytes(old)
    with pytest.warns(UserWarning, match=f"set aside as {IDX[0]}.bad") as caught:
        assert load().name == "UCI digits"
    assert len(caught) == 1
    assert (cache / "mnist.npz.bad").read_bytes() == old
    assert sorted(path.name for path in cache.glob("*.bad")) == sorted([f"{IDX[0]}.bad", "mnist.npz.bad"])


def test_broken_file_that_cannot_be_set_aside_is_an_error_that_says_so(splittable, cache):
    (cache / "mnist.npz").write_bytes(LOGIN_PAGE)
    (cache / "mnist.npz.bad" / "x").mkdir(parents=True)
    with pytest.raises(SetupError, match="set MNIST_HELPERS_CACHE to a writable folder"):
        load()


@posix
def test_kerass_cache_that_may_not_be_read_stops_nobody(cache, monkeypatch):
    load()
    with shared_folder() as folder:
        keras = folder / "datasets" / "mnist.npz"
        keras.parent.mkdir()
        keras.write_bytes(LOGIN_PAGE)
        keras.chmod(0)
        monkeypatch.setenv("KERAS_HOME", str(folder))
        monkeypatch.setenv("MNIST_HELPERS_CACHE", str(folder / "cache"))
        folder.chmod(0o777)
        assert call_without_rights(lambda: load().name) == "UCI digits"


def test_three_processes_on_a_broken_cache_mend_it_once(splittable, mirror, cache):
    content = pack(**splittable)
    server = mirror(content)
    (cache / "mnist.npz").write_bytes(content[:-100])
    found = load_at_once(3, server, content)
    assert all(output.startswith("MNIST (") for output, _ in found), found
    assert sum("was broken and is set aside" in errors for _, errors in found) == 1, found
    assert server.requests == ["/mnist.npz"]
    assert sorted(path.name for path in cache.iterdir()) == ["lock", "mnist.npz", "mnist.npz.bad"]
    assert (cache / "mnist.npz").read_bytes() == content


@needs_root
def test_second_user_reads_what_the_first_one_downloaded(splittable, mirror, monkeypatch):
    load()  # imports what another user may not read
    mirror(pack(**splittable))
    with shared_folder() as folder:
        monkeypatch.setenv("MNIST_HELPERS_CACHE", str(folder / "cache"))
        before = os.umask(0o022)
        try:
            assert datasets.load("mnist").source == "download"
        finally:
            os.umask(before)
        (folder / "cache").chmod(0o555)
        assert call_without_rights(load).startswith("MNIST (cache): 40 ")


@posix
def test_cached_file_that_may_not_be_read_is_no_corruption(splittable, server, monkeypatch):
    load()
    with shared_folder() as folder:
        monkeypatch.setenv("MNIST_HELPERS_CACHE", str(folder))
        content = pack(**splittable)
        server.responses["/mnist.npz"] = content
        monkeypatch.setattr(mnist_files, "MIRRORS", [(server.url, {"mnist.npz": known(content)})])
        (folder / "mnist.npz").write_bytes(content)
        (folder / "mnist.npz").chmod(0)
        found = call_without_rights(load)
        assert found.startswith(f"SetupError: {folder / 'mnist.npz'} cannot be read (Permission denied)"), (
            found
        )
        (folder / "mnist.npz").chmod(0o644)
        assert [path.name for path in folder.iterdir()] == ["mnist.npz"]
        assert (folder / "mnist.npz").read_bytes() == content
    assert server.requests == []


@posix
@pytest.mark.parametrize("place", ["the cache", "the path that is set"])
def test_folder_that_may_not_be_searched_is_said(place, splittable, monkeypatch):
    load()
    with shared_folder() as folder:
        (folder / "closed").mkdir()
        (folder / "closed" / "mnist.npz").write_bytes(pack(**splittable))
        name = "MNIST_HELPERS_CACHE" if place == "the cache" else "MNIST_HELPERS_DATA"
        monkeypatch.setenv(name, str(folder / "closed" / ("" if place == "the cache" else "mnist.npz")))
        (folder / "closed").chmod(0)
        found = call_without_rights(load)
        (folder / "closed").chmod(0o755)
    assert found.startswith("SetupError: "), found
    assert "cannot be looked up (Permission denied)" in found
    assert name in found


@posix
def test_read_only_cache_with_valid_data_works_and_a_broken_one_names_the_variable(splittable, monkeypatch):
    load()
    content = pack(**splittable)
    with shared_folder() as folder:
        monkeypatch.setenv("MNIST_HELPERS_CACHE", str(folder))
        (folder / "mnist.npz").write_bytes(content)
        folder.chmod(0o555)
        assert call_without_rights(load).startswith("MNIST (cache): 40 ")
        folder.chmod(0o755)
        (folder / "mnist.npz").write_bytes(content[:-100])
        folder.chmod(0o555)
        found = call_without_rights(load)
        assert found.startswith(f"SetupError: {folder} cannot be written"), found
        assert "set MNIST_HELPERS_CACHE" in found
        assert [path.name for path in folder.iterdir()] == ["mnist.npz"]
        folder.chmod(0o755)


def test_read_only_file_system_is_read_and_named(splittable, mirror, monkeypatch):
    mirror(pack(**splittable))
    with small_file_system("16m") as folder:
        (folder / "mnist.npz").write_bytes(pack(**splittable))
        monkeypatch.setenv("MNIST_HELPERS_CACHE", str(folder))
        make_read_only(folder)
        assert datasets.load("mnist").source == "cache"
        monkeypatch.setenv("MNIST_HELPERS_CACHE", str(folder / "new"))
        with pytest.raises(
            SetupError, match=r"new cannot be written \(Read-only file system\): set MNIST_HELPERS_"
        ):
            datasets.load("auto")


def test_full_file_system_keeps_the_old_file_and_no_draft(arrays, mirror, monkeypatch):
    noise = np.random.default_rng(0).integers(0, 256, 500_000, dtype=np.uint8)
    mirror(pack(noise=noise))
    with small_file_system() as folder:
        (folder / "mnist.npz.bad").write_bytes(b"older")
        monkeypatch.setenv("MNIST_HELPERS_CACHE", str(folder))
        with pytest.raises(
            SetupError, match=r"\(No space left on device\): free some space, or set MNIST_HELPERS_"
        ):
            datasets.load("mnist")
        assert sorted(path.name for path in folder.iterdir()) == ["lock", "mnist.npz.bad"]
        assert (folder / "mnist.npz.bad").read_bytes() == b"older"


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of memory that the system enforces")
def test_too_little_memory_is_no_corruption(cache, monkeypatch):
    import resource

    arrays = make_arrays(n_test=50_000)  # 39 MB, packed into little
    monkeypatch.setattr(mnist_files, "ARRAYS", {name: (array.shape, "") for name, array in arrays.items()})
    (cache / "mnist.npz").write_bytes(pack(**{name: np.zeros_like(array) for name, array in arrays.items()}))

    def limit():
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + 20_000_000
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

    found = call_apart(load, prepare=limit)
    assert found.startswith("SetupError: memory does not suffice"), found
    assert [path.name for path in cache.iterdir()] == ["mnist.npz"]


def test_warning_of_a_broken_cache_does_not_come_before_the_rename(cache):
    (cache / "mnist.npz").write_bytes(LOGIN_PAGE)
    (cache / "mnist.npz.bad" / "in the way").mkdir(parents=True)
    with warnings.catch_warnings(record=True, action="always") as caught, pytest.raises(SetupError):
        datasets.load("auto")
    assert [str(each.message) for each in caught if "set aside" in str(each.message)] == []


@pytest.mark.parametrize("word", ["1", "true", "TRUE", "Yes", "on", " 1 "])
def test_each_word_for_yes_keeps_from_the_network(word, mirror, monkeypatch):
    server = mirror(b"")
    monkeypatch.setenv("MNIST_HELPERS_OFFLINE", word)
    with pytest.raises(DataError, match="download: not tried, because MNIST_HELPERS_OFFLINE is set"):
        datasets.load("mnist")
    assert server.requests == []


@pytest.mark.parametrize("word", ["", "0", "false", "No", "off"])
def test_each_word_for_no_uses_the_network(word, splittable, mirror, monkeypatch):
    mirror(pack(**splittable))
    monkeypatch.setenv("MNIST_HELPERS_OFFLINE", word)
    assert datasets.load("mnist").source == "download"


@pytest.mark.parametrize("word", ["maybe", "2", "-", "x" * 5_000])
def test_other_word_is_refused_and_nothing_is_asked(word, mirror, monkeypatch):
    server = mirror(b"")
    monkeypatch.setenv("MNIST_HELPERS_OFFLINE", word)
    with pytest.raises(
        UsageError, match=r"MNIST_HELPERS_OFFLINE is .*: set it to 1 \(yes\) or 0 \(no\)"
    ) as caught:
        datasets.load("auto")
    assert len(str(caught.value)) < 200
    assert server.requests == []


@pytest.mark.parametrize(
    "path", ["x" * 5_000, "~no-such-user/mnist.npz", "a/" * 1_000, "\udcff"], ids=range(4)
)
def test_strange_path_is_a_typed_error_of_one_line(path, monkeypatch):
    monkeypatch.setenv("MNIST_HELPERS_DATA", path)
    with pytest.raises((DataError, SetupError), match="MNIST_HELPERS_DATA") as caught:
        datasets.load("auto")
    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)


@posix
@pytest.mark.parametrize("variable", ["MNIST_HELPERS_DATA", "MNIST_HELPERS_CACHE"])
def test_pipe_or_device_in_the_place_of_a_file_hangs_nobody(variable, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "folder" / "mnist.npz")
    (tmp_path / "zero").symlink_to("/dev/zero")
    offline = os.environ | {"MNIST_HELPERS_OFFLINE": "1"}
    for name in ("pipe", "folder", "zero"):
        code = "from mnist_helpers.cli import main; main(['data', '--dataset', 'mnist'])"
        command = [sys.executable, "-c", code]
        found = subprocess.run(
            command,
            env=offline | {variable: str(tmp_path / name)},
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert found.returncode in (3, 4), (name, found.stderr)
        assert found.stderr.startswith("Error: ")
        assert "Traceback" not in found.stderr


def test_valid_cache_needs_no_connection_at_all(splittable, cache, monkeypatch):
    def refuse(*_):
        raise AssertionError("a connection was tried")

    (cache / "mnist.npz").write_bytes(pack(**splittable))
    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    assert datasets.load("auto").source == "cache"


def test_without_network_one_connection_per_mirror_is_tried(monkeypatch):
    refused = [f"http://127.0.0.1:{closed_port()}/" for _ in range(3)]
    monkeypatch.setattr(mnist_files, "MIRRORS", [(url, {"mnist.npz": known(b"")}) for url in refused])
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("no pause helps where there is no network"))
    with pytest.raises(DataError) as caught:
        datasets.load("mnist")
    assert str(caught.value).count("Connection refused") == 3
