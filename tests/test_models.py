"""The network: the article's, with each technique where it belongs."""

import keras
import numpy as np
import pytest

from mnist_helpers import augmentation, datasets, models

IMAGES = datasets.load("uci").x_train[:32]
TECHNIQUES = {
    "baseline": {},
    "l2": {"l2": 1e-4},
    "dropout": {"dropout_rate": 0.2},
    "augmentation": {"augment": augmentation.GENTLE},
    "all": {"l2": 1e-4, "dropout_rate": 0.5, "augment": augmentation.ARTICLE},
}


def kinds(network):
    return [type(layer).__name__ for layer in network.layers]


def same(first, second):
    return all(np.array_equal(*pair) for pair in zip(first, second, strict=True))


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_network_is_the_articles_whatever_the_technique(technique):
    network = models.build_cnn(**TECHNIQUES[technique])
    assert network.count_params() == 93_322
    assert sum(weight.size for weight in network.get_weights() if weight.dtype == np.float32) == 93_322
    flatten = next(layer for layer in network.layers if isinstance(layer, keras.layers.Flatten))
    assert flatten.input.shape == (None, 3, 3, 64)
    assert flatten.output.shape == (None, 576)
    assert network.input_shape == (None, 28, 28, 1)
    answer = np.asarray(network(IMAGES))
    assert answer.shape == (32, 10)
    assert answer.sum(axis=1) == pytest.approx(np.ones(32), abs=1e-5)
    assert (answer >= 0).all()


def test_layers_are_in_the_articles_order():
    parts = ["Conv2D", "MaxPooling2D", "Conv2D", "MaxPooling2D", "Conv2D", "Flatten", "Dense", "Dense"]
    assert kinds(models.build_cnn()) == ["Rescaling", *parts]


def test_dropout_stands_before_each_dense_layer():
    network = models.build_cnn(dropout_rate=0.2)
    assert kinds(network)[-5:] == ["Flatten", "Dropout", "Dense", "Dropout", "Dense"]
    assert [layer.rate for layer in network.layers if "dropout" in layer.name] == [0.2, 0.2]


@pytest.mark.parametrize("technique", ["dropout", "augmentation"])
def test_random_technique_works_in_training_and_not_in_use(technique):
    network = models.build_cnn(**TECHNIQUES[technique], seed=1)
    one, two = (np.asarray(network(IMAGES, training=True)) for _ in range(2))
    assert not np.allclose(one, two)
    plain = models.build_cnn(seed=2)
    plain.set_weights([weight for weight in network.get_weights() if weight.dtype == np.float32])
    assert same(np.asarray(network(IMAGES, training=False)), np.asarray(plain(IMAGES)))


def test_augmentation_comes_first_and_holds_the_ranges_layers():
    network = models.build_cnn(augment=augmentation.ARTICLE)
    expected = augmentation.build_layers(augmentation.ARTICLE)
    assert kinds(network)[:2] == ["Sequential", "Rescaling"]
    assert kinds(network.layers[0]) == kinds(expected)


def test_penalty_is_lambda_times_the_squared_kernels_without_biases():
    network = models.build_cnn(l2=0.01, seed=1)
    network.set_weights([weight + 0.1 * (weight.ndim == 1) for weight in network.get_weights()])
    kernels = [weight for weight in network.get_weights() if weight.ndim > 1]
    assert len(kernels) == 5
    expected = 0.01 * sum((kernel.astype("float64") ** 2).sum() for kernel in kernels)
    assert float(sum(network.losses)) == pytest.approx(expected, rel=1e-5)
    assert models.build_cnn().losses == []


def test_bytes_and_floats_give_the_same_answer_and_ink_counts_from_0_to_1():
    network = models.build_cnn(seed=1)
    on_bytes, on_floats = network(IMAGES), network(IMAGES.astype("float32"))
    assert same(np.asarray(on_bytes), np.asarray(on_floats))
    scaled = np.asarray(network.layers[0](IMAGES))
    assert (scaled.dtype, scaled.min(), scaled.max()) == (np.float32, 0, 1)


def test_weights_follow_the_seed_whatever_the_technique():
    baseline = models.build_cnn(seed=1).get_weights()
    for technique in ("baseline", "l2", "dropout"):
        assert same(models.build_cnn(**TECHNIQUES[technique], seed=1).get_weights()[:2], baseline[:2])
    assert same(models.build_cnn(seed=1).get_weights(), baseline)
    assert not same(models.build_cnn(seed=2).get_weights(), baseline)


def test_without_a_seed_the_global_one_rules():
    keras.utils.set_random_seed(1)
    baseline = models.build_cnn().get_weights()
    keras.utils.set_random_seed(1)
    assert same(models.build_cnn().get_weights(), baseline)
    assert not same(models.build_cnn().get_weights(), baseline)
