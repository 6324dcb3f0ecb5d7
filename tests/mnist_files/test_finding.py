"""mnist_files.find and set_aside: which files on this machine count, and what becomes of broken ones."""

import pytest
from stand_ins import IDX, LOGIN_PAGE, pack, pack_idx

from mnist_helpers import mnist_files
from mnist_helpers.errors import DataError, SetupError


def test_relative_path_is_found_from_a_subfolder(arrays, tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mnist.npz").write_bytes(pack(**arrays))
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    monkeypatch.setenv("MNIST_HELPERS_DATA", "data/mnist.npz")
    source, path = mnist_files.find()
    assert source == "file"
    assert path.samefile(tmp_path / "data" / "mnist.npz")


def test_path_that_does_not_exist_is_an_error_that_names_it(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_HELPERS_DATA", str(tmp_path / "no" / "mnist.npz"))
    with pytest.raises(DataError, match=r"MNIST_HELPERS_DATA is .*mnist\.npz.*does not exist"):
        mnist_files.find()


@pytest.mark.parametrize("container", ["npz", "idx"])
def test_complete_cache_is_found_in_either_container(container, arrays, cache):
    files = {"mnist.npz": pack(**arrays)} if container == "npz" else pack_idx(arrays)
    for name, content in files.items():
        assert mnist_files.find() is None
        (cache / name).write_bytes(content)
    assert mnist_files.find() == ("cache", cache)


def test_cached_files_are_set_aside_and_other_files_stay(cache):
    for name in ("mnist.npz", IDX[0], "notes.txt"):
        (cache / name).write_bytes(LOGIN_PAGE)
    with pytest.warns(UserWarning, match=r"set aside as \*\.bad: one byte differs"):
        mnist_files.set_aside(cache, DataError("one byte differs"))
    names = sorted(path.name for path in cache.iterdir())
    assert names == sorted(["mnist.npz.bad", f"{IDX[0]}.bad", "notes.txt"])


@pytest.mark.filterwarnings("ignore:the cached MNIST was broken")
def test_cache_that_cannot_be_changed_names_the_variable(cache):
    (cache / "mnist.npz").write_bytes(LOGIN_PAGE)
    (cache / "mnist.npz.bad" / "in the way").mkdir(parents=True)
    with pytest.raises(SetupError, match="cannot be written: set MNIST_HELPERS_CACHE"):
        mnist_files.set_aside(cache, DataError("one byte differs"))
