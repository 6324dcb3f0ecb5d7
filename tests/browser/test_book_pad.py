"""The drawing pad in the web book, opened as a file: it reads as the notebook's pad does."""

import base64
import itertools
import re
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
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
# Where the centre of the keys' pen stands on the paper.
RING = """pad => {
    const find = name => pad.querySelector(name).getBoundingClientRect();
    const [ring, paper] = [find(".pad-pen"), find(".pad-canvas")];
    return ["x", "y"].map(axis => (ring[axis] + ring.width / 2 - paper[axis]) / paper.width);
}"""
SHARES = "rows => rows.map(row => parseFloat(row.querySelector('.pad-value').innerText) / 100)"
# Takes drawings of one size (their pixels, deflated, in base64) and returns frames and probabilities.
UNPACK = """async text => {
    const packed = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
}"""
READ = f"""async ([text, side]) => {{
    const pixels = await ({UNPACK})(text);
    return Array.from({{ length: pixels.length / side ** 2 }}, (_, i) => {{
        const frame = drawingPad.toMnistFrame(pixels.slice(i * side ** 2, (i + 1) * side ** 2), side);
        return [Array.from(frame), drawingPad.read(frame).probabilities];
    }});
}}"""
# Puts ink on the canvas. The pad reads it when the canvas loses the focus.
SET = f"""async (canvas, text) => {{
    const pixels = await ({UNPACK})(text);
    const image = new ImageData(canvas.width, canvas.height);
    pixels.forEach((ink, i) => (image.data[4 * i + 3] = ink));
    canvas.focus();
    canvas.getContext("2d").putImageData(image, 0, 0);
    canvas.blur();
}}"""
WIDE = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 3, "is_mobile": True}
WINDOWS = {"wide": WIDE, "phone": PHONE}


@pytest.fixture(scope="session")
def network():
    return book_pad.read_network()


@pytest.fixture
def open_pad(browser, pytestconfig):
    """Return a function that opens a page as a file, without any other request, and returns page and pad."""
    contexts, problems = [], []

    def open_page(name=INDEX, **options):
        context = browser.new_context(**WIDE | options)
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
    place, session = locate(page, canvas)
    for first, *others in strokes:
        send_touch(session, "touchStart", place(first))
        for point in others:
            send_touch(session, "touchMove", place(point))
        send_touch(session, "touchEnd")


def write(page, canvas, strokes):
    """Draw with a pen, which hovers before it touches the screen."""
    place, session = locate(page, canvas)

    def send(kind, point, buttons):
        pen = {"pointerType": "pen", "button": "left", "buttons": buttons, "clickCount": 1}
        session.send("Input.dispatchMouseEvent", {"type": kind, **place(point), **pen})

    for stroke in strokes:
        send("mouseMoved", stroke[0], 0)
        send("mousePressed", stroke[0], 1)
        for point in stroke[1:]:
            send("mouseMoved", point, 1)
        send("mouseReleased", stroke[-1], 0)


def locate(page, canvas):
    """Return a function that gives the place of a point of the canvas, and a session that sends events."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()

    def place(point):
        return {"x": box["x"] + point[0] * box["width"], "y": box["y"] + point[1] * box["height"]}

    return place, page.context.new_cdp_session(page)


def send_touch(session, kind, *places):
    """Send a touch of one or several fingers; each keeps its number."""
    points = [{**place, "id": number} for number, place in enumerate(places)]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def read_ink(canvas):
    return canvas.evaluate(INK).encode("latin-1")


def read_all(canvases):
    return b"".join(map(read_ink, canvases.all()))


def read_as_notebook(network, ink):
    """Return the probabilities that the notebook's pad shows of the same ink."""
    pad = DrawingPad(network)
    pad.pixels = ink
    assert not pad.error
    return pad.probabilities


POINTERS = {draw: "mouse", touch: "touch", write: "pen"}
CASES = [
    *itertools.product([INDEX], WINDOWS, ("light", "dark"), (draw, touch)),
    (LESSON, "wide", "light", draw),
    (LESSON, "phone", "dark", touch),
    (INDEX, "wide", "light", write),
]


