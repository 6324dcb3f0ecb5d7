"""The files that repeat pyproject.toml, and the documents that name commands, agree with their source."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

from mnist_helpers import evidence, plots

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REQUIREMENTS = [
    Requirement(text)
    for texts in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for text in texts
]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def normal(requirement):
    marker = requirement.marker and str(requirement.marker)
    return canonicalize_name(requirement.name), str(requirement.specifier), marker


def locked(lock="requirements.lock"):
    """Return {name: (requirement, number of hashes)} of a lock."""
    entries = re.split(r"\n(?=[a-z0-9])", re.sub(r"(?m)^ *#.*\n?", "", read(lock)))
    pins = [Requirement(entry.split("\\\n")[0]) for entry in entries]
    return {
        canonicalize_name(pin.name): (pin, len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", entry)))
        for pin, entry in zip(pins, entries, strict=True)
    }


def find_drift(requirements):
    """Return the requirements that the lock's pins do not satisfy."""
    pins = locked()
    drift = []
    for requirement in requirements:
        pin = pins.get(canonicalize_name(requirement.name), (Requirement("none"), 0))[0]
        versions = [clause.version for clause in pin.specifier if clause.operator == "=="]
        if len(versions) != 1 or not requirement.specifier.contains(versions[0]):
            drift.append(str(requirement))
    return drift


def test_lock_satisfies_every_requirement():
    assert len(REQUIREMENTS) > 15
    assert find_drift(REQUIREMENTS) == []


@pytest.mark.parametrize("changed", ["keras>=99", "not-in-the-lock>=1"])
def test_requirement_changed_alone_is_found(changed):
    assert find_drift([Requirement(changed)]) == [changed]


def test_every_pin_has_hashes_and_one_version():
    pins = locked()
    assert len(pins) > 100
    assert [name for name, (_, hashes) in pins.items() if not hashes] == []
    assert [name for name, (pin, _) in pins.items() if not re.fullmatch("==[^,*]+", str(pin.specifier))] == []


@pytest.mark.parametrize("lock", ["requirements.lock", "binder/requirements.lock"])
def test_lock_names_no_index_and_no_path(lock):
    lines = read(lock).splitlines()
    assert [line for line in lines if line.startswith("-") or re.search("://| @ |/wheels", line)] == []


def test_lock_has_a_keras_that_runs_no_code_from_model_files():
    assert find_drift([Requirement("keras>=3.15")]) == []


def test_lock_has_tensorflow_for_every_platform_and_numpy_2_4():
    pins = locked()
    linux = {"sys_platform": "linux", "platform_machine": "x86_64"}
    others = [
        {"sys_platform": "linux", "platform_machine": "aarch64"},
        {"sys_platform": "darwin", "platform_machine": "arm64"},
        {"sys_platform": "win32", "platform_machine": "AMD64"},
    ]
    for name, here in [("tensorflow-cpu", [linux]), ("tensorflow", others)]:
        for platform in [linux, *others]:
            assert pins[name][0].marker.evaluate(platform) == (platform in here)
    assert str(pins["numpy"][0].specifier).startswith("==2.4.")


def test_environment_yml_lists_what_pyproject_asks_for():
    python, pip, packages = yaml.safe_load(read("environment.yml"))["dependencies"]
    assert (python, pip) == ("python=3.12", "pip")
    assert packages["pip"].count("-e .") == 1
    listed = sorted(normal(Requirement(text)) for text in packages["pip"] if text != "-e .")
    assert listed == sorted(normal(requirement) for requirement in REQUIREMENTS)


def test_binder_takes_its_packages_from_the_lock_alone():
    assert yaml.safe_load(read("binder/environment.yml"))["dependencies"] == ["python=3.12", "pip"]
    post_build = read("binder/postBuild")
    assert "pip install --no-cache-dir --require-hashes -r binder/requirements.lock" in post_build
    assert post_build.startswith("#!")


def test_documented_make_targets_exist():
    targets = set(re.findall(r"(?m)^([a-z-]+):.*## ", read("Makefile")))
    assert "help" in targets
    for name in ("README.md", "CONTRIBUTING.md", ".ci/run", ".github/workflows/ci.yml"):
        named = set(re.findall(r"(?m)(?:^|`|run: |-.run: )make (?:[A-Z]+=\S+ )?([a-z-]+)", read(name)))
        assert named, name
        assert named <= targets, name


def test_set_up_commands_are_the_same_everywhere():
    for name in ("README.md", "Makefile", ".github/workflows/ci.yml"):
        assert "python -m pip install --require-hashes -r requirements.lock" in read(name)
        assert "python -m pip install --no-deps --no-build-isolation -e ." in read(name)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_to_files_lead_somewhere(name):
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", read(name))
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_figure_and_table_of_the_readme_are_those_of_the_study(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    import study

    runs = evidence.read_study()
    assert study.MARKS[0] + study.format_table(runs) + study.MARKS[1] in read("README.md")
    with Image.open(ROOT / "docs" / "study.png") as figure:
        assert figure.text["Description"] == plots.study(runs).alt


def test_workflow_has_few_rights_and_pinned_actions():
    text = read(".github/workflows/ci.yml")
    workflow = yaml.safe_load(text)
    jobs = workflow["jobs"]
    assert workflow["permissions"] == {"contents": "read"}
    own = {name: job["permissions"] for name, job in jobs.items() if "permissions" in job}
    assert own == {"publish": {"pages": "write", "id-token": "write"}}
    assert "github.ref == 'refs/heads/main'" in jobs["publish"]["if"]
    assert all("run" not in step for step in jobs["publish"]["steps"])
    assert "pull_request_target" not in text
    steps = [step for job in jobs.values() for step in job["steps"] if "uses" in step]
    assert steps
    for step in steps:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"])
        if "checkout" in step["uses"]:
            assert step["with"]["persist-credentials"] is False
