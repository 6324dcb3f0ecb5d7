"""Download a file of known size and hash, within bounds of time and space, whatever the server does."""

import contextlib
import hashlib
import http.client
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError

import certifi
from tqdm import tqdm

from mnist_helpers import files
from mnist_helpers.errors import DataError

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0  # longest wait for the next bytes
WHOLE_SECONDS = 300.0  # for one file with its redirects; 11 MB then need 40 kB/s
PAUSES = (1.0, 3.0)  # seconds before a server that is unavailable (5xx) is asked again
_CHUNK = 2**16
_HTML = (b"<!doctype html", b"<html")


class Known(NamedTuple):
    """What is known of a file before it is downloaded.

    Parameters
    ----------
    size : int
        In bytes.
    digest : str
        ``"algorithm:hash"``, such as ``"sha256:731c5a…"``.
    """

    size: int
    digest: str


class _UnavailableError(DataError):
    """The server answered with 5xx; it may work a moment later."""


class _Deadline:
    """Ends all connections when the time is up: a timeout of a socket only limits each wait."""

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._timer.start()

    def connect(self, *args: Any, **options: Any) -> socket.socket:
        """Open a connection that ends with the time, its TLS handshake included."""
        connection = socket.create_connection(*args, **options)
        self._sockets.append(connection.dup())  # TLS takes the descriptor of the first one
        if self.passed:
            self._end()
        return connection

    def cancel(self) -> None:
        self._timer.cancel()
        for each in self._sockets:
            each.close()

    def _end(self) -> None:
        self.passed = True
        for each in list(self._sockets):
            with contextlib.suppress(OSError):  # closed already
                each.shutdown(socket.SHUT_RDWR)


class _Connection(http.client.HTTPConnection):
    """A connection that a deadline can end."""

    def __init__(self, host: str, *, deadline: _Deadline, **options: Any) -> None:
        super().__init__(host, **options)
        self._create_connection = deadline.connect

    def connect(self) -> None:
        self.timeout = CONNECT_SECONDS
        super().connect()
        self.sock.settimeout(READ_SECONDS)


class _TLSConnection(_Connection, http.client.HTTPSConnection):
    """The same with TLS."""


