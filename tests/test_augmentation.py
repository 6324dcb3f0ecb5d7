"""Random changes of images: only in training, within their ranges, drawn from Keras's global seed."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers

from mnist_helpers import augmentation, datasets

IMAGES = datasets.load("uci").x_train[:64].astype("float32")


def change(ranges, images=IMAGES, training=True, seed=1):
    keras.utils.set_random_seed(seed)
    return np.asarray(augmentation.build_layers(ranges)(images, training=training))


@pytest.mark.parametrize("name", augmentation.NAMED)
def test_images_change_in_training_and_not_in_use(name):
    ranges = augmentation.NAMED[name]
    changed = change(ranges)
    assert changed.shape == IMAGES.shape
    assert (np.abs(changed - IMAGES).max(axis=(1, 2, 3)) > 10).all()
    assert changed.min() >= -0.01
    assert changed.max() <= 255.01
    assert np.array_equal(change(ranges, training=False), IMAGES)


def test_same_global_seed_draws_the_same_changes_another_draws_others():
    assert np.array_equal(change(augmentation.GENTLE), change(augmentation.GENTLE))
    assert not np.allclose(change(augmentation.GENTLE), change(augmentation.GENTLE, seed=2))


def test_each_image_and_each_call_is_changed_in_its_own_way():
    keras.utils.set_random_seed(1)
    stack = augmentation.build_layers(augmentation.GENTLE)
    first, second = (np.asarray(stack(np.repeat(IMAGES[:1], 8, axis=0), training=True)) for _ in range(2))
    assert len({image.tobytes() for image in (*first, *second)}) == 16


def test_kinds_of_change_are_drawn_independently():
    """Equal seeds, given to each layer, would turn and shift alike."""
    keras.utils.set_random_seed(1)
    turn, shift = augmentation.build_layers(replace(augmentation.GENTLE, zoom=0, shear=0)).layers
    dot = np.zeros((200, 28, 28, 1), "float32")
    dot[:, 13:15, 20:22] = 1  # right of the centre: a turn moves it up or down, a shift does too
    rows = np.arange(28)[None, :, None, None]
    up = [(np.asarray(layer(dot, training=True)) * rows).sum(axis=(1, 2, 3)) / 4 for layer in (turn, shift)]
    assert abs(np.corrcoef(up)[0, 1]) < 0.25


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("rotation", layers.RandomRotation),
        ("shift", layers.RandomTranslation),
        ("zoom", layers.RandomZoom),
        ("shear", layers.RandomShear),
        ("horizontal_flip", layers.RandomFlip),
    ],
)
def test_a_range_alone_brings_its_layer_alone(name, kind):
    found = augmentation.build_layers(augmentation.Ranges(**{name: True if "flip" in name else 0.1})).layers
    assert [type(layer) for layer in found] == [kind]


def test_article_has_all_five_kinds():
    assert len(augmentation.build_layers(augmentation.ARTICLE).layers) == 5


def test_shift_stays_within_its_share_of_the_width():
    dot = np.zeros((500, 28, 28, 1), "float32")
    dot[:, 14, 14] = 1
    moved = change(augmentation.Ranges(shift=0.1), dot)[..., 0]
    for axis in (1, 2):
        centres = (moved.sum(axis=axis) * np.arange(28)).sum(axis=1) - 14
        assert np.abs(centres).max() == pytest.approx(2.8, abs=0.1)


def test_rotation_is_in_degrees():
    bar = np.zeros((500, 28, 28, 1), "float32")
    bar[:, 13:15, 2:26] = 1
    turned = change(augmentation.Ranges(rotation=10), bar)[..., 0]
    y, x = np.mgrid[:28, :28] - 13.5
    angles = np.degrees(np.arctan2((turned * x * y).sum(axis=(1, 2)), (turned * x * x).sum(axis=(1, 2))))
    assert np.abs(angles).max() == pytest.approx(10, abs=0.7)


def test_flip_mirrors_about_half_of_the_images_and_nothing_else():
    changed = change(augmentation.Ranges(horizontal_flip=True), np.repeat(IMAGES, 4, axis=0))
    originals = np.repeat(IMAGES, 4, axis=0)
    mirrored = (changed == originals[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (mirrored | (changed == originals).all(axis=(1, 2, 3))).all()
    assert 0.35 < mirrored.mean() < 0.65


@pytest.mark.parametrize(("mode", "border"), [("constant", 0), ("nearest", 255)])
def test_border_is_paper_or_repeats_the_edge(mode, border):
    ink = np.full((50, 28, 28, 1), 255, "float32")
    moved = change(augmentation.Ranges(shift=0.2, fill_mode=mode), ink)
    assert moved.min() == pytest.approx(border, abs=0.01)
