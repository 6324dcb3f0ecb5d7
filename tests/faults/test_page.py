"""docs/reliability.md names the tests of every fault, and every error that the package raises."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs"))
import messages  # noqa: E402 — docs/ is no package

PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
ROWS = re.findall(r"(?m)^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$", PAGE)
PACKAGE = sorted((ROOT / "mnist_helpers").rglob("*.py"))


def test_all_47_faults_are_listed_and_each_has_tests():
    assert [int(number) for number, *_ in ROWS] == list(range(1, 48))
    assert [number for number, _, _, tests in ROWS if not find_tests(tests)] == []


def find_tests(text):
    return re.findall(r"`([\w/]+)::(\w+)`", text)


@pytest.mark.parametrize(
    ("module", "name"), sorted({test for *_, tests in ROWS for test in find_tests(tests)})
)
def test_named_test_exists(module, name):
    tree = ast.parse((ROOT / "tests" / f"{module}.py").read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def find_strange_raises(code):
    """Return what raises something that `messages.find_errors` does not list."""
    tree = ast.parse(code)
    makers = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and [*messages.find_errors(node)]
    }
    strange = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            name = ast.unparse(node.exc.func if isinstance(node.exc, ast.Call) else node.exc)
            if not (name.endswith("Error") and isinstance(node.exc, ast.Call)) and name not in makers:
                strange.append(ast.unparse(node))
    return strange


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_raise_has_a_row(path):
    strange = find_strange_raises(path.read_text(encoding="utf-8"))
    assert [text for text in strange if text != "raise KeyboardInterrupt"] == []


@pytest.mark.parametrize("code", ["raise error", "raise kind('text')", "def f():\n    return 1\nraise f()"])
def test_raise_that_the_table_cannot_show_is_found(code):
    assert find_strange_raises(code)


# Words by which a message says what to do: an instruction, or what is needed.
STEPS = re.compile(
    r"\b(are|is) needed|as in|, or none|instead of|need validation images|read_picture takes|says what to do"
    r"|\b(choose|copy|correct|crop|end|free|git checkout|install|lower|make|makes it|move|name|omit|put|run"
    r"|save|see|set|show|start|try|turn|unset|update|use|wait|write)\b",
    re.IGNORECASE,
)
# A message whose end is composed elsewhere, and one that names its lesson in a line above.
COMPOSED = re.compile(r"^[… .]*$|^… was …$|\. …$|^… of … lessons failed|^MNIST is not available: … ….$")


def test_every_message_says_what_to_do():
    rows = re.findall(
        r"(?m)^\| ([\w/]+) \| (\w+) \| (\d+) \| (.+) \|$", PAGE.partition("<!-- messages -->")[2]
    )
    assert len(rows) > 50
    without = [f"{module}: {text}" for module, _, _, text in rows if not STEPS.search(text)]
    # Those of downloads are listed by that of datasets, which ends with what to do.
    left = [row for row in without if not row.startswith("downloads:")]
    assert [row for row in left if not COMPOSED.search(" ".join(row.partition(": ")[2].split()))] == []


def test_table_shows_class_exit_code_and_the_text_that_variables_hold(tmp_path):
    (tmp_path / "module.py").write_text(
        "class OurError(DataError): ...\n"
        "def f(path):\n"
        "    advice = f'move {path} away'\n"
        "    raise OurError(f'{path} is broken: {advice}')\n"
        "raise ValueError('a | b')\n"
    )
    rows = messages.format_table(tmp_path).splitlines()[2:]
    assert rows == [
        "| module | OurError | 3 | … is broken: move … away |",
        "| module | ValueError |  | a \\| b |",
    ]


# What an installation without hashes has in its line, and how the page calls it.
UNHASHED = {
    "[tensorflow,run,lab]": "`environment.yml`",
    "[tensorflow,run,lab,study]": "the newest versions",
    "pip>=": "the newest versions",
    "build/oldest": "`make oldest`",
    "uv==": "uv in the Makefile",
    "pip-audit==": "pip-audit in CI",
    "playwright install": "Chromium",
    "mcr.microsoft.com": "the dev container",
    "conda-forge": "conda",
}
INSTALLERS = ["Makefile", "environment.yml", ".devcontainer/devcontainer.json", "binder/environment.yml"]
INSTALLERS += ["binder/postBuild", ".github/workflows/ci.yml", ".pre-commit-config.yaml"]
INSTALLS = re.compile(
    r"pip install|playwright install|pip: \[|\"image\"|channels:|repo: |apt-get install|curl|wget"
)


def test_everything_that_is_installed_without_hashes_is_named():
    section = PAGE.partition("## What is not verified by a hash")[2]
    named = set()
    for name in INSTALLERS:
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            if not INSTALLS.search(line) or line.lstrip().startswith("#"):
                continue
            if "--require-hashes" in line or "--no-deps" in line or "repo: local" in line:
                continue
            found = [key for key in UNHASHED if key in line]
            assert found, f"{name}: {line}"
            named |= {*found}
    assert named == set(UNHASHED)
    assert [text for text in UNHASHED.values() if text not in section] == []
