"""The paper's level follows the light, and lines are told from strokes."""

import numpy as np
import pytest
from strokes import STROKES, draw

from mnist_helpers.drawing.paper import find_paper, find_threshold, remove_lines

SIX = np.asarray(draw(STROKES[6], side=200, pen=10)) / 255


@pytest.mark.parametrize("sign", [1, -1])
def test_level_of_the_paper_follows_ramps_and_edges_of_shadows_under_the_ink(sign):
    ramp = np.linspace(120, 240, 200)[:, np.newaxis] * np.where(np.arange(200) < 90, 1, 0.6)
    ink = ramp * (1 - 0.8 * SIX) if sign > 0 else ramp * (0.2 + 0.8 * SIX)
    paper = ramp if sign > 0 else 0.2 * ramp
    found = find_paper(np.repeat(ink[..., np.newaxis], 3, axis=2), sign)
    assert np.abs(found[..., 1] - paper).max() < 0.12 * paper.max()
    assert np.abs(found[..., 1] - paper).mean() < 2


@pytest.mark.parametrize("slope", [0, 0.05, -0.1])
@pytest.mark.parametrize("upright", [False, True])
def test_line_across_the_picture_goes_and_the_stroke_that_it_crosses_stays(slope, upright):
    line = np.zeros_like(SIX)
    for column in range(200):
        line[round(110 + slope * (column - 100)) :, column][:2] = 0.5
    line = line.T if upright else line
    for pen in (3, 10):
        six = np.asarray(draw(STROKES[6], side=200, pen=pen)) / 255
        left = remove_lines(np.maximum(0.8 * six, line), np.full_like(six, 200))
        assert left[six == 0].mean() < 0.002
        assert left[six == 1].mean() > 0.79


def test_line_that_ends_inside_the_picture_stays():
    bar = np.zeros((200, 200))
    bar[100:103, 50:150] = 0.5
    assert np.array_equal(remove_lines(bar, np.full_like(bar, 200)), bar)


def test_line_on_a_sheet_that_lies_on_a_table_goes():
    paper = np.full((200, 200), 40.0)
    paper[40:160, 40:160] = 220
    line = np.zeros_like(paper)
    line[100:102, 40:160] = 0.5
    assert not remove_lines(line, paper).any()


def test_threshold_lies_between_two_groups_of_values():
    random = np.random.default_rng(0)
    values = np.concatenate([random.normal(0.2, 0.05, 9000), random.normal(0.8, 0.05, 600)])
    assert 0.35 < find_threshold(values) < 0.65
