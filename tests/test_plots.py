"""Figures: each can be read by those who cannot see it, and a technique keeps its look."""

import io
import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mnist_helpers import evidence, plots

ROOT = Path(__file__).resolve().parents[1]
IMAGES = np.random.default_rng(0).integers(0, 256, (11, 28, 28, 1), dtype=np.uint8)


def make_run(*prices):
    prices = np.array(prices)
    metrics = {"loss": prices + 9, "cross_entropy": prices, "accuracy": 1 - prices}
    return SimpleNamespace(
        history={
            f"{part}{k}": (v + bool(part) / 8).tolist() for part in ("", "val_") for k, v in metrics.items()
        }
    )


RUNS = {"baseline": make_run(0.5, 0.25, 0.375), "L2, λ = 0.01": make_run(0.5, 0.4375, 0.125)}
ACCURACY = {
    "baseline": [95.0, 96.0, 95.5],
    "dropout": [96.0, 97.0, 96.75],
    "L2, λ = 0.01": [95.0, 96.5, 95.0],
}
SMALL, FAR = evidence.Difference(-0.2, -0.6, 0.2), evidence.Difference(-13.0, -14.0, -12.0)
PANELS = {
    "accuracy": {"dropout": evidence.Difference(1.0, 0.5, 1.5), "L2": SMALL, "augmentation (article)": FAR},
    "cross-entropy": dict.fromkeys(["dropout", "L2", "other"], evidence.Difference(-0.01, -0.02, 0.0)),
}
STUDY = pd.DataFrame(
    {
        "technique": name,
        "train_size": 1000,
        "seed": seed,
        "test_accuracy": value / 100,
        "test_cross_entropy": 1,
    }
    for name, values in {"baseline": ACCURACY["baseline"], "dropout": ACCURACY["dropout"]}.items()
    for seed, value in enumerate(values)
)
LABELS = {"title": "Titled", "xlabel": "strength", "ylabel": "accuracy (share)"}
# Each kind of figure, and what its text must say.
FIGURES = {
    "image_grid": (
        lambda: plots.image_grid(IMAGES, [*range(11)], title="Titled", columns=4),
        ["11 images in 3 rows", "titled 0, 1, 2"],
    ),
    "image_grid, untitled": (
        lambda: plots.image_grid(IMAGES[..., 0], title="Titled"),
        ["11 images in 2 rows."],
    ),
    "curves": (
        lambda: plots.curves(RUNS, title="Titled", mark_best=True),
        [
            "baseline: cross-entropy ends at 0.375 in training and 0.500 on validation",
            "lowest at epoch 2",
            "L2, λ = 0.01: cross-entropy ends at 0.125",
            "lowest at epoch 3",
        ],
    ),
    "bars": (
        lambda: plots.bars({3: 1234, 4: 0.5}, **LABELS),
        ["Bar chart of accuracy (share): 3: 1,234, 4: 0.5"],
    ),
    "histograms": (
        lambda: plots.histograms({"weights": np.array([[1.0, 3.0]])}, title="Titled", xlabel="weight"),
        ["weights: standard deviation 1"],
    ),
    "confusion": (
        lambda: plots.confusion(np.array([4, 4, 7]), np.array([9, 9, 7]), title="Titled"),
        ["2 of 3 digits are wrong; most often, a 4 is read as 9 (2 times)"],
    ),
    "confusion, all right": (
        lambda: plots.confusion(np.arange(10), np.arange(10), title="Titled"),
        ["0 of 10 digits are wrong"],
    ),
    "differences": (
        lambda: plots.differences(ACCURACY, "baseline", title="Titled", xlabel="points"),
        ["points, mean and 95 % interval", "dropout: +1.08", "higher", "no detectable difference"],
    ),
    "sweep": (
        lambda: plots.sweep([0, 0.5], {"training": [0.1, 0.2], "validation": [0.3, 0.25]}, **LABELS),
        ["accuracy (share) at 0, 0.5.", "training: 0.1, 0.2; validation: 0.3, 0.25"],
    ),
    "sweep over seeds": (
        lambda: plots.sweep([0, 0.5], {"validation": [[0.1, 0.3], [0.5, 0.5]]}, **LABELS),
        ["accuracy (share) at 0, 0.5, means with 95 % intervals", "validation: 0.2, 0.5"],
    ),
    "intervals": (
        lambda: plots.intervals(PANELS, title="Titled", units=["points", "nats"]),
        ["accuracy: dropout: +1.00 [+0.50, +1.50], higher; L2: -0.20", "cross-entropy: dropout: -0.010"],
    ),
    "study": (
        lambda: plots.study(STUDY),
        ["1,000 images: dropout: +1.08", "higher"],
    ),
}


