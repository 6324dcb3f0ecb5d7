"""The web book as built: complete, readable aloud, served from itself alone, no link that leads nowhere."""

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

ROOT = Path(__file__).resolve().parents[1]
LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
PAGES = ["index", "study", "claims", "api", *(f"notebooks/{name}" for name in LESSONS)]
URLS = '[project.urls]\nRepository = "https://github.com/owner/name"\n'


def copy_sources(folder):
    """Copy what the book is made of, so that no build disturbs another."""
    ignore = shutil.ignore_patterns("notebooks", "__pycache__")
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=ignore)
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    without_urls = re.sub(r"(?m)^\[project\.urls\]\n(?:[^\[\n].*\n|\n)*", "", settings)
    (folder / "pyproject.toml").write_text(without_urls, encoding="utf-8")


def build(folder):
    """Build the book as `make book` does; return the exit code, the warnings and the pages' folder."""
    options = re.search(r"-m sphinx -M .* build/book (.*)", (ROOT / "Makefile").read_text())[1]
    command = [sys.executable, "-m", "sphinx", "-M", "html", folder / "docs", folder / "build"]
    done = subprocess.run([*command, *options.split()], cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stderr, folder / "build" / "html"


def parse(page):
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def find_problems(book):
    """Return what is wrong with the built pages, one line each."""
    files = sorted(path for path in book.rglob("*.html") if "_static" not in path.parts)
    pages = {path.resolve(): parse(path) for path in files}
    anchors = {path: {tag["id"] for tag in page.find_all(id=True)} for path, page in pages.items()}
    for path, page in pages.items():
        name = path.name
        levels = [int(tag.name[1]) for tag in page.find_all(re.compile("^h[1-6]$"))]
        yield from (f"{name} {problem}" for problem in find_heading_problems(levels))
        for image in page.find_all("img"):
            if not image.get("alt", "").strip():
                yield f"{name} has an image without alt text"
        for tag in page.find_all(True):
            for attribute in {"src", "href", "srcset", "data"} & tag.attrs.keys():
                yield from find_link_problems(path, tag, tag[attribute], anchors)
    for style in book.rglob("*.css"):
        if re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", style.read_text(encoding="utf-8")):
            yield f"{style.name} loads something from elsewhere"


def find_link_problems(path, tag, link, anchors):
    target = urlsplit(link)
    if target.scheme or target.netloc:
        if tag.name != "a" and target.scheme != "data":
            yield f"{path.name} loads {link}"
        return
    goal = (path.parent / unquote(target.path)).resolve() if target.path else path
    if not goal.is_file():
        yield f"{path.name} links to {link}, which is missing"
    elif target.fragment and goal in anchors and unquote(target.fragment) not in anchors[goal]:
        yield f"{path.name} links to {link}, where nothing has that name"


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    folder = tmp_path_factory.mktemp("book")
    copy_sources(folder)
    code, warnings, pages = build(folder)
    assert code == 0, warnings
    return pages


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """Build once with a repository and its badge in a lesson, with links to nowhere and without the API."""
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


def test_every_lesson_shows_its_figures_with_their_own_alt_text_and_its_formulas(book):
    for name in LESSONS:
        page = parse(book / "notebooks" / f"{name}.html")
        notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", 4)
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
        alts = [out.metadata["image/png"]["alt"] for out in outputs if "image/png" in out.get("data", {})]
        assert [image["alt"] for image in page.select(".cell_output img")] == alts
        assert alts, name
        assert page.find("math"), name
        assert "\\" not in page.find("math").text


def test_api_has_every_public_module_and_claims_has_the_whole_ledger(book):
    from mnist_helpers import evidence

    api, claims = parse(book / "api.html"), parse(book / "claims.html").text
    modules = {path.stem for path in (ROOT / "mnist_helpers").glob("[!_]*.py")}
    assert {tag["id"].split(".")[1] for tag in api.select('[id^="module-mnist_helpers."]')} == modules
    assert [claim["id"] for claim in evidence.read_ledger() if claim["id"] not in claims] == []


def test_study_is_the_one_of_the_table(book):
    from mnist_helpers import evidence

    text = parse(book / "study.html").find("table").text
    for found in evidence.compare_by_size(evidence.read_study()).values():
        assert [str(one) for one in found.values() if str(one) not in text] == []


def test_search_finds_words_of_the_lessons(book):
    index = (book / "searchindex.js").read_text(encoding="utf-8")
    assert all(f'"{word}":' in index or f"{word}:" in index for word in ("dropout", "penalti", "augment"))


def test_no_launch_button_without_a_repository_and_the_right_ones_with_it(book, faulty):
    page = f"notebooks/{LESSONS[0]}.html"
    links = [
        [tag["href"] for tag in parse(folder / page).find_all("a", href=re.compile("mybinder|colab"))]
        for folder in (book, faulty[2])
    ]
    assert links[0] == []
    assert len(links[1]) == 2
    for link in links[1]:
        assert re.search(rf"/owner/name/.*notebooks/{LESSONS[0]}\.ipynb$", link)
    assert "badge_logo" not in (faulty[2] / page).read_text(encoding="utf-8")


def test_broken_links_turn_the_build_red(faulty):
    code, warnings, _ = faulty
    assert code != 0
    for name in ("notebooks/08_more.ipynb", "no-such-part", "mnist_helpers.evidence.read_study"):
        assert name in warnings
    assert len(re.findall(r"docs[/\\]", warnings)) == 3, warnings


FAULTS = {
    "needs one title": "<h1>Another</h1>",
    "goes from heading 2 to heading 4": "<h2>Part</h2><h4>Detail</h4>",
    "without alt text": '<img src="_images/none.png" alt="">',
    "loads https://": '<script src="https://example.org/a.js"></script>',
    "loads //": '<link rel="stylesheet" href="//example.org/a.css">',
    "which is missing": '<a href="none.html">none</a>',
    "where nothing has that name": '<a href="study.html#none">none</a>',
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


def test_style_that_loads_from_elsewhere_is_found(tmp_path):
    (tmp_path / "a.css").write_text('@import "https://example.org/font.css";')
    assert list(find_problems(tmp_path)) == ["a.css loads something from elsewhere"]
