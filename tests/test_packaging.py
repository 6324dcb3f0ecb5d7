"""The locks, the Makefile, continuous integration, and the files that repeat pyproject.toml."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import mnist_helpers

ROOT = Path(__file__).parents[1]
LEARNERS = "requirements/lessons.lock"
DEVELOPERS = "requirements/dev.lock"
LOCKS = [LEARNERS, DEVELOPERS]
PLATFORMS = [
    {"python_version": version, "python_full_version": f"{version}.9", "implementation_name": "cpython"}
    | {"sys_platform": system, "platform_system": name, "platform_machine": machine, "os_name": os}
    | {"platform_python_implementation": "CPython"}
    for version in ("3.11", "3.12", "3.13")
    for system, name, machine, os in [
        ("linux", "Linux", "x86_64", "posix"),
        ("linux", "Linux", "aarch64", "posix"),
        ("darwin", "Darwin", "arm64", "posix"),
        ("win32", "Windows", "AMD64", "nt"),
    ]
]
MOST_PACKAGES = 150  # of a learner on Linux, with pip and this package
LEARNERS_EXTRAS = {"tensorflow", "run", "lab"}

needs_make = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("make") is None, reason="there is no make"
)


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


PYPROJECT = tomllib.loads(read("pyproject.toml"))
PROJECT = PYPROJECT["project"]


def parse(texts):
    return [Requirement(text) for text in texts if isinstance(text, str)]


EXTRAS = {name: parse(texts) for name, texts in PROJECT["optional-dependencies"].items()}
GROUPS = {name: parse(texts) for name, texts in PYPROJECT["dependency-groups"].items()}
NEEDED_BY_LEARNERS = [
    *parse(PROJECT["dependencies"]),
    *(requirement for name in LEARNERS_EXTRAS for requirement in EXTRAS[name]),
    *GROUPS["build"],
]
NEEDED = [
    *NEEDED_BY_LEARNERS,
    *(requirement for texts in (EXTRAS, GROUPS) for part in texts.values() for requirement in part),
]


def locked(*locks):
    """Return the entries of locks: pairs of a pin and its number of hashes."""
    found = []
    for lock in locks:
        entries = re.split(r"\n(?=[a-z0-9])", re.sub(r"(?m)^ *#.*\n?", "", read(lock)).strip())
        hashes = [len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", entry)) for entry in entries]
        pins = [Requirement(entry.split("\\\n")[0]) for entry in entries]
        found += zip(pins, hashes, strict=True)
    return found


def names(*locks):
    return {canonicalize_name(pin.name) for pin, _ in locked(*locks)}


def installed_on(platform, *locks):
    """Return the pins that pip installs on a platform."""
    return [pin for pin, _ in locked(*locks) if pin.marker is None or pin.marker.evaluate(platform)]


def find_drift(requirements, *locks):
    """Return the requirements that the pins of locks do not satisfy on each platform."""
    drift = []
    for requirement in requirements:
        name = canonicalize_name(requirement.name)
        pins = [pin for pin, _ in locked(*locks) if canonicalize_name(pin.name) == name]
        versions = [clause.version for pin in pins for clause in pin.specifier]
        if not versions or not all(requirement.specifier.contains(version) for version in versions):
            drift.append(str(requirement))
    return drift


def test_locks_satisfy_every_requirement():
    assert len(NEEDED_BY_LEARNERS) > 15
    assert find_drift(NEEDED_BY_LEARNERS, LEARNERS) == []
    assert len(NEEDED) > len(NEEDED_BY_LEARNERS) + 10
    assert find_drift(NEEDED, *LOCKS) == []


@pytest.mark.parametrize("changed", ["keras>=99", "not-in-the-lock>=1"])
def test_requirement_that_changed_without_the_lock_is_found(changed):
    assert find_drift([Requirement(changed)], *LOCKS) == [changed]


@pytest.mark.parametrize(("lock", "least"), [(LEARNERS, 100), (DEVELOPERS, 40)])
def test_every_pin_has_hashes_and_one_version(lock, least):
    pins = locked(lock)
    assert len(pins) > least
    assert [pin.name for pin, hashes in pins if not hashes] == []
    assert [pin.name for pin, _ in pins if not re.fullmatch("==[^,*]+", str(pin.specifier))] == []


@pytest.mark.parametrize(
    "platform", PLATFORMS, ids=lambda place: " ".join((place["python_version"], place["sys_platform"]))
)
def test_each_platform_gets_one_version_of_a_package(platform):
    found = [canonicalize_name(pin.name) for pin in installed_on(platform, *LOCKS)]
    assert len(found) == len(set(found)) > 150


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_index_and_no_path(lock):
    lines = read(lock).splitlines()
    assert [line for line in lines if line.startswith("-") or re.search("://| @ |/wheels", line)] == []


def test_lock_of_developers_has_only_what_learners_do_without():
    assert names(LEARNERS) & names(DEVELOPERS) == set()
    assert {"distributed", "pytest", "ruff", "mypy", "sphinx", "playwright"} <= names(DEVELOPERS)


def test_learners_install_at_most_150_packages():
    linux = PLATFORMS[0]
    assert (linux["python_version"], linux["platform_machine"]) == ("3.11", "x86_64")
    assert 100 < len(installed_on(linux, LEARNERS)) + len(["pip", "mnist-helpers"]) <= MOST_PACKAGES


def test_lock_has_a_keras_that_runs_no_code_from_model_files():
    assert find_drift([Requirement("keras>=3.15")], LEARNERS) == []


def test_every_platform_gets_one_tensorflow_and_numpy_2_4():
    for platform in PLATFORMS:
        pins = {pin.name: str(pin.specifier) for pin in installed_on(platform, LEARNERS)}
        is_linux_on_intel = platform["sys_platform"] == "linux" and platform["platform_machine"] == "x86_64"
        expected = "tensorflow-cpu" if is_linux_on_intel else "tensorflow"
        assert pins.keys() & {"tensorflow", "tensorflow-cpu"} == {expected}
        assert pins["numpy"].startswith("==2.4.")


def test_conda_environment_installs_the_extras_of_learners():
    python, pip, packages = yaml.safe_load(read("environment.yml"))["dependencies"]
    assert pip == "pip"
    assert re.fullmatch(r"python=3\.\d+", python)
    assert SpecifierSet(PROJECT["requires-python"]).contains(python.partition("=")[2])
    [editable] = packages["pip"]
    option, target = editable.split()
    assert option == "-e"
    assert set(target.removeprefix(".[").removesuffix("]").split(",")) == LEARNERS_EXTRAS


def test_binder_environment_only_chooses_python():
    assert yaml.safe_load(read("binder/environment.yml"))["dependencies"] == ["python=3.12", "pip"]


FAKE_PYTHON = """\
#!/bin/sh
# Log each call. "-m venv" copies this script; an installation fails while the file "broken" exists.
echo "$(basename "$0") $*" >> calls
case "$*" in
    "-m venv "*)
        mkdir -p "$3/bin"
        for tool in python jupyter mnist-helpers ruff codespell mypy; do cp "$0" "$3/bin/$tool"; done ;;
    *"pip install"*) [ ! -e broken ] ;;
