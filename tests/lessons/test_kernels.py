"""Kernels are started for real: one that cannot run the lessons is found, with the reason and the cure."""

import contextlib
import os
import signal
import subprocess
import sys

import psutil
import pytest
from test_faults import COMMAND, PARAMETERS, PATIENCE, has_ended, wait_until, write_pid

from mnist_helpers.errors import SetupError
from mnist_helpers.lessons import kernels

START = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]


def test_kernel_is_started_and_ended():
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    assert kernels.start_kernel() == f"python3 starts {sys.executable}"
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["no-such-program"], "does not start .*no-such-program"),
        ([sys.executable, "-m", "no_such_module"], "does not start .*No module named no_such_module"),
        ([sys.executable, "-c", "raise SystemExit(3)"], "does not start .*died"),
    ],
)
def test_kernel_that_does_not_start_is_refused_with_its_reason(command, reason, add_kernel):
    add_kernel("broken", command)
    with pytest.raises(SetupError, match=rf"{reason}.*ipykernel install --sys-prefix --name broken"):
        kernels.start_kernel("broken")


def test_kernel_of_a_python_without_the_package_is_refused(add_kernel):
    """Jupyter takes a user's kernel of that name for the environment's own."""
    hide = "import runpy, sys; sys.modules['mnist_helpers'] = None; sys.argv = ['kernel', *sys.argv[1:]]"
    run = "runpy.run_module('ipykernel_launcher', run_name='__main__')"
    add_kernel("foreign", [sys.executable, "-c", f"{hide}; {run}", "-f", "{connection_file}"])
    with pytest.raises(SetupError, match=r"cannot run the lessons .*mnist_helpers.*--name foreign"):
        kernels.start_kernel("foreign")


def test_kernel_whose_python_is_gone_is_found_without_starting_it(add_kernel, tmp_path):
    add_kernel("gone", [str(tmp_path / "gone" / "python"), *START[1:]])
    with pytest.raises(SetupError, match=r"gone.*python, which is gone.*--name gone"):
        kernels.check_kernel("gone")


def test_jupyters_own_python_needs_no_path(add_kernel):
    add_kernel("plain", ["python", *START[1:]])
    assert kernels.check_kernel("plain") is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
@pytest.mark.parametrize(
    "killed", ["the command", "the lesson's process", "the command and the lesson's process"]
)
def test_kernel_that_cannot_look_for_its_parent_ends_with_it(killed, make_lesson, tmp_path):
    """C code that holds Python's lock stops every thread of the kernel."""
    hold = f"{write_pid(tmp_path / 'pid')}\nimport ctypes\n\n_ = ctypes.PyDLL(None).sleep({2 * PATIENCE})"
    lesson = make_lesson("01_first", PARAMETERS, hold)
    command = subprocess.Popen([COMMAND, "run", lesson, "--output", tmp_path / "out"], start_new_session=True)
    assert wait_until((tmp_path / "pid").exists)
    kernel = psutil.Process(int((tmp_path / "pid").read_text()))
    victims = {"the command": command.pid, "the lesson's process": kernel.ppid()}
    try:
        for pid in [victims[name] for name in killed.split(" and ")]:
            os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: has_ended(kernel.pid))
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            kernel.kill()
        command.wait()
