"""Set all launch links, badges and Colab cells from one setting, `[project.urls]` in pyproject.toml.

    python docs/links.py [owner/name | none]

An argument sets the repository on GitHub (owner/name) or removes all links (none). Without an argument the
links of the current repository are written anew, for instance after a change of the version.
"""

import re
import sys
import tomllib
from pathlib import Path

import jupytext
import nbformat
from documents import replace_marked
from nbformat import NotebookNode

from mnist_helpers import __version__
from mnist_helpers.lessons.texts import hash_code

ROOT = Path(__file__).resolve().parents[1]
TAG = f"v{__version__}"  # a link opens the version that its cell installs
SETUP = """\
# On Colab: install the package of these lessons.
# Colab's TensorFlow, Keras and NumPy stay as they are.
import importlib.util
import subprocess
import sys

source = "git+https://github.com/{repository}@{tag}"
on_colab = "google.colab" in sys.modules
if on_colab and importlib.util.find_spec("mnist_helpers") is None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "mnist-helpers @ " + source], check=True)"""
_BADGES = re.compile(r"(?m)^\[!\[Open .*\n(?:\[!\[Open .*\n)*\n")
_URLS = re.compile(r'\[project\.urls\]\nRepository = "https://github\.com/(.*)"\n\n')
_PLACE = "[project.scripts]\n"  # the table of links stands before this one
# GitHub's own rules for the names of accounts and repositories.
_NAME = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}(?<!\.git)")


def check_repository(text: str) -> str | None:
    """Check a repository's name.

    Parameters
    ----------
    text : str
        owner/name of a repository on GitHub, or "none".

    Returns
    -------
    str or None
        The text, or None for "none".

    Raises
    ------
    ValueError
        If GitHub would not accept the name, or it is a placeholder such as OWNER/NAME.
    """
    if text == "none":
        return None
    if not _NAME.fullmatch(text) or text.lower() in ("owner/name", "owner/repo"):
        raise ValueError(f"REPO={text}: your repository on GitHub is needed, as OWNER/NAME, or none")
    return text


