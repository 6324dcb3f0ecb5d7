"""The pages that the runner writes, in a browser: by the checks of the book, and on paper."""

from pathlib import Path

import nbformat
import pytest
from test_book_pages import find_problems, serve

from mnist_helpers.lessons import render

ROOT = Path(__file__).resolve().parents[2]
PAPER = {"width": 680, "height": 960}  # A4 less its margins, in CSS pixels
# What paper would not show: folded text, and lines that are cut at the edge of a box.
LOST = """() => [
    ...[...document.querySelectorAll("details *")].filter(each => !each.checkVisibility()),
    ...[...document.querySelectorAll("pre, .wide, math")].filter(each => {
        const box = getComputedStyle(each);
        return box.overflowX !== "visible" || each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0;
    }),
].map(each => each.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Serve the pages of all lessons."""
    folder = tmp_path_factory.mktemp("pages")
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        text = render.render(nbformat.read(path, 4), path.stem)
        (folder / f"{path.stem}.html").write_text(text, encoding="utf-8")
    with serve(folder) as address:
        yield address


NAMES = [f"{path.stem}.html" for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
)
def test_every_page_is_complete_readable_and_fits_the_window(width, scheme, page, address):
    problems = []
    for name in NAMES:
        problems += find_problems(page, address, name, width, scheme)
    assert len(NAMES) == 7
    assert not problems, "\n".join(problems)


def test_page_follows_the_systems_color_scheme(page, address):
    page.goto(address + NAMES[0])
    read = "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
    page.emulate_media(color_scheme="light")
    assert min(page.evaluate(read)) > 200
    page.emulate_media(color_scheme="dark")
    assert max(page.evaluate(read)) < 60


@pytest.mark.parametrize("name", NAMES)
def test_paper_shows_folded_and_wide_parts(name, page, address):
    page.set_viewport_size(PAPER)
    page.goto(address + name)
    assert page.evaluate(LOST), "the screen folds and scrolls"
    page.emulate_media(media="print")
    assert page.evaluate(LOST) == []