@pytest.mark.parametrize(("name", "window", "scheme", "how"), CASES)
def test_ten_digits_are_read_as_on_the_notebooks_pad(name, window, scheme, how, open_pad, network):
    page, pad = open_pad(name, **WINDOWS[window], color_scheme=scheme, has_touch=how is touch)
    canvas = pad.locator(".pad-canvas")
    canvas.evaluate("each => each.addEventListener('pointerdown', event => (each.title = event.pointerType))")
    for digit, strokes in STROKES.items():
        how(page, canvas, strokes)
        expect(pad.locator(".pad-answer")).to_contain_text(f"Reads {digit}")
        expected = read_as_notebook(network, read_ink(canvas))
        assert pad.locator(".pad-bars li").evaluate_all(SHARES) == pytest.approx(expected, abs=0.001)
        assert page.evaluate(OVERFLOW) <= 0
        if digit < 9:
            pad.get_by_role("button", name="Clear").click()
    assert canvas.get_attribute("title") == POINTERS[how]
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    # The README's docs/pad.png is a copy of pad-index-wide-light-mouse.png, with 64 colours.
    picture = f"pad-{name.split('/')[-1]}-{window}-{scheme}-{POINTERS[how]}.png"
    page.locator(".pad-place").screenshot(path=SCREENSHOTS / picture)


@pytest.fixture(scope="module")
def digits():
    """Return 1,000 digits that the pad's network was not trained on: MNIST's test images, or UCI's."""
    digits = datasets.load()
    images, _ = digits.open_test()  # to compare Python with the page; no choice depends on it
    return np.concatenate([images, digits.x_train])[:1000, ..., 0]  # UCI has fewer test images


@pytest.fixture(scope="module")
def enlarged(digits):
    """Return papers of the pad with enlarged digits anywhere, some of them tall and symmetric.

    Where ink is symmetric, the last bits of sums decide which of two pixels is its centre.
    """
    random = np.random.default_rng(0)
    papers = np.zeros((300, 280, 280), np.uint8)
    for number, (paper, digit) in enumerate(zip(papers, digits, strict=False)):
        height = width = random.integers(60, 280)
        if number % 3 == 0:
            width = height // random.integers(2, 6)
        grey = np.asarray(Image.fromarray(digit).resize((width, height), Image.Resampling.BICUBIC))
        if number % 3 == 0:
            grey = np.maximum(grey, grey[:, ::-1])
        top, left = random.integers(0, 281 - height), random.integers(0, 281 - width)
        paper[top : top + height, left : left + width] = grey
    papers[-1] = 0
    papers[-1, :, 100:156] = 255  # its centre lies exactly between two pixels
    return papers


def pack(pixels):
    return base64.b64encode(zlib.compress(np.ascontiguousarray(pixels).tobytes())).decode()


def test_page_sees_and_reads_as_python_does(open_pad, network, digits, enlarged):
    strokes = np.array([np.asarray(draw_on_paper(strokes)) for strokes in STROKES.values()])
    page, _ = open_pad()
    assert (len(digits), len(enlarged)) == (1000, 300)
    for drawings in (digits, enlarged, strokes):
        found = page.evaluate(READ, [pack(drawings), drawings.shape[1]])
        frames, shares = zip(*found, strict=True)
        frames = np.reshape(frames, (-1, 28, 28, 1))
        expected = np.array([to_mnist_frame(drawing) for drawing in drawings])
        assert np.abs(frames - expected.astype(int)).max() <= 1
        assert np.abs(np.asarray(network(frames)) - shares).max() < 1e-3


def test_pixels_that_are_set_give_the_bars_of_the_notebooks_pad(open_pad, network, enlarged):
    _, pad = open_pad()
    canvas = pad.locator(".pad-canvas")
    for number, paper in enumerate(enlarged[:20]):
        canvas.evaluate(SET, pack(paper))
        assert read_ink(canvas) == paper.tobytes()
        expected = read_as_notebook(network, paper.tobytes())
        assert pad.locator(".pad-bars li").evaluate_all(SHARES) == pytest.approx(expected, abs=0.001), number


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


LINE = [(0.2, 0.3), (0.5, 0.4), (0.8, 0.7)]


def draw_half(page, canvas, stroke=LINE):
    """Draw a stroke to its last point but one and keep the button pressed; return how to end it."""
    place, _ = locate(page, canvas)
    first, *middle, last = [place(point).values() for point in stroke]
    page.mouse.move(*first)
    page.mouse.down()
    for point in middle:
        page.mouse.move(*point)

    def end():
        page.mouse.move(*last)
        page.mouse.up()

    return end


def assert_same_ink(found, expected):
    """Compare ink. Edges may be a bit darker: an event more, at the same place, draws them twice."""
    both = [np.frombuffer(ink, np.uint8).astype(int) for ink in (found, expected)]
    assert np.abs(np.subtract(*both)).max() < 128


