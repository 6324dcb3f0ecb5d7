"""The network: the article's, with each technique where it belongs."""

import random
import threading
from concurrent import futures

import keras
import numpy as np
import pytest

from mnist_helpers import datasets, models, recipes

IMAGES = datasets.load("uci").x_train[:32]
TECHNIQUES = {
    "baseline": {},
    "l2": {"l2": 1e-4},
    "dropout": {"dropout_rate": 0.2},
    "augmentation": {"augment": recipes.GENTLE},
    "all": {"l2": 1e-4, "dropout_rate": 0.5, "augment": recipes.ARTICLE},
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
    output = np.asarray(network(IMAGES))
    assert output.shape == (32, 10)
    assert output.sum(axis=1) == pytest.approx(np.ones(32), abs=1e-5)
    assert (output >= 0).all()


def test_layers_are_in_the_articles_order():
    parts = ["Conv2D", "MaxPooling2D", "Conv2D", "MaxPooling2D", "Conv2D", "Flatten", "Dense", "Dense"]
    assert kinds(models.build_cnn()) == ["Rescaling", *parts]


def test_activations_are_the_articles():
    found = [getattr(layer, "activation", None) for layer in models.build_cnn().layers]
    weighted = [each.__name__ for each in found if each]
    assert weighted == ["relu", "relu", "relu", "relu", "softmax"]


def test_dropout_stands_before_each_dense_layer():
    network = models.build_cnn(dropout_rate=0.2)
    assert kinds(network)[-5:] == ["Flatten", "Dropout", "Dense", "Dropout", "Dense"]
    assert [layer.rate for layer in network.layers if "dropout" in layer.name] == [0.2, 0.2]


@pytest.mark.parametrize("technique", ["dropout", "augmentation"])
def test_random_technique_works_in_training_and_not_at_inference(technique):
    network = models.build_cnn(**TECHNIQUES[technique], seed=1)
    one, two = (np.asarray(network(IMAGES, training=True)) for _ in range(2))
    assert not np.allclose(one, two)
    plain = models.build_cnn(seed=2)
    plain.set_weights([weight for weight in network.get_weights() if weight.dtype == np.float32])
    assert same(np.asarray(network(IMAGES, training=False)), np.asarray(plain(IMAGES)))


def test_augmentation_comes_first_and_has_the_ranges():
    network = models.build_cnn(augment=recipes.ARTICLE)
    assert kinds(network)[:2] == ["RandomAffine", "Rescaling"]
    assert recipes.ARTICLE.items() <= network.layers[0].get_config().items()


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
    for technique in TECHNIQUES.values():
        weights = models.build_cnn(**technique, seed=1).get_weights()
        assert same([weight for weight in weights if weight.dtype == np.float32], baseline)
    assert not same(models.build_cnn(seed=2).get_weights(), baseline)


@pytest.mark.parametrize("name", ["build_cnn", "build_tuned"])
def test_seed_holds_while_other_threads_draw_from_pythons_generator(name):
    techniques = {"dropout_rate": 0.5, "augment": recipes.ARTICLE}

    def draw():
        while not done.is_set():
            random.random()

    def build():
        network = getattr(models, name)(**techniques, seed=1)
        return [*network.get_weights(), np.asarray(network(IMAGES, training=True))]

    done = threading.Event()
    with futures.ThreadPoolExecutor(1) as thread:
        thread.submit(draw)
        try:
            assert same(build(), build())
        finally:
            done.set()


def test_without_a_seed_the_global_one_rules():
    keras.utils.set_random_seed(1)
    baseline = models.build_cnn().get_weights()
    keras.utils.set_random_seed(1)
    assert same(models.build_cnn().get_weights(), baseline)
    assert not same(models.build_cnn().get_weights(), baseline)


@pytest.mark.parametrize(("build", "parameters"), [("build_fast", 212_682), ("build_tuned", 228_362)])
def test_other_networks_take_the_same_images_and_give_probabilities(build, parameters):
    network = getattr(models, build)(seed=1)
    assert network.count_params() == parameters
    assert network.input_shape == (None, 28, 28, 1)
    output = np.asarray(network(IMAGES))
    assert output.sum(axis=1) == pytest.approx(np.ones(32), abs=1e-5)
    assert np.array_equal(output, np.asarray(network(IMAGES.astype("float32"))))
    assert same(getattr(models, build)(seed=1).get_weights(), network.get_weights())
    assert not same(getattr(models, build)(seed=2).get_weights(), network.get_weights())


@pytest.mark.parametrize("name", ["build_cnn", "build_tuned"])
def test_technique_has_the_settings_that_are_asked_for_in_every_network(name):
    for ranges, rate in ((recipes.ARTICLE, 0.2), (recipes.GENTLE, 0.5)):
        network = getattr(models, name)(augment=ranges, dropout_rate=rate)
        assert ranges.items() <= network.layers[0].get_config().items()
        assert {layer.rate for layer in network.layers if isinstance(layer, keras.layers.Dropout)} == {rate}
        assert np.asarray(network.layers[1](IMAGES)) == pytest.approx(IMAGES / 255, abs=1e-6)


def test_layers_of_the_fast_network_are_in_their_order():
    block = ["Conv2D", "MaxPooling2D", "ReLU"]
    network = models.build_fast()
    assert kinds(network) == ["Rescaling", *block, *block, "Flatten", "Dense", "Dense"]
    activations = [getattr(layer, "activation", None) for layer in network.layers]
    assert activations[-2:] == [keras.activations.relu, keras.activations.softmax]


def test_layers_of_the_tuned_network_are_in_their_order():
    block = ["Conv2D", "BatchNormalization", "ReLU"]
    assert kinds(models.build_tuned()) == ["Rescaling", *5 * block, "Flatten", "Dense"]


def test_fast_network_standardizes_the_pixels():
    scaled = np.asarray(
        models.build_fast().layers[0](np.array([0.0, 0.1307 * 255, 255.0]).reshape(3, 1, 1, 1))
    )
    assert scaled.ravel() == pytest.approx([-0.1307 / 0.3081, 0, (1 - 0.1307) / 0.3081], abs=1e-5)


def test_fast_network_is_the_same_with_augmentation():
    augmented = models.build_fast(augment=recipes.GENTLE, seed=1)
    assert kinds(augmented)[:2] == ["RandomAffine", "Rescaling"]
    assert same(augmented.get_weights(), models.build_fast(seed=1).get_weights())


def test_tuned_network_has_its_techniques_where_they_belong():
    network = models.build_tuned(dropout_rate=0.3, augment=recipes.GENTLE)
    assert kinds(network)[:2] == ["RandomAffine", "Rescaling"]
    assert kinds(network)[-3:] == ["Flatten", "Dropout", "Dense"]
    assert kinds(network).count("BatchNormalization") == kinds(network).count("Conv2D") == 5
    momenta = {getattr(layer, "momentum", 0.9) for layer in network.layers}
    assert momenta == {0.9}, "0.99 would not settle in few epochs"
    assert kinds(models.build_tuned())[0] == "Rescaling"
    assert "Dropout" not in kinds(models.build_tuned())


def test_test_time_augmentation_is_the_mean_over_five_shifts():
    network = models.build_cnn(seed=1)
    images = datasets.load("uci").x_train[:20]  # blank at the borders, so that rolling is shifting
    places = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))
    expected = np.mean([np.asarray(network(np.roll(images, place, (1, 2)))) for place in places], axis=0)
    averaged = models.with_test_time_augmentation(network)
    assert np.asarray(averaged(images)) == pytest.approx(expected, abs=1e-6)
    assert averaged.count_params() == network.count_params()