class _Handler(urllib.request.HTTPSHandler):
    """Opens http and https, and nothing else."""

    def __init__(self, deadline: _Deadline) -> None:
        context = ssl.create_default_context()
        context.load_verify_locations(certifi.where())  # some installations of Python have no certificates
        super().__init__()
        self._trusted = context
        self._options: dict[str, Any] = {"deadline": deadline}

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Connection, request, **self._options)  # type: ignore[arg-type]

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        options = self._options | {"context": self._trusted}
        return self.do_open(_TLSConnection, request, **options)  # type: ignore[arg-type]

    http_request = https_request = urllib.request.AbstractHTTPHandler.do_request_


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but not from https to anything else."""

    def redirect_request(
        self, request: Any, answer: Any, code: int, reason: str, headers: Any, url: str
    ) -> Any:
        allowed = ("https:",) if request.full_url.startswith("https:") else ("https:", "http:")
        if not url.startswith(allowed):
            answer.close()
            raise URLError(f"it redirects to {url}, which is not followed")
        return super().redirect_request(request, answer, code, reason, headers, url)


def download(url: str, path: Path, known: Known) -> None:
    """Download a file; it gets its name after its size and hash were verified.

    Parameters
    ----------
    url : str
        Address, http or https.
    path : Path
        Where the file is written, in a folder that exists and where no other process writes it.
    known : Known
        What the file must be.

    Raises
    ------
    DataError
        If the file cannot be downloaded; the message begins with the address and states the cause.
    SetupError
        If it cannot be written.
    """
    for pause in PAUSES:
        try:
            _download_once(url, path, known)
        except _UnavailableError:
            time.sleep(pause)
        else:
            return
    _download_once(url, path, known)


def _download_once(url: str, path: Path, known: Known) -> None:
    algorithm, _, expected = known.digest.partition(":")
    found = hashlib.new(algorithm, usedforsecurity=False)
    with files.open_draft(path, "set MNIST_HELPERS_CACHE to another folder") as draft:
        for chunk in _receive(url, path.name, known.size):
            draft.write(chunk)
            found.update(chunk)
        if found.hexdigest() != expected:
            raise DataError(
                f"{url}: it has the right size but is another file, {algorithm} {found.hexdigest()}"
            )


def _receive(url: str, name: str, size: int) -> Iterator[bytes]:
    """Yield the content, exactly `size` bytes, or raise DataError."""
    deadline = _Deadline(WHOLE_SECONDS)
    request = urllib.request.Request(url, headers={"User-Agent": "mnist-helpers"})
    try:
        opener = _make_opener(deadline)  # reads certificates, which may fail as well
        with opener.open(request) as response, tqdm(desc=name, total=size, unit="B", unit_scale=True) as bar:
            received = 0
            while chunk := response.read1(_CHUNK):
                if not received:
                    _check_start(url, response.headers, chunk, size)
                received += len(chunk)
                if received > size:
                    raise DataError(f"{url}: it is longer than the {size:,} bytes of the file")
                bar.update(len(chunk))
                yield chunk
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _explain(url, error, deadline) from error
    finally:
        deadline.cancel()
    if received < size:
        passed = f" within {WHOLE_SECONDS:.0f} s" if deadline.passed else ""
        raise DataError(f"{url}: it ended after {received:,} of {size:,} bytes{passed}")


def _make_opener(deadline: _Deadline) -> urllib.request.OpenerDirector:
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        _Handler(deadline),
        _SafeRedirects(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _check_start(url: str, headers: Any, start: bytes, size: int) -> None:
    """Refuse what is known to be wrong before most of it has come."""
    if start.lstrip()[:20].lower().startswith(_HTML) or headers.get_content_type() == "text/html":
        raise DataError(f"{url}: received HTML: a login page or a proxy?")
    if (packing := headers.get("Content-Encoding", "identity")) != "identity":
        raise DataError(f"{url}: it came packed as {packing}, which was not asked for")
    if (length := headers.get("Content-Length", str(size))) != str(size):
        raise DataError(f"{url}: the server announces {length} bytes, the file has {size:,}")


def _explain(url: str, error: Exception, deadline: _Deadline) -> DataError:
    """Return the error with its cause in words."""
    if isinstance(error, HTTPError):
        error.close()
        text = f"{url}: the server answers {error.code} {error.reason}"
        return _UnavailableError(text) if error.code >= 500 else DataError(text)
    reason = error.reason if isinstance(error, URLError) else error
    if deadline.passed:
        return DataError(f"{url}: it was not complete within {WHOLE_SECONDS:.0f} s")
    if isinstance(reason, ssl.SSLCertVerificationError):
        paths = ssl.get_default_verify_paths()
        stores = f"{paths.cafile or paths.capath or 'the system'} and {certifi.where()}"
        return DataError(
            f"{url}: its certificate is not trusted ({reason.verify_message}). Trusted are those in {stores};"
            " if your network's proxy has its own, set SSL_CERT_FILE to a file with it"
        )
    if isinstance(reason, TimeoutError):
        return DataError(
            f"{url}: no answer within {CONNECT_SECONDS:.0f} s, or a pause of {READ_SECONDS:.0f} s"
            f"{_name_proxy(url)}"
        )
    return DataError(f"{url}: {type(reason).__name__}: {reason}{_name_proxy(url)}")


def _name_proxy(url: str) -> str:
    """Return which proxy was asked, without its password, or nothing."""
    scheme, _, rest = url.partition("://")
    proxy = urllib.request.getproxies().get(scheme, "")
    if not proxy or urllib.request.proxy_bypass(rest.partition("/")[0]):  # as `ProxyHandler` decides
        return ""
    return f", through the proxy {proxy.rpartition('@')[2]}"
