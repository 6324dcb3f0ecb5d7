"""Downloads from servers that fail in every way: bounded, explained, and nothing is left behind."""

import contextlib
import gzip
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from mnist_fixtures import start_server
from stand_ins import HANG, IDX, LOGIN_PAGE, known, pack, pack_idx

from mnist_helpers import datasets, downloads, mnist_cache, mnist_files
from mnist_helpers.errors import DataError, SetupError

ROOT = Path(__file__).resolve().parents[2]
CONTENT = pack(x=np.random.default_rng(0).integers(0, 256, 30_000, dtype=np.uint8))


PAUSES = downloads.PAUSES  # a fixture shortens them


def refuse(url, folder, match, content=CONTENT):
    """Download, assert that it is refused and leaves nothing, and return the message."""
    with pytest.raises(DataError, match=match) as caught:
        downloads.download(url, folder / "file", known(content))
    assert str(caught.value).startswith(f"{url}: ")
    assert list(folder.iterdir()) == []
    return str(caught.value)


def trickle_head(handler):
    handler.send_slowly(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 10**6)


def trickle_body(handler):
    handler.send(b"", Content_Length=str(len(CONTENT)))
    handler.send_slowly(b"x" * 10**6)


def send_for_ever(handler):
    handler.send(b"", Content_Length=None)
    while not handler.server.closing.is_set():
        handler.wfile.write(bytes(2**16))


def send_bomb(handler):
    bomb = gzip.compress(bytes(2**24))
    handler.send(bomb, Content_Encoding="gzip", Content_Length=str(len(bomb)))


def cut_off(handler):
    handler.send(CONTENT[:-100], Content_Length=str(len(CONTENT)))
    handler.close_connection = True


def talk_nonsense(handler):
    handler.wfile.write(b"220 mail.example ESMTP\r\n")


def redirect(target):
    def answer(handler):
        handler.send_response(302)
        handler.send_header("Location", target)
        handler.end_headers()

    return answer


def send_html_of_the_right_size(handler):
    page = LOGIN_PAGE + b" " * (len(CONTENT) - len(LOGIN_PAGE))
    handler.send(page)


FAULTS = {
    "HTML": (LOGIN_PAGE, "received HTML: a login page or a proxy"),
    "HTML of the right size": (send_html_of_the_right_size, "received HTML"),
    "wrong file": (CONTENT[:-1] + b"!", "it has the right size but is another file, sha256 "),
    "short file": (CONTENT[:-1], f"the server announces {len(CONTENT) - 1} bytes, the file has "),
    "empty file": (b"", "it ended after 0 of "),
    "cut off": (cut_off, rf"it ended after {len(CONTENT) - 100:,} of {len(CONTENT):,} bytes$"),
    "endless": (send_for_ever, rf"it is longer than the {len(CONTENT):,} bytes of the file"),
    "compressed bomb": (send_bomb, "it came packed as gzip, which was not asked for"),
    "file://": (redirect("file:///etc/hostname"), "Redirection to url 'file:///etc/hostname' is not allowed"),
    "ftp://": (redirect("ftp://127.0.0.1/mnist.npz"), "it redirects to ftp://.*, which is not followed"),
    "redirects for ever": (redirect("/mnist.npz"), "30[12]"),
    "no HTTP": (talk_nonsense, "BadStatusLine"),
    "403": (403, "the server answers 403 Forbidden"),
    "404": (404, "the server answers 404 Not Found"),
}


