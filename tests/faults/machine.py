"""Real faults of a machine: a file system that is full or read-only, a user without rights, little memory."""

import contextlib
import encodings.cp437  # zipfile and socket import these late, when another user may not read Python's files
import encodings.idna  # noqa: F401
import os
import subprocess
import tempfile
from pathlib import Path

import pytest

NOBODY = 65534
STRANGER = 54321  # a number that no user has
needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can act as a second user"
)


@contextlib.contextmanager
def small_file_system(size="300k"):
    """Mount a file system in memory, where the test may; nothing of it is left afterwards."""
    with tempfile.TemporaryDirectory() as name:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", name], capture_output=True
        )
        if done.returncode:
            pytest.skip(f"needs the right to mount a file system ({done.stderr.decode().strip()})")
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", name], check=True)


def make_read_only(folder):
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)


@contextlib.contextmanager
def shared_folder():
    """Make a folder that every user may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


def call_apart(function, *, prepare=lambda: None):
    """Call a function in a process of its own, and return its result or its error as text."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            prepare()
            text = str(function())
        except BaseException as error:
            text = f"{type(error).__name__}: {error}"
        with contextlib.suppress(BaseException):
            os.write(writing, text.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return text


def call_without_rights(function):
    """Call a function as a user whom files of mode 0 and folders of mode 0555 keep out."""

    def become_nobody():
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)

    return call_apart(function, prepare=become_nobody)


def call_without_home(function):
    """Call a function as a user whom the system does not know, as in some containers: there is no home."""

    def lose_home():
        os.environ.pop("HOME", None)
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(STRANGER)
            os.setuid(STRANGER)
        else:  # the system knows us: let it forget
            import pwd

            pwd.getpwuid = {}.__getitem__

    return call_apart(function, prepare=lose_home)


def run_without_rights(command, **options):
    """Run a command as a user who owns nothing; without root's rights, as ourselves."""
    if os.geteuid() == 0:
        options |= {"user": STRANGER, "group": STRANGER, "extra_groups": []}
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=600, **options)
    except PermissionError:
        pytest.skip("other users may not start this Python")
