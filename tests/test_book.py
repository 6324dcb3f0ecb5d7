"""The web book as built: it is complete and accessible, needs no other server, and has no broken link."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from itertools import zip_longest
from pathlib import Path

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont
from html_pages import FAULTS, find_lesson_problems, find_problems, parse
from markdown_it import MarkdownIt

from mnist_helpers.study import findings

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs"))
import conf  # noqa: E402 (docs/conf.py)

LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
DOCUMENTS = sorted(path.stem for path in (ROOT / "docs").glob("*.md"))
PAGES = [*DOCUMENTS, *(f"notebooks/{name}" for name in LESSONS)]
URLS = '[project.urls]\nRepository = "https://github.com/owner/name"\n'


def copy_sources(folder):
    """Copy the book's sources without a repository's address, so that each build has its own."""
    ignore = shutil.ignore_patterns("notebooks", "__pycache__")
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=ignore)
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    without_urls = re.sub(r"(?m)^\[project\.urls\]\n(?:[^\[\n].*\n|\n)*", "", settings)
    (folder / "pyproject.toml").write_text(without_urls, encoding="utf-8")
    shutil.copy(ROOT / "CITATION.cff", folder)


def build(folder):
    """Build the book with the options of `make book`; return exit code, warnings and the pages' folder."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    options = re.search(r"-m sphinx -M .* build/book (.*)", makefile)[1].split()
    command = [sys.executable, "-m", "sphinx", "-M", "html", folder / "docs", folder / "build", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stderr, folder / "build" / "html"


def split_words(text):
    """Return the words of a text between single spaces, without what typography changes."""
    words = re.findall(r"[\w%\u2212±\u00d7≥<>]+", text)
    return f" {' '.join(words)} "


def read_parts(path):
    """Yield the prose of a document or notebook in parts, each of which its page must show without a gap."""
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, 4).cells
        yield from (cell.source for cell in cells if cell.cell_type == "markdown")
        return
    text = re.sub(r"\A---\n.*?\n---\n", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    text = re.sub(r"(?m)^\{\{ (\w+) \}\}$", lambda match: conf.myst_substitutions[match[1]], text)
    text = re.sub(r"(?m)^````.*$", "", text)  # what encloses other directives
    # Of what MyST fills in, only captions of figures are prose of the document.
    text = re.sub(r"(?ms)^```\{figure\}.*?\n(?::.*?\n)*(.*?)^```$", "{{}}\\1{{}}", text)
    yield from re.split(r"(?ms)\{\{.*?\}\}|^```\{.*?^```$", re.sub(r"\{py:\w+\}`", "`", text))


def read_alts(path):
    """Return the alt texts of a document's figures, with those that the book fills in."""
    text = re.sub(
        r"\{\{ (\w+) \}\}", lambda match: conf.myst_substitutions[match[1]], path.read_text("utf-8")
    )
    return [alt.strip('"') for alt in re.findall(r"(?m)^:alt: (.*)$", text)]


def find_lost_text(source, page):
    """Yield the prose of a document or notebook that its page does not show, and say if it lacks formulas."""
    shown = parse(page).find("article")
    formulas = [formula.replace_with(" ") for formula in shown.find_all("math")]
    rest = split_words(shown.get_text())
    n_formulas = 0
    for part in read_parts(source):
        prose, found = re.subn(r"\$\$.*?\$\$|\$[^$\n]+\$", " ", part, flags=re.DOTALL)
        n_formulas += found
        rendered = MarkdownIt().enable("table").render(prose)
        words = split_words(BeautifulSoup(rendered, "html.parser").get_text())
        _, stands, after = rest.partition(words)
        if stands:
            rest = f" {after}"
        elif words.strip():
            yield f"{page.name} does not show, or not in this place: {words}"
    alts = [image.get("alt") for image in shown.find_all("img")]
    if source.suffix == ".md" and alts != read_alts(source):
        yield f"{page.name} has other alt texts than its figures: {alts}"
    if n_formulas != len(formulas):
        yield f"{page.name} shows {len(formulas)} formulas of {n_formulas}"


def is_html(output):
    return "text/html" in output.get("data", {})


def find_lost_cells(notebook_path, page):
    """Yield the code cells and printed outputs of a notebook that its page does not show in their order."""
    shown = parse(page)
    cells = [cell for cell in nbformat.read(notebook_path, 4).cells if cell.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    printed = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs]
    pictures = [{"text/html", "image/png"} & output.get("data", {}).keys() for output in outputs]
    texts = [text for text, drawn in zip(printed, pictures, strict=True) if text and not drawn]
    boxes = shown.select(".cell_output pre:not(.text_html pre)")
    tables = [BeautifulSoup(output.data["text/html"], "html.parser") for output in outputs if is_html(output)]
    for kind, expected, found in (
        ("code", [cell.source for cell in cells], shown.select(".cell_input pre")),
        ("output", [text for text in texts if not text.startswith("A drawing pad: ")], boxes),
        ("table", [table.get_text() for table in tables], shown.select(".cell_output .text_html")),
    ):
        clean = str.split if kind == "table" else str.strip
        for text, box in zip_longest(expected, found):
            if text is None or box is None or clean(text) != clean(box.get_text()):
                yield f"{page.name} does not show this {kind}, or not in this place: {text or box}"
                break


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """Return a built book: the one in MNIST_BOOK, or a new one."""
    if ready := os.environ.get("MNIST_BOOK"):
        return Path(ready).resolve()
    folder = tmp_path_factory.mktemp("book")
    copy_sources(folder)
    code, warnings, pages = build(folder)
    assert code == 0, warnings
    return pages


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """Build a book with a repository, a badge and a comment in a lesson, broken links, and no API."""
    folder = tmp_path_factory.mktemp("faulty")
    copy_sources(folder)
    for name, text in {
        "pyproject.toml": f"\n{URLS}",
        "docs/study.md": "\n[Lesson 8](notebooks/08_more.ipynb)\n",
        "docs/index.md": "\n[No such part](claims.md#no-such-part)\n",
    }.items():
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(text)
    (folder / "docs" / "api.md").write_text("# Nothing\n", encoding="utf-8")
    lesson = folder / "notebooks" / f"{LESSONS[0]}.ipynb"
    badge = r"[![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org)\n"
    text = lesson.read_text(encoding="utf-8")
    begin = '"**You will do:**'
    assert begin in text
    lesson.write_text(
        text.replace(begin, f'"{badge}",\n    "95\\n",\n    "% of all\\n",\n    {begin}', 1), "utf-8"
    )
    return build(folder)


def test_book_is_complete_and_sound(book):
    assert [name for name in PAGES if not (book / f"{name}.html").is_file()] == []
    assert list(find_problems(book)) == []


@pytest.mark.parametrize("name", [name for name in PAGES if name != "404"])
def test_page_shows_all_prose_of_its_source_in_order(name, book):
    source = ROOT / f"{name}.ipynb" if "/" in name else ROOT / "docs" / f"{name}.md"
    assert list(find_lost_text(source, book / f"{name}.html")) == []


@pytest.mark.parametrize("name", LESSONS)
def test_page_shows_all_code_and_outputs_of_its_notebook(name, book):
    page = book / "notebooks" / f"{name}.html"
    assert list(find_lost_cells(ROOT / "notebooks" / f"{name}.ipynb", page)) == []


@pytest.mark.parametrize("part", [".cell_input", ".cell_output pre:not(.text_html pre)", ".text_html td"])
def test_lost_cell_of_a_page_is_found(part, book, tmp_path):
    page = parse(book / "notebooks" / f"{LESSONS[1]}.html")
    page.select(part)[3].decompose()
    (tmp_path / "page.html").write_text(str(page), encoding="utf-8")
    [problem] = find_lost_cells(ROOT / "notebooks" / f"{LESSONS[1]}.ipynb", tmp_path / "page.html")
    assert "does not show this" in problem


def find_public(tree):
    """Yield the public functions and classes of a module, and the methods of these."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from find_public(node)


def test_api_page_shows_every_public_docstring(book):
    shown = split_words(parse(book / "api.html").find("article").get_text())
    expected = Counter()
    for path in (ROOT / "mnist_helpers").rglob("[a-z]*.py"):
        if path.stem == "cli":  # its functions are commands, which the page of the module describes
            continue
        for node in find_public(ast.parse(path.read_text(encoding="utf-8"))):
            text = ast.get_docstring(node) or ""
            # Headings and names of sections look different on the page; what is indented explains them.
            parts = [text.split("\n\n")[0], *re.findall(r"(?m)(?:^ {4}.*\n?)+", text)]
            expected.update(map(split_words, parts))
    assert [part for part, n in expected.items() if shown.count(part) < n] == []


def test_no_substitution_has_a_line_that_the_book_takes_for_a_command():
    for name, text in conf.myst_substitutions.items():
        assert not re.search(r"(?m)^(?:%|\+\+\+)", text), name


def test_lost_sentence_of_a_page_is_found(book, tmp_path):
    text = (book / "glossary.html").read_text(encoding="utf-8")
    (tmp_path / "glossary.html").write_text(text.replace("that are classified correctly", ""), "utf-8")
    (found,) = find_lost_text(ROOT / "docs" / "glossary.md", tmp_path / "glossary.html")
    assert "The share of images that are classified correctly" in found


def test_line_that_the_book_takes_for_a_comment_is_found(faulty):
    page = faulty[2] / "notebooks" / f"{LESSONS[0]}.html"
    source = faulty[2].parents[1] / "notebooks" / f"{LESSONS[0]}.ipynb"
    (found,) = find_lost_text(source, page)
    assert " 95 % of all You will do " in found


@pytest.mark.parametrize("name", ["index", "study"])
def test_lost_alt_text_is_found(name, book, tmp_path):
    page = parse(book / f"{name}.html")
    page.select("article img")[-1]["alt"] = "{{ name }}"
    (tmp_path / "page.html").write_text(str(page), encoding="utf-8")
    (found,) = find_lost_text(ROOT / "docs" / f"{name}.md", tmp_path / "page.html")
    assert "other alt texts" in found


def test_lost_formula_is_found(book, tmp_path):
    name = LESSONS[2]
    page = parse(book / "notebooks" / f"{name}.html")
    page.find("math").decompose()
    (tmp_path / "page.html").write_text(str(page), encoding="utf-8")
    (found,) = find_lost_text(ROOT / "notebooks" / f"{name}.ipynb", tmp_path / "page.html")
    assert "formulas" in found


def test_font_of_the_formulas_has_their_letters_and_signs(book):
    font = TTFont(book / "_static" / "fonts" / "stix-two-math.woff")
    assert "MATH" in font  # parentheses grow
    used = {
        sign for name in PAGES for tag in parse(book / f"{name}.html").find_all("math") for sign in tag.text
    }
    # A browser writes a name of one letter in italics, which are letters of their own.
    used |= set(map(italicize, used))
    assert {sign for sign in used if not sign.isspace()} - set(map(chr, font.getBestCmap())) == set()


def italicize(sign):
    """Return a small letter in mathematical italics; h has its place among the older signs."""
    if 0x3B1 <= ord(sign) <= 0x3C9:  # Greek
        return chr(ord(sign) - 0x3B1 + 0x1D6FC)
    return chr(ord(sign) - ord("a") + 0x1D44E) if "a" <= sign <= "z" and sign != "h" else sign


def test_every_page_has_one_viewport_and_its_first_sentence_as_description(book):
    descriptions = {}
    for name in PAGES:
        page = parse(book / f"{name}.html")
        assert len(page.find_all("meta", attrs={"name": "viewport"})) == 1
        (description,) = page.find_all("meta", attrs={"name": "description"})
        assert description["content"] in " ".join(page.find("article").text.split())
        descriptions[name] = description["content"]
    assert len(set(descriptions.values())) == len(PAGES)
    assert descriptions[f"notebooks/{LESSONS[0]}"].startswith("You will do: ")


@pytest.mark.parametrize("name", ["genindex", "py-modindex", "search"])
def test_page_that_sphinx_makes_has_one_viewport_and_a_description(name, book):
    page = parse(book / f"{name}.html")
    assert len(page.find_all("meta", attrs={"name": "viewport"})) == 1
    (description,) = page.find_all("meta", attrs={"name": "description"})
    assert description["content"].endswith(".")


def test_404_page_stands_in_no_list(book):
    words = (book / "searchindex.js").read_text(encoding="utf-8")
    assert '"moved"' not in words
    assert " moved:" not in words.replace(",", " ")
    for name in [*PAGES, "genindex"]:
        assert not parse(book / f"{name}.html").find("a", href=re.compile(r"(?:^|/)404\.html")), name


def test_links_of_the_404_page_hold_at_any_depth(book, faulty):
    for page, root in ((book / "404.html", "/"), (faulty[2] / "404.html", "/name/")):
        links = [tag.get("href", tag.get("src")) for tag in parse(page).find_all(["a", "link", "script"])]
        links = [link for link in links if link and not link.startswith(("#", "http"))]
        assert f"{root}notebooks/{LESSONS[0]}.html" in links
        assert [link for link in links if not link.startswith(root)] == []


def test_book_says_how_to_cite_it(book):
    text = " ".join(parse(book / "index.html").text.split())
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert f"{cited['authors'][0]['name']}: {cited['title']}. Version {cited['version']}." in text


@pytest.mark.parametrize("name", LESSONS)
def test_lesson_shows_its_figures_with_alt_texts_and_its_formulas(name, book):
    notebook = ROOT / "notebooks" / f"{name}.ipynb"
    assert list(find_lesson_problems(book / "notebooks" / f"{name}.html", notebook)) == []


def test_api_has_every_public_module(book):
    modules = set()
    for path in (ROOT / "mnist_helpers").rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if not parts[-1].startswith("_"):
            modules.add(".".join(parts))
        elif parts[-1] == "__init__" and len(parts) > 2:
            modules.add(".".join(parts[:-1]))
    found = {tag["id"].removeprefix("module-") for tag in parse(book / "api.html").select('[id^="module-"]')}
    assert found == modules


@pytest.fixture(scope="module")
def evaluated():
    return findings.evaluate(findings.read_courses())


def test_pages_have_every_comparison_with_its_sentence_and_interval(book, evaluated):
    rows = [
        [cell.text.strip() for cell in row.select("td")]
        for row in parse(book / "claims.html").select("tbody tr")
    ]
    for name, found in evaluated.iterrows():
        (row,) = [row for row in rows if row[-1] == name]
        assert row[0] == found["sentence"]
    assert len(rows) == len(evaluated) + len(findings.read_article())


def test_study_page_has_a_row_for_each_end(book, evaluated):
    ends = evaluated[(evaluated["family"] == "ends") & (evaluated["measure"] == "accuracy")]
    text = parse(book / "study.html").text
    assert len(ends) == 12
    assert [one.interval for one in ends["difference"] if one.interval not in text] == []


def test_search_index_has_words_of_the_lessons(book):
    index = (book / "searchindex.js").read_text(encoding="utf-8")
    assert all(f'"{word}":' in index or f"{word}:" in index for word in ("dropout", "penalti", "augment"))


def find_launch_links(page):
    return [tag["href"] for tag in parse(page).find_all("a", href=re.compile("mybinder|colab"))]


def test_without_a_repository_there_is_no_launch_button(book):
    assert find_launch_links(book / "notebooks" / f"{LESSONS[0]}.html") == []


def test_launch_buttons_open_the_lesson_in_the_repository(faulty):
    links = find_launch_links(faulty[2] / "notebooks" / f"{LESSONS[0]}.html")
    assert len(links) == 2
    for link in links:
        assert re.search(rf"/owner/name/.*notebooks/{LESSONS[0]}\.ipynb$", link)


def test_badges_are_left_out_of_the_pages(faulty):
    page = faulty[2] / "notebooks" / f"{LESSONS[0]}.html"
    assert "badge_logo" not in page.read_text(encoding="utf-8")


def test_broken_links_fail_the_build(faulty):
    code, warnings, _ = faulty
    assert code != 0
    for name in ("notebooks/08_more.ipynb", "no-such-part", "mnist_helpers.study.findings.read_courses"):
        assert name in warnings
    assert len(re.findall(r"docs[/\\]", warnings)) == 3, warnings


@pytest.mark.parametrize("problem", FAULTS)
def test_fault_in_a_page_is_found(problem, book, tmp_path):
    for name in ("index", "study"):
        shutil.copy(book / f"{name}.html", tmp_path)
    known = set(find_problems(tmp_path))
    page = tmp_path / "index.html"
    text = page.read_text(encoding="utf-8").replace("</article>", f"{FAULTS[problem]}</article>", 1)
    page.write_text(text, encoding="utf-8")
    assert any(problem in found for found in set(find_problems(tmp_path)) - known)


def test_style_from_another_server_is_found(tmp_path):
    (tmp_path / "a.css").write_text('@import "https://example.org/font.css";')
    assert list(find_problems(tmp_path)) == ["a.css loads something from another server"]
