"""The comparison of outputs: what may differ, and what is found."""

import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from nbformat.v4 import new_output
from outputs import (
    MOST_LEVELS,
    accept,
    find_changed_line,
    find_changed_pictures,
    find_changes,
    measure_difference,
)


def print_text(text):
    return [new_output("stream", text=text)]


@pytest.mark.parametrize(
    ("old", "new", "tolerance"),
    [
        ("accuracy 98.22%", "accuracy 98.72%", 0.5),
        ("gain +0.10 [-0.04, +0.16]", "gain -0.02 [-0.10, +0.20]", 0.12),
        ("loss 9.5\n", "loss 10.0\n", 0.5),
        ("mean  9.50\nlow   1.00", "mean  10.0\nlow    1.10", 0.5),  # wider numbers move columns
        ("[0.   1.25]", "[0.01 1.25]", 0.1),
        ("rate 1e-05", "rate 2e-05", 0.1),
        ("lost 1,234.5 g", "lost 1,235.0 g", 0.5),
        ("98.3", "98.2", 0.1),
    ],
)
def test_floats_within_the_tolerance_are_accepted_and_listed(old, new, tolerance):
    accepted, changes = accept(print_text(new), print_text(old), {"": tolerance})
    assert accepted == print_text(old)
    assert changes
    assert all(change.is_allowed for change in changes)


@pytest.mark.parametrize(
    ("old", "new", "tolerance", "line"),
    [
        ("accuracy 98.22%", "accuracy 98.73%", 0.5, "98.22 became 98.73 (allowed: ± 0.5)"),
        ("gain +0.30", "gain -0.30", 0.5, "+0.30 became -0.30 (allowed: ± 0.5)"),
        ("50,000 images", "50,001 images", 5, "50,000 became 50,001 (allowed: ± 0)"),
        ("label 6, answer 6", "label 6, answer 5", 5, "6 became 5 (allowed: ± 0)"),
        ("stopped in epoch 3.", "stopped in epoch 4.", 5, "3. became 4. (allowed: ± 0)"),
    ],
)
def test_number_beyond_the_tolerance_and_any_changed_whole_number_are_named(old, new, tolerance, line):
    accepted, changes = accept(print_text(new), print_text(old), {"": tolerance})
    assert accepted == print_text(new)
    assert [str(change) for change in changes if not change.is_allowed] == [line]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("higher 0.50", "lower 0.50"),
        ("0.50 0.60", "0.50 0.60 0.70"),
        ("0.50\n0.60", "0.50 0.60"),
        ("keras 2.21.0", "keras 2.21.1"),
        ("conv2d_1", "conv2d_2"),
        ("loss 0.50", "loss nan"),
    ],
)
def test_text_is_exact_whatever_the_tolerance(old, new):
    assert find_changes(old, new, {"": 1e9}) is None
    assert accept(print_text(new), print_text(old), {"": 1e9}) == (print_text(new), [])


@pytest.mark.parametrize(
    ("tolerances", "allowed"),
    [
        ({"": 0.1, "%": 2.0}, [0.1, 2.0, 2.0]),
        ({"%": 2.0}, [0.0, 2.0, 2.0]),
        ({"": 0.1}, [0.1, 0.1, 0.1]),
    ],
)
def test_percentages_may_have_a_tolerance_of_their_own(tolerances, allowed):
    changes = find_changes("loss 0.50, accuracy 98.1% 1.5 %", "loss 0.51, accuracy 98.2% 1.6 %", tolerances)
    assert [change.allowed for change in changes] == allowed


def test_without_a_tolerance_nothing_is_accepted():
    accepted, changes = accept(print_text("a  1.50"), print_text("a 1.5"), {})
    assert accepted == print_text("a  1.50")
    assert [tuple(change) for change in changes] == [("1.5", "1.50", 0.0)]


def test_table_counts_once_although_it_is_shown_as_html_and_as_text():
    def show(number):
        data = {"text/html": f"<td>{number}</td>", "text/plain": f"0  {number}", "image/png": "x"}
        return [new_output("display_data", data)]

    accepted, [change] = accept(show("1.0"), show("9.0"), {"": 0.5})
    assert (change.old, change.new) == ("9.0", "1.0")
    assert accepted == show("1.0")


def test_first_changed_line_is_named():
    assert find_changed_line(print_text("a\n b\nc"), print_text("a\n x\ny")) == "'x' became 'b'"
    assert find_changed_line(print_text("a\nb"), print_text("a")) == "'' became 'b'"
    assert find_changed_line(print_text("\x1b[38;5;33ma\x1b[0m"), print_text("b")) == "'b' became 'a'"
    assert find_changed_line(print_text("a"), print_text("a")) == ""


def draw(shift=0.0, title="Accuracy", digit=3):
    figure, axes = plt.subplots(1, 2)
    axes[0].plot([0, 1, 2], [1 + shift, 3, 2])
    axes[0].set_title(title)
    random = np.random.default_rng(digit)
    axes[1].imshow(random.random((8, 8)), cmap="gray_r")
    with io.BytesIO() as file:
        figure.savefig(file, format="png")
        picture = base64.b64encode(file.getvalue()).decode()
    plt.close(figure)
    return [new_output("display_data", {"image/png": picture, "text/plain": "a picture"})]


def test_same_picture_is_accepted_and_a_changed_one_is_found():
    same = draw()
    assert find_changed_pictures(draw(), same) == []
    assert find_changed_pictures(draw(shift=0.001), same) == []  # a fraction of a pixel
    for changed in ({"shift": 0.5}, {"title": "Aocuracy at 9"}, {"digit": 4}):
        [line] = find_changed_pictures(draw(**changed), same)
        assert re.fullmatch(rf"picture 1 differs by \d+ levels \(allowed: {MOST_LEVELS} of 255\)", line)


def test_missing_picture_is_found():
    assert find_changed_pictures(print_text("nothing"), draw()) == ["1 pictures became 0"]


def test_difference_is_measured_in_levels():
    def paint(grey):
        with io.BytesIO() as file:
            plt.imsave(file, np.full((200, 300), grey), cmap="gray", vmin=0, vmax=255, format="png")
            return base64.b64encode(file.getvalue()).decode()

    assert measure_difference(paint(100), paint(140)) == 40
