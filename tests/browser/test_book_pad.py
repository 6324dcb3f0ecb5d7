"""The drawing pad in the web book, opened as a file: it reads as the notebook's pad does."""

import base64
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect
from strokes import STROKES
from strokes import draw as draw_on_paper
from test_lab import draw, draw_with_keys

from mnist_helpers import datasets
from mnist_helpers.drawing import DrawingPad, to_mnist_frame

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "build" / "book" / "html"
INDEX = "index"
LESSON = "notebooks/07_conclusion"
SCREENSHOTS = ROOT / "build" / "screenshots"
sys.path.insert(0, str(ROOT / "docs"))
import pad as book_pad  # noqa: E402 — docs/ is no package

OVERFLOW = "() => document.scrollingElement.scrollWidth - window.innerWidth"
# The ink of a canvas as a text, one letter per pixel: a list of numbers takes much longer to arrive.
INK = """canvas => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return Array.from({ length: data.length / 4 }, (_, i) => String.fromCharCode(data[4 * i + 3])).join("");
}"""
# Pixels of the line around an element; without a style there is none, whatever its width.
OUTLINE = """each => {
    const { outlineStyle, outlineWidth } = getComputedStyle(each);
    return outlineStyle === "none" ? 0 : parseFloat(outlineWidth);
}"""
SHARES = "rows => rows.map(row => parseFloat(row.querySelector('.pad-value').innerText) / 100)"
# Takes drawings (width, pixels in base64) and returns frames and probabilities.
READ = """drawings => drawings.map(([width, text]) => {
    const frame = drawingPad.toMnistFrame(Uint8Array.from(atob(text), letter => letter.charCodeAt(0)), width);
    return [Array.from(frame), drawingPad.read(frame).probabilities];
})"""


@pytest.fixture(scope="session")
def network():
    return book_pad.read_network()


@pytest.fixture
def open_pad(browser, pytestconfig):
    """Return a function that opens a page as a file, without any other request, and returns page and pad."""
    contexts, problems = [], []

    def open_page(name=INDEX, width=1280, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        context.set_default_timeout(1000 * pytestconfig.patience)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: problems.append(request.url))
        page.goto((BOOK / f"{name}.html").as_uri())
        return page, page.locator(".drawing-pad")

    yield open_page
    for context in contexts:
        context.close()
    assert [problem for problem in problems if not problem.startswith(("file:", "data:"))] == []


def touch(page, canvas, strokes):
    """Draw with a finger. A stroke is a list of points (x, y), each from 0 to 1 across the canvas."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    session = page.context.new_cdp_session(page)

    def send(kind, *points):
        places = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    for first, *others in strokes:
        send("touchStart", first)
        for point in others:
            send("touchMove", point)
        send("touchEnd")


def read_ink(canvas):
    return canvas.evaluate(INK).encode("latin-1")


def read_as_notebook(network, ink):
    """Return the probabilities that the notebook's pad shows of the same ink."""
    pad = DrawingPad(network)
    pad.pixels = ink
    assert not pad.error
    return pad.probabilities


@pytest.mark.parametrize(
    ("name", "width", "scheme", "how"),
    [
        (INDEX, 1280, "light", draw),
        (INDEX, 1280, "dark", touch),
        (INDEX, 390, "light", touch),
        (INDEX, 390, "dark", touch),
        (LESSON, 390, "light", draw),
    ],
)
def test_ten_digits_are_read_as_on_the_notebooks_pad(name, width, scheme, how, open_pad, network):
    page, pad = open_pad(name, width, color_scheme=scheme, has_touch=how is touch)
    canvas = pad.locator(".pad-canvas")
    for digit, strokes in STROKES.items():
        how(page, canvas, strokes)
        expect(pad.locator(".pad-answer")).to_contain_text(f"Reads {digit}")
        expected = read_as_notebook(network, read_ink(canvas))
        assert pad.locator(".pad-bars li").evaluate_all(SHARES) == pytest.approx(expected, abs=0.001)
        assert page.evaluate(OVERFLOW) <= 0
        if digit < 9:
            pad.get_by_role("button", name="Clear").click()
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    # The README's docs/pad.png is a copy of pad-index-1280-light.png, with 64 colours.
    picture = f"pad-{name.split('/')[-1]}-{width}-{scheme}.png"
    page.locator(".pad-place").screenshot(path=SCREENSHOTS / picture)


def test_page_sees_and_reads_as_python_does(open_pad, network):
    drawings = [np.asarray(draw_on_paper(strokes)) for strokes in STROKES.values()]
    drawings += list(datasets.load().x_train[:1000, ..., 0])
    page, _ = open_pad()
    sent = [[drawing.shape[1], base64.b64encode(drawing.tobytes()).decode()] for drawing in drawings]
    frames, shares = zip(*page.evaluate(READ, sent), strict=True)
    frames = np.reshape(frames, (-1, 28, 28, 1))
    expected = np.array([to_mnist_frame(drawing) for drawing in drawings])
    assert len(expected) == 1010
    assert np.abs(frames - expected.astype(int)).max() <= 1
    assert np.abs(np.asarray(network(frames)) - shares).max() < 1e-3