@pytest.mark.parametrize("act", ["c", "z", "Control+z", " ", "Enter", "ArrowDown", "Clear", "Undo"])
def test_keys_and_buttons_change_nothing_while_a_stroke_is_drawn(act, open_pad):
    page, pad = open_pad()
    canvas = pad.locator(".pad-canvas")
    draw_half(page, canvas)()
    alone = read_ink(canvas)
    pad.get_by_role("button", name="Clear").click()
    end = draw_half(page, canvas)
    if act in ("Clear", "Undo"):  # of another finger, or of an assistive technology
        pad.get_by_role("button", name=act).evaluate("each => each.click()")
    else:
        page.evaluate("addEventListener('keydown', event => (window.pressed = event), true)")
        page.keyboard.press(act)
        assert page.evaluate("pressed.defaultPrevented"), "the page scrolls under the stroke"
    end()
    assert_same_ink(read_ink(canvas), alone)
    page.keyboard.press("z")
    assert not any(read_ink(canvas))


def test_space_that_is_held_down_begins_one_stroke(open_pad):
    page, pad = open_pad()
    canvas = pad.locator(".pad-canvas")
    canvas.focus()
    for _ in range(6):  # each but the first is a repetition
        page.keyboard.down("Space")
    page.keyboard.up("Space")
    expect(pad.locator(".pad-answer")).to_have_text("Pen down.")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    assert any(read_ink(canvas))
    page.keyboard.press("z")
    assert not any(read_ink(canvas))
    expect(pad.get_by_role("button", name="Undo")).to_have_attribute("aria-disabled", "true")


def test_second_finger_draws_nothing(open_pad):
    page, pad = open_pad(**PHONE, has_touch=True)
    canvas = pad.locator(".pad-canvas")
    touch(page, canvas, [LINE])
    alone = read_ink(canvas)
    pad.get_by_role("button", name="Clear").click()
    place, session = locate(page, canvas)
    first, second, third = map(place, LINE)
    palms = [place((0.1, 0.9)), place((0.3, 0.9)), place((0.9, 0.1))]
    send_touch(session, "touchStart", first)
    send_touch(session, "touchStart", first, palms[0])
    send_touch(session, "touchMove", second, palms[1])
    send_touch(session, "touchMove", third, palms[2])
    points = [{**palms[0], "id": 1}]  # the drawing finger leaves first
    session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points})
    send_touch(session, "touchEnd")
    assert_same_ink(read_ink(canvas), alone)


def test_long_press_is_a_dot_and_opens_no_menu(open_pad):
    page, pad = open_pad(**PHONE, has_touch=True)
    canvas = pad.locator(".pad-canvas")
    page.evaluate("addEventListener('contextmenu', event => (window.menu = event), true)")
    canvas.click(button="right")  # the event of a long press, which an emulated finger does not send
    assert page.evaluate("menu.defaultPrevented")
    assert not any(read_ink(canvas))
    assert canvas.evaluate("each => getComputedStyle(each).userSelect") == "none"
    touch(page, canvas, [[(0.5, 0.5)]])
    pixels = np.frombuffer(read_ink(canvas), np.uint8).reshape(280, 280)
    assert pixels[140, 140] == 255
    assert not pixels[:120].any()


def test_stroke_that_leaves_the_paper_goes_on_when_it_comes_back(open_pad):
    page, pad = open_pad()
    canvas = pad.locator(".pad-canvas")
    draw(page, canvas, [[(0.5, 0.3), (1.5, 0.3), (1.5, 0.7), (0.5, 0.7)]])
    pixels = np.frombuffer(read_ink(canvas), np.uint8).reshape(280, 280)
    assert pixels[84, 150:].min() == pixels[196, 150:].min() == 255
    assert not pixels[110:170].any()
    page.keyboard.press("z")
    assert not any(read_ink(canvas))


def test_pen_of_the_keys_begins_on_the_paper_after_a_stroke_that_ended_beside_it(open_pad):
    page, pad = open_pad()
    canvas = pad.locator(".pad-canvas")
    draw(page, canvas, [[(0.5, 0.5), (1.6, 0.5)]])
    before = read_ink(canvas)
    place, _ = locate(page, canvas)
    page.mouse.move(*place((0.2, 0.2)).values())  # nothing is pressed any more
    assert read_ink(canvas) == before
    page.keyboard.press("Space")
    assert pad.evaluate(RING) == pytest.approx((1, 0.5), abs=0.01)


