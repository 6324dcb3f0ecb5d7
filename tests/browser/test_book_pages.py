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
# Contrasts of computed colours, as WCAG 2.2 defines them; `paper` is what stands behind an element's text.
COLORS = """
    const read = color => {
        const [, name, text] = color.match(/(\\w+)\\((.*)\\)/);
        const [red, green, blue, alpha = 1] = text.replace("srgb", "").match(/[\\d.e-]+/g).map(Number);
        return [...[red, green, blue].map(value => name === "color" ? 255 * value : value), alpha];
    };
    const blend = (color, behind) => behind.map((value, i) => color[3] * color[i] + (1 - color[3]) * value);
    const linear = value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const light = color => color.map(value => linear(value / 255))
        .reduce((sum, value, channel) => sum + value * [0.2126, 0.7152, 0.0722][channel], 0.05);
    const paper = each => {
        if (!each) return [255, 255, 255];
        return blend(read(getComputedStyle(each).backgroundColor), paper(each.parentElement));
    };
    const contrast = (color, behind) => {
        const both = [light(blend(read(color), behind)), light(behind)];
        return Math.max(...both) / Math.min(...both);
    };
"""
# Elements whose text has less contrast than WCAG 2.2 requires (1.4.3).
FAINT = (
    f"""() => {{{COLORS}"""
    + """
    const hasText = each => [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    const found = [...document.querySelectorAll("body *")].filter(each => {
        if (!hasText(each) || !each.checkVisibility()) return false;
        return contrast(getComputedStyle(each).color, paper(each)) < 4.5;
    });
    return [...new Set(found.map(each => `${each.tagName} ${each.className}`))];
}"""
)
# Code and printed text that is wider than its box. Keras draws its summary with lines, which cannot wrap.
CUT = """() => [...document.querySelectorAll("pre:not(.text_html pre, .output_html pre)")]
    .filter(each => each.checkVisibility() && each.scrollWidth > each.clientWidth + 1)
    .map(each => each.innerText.slice(0, 60))"""
WRAPPED = """() => [...document.querySelectorAll(".cell_input pre")].filter(each => {
    const style = getComputedStyle(each);
    const lines = (each.clientHeight - 2 * parseFloat(style.paddingTop)) / parseFloat(style.lineHeight);
    return each.checkVisibility() && lines > each.innerText.trimEnd().split("\\n").length + 0.5;
}).map(each => each.innerText.slice(0, 60))"""
FOLDED = """() => [...document.querySelectorAll("details :is(pre, li, p:not(.admonition-title))")]
    .filter(each => !each.checkVisibility())
    .map(each => each.outerHTML.slice(0, 120))"""
# Boxes that paper would split.
SPLIT = """() => [...document.querySelectorAll("details, figure, img, pre, .cell_input")]
    .filter(each => getComputedStyle(each).breakInside !== "avoid")
    .map(each => each.outerHTML.slice(0, 120))"""
# Numbers that stand closer to their neighbours than half a letter's height.
CLOSE = """() => [...document.querySelectorAll("table.dataframe td")].filter(each => {
    const { paddingLeft, fontSize } = getComputedStyle(each);
    return parseFloat(paddingLeft) < 0.5 * parseFloat(fontSize);
}).map(each => each.innerText)"""
STRETCHED = """all => all.filter(each => each.complete && each.naturalWidth && each.checkVisibility())
    .filter(each => Math.abs(each.naturalWidth / each.naturalHeight * each.height / each.width - 1) > 0.02)
    .map(each => each.alt)"""
# Remember how each element looks without the focus; then say what the focus of the keyboard changes.
AT_REST = """() => {
    const look = each => {
        const { outlineStyle, outlineWidth, outlineColor, boxShadow } = getComputedStyle(each);
        return (outlineStyle === "none" ? "" : outlineStyle + outlineWidth + outlineColor) + boxShadow;
    };
    const rest = new Map([...document.querySelectorAll("*")].map(each => [each, look(each)]));
    window.findStop = () => {
        const stop = document.activeElement;
        document.getAnimations().forEach(each => each.finish());
        const box = stop.getBoundingClientRect();
        const isSeen = box.width > 1 && box.height > 1 && stop.checkVisibility({ opacityProperty: true });
        const isMarked = [stop, ...stop.querySelectorAll("*")].some(each => look(each) !== rest.get(each));
        return {
            name: `${stop.tagName} ${stop.className} ${stop.innerText || stop.ariaLabel}`.slice(0, 80),
            isNew: stop !== document.body && !stop.dataset.visited && (stop.dataset.visited = true),
            isVisible: isSeen && isMarked,
        };
    };
}"""
# Elements that the keyboard reaches and whose focus is no line of 2 pixels with a contrast of 3 to what is
# behind it (WCAG 2.2, 2.4.13). A script moves the focus, as keys would, which take much longer.
DIM = (
    f"""() => {{{COLORS}"""
    + """
    const look = each => {
        const { outlineStyle, outlineWidth, outlineColor, boxShadow } = getComputedStyle(each);
        const lines = outlineStyle === "none" ? [] : [[parseFloat(outlineWidth), outlineColor]];
        const rings = boxShadow.matchAll(/(\\w+\\([^)]*\\)) 0px 0px 0px ([\\d.]+)px(?! inset)/g);
        return [...lines, ...[...rings].map(([, color, spread]) => [parseFloat(spread), color])];
    };
    const isSeen = (each, before) => look(each).some(([width, color]) =>
        width >= 2 && contrast(color, paper(each.parentElement)) >= 3
        && !before.some(line => String(line) === String([width, color])));
    const stops = [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex]")]
        .filter(each => each.tabIndex >= 0 && !each.disabled && each.checkVisibility());
    const found = stops.filter(stop => {
        document.activeElement.blur();
        // A search field is marked together with its form.
        const parts = [stop, ...stop.querySelectorAll("*"), ...[stop.closest("form")].filter(Boolean)];
        const before = parts.map(look);
        stop.focus({ focusVisible: true });
        document.getAnimations().forEach(each => each.finish());
        return document.activeElement === stop && !parts.some((each, i) => isSeen(each, before[i]));
    });
    return found.map(each => `${each.tagName} ${each.className} ${each.innerText}`.slice(0, 80));
}"""
)
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
    problems += [f"code is cut: {text}" for text in page.evaluate(CUT)]
    page.keyboard.press("Tab")  # from now on a script's focus looks like that of a key
    problems += [f"focus is hardly seen: {element}" for element in page.evaluate(DIM)]
    page.evaluate("document.activeElement.blur()")
    problems += [f"stretched: {alt}" for alt in page.locator("img").evaluate_all(STRETCHED)]
    if (excess := page.evaluate(OVERFLOW)) > 0:
        problems.append(f"{excess} pixels wider than the window")
    return [f"{name} at {width}, {scheme}: {problem}" for problem in problems]


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
)
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


