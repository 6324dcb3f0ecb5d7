"""mnist_files.find: which files on this machine count as MNIST."""

import gzip

import numpy as np
import pytest
from stand_ins import LOGIN_PAGE, pack, pack_idx

from mnist_helpers import datasets, mnist_files
from mnist_helpers.errors import DataError


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


def test_kerass_own_cache_is_found_after_ours_and_left_alone(splittable, cache, tmp_path):
    keras = tmp_path / "keras" / "datasets" / "mnist.npz"
    keras.parent.mkdir(parents=True)
    keras.write_bytes(LOGIN_PAGE)
    assert mnist_files.find() == ("Keras's cache", keras)
    assert datasets.load("auto").name == "UCI digits"
    assert keras.read_bytes() == LOGIN_PAGE
    keras.write_bytes(pack(**splittable))
    assert datasets.load("mnist").source == "Keras's cache"
    (cache / "mnist.npz").write_bytes(pack(**splittable))
    assert [source for source, _ in mnist_files.find_all()] == ["cache", "Keras's cache"]


@pytest.mark.parametrize("below", ["", "raw", "MNIST/raw"])
@pytest.mark.parametrize("names", ["train-images.idx3-ubyte", "part {}", "{}.gz"])
def test_idx_files_are_recognised_by_content(names, below, arrays, tmp_path):
    folder = tmp_path / "digits" / below
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("not a digit")
    for number, (name, content) in enumerate(pack_idx(arrays).items()):
        plain = gzip.decompress(content)
        usual = name.removesuffix(".gz").replace("-idx", ".idx")
        (folder / (usual if "idx" in names else names.format(number))).write_bytes(plain)
    found = mnist_files.read(tmp_path / "digits")
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)


def test_archive_of_another_name_is_recognised_by_content(arrays, tmp_path):
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "mnist (1).zip").write_bytes(pack(**arrays))
    assert list(mnist_files.read(tmp_path / "digits")) == list(arrays)