@pytest.mark.parametrize("kind", FIGURES)
def test_figure_says_its_title_and_numbers_and_shows_one_png(kind):
    draw, texts = FIGURES[kind]
    figure = draw()
    assert isinstance(figure, plots.DescribedFigure)
    assert figure.alt.startswith(f"{figure.get_suptitle()}. ")
    assert figure.get_suptitle() == (
        "Titled" if kind != "study" else "Test accuracy against the baseline (the study, MNIST)"
    )
    assert [text for text in texts if text not in figure.alt] == []
    data, metadata = figure._repr_mimebundle_()
    assert data.keys() == {"image/png", "text/plain"}
    assert data["text/plain"] == figure.alt
    assert metadata == {"image/png": {"alt": figure.alt}}
    width, height = struct.unpack(">II", data["image/png"][16:24])  # of the PNG's header
    assert data["image/png"].startswith(b"\x89PNG")
    assert width == pytest.approx(figure.get_size_inches()[0] * 100, abs=1)
    assert height == pytest.approx(figure.get_size_inches()[1] * 100, abs=1)


def test_jupyter_shows_a_figure_once_with_its_alt_text():
    pytest.importorskip("IPython")
    from IPython.core.interactiveshell import InteractiveShell

    figure = FIGURES["bars"][0]()
    data, metadata = InteractiveShell.instance().display_formatter.format(figure)
    assert data.keys() == {"image/png", "text/plain"}
    assert metadata["image/png"]["alt"] == figure.alt


def test_plots_load_neither_pyplot_nor_tensorflow():
    unwanted = {"matplotlib.pyplot", "tensorflow", "keras"}
    code = f"import sys, mnist_helpers.plots; print({unwanted} & {{*sys.modules}})"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"


def test_title_with_a_font_that_lacks_nothing():
    with io.BytesIO() as buffer:
        FIGURES["curves"][0]().savefig(buffer)  # a missing glyph (λ) would warn
        assert buffer.tell() > 1000


def color_of(name, others=("x", "y")):
    """Return the colour and marker of a technique when it is drawn after others."""
    figure = plots.curves(
        {**{other: make_run(0.5, 0.4) for other in others}, name: make_run(0.5, 0.4)}, title=""
    )
    line = figure.axes[0].lines[-1]
    return line.get_color(), line.get_marker()


def test_look_follows_the_technique_not_the_place():
    for name in ("baseline", "L2", "dropout", "early stopping"):
        assert color_of(name) == color_of(name, others=()) == color_of(name, others=("a", "b", "c"))
    assert color_of("L2, λ = 0.01") == color_of("L2") == color_of("L2, λ = 0.0001", others=())
    assert len({color_of(name) for name in plots._STYLES}) == len(plots._STYLES)


def test_technique_has_one_color_in_every_kind_of_figure():
    curve = plots.curves({"dropout": make_run(0.5, 0.4)}, title="").axes[0].lines[0].get_color()
    dots = plots.differences(ACCURACY, "baseline", title="", xlabel="").axes[0].lines[1]
    outline = plots.histograms({"dropout": IMAGES}, title="", xlabel="").axes[0].patches[0].get_edgecolor()
    assert curve == dots.get_color() == color_of("dropout")[0]
    assert tuple(int(curve[i : i + 2], 16) / 255 for i in (1, 3, 5)) == pytest.approx(outline[:3])


def test_training_is_solid_and_validation_dashed():
    for axis in plots.curves(RUNS, title="").axes:
        assert [line.get_linestyle() for line in axis.lines] == ["-", "--"] * 2
        assert "training" in axis.lines[0].get_label()
        assert "validation" in axis.lines[1].get_label()
    lines = {"training": [1, 2], "validation": [2, 1]}
    drawn = plots.sweep([0, 1], lines, **LABELS).axes[0].lines
    assert [line.get_linestyle() for line in drawn] == ["-", "--"]


def test_curves_show_the_cross_entropy_not_the_loss_and_mark_the_best_epoch():
    axis = plots.curves({"baseline": make_run(0.5, 0.25, 0.375)}, title="", mark_best=True).axes[0]
    assert axis.lines[0].get_ydata().tolist() == [0.5, 0.25, 0.375]
    assert axis.lines[1].get_ydata().tolist() == [0.625, 0.375, 0.5]
    assert axis.lines[2].get_xdata() == [2, 2]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("epoch", "cross-entropy (nats)")


