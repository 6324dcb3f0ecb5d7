"""Random changes of images: those that Keras's own layers make, in one step, and in training only."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from mnist_helpers import datasets, recipes
from mnist_helpers.augmentation import RandomAffine

BYTES = datasets.load("uci").x_train[:64]
IMAGES = BYTES.astype("float32")
ALL = {**recipes.GENTLE, "horizontal_flip": True}


def change(images=IMAGES, training=True, seed=1, **ranges):
    return np.asarray(RandomAffine(**ranges, seed=seed)(images, training=training))


def change_with(kind, *ranges, mode="constant", images=IMAGES):
    return np.asarray(kind(*ranges, fill_mode=mode)(images, training=True))


@pytest.mark.parametrize("images", [BYTES, IMAGES], ids=["bytes", "floats"])
def test_no_strength_is_the_identity_to_the_last_bit(images):
    assert np.array_equal(change(images), images)


@pytest.mark.parametrize("mode", ["constant", "nearest", "reflect", "wrap"])
@pytest.mark.parametrize("degrees", [20, -35, 90])
def test_rotation_is_that_of_keras(degrees, mode):
    expected = change_with(layers.RandomRotation, (degrees / 360, degrees / 360), mode=mode)
    assert change(rotation=(degrees, degrees), fill_mode=mode) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("mode", ["constant", "nearest"])
@pytest.mark.parametrize("pixels", [2, 2.5, -3])
def test_shift_is_that_of_keras(pixels, mode):
    share = (pixels / 28, pixels / 28)
    expected = change_with(layers.RandomTranslation, share, share, mode=mode)
    assert change(shift=(pixels, pixels), fill_mode=mode) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("factor", [0.2, -0.3])
def test_zoom_is_that_of_keras(factor):
    expected = change_with(layers.RandomZoom, (factor, factor), (factor, factor))
    assert change(zoom=(factor, factor)) == pytest.approx(expected, abs=1e-3)


def test_shear_is_that_of_keras_but_about_the_centre():
    """Keras shears about the upper left corner, and in a direction that it draws: the rest must agree."""
    factor = 2 / 11.5  # sheared about the centre, the image lies two pixels further right and down
    sheared = change(IMAGES[:1], shear=(factor, factor))[:, 5:-5, 5:-5]
    drawn = [
        change_with(layers.RandomShear, (factor,) * 2, (factor,) * 2, images=IMAGES[:1]) for _ in range(20)
    ]
    moved = [np.roll(image, (2, 2), (1, 2))[:, 5:-5, 5:-5] for image in drawn]
    assert min(np.abs(sheared - image).max() for image in moved) < 1e-3


def test_flip_mirrors_about_half_of_the_images_and_nothing_else():
    originals = np.repeat(IMAGES, 4, axis=0)
    changed = change(originals, horizontal_flip=True)
    mirrored = (changed == originals[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (mirrored | (changed == originals).all(axis=(1, 2, 3))).all()
    assert 0.35 < mirrored.mean() < 0.65


def test_all_changes_together_are_the_single_ones_in_turn():
    """A smooth image, so that resampling three times instead of once makes little difference."""
    y, x = np.mgrid[:28, :28] - 13.5
    image = (200 * np.exp(-((x - 2) ** 2 + 2 * (y + 1) ** 2) / 40)).astype("float32")[None, :, :, None]
    strengths = {"rotation": (25, 25), "zoom": (-0.1, -0.1), "shift": (2, 2)}
    one_by_one = image
    for name, strength in strengths.items():
        one_by_one = change(one_by_one, **{name: strength})
    assert change(image, **strengths) == pytest.approx(one_by_one, abs=5)
    assert np.abs(change(image, shift=(2, 2)) - one_by_one).max() > 20


def test_bytes_stay_bytes_and_are_rounded():
    changed, exact = (change(images, **recipes.GENTLE) for images in (BYTES, IMAGES))
    assert changed.dtype == np.uint8
    assert np.array_equal(changed, np.rint(exact))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "uint8", "int32"])
@pytest.mark.parametrize("shape", [(4, 28, 28, 1), (4, 20, 31, 3), (9, 12, 2), (0, 28, 28, 1)])
def test_shape_channels_and_dtype_are_kept(shape, dtype):
    images = np.random.default_rng(0).integers(0, 255, shape).astype(dtype)
    changed = change(images, **ALL)
    assert (changed.shape, changed.dtype) == (shape, dtype)
    layer = RandomAffine(**ALL)
    assert layer.compute_output_shape(shape) == shape
    symbolic = tf.function(lambda batch: layer(batch, training=True)).get_concrete_function(
        tf.TensorSpec((None, *shape[1:]), dtype)
    )
    assert symbolic.output_shapes.as_list() == [None, *shape[1:]]


def test_channels_of_an_image_move_together():
    changed = change(np.repeat(IMAGES, 3, axis=-1), **ALL)
    assert np.array_equal(changed[..., 0], changed[..., 2])


@pytest.mark.parametrize("name", recipes.PRESETS)
def test_images_change_in_training_and_not_at_inference(name):
    changed = change(**recipes.PRESETS[name])
    assert (np.abs(changed - IMAGES).max(axis=(1, 2, 3)) > 10).all()
    assert changed.min() >= -0.01
    assert changed.max() <= 255.01
    assert np.array_equal(change(training=False, **recipes.PRESETS[name]), IMAGES)


def test_seed_draws_the_same_changes_another_seed_others():
    assert np.array_equal(change(**ALL), change(**ALL))
    assert not np.array_equal(change(**ALL), change(**ALL, seed=2))


def test_without_a_seed_the_global_one_rules():
    drawn = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        drawn.append(change(**ALL, seed=None))
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


def test_each_image_and_each_call_is_changed_in_its_own_way():
    layer = RandomAffine(**recipes.GENTLE)
    first, second = (np.asarray(layer(np.repeat(IMAGES[:1], 8, axis=0), training=True)) for _ in range(2))
    assert len({image.tobytes() for image in (*first, *second)}) == 16


def test_changes_are_drawn_independently_and_uniformly():
    layer = RandomAffine(rotation=(5, 30), shift=3, zoom=0.2, seed=1)
    x_x, x_y, to_x, y_x, y_y, to_y, *rest = np.asarray(layer._sample_transforms(4000, np.float32([28, 28]))).T
    degrees = np.degrees(np.arctan2(y_x, x_x))
    zoom_x, zoom_y = np.hypot(x_x, y_x), np.hypot(x_y, y_y)
    down_right = np.linalg.solve(
        np.array([[x_x, x_y], [y_x, y_y]]).transpose(2, 0, 1), 13.5 - np.array([to_x, to_y]).T[..., None]
    )
    right, down = down_right[:, :, 0].T - 13.5
    drawn = {"rotation": (degrees, 5, 30), "right": (right, -3, 3), "down": (down, -3, 3)}
    drawn |= {"zoom x": (zoom_x, 0.8, 1.2), "zoom y": (zoom_y, 0.8, 1.2)}
    for name, (values, low, high) in drawn.items():
        quarters = np.quantile(values, [0, 0.25, 0.5, 0.75, 1])
        assert quarters == pytest.approx(np.linspace(low, high, 5), abs=0.03 * (high - low)), name
    correlation = np.corrcoef([values for values, *_ in drawn.values()]) - np.eye(5)
    assert np.abs(correlation).max() < 0.08
    assert not np.any(rest)


def test_border_is_the_fill_value():
    assert change(np.full_like(IMAGES, 9), shift=(4, 4), fill_value=3.0).min() == 3


def test_layer_saved_in_a_network_comes_back_with_its_ranges(tmp_path):
    network = keras.Sequential([keras.Input((28, 28, 1)), RandomAffine(**recipes.ARTICLE, seed=3)])
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras").layers[0]
    assert loaded.get_config() == network.layers[0].get_config()
    changed = [np.asarray(layer(IMAGES, training=True)) for layer in (loaded, network.layers[0])]
    assert np.array_equal(*changed)


def test_layer_works_in_an_input_pipeline():
    layer = RandomAffine(**ALL)
    pipeline = tf.data.Dataset.from_tensor_slices(BYTES).map(lambda image: layer(image, training=True))
    assert sum(image.shape == (28, 28, 1) for image in pipeline) == len(BYTES)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"rotation": -1}, "rotation=-1: give a number from 0 up, or two"),
        ({"shift": (2, 1)}, r"shift=\(2, 1\): give"),
        ({"shear": float("nan")}, "shear=nan: give"),
        ({"zoom": 1}, "zoom=1: must stay above -1"),
        ({"fill_mode": "mirror"}, "choose constant, nearest, reflect or wrap"),
    ],
)
def test_ranges_that_make_no_sense_are_refused(argument, message):
    with pytest.raises(ValueError, match=message):
        RandomAffine(**argument)