def test_code_keeps_its_lines_on_a_laptop_and_nothing_is_cut_on_paper(page, book):
    for path in sorted((BOOK / "notebooks").glob("*.html")):
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(f"{book}notebooks/{path.name}")
        assert page.evaluate(WRAPPED) == []
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 718, "height": 900})  # A4 with margins of 10 mm
        everything = CUT.replace(":not(.text_html pre, .output_html pre)", "")
        assert page.evaluate(everything) == []
        assert page.evaluate(OVERFLOW) <= 0
        for lost in (FOLDED, SPLIT, CLOSE):
            assert page.evaluate(lost) == []
        expect(page.locator("article h1")).to_be_visible()
        page.emulate_media(media="screen")


def find_stops(page):
    """Press Tab until the focus leaves the page, and return each place where it stood."""
    page.evaluate(AT_REST)
    stops = []
    while True:
        page.keyboard.press("Tab")
        stop = page.evaluate("findStop()")
        if not stop["isNew"]:
            return stops
        stops.append(stop)


@pytest.mark.parametrize(
    ("name", "width"), [("index", 1280), ("index", 390), ("notebooks/02_baseline_cnn", 1280), ("api", 390)]
)
def test_focus_of_the_keyboard_is_visible_at_every_stop(name, width, page, book):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{book}{name}.html", wait_until="networkidle")
    stops = find_stops(page)
    assert len(stops) > 10
    assert [stop["name"] for stop in stops if not stop["isVisible"]] == []


def test_invisible_focus_is_found(page):
    page.set_content("""<style>.a:focus { outline: 0 } .b { opacity: 0 }</style><a href="#">seen</a>
        <a class="a" href="#">no outline</a><a class="b" href="#">transparent</a>""")
    found = [stop["name"] for stop in find_stops(page) if not stop["isVisible"]]
    assert found == ["A a no outline", "A b transparent"]


def test_code_is_copied_without_its_output(page, book):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{book}notebooks/02_baseline_cnn.html")
    cell = page.locator(".cell", has_text="print(digits)").first
    cell.hover()
    cell.get_by_role("button", name="Copy").click()
    expect(cell.locator(".copybtn.success")).to_be_visible()
    code = page.evaluate("navigator.clipboard.readText()")
    assert code.split() == ["digits", "=", "datasets.load(dataset)", "print(digits)"]
    expect(page.locator(".cell_output .copybtn")).to_have_count(0)


def test_formulas_use_the_font_of_the_book(page, book):
    page.goto(f"{book}notebooks/03_l2_regularization.html", wait_until="networkidle")
    loaded = "() => [...document.fonts].filter(each => each.status === 'loaded').map(each => each.family)"
    assert "STIX Two Math" in page.evaluate(loaded)


def test_wrong_address_leads_back_to_the_lessons(page, book):
    page.goto(f"{book}404.html")
    page.locator(".bd-sidebar-primary").get_by_role("link", name="01 · ").click()
    expect(page.locator("article h1")).to_contain_text("01 · ")


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
        <pre style="width: 50px; overflow: auto">longer than its box</pre>
        <style>.a:focus { outline: 1px solid } .b:focus { outline: 3px solid #aaa } .c:focus { outline: 0 }
        .d:focus { outline: 0; box-shadow: #00f 0 0 0 3px }</style>
        <a class="a" href="#">thin</a><a class="b" href="#">pale</a><a class="c" href="#">none</a>
        <a class="d" href="#">seen</a><img alt="tall" width="99" height="9" src="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'
        width='9' height='9'/%3E">
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
        "focus is hardly seen: A a thin",
        "focus is hardly seen: A b pale",
        "focus is hardly seen: A c none",
        "code is cut: longer than its box",
        "stretched: tall",
        "pixels wider than the window",
    ):
        assert problem in found
    assert "A d seen" not in found
