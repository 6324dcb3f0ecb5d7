"""mnist_files.find: which files on this machine count as MNIST."""

import gzip
import io
import zipfile

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


@pytest.mark.parametrize("packing", ["gzip under a plain name", "plain under .gz", "one of each"])
def test_packing_is_recognised_by_content(packing, arrays, tmp_path):
    for number, content in enumerate(pack_idx(arrays).values()):
        plain = gzip.decompress(content)
        packed = content if packing[0] == "g" or (packing[0] == "o" and number % 2) else plain
        (tmp_path / ("digits {}.gz" if packing[0] == "p" else "digits {}").format(number)).write_bytes(packed)
    found = mnist_files.read(tmp_path)
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)


@pytest.mark.parametrize("packed", [True, False])
def test_idx_file_that_only_begins_like_mnist_does_not_hide_the_right_one(packed, arrays, tmp_path):
    for name, content in pack_idx(arrays).items():
        plain = gzip.decompress(content)
        (tmp_path / f"b {name}").write_bytes(content if packed else plain)
        wrong = plain[:-1] + bytes([plain[-1] ^ 1])
        (tmp_path / f"a {name}").write_bytes(gzip.compress(wrong) if packed else wrong)
    found = mnist_files.read(tmp_path)
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)


@pytest.mark.parametrize("name", ["mnist (1).zip", "MNIST.NPZ", "data"])
@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_archive_of_another_name_and_packing_is_recognised_by_content(name, method, arrays, tmp_path):
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "0 model.keras").write_bytes(pack(config=np.zeros(3)))
    with (
        zipfile.ZipFile(io.BytesIO(pack(**arrays))) as source,
        zipfile.ZipFile(tmp_path / "digits" / name, "w", method) as target,
    ):
        for member in source.namelist():
            target.writestr(member, source.read(member))
    for path in (tmp_path / "digits", tmp_path / "digits" / name):
        found = mnist_files.read(path)
        assert all(np.array_equal(found[each], arrays[each]) for each in arrays)


def test_archives_of_which_none_is_mnist_are_refused(arrays, tmp_path):
    for name in ("a.zip", "b.zip"):
        (tmp_path / name).write_bytes(pack(config=np.zeros(3)))
    with pytest.raises(DataError, match=r"b\.zip: expected an npz of plain arrays"):
        mnist_files.read(tmp_path)
