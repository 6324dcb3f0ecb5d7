"""The command: what it prints, and the code it ends with."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from mnist_helpers import __version__, cli, mnist_files
from mnist_helpers.errors import SetupError
from mnist_helpers.lessons import doctor
from mnist_helpers.study import findings

PARAMETERS = '# %% tags=["parameters"]\nepochs: int = 5  # 1 to 100: passes over the training images'


@pytest.fixture
def invoke(monkeypatch, tmp_path):
    """Return a function that invokes the command in tmp_path."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(cli.main, arguments)


def test_version_is_printed(invoke):
    assert __version__ in invoke("--version").output


def test_data_names_the_data_set(invoke):
    result = invoke("data", "--dataset", "uci")
    assert result.exit_code == 0
    assert result.output.startswith("UCI digits")


def test_missing_data_end_with_exit_code_3_and_no_traceback(invoke, monkeypatch, tmp_path):
    monkeypatch.setenv("MNIST_HELPERS_DATA", str(tmp_path / "nowhere"))
    result = invoke("data", "--dataset", "mnist")
    assert result.exit_code == 3
    assert result.stderr.startswith("Error: MNIST_HELPERS_DATA")
    assert "Traceback" not in result.output


def test_run_continues_after_a_failure_and_ends_with_code_5(invoke, make_lesson, tmp_path):
    make_lesson("01_broken", PARAMETERS, '# %%\nraise ValueError("on purpose")')
    make_lesson("02_sound", PARAMETERS, '# %% tags=["headline"]\nprint("UCI digits", epochs)')
    result = invoke("run", "--folder", "lessons", "--set", "epochs=3", "--jobs", "2")
    assert result.exit_code == 5, result.output
    assert "code cell 3 (raise ValueError(" in result.stderr  # 2 holds the values that were set
    assert result.stderr.endswith(
        "1 of 2 lessons failed: 01_broken. What 01_broken reached is in "
        "build/notebooks as NAME.failed.ipynb\n".replace("/", "\\" if sys.platform == "win32" else "/")
    )
    rows = result.stdout.splitlines()
    assert rows[0].split() == ["lesson", "data", "set", "seconds", "peak", "MB", "headline", "result"]
    assert rows[1].startswith("01_broken")
    assert rows[1].endswith("FAILED")
    assert rows[2].startswith("02_sound   UCI digits")
    assert rows[2].endswith("UCI digits 3")
    assert (tmp_path / "build" / "notebooks" / "02_sound.html").exists()


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("import os\n\nos._exit(1)", "ended its kernel"),
        ("import time\n\ntime.sleep(600)", "ran longer than the limit of 5 s"),
    ],
    ids=["death", "limit"],
)
def test_cell_that_kills_its_kernel_or_never_ends_gives_exit_code_5(code, cause, invoke, make_lesson):
    make_lesson("01_broken", PARAMETERS, f"# %%\n{code}")
    result = invoke("run", "--folder", "lessons", "--timeout", "5")
    assert result.exit_code == 5
    assert cause in result.stderr
    assert "Traceback" not in result.output


def test_missing_kernel_gives_exit_code_4_and_the_command_that_installs_it(invoke, make_lesson, tmp_path):
    make_lesson("01_first", PARAMETERS, kernel="nowhere")
    result = invoke("run", "--folder", "lessons")
    assert result.exit_code == 4
    assert result.stderr.startswith("Error: Jupyter has no kernel 'nowhere'. ")
    assert "ipykernel install" in result.stderr
    assert not list(tmp_path.glob("build/notebooks/*"))


def test_run_promises_only_what_is_there(invoke, make_lesson, add_kernel):
    add_kernel("broken", [sys.executable, "-c", "raise SystemExit(3)"])
    make_lesson("01_first", PARAMETERS, kernel="broken")
    result = invoke("run", "--folder", "lessons")
    assert result.exit_code == 5
    assert "Kernel died" in result.stderr
    assert result.stderr.endswith("1 of 1 lessons failed: 01_first\n")
    assert "Notebooks and pages" not in result.stdout


def test_two_plans_at_once_are_refused_before_anything_is_made(invoke, tmp_path):
    result = invoke("study", "--quick", "--choice")
    assert result.exit_code == 2
    assert "two plans: use one" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--set", "epochs=0"], "1 to 100"),
        (["--set", "epoch=1"], "Did you mean epochs"),
        (["--set", "epochs"], "NAME=VALUE"),
        (["9"], "There is no lesson '9'"),
        (["--jobs", "0"], "--jobs"),
        (["--timeout", "x"], "--timeout"),
    ],
)
def test_wrong_usage_ends_with_exit_code_2_and_runs_nothing(arguments, hint, invoke, make_lesson, tmp_path):
    make_lesson("01_first", PARAMETERS)
    result = invoke("run", "--folder", "lessons", *arguments)
    assert result.exit_code == 2
    assert hint in result.stderr
    assert not (tmp_path / "build").exists()


def test_doctor_reports_each_part_and_the_data_that_load_uses(invoke, monkeypatch, tmp_path):
    monkeypatch.delenv("MNIST_HELPERS_DATA", raising=False)
    monkeypatch.setenv("MNIST_HELPERS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    result = invoke("doctor")
    assert result.exit_code == 0, result.output
    assert f"python3 starts {sys.executable}" in result.stdout
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [
        ["ok", part] for part in ("machine", "packages", "kernel", "data")
    ]
    assert "UCI digits; MNIST is not in" in result.stdout


def test_doctor_names_what_is_missing_and_ends_with_exit_code_4(invoke, monkeypatch):
    def fail():
        raise SetupError("Jupyter has no kernel 'python3'. Install it: …")

    monkeypatch.setattr(doctor, "start_kernel", fail)
    result = invoke("doctor")
    assert result.exit_code == 4
    assert "problem  kernel    Jupyter has no kernel" in result.stdout


def test_doctor_finds_data_that_is_not_mnist(invoke, monkeypatch, tmp_path):
    (tmp_path / "mnist.npz").write_bytes(b"<html>")
    monkeypatch.setenv("MNIST_HELPERS_DATA", str(tmp_path / "mnist.npz"))
    assert mnist_files.find() is not None
    result = invoke("doctor")
    assert result.exit_code == 4
    assert "problem  data" in result.stdout


@pytest.mark.parametrize("command", ["", *cli.main.commands])
def test_help_fits_80_columns(command, invoke):
    result = invoke(*command.split(), "--help")
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 80


def test_help_names_every_command_with_a_whole_sentence(invoke):
    rows = invoke("--help").output.partition("Commands:\n")[2].splitlines()
    assert [row.split()[0] for row in rows] == sorted(cli.main.commands)
    assert [row for row in rows if not row.endswith(".")] == []


def test_help_comes_without_tensorflow_matplotlib_or_papermill():
    code = """
import sys
from mnist_helpers import cli
cli.main(["run", "--help"], standalone_mode=False)
print(sorted({"tensorflow", "matplotlib", "papermill", "numpy"} & set(sys.modules)))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"


def test_claims_are_printed_with_what_was_expected_and_found(invoke):
    result = invoke("claims")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    evaluated = findings.evaluate(findings.read_courses())
    assert len(lines) == 2 * len(evaluated)
    for name, found in evaluated.iterrows():
        start = lines.index(f"{found['status']}: {found['sentence']}")
        assert lines[start + 1].split()[-1] == name
        assert ("expected: " in lines[start + 1]) == (found["status"] in ("not as expected", "undecided"))
