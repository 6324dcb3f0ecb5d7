"""A wrong environment is refused in one line, before TensorFlow is loaded."""

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from mnist_helpers import environment
from mnist_helpers.errors import SetupError

ROOT = Path(__file__).parents[1]
TENSORFLOW = "tensorflow-cpu" if (sys.platform, platform.machine()) == ("linux", "x86_64") else "tensorflow"
CHECK = """
import sys
from mnist_helpers import environment, errors
try:
    environment.check()
except errors.SetupError as error:
    print(error)
loaded = {"tensorflow", "keras"} & set(sys.modules)
sys.exit(f"loaded: {loaded}" if loaded else 0)
"""


def run(*arguments, path=()):
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (*path, ROOT)))}
    return subprocess.run(
        [sys.executable, *arguments],
        env=variables,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
    )


def fake_distribution(folder, name, version, *requirements):
    """Write the metadata of an installed package; found first, it hides the real one."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {requirement}" for requirement in requirements]
    (info / "METADATA").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_import_of_the_package_loads_no_other_module():
    code = "import sys; before = {*sys.modules}; import mnist_helpers; print({*sys.modules} - before)"
    result = run("-c", code)
    assert (result.stdout, result.stderr) == ("{'mnist_helpers'}\n", "")


def test_installed_environment_has_no_problems():
    assert environment.find_problems() == []


@pytest.mark.parametrize(("name", "version"), [("keras", "3.3.0"), (TENSORFLOW, "2.4.0"), ("numpy", "2.5.0")])
def test_wrong_version_is_named_before_tensorflow_is_loaded(tmp_path, name, version):
    fake_distribution(tmp_path, name, version)
    result = run("-c", CHECK, path=[tmp_path])
    assert (result.returncode, result.stderr) == (0, "")
    assert f"{name} {version} is installed: " in result.stdout
    assert "python -m pip install -r requirements/lessons.lock" in result.stdout
    assert result.stdout.count("\n") == 1


def test_missing_dependency_is_named_in_one_line(tmp_path):
    fake_distribution(tmp_path, "mnist-helpers", "0.1.0", "not-installed-anywhere>=1", "numpy>=2.1")
    result = run("-c", CHECK, path=[tmp_path])
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("not-installed-anywhere is not installed: >=1 is needed. ")
    assert result.stdout.count("\n") == 1


def test_missing_dependency_of_an_unused_extra_is_no_problem(tmp_path):
    fake_distribution(tmp_path, "mnist-helpers", "0.1.0", "not-installed-anywhere>=1; extra == 'lab'")
    assert run("-c", CHECK, path=[tmp_path]).stdout == ""


def test_missing_dependency_of_a_required_extra_is_named(tmp_path):
    fake_distribution(tmp_path, "mnist-helpers", "0.1.0", "not-installed-anywhere>=1; extra == 'run'")
    code = CHECK.replace("check()", "check('run')")
    assert run("-c", code, path=[tmp_path]).stdout.startswith("not-installed-anywhere is not installed")


def test_python_without_any_packages_gets_one_line():
    result = run("-S", "-c", CHECK)
    assert (result.returncode, result.stderr) == (0, "")
    assert "is not installed. In the repository's folder: python -m pip install" in result.stdout
    assert result.stdout.count("\n") == 1


@pytest.mark.parametrize("module", ["models", "augmentation", "training"])
def test_modules_that_need_keras_refuse_an_old_one_before_loading(tmp_path, module):
    fake_distribution(tmp_path, "keras", "3.3.0")
    code = f"""
import sys
from mnist_helpers import errors
try:
    from mnist_helpers import {module}
except errors.SetupError as error:
    print(error, "tensorflow" in sys.modules)
"""
    output = run("-c", code, path=[tmp_path]).stdout
    assert "keras 3.3.0 is installed" in output
    assert output.endswith(" False\n")


def test_old_python_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 13, "final", 0))
    monkeypatch.setattr(sys, "version", "3.10.13 (main)")
    with pytest.raises(SetupError, match=r"^Python 3\.10\.13 is too old: install 3\.11, .*$") as caught:
        environment.check()
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("command", [["run", "--quick"], ["doctor"]])
def test_command_in_a_wrong_environment_exits_with_4(tmp_path, command):
    fake_distribution(tmp_path, "keras", "3.3.0")
    result = run("-c", "from mnist_helpers.cli import main; main()", *command, path=[tmp_path])
    assert result.returncode == 4
    assert "keras 3.3.0 is installed: >=3.13 is needed" in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


def test_description_names_the_machine_and_missing_packages_too(monkeypatch):
    monkeypatch.setattr(environment, "installed_version", {"keras": "3.15.1"}.get)
    found = environment.describe()
    assert list(found) == ["processor", "cores", "python", "tensorflow", "keras", "numpy"]
    assert (found["keras"], found["tensorflow"]) == ("3.15.1", "None")
    assert found["cores"] == str(os.cpu_count())
    assert found["python"] == platform.python_version()


@pytest.mark.parametrize("wanted", ["tensorflow", "tensorflow-cpu"])
@pytest.mark.parametrize("installed", ["tensorflow", "tensorflow-cpu", "tf-nightly"])
def test_tensorflow_is_found_under_each_of_its_names(wanted, installed, monkeypatch):
    def version(name):
        if name != installed:
            raise metadata.PackageNotFoundError(name)
        return "2.21.0"

    monkeypatch.setattr(metadata, "version", version)
    assert environment.installed_version(wanted) == "2.21.0"
    assert environment.installed_version("keras") is None


@pytest.mark.parametrize(("cores", "gigabytes", "jobs"), [(2, 24, 2), (8, 5, 2), (8, 1, 1), (None, 24, 1)])
def test_as_many_lessons_run_at_once_as_there_are_cores_and_memory(monkeypatch, cores, gigabytes, jobs):
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(total=gigabytes * 1e9))
    monkeypatch.setattr(environment, "_MEMORY_LIMITS", ())
    assert environment.count_jobs() == jobs


@pytest.mark.parametrize(("limit", "jobs"), [("2147483648", 1), ("max", 4)])
def test_memory_that_a_container_may_use_limits_the_jobs(limit, jobs, monkeypatch, tmp_path):
    (tmp_path / "limit").write_text(limit)
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(total=64e9))
    monkeypatch.setattr(environment, "_MEMORY_LIMITS", (tmp_path / "absent", tmp_path / "limit"))
    assert environment.count_jobs() == jobs
