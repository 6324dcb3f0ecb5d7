"""The lessons as published: text and notebook agree, executed as they stand, nothing in them that runs."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import papermill
import pytest

from mnist_helpers import claims, evidence, notebooks
from mnist_helpers.errors import UsageError

ROOT = Path(__file__).resolve().parents[1]
LESSONS = sorted((ROOT / "lessons").glob("*.py"))
MOST_BYTES, MOST_LINES = 1_000_000, 25  # of a notebook, of a code cell
NAMES = [
    "01_data_exploration",
    "02_baseline_cnn",
    "03_l2_regularization",
    "04_dropout",
    "05_data_augmentation",
    "06_early_stopping",
    "07_conclusion",
]


def find_problems(notebook_path, lesson_path):
    """Return what is wrong with a published notebook, one line each."""
    notebook = jupytext.read(notebook_path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if jupytext.writes(notebook, fmt="py:percent") != lesson_path.read_text(encoding="utf-8"):
        yield "differs from its text"
    if notebook.metadata.get("mnist_helpers", {}).get("code_sha256") != notebooks.hash_code(notebook):
        yield "was not executed from the text as it stands"
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        yield "was not executed once, in order"
    if notebook_path.stat().st_size >= MOST_BYTES:
        yield f"is larger than {MOST_BYTES:,} bytes"
    if "widgets" in notebook.metadata:
        yield "holds widget state"
    for tag in ("parameters", "headline"):
        if sum(tag in cell.metadata.get("tags", ()) for cell in code) != 1:
            yield f"needs one cell tagged {tag}"
    yield from find_parameter_problems(notebook, code)
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for link in re.findall(r"\]\((?!\w+:)([^)#\s]+)", prose):
        if not (notebook_path.parent / link).exists():
            yield f"links to {link}, which is missing"
    yield from find_claim_problems(prose, notebook_path.stem.partition("_")[0])
    if re.search(r"!\[\s*\]\(", prose):
        yield "has an image without alt text in its prose"
    for number, cell in enumerate(code, 1):
        for problem in find_cell_problems(cell):
            yield f"code cell {number} {problem}"


def find_parameter_problems(notebook, code):
    """Each line of the parameters cell must be `name: type = value  # what is possible: meaning`."""
    known = papermill.inspect_notebook(notebook)
    for cell in code:
        if "parameters" in cell.metadata.get("tags", ()):
            for node in ast.parse(cell.source).body:
                name = getattr(getattr(node, "target", None), "id", ast.unparse(node))
                try:
                    default = ast.literal_eval(known[name]["default"])
                    text = str(default).lower() if isinstance(default, bool) else str(default)
                    notebooks.parse_value(known[name], text)
                    if name in notebooks.QUICK:
                        notebooks.parse_value(known[name], str(notebooks.QUICK[name]))
                except (KeyError, UsageError):
                    yield f"parameter {name} needs a type and a range that holds its values"


def find_claim_problems(prose, lesson):
    """A sentence of the prose that ends in a claim's name, as in (`l2-1000`), must be the ledger's own."""
    ledger = {claim["id"]: claim for claim in evidence.read_ledger()}
    words = " ".join(prose.split())
    for match in re.finditer(r" \(`([a-z0-9-]+)`\)", words):
        claim = ledger.get(match[1])
        if claim is None or lesson not in claim["lessons"]:
            yield f"names {match[1]}, which the ledger does not have for this lesson"
        elif not words[: match.start()].endswith(f"- {claims.word(claim)}"):
            yield f"does not state {match[1]} as the ledger does: {claims.word(claim)}"


def find_cell_problems(cell):
    if len(cell.source.splitlines()) > MOST_LINES:
        yield f"is longer than {MOST_LINES} lines"
    tags = set(cell.metadata.get("tags", ()))
    if tags & {"nbval-check-output", "headline"} and not cell.outputs:
        yield "is marked for its output and has none"
    if "mnist-only" in tags and "nbval-check-output" not in tags:
        yield "is mnist-only and not compared anyway"
    for output in cell.outputs:
        if output.output_type == "error":
            yield f"ended in {output.ename}"
        if output.get("name") == "stderr":
            yield "wrote to stderr"
        for kind, content in output.get("data", {}).items():
            if kind.startswith("image/") and not output.metadata.get(kind, {}).get("alt"):
                yield "shows an image without alt text"
            if re.search("javascript|widget", kind) or re.search("<script", str(content), re.IGNORECASE):
                yield "shows something that runs in the browser"


def find_calls(code, name):
    """Return whether the code uses the name: a call, an alias or a string that could become one."""
    for node in ast.walk(ast.parse(code)):
        if name in (getattr(node, "attr", None), getattr(node, "id", None), getattr(node, "value", None)):
            return True
    return False


def test_all_seven_lessons_are_there_as_text_and_notebook():
    assert [path.stem for path in LESSONS] == NAMES
    assert [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))] == NAMES


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_published_notebook_is_its_text_executed_as_it_stands(lesson):
    assert list(find_problems(ROOT / "notebooks" / f"{lesson.stem}.ipynb", lesson)) == []


def test_only_lesson_07_the_study_and_the_benchmarks_open_the_test_set():
    files = [*LESSONS, *(ROOT / "mnist_helpers").glob("*.py"), *(ROOT / "benchmarks").glob("*.py")]
    users = {file.stem for file in files if find_calls(file.read_text(encoding="utf-8"), "open_test")}
    assert users == {"07_conclusion", "bench", "experiments"}


def test_nothing_but_the_data_module_reaches_behind_open_test():
    files = [*LESSONS, *(ROOT / "mnist_helpers").glob("*.py")]
    users = {file.stem for file in files if find_calls(file.read_text(encoding="utf-8"), "_test")}
    assert users == {"datasets"}


# The checks themselves: each must go red on the fault it is there for.

SOUND = [
    "# %% [markdown]\n# # First\n#\n# Next: [again](01_first.ipynb)",
    '# %% tags=["parameters"]\nepochs: int = 5  # 1 to 100: passes over the training images',
    '# %% tags=["nbval-check-output"]\nprint("UCI digits")',
    '# %% tags=["nbval-check-output", "mnist-only"]\nprint(70_000)',
    '# %% tags=["headline"]\nprint("all well")',
    "# %% [markdown]\n# A function comes next.\n",  # two blank lines, as ruff wants them before it
    "# %%\ndef double(value):\n    return 2 * value",
]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Run one sound lesson for all the tests of the checks."""
    from conftest import HEADER

    folder = tmp_path_factory.mktemp("sound")
    lesson = folder / "01_first.py"
    lesson.write_text(HEADER + "\n\n".join(SOUND) + "\n", encoding="utf-8")
    [result] = notebooks.run_lessons([lesson], folder)
    assert not result.error
    return folder


