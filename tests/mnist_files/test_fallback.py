"""datasets.load tries in order: the path that is set, the cache, the mirrors, the UCI digits."""

import numpy as np
import pytest
from stand_ins import IDX, LOGIN_PAGE, closed_port, known, pack, pack_idx

from mnist_helpers import datasets, mnist_files
from mnist_helpers.errors import DataError, SetupError


def test_path_that_is_set_is_read_and_split(splittable, tmp_path, monkeypatch):
    (tmp_path / "mnist.npz").write_bytes(pack(**splittable))
    monkeypatch.setenv("MNIST_HELPERS_DATA", str(tmp_path / "mnist.npz"))
    digits = datasets.load("mnist")
    assert (digits.name, digits.source, digits.x_train.shape) == ("MNIST", "file", (40, 28, 28, 1))
    assert np.array_equal(digits.open_test()[1], splittable["y_test"])


@pytest.mark.parametrize("content", [LOGIN_PAGE, None], ids=["broken", "missing"])
def test_path_that_is_set_is_never_replaced(content, mirror, tmp_path, monkeypatch):
    server = mirror(b"")
    path = tmp_path / "mnist.npz"
    if content:
        path.write_bytes(content)
    monkeypatch.setenv("MNIST_HELPERS_DATA", str(path))
    with pytest.raises(DataError, match="expected an npz" if content else "does not exist"):
        datasets.load("auto")
    assert server.requests == []
    assert not content or path.read_bytes() == content


def test_valid_cache_is_used_without_a_request(splittable, cache, mirror):
    server = mirror(b"")
    (cache / "mnist.npz").write_bytes(pack(**splittable))
    assert datasets.load("auto").source == "cache"
    assert server.requests == []


def test_incomplete_cache_is_ignored_and_kept(arrays, cache, recwarn):
    (cache / IDX[0]).write_bytes(pack_idx(arrays)[IDX[0]])
    assert datasets.load("auto").name == "UCI digits"
    assert (cache / IDX[0]).exists()
    assert [str(warning.message) for warning in recwarn if "set aside" in str(warning.message)] == []


def test_broken_cache_is_set_aside_and_fetched_with_one_warning(splittable, cache, mirror):
    content = pack(**splittable)
    (cache / "mnist.npz").write_bytes(content[:-100])
    mirror(content)
    with pytest.warns(UserWarning, match=r"broken and is set aside as mnist\.npz\.bad") as caught:
        assert datasets.load("mnist").source == "download"
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert (cache / "mnist.npz.bad").read_bytes() == content[:-100]
    assert (cache / "mnist.npz").read_bytes() == content


@pytest.mark.filterwarnings("ignore:the cached MNIST was broken")
def test_broken_cache_offline_is_an_error_with_both_reasons(cache, monkeypatch):
    (cache / "mnist.npz").write_bytes(LOGIN_PAGE)
    monkeypatch.setenv("MNIST_HELPERS_OFFLINE", "1")
    with pytest.raises(DataError, match=r"(?s)cache: mnist\.npz.*not tried, because MNIST_HELPERS_OFFLINE"):
        datasets.load("mnist")


@pytest.mark.filterwarnings("ignore:the cached MNIST was broken")
def test_broken_cache_that_cannot_be_changed_is_no_fallback(cache):
    (cache / "mnist.npz").write_bytes(LOGIN_PAGE)
    (cache / "mnist.npz.bad" / "in the way").mkdir(parents=True)
    with pytest.raises(SetupError, match="MNIST_HELPERS_CACHE"):
        datasets.load("auto")


def test_cache_that_cannot_be_made_is_an_error(mirror, tmp_path, monkeypatch):
    mirror(b"")
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MNIST_HELPERS_CACHE", str(tmp_path / "file"))
    with pytest.raises(SetupError, match="MNIST_HELPERS_CACHE"):
        datasets.load("mnist")


def test_download_is_verified_kept_and_used_from_then_on(splittable, cache, mirror):
    server = mirror(pack(**splittable))
    assert [datasets.load("auto").source for _ in range(2)] == ["download", "cache"]
    assert server.requests == ["/mnist.npz"]
    assert sorted(path.name for path in cache.iterdir()) == ["lock", "mnist.npz"]


def test_mirror_that_fails_is_followed_by_the_next(splittable, server, monkeypatch):
    content = pack(**splittable)
    server.responses |= {"/one/mnist.npz": 500, "/two/mnist.npz": content}
    files = {"mnist.npz": known(content)}
    monkeypatch.setattr(mnist_files, "MIRRORS", [(server.url + "one/", files), (server.url + "two/", files)])
    with pytest.warns(UserWarning, match=f"MNIST came from {server.url}two/, since {server.url}one/"):
        assert datasets.load("mnist").source == "download"
    assert server.requests == ["/one/mnist.npz"] * 3 + ["/two/mnist.npz"]


def test_without_network_mnist_is_an_error_that_lists_each_place(server, monkeypatch):
    files = {"mnist.npz": known(b"")}
    refused = f"http://127.0.0.1:{closed_port()}/"
    not_tls = server.url.replace("http:", "https:")
    monkeypatch.setattr(mnist_files, "MIRRORS", [(refused, files), (server.url, files), (not_tls, files)])
    with pytest.raises(DataError) as caught:
        datasets.load("mnist")
    assert server.requests == ["/mnist.npz"]  # what is not there will not be there a second later
    lines = str(caught.value).splitlines()
    assert lines[0] == "MNIST is not available:"
    assert lines[1].startswith(f"  {refused}mnist.npz: ConnectionRefusedError")
    assert lines[2].startswith(f"  {server.url}mnist.npz: the server answers 404 Not Found")
    assert lines[3].startswith(f"  {not_tls}mnist.npz: SSL")
    assert "MNIST_HELPERS_DATA" in lines[4]


def test_without_network_auto_falls_back_to_the_uci_digits(monkeypatch):
    mirror = f"http://127.0.0.1:{closed_port()}/"
    monkeypatch.setattr(mnist_files, "MIRRORS", [(mirror, {"mnist.npz": known(b"")})])
    digits = datasets.load("auto")
    assert (digits.name, digits.source) == ("UCI digits", "embedded")
    assert digits.fallback_reason.startswith("MNIST is not available here")
    assert str(digits) == f"{datasets.load('uci')}\n{digits.fallback_reason}"
    assert datasets.load("uci").fallback_reason == ""


def test_offline_makes_no_request(mirror, monkeypatch):
    server = mirror(b"")
    monkeypatch.setenv("MNIST_HELPERS_OFFLINE", "1")
    with pytest.raises(DataError, match="not tried, because MNIST_HELPERS_OFFLINE is set"):
        datasets.load("mnist")
    assert datasets.load("auto").name == "UCI digits"
    assert server.requests == []
