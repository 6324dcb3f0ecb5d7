"""The command on a system that refuses what every command needs: output, a folder, open files, memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from machine import small_file_system

from mnist_helpers.lessons import run

PARAMETERS = '# %% tags=["parameters"]\nepochs: int = 5  # 1 to 100: passes over the training images'
COMMAND = [sys.executable, "-c", "from mnist_helpers.cli import main; main()"]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a shell and limits of POSIX")


def call(line, **environment):
    """Run a line of the shell in which "$@" stands for the command, and "$0" for Python."""
    return subprocess.run(
        ["sh", "-c", line, sys.executable, *COMMAND],
        capture_output=True,
        encoding="cp1252",  # of Windows: it has ± and lacks λ
        timeout=300,
        env=os.environ | {"MNIST_HELPERS_OFFLINE": "1"} | environment,
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param(
            '"$@" claims > /dev/full',
            "The system refused: [Errno 28] No space left on device.",
            marks=pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, of Linux"),
        ),
        ('cd "$FOLDER" && rmdir "$FOLDER" && "$@" data', "The current folder was removed: move to another"),
        ('ulimit -n 20; "$@" doctor', "Too many open files"),
        ('ulimit -f 0; "$@" doctor', "No usable temporary directory"),
    ],
    ids=["full output", "folder gone", "20 open files", "no file may grow"],
)
def test_error_of_the_system_is_one_line_with_exit_code_4(line, reason, tmp_path):
    (tmp_path / "folder").mkdir()
    done = call(line, FOLDER=str(tmp_path / "folder"))
    message = done.stderr.splitlines()
    assert (done.returncode, len(message)) == (4, 1), done.stderr
    assert message[0].startswith("Error: ")
    assert reason in message[0]


@pytest.mark.parametrize(
    ("package", "command"), [("psutil", "run"), ("jupytext", "run"), ("pandas", "claims")]
)
def test_package_that_is_missing_is_named_with_the_command_that_installs_it(package, command):
    without = f"import sys; sys.modules[{package!r}] = None; {COMMAND[-1]}"
    done = call(f'"$0" -c "$CODE" {command}', CODE=without)
    message = done.stderr.splitlines()
    assert (done.returncode, len(message)) == (4, 1), done.stderr
    assert message[0].startswith(f"Error: import of {package} ")
    assert "python -m pip install -r requirements/lessons.lock" in message[0]


def test_letter_that_the_output_lacks_ends_no_command():
    done = call('"$@" claims', PYTHONIOENCODING="cp1252")
    assert (done.returncode, done.stderr) == (0, "")
    assert "L2 with ? = 0.001" in done.stdout


def test_reader_who_has_seen_enough_gets_no_message():
    done = call('"$@" claims | head -1')
    assert (done.stderr, len(done.stdout.splitlines())) == ("", 1)


@pytest.mark.full
def test_full_disk_ends_its_lesson_with_the_folder_named_and_the_next_one_runs(make_lesson):
    lines = "# %%\nimport random\n\nfor _ in range(40_000):\n    print(random.randbytes(50).hex())"
    large = make_lesson("01_large", PARAMETERS, lines)
    small = make_lesson("02_small", PARAMETERS, '# %% tags=["headline"]\nprint("UCI digits: fine")')
    with small_file_system("4m") as folder:
        failed, sound = run.run_lessons([large, small], folder / "out")
        left = sorted(path.name for path in (folder / "out").iterdir())
    assert failed.error.startswith("[Errno 28] No space left on device")
    assert failed.error.endswith(f"({folder / 'out'}): remove the cause, or use another --output")
    assert (sound.error, sound.headline) == ("", "UCI digits: fine")
    assert left == ["02_small.html", "02_small.ipynb"]
