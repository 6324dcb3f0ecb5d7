"""Pages of executed lessons: as sound as the web book's, by the same checks, made of the notebooks."""

import re
from pathlib import Path

import nbformat
import pytest
from html_pages import FAULTS, find_lesson_problems, find_problems, parse

from mnist_helpers.lessons import render

ROOT = Path(__file__).resolve().parents[2]
MARKS = r"(?ms)\$\$.*?\$\$|\$.*?\$|</?\w+>|\]\([^)]*\)|^```\w*"  # what a page shows in another form
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Render all lessons and return their folder."""
    folder = tmp_path_factory.mktemp("pages")
    for path in NOTEBOOKS:
        text = render.render(nbformat.read(path, 4), path.stem)
        (folder / f"{path.stem}.html").write_text(text, encoding="utf-8")
    return folder


def render_cells(*cells):
    return render.render(nbformat.v4.new_notebook(cells=list(cells)), "01_first")


def render_text(text):
    return render_cells(nbformat.v4.new_markdown_cell(text))


def test_pages_of_all_lessons_are_sound_by_the_books_checks(pages):
    assert list(find_problems(pages)) == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_page_shows_the_figures_and_formulas_of_its_lesson(notebook, pages):
    assert list(find_lesson_problems(pages / f"{notebook.stem}.html", notebook)) == []


def test_pages_hold_no_script_and_each_has_a_title_of_its_own(pages):
    found = [parse(page) for page in pages.iterdir()]
    assert not [script for page in found for script in page.find_all("script")]
    titles = {page.title.text for page in found}
    assert len(titles) == 7
    assert all(re.match(r"0\d · ", title) for title in titles)


def test_page_holds_all_text_of_its_lesson(pages):
    """The book lost a line once."""
    for path in NOTEBOOKS:
        shown = re.sub(r"[\W_]", "", parse(pages / f"{path.stem}.html").text)
        for cell in nbformat.read(path, 4).cells:
            is_prose = cell.cell_type == "markdown"
            parts = re.split(MARKS, cell.source) if is_prose else [cell.source]
            lost = [part for part in parts if re.sub(r"[\W_]", "", part) not in shown]
            assert not lost, (path.stem, lost)


@pytest.mark.parametrize("problem", FAULTS)
def test_fault_in_a_page_is_found(problem, pages, tmp_path):
    name = f"{NOTEBOOKS[0].stem}.html"
    text = (pages / name).read_text(encoding="utf-8")
    for path in pages.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / name).write_text(text.replace("</main>", f"{FAULTS[problem]}</main>"), encoding="utf-8")
    assert problem in "\n".join(find_problems(tmp_path))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('alt="', 'alt="x', "figures and alt texts"),
        ("<math", "<moth", "each formula as MathML"),
        ("<mi>", r"<mi>\\alpha", "a formula's source"),
        ("<summary>Answer</summary>", "<summary>Answer</summary></details>", "an answer unfolded"),
    ],
)
def test_fault_in_the_page_of_a_lesson_is_found(old, new, problem, pages, tmp_path):
    text = (pages / f"{NOTEBOOKS[1].stem}.html").read_text(encoding="utf-8")
    (tmp_path / "page.html").write_text(re.sub(old, new, text, count=1), encoding="utf-8")
    assert problem in "\n".join(find_lesson_problems(tmp_path / "page.html", NOTEBOOKS[1]))


def test_links_lead_to_pages_and_to_the_terms_at_the_end():
    page = render_text(
        "# First\n\n[next](02_second.ipynb#part), [loss](../docs/glossary.md#loss), [far](https://example.org)"
    )
    for link in ("02_second.html#part", "#term-loss", "https://example.org"):
        assert f'href="{link}"' in page
    assert '<dt id="term-loss">Loss</dt>' in page
    assert 'id="term-epoch"' not in page
    assert "Terms" not in render_text("# First")
    # A page of the book need not lie beside this one.
    assert "<p>See the plan.</p>" in render_text("See [the plan](../docs/plan.md).")


def test_badges_of_other_servers_become_text():
    page = render_text("[![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2)")
    assert "<img" not in page
    assert ">Open in Binder</a>" in page


def test_check_is_folded_and_other_code_is_not():
    code = nbformat.v4.new_code_cell
    page = render_cells(code("shown = 1"), code("folded = 2", metadata={"tags": ["check", "hide-input"]}))
    before, _, after = page.partition("<details>")
    assert "shown" in before
    assert "folded" in after.partition("</details>")[0]


def test_formula_that_mathml_lacks_is_shown_as_it_was_written():
    assert r"<code>\nosuchcommand &lt; 1</code>" in render_text(r"$\nosuchcommand < 1$")
    assert "<math" in render_text("$1 < 2$")


def test_notebook_without_a_heading_has_its_name_as_title():
    assert "<title>01_first</title>" in render_text("Some words.")
    assert "<title>a &lt; b</title>" in render_text("# a < b")
