"""Figures and lessons serve people with low vision, colour blindness or a screen reader.

The tests of published notebooks check that each of their figures has an alt text.
"""

import re
from itertools import combinations, pairwise
from pathlib import Path

import jupytext
import numpy as np
import pytest
from figures import FIGURES, make_run
from matplotlib import colors
from matplotlib.text import Text

from mnist_helpers import figures, plots

ROOT = Path(__file__).resolve().parents[1]
# What people see who lack one kind of cone: matrices for linear RGB, at full severity (Machado, Oliveira and
# Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", 2009).
VISIONS = {
    "full": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
# CIE XYZ of linear sRGB (IEC 61966-2-1); the middle row is the luminance.
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
MIN_DISTANCE = 15  # in CIELAB: about 2 is visible side by side, thin lines need several times that
MIN_TEXT_CONTRAST = 4.5  # WCAG 2.2, criterion 1.4.3
MIN_GRAPHICS_CONTRAST = 3.0  # WCAG 2.2, criterion 1.4.11


def linearize(color, alpha=None, behind="white"):
    """Return the linear RGB of a colour over the one behind it."""
    *rgb, opacity = colors.to_rgba(color, alpha)
    shown = opacity * np.array(rgb) + (1 - opacity) * np.array(colors.to_rgb(behind))
    return np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)


def contrast(color, alpha=None, behind="white"):
    """Return the contrast of a colour with the one behind it, 1 to 21, as WCAG defines it."""
    low, high = sorted(TO_XYZ[1] @ linearize(*each) for each in [(color, alpha, behind), (behind,)])
    return (high + 0.05) / (low + 0.05)


def measure_distance(one, other, vision):
    """Return the distance of two colours in CIELAB, as people with this vision see them."""
    labs = []
    for color in (one, other):
        seen = np.clip(np.array(VISIONS[vision]) @ linearize(color), 0, 1)
        part = TO_XYZ @ seen / TO_XYZ.sum(axis=1)
        x, y, z = np.where(part > (6 / 29) ** 3, np.cbrt(part), part * (29 / 6) ** 2 / 3 + 4 / 29)
        labs.append([116 * y, 500 * (x - y), 200 * (y - z)])
    return np.linalg.norm(np.subtract(*labs))


def find_confusions(palette):
    """Yield the pairs of colours that look alike to some people."""
    for vision in VISIONS:
        for one, other in combinations(palette, 2):
            if (distance := measure_distance(one, other, vision)) < MIN_DISTANCE:
                yield f"{one} and {other} are {distance:.0f} apart ({vision})"


def find_faint(figure):
    """Yield the texts, lines and patches of too little contrast; grid lines are decoration."""
    for text in figure.findobj(Text):
        if text.get_text() and contrast(text.get_color(), text.get_alpha(), behind(text)) < MIN_TEXT_CONTRAST:
            yield f"text {text.get_text()!r}"
    for axis in figure.axes:
        for line in axis.lines:
            if contrast(line.get_color(), line.get_alpha()) < MIN_GRAPHICS_CONTRAST:
                yield f"line {line.get_label()}"
        for patch in axis.patches:
            edge = patch.get_edgecolor() if patch.get_edgecolor()[3] else patch.get_facecolor()
            if contrast(edge, patch.get_alpha()) < MIN_GRAPHICS_CONTRAST:
                yield f"patch {patch.get_label()}"


def behind(text):
    """Return the colour behind a text: that of its cell in a confusion matrix, or white."""
    axis = text.axes
    if axis is None or not axis.images or axis.images[0].get_array().shape != (10, 10):
        return "white"
    image = axis.images[0]
    column, row = text.get_position()
    return image.to_rgba(image.get_array())[row, column] if text in axis.texts else "white"


def find_alike(figure):
    """Yield the line styles and markers that entries of one legend share: only their colours differ."""
    for axis in figure.axes:
        handles = [getattr(handle, "lines", (handle,))[0] for handle in axis.get_legend_handles_labels()[0]]
        looks = [(each.get_linestyle(), getattr(each, "get_marker", str)()) for each in handles]
        yield from {look for look in looks if looks.count(look) > 1}


def find_heading_problems(levels):
    """Yield what is wrong with headings of these levels: one title comes first, and no level is skipped."""
    if levels[:1] != [1] or levels.count(1) != 1:
        yield "there must be one title, before all other headings"
    for above, below in pairwise(levels):
        if below > above + 1:
            yield f"heading {below} follows heading {above}"


PALETTE = [color for color, _ in figures.STYLES.values()]
ALL = {
    **{kind: draw for kind, (draw, _) in FIGURES.items()},
    "curves of every technique": lambda: plots.curves(
        {name: make_run(0.5, 0.25) for name in figures.STYLES}, title="", mark_best=True
    ),
    "a confusion of every frequency": lambda: plots.confusion(
        np.repeat(0, 45), np.repeat(np.arange(10), np.arange(10)), title=""
    ),
}


def test_colors_of_techniques_differ_for_any_color_vision():
    assert len(PALETTE) >= 7
    assert list(find_confusions(PALETTE)) == []


def test_colors_that_differ_only_for_some_people_are_found():
    found = list(find_confusions(["#D55E00", "#B8860B"]))
    assert [text.partition("(")[2] for text in found] == ["protanopia)", "deuteranopia)"]


def test_contrast_and_color_distance_follow_their_definitions():
    assert contrast("black") == pytest.approx(21)
    assert contrast("#767676") == pytest.approx(4.54, abs=0.01)  # the lightest grey that WCAG allows for text
    assert contrast("black", alpha=0) == pytest.approx(1)
    assert measure_distance("black", "white", "full") == pytest.approx(100, abs=0.1)
    assert measure_distance("red", "lime", "full") == pytest.approx(170.6, abs=0.5)


@pytest.mark.parametrize("kind", ALL)
def test_figure_is_readable_in_contrast_and_without_color(kind):
    figure = ALL[kind]()
    assert list(find_faint(figure)) == []
    assert list(find_alike(figure)) == []


def test_faint_text_and_lines_that_differ_only_in_color_are_found():
    figure = FIGURES["lines"][0]()
    (axis,) = figure.axes
    for line in axis.lines:
        line.set(linestyle="-", marker="o")
    axis.lines[0].set_color("#56B4E9")
    axis.set_title("pale", color="#777777")
    assert list(find_faint(figure)) == ["text 'pale'", f"line {axis.lines[0].get_label()}"]
    assert list(find_alike(figure)) == [("-", "o")]


@pytest.mark.parametrize("lesson", sorted((ROOT / "lessons").glob("*.py")), ids=lambda path: path.stem)
def test_headings_of_a_lesson_are_in_order(lesson):
    cells = jupytext.read(lesson).cells
    prose = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    prose = re.sub(r"(?ms)^```.*?^```$", "", prose)  # comments in code are no headings
    levels = [len(marks) for marks in re.findall(r"(?m)^(#+) ", prose)]
    assert len(levels) > 5
    assert list(find_heading_problems(levels)) == []


@pytest.mark.parametrize("levels", [[], [2], [1, 2, 1], [1, 3], [2, 1]])
def test_heading_out_of_order_is_found(levels):
    assert list(find_heading_problems([1, 2, 3, 2])) == []
    assert list(find_heading_problems(levels))


def test_every_image_of_the_readme_has_alt_text():
    images = re.findall(r"!\[([^\]]*)\]\(", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert images
    assert all(images)
