"""The generated parts of documents are replaced between their marks, and are up to date."""

import shutil
import sys
from pathlib import Path

import mutations
import notebook_mutations
import pytest
from PIL import Image

from mnist_helpers.lessons import texts
from mnist_helpers.study import charts, findings

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs"))
import documents  # noqa: E402 — docs/ is no package
import study  # noqa: E402
import update  # noqa: E402

TEXT = "before\n<!-- a -->\nold\n\nlines\n<!-- end of a -->\nbetween\n<!-- b -->\n<!-- end of b -->\nafter"


def test_text_between_marks_is_replaced_and_the_rest_stays():
    found = documents.replace_marked(TEXT, "a", "new | lines\n\\1")
    assert found == TEXT.replace("old\n\nlines", "new | lines\n\\1")


def test_empty_part_is_filled_and_replacing_twice_changes_nothing():
    found = documents.replace_marked(TEXT, "b", "new")
    assert found == TEXT.replace("<!-- b -->", "<!-- b -->\nnew")
    assert documents.replace_marked(found, "b", "new") == found


@pytest.mark.parametrize("mark", ["<!-- a -->", "<!-- end of a -->"])
def test_missing_mark_is_named(mark):
    with pytest.raises(ValueError, match=f"has lost {mark}"):
        documents.replace_marked(TEXT.replace(mark, ""), "a", "new")


def test_end_before_start_is_refused():
    with pytest.raises(ValueError, match="has lost <!-- end of a --> after <!-- a -->"):
        documents.replace_marked("<!-- end of a -->\n<!-- a -->\ntext", "a", "new")


def test_file_is_written_with_line_feeds_and_without_leftovers(tmp_path):
    path = tmp_path / "text.md"
    path.write_bytes(TEXT.replace("\n", "\r\n").encode())
    documents.update(path, "a", "größer")
    assert path.read_bytes() == TEXT.replace("old\n\nlines", "größer").encode()
    assert list(tmp_path.iterdir()) == [path]


def test_file_without_marks_is_named_and_stays(tmp_path):
    path = tmp_path / "text.md"
    path.write_text("text", encoding="utf-8")
    with pytest.raises(ValueError, match=r"text\.md: .*<!-- a -->"):
        documents.update(path, "a", "new")
    assert path.read_text(encoding="utf-8") == "text"


@pytest.mark.parametrize(("document", "name"), update.generate())
def test_generated_part_is_up_to_date(document, name):
    text = (ROOT / document).read_text(encoding="utf-8")
    stale = f"{document} has an old part {name!r}: make docs"
    assert documents.replace_marked(text, name, update.generate()[document, name]) == text, stale


def read_rows():
    """Return the table of mutations in the page on testing, a list per row."""
    text = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    table = text.partition("<!-- mutations -->")[2].partition("<!-- end of mutations -->")[0]
    return [line.strip("| ").split(" | ") for line in table.strip().splitlines()]


def test_page_on_testing_has_a_row_for_each_mutation_of_the_notebooks():
    head, _, *rows = read_rows()
    assert head == ["mutation", "MNIST", "UCI digits"]
    assert [row[0] for row in rows] == [
        getattr(mutations, name).__doc__ for name in notebook_mutations.MUTATIONS
    ]


def test_page_on_testing_names_cells_that_the_lessons_have():
    """A lesson that has changed since may notice a mutation in another cell: run notebook_mutations.py."""
    for mutation, *places in read_rows()[2:]:
        for place in set(places) - {"the same", "not noticed"}:
            number, _, line = place.partition(": ")
            [lesson] = texts.find_lessons([number])
            code = [
                cell.source
                for cell in texts.read_lesson(lesson, answers=True).cells
                if cell.cell_type == "code"
            ]
            assert line.strip("`") in {source.partition("\n")[0] for source in code}, mutation


PICTURES = {"study.png": charts.draw_courses, "study_gaps.png": charts.draw_gaps}


@pytest.mark.parametrize("name", PICTURES)
def test_picture_is_drawn_from_the_stored_study(name):
    with Image.open(ROOT / "docs" / name) as figure:
        assert figure.text["Description"] == PICTURES[name](findings.read_courses()).alt, "make docs"
        assert figure.text["Source"] == study.digest(findings.read_courses()), "make docs"


def test_update_writes_pictures_and_parts_of_a_changed_study(tmp_path, monkeypatch):
    stored = findings.read_courses()
    changed = stored.copy()
    changed.loc[changed["technique"] == "baseline", "test_accuracy"] = 0.5
    monkeypatch.setattr(findings, "read_courses", lambda: changed)
    monkeypatch.setattr(update, "ROOT", tmp_path)
    for name in ("README.md", "CONTRIBUTING.md", "Makefile"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "reliability.md", tmp_path / "docs")
    shutil.copytree(ROOT / "mnist_helpers", tmp_path / "mnist_helpers")
    shutil.copytree(ROOT / "lessons", tmp_path / "lessons")
    update.main()
    assert "| baseline: mean accuracy | 50.00 %" in (tmp_path / "README.md").read_text(encoding="utf-8")
    for name, draw in PICTURES.items():
        with Image.open(tmp_path / "docs" / name) as figure:
            assert figure.text["Description"] == draw(changed).alt
            assert figure.text["Source"] == study.digest(changed) != study.digest(stored)


MAKEFILE = "\n".join(
    [".PHONY: run test", "run: .venv/.x  ## run it: all (ARGS=a)", "\tcommand", "x:", "test:  ## test it"]
)


def test_targets_with_a_description_are_listed():
    found = update.format_targets(MAKEFILE).splitlines()[2:]
    assert found == ["| `make run` | run it: all (ARGS=a) |", "| `make test` | test it |"]


def test_descriptions_of_targets_fit_80_columns():
    rows = update.format_targets((ROOT / "Makefile").read_text(encoding="utf-8")).splitlines()[2:]
    assert len(rows) > 10
    # `make help` pads each name to 12 characters.
    wide = [row for row in rows if len("make ") + 12 + 1 + len(row.split("` | ")[1][:-2]) > 80]
    assert wide == []


def test_named_targets_are_listed_in_their_order():
    found = update.format_targets(MAKEFILE, ["test", "run"])
    assert found.index("make test") < found.index("make run")
    with pytest.raises(KeyError):
        update.format_targets(MAKEFILE, ["x"])


def test_every_lesson_is_listed_with_its_time():
    names = [path.stem for path in sorted((ROOT / "lessons").glob("[0-9]*.py"))]
    assert list(update.LESSONS) == names
    times = {name: {"seconds": 100 + number} for number, name in enumerate(names)}
    benchmarks = {
        "series": {"full": {"jobs": 5, "lessons": times}},
        "environment": {"cores": "9", "processor": "X"},
    }
    found = update.format_lessons(benchmarks)
    for number, name in enumerate(names):
        (row,) = [line for line in found.splitlines() if f"(notebooks/{name}.ipynb)" in line]
        assert row.endswith(f"| {100 + number} s |")
    assert "5 lessons at once on 9 cores (X)" in found
