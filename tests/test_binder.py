"""Installations that others make: the wheel, Binder's image, containers of editors, Colab."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from email.parser import HeaderParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
MOST_MEGABYTES = 1_000  # the memory that mybinder.org guarantees
# Versions that Colab's kernel runs on (August 2026). Replacing one of them breaks the open notebook.
COLAB = {
    "tensorflow": "2.20.0",
    "keras": "3.13.2",
    "numpy": "2.1.3",
    "pandas": "2.2.2",
    "matplotlib": "3.10.0",
    "ipywidgets": "7.7.1",
    "ipykernel": "6.17.1",
    "jupyter-client": "7.4.9",
    "psutil": "5.9.5",
    "anywidget": "0.9.0",
}
no_binder = pytest.mark.skipif(sys.platform == "win32", reason="repo2docker does not run on Windows")


def run(*command, **options):
    result = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        **{"env": {"USER": "reader"} | os.environ} | options,  # repo2docker wants the user's name
    )
    assert result.returncode == 0, result.stdout[-5_000:]
    return result.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Return a folder into which a wheel of the package was installed, without its requirements."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    [wheel] = folder.glob("*.whl")
    run(*pip, "install", "--no-deps", "--target", folder / "site", wheel)
    return folder / "site"


def test_wheel_has_every_data_file_and_the_study(installed):
    files = {
        path.relative_to(ROOT)
        for path in (ROOT / "mnist_helpers").rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert Path("mnist_helpers/py.typed") in files
    assert {"later.toml", "plan.toml", "pad.js", "pad.css"} <= {path.name for path in files}
    assert [path for path in files if not (installed / path).is_file()] == []
    code = "from mnist_helpers.study import store; print(store.STUDY, len(store.read_table()))"
    path, runs = run(sys.executable, "-c", code, cwd=installed).split()
    table = Path("results", "study.csv")
    assert Path(path) == installed / "mnist_helpers" / table
    assert int(runs) == (ROOT / table).read_text(encoding="utf-8").count("\n") - 1


def test_installation_on_colab_replaces_no_package_of_its_kernel(installed):
    [metadata] = installed.glob("*.dist-info/METADATA")
    needed = HeaderParser().parsestr(metadata.read_text(encoding="utf-8")).get_all("Requires-Dist")
    core = [Requirement(text) for text in needed if "extra ==" not in text]
    assert {requirement.name for requirement in core} >= {"numpy", "pandas", "anywidget"}
    assert [str(r) for r in core if r.name in COLAB and not r.specifier.contains(COLAB[r.name])] == []
    brought = {"tensorflow", "tensorflow-cpu", "keras", "ipykernel", "jupyter_client"}
    assert brought & {requirement.name for requirement in core} == set()


def test_lessons_accept_the_tensorflow_and_keras_of_colab():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [Requirement(text) for text in project["optional-dependencies"]["tensorflow"]]
    assert {"keras", "numpy", "tensorflow"} <= {requirement.name for requirement in needed}
    assert [str(r) for r in needed if r.name in COLAB and not r.specifier.contains(COLAB[r.name])] == []


@no_binder
def test_binder_chooses_conda_with_python_312_and_runs_post_build():
    command = Path(sys.executable).with_name("jupyter-repo2docker")
    platform = "--Repo2Docker.platform=linux/amd64"  # Binder's, whatever this machine is
    dockerfile = run(command, "--no-build", "--debug", platform, ROOT)
    dockerfile = re.sub(r"--chown=\d+:\d+", "--chown=0:0", dockerfile)  # files belong to whoever builds
    assert "Building conda environment for python=3.12\n" in dockerfile
    assert re.search(r"(?m)^COPY .*conda.*-2epy-2d3-2e12-2dlinux-2d64-2elock", dockerfile)
    steps = [
        dockerfile.index(text)
        for text in (
            'env update -p ${NB_PYTHON_PREFIX} --file "binder/environment.yml"',
            "COPY --chown=0:0 src/ ${REPO_DIR}/",
            "RUN chmod +x binder/postBuild",
            "RUN ./binder/postBuild",
        )
    ]
    assert steps == sorted(steps)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """Return a copy of the repository, and variables with a Python without packages first in the path."""
    folder = tmp_path_factory.mktemp("binder")
    ignored = shutil.ignore_patterns(".git", ".venv", "build", "__pycache__")
    clone = shutil.copytree(ROOT, folder / "clone", ignore=ignored)
    venv.create(folder / "bare", with_pip=True)
    path = os.pathsep.join([str(folder / "bare" / "bin"), os.environ["PATH"]])
    return clone, {**os.environ, "PATH": path, "PYTHONPATH": ""}


@no_binder
@pytest.mark.full
def test_post_build_installs_what_lessons_need_in_binders_memory(bare):
    clone, variables = bare
    output = run(clone / "binder" / "postBuild", cwd=clone, env=variables)
    assert re.match("MNIST|UCI digits", output.splitlines()[-1])
    table = run("mnist-helpers", "run", "--quick", "--jobs", "1", cwd=clone, env=variables)
    peaks = [int(re.split("  +", line)[3]) for line in table.splitlines() if re.match(r"0\d_.*  ", line)]
    assert len(peaks) == 7
    assert max(peaks) < MOST_MEGABYTES


@no_binder
@pytest.mark.full
def test_post_build_without_network_and_data_names_the_digits_used(bare):
    clone, variables = bare
    settings = {"OFFLINE": "1", "CACHE": str(clone / "empty"), "DATA": ""}
    variables = variables | {f"MNIST_HELPERS_{name}": value for name, value in settings.items()}
    output = run(clone / "binder" / "postBuild", cwd=clone, env=variables)
    digits, reason = output.splitlines()[-2:]
    assert digits.startswith("UCI digits")
    assert reason.startswith("MNIST is not available here")


def test_container_of_editors_sets_up_the_environment_that_it_uses():
    settings = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    assert re.fullmatch(r"mcr\.microsoft\.com/devcontainers/python:3\.1[123]", settings["image"])
    command, target = settings["postCreateCommand"].split()
    assert command == "make"
    if shutil.which("make"):
        assert f"touch {target}" in run("make", "--dry-run", "--always-make", target, cwd=ROOT)
    editor = settings["customizations"]["vscode"]
    assert {"ms-python.python", "ms-toolsai.jupyter"} <= set(editor["extensions"])
    python = editor["settings"]["python.defaultInterpreterPath"]
    assert python == f"${{containerWorkspaceFolder}}/{Path(target).parent.as_posix()}/bin/python"
