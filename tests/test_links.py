"""docs/links.py: launch links, badges and Colab cells agree with the setting in pyproject.toml."""

import ast
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import jupytext
import nbformat
import pytest
from published import find_problems

from mnist_helpers import __version__

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs"))
import links  # noqa: E402 (docs/links.py, which is no part of the package)

REPOSITORY = "example/mnist-lessons"
LAUNCH = re.compile(
    r"(?:mybinder\.org/v2/gh|colab\.research\.google\.com/github|codespaces\.new|git\+https://github\.com)"
    r"/([\w.-]+/[\w.-]+?)(?=[/@?)\"\\])"
)


def find_repositories(root):
    """Return the repositories in the launch links and Colab cells of a folder."""
    files = [root / "README.md", *root.glob("lessons/*.py"), *root.glob("notebooks/*.ipynb")]
    return {name for file in files for name in LAUNCH.findall(file.read_text(encoding="utf-8"))}


def read(root):
    """Return the content of all files of a folder."""
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def copy(tmp_path):
    """Return a copy of the files that have links, with two of the lessons and no repository set."""
    for name in ("lessons/01_data_exploration.py", "lessons/02_baseline_cnn.py"):
        for file in (name, name.replace("lessons", "notebooks").replace(".py", ".ipynb")):
            (tmp_path / file).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / file, tmp_path / file)
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    links.main(tmp_path, "none")
    return tmp_path


def test_committed_links_agree_with_the_setting():
    for path, text in links.write_links(ROOT, links.read_repository()).items():
        assert path.read_text(encoding="utf-8") == text, f"the links of {path.name} are stale: make links"


def test_launch_links_name_no_repository_but_the_one_that_is_set():
    assert find_repositories(ROOT) == {links.read_repository()} - {None}


def test_without_a_repository_the_readme_has_nothing_in_the_place_of_links(copy):
    assert links.read_repository(copy) is None
    assert find_repositories(copy) == set()
    assert "<!-- links -->\n\n<!-- end of links -->" in (copy / "README.md").read_text(encoding="utf-8")


def test_setting_changes_every_file_and_none_restores_each_byte(copy):
    before = read(copy)
    links.main(copy, REPOSITORY)
    linked = read(copy)
    assert links.read_repository(copy) == REPOSITORY
    assert find_repositories(copy) == {REPOSITORY}
    assert [path for path in before if before[path] == linked[path]] == []
    links.main(copy)
    links.main(copy, REPOSITORY)
    assert read(copy) == linked
    links.main(copy, "someone-else/x.y")
    assert find_repositories(copy) == {"someone-else/x.y"}
    links.main(copy, "none")
    assert read(copy) == before


def test_links_name_the_lesson_and_the_version(copy):
    links.main(copy, REPOSITORY)
    for path in texts(copy):
        text, notebook = path.read_text(encoding="utf-8"), f"notebooks/{path.stem}.ipynb"
        tag = f"v{__version__}"
        assert f"(https://mybinder.org/v2/gh/{REPOSITORY}/{tag}?urlpath=lab/tree/{notebook})" in text
        assert f"(https://colab.research.google.com/github/{REPOSITORY}/blob/{tag}/{notebook})" in text
        assert f"git+https://github.com/{REPOSITORY}@{tag}" in text
    readme = (copy / "README.md").read_text(encoding="utf-8")
    assert f"(https://mybinder.org/v2/gh/{REPOSITORY}/{tag}?urlpath=lab/tree/notebooks)" in readme
    assert f"(https://codespaces.new/{REPOSITORY}/tree/{tag})" in readme


def test_text_and_executed_notebook_agree_after_linking(copy):
    before = [list(find_problems(copy / "notebooks" / f"{p.stem}.ipynb", p)) for p in texts(copy)]
    links.main(copy, REPOSITORY)
    after = [list(find_problems(copy / "notebooks" / f"{p.stem}.ipynb", p)) for p in texts(copy)]
    assert after == before


def texts(root):
    return sorted((root / "lessons").glob("*.py"))


def test_outputs_and_their_order_are_kept(copy):
    path = copy / "notebooks" / "02_baseline_cnn.ipynb"
    before = [cell.get("outputs", []) for cell in nbformat.read(path, 4).cells]
    links.main(copy, REPOSITORY)
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    after = [cell.get("outputs", []) for cell in notebook.cells]
    assert after.pop(1) == []
    assert len(after) == len(before)
    assert [drop_counts(outputs) for outputs in after] == [drop_counts(outputs) for outputs in before]
    for cell in notebook.cells:
        counts = {output.execution_count for output in cell.get("outputs", []) if "execution_count" in output}
        assert counts <= {cell.get("execution_count")}


def drop_counts(outputs):
    return [{k: v for k, v in output.items() if k != "execution_count"} for output in outputs]


def test_stale_notebook_is_still_stale_after_linking(copy):
    text = copy / "lessons" / "01_data_exploration.py"
    path = copy / "notebooks" / "01_data_exploration.ipynb"
    notebook = nbformat.read(path, 4)
    notebook.cells[-1].source += "\n"
    notebook.cells[1].source += "\n# edited by hand"
    nbformat.write(notebook, path)
    links.main(copy, REPOSITORY)
    assert "was not executed from the text as it stands" in list(find_problems(path, text))


NAMES = ["owner/name", "OWNER/REPO", "alone", "a/b/c", "a b/c", "-a/b", "a--b/c", "a/..", "a/b.git", "a/b\n"]
NAMES += ['a/b"', "a/b@main", "a/$(id)", "https://github.com/a/b", "a" * 40 + "/b", "a/" + "b" * 101]


@pytest.mark.parametrize("name", NAMES)
def test_invalid_name_is_refused_before_any_file_is_opened(name, tmp_path):
    with pytest.raises(ValueError, match="your repository on GitHub is needed"):
        links.main(tmp_path, name)


def test_lost_mark_is_reported_before_any_file_is_written(copy):
    readme = copy / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8").replace("<!-- links -->", ""), encoding="utf-8")
    before = read(copy)
    with pytest.raises(ValueError, match="has lost <!-- links -->"):
        links.main(copy, REPOSITORY)
    assert read(copy) == before


def test_command_refuses_a_placeholder_with_one_line_and_exit_code_1():
    command = [sys.executable, str(ROOT / "docs" / "links.py"), "owner/name"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "REPO=owner/name: your repository on GitHub is needed, as OWNER/NAME, or none\n"


@pytest.mark.parametrize(
    ("on_colab", "is_installed", "installs"), [(1, 0, True), (1, 1, False), (0, 0, False)]
)
def test_cell_installs_only_on_colab_and_only_if_missing(on_colab, is_installed, installs, copy, monkeypatch):
    links.main(copy, REPOSITORY)
    cell = jupytext.read(copy / "lessons" / "02_baseline_cnn.py").cells[1]
    ast.parse(cell.source)
    commands = []
    if on_colab:
        monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: is_installed or None)
    monkeypatch.setattr("subprocess.run", lambda command, check: commands.append(command))
    exec(cell.source, {})
    package = f"mnist-helpers @ git+https://github.com/{REPOSITORY}@v{__version__}"
    assert commands == ([[sys.executable, "-m", "pip", "install", "--quiet", package]] if installs else [])
