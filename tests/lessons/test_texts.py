"""Texts of lessons become notebooks; answers to exercises are tested and not published."""

import re

import pytest

from mnist_helpers.lessons import texts

SETUP = "# %%\nfrom mnist_helpers import exercises"
CHECK = '''\
# %% tags=["check"]
@exercises.exercise(expects="a number", second_hint="Add the bias.")
def check_size(answer):
    if answer % 1:
        return "Parameters are counted."
    return None if answer == 832 else "Something is left out."'''
EXERCISE = "# %%\nanswer = None\ncheck_size(answer)"
SOLUTION = '# %% tags=["solution"]\nanswer = 25 * 32 + 32  # a bias each\ncheck_size(answer)'
RIGHT = '# %% tags=["right"]\ncheck_size(832.0)'
WRONG = '# %% tags=["wrong"]\n# left out\ncheck_size(\n    800\n)'
ERROR = '# %% tags=["error"]\n# a number\ncheck_size("many")'
CELLS = [SETUP, CHECK, EXERCISE, SOLUTION, RIGHT, WRONG, ERROR]


def run_answers(path):
    """Execute a lesson with all answers in this process."""
    names = {}
    for cell in texts.read_lesson(path, answers=True).cells:
        if cell.cell_type == "code":
            exec(cell.source, names)
    return names


def test_notebook_folds_check_and_solution_and_leaves_other_answers_out(make_lesson):
    setup, check, exercise, solution = texts.read_lesson(make_lesson("01_first", *CELLS)).cells
    assert [cell.cell_type for cell in (setup, check, exercise, solution)] == ["code"] * 3 + ["markdown"]
    assert check.metadata["jupyter"] == {"source_hidden": True}
    assert "hide-input" in check.metadata["tags"]
    assert exercise.source == "answer = None\ncheck_size(answer)"
    assert solution.source.startswith(
        "<details><summary>Solution</summary>\n\n```python\nanswer = 25 * 32 + 32"
    )
    assert solution.source.endswith("```\n\n</details>")


def test_each_answer_is_executed_where_it_stands(make_lesson):
    names = run_answers(make_lesson("01_first", *CELLS))
    assert names["outcome"].kind == "error"
    assert names["answer"] == 832


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param('"Something is left out."', '"Wrong."', id="a hint is lost"),
        pytest.param("answer == 832", "answer in (800, 832)", id="a wrong answer is accepted"),
        pytest.param("answer == 832", "answer is 832", id="a right answer of another form is refused"),
        pytest.param("25 * 32 + 32", "25 * 32", id="the solution is wrong"),
        pytest.param("if answer % 1:", "if str(answer).isalpha():", id="an error passes for a wrong answer"),
        pytest.param("# left out", "# counted", id="a wrong answer gets the hint of another one"),
        pytest.param('second_hint="Add the bias."', 'second_hint=""', id="the second hint is lost"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*is.*with.*literal:SyntaxWarning")
def test_broken_exercise_is_found(old, new, make_lesson):
    path = make_lesson("01_first", *CELLS)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises((AssertionError, ValueError)):
        run_answers(path)


def test_quick_notebook_says_first_that_its_numbers_mean_nothing(make_lesson):
    path = make_lesson(
        "01_first", '# %% tags=["parameters"]\nepochs: int = 5  # 1 to 9: passes', "# %%\nepochs"
    )
    cells = texts.read_lesson(path, quick=True).cells
    assert (
        cells[1].source == "print('Quick profile: it shows that the lesson runs. Its numbers mean nothing.')"
    )
    assert len(texts.read_lesson(path).cells) == 2


# The lessons' own exercises. `make test` executes their answers with the notebooks.


def get_tags(cell):
    return cell.metadata.get("tags", [])


@pytest.fixture(params=texts.find_lessons(), ids=lambda path: path.stem)
def lesson(request):
    """Return the cells of a lesson's text, and those of each exercise by its kind."""
    import jupytext

    cells = jupytext.read(request.param).cells
    headings = [re.search(r"(?m)^### Exercise \d · (.*?):", cell.source) for cell in cells]
    starts = [number for number, heading in enumerate(headings) if heading]
    parts = [cells[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]
    return cells, dict(zip([heading[1] for heading in headings if heading], parts, strict=True))


def test_lesson_has_three_exercises_with_every_kind_of_answer(lesson):
    _, exercises = lesson
    assert list(exercises) == ["Predict", "Modify", "Break it"]
    for part in exercises.values():
        tags = [tag for cell in part for tag in get_tags(cell)]
        assert tags.count("check") == tags.count("solution") == 1
        assert min(tags.count("right"), tags.count("error")) >= 1
        assert tags.count("wrong") >= 2
        words = [cell.source.splitlines()[0] for cell in part if "wrong" in get_tags(cell)]
        assert all(line.startswith("# ") and len(line) > 4 for line in words)
        assert len(set(words)) >= 2, "different mistakes have hints of their own"


def test_lesson_asks_for_guesses_and_answers_each(lesson):
    cells, _ = lesson
    [guesses] = [cell for cell in cells if cell.source.startswith("guess = {")]
    names = {}
    exec(guesses.source, names)
    assert len(names["guess"]) >= 2
    assert set(names["guess"].values()) == {None}
    assert sum("exercises.compare_guesses(" in cell.source for cell in cells) == 1


def test_lesson_has_three_quiz_questions_with_folded_answers(lesson):
    cells, _ = lesson
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert prose.count("<details><summary>Answer</summary>\n\n") == 3
    assert prose.count("\n\n</details>") == 3