esac
"""


@pytest.fixture(autouse=True)
def outermost_make(monkeypatch):
    """Hide the make that runs these tests: its variables and messages would change those called here."""
    for name in ("MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def make(tmp_path):
    """Return a function that calls make with a fake Python and returns exit code and installed locks."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in (*LOCKS, "pyproject.toml", "fake"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "fake").write_text(FAKE_PYTHON, encoding="utf-8")
    (tmp_path / "fake").chmod(0o755)

    def call(*arguments):
        (tmp_path / "calls").write_text("")
        command = ["make", "PYTHON=./fake", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        return done.returncode, re.findall(r"--require-hashes -r (\S+)", (tmp_path / "calls").read_text())

    return call


@needs_make
@pytest.mark.parametrize("target", ["lab", "run", "quick", "claims", "notebooks", "links"])
def test_target_for_learners_installs_their_lock_once(target, make):
    assert make(target) == (0, [LEARNERS])
    assert make(target) == (0, [])


@needs_make
@pytest.mark.parametrize("target", ["lint", "test", "test-full", "study", "bench", "book", "docs", "format"])
def test_target_for_developers_installs_both_locks_once(target, make):
    assert make(target) == (0, LOCKS)
    assert make(target) == (0, [])


@needs_make
def test_developers_lock_is_added_to_an_environment_of_learners(make):
    assert make("run") == (0, [LEARNERS])
    assert make("test") == (0, [DEVELOPERS])


@needs_make
def test_failed_installation_is_repeated_by_the_next_call(make, tmp_path):
    broken = tmp_path / "broken"
    broken.touch()
    assert make("test") == (2, [LEARNERS])
    assert make("test") == (2, [LEARNERS])
    broken.unlink()
    assert make("run") == (0, [LEARNERS])
    broken.touch()
    assert make("test") == (2, [DEVELOPERS])
    assert make("run") == (0, [])
    broken.unlink()
    assert make("test") == (0, [DEVELOPERS])


@needs_make
@pytest.mark.parametrize(("changed", "installed"), [(LEARNERS, LOCKS), (DEVELOPERS, [DEVELOPERS])])
def test_changed_lock_is_installed_again(changed, installed, make, tmp_path):
    make("test")
    (tmp_path / changed).touch()
    assert make("test") == (0, installed)


def show(*arguments):
    """Return the commands that make would run, one a line."""
    command = ["make", "--dry-run", "--always-make", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@needs_make
@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", ".ci/run", ".github/workflows/ci.yml"])
def test_make_targets_in_documents_exist(name):
    targets = set(re.findall(r"(?m)(?:^|`|run: |^ +)make (?:[A-Z]+=\S+ )*([a-z.][\w./-]*)", read(name)))
    assert targets
    assert show(*targets)


@needs_make
def test_help_lists_only_targets_that_exist():
    text = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = re.findall(r"(?m)^make ([a-z-]+) +\S", text)
    assert {"help", "lab", "run", "test", "study", "book", "lock"} <= set(targets)
    assert len(targets) == len(text.splitlines())
    assert show(*targets)


def find_installations(text):
    return set(re.findall(r"(?m)^\s*\S*python -m pip (install (?:--require-hashes|--no-deps) .+)$", text))


@needs_make
def test_set_up_without_make_installs_what_make_does():
    expected = find_installations(show(".venv/.dev"))
    assert len(expected) == 3
    assert find_installations(read("README.md")) == expected
    assert find_installations(read(".github/workflows/ci.yml")) == expected


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_to_files_lead_somewhere(name):
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", read(name))
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.fixture(scope="module")
def workflow():
    return yaml.safe_load(read(".github/workflows/ci.yml"))


def test_workflow_has_few_rights_and_pinned_actions(workflow):
    jobs = workflow["jobs"]
    assert workflow["permissions"] == {"contents": "read"}
    own = {name: job["permissions"] for name, job in jobs.items() if "permissions" in job}
    assert own == {"publish": {"pages": "write", "id-token": "write"}}
    assert "github.ref == 'refs/heads/main'" in jobs["publish"]["if"]
    assert all("run" not in step for step in jobs["publish"]["steps"])
    assert "pull_request_target" not in workflow[True]  # YAML 1.1 reads the key "on" as true
    steps = [step for job in jobs.values() for step in job["steps"] if "uses" in step]
    assert steps
    for step in steps:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"])
        if "checkout" in step["uses"]:
            assert step["with"]["persist-credentials"] is False


def test_workflow_cancels_superseded_runs_but_no_publication(workflow):
    assert "github.ref" in workflow["concurrency"]["group"]
    assert workflow["concurrency"]["cancel-in-progress"] == "${{ github.ref != 'refs/heads/main' }}"
    assert workflow["jobs"]["publish"]["concurrency"]["cancel-in-progress"] is False


def test_jobs_that_install_the_locks_cache_them(workflow):
    keys = {
        name: step["with"]["cache-dependency-path"]
        for name, job in workflow["jobs"].items()
        for step in job["steps"]
        if step.get("with", {}).get("cache") == "pip"
    }
    assert keys.keys() == workflow["jobs"].keys() - {"publish", "newest", "oldest", "audit"}
    for key in keys.values():
        assert {path.relative_to(ROOT).as_posix() for path in ROOT.glob(key)} == set(LOCKS)


def test_every_lock_is_audited_once_a_week(workflow):
    job = workflow["jobs"]["audit"]
    assert "schedule" in job["if"]
    commands = "\n".join(step.get("run", "") for step in job["steps"])
    assert set(re.findall(r"pip-audit .*-r (\S+)", commands)) == set(LOCKS)


def test_dependabot_updates_the_actions():
    [update] = yaml.safe_load(read(".github/dependabot.yml"))["updates"]
    assert (update["package-ecosystem"], update["directory"]) == ("github-actions", "/")
    assert update["schedule"] == {"interval": "weekly"}


def test_hooks_before_a_commit_run_tools_of_the_lock():
    [repository] = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert repository["repo"] == "local"
    tools = {Path(hook["entry"].split()[0]) for hook in repository["hooks"]}
    assert {tool.parent.as_posix() for tool in tools} == {".venv/bin"}
    assert {"ruff", "codespell"} == {tool.name for tool in tools}
    assert {tool.name for tool in tools} <= names(DEVELOPERS)


def test_citation_has_the_required_keys_and_this_version():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert citation["version"] == mnist_helpers.__version__
    assert citation["license"] == PROJECT["license"].split(" AND ")
    assert [set(author) for author in citation["authors"]] == [{"name"}]  # no person, so no family names


def test_citation_has_the_date_of_the_release():
    version = re.escape(mnist_helpers.__version__)
    [date] = re.findall(rf"(?m)^## {version} \W (.+)$", read("CHANGELOG.md"))
    citation = yaml.safe_load(read("CITATION.cff"))
    assert str(citation.get("date-released", "unreleased")) == date


FAULTS = {
    "complexity": "def f(x):\n" + "    if x:\n        x += 1\n" * 12 + "    return x\n",
    "hints": "def add(first, second):\n    return first + second\n",
    "ignore": 'number: int = "one"  # type: ignore\n',
    "spelling": "# t" + "eh comment\n",
}


@pytest.mark.parametrize(
    ("command", "fault", "message"),
    [
        ("ruff check --config pyproject.toml", "complexity", "C901"),
        ("mypy --no-incremental", "hints", "[no-untyped-def]"),
        ("mypy --no-incremental", "ignore", "[ignore-without-code]"),
        ("codespell", "spelling", "==> the"),
    ],
)
def test_lint_finds_a_fault(command, fault, message, tmp_path):
    path = tmp_path / "module.py"
    path.write_text(FAULTS[fault], encoding="utf-8")
    tool, *options = command.split()
    found = subprocess.run(
        [Path(sys.executable).parent / tool, *options, path], cwd=ROOT, capture_output=True, text=True
    )
    assert found.returncode
    assert message in found.stdout