def test_proxy_that_does_not_answer_is_named_without_its_password(cache, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://reader:secret@127.0.0.1:1")
    message = refuse("http://mirror.invalid/mnist.npz", cache, "refused.*, through the proxy 127.0.0.1:1$")
    assert "secret" not in message
    monkeypatch.setenv("no_proxy", "mirror.invalid")
    assert "proxy" not in refuse("http://mirror.invalid/mnist.npz", cache, "mirror.invalid")


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSLKEYLOGFILE"])
def test_unusable_file_of_tls_is_no_fault_of_the_folder(variable, cache, monkeypatch, tmp_path):
    monkeypatch.setenv(variable, str(tmp_path / "absent" / "file"))
    refuse("https://127.0.0.1:1/mnist.npz", cache, "refused|No such file")


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_a_server_has_its_message_and_leaves_no_file(fault, server, cache):
    server.responses["/mnist.npz"], message = FAULTS[fault]
    refuse(server.url + "mnist.npz", cache, message)
    assert fault == "redirects for ever" or len(server.requests) == 1, (
        "this fault will not be gone in a second"
    )


@pytest.mark.parametrize("answer", [trickle_head, trickle_body])
def test_server_that_trickles_is_given_up_after_the_time_for_the_whole(answer, server, cache, monkeypatch):
    """Each byte comes in time, so that no timeout of the socket ends it; 10**6 bytes take hours."""
    assert downloads.WHOLE_SECONDS == 300
    monkeypatch.setattr(downloads, "WHOLE_SECONDS", 1)
    server.responses["/mnist.npz"] = answer
    refuse(server.url + "mnist.npz", cache, "within 1 s")


def test_server_that_hangs_is_given_up(server, cache, monkeypatch):
    assert (downloads.CONNECT_SECONDS, downloads.READ_SECONDS) == (10, 30)
    monkeypatch.setattr(downloads, "CONNECT_SECONDS", 600)
    monkeypatch.setattr(downloads, "READ_SECONDS", 0.3)
    monkeypatch.setattr(downloads, "WHOLE_SECONDS", 60)
    server.responses["/mnist.npz"] = HANG
    refuse(server.url + "mnist.npz", cache, "no answer within 600 s, or a pause of 0 s")


@contextlib.contextmanager
def greet(talk):
    """Listen on this machine, and treat each connection by a function in a thread of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=talk, args=[connection], daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/"


def test_tls_server_that_says_nothing_is_given_up_after_the_time_to_connect(cache, monkeypatch):
    monkeypatch.setattr(downloads, "CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(downloads, "WHOLE_SECONDS", 60)
    with greet(lambda connection: connection.recv(2**20) and connection.recv(1)) as url:
        refuse(url + "mnist.npz", cache, "no answer within 0 s")


def trickle_handshake(connection):
    """Send the head of a long TLS record, and then its bytes one by one, each in time."""
    with contextlib.suppress(OSError):
        connection.sendall(bytes([22, 3, 3, 64, 0]))
        for _ in range(10**5):
            connection.sendall(b"\x02")
            time.sleep(0.05)


def test_tls_handshake_that_trickles_is_given_up_after_the_time_for_the_whole(cache, monkeypatch):
    monkeypatch.setattr(downloads, "CONNECT_SECONDS", 600)  # which would end the handshake as well
    monkeypatch.setattr(downloads, "WHOLE_SECONDS", 1)
    with greet(trickle_handshake) as url:
        refuse(url + "mnist.npz", cache, "it was not complete within 1 s")


def test_connection_that_is_opened_after_the_time_ends_at_once(server):
    """As after a slow redirect."""
    deadline = downloads._Deadline(0)
    deadline._timer.join()
    with deadline.connect(("127.0.0.1", server.server_port), timeout=60) as connection:
        assert connection.recv(1) == b""
    deadline.cancel()


def test_server_that_is_unavailable_is_asked_again(server, cache):
    def recover(handler):
        if len(server.requests) < 3:
            handler.send_error(503)
        else:
            handler.send(CONTENT)

    server.responses["/mnist.npz"] = recover
    downloads.download(server.url + "mnist.npz", cache / "file", known(CONTENT))
    assert (cache / "file").read_bytes() == CONTENT
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [500, 503])
def test_server_that_stays_unavailable_is_given_up(status, server, cache, monkeypatch):
    pauses = []
    monkeypatch.setattr(downloads, "PAUSES", PAUSES)
    monkeypatch.setattr(downloads.time, "sleep", pauses.append)
    server.responses["/mnist.npz"] = status
    refuse(server.url + "mnist.npz", cache, f"the server answers {status}")
    assert (len(server.requests), pauses) == (3, [1, 3])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Return the paths of a certificate that nobody knows, and of its key."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the command openssl to make a certificate")
    folder = tmp_path_factory.mktemp("certificate")
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-nodes", "-days", "2", *subject, "-keyout", folder / "key", "-out", folder / "certificate"]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "certificate", folder / "key"


@pytest.fixture
def tls_server(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with start_server(context) as server:
        server.responses["/mnist.npz"] = CONTENT
        yield server


def test_certificate_that_is_not_trusted_is_refused_with_the_store_and_a_way_out(tls_server, cache):
    message = refuse(tls_server.url + "mnist.npz", cache, "its certificate is not trusted .*self.signed")
    assert "cacert.pem" in message
    assert "SSL_CERT_FILE" in message
    assert tls_server.requests == []


def test_certificate_that_the_user_trusts_is_accepted(tls_server, cache, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    downloads.download(tls_server.url + "mnist.npz", cache / "file", known(CONTENT))
    assert (cache / "file").read_bytes() == CONTENT


def test_certificate_of_another_host_is_refused(tls_server, cache, certificate, monkeypatch):
    """Trusted, but issued for 127.0.0.1, and localhost was asked."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    url = tls_server.url.replace("127.0.0.1", "localhost")
    refuse(url + "mnist.npz", cache, "its certificate is not trusted .*[Hh]ostname mismatch")
    assert tls_server.requests == []


def test_redirect_from_https_to_http_is_not_followed(tls_server, server, cache, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    server.responses["/mnist.npz"] = CONTENT
    tls_server.responses["/mnist.npz"] = redirect(server.url + "mnist.npz")
    refuse(tls_server.url + "mnist.npz", cache, "which is not followed")
    assert server.requests == []


def test_redirect_to_another_address_is_followed(server, cache):
    server.responses |= {"/mnist.npz": redirect("/moved"), "/moved": CONTENT}
    downloads.download(server.url + "mnist.npz", cache / "file", known(CONTENT))
    assert (cache / "file").read_bytes() == CONTENT


def test_mirror_with_a_wrong_file_is_named_and_the_next_one_used(splittable, server, monkeypatch):
    content = pack(**splittable)
    server.responses |= {"/one/mnist.npz": content[:-1] + b"!", "/two/mnist.npz": content}
    mirrors = [(f"{server.url}{name}/", {"mnist.npz": known(content)}) for name in ("one", "two")]
    monkeypatch.setattr(mnist_files, "MIRRORS", mirrors)
    with pytest.warns(
        UserWarning, match=f"since {server.url}one/mnist.npz: it has the right size but"
    ) as caught:
        assert datasets.load("mnist").source == "download"
    assert [warning.filename for warning in caught] == [__file__]


def test_last_error_lists_every_address_and_reason(server, monkeypatch):
    server.responses |= {"/one/mnist.npz": LOGIN_PAGE, "/two/mnist.npz": 403, "/three/mnist.npz": 503}
    mirrors = [(f"{server.url}{name}/", {"mnist.npz": known(CONTENT)}) for name in ("one", "two", "three")]
    monkeypatch.setattr(mnist_files, "MIRRORS", mirrors)
    with pytest.raises(DataError) as caught:
        datasets.load("mnist")
    lines = str(caught.value).splitlines()
    assert lines[1] == f"  {server.url}one/mnist.npz: received HTML: a login page or a proxy?"
    assert lines[2] == f"  {server.url}two/mnist.npz: the server answers 403 Forbidden"
    assert lines[3] == f"  {server.url}three/mnist.npz: the server answers 503 Service Unavailable"


def test_four_idx_files_are_fetched_and_kept(splittable, cache, server, monkeypatch):
    files = pack_idx(splittable)
    server.responses |= {f"/{name}": content for name, content in files.items()}
    hashes = {name: known(content, "md5") for name, content in files.items()}
    monkeypatch.setattr(mnist_files, "MIRRORS", [(server.url, hashes)])
    (cache / IDX[0]).write_bytes(files[IDX[0]])
    assert [datasets.load("mnist").source for _ in range(2)] == ["download", "cache"]
    assert server.requests == [f"/{name}" for name in IDX[1:]], "what is there is not downloaded again"
    assert sorted(path.name for path in cache.iterdir()) == sorted([*IDX, "lock"])


def test_old_wrong_idx_file_next_to_a_download_is_set_aside_and_fetched(
    splittable, cache, server, monkeypatch
):
    files = pack_idx(splittable)
    server.responses |= {f"/{name}": content for name, content in files.items()}
    hashes = {name: known(content, "md5") for name, content in files.items()}
    monkeypatch.setattr(mnist_files, "MIRRORS", [(server.url, hashes)] * 2)
    (cache / IDX[1]).write_bytes(LOGIN_PAGE)
    with pytest.warns(UserWarning, match=f"{IDX[1]}: expected an IDX file"):
        assert datasets.load("mnist").source == "download"
    assert (cache / f"{IDX[1]}.bad").read_bytes() == LOGIN_PAGE


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on a file's size")
def test_file_that_cannot_be_written_whole_leaves_nothing(server, cache):
    import resource

    (cache / "older").write_bytes(b"an older file")
    server.responses["/mnist.npz"] = CONTENT
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # writing fails midway, as on a full disk
    try:
        with pytest.raises(SetupError, match=r"older cannot be written .*set MNIST_HELPERS_CACHE"):
            downloads.download(server.url + "mnist.npz", cache / "older", known(CONTENT))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in cache.iterdir()] == ["older"]
    assert (cache / "older").read_bytes() == b"an older file"


def start_load(server, content):
    """Start a process that loads from a mirror, once it is told to."""
    code = (
        "import sys\nfrom mnist_helpers import mnist_files\nfrom mnist_helpers.cli import main\n"
        f"mnist_files.ARRAYS = {mnist_files.ARRAYS!r}\n"
        f"file = mnist_files.Known{tuple(known(content))!r}\n"
        f"mnist_files.MIRRORS = [({server.url!r}, {{'mnist.npz': file}})]\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "main(['data', '--dataset', 'mnist'])\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, **pipes)


def load_at_once(count, server, content):
    """Let processes load from a mirror at the same moment; return what each printed, and its errors."""
    processes = [start_load(server, content) for _ in range(count)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    return [process.communicate(timeout=600) for process in processes]


def test_eight_processes_that_fill_the_cache_at_once_succeed_with_one_download(splittable, mirror, cache):
    content = pack(**splittable)
    server = mirror(content)
    found = load_at_once(8, server, content)
    assert [output[:21] for output, _ in found] == ["MNIST (download): 40 "] * 8, found
    assert server.requests == ["/mnist.npz"]
    assert sorted(path.name for path in cache.iterdir()) == ["lock", "mnist.npz"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process")
@pytest.mark.parametrize("end", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_download_that_is_ended_leaves_nothing_under_the_final_name(end, splittable, mirror, cache):
    def stall(handler):
        if len(server.requests) > 1:
            return handler.send(content)
        handler.send(content[:1000], Content_Length=str(len(content)))
        server.closing.wait(600)

    content = pack(**splittable)
    server = mirror(content, stall)
    process = start_load(server, content)
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("\n")
    process.stdin.flush()
    deadline = time.monotonic() + 600
    while not any(path.stat().st_size for path in cache.glob("*.part")) and process.poll() is None:
        assert time.monotonic() < deadline
        if server.requests and psutil.Process(process.pid).status() == psutil.STATUS_SLEEPING:
            break  # the bytes that came are in the draft's buffer
        time.sleep(0.05)
    os.kill(process.pid, getattr(signal, end))
    _, errors = process.communicate(timeout=600)
    assert not (cache / "mnist.npz").exists()
    if end == "SIGINT":
        assert process.returncode == 130, errors
        assert "Traceback" not in errors
        assert sorted(path.name for path in cache.iterdir()) == ["lock"]
    assert datasets.load("mnist").source == "download"
    assert sorted(path.name for path in cache.iterdir()) == ["lock", "mnist.npz"]


def test_draft_of_a_killed_process_is_swept(splittable, mirror, cache):
    mirror(pack(**splittable))
    (cache / "train-images-idx3-ubyte.gz.part").write_bytes(b"half")
    assert datasets.load("mnist").source == "download"
    assert sorted(path.name for path in cache.iterdir()) == ["lock", "mnist.npz"]


def test_lock_that_is_never_given_back_ends_with_its_name(cache, monkeypatch):
    import filelock

    monkeypatch.setattr(mnist_cache, "_LOCK_SECONDS", 0.1)
    with filelock.FileLock(cache / "lock"), pytest.raises(SetupError, match=r"lock for 0 minutes: end it"):
        datasets.load("mnist")
