"""Fixtures of tests that load MNIST: an empty cache, small arrays that count as MNIST, real servers."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from stand_ins import HANG, known, make_arrays

from mnist_helpers import downloads, mnist_files


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Return the cache folder, which is empty; nothing else on this machine or outside is found."""
    for name in ("DATA", "OFFLINE"):
        monkeypatch.delenv(f"MNIST_HELPERS_{name}", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("MNIST_HELPERS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(mnist_files, "MIRRORS", ())
    monkeypatch.setattr(downloads, "PAUSES", (0.01, 0.01))
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
    digests = {name: (array.shape, hashlib.sha256(array).hexdigest()) for name, array in arrays.items()}
    monkeypatch.setattr(mnist_files, "ARRAYS", digests)
    return arrays


class Handler(BaseHTTPRequestHandler):
    """Answers as `responses` of its server says, {path: answer}, and records the paths in `requests`.

    An answer is the content as bytes, a status code, HANG, or a function that gets this handler.
    """

    def do_GET(self):
        self.server.requests.append(self.path)
        answer = self.server.responses.get(self.path, 404)
        if answer is HANG:
            self.server.closing.wait()
        elif callable(answer):
            answer(self)
        elif isinstance(answer, int):
            self.send_error(answer)
        else:
            self.send(answer)

    def send(self, content, **headers):
        self.send_response(200)
        for name, value in ({"Content_Length": str(len(content))} | headers).items():
            if value is not None:
                self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def send_slowly(self, content):
        """Send a byte at a time and never end, until the client or the test has enough."""
        for byte in content:
            if self.server.closing.wait(0.02):
                return
            self.wfile.write(bytes([byte]))

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # clients that hang up are what these tests are about


@pytest.fixture
def server():
    """Return a server on this machine with `url`, `responses` and `requests`; see `Handler`."""
    with start_server() as server:
        yield server


class start_server:  # noqa: N801 — used like a function
    """Run a server inside a with block, over TLS if a context is given."""

    def __init__(self, context=None):
        self.server = Server(("127.0.0.1", 0), Handler)
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.server.closing = threading.Event()
        self.server.responses = {}
        self.server.requests = []
        self.server.url = f"{'https' if context else 'http'}://127.0.0.1:{self.server.server_port}/"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self.server

    def __exit__(self, *_):
        self.server.closing.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def mirror(server, monkeypatch):
    """Return a function that makes the server the only mirror, of this content, and says what it answers."""

    def serve(content, answer=None):
        server.responses["/mnist.npz"] = content if answer is None else answer
        monkeypatch.setattr(mnist_files, "MIRRORS", [(server.url, {"mnist.npz": known(content)})])
        return server

    return serve
