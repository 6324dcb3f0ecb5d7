"""Kernels: whether Jupyter has one and it starts, and that none outlives the command that started it."""

import contextlib
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path

from mnist_helpers import environment
from mnist_helpers.errors import SetupError

START_TIMEOUT = 600  # seconds: on a busy machine a kernel needs more than papermill's minute to start
# A kernel looks for its parent by itself, but not while it executes code that holds Python's lock. On Linux
# the system can kill it with its parent.
_ASK_LINUX = '__import__("ctypes").CDLL(None).prctl(1, 9)'  # PR_SET_PDEATHSIG, SIGKILL
END_WITH_PARENT = [f"--IPKernelApp.exec_lines={_ASK_LINUX}"] if sys.platform == "linux" else []
# What `start_kernel` executes: a kernel may belong to another Python, which lacks this package.
_PROBE = "import sys\nfrom mnist_helpers import environment\nenvironment.check()\nprint(sys.executable)"


def check_kernel(name: str = "python3") -> None:
    """Check that Jupyter has a kernel; start nothing.

    Parameters
    ----------
    name : str, default "python3"
        The kernel's name.

    Raises
    ------
    SetupError
        If there is no such kernel, or the program that it starts does not exist; the message holds the
        command that installs it. If the user has no home folder.
    """
    environment.check_home()  # Jupyter asks for it
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        program = Path(KernelSpecManager().get_kernel_spec(name).argv[0])
    except NoSuchKernel:
        raise SetupError(f"Jupyter has no kernel {name!r}. {_tell_cure(name)}") from None
    if program.is_absolute() and not program.exists():  # Jupyter replaces "python" by its own
        raise SetupError(f"Jupyter's kernel {name!r} starts {program}, which is gone. {_tell_cure(name)}")


def start_kernel(name: str = "python3") -> str:
    """Start a kernel, check the packages that it imports, and end it.

    Parameters
    ----------
    name : str, default "python3"
        The kernel's name.

    Returns
    -------
    str
        The name, and the Python that the kernel is.

    Raises
    ------
    SetupError
        As `check_kernel`, and if the kernel does not start or lacks a package.
    """
    from jupyter_client.manager import run_kernel

    check_kernel(name)
    said: list[str] = []

    def listen(message: dict) -> None:
        said.append(message["content"].get("text", ""))

    # The current folder may hold the package's sources, so the kernel starts in another one.
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        options = {"kernel_name": name, "startup_timeout": START_TIMEOUT, "cwd": folder, "stderr": log}
        try:
            with run_kernel(**options) as client:
                execute = client.execute_interactive  # type: ignore[attr-defined]  # the blocking client's
                reply = execute(_PROBE, output_hook=listen, timeout=START_TIMEOUT)
        except (OSError, RuntimeError, TimeoutError) as error:
            log.seek(0)
            reason = (log.read().decode(errors="replace").split("\n")[-2:] or [""])[0] or str(error)
            raise SetupError(
                f"Jupyter's kernel {name!r} does not start ({reason}). {_tell_cure(name)}"
            ) from error
    if reply["content"]["status"] != "ok":
        reason = f"{reply['content']['ename']}: {reply['content']['evalue']}"
        raise SetupError(f"Jupyter's kernel {name!r} cannot run the lessons ({reason}). {_tell_cure(name)}")
    return f"{name} starts {''.join(said).strip()}"


def end_with_parent() -> None:
    """Arrange that this process and its kernels end with its parent, however that ends, and on SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: _end())
    threading.Thread(target=_end_after_parent, daemon=True).start()


def _end_after_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        _end()


def _end() -> None:
    """End this process and all that it has started."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has just ended
            child.kill()
    os._exit(1)


def _tell_cure(name: str) -> str:
    return f'Install it: "{sys.executable}" -m ipykernel install --sys-prefix --name {name}'