def test_curves_take_kerass_history_without_that_metric():
    history = SimpleNamespace(
        history={"loss": [0.5, 0.25], "val_loss": [0.5, 0.75], "accuracy": [0, 1], "val_accuracy": [0, 1]}
    )
    assert (
        "ends at 0.250 in training and 0.750 on validation" in plots.curves({"mine": history}, title="").alt
    )


def test_differences_show_a_dot_a_seed_and_the_interval():
    axis = plots.differences(ACCURACY, "baseline", title="", xlabel="points").axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["dropout", "L2, λ = 0.01"]
    assert axis.lines[1].get_xdata().tolist() == [1.0, 1.0, 1.25]


def test_image_grid_shows_ink_dark_and_each_image_whole():
    (axis,) = plots.image_grid(IMAGES, title="", columns=4).axes
    shown = axis.images
    assert len(shown) == 11
    last = IMAGES[10, ..., 0].astype(float)
    assert np.allclose(shown[10].get_array(), (last - last.min()) / (last.max() - last.min()))
    left, right, bottom, top = shown[10].get_extent()
    assert (right - left, bottom - top) == pytest.approx((28, 28))
    assert left > shown[9].get_extent()[1]
    assert top > shown[6].get_extent()[2]
    assert {image.get_cmap().name for image in shown} == {"gray_r"}


def test_figure_has_error_bars_or_says_why_not():
    pictures = {"image_grid", "image_grid, untitled"}  # show no estimate
    for kind, (draw, _) in FIGURES.items():
        figure = draw()
        bars = [part for axis in figure.axes for part in axis.containers if hasattr(part, "has_xerr")]
        drawn = any(part.has_xerr or part.has_yerr for part in bars)
        note = figure._supxlabel.get_text() if figure._supxlabel else ""
        assert (kind in pictures) + drawn + note.endswith(": no error bars") == 1, kind


def test_far_difference_is_a_number_at_the_edge_and_does_not_squeeze_the_others():
    few = PANELS["accuracy"]
    axis = plots.intervals({"accuracy": {**few, "other": SMALL}}, title="", units=["points"]).axes[0]
    assert [text.get_text() for text in axis.texts] == ["← -13"]
    assert axis.get_xlim() == pytest.approx((-1.725, 1.725))
    assert len(plots.intervals({"accuracy": few}, title="", units=["points"]).axes[0].texts) == 0
    assert plots.intervals({"all far": {"a": FAR}}, title="", units=[""]).axes[0].get_xlim()[0] < -14


def test_one_small_difference_does_not_push_the_others_out():
    found = {"L2": evidence.Difference(0, -0.1, 0.1), "dropout": evidence.Difference(1, 0.5, 1.5)}
    found |= dict.fromkeys(["combined", "other"], evidence.Difference(2, 1.5, 2.5))
    assert len(plots.intervals({"accuracy": found}, title="", units=[""]).axes[0].texts) == 0


def test_figure_of_the_study_leaves_out_one_technique_at_each_size():
    figure = plots.study(evidence.read_study())
    left_out = [[text.get_position()[1] for text in axis.texts] for axis in figure.axes]
    article = list(plots._STYLES).index("augmentation (article)") - 1  # the baseline has no row
    assert left_out == [[article]] * 3


@pytest.mark.parametrize("columns", [1, 2, 9])
def test_long_title_of_an_image_grid_is_shown_whole(columns):
    figure = plots.image_grid(
        IMAGES[:2], title="WM" + "Drawn by three strokes, read as 4 " * 2, columns=columns
    )
    figure.draw_without_rendering()
    title = figure._suptitle.get_window_extent()
    assert title.x0 > 0
    assert title.x1 < figure.bbox.x1


def test_swept_seeds_have_the_interval_of_their_mean():
    axis = plots.sweep(["a", "b"], {"training": [[1.0, 2.0, 6.0], [1.0, 1.0, 1.0]]}, **LABELS).axes[0]
    low, high = axis.containers[0][2][0].get_segments()[0][:, 1]
    assert (low + high) / 2 == pytest.approx(3)
    assert high - low == pytest.approx(2 * evidence.half_interval(np.array([1.0, 2.0, 6.0])))
