"""Small arrays that stand in for MNIST, and the files that hold them."""

import gzip
import hashlib
import io
import socket
import struct

import numpy as np

from mnist_helpers.downloads import Known

IDX = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
]
LOGIN_PAGE = b"<!DOCTYPE html><html><body>Please log in</body></html>"
HANG = object()  # as a response of the server: it never comes


def make_arrays(n_train=30, n_test=20):
    """Return arrays with MNIST's names, dtypes and image size."""
    random = np.random.default_rng(0)
    arrays = {}
    for part, size in (("train", n_train), ("test", n_test)):
        images = np.zeros((size, 28, 28), np.uint8)
        images[:, 4:8, 4:8] = random.integers(0, 256, (size, 4, 4))
        arrays[f"x_{part}"] = images
        arrays[f"y_{part}"] = (np.arange(size) % 10).astype(np.uint8)
    return arrays


def pack(**arrays):
    """Return the bytes of an npz."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def pack_idx(arrays):
    """Return {file name: bytes of a gzipped IDX file}; the arrays are in the order of the files."""
    files = {}
    for name, array in zip(IDX, arrays.values(), strict=True):
        header = struct.pack(f">{1 + array.ndim}i", 0x800 + array.ndim, *array.shape)
        files[name] = gzip.compress(header + array.tobytes())
    return files


def known(content, algorithm="sha256"):
    """Return what is known of a file before it is downloaded."""
    return Known(len(content), f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}")


def closed_port():
    """Return a port of this machine on which nothing listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
