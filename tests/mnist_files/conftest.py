"""Each test starts without MNIST and without mirrors; the servers are real ones on this machine."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from stand_ins import HANG, make_arrays

from mnist_helpers import mnist_files


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Return the cache folder, which is empty; nothing else on this machine or outside is found."""
    for name in ("DATA", "OFFLINE"):
        monkeypatch.delenv(f"MNIST_HELPERS_{name}", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("MNIST_HELPERS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(mnist_files, "MIRRORS", ())
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


@pytest.fixture
def arrays(monkeypatch):
    """Return small arrays that count as MNIST."""
    return _stand_in(monkeypatch, make_arrays())


@pytest.fixture
def splittable(monkeypatch):
    """Return arrays that count as MNIST and are enough for 10,000 validation images."""
    return _stand_in(monkeypatch, make_arrays(10_040))


def _stand_in(monkeypatch, arrays):
    known = {name: (array.shape, hashlib.sha256(array).hexdigest()) for name, array in arrays.items()}
    monkeypatch.setattr(mnist_files, "ARRAYS", known)
    return arrays


@pytest.fixture
def server():
    """Serve `responses`, {path: bytes, a status code, or HANG}, and record the paths in `requests`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.requests.append(self.path)
            response = server.responses.get(self.path, 404)
            if response is HANG:
                closing.wait()
            elif isinstance(response, int):
                self.send_error(response)
            else:
                self.send_response(200)
                self.send_header("Content-Length", str(len(response)))
                self.end_headers()
                self.wfile.write(response)

        def log_message(self, *_):
            pass

    closing = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.responses = {}
    server.requests = []
    server.url = f"http://127.0.0.1:{server.server_port}/"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    closing.set()
    server.shutdown()
    server.server_close()
