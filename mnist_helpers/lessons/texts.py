"""Find the texts of lessons, and make notebooks of them.

A lesson is a text in jupytext's percent format. Besides prose and code it holds, for each exercise, cells
with these tags:

- ``check`` defines the exercise's check. Notebooks show it folded.
- ``solution`` becomes a folded text, because a code cell would overwrite the learner's answer.
- ``right``, ``wrong`` and ``error`` are further answers. Notebooks leave them out.

Tests execute all answers. The first line of a wrong one is a comment with words of the hint that it must get.
"""

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_helpers.errors import SetupError, UsageError
from mnist_helpers.lessons.parameters import check_names

if TYPE_CHECKING:
    from nbformat import NotebookNode

_LESSONS = Path(__file__).resolve().parents[2] / "lessons"
_ANSWERS = ("solution", "right", "wrong", "error")
_SUFFIXES = (".py", ".ipynb")
_QUICK_NOTICE = "Quick profile: it shows that the lesson runs. Its numbers mean nothing."


def find_lessons(names: Iterable[str] = (), folder: Path | None = None) -> list[Path]:
    """Find the texts of lessons.

    Parameters
    ----------
    names : iterable of str, optional
        Lessons, each as ``"02"``, ``"02_baseline_cnn"`` or the path of a text or notebook; none for all.
    folder : Path, optional
        The folder of the texts; None for the one in this clone of the repository.

    Returns
    -------
    list of Path
        The texts, each once, in the order of the lessons; a path is what was given.

    Raises
    ------
    SetupError
        If the folder has no lessons.
    UsageError
        If a name is unknown or a path leads to no text or notebook.
    """
    names = list(names)
    paths = [Path(name) for name in names if _is_path(name)]
    for path in paths:
        if path.suffix not in _SUFFIXES or not path.is_file():
            raise UsageError(f"{path} is no lesson's text (.py) or notebook (.ipynb) that exists: name one")
    others = [name for name in names if not _is_path(name)]
    if others or not paths:
        folder = folder or _LESSONS
        texts = sorted(folder.glob("[0-9]*.py"))
        if not texts:
            raise SetupError(
                f"No lessons in {folder}: name their folder, or install a clone: pip install -e ."
            )
        known = {text.stem: text for text in texts}
        numbers = {stem.partition("_")[0]: stem for stem in known}
        stems = [numbers.get(name, name) for name in others]
        check_names("lesson", stems, known)
        paths += [known[stem] for stem in stems] if names else texts
    chosen = {path.resolve(): path for path in paths}
    return sorted(chosen.values(), key=lambda path: path.stem)


def _is_path(name: str) -> bool:
    return Path(name).name != name or Path(name).suffix in _SUFFIXES


def read_lesson(path: Path, answers: bool = False, quick: bool = False) -> "NotebookNode":
    """Read a lesson as a notebook, a text as one without outputs.

    Parameters
    ----------
    path : Path
        The text, or a notebook made of it, which has no answers but those that somebody filled in.
    answers : bool, default False
        Whether all answers to exercises stay as code, each with an assertion on what its check says.
    quick : bool, default False
        Whether the first output says that the values are those of the quick profile.

    Returns
    -------
    NotebookNode
        The notebook; ``metadata.mnist_helpers.code_sha256`` holds the hash of its code.

    Raises
    ------
    UsageError
        If the file is no notebook, or does not name its kernel, as each lesson does.
    """
    import jupytext

    try:
        notebook = jupytext.read(path)
        notebook.metadata["kernelspec"]["name"]
    except OSError:
        raise
    except Exception as error:  # foreign content makes nbformat and YAML raise errors of many types
        raise UsageError(
            f"{path} is no lesson: no notebook, or no kernel in its header. Copy the header of a lesson"
        ) from error
    notebook.cells = list(_convert_cells(notebook.cells, answers, quick))
    notebook.metadata["mnist_helpers"] = {"code_sha256": hash_code(notebook)}
    return notebook


def hash_code(notebook: Mapping) -> str:
    """Hash the code of a notebook.

    Parameters
    ----------
    notebook : mapping
        A notebook in nbformat 4.

    Returns
    -------
    str
        The SHA-256 of all code cells, as 64 hexadecimal digits.
    """
    code = json.dumps([cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"])
    return hashlib.sha256(code.encode()).hexdigest()


def is_answer(cell: Mapping) -> bool:
    """Return whether a cell holds an answer to an exercise.

    Parameters
    ----------
    cell : mapping
        A cell of a text.

    Returns
    -------
    bool
        Whether one of its tags says so.
    """
    return not set(_ANSWERS).isdisjoint(cell["metadata"].get("tags", ()))


def _convert_cells(cells: list["NotebookNode"], answers: bool, quick: bool) -> Iterator["NotebookNode"]:
    """Yield a notebook's cells for those of a text."""
    import nbformat

    for cell in cells:
        tags = cell.metadata.get("tags", [])
        [kind] = [tag for tag in tags if tag in _ANSWERS and cell.cell_type == "code"] or [""]
        if kind and answers:
            cell.source = _assert_outcome(cell.source, kind)
            yield cell
        elif kind == "solution":
            yield nbformat.v4.new_markdown_cell(_fold(cell.source), metadata={"tags": ["solution"]})
        elif not kind:
            if "check" in tags:
                # How JupyterLab, the web book and Colab fold a cell's code.
                folded = {
                    "tags": list(dict.fromkeys([*tags, "hide-input"])),
                    "jupyter": {"source_hidden": True},
                    "cellView": "form",
                }
                cell.metadata.update(folded)
            yield cell
            if quick and "parameters" in tags:
                yield nbformat.v4.new_code_cell(f"print({_QUICK_NOTICE!r})")


def _fold(code: str) -> str:
    """Return code as Markdown that is folded."""
    return f"<details><summary>Solution</summary>\n\n```python\n{code}\n```\n\n</details>"


def _assert_outcome(code: str, kind: str) -> str:
    """Return the code of an answer, whose last statement calls a check, with an assertion on the outcome."""
    last = ast.parse(code).body[-1]
    lines = code.splitlines()
    lines[last.lineno - 1] = f"outcome = {lines[last.lineno - 1]}"
    if kind in ("wrong", "error"):
        words = lines[0].lstrip("# ")
        lines.append(f"assert outcome.kind == {kind!r} and {words!r} in outcome.message, outcome")
    else:
        lines.append('assert outcome.kind == "right", outcome')
    return "\n".join(lines)