def test_strokes_and_pen_keep_their_places_when_the_window_changes(open_pad):
    page, pad = open_pad()
    canvas = pad.locator(".pad-canvas")
    draw(page, canvas, STROKES[4])
    alone = read_ink(canvas)
    pad.get_by_role("button", name="Clear").click()
    draw(page, canvas, STROKES[4][:1])
    page.set_viewport_size({"width": 240, "height": 700})
    assert canvas.bounding_box()["width"] < 250
    draw(page, canvas, STROKES[4][1:])
    assert_same_ink(read_ink(canvas), alone)
    expect(pad.locator(".pad-answer")).to_contain_text("Reads 4")
    page.keyboard.press("c")
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    middle = (0.5, 0.5 + 4 * 8 / 280)
    assert pad.evaluate(RING) == pytest.approx(middle, abs=0.01)
    page.set_viewport_size({"width": 1280, "height": 700})
    assert pad.evaluate(RING) == pytest.approx(middle, abs=0.01)


def test_everything_on_the_pad_has_a_name_and_the_reading_is_announced(open_pad):
    _, pad = open_pad()
    names = re.findall(r'(?m)^\s*- (\w+) "([^"]+)"', pad.aria_snapshot())
    assert {role for role, _ in names} >= {"application", "button", "list", "img"}
    assert pad.get_by_role("status").inner_text() == "Draw a digit."
    expect(pad.locator(".pad-canvas")).to_have_accessible_name("Drawing area, pen up")
    keys = re.compile("arrows move the pen.* Space puts it down or lifts it, Z .* C clears")
    expect(pad.locator(".pad-canvas")).to_have_accessible_description(keys)
    assert pad.locator("canvas:not([aria-label], [role=img] canvas)").count() == 0


def test_feature_maps_are_those_of_the_first_convolution(open_pad, network):
    page, pad = open_pad()
    canvas, maps = pad.locator(".pad-canvas"), pad.locator(".pad-maps canvas")
    assert not any(read_all(maps))
    draw(page, canvas, STROKES[3])
    expect(pad.locator(".pad-answer")).to_contain_text("Reads 3")
    frame = to_mnist_frame(np.frombuffer(read_ink(canvas), np.uint8).reshape(280, 280))
    scaling, convolution = network.layers[:2]
    expected = np.maximum(0, convolution(scaling(frame[np.newaxis])))[0]
    expected *= 255 / np.maximum(expected.max(axis=(0, 1)), 1e-9)
    shown = np.frombuffer(read_all(maps), np.uint8).reshape(16, 24, 24)
    assert np.abs(np.moveaxis(shown, 0, 2) - expected).max() < 5
    pad.get_by_role("button", name="Clear").click()
    expect(pad.locator(".pad-answer")).to_have_text("Draw a digit.")
    assert not any(read_all(maps))


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_bars_pen_and_focus_are_visible_in_forced_colours(scheme, open_pad):
    page, pad = open_pad(forced_colors="active", color_scheme=scheme)
    draw(page, pad.locator(".pad-canvas"), STROKES[0])
    expect(pad.locator(".pad-answer")).to_contain_text("Reads 0")
    fill = pad.locator(".pad-best .pad-fill")
    colour = "each => getComputedStyle(each).backgroundColor"
    assert fill.evaluate(colour) != page.locator("body").evaluate(colour)
    page.keyboard.press("Space")
    pad.screenshot(path=SCREENSHOTS / f"pad-forced-{scheme}.png")
    ring = pad.locator(".pad-pen.pad-down")
    assert ring.evaluate(colour) == "rgb(217, 48, 37)"  # the paper stays white
    for name in ("canvas.pad-canvas", ".pad-undo", ".pad-clear"):
        each = pad.locator(name)
        expect(each).to_be_focused()
        assert each.evaluate(OUTLINE) >= 2
        line = each.evaluate("each => getComputedStyle(each).outlineColor")
        assert line not in (page.locator("body").evaluate(colour), "rgb(26, 115, 232)")
        page.keyboard.press("Tab")


def test_only_pages_with_a_pad_load_its_script():
    pages = [path for path in BOOK.rglob("*.html") if "drawing-pad.js" in path.read_text(encoding="utf-8")]
    assert {page.relative_to(BOOK).with_suffix("").as_posix() for page in pages} == {INDEX, LESSON}