@pytest.fixture
def pair(executed, tmp_path):
    """Return a copy of the executed notebook and its text."""
    return [Path(shutil.copy(executed / name, tmp_path)) for name in ("01_first.ipynb", "01_first.py")]


def test_sound_notebook_has_no_problems(pair):
    assert list(find_problems(*pair)) == []


def test_text_edited_alone_is_found(pair):
    pair[1].write_text(pair[1].read_text().replace("all well", "all changed"))
    assert list(find_problems(*pair)) == ["differs from its text"]


def test_text_and_notebook_edited_together_without_execution_is_found(pair):
    pair[1].write_text(pair[1].read_text().replace("all well", "all changed"))
    pair[0].write_text(pair[0].read_text().replace('print(\\"all well', 'print(\\"all changed'))
    assert list(find_problems(*pair)) == ["was not executed from the text as it stands"]


def test_notebook_that_was_never_executed_is_found(pair):
    nbformat.write(notebooks.read_lesson(pair[1]), pair[0])
    problems = list(find_problems(*pair))
    assert "was not executed once, in order" in problems
    assert "code cell 4 is marked for its output and has none" in problems


def alter_output(**changes):
    return lambda notebook: notebook.cells[2].outputs[0].update(changes)


def show(kind, content):
    output = nbformat.v4.new_output("display_data", {kind: content})
    return lambda notebook: notebook.cells[2].outputs.append(output)


