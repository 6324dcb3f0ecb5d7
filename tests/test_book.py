"""The web book as built: it is complete and accessible, needs no other server, and has no broken link."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from bs4 import BeautifulSoup
from test_accessibility import find_heading_problems

from mnist_helpers.study import claims, results

ROOT = Path(__file__).resolve().parents[1]
LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
PAGES = ["index", "study", "claims", "api", *(f"notebooks/{name}" for name in LESSONS)]
URLS = '[project.urls]\nRepository = "https://github.com/owner/name"\n'


def copy_sources(folder):
    """Copy the book's sources without a repository's address, so that each build has its own."""
    ignore = shutil.ignore_patterns("notebooks", "__pycache__")
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=ignore)
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    without_urls = re.sub(r"(?m)^\[project\.urls\]\n(?:[^\[\n].*\n|\n)*", "", settings)
    (folder / "pyproject.toml").write_text(without_urls, encoding="utf-8")


def build(folder):
    """Build the book with the options of `make book`; return exit code, warnings and the pages' folder."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    options = re.search(r"-m sphinx -M .* build/book (.*)", makefile)[1].split()
    command = [sys.executable, "-m", "sphinx", "-M", "html", folder / "docs", folder / "build", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stderr, folder / "build" / "html"


def parse(page):
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def find_problems(book):
    """Yield what is wrong with the built pages, one line each."""
    files = sorted(path for path in book.rglob("*.html") if "_static" not in path.parts)
    pages = {path.resolve(): parse(path) for path in files}
    anchors = {path: {tag["id"] for tag in page.find_all(id=True)} for path, page in pages.items()}
    for path, page in pages.items():
        name = path.name
        levels = [int(tag.name[1]) for tag in page.find_all(re.compile("^h[1-6]$"))]
        yield from (f"{name}: {problem}" for problem in find_heading_problems(levels))
        for image in page.find_all("img"):
            if not image.get("alt", "").strip():
                yield f"{name} has an image without alt text"
        for tag in page.find_all(True):
            for attribute in {"src", "href", "srcset", "data"} & tag.attrs.keys():
                yield from find_link_problems(path, tag, tag[attribute], anchors)
    for style in book.rglob("*.css"):
        if re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", style.read_text(encoding="utf-8")):
            yield f"{style.name} loads something from another server"


def find_link_problems(path, tag, link, anchors):
    """Yield what is wrong with one link of a page: `anchors` holds the ids of each page."""
    target = urlsplit(link)
    if target.scheme or target.netloc:
        if tag.name != "a" and target.scheme != "data":
            yield f"{path.name} loads {link}"
        return
    goal = (path.parent / unquote(target.path)).resolve() if target.path else path
    if not goal.is_file():
        yield f"{path.name} links to {link}, which is missing"
    elif target.fragment and goal in anchors and unquote(target.fragment) not in anchors[goal]:
        yield f"{path.name} links to {link}, which is no anchor there"


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    folder = tmp_path_factory.mktemp("book")
    copy_sources(folder)
    code, warnings, pages = build(folder)
    assert code == 0, warnings
    return pages


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """Build a book with a repository, a badge in a lesson, broken links, and without the API."""
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
    lesson.write_text(text.replace('"**You will do:**', f'"{badge}",\n    "**You will do:**', 1), "utf-8")
    assert badge in lesson.read_text(encoding="utf-8")
    return build(folder)


def test_book_is_complete_and_sound(book):
    assert [name for name in PAGES if not (book / f"{name}.html").is_file()] == []
    assert list(find_problems(book)) == []


@pytest.mark.parametrize("name", LESSONS)
def test_lesson_shows_its_figures_with_alt_texts_and_its_formulas(name, book):
    page = parse(book / "notebooks" / f"{name}.html")
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", 4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    shown = [out.metadata["image/png"]["alt"] for out in outputs if "image/png" in out.get("data", {})]
    alts = [" ".join(alt.split()) for alt in shown]
    assert alts
    assert [image["alt"] for image in page.select(".cell_output img")] == alts
    formula = page.find("math")
    assert formula
    assert "\\" not in formula.text  # no TeX is left


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


def test_claims_have_every_sentence_and_verdict_of_the_ledger(book):
    ledger = claims.read_ledger()
    rows = [row.text for row in parse(book / "claims.html").select("tbody tr")]
    assert len(rows) == len(ledger)
    for claim in ledger:
        (row,) = [row for row in rows if f"({claim['id']};" in row]
        assert claim["verdict"] in row


def test_study_page_has_every_difference(book):
    text = parse(book / "study.html").find("table").text
    for found in results.compare_by_size(results.read_study()).values():
        assert [str(one) for one in found.values() if str(one) not in text] == []


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
    for name in ("notebooks/08_more.ipynb", "no-such-part", "mnist_helpers.study.results.read_study"):
        assert name in warnings
    assert len(re.findall(r"docs[/\\]", warnings)) == 3, warnings


FAULTS = {
    "one title": "<h1>Second title</h1>",
    "heading 4 follows heading 2": "<h2>Part</h2><h4>Detail</h4>",
    "without alt text": '<img src="_images/none.png" alt="">',
    "loads https://": '<script src="https://example.org/a.js"></script>',
    "loads //": '<link rel="stylesheet" href="//example.org/a.css">',
    "which is missing": '<a href="none.html">none</a>',
    "which is no anchor there": '<a href="study.html#none">none</a>',
}


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
