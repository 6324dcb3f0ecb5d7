"""What may be wrong with HTML pages: checks of the web book and of the pages that the runner writes."""

import re
from urllib.parse import unquote, urlsplit

import nbformat
from bs4 import BeautifulSoup
from test_accessibility import find_heading_problems

# What each check must find, once it is added to a sound page.
FAULTS = {
    "one title": "<h1>Second title</h1>",
    "heading 4 follows heading 2": "<h2>Part</h2><h4>Detail</h4>",
    "without alt text": '<img src="_images/none.png" alt="">',
    "loads https://": '<script src="https://example.org/a.js"></script>',
    "loads //": '<link rel="stylesheet" href="//example.org/a.css">',
    "which is missing": '<a href="none.html">none</a>',
    "which is no anchor there": '<a href="#none">none</a>',
    "loads something from another server": "<style>@import 'https://example.org/font.css';</style>",
}


def parse(page):
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def find_problems(book):
    """Yield what is wrong with the pages in a folder, one line each."""
    files = sorted(path for path in book.rglob("*.html") if "_static" not in path.parts)
    pages = {path.resolve(): parse(path) for path in files}
    anchors = {path: {tag["id"] for tag in page.find_all(id=True)} for path, page in pages.items()}
    for path, page in pages.items():
        name = path.name
        if not (page.title and page.title.text.strip()):
            yield f"{name} has no title"
        levels = [int(tag.name[1]) for tag in page.find_all(re.compile("^h[1-6]$"))]
        yield from (f"{name}: {problem}" for problem in find_heading_problems(levels))
        for image in page.find_all("img"):
            if not image.get("alt", "").strip():
                yield f"{name} has an image without alt text"
        for tag in page.find_all(True):
            for attribute in {"src", "href", "srcset", "data"} & tag.attrs.keys():
                yield from find_link_problems(book, path, tag, tag[attribute], anchors)
        for style in page.find_all("style"):
            yield from find_style_problems(name, style.text)
    for style in book.rglob("*.css"):
        yield from find_style_problems(style.name, style.read_text(encoding="utf-8"))


def find_style_problems(name, style):
    if re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", style):
        yield f"{name} loads something from another server"


def find_link_problems(book, path, tag, link, anchors):
    """Yield what is wrong with one link of a page: `anchors` holds the ids of each page."""
    target = urlsplit(link)
    if target.scheme or target.netloc:
        if tag.name != "a" and target.scheme != "data":
            yield f"{path.name} loads {link}"
        return
    folder = book if target.path.startswith("/") else path.parent  # those of 404.html begin at the root
    goal = (folder / unquote(target.path).lstrip("/")).resolve() if target.path else path
    if not goal.is_file():
        yield f"{path.name} links to {link}, which is missing"
    elif target.fragment and goal in anchors and unquote(target.fragment) not in anchors[goal]:
        yield f"{path.name} links to {link}, which is no anchor there"


def find_lesson_problems(path, notebook_path):
    """Compare the page of a lesson with its notebook: it has all figures, alt texts and formulas."""
    page = parse(path)
    notebook = nbformat.read(notebook_path, 4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    shown = [out.metadata["image/png"]["alt"] for out in outputs if "image/png" in out.get("data", {})]
    expected = [" ".join(alt.split()) for alt in shown]
    found = [" ".join(image.get("alt", "").split()) for image in page.find_all("img")]
    if not expected or [alt for alt in found if alt in expected] != expected:
        yield "figures and alt texts are not those of the notebook"
    prose = "".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    if len(page.find_all("math")) != len(re.findall(r"(?s)\$\$.+?\$\$|\$.+?\$", prose)):
        yield "does not show each formula as MathML"
    if "\\" in "".join(formula.text for formula in page.find_all("math")):
        yield "shows a formula's source"
    for summary in page.find_all("summary"):
        if summary.text in ("Answer", "Solution") and len(summary.parent.text.split()) < 5:
            yield f"shows an {summary.text.lower()} unfolded"
