"""The web book in a browser: each page is complete and readable, needs no other server, and fits a phone."""

import functools
import threading
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import expect

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "build" / "book" / "html"
SCREENSHOTS = ROOT / "build" / "screenshots"
UNNAMED = "all => all.filter(each => !each.alt.trim()).map(each => each.src)"
# Elements whose text has less contrast than WCAG 2.2 requires (1.4.3), by the computed colours.
FAINT = """() => {
    const read = color => color.match(/[\\d.]+/g).map(Number);
    const linear = value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const light = color => color.slice(0, 3).map(value => linear(value / 255))
        .reduce((sum, value, channel) => sum + value * [0.2126, 0.7152, 0.0722][channel], 0.05);
    const paper = each => {
        const color = each ? read(getComputedStyle(each).backgroundColor) : [255, 255, 255];
        return color[3] === 0 ? paper(each.parentElement) : color;
    };
    const hasText = each => [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    const found = [...document.querySelectorAll("body *")].filter(each => {
        if (!hasText(each) || !each.checkVisibility()) return false;
        const both = [light(read(getComputedStyle(each).color)), light(paper(each))];
        return Math.max(...both) / Math.min(...both) < 4.5;
    });
    return [...new Set(found.map(each => `${each.tagName} ${each.className}`))];
}"""
OVERFLOW = "() => document.scrollingElement.scrollWidth - window.innerWidth"


class QuietHandler(SimpleHTTPRequestHandler):
    """Serve a folder without logging requests."""

    def log_message(self, *args):
        pass


@contextmanager
def serve(folder):
    """Serve a folder on a free port and yield its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def book():
    """Serve the book that `make book` built."""
    assert (BOOK / "index.html").is_file(), f"There is no web book in {BOOK}: make book"
    with serve(BOOK) as address:
        yield address


@contextmanager
def watch(page, address, problems):
    """Record errors of the page's console, and requests that fail or go to other servers."""

    def record_console(message):
        if message.type == "error":
            problems.append(f"console: {message.text} ({message.location['url']})")

    def record_request(request):
        if not request.url.startswith((address, "data:", "blob:")):
            problems.append(f"other server: {request.url}")

    listeners = {
        "console": record_console,
        "pageerror": lambda error: problems.append(f"script: {error}"),
        "request": record_request,
        "requestfailed": lambda request: problems.append(f"failed: {request.url}"),
    }
    for event, listener in listeners.items():
        page.on(event, listener)
    yield
    for event, listener in listeners.items():
        page.remove_listener(event, listener)


def find_problems(page, address, name, width, scheme="light"):
    """Open a page at a width in pixels and return what is wrong with it."""
    problems = []
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    with watch(page, address, problems):
        page.goto(address + name, wait_until="networkidle")
    problems += [f"no alt text: {source}" for source in page.locator("img").evaluate_all(UNNAMED)]
    problems += [f"too little contrast: {element}" for element in page.evaluate(FAINT)]
    if (excess := page.evaluate(OVERFLOW)) > 0:
        problems.append(f"{excess} pixels wider than the window")
    return [f"{name} at {width}, {scheme}: {problem}" for problem in problems]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "light"), (390, "dark")])
def test_every_page_is_complete_readable_and_fits_the_window(width, scheme, page, book):
    names = [path.relative_to(BOOK) for path in sorted(BOOK.rglob("*.html")) if "_static" not in path.parts]
    assert len(names) >= 10
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    problems = []
    for name in names:
        problems += find_problems(page, book, name.as_posix(), width, scheme)
        picture = f"{'-'.join(name.with_suffix('').parts)}-{width}-{scheme}.png"
        page.screenshot(path=SCREENSHOTS / picture, full_page=True)
    assert not problems, "\n".join(problems)


def test_search_finds_the_lesson_on_dropout(page, book):
    page.goto(f"{book}search.html?q=dropout")
    expect(page.locator("#search-results a[href*='04_dropout']").first).to_be_visible()


def test_dark_mode_can_be_chosen(page, book):
    page.emulate_media(color_scheme="light")
    page.goto(book)
    read = "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
    assert min(page.evaluate(read)) > 200
    page.get_by_role("button", name="Color mode").click()
    page.get_by_role("button", name="Dark", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert max(page.evaluate(read)) < 60


def test_faults_of_a_page_are_found(page, tmp_path):
    (tmp_path / "index.html").write_text("""
        <title>Faulty</title><link rel="icon" href="data:,"><img src="data:,">
        <script>console.error("oh")</script><script>undefinedName()</script><script src="absent.js"></script>
        <script src="http://127.0.0.1:9/far.js"></script><p style="width: 500px; color: #777">wide</p>
    """)
    with serve(tmp_path) as address:
        found = "\n".join(find_problems(page, address, "index.html", 390))
    for problem in (
        "console: oh",
        "script: undefinedName is not defined",
        f"404 (File not found) ({address}absent.js)",
        "other server: http://127.0.0.1:9/far.js",
        "failed: http://127.0.0.1:9/far.js",
        "no alt text: data:,",
        "too little contrast: P",
        "pixels wider than the window",
    ):
        assert problem in found
