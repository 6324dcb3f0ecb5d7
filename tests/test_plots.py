"""Figures show their data, have a text alternative, and draw a technique the same way everywhere."""

import gc
import io
import struct
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from figures import FIGURES, IMAGES, LABELS, RUNS, make_run
from matplotlib.backends.backend_agg import RendererAgg

from mnist_helpers import figures, plots

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("kind", FIGURES)
def test_figure_states_its_title_and_numbers_and_shows_one_png(kind):
    draw, texts = FIGURES[kind]
    figure = draw()
    assert isinstance(figure, plots.DescribedFigure)
    assert figure.get_suptitle() == "Titled"
    assert figure.alt.startswith("Titled: ")
    assert figure.alt.endswith(".")
    assert ". " not in figure.alt, "one sentence"
    assert [text for text in texts if text not in figure.alt] == []
    data, metadata = figure._repr_mimebundle_()
    assert data.keys() == {"image/png", "text/plain"}
    assert data["text/plain"] == figure.alt
    shown = metadata["image/png"]
    assert shown["alt"] == figure.alt
    width, height = struct.unpack(">II", data["image/png"][16:24])  # of the PNG's header
    assert data["image/png"].startswith(b"\x89PNG")
    assert (width, height) == pytest.approx(200 * figure.get_size_inches(), abs=1)
    assert (shown["width"], shown["height"]) == (width // 2, height // 2), "twice the pixels that are shown"


def test_jupyter_shows_a_figure_once_with_its_alt_text():
    pytest.importorskip("IPython")
    from IPython.core.interactiveshell import InteractiveShell

    figure = FIGURES["bars"][0]()
    data, metadata = InteractiveShell.instance().display_formatter.format(figure)
    assert data.keys() == {"image/png", "text/plain"}
    assert metadata["image/png"]["alt"] == figure.alt


def test_figure_that_was_shown_holds_no_pixels():
    figure = FIGURES["bars"][0]()
    first = figure._repr_mimebundle_()
    gc.collect()
    assert [each for each in gc.get_objects() if isinstance(each, RendererAgg)] == []
    assert figure._repr_mimebundle_() == first, "it can be shown again"


def test_plots_load_neither_pyplot_nor_tensorflow():
    unwanted = {"matplotlib.pyplot", "tensorflow", "keras"}
    code = f"import sys, mnist_helpers.plots; print({unwanted} & {{*sys.modules}})"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"


def test_font_has_all_characters_of_a_figure():
    with io.BytesIO() as buffer:
        FIGURES["curves"][0]().savefig(buffer)  # a missing glyph, such as λ, would warn, which fails here
        assert buffer.tell() > 1000


def look_of(name, others=("x", "y")):
    """Return the colour and marker of a technique when it is drawn after others."""
    values = {each: [0.5, 0.4] for each in (*others, name)}
    line = plots.lines(values, **LABELS).axes[0].lines[-1]
    return line.get_color(), line.get_marker()


def test_look_depends_on_the_technique_and_not_on_its_place():
    for name in ("baseline", "L2", "dropout", "early stopping"):
        assert look_of(name) == look_of(name, others=()) == look_of(name, others=("a", "b"))
    assert look_of("L2, λ = 0.01") == look_of("L2") == look_of("L2, λ = 0.0001", others=())
    assert len({look_of(name) for name in figures.STYLES}) == len(figures.STYLES)


def test_variants_of_a_technique_have_shades_of_its_color_and_markers_of_their_own():
    styles = figures.choose_styles(["L2, λ = 0.001", "L2, λ = 0.01", "L2, λ = 0.1"])
    assert len({color for color, _ in styles.values()}) == 3
    assert len({marker for _, marker in styles.values()}) == 3
    training, validation = figures.choose_styles(["L2", "L2, validation"]).values()
    assert training == validation, "they differ in their dashes"


def test_technique_has_one_color_in_every_kind_of_figure():
    curve = plots.curves({"dropout": make_run(0.5, 0.4)}, title="").axes[0].lines[0].get_color()
    line = plots.lines({"dropout": [1, 2]}, **LABELS).axes[0].lines[0].get_color()
    assert curve == line == look_of("dropout")[0]


def test_training_is_solid_and_validation_dashed():
    for axis in plots.curves(RUNS, title="").axes:
        assert [line.get_linestyle() for line in axis.lines] == ["-", "--"] * 2
        assert "training" in axis.lines[0].get_label()
        assert "validation" in axis.lines[1].get_label()
    drawn = plots.lines({"L2": [1, 2], "L2, validation": [2, 1]}, **LABELS).axes[0].lines
    assert [line.get_linestyle() for line in drawn] == ["-", "--"]


def test_curves_show_cross_entropy_instead_of_loss_and_the_best_epoch():
    axis = plots.curves({"baseline": make_run(0.5, 0.25, 0.375)}, title="", mark_best=True).axes[0]
    assert list(axis.lines[0].get_ydata()) == [0.5, 0.25, 0.375]
    assert list(axis.lines[1].get_ydata()) == [0.625, 0.375, 0.5]
    assert axis.lines[2].get_xdata() == [2, 2]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("epoch", "cross-entropy (nats)")


def test_curves_show_the_loss_of_a_history_without_cross_entropy():
    history = {"loss": [0.5, 0.25], "val_loss": [0.5, 0.75], "accuracy": [0, 1], "val_accuracy": [0, 1]}
    figure = plots.curves({"mine": SimpleNamespace(history=history)}, title="")
    assert "ends at 0.250 in training and 0.750 on validation" in figure.alt


def test_image_grid_shows_ink_dark_and_each_image_whole():
    pale = IMAGES // 2 + 40
    (axis,) = plots.image_grid(pale, title="", columns=4).axes
    shown = axis.images
    assert len(shown) == 11
    last = pale[10, ..., 0].astype(float)
    assert np.allclose(shown[10].get_array(), (last - last.min()) / (last.max() - last.min()))
    left, right, bottom, top = shown[10].get_extent()
    assert (right - left, bottom - top) == pytest.approx((28, 28))
    assert left > shown[9].get_extent()[1]
    assert top > shown[6].get_extent()[2]
    assert {image.get_cmap().name for image in shown} == {"gray_r"}


def test_lines_over_seeds_show_each_seed_thin_and_their_mean_thick():
    drawn = plots.lines({"L2": [[1.0, 2.0], [3.0, 6.0]]}, **LABELS).axes[0].lines
    assert [line.get_ydata().tolist() for line in drawn] == [[1, 2], [3, 6], [2, 4]]
    assert drawn[0].get_linewidth() < drawn[2].get_linewidth()


def test_seeds_that_stopped_early_shorten_the_mean():
    drawn = plots.lines({"L2": [[1.0, 2.0, 3.0], [3.0, 6.0]]}, **LABELS).axes[0].lines
    assert [line.get_ydata().tolist() for line in drawn] == [[1, 2, 3], [3, 6], [2, 4]]


def test_names_stand_at_the_ends_of_lines_and_do_not_overlap():
    figure = plots.lines({name: [1.0, 1.0 + index / 1e3] for index, name in enumerate("abc")}, **LABELS)
    figure.draw_without_rendering()
    boxes = sorted((text.get_window_extent() for text in figure.axes[0].texts), key=lambda box: box.y0)
    assert [text.get_text() for text in figure.axes[0].texts] == ["a", "b", "c"]
    assert all(low.y1 <= high.y0 + 2 for low, high in pairwise(boxes))
    assert min(box.x0 for box in boxes) > figure.axes[0].transData.transform((2, 1))[0]
    assert max(box.x1 for box in boxes) <= figure.bbox.x1


def test_images_can_keep_their_proportions_frames_and_marks():
    images = [np.eye(28), np.eye(13), np.eye(5)]
    (axis,) = plots.image_grid(images, title="", to_scale=True, frame=True, marks={1: (3, 4, 2, 5)}).axes
    widths = [image.get_extent()[1] - image.get_extent()[0] for image in axis.images]
    assert widths == pytest.approx([28, 13, 5])
    assert len(axis.patches) == 4, "three frames and a mark"
    left, _, _, top = axis.images[1].get_extent()
    mark = axis.patches[2]
    assert (mark.get_x() - left, mark.get_y() - top) == pytest.approx((4, 3))
    assert (mark.get_width(), mark.get_height()) == pytest.approx((5, 2))


def test_images_can_share_one_scale_that_keeps_the_sign():
    (axis,) = plots.image_grid([np.eye(2), np.eye(2) / 2], title="", shared_scale=True).axes
    assert [image.get_array().max() for image in axis.images] == [1, 0.5]
    (axis,) = plots.image_grid([-np.eye(2), np.eye(2) / 2], title="", shared_scale=True).axes
    assert axis.images[0].get_array().tolist() == [[0, 0.5], [0.5, 0]]
    assert axis.images[1].get_array().tolist() == [[0.75, 0.5], [0.5, 0.75]]


def test_stacked_bars_end_at_their_sum():
    axis = plots.bars({"a": {"x": 1.0, "y": 0.5}, "b": {"x": 2.0, "y": 3.0}}, **LABELS).axes[0]
    assert [bar.get_y() + bar.get_height() for bar in axis.patches] == [1, 2, 1.5, 5]
    assert [text.get_text() for text in axis.texts] == ["1.5", "5", "x", "y"]


@pytest.mark.parametrize("columns", [1, 2, 9])
def test_long_title_of_an_image_grid_is_shown_whole(columns):
    title = "WM" + "Drawn by three strokes, read as 4 " * 2
    figure = plots.image_grid(IMAGES[:2], title=title, columns=columns)
    figure.draw_without_rendering()
    extent = figure._suptitle.get_window_extent()
    assert extent.x0 > 0
    assert extent.x1 < figure.bbox.x1
