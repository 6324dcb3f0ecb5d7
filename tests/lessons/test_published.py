"""The published lessons: text and notebook agree, were executed as they stand, and hold nothing that runs."""

import ast
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from published import CLAIM, MOST_BYTES, MOST_LINES, find_claim_problems, find_problems, read_sentences
from scipy import stats

from mnist_helpers.lessons import texts

ROOT = Path(__file__).resolve().parents[2]
LESSONS = texts.find_lessons()
NAMES = [
    "01_data_exploration",
    "02_baseline_cnn",
    "03_l2_regularization",
    "04_dropout",
    "05_data_augmentation",
    "06_early_stopping",
    "07_conclusion",
]


def get_notebook(lesson):
    return ROOT / "notebooks" / f"{lesson.stem}.ipynb"


def get_number(lesson):
    return lesson.stem.partition("_")[0]


def test_all_seven_lessons_exist_as_text_and_notebook():
    assert [path.stem for path in LESSONS] == NAMES
    assert [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))] == NAMES


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_published_notebook_is_its_text_executed_as_it_stands(lesson):
    assert list(find_problems(get_notebook(lesson), lesson)) == []


@pytest.mark.parametrize("number", [3, 4, 5, 7])
def test_lesson_on_a_technique_states_what_the_study_found(number):
    words = " ".join(LESSONS[number - 1].read_text(encoding="utf-8").replace("\n# ", "\n").split())
    assert re.search(CLAIM, words)


# The checks themselves: each must find the fault that it looks for.


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_sound_notebook_has_no_problems(pair):
    assert list(find_problems(*pair)) == []


def test_text_edited_alone_is_found(pair):
    edit(pair[1], "all well", "all changed")
    assert list(find_problems(*pair)) == ["differs from its text"]


def test_text_and_notebook_edited_together_without_execution_is_found(pair):
    edit(pair[1], "all well", "all changed")
    edit(pair[0], 'print(\\"all well', 'print(\\"all changed')
    assert list(find_problems(*pair)) == ["was not executed from the text as it stands"]


def test_notebook_that_was_never_executed_is_found(pair):
    nbformat.write(texts.read_lesson(pair[1]), pair[0])
    problems = list(find_problems(*pair))
    assert "was not executed once, in order" in problems
    assert "code cell 4 is marked for its output and has none" in problems


def alter_output(**changes):
    return lambda notebook: notebook.cells[2].outputs[0].update(changes)


def add_output(kind, *content, **fields):
    output = nbformat.v4.new_output(kind, *content, **fields)
    return lambda notebook: notebook.cells[2].outputs.append(output)


def alter_cell(number, **changes):
    return lambda notebook: notebook.cells[number].update(changes)


FAULTS = {
    "ended in ValueError": add_output("error", ename="ValueError", evalue="", traceback=[]),
    "wrote to stderr": alter_output(name="stderr"),
    "marked for its output and has none": lambda notebook: notebook.cells[2].outputs.clear(),
    "not executed once, in order": alter_cell(2, execution_count=7),
    "unknown tag mnist_only": alter_cell(3, metadata={"tags": ["mnist_only"]}),
    "image without alt text": add_output("display_data", {"image/png": "iVBORw0KGgo="}),
    "runs in the browser": add_output("display_data", {"text/html": "<b></b><SCRIPT>1</script>"}),
    "something that runs": add_output("display_data", {"application/vnd.jupyter.widget-view+json": {}}),
    "widget state": lambda notebook: notebook.metadata.update(widgets={}),
    "larger than": alter_output(text="x" * MOST_BYTES),
    "longer than 25 lines": alter_cell(2, source="1\n" * (MOST_LINES + 1)),
    "one cell tagged parameters": lambda notebook: notebook.cells[1].metadata.pop("tags"),
    "one cell tagged headline": lambda notebook: notebook.cells[4].metadata.pop("tags"),
    "does not check its parameters": alter_cell(2, source='print("UCI digits")'),
    "mnist-only and not compared": lambda notebook: notebook.cells[3].metadata.update(tags=["mnist-only"]),
    "defaults-only and not compared": alter_cell(3, metadata={"tags": ["defaults-only"]}),
    "for its picture and has none": alter_cell(2, metadata={"tags": ["nbval-check-picture"]}),
    "parameter rate needs": alter_cell(1, source="rate: float = 1.0  # learning rate"),
    "parameter epochs needs": alter_cell(1, source="epochs: int = 5  # 1 to 4: passes"),
    "parameter epochs = 5 needs": alter_cell(1, source="epochs = 5"),
    "parameter n_seeds needs": alter_cell(1, source="n_seeds: int = 5  # 3 to 9: above the quick profile's"),
    "links to 08.ipynb": alter_cell(0, source="[next](08.ipynb)"),
    "names magic-1000-ends": alter_cell(0, source="- So it is. (`magic-1000-ends`)"),
    "in its prose": alter_cell(0, source="![](01_first.ipynb)"),
}


@pytest.mark.parametrize("problem", FAULTS)
def test_fault_in_a_notebook_is_found(problem, pair):
    notebook = nbformat.read(pair[0], 4)
    FAULTS[problem](notebook)
    nbformat.write(notebook, pair[0])
    assert any(problem in found for found in find_problems(*pair))


def test_prose_that_reverses_a_finding_is_found():
    name, sentence = next(item for item in read_sentences().items() if " raises " in item[1])
    stated = f"- {sentence} (`{name}`)"
    assert list(find_claim_problems(stated)) == []
    assert list(find_claim_problems(stated.replace("raises", "lowers")))
    assert list(find_claim_problems(stated.replace("- ", "- It is not true that ")))


def test_lesson_07_computes_the_interval_that_its_text_names():
    """Another interval would give a sound notebook that says something else than its prose."""
    cells = nbformat.read(get_notebook(LESSONS[6]), 4).cells
    [code] = [cell.source for cell in cells if "def wilson(" in cell.source]
    [function] = [part for part in ast.parse(code).body if isinstance(part, ast.FunctionDef)]
    names = {"stats": stats}
    exec(compile(ast.Module([function], []), "wilson", "exec"), names)
    for right, n in ((9_892, 10_000), (340, 360)):
        share, z = right / n, stats.norm.ppf(0.975)
        middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
        expected = f"{share:.2%} [{middle - half:.2%}, {middle + half:.2%}]"
        assert names["wilson"](right, n) == expected
        exact = stats.binomtest(right, n).proportion_ci()
        assert expected != f"{share:.2%} [{exact.low:.2%}, {exact.high:.2%}]"
