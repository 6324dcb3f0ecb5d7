"""Set all launch links, badges and Colab cells from one setting, `[project.urls]` in pyproject.toml.

An argument names the repository on GitHub (owner/name) or takes everything out (none); without one, the
repository that is set gets its links anew, such as after a new version.
"""

import re
import sys
import tomllib
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from mnist_helpers import __version__
from mnist_helpers.notebooks import hash_code

ROOT = Path(__file__).resolve().parents[1]
MARKS = ("<!-- links -->\n", "\n<!-- end of links -->")
TAG = f"v{__version__}"  # what a link opens and what its cell installs are of one version
NOTE = """\
There are no links yet that open the lessons on Binder, Colab or Codespaces: they need this repository's own
address on GitHub. `make links REPO=owner/name` writes them, here and into each lesson."""
SETUP = """\
# On Colab: install the package of these lessons; Colab's TensorFlow, Keras and NumPy stay as they are.
import importlib.util
import subprocess
import sys

package = "mnist-helpers @ git+https://github.com/{repository}@{tag}"
if "google.colab" in sys.modules and importlib.util.find_spec("mnist_helpers") is None:
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", package], check=True)"""
_BADGES = re.compile(r"(?m)^\[!\[Open .*\n(?:\[!\[Open .*\n)*\n")
_URLS = re.compile(r'\[project\.urls\]\nRepository = "https://github\.com/(.*)"\n\n')
# GitHub's own rules for the names of accounts and repositories.
_NAME = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}(?<!\.git)")


def check_repository(text: str) -> str | None:
    """Return owner/name, or None for ``"none"``; raise ValueError for all else and for placeholders."""
    if text == "none":
        return None
    if not _NAME.fullmatch(text) or text.lower() in ("owner/name", "owner/repo"):
        raise ValueError(f"REPO={text}: your repository on GitHub is needed, as OWNER/NAME, or none")
    return text


def read_repository(root: Path = ROOT) -> str | None:
    """Return the repository that pyproject.toml names, or None."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    address = project.get("urls", {}).get("Repository", "none")
    return check_repository(address.removeprefix("https://github.com/"))


def format_badges(repository: str, lesson: str = "", codespaces: bool = False) -> str:
    """Return badges in Markdown, one a line, that open a lesson, or all of them."""
    base, tree = "https://colab.research.google.com", f"lab/tree/notebooks/{lesson and lesson + '.ipynb'}"
    badges = {
        "Binder": (
            "https://mybinder.org/badge_logo.svg",
            f"https://mybinder.org/v2/gh/{repository}/{TAG}?urlpath={tree.rstrip('/')}",
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
    """Set the badges under a lesson's title and its set-up cell, the first of its code, in place.

    A notebook's outputs stay, since the cell does nothing outside Colab; its cells are numbered anew. One
    that was not executed from its code as it stands goes on saying so.
    """
    title, cells = notebook.cells[0], notebook.cells
    is_current = notebook.metadata.get("mnist_helpers", {}).get("code_sha256") == hash_code(notebook)
    title.source = _BADGES.sub("", title.source)
    if cells[1].source.startswith(SETUP.partition("\n")[0]):
        del cells[1]
    if repository:
        head, rest = title.source.split("\n\n", 1)
        title.source = f"{head}\n\n{format_badges(repository, lesson)}\n\n{rest}"
        cells.insert(1, nbformat.v4.new_code_cell(SETUP.format(repository=repository, tag=TAG)))
    code = [cell for cell in cells if cell.cell_type == "code"]
    for number, cell in enumerate(cells, 1):
        cell.id = f"cell-{number}"
    if any(cell.execution_count for cell in code):
        for number, cell in enumerate(code, 1):
            for part in (cell, *(out for out in cell.outputs if "execution_count" in out)):
                part.execution_count = number
    if is_current:
        notebook.metadata["mnist_helpers"]["code_sha256"] = hash_code(notebook)
    return notebook


def write_links(root: Path, repository: str | None) -> dict[Path, str]:
    """Return the new text of each file below `root` that has links: the repository's, or none."""
    readme, pyproject = root / "README.md", root / "pyproject.toml"
    before, start, rest = readme.read_text(encoding="utf-8").partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    settings = _URLS.sub("", pyproject.read_text(encoding="utf-8"))
    place = "[project.scripts]\n"
    if not (start and end and place in settings):
        raise ValueError(f"{readme} has lost {' or '.join(MARKS)}, or {pyproject} its {place}")
    if repository:
        urls = f'[project.urls]\nRepository = "https://github.com/{repository}"\n\n'
        settings = settings.replace(place, urls + place)
    section = format_badges(repository, codespaces=True) if repository else NOTE
    texts = {readme: "".join((before, start, section, end, after)), pyproject: settings}
    for path in sorted((root / "lessons").glob("[0-9]*.py")):
        texts[path] = jupytext.writes(link_lesson(jupytext.read(path), path.stem, repository), "py:percent")
        executed = root / "notebooks" / f"{path.stem}.ipynb"
        notebook = link_lesson(nbformat.read(executed, 4), path.stem, repository)
        texts[executed] = nbformat.writes(notebook) + "\n"
    return texts


def main(root: Path = ROOT, name: str = "") -> None:
    """Write every file whose links differ from those of the repository."""
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