def read_repository(root: Path = ROOT) -> str | None:
    """Return the repository that pyproject.toml sets.

    Parameters
    ----------
    root : Path
        Folder of the project.

    Returns
    -------
    str or None
        owner/name, or None where no repository is set.

    Raises
    ------
    ValueError
        If the name that is set is no valid one.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    address: str = project.get("urls", {}).get("Repository", "none")
    return check_repository(address.removeprefix("https://github.com/"))


def format_badges(repository: str, lesson: str = "", codespaces: bool = False) -> str:
    """Return badges that open a lesson, or all lessons, in Markdown.

    Parameters
    ----------
    repository : str
        owner/name of the repository on GitHub.
    lesson : str
        Name of the lesson, without a suffix. If empty, Binder opens the folder of notebooks, Colab the first.
    codespaces : bool
        Whether to add a badge for GitHub Codespaces.

    Returns
    -------
    str
        One badge per line.
    """
    base = "https://colab.research.google.com"
    tree = f"lab/tree/notebooks/{lesson}.ipynb" if lesson else "lab/tree/notebooks"
    badges = {
        "Binder": (
            "https://mybinder.org/badge_logo.svg",
            f"https://mybinder.org/v2/gh/{repository}/{TAG}?urlpath={tree}",
        ),
        "Colab": (
            f"{base}/assets/colab-badge.svg",
            f"{base}/github/{repository}/blob/{TAG}/notebooks/{lesson or '01_data_exploration'}.ipynb",
        ),
    }
    if codespaces:
        address = f"https://codespaces.new/{repository}/tree/{TAG}"
        badges["Codespaces"] = ("https://github.com/codespaces/badge.svg", address)
    return "\n".join(f"[![Open in {name}]({image})]({link})" for name, (image, link) in badges.items())


def link_lesson(notebook: NotebookNode, lesson: str, repository: str | None) -> NotebookNode:
    """Set the badges below a lesson's title and its Colab cell, the first code cell, in place.

    The outputs stay, because the Colab cell does nothing elsewhere; the cells are numbered again. The stored
    hash of the code is renewed only if it was right before, so that a stale notebook stays recognizable.

    Parameters
    ----------
    notebook : NotebookNode
        The lesson as text or as an executed notebook.
    lesson : str
        Name of the lesson, without a suffix.
    repository : str or None
        owner/name of the repository on GitHub; None removes badges and cell.

    Returns
    -------
    NotebookNode
        The same notebook.
    """
    title = notebook.cells[0]
    cells = notebook.cells
    is_current = notebook.metadata.get("mnist_helpers", {}).get("code_sha256") == hash_code(notebook)
    title.source = _BADGES.sub("", title.source)
    if cells[1].source.startswith(SETUP.partition("\n")[0]):
        del cells[1]
    if repository:
        head, rest = title.source.split("\n\n", 1)
        title.source = f"{head}\n\n{format_badges(repository, lesson)}\n\n{rest}"
        cells.insert(1, nbformat.v4.new_code_cell(SETUP.format(repository=repository, tag=TAG)))
    _number(notebook)
    if is_current:
        notebook.metadata["mnist_helpers"]["code_sha256"] = hash_code(notebook)
    return notebook


def _number(notebook: NotebookNode) -> None:
    """Set the numbers of all cells and, in an executed notebook, of the executions of its code cells."""
    for number, cell in enumerate(notebook.cells, 1):
        cell.id = f"cell-{number}"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if any(cell.execution_count for cell in code):
        for number, cell in enumerate(code, 1):
            for part in (cell, *(output for output in cell.outputs if "execution_count" in output)):
                part.execution_count = number


def write_links(root: Path, repository: str | None) -> dict[Path, str]:
    """Return all files with links, with the links of a repository.

    Parameters
    ----------
    root : Path
        Folder of the project. No file is changed.
    repository : str or None
        owner/name of the repository on GitHub; None removes all links.

    Returns
    -------
    dict of Path to str
        The new text of each file.

    Raises
    ------
    ValueError
        If README.md or pyproject.toml has lost the place for the links.
    """
    readme = root / "README.md"
    pyproject = root / "pyproject.toml"
    settings = _URLS.sub("", pyproject.read_text(encoding="utf-8"))
    if _PLACE not in settings:
        raise ValueError(f"{pyproject} has lost {_PLACE.strip()}")
    if repository:
        urls = f'[project.urls]\nRepository = "https://github.com/{repository}"\n\n'
        settings = settings.replace(_PLACE, urls + _PLACE)
    section = format_badges(repository, codespaces=True) if repository else ""
    try:
        linked = replace_marked(readme.read_text(encoding="utf-8"), "links", section)
    except ValueError as error:
        raise ValueError(f"{readme}: {error}") from None
    texts = {readme: linked, pyproject: settings}
    for path in sorted((root / "lessons").glob("[0-9]*.py")):
        texts[path] = jupytext.writes(link_lesson(jupytext.read(path), path.stem, repository), "py:percent")
        executed = root / "notebooks" / f"{path.stem}.ipynb"
        notebook = link_lesson(nbformat.read(executed, 4), path.stem, repository)
        texts[executed] = nbformat.writes(notebook) + "\n"
    return texts


def main(root: Path = ROOT, name: str = "") -> None:
    """Write each file whose links differ from those of the repository.

    Parameters
    ----------
    root : Path
        Folder of the project.
    name : str
        owner/name of the repository on GitHub, "none", or empty for the repository that is set.

    Raises
    ------
    ValueError
        If the name is not valid or a file has lost the place for the links. No file is changed then.
    """
    repository = check_repository(name) if name else read_repository(root)
    for path, text in write_links(root, repository).items():
        if path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")
            print(path.relative_to(root))
    print(f"Links: {repository or 'none; set them with make links REPO=owner/name'}")


if __name__ == "__main__":
    try:
        main(name="".join(sys.argv[1:]))
    except ValueError as error:
        raise SystemExit(str(error)) from None
