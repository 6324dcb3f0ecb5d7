"""What touches TensorFlow's inside works, and does nothing where that inside has changed."""

import ctypes
import gc
import logging
import os
import subprocess
import sys

import numpy as np
import pytest
from tensorflow.python.framework import ops

from mnist_helpers import _tensorflow, datasets, recipes, training

DIGITS = datasets.load("uci")
TINY = recipes.Recipe(train_size=60, epochs=1, curve_size=0)


def test_silence_keeps_c_code_off_standard_error_and_restores_it(capfd):
    os.write(2, b"before\n")
    with _tensorflow.silence():
        os.write(2, b"noise from C\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "before\nafter\n"
    assert logging.getLogger("tensorflow").level == logging.ERROR


def test_silence_restores_standard_error_after_an_error(capfd):
    with pytest.raises(RuntimeError), _tensorflow.silence():
        raise RuntimeError
    os.write(2, b"still there\n")
    assert capfd.readouterr().err == "still there\n"


def test_training_leaves_no_gradient_function_behind(monkeypatch):
    registry = ops.gradient_registry._registry
    before = set(registry)
    training.train(TINY, DIGITS)
    assert set(registry) == before
    monkeypatch.setattr(_tensorflow, "_gradient_registry", dict)
    training.train(TINY, DIGITS)
    left_behind = set(registry) - before
    assert left_behind, "TensorFlow no longer registers them: forget_gradients can go"
    for name in left_behind:
        del registry[name]


def test_gradient_functions_are_dropped_even_if_training_fails():
    registry = ops.gradient_registry._registry
    before = set(registry)

    @_tensorflow.forget_gradients()
    def fail():
        registry["made inside the block"] = None
        raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert set(registry) == before


def test_missing_registry_is_taken_for_an_empty_one(monkeypatch):
    assert len(_tensorflow._gradient_registry()) > 100
    monkeypatch.setattr(ops.gradient_registry, "_registry", ["not", "a", "dict"])
    assert _tensorflow._gradient_registry() == {}
    monkeypatch.delattr(ops, "gradient_registry")
    assert _tensorflow._gradient_registry() == {}
    with _tensorflow.forget_gradients():
        pass


def test_unreachable_networks_are_collected():
    class Node:
        alive = 0

        def __init__(self):
            self.itself = self
            Node.alive += 1

        def __del__(self):
            Node.alive -= 1

    gc.disable()
    try:
        Node()
        assert Node.alive == 1
        _tensorflow.release_memory()
        assert Node.alive == 0
    finally:
        gc.enable()


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps freed memory and can trim it")
def test_freed_memory_is_returned_to_the_system():
    code = """
import psutil
from mnist_helpers import _tensorflow
blocks = [bytes(50_000) for _ in range(4_000)]
last = bytes(50_000)
before = psutil.Process().memory_info().rss
del blocks
kept = psutil.Process().memory_info().rss
_tensorflow.release_memory()
after = psutil.Process().memory_info().rss
print(before, kept, after)
"""
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    before, kept, after = map(int, output.split())
    assert kept > before - 100e6, "the example no longer shows memory that is kept"
    assert after < before - 100e6


def test_library_without_malloc_trim_is_no_error(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    _tensorflow.release_memory()
    monkeypatch.setattr(ctypes, "CDLL", _refuse)
    _tensorflow.release_memory()


def _refuse(name):
    raise OSError(f"no library {name}")


def test_import_freezes_nothing_and_the_first_training_does():
    code = """
import gc
from mnist_helpers import datasets, recipes, training
imported = gc.get_freeze_count()
tiny = recipes.Recipe(train_size=60, epochs=1, curve_size=0)
training.train(tiny, datasets.load("uci"))
first = gc.get_freeze_count()
training.train(tiny, datasets.load("uci"))
print(imported, first > 100_000, gc.get_freeze_count() <= first)
"""
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.split() == ["0", "True", "True"]


def test_numbers_are_the_same_without_any_of_it(monkeypatch):
    expected = training.train(TINY, DIGITS)[0].get_weights()
    monkeypatch.setattr(_tensorflow, "_gradient_registry", dict)
    monkeypatch.setattr(_tensorflow, "release_memory", lambda: None)
    monkeypatch.setattr(_tensorflow, "freeze_imports", lambda: None)
    found = training.train(TINY, DIGITS)[0].get_weights()
    assert all(map(np.array_equal, found, expected))


RESIDENT = """
import keras, psutil
before = psutil.Process().memory_info().rss
from mnist_helpers import _tensorflow, datasets, recipes, training
after = psutil.Process().memory_info().rss
run = training.train(recipes.Recipe(train_size=60, epochs=1, curve_size=0), datasets.load("uci"))[-1]
print(before, after)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which parts of a library are unwritten")
def test_what_only_the_start_of_tensorflow_needed_does_not_stay_in_memory():
    done = subprocess.run([sys.executable, "-c", RESIDENT], capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert after < before - 100e6