def test_undo_takes_strokes_back_one_by_one_and_brings_back_what_was_cleared(open_pad):
    page, pad = open_pad()
    canvas, answer = pad.locator(".pad-canvas"), pad.locator(".pad-answer")
    undo = pad.get_by_role("button", name="Undo")
    expect(undo).to_have_attribute("aria-disabled", "true")
    seen = [read_ink(canvas)]
    for stroke in STROKES[4]:
        draw(page, canvas, [stroke])
        seen.append(read_ink(canvas))
    expect(answer).to_contain_text("Reads 4")
    pad.get_by_role("button", name="Clear").click()
    expect(answer).to_have_text("Draw a digit.")
    page.keyboard.press("z")
    assert read_ink(canvas) == seen[2]
    expect(answer).to_contain_text("Reads 4")
    page.keyboard.press("Control+z")
    assert read_ink(canvas) == seen[1]
    undo.click()
    assert read_ink(canvas) == seen[0]
    expect(answer).to_have_text("Draw a digit.")
    expect(undo).to_have_attribute("aria-disabled", "true")


def test_keys_draw_and_undo_and_the_focus_is_visible(open_pad):
    page, pad = open_pad(reduced_motion="reduce")
    draw_with_keys(page, pad, STROKES[7])
    expect(pad.locator(".pad-answer")).to_contain_text("Reads 7")
    page.keyboard.press("z")
    expect(pad.locator(".pad-answer")).to_have_text("Draw a digit.")
    for name in ("canvas.pad-canvas", ".pad-undo", ".pad-clear"):
        each = pad.locator(name)
        expect(each).to_be_focused()
        assert each.evaluate(OUTLINE) >= 2
        page.keyboard.press("Tab")


def test_everything_on_the_pad_has_a_name_and_the_reading_is_announced(open_pad):
    _, pad = open_pad()
    names = re.findall(r'(?m)^\s*- (\w+) "([^"]+)"', pad.aria_snapshot())
    assert {role for role, _ in names} >= {"application", "button", "list", "img"}
    assert pad.get_by_role("status").inner_text() == "Draw a digit."
    assert pad.locator("canvas:not([aria-label])").count() == 0


def test_feature_maps_are_those_of_the_first_convolution(open_pad, network):
    page, pad = open_pad()
    canvas, maps = pad.locator(".pad-canvas"), pad.locator(".pad-maps canvas")
    assert not any(read_ink(maps))
    draw(page, canvas, STROKES[3])
    expect(pad.locator(".pad-answer")).to_contain_text("Reads 3")
    frame = to_mnist_frame(np.frombuffer(read_ink(canvas), np.uint8).reshape(280, 280))
    scaling, convolution = network.layers[:2]
    expected = np.maximum(0, convolution(scaling(frame[np.newaxis])))[0]
    expected *= 255 / np.maximum(expected.max(axis=(0, 1)), 1e-9)
    shown = np.frombuffer(read_ink(maps), np.uint8).reshape(2 * 26 - 2, 8 * 26 - 2)
    for number, (y, x) in enumerate((y, x) for y in (0, 26) for x in range(0, 208, 26)):
        assert np.abs(shown[y : y + 24, x : x + 24] - expected[..., number]).max() < 5
    assert not shown[24:26].any()
    pad.get_by_role("button", name="Clear").click()
    expect(pad.locator(".pad-answer")).to_have_text("Draw a digit.")
    assert not any(read_ink(maps))


@pytest.mark.parametrize("name", [INDEX, LESSON])
def test_picture_and_sentence_stand_for_the_pad_without_javascript_and_on_paper(name, open_pad):
    for page in (open_pad(name, java_script_enabled=False)[0], open_pad(name)[0]):
        figure = page.locator(".pad-place figure")
        if page.locator(".drawing-pad").count():
            expect(figure).to_be_hidden()
            page.emulate_media(media="print")
            expect(page.locator(".drawing-pad")).to_be_hidden()
        expect(figure).to_be_visible()
        expect(figure).to_contain_text("pad to draw on")
        assert figure.locator("img").get_attribute("alt")


def test_bars_are_visible_in_forced_colours(open_pad):
    page, pad = open_pad(forced_colors="active")
    draw(page, pad.locator(".pad-canvas"), STROKES[0])
    expect(pad.locator(".pad-answer")).to_contain_text("Reads 0")
    fill = pad.locator(".pad-best .pad-fill")
    colour = "each => getComputedStyle(each).backgroundColor"
    assert fill.evaluate(colour) != page.locator("body").evaluate(colour)


def test_only_pages_with_a_pad_load_its_script():
    pages = [path for path in BOOK.rglob("*.html") if "drawing-pad.js" in path.read_text(encoding="utf-8")]
    assert {page.relative_to(BOOK).with_suffix("").as_posix() for page in pages} == {INDEX, LESSON}