FAULTS = {
    "ended in ValueError": lambda nb: nb.cells[2].outputs.append(
        nbformat.v4.new_output("error", ename="ValueError", evalue="", traceback=[])
    ),
    "wrote to stderr": alter_output(name="stderr"),
    "marked for its output and has none": lambda nb: nb.cells[2].outputs.clear(),
    "not executed once, in order": lambda nb: nb.cells[2].update(execution_count=7),
    "image without alt text": show("image/png", "iVBORw0KGgo="),
    "runs in the browser": show("text/html", "<b></b><SCRIPT>1</script>"),
    "something that runs": show("application/vnd.jupyter.widget-view+json", {}),
    "widget state": lambda nb: nb.metadata.update(widgets={}),
    "larger than": alter_output(text="x" * MOST_BYTES),
    "longer than 25 lines": lambda nb: nb.cells[2].update(source="1\n" * 26),
    "one cell tagged parameters": lambda nb: nb.cells[1].metadata.pop("tags"),
    "parameter rate needs": lambda nb: nb.cells[1].update(source="rate: float = 1.0  # learning rate"),
    "parameter epochs needs": lambda nb: nb.cells[1].update(source="epochs: int = 5  # 1 to 4: passes"),
    "parameter epochs = 5 needs": lambda nb: nb.cells[1].update(source="epochs = 5"),
    "links to 08.ipynb": lambda nb: nb.cells[0].update(source="[next](08.ipynb)"),
    "names no-such-claim": lambda nb: nb.cells[0].update(source="So it is. (`no-such-claim`)"),
    "in its prose": lambda nb: nb.cells[0].update(source="![](01_first.ipynb)"),
}


@pytest.mark.parametrize("problem", FAULTS)
def test_fault_in_a_notebook_is_found(problem, pair):
    notebook = nbformat.read(pair[0], 4)
    FAULTS[problem](notebook)
    nbformat.write(notebook, pair[0])
    assert any(problem in found for found in find_problems(*pair))


@pytest.mark.parametrize(
    "code", ["digits.open_test()", "f = digits.open_test", "getattr(digits, 'open_test')()"]
)
def test_scan_finds_who_opens_the_test_set(code):
    assert find_calls(code, "open_test")
    assert not find_calls("def open_test(): ...", "open_test")


def test_prose_that_turns_a_claim_round_is_found():
    [claim] = [claim for claim in evidence.read_ledger() if claim["id"] == "gentle-1000"]
    stated = f"- {claims.word(claim)} (`gentle-1000`)"
    assert "raises" in stated
    assert list(find_claim_problems(stated, "05")) == []
    assert list(find_claim_problems(stated.replace("raises", "lowers"), "05"))
    assert list(find_claim_problems(stated, "03"))


def test_every_claim_of_ours_stands_in_the_prose_of_its_lessons_and_is_printed_there():
    for lesson in LESSONS[1:]:
        text, number = lesson.read_text(encoding="utf-8"), lesson.stem.partition("_")[0]
        assert f'print(claims.format_claims("{number}"))' in text
        for claim in evidence.read_ledger():
            if number in claim["lessons"] and claim["by"] == "lesson":
                assert f"(`{claim['id']}`)" in text, f"{claim['id']} in lesson {number}"


def compare(folder, *options, **environment):
    """Run nbval on the notebook in the folder with the repository's conftest; return exit code and output."""
    shutil.copy(ROOT / "conftest.py", folder)
    (folder / "pytest.ini").write_text("[pytest]")
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "-p", "no:cacheprovider", *options, str(folder)]
    settings = {"MNIST_HELPERS_CACHE": str(folder / "cache"), "MNIST_HELPERS_OFFLINE": "1"}
    inherited = {name: value for name, value in os.environ.items() if name != "MNIST_HELPERS_DATA"}
    result = subprocess.run(
        command, cwd=folder, env={**inherited, **settings, **environment}, capture_output=True, text=True
    )
    return result.returncode, result.stdout


def test_cells_that_hold_for_mnist_only_are_not_compared_without_it_and_named(pair):
    code, output = compare(pair[0].parent, "-n", "2", "--dist", "loadscope", "--min-compared=1")
    assert code == 0, output
    assert "1 cells compared" in output
    assert "not compared, because MNIST is absent: 01_first.ipynb::Cell 2" in output


def test_stripped_notebook_fails_for_lack_of_comparisons(pair):
    nbformat.write(notebooks.read_lesson(pair[1]), pair[0])
    code, output = compare(pair[0].parent, "--min-compared=1")
    assert code == 1, output
    assert "0 cells compared, and at least 1 were expected" in output
    assert "5 passed" in output


def test_changed_output_fails_and_with_mnist_at_hand_all_marked_cells_are_compared(pair):
    notebook = nbformat.read(pair[0], 4)
    notebook.cells[3].outputs[0].text = "60000\n"
    nbformat.write(notebook, pair[0])
    code, output = compare(pair[0].parent, MNIST_HELPERS_DATA=str(pair[0]))  # nothing reads it here
    assert code == 1, output
    assert "Cell outputs differ" in output
