"""Model files can hold code: wherever one lies, nothing loads it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from stand_ins import pack, pack_idx

ROOT = Path(__file__).resolve().parents[2]
MAKE = """
import pathlib, sys
import keras
folder, canary = map(pathlib.Path, sys.argv[1:])
code = f"(__import__('pathlib').Path({str(canary)!r}).touch(), x)[1]"
layer = keras.layers.Lambda(eval(f"lambda x: {code}"))
network = keras.Sequential([keras.layers.Input((1,)), layer])
for name in ("model.keras", "model.h5"):
    network.save(folder / name)
canary.unlink(missing_ok=True)
"""
LOAD = """
import sys
import keras
keras.models.load_model(sys.argv[1], safe_mode=False)
"""
# All that reads from folders.
USE = """
import os, sys
from mnist_helpers import datasets, mnist_files, models, training
from mnist_helpers.errors import DataError
from mnist_helpers.lessons import texts
from mnist_helpers.recipes import Recipe
from mnist_helpers.study import execute
from pathlib import Path

folder = Path(sys.argv[1])
for name in ("DATA", "CACHE"):
    os.environ[f"MNIST_HELPERS_{name}"] = str(folder / name)
    try:
        print(datasets.load("mnist"))
    except DataError as error:
        print("refused", error)
    os.environ.pop("MNIST_HELPERS_DATA", None)
try:
    mnist_files.read(folder)
except DataError as error:
    print("refused", error)
digits = datasets.load("uci")
training.train(Recipe(train_size=100, epochs=1), digits)
models.build_fast()
texts.find_lessons((), folder / "lessons")
with execute.open_study("quick", folder / "results" / "quick.csv", "uci") as study:
    print(len(study.broken), "set aside")
"""


@pytest.mark.full
def test_model_file_that_carries_code_is_loaded_by_nothing(arrays, tmp_path):
    def run(code, *arguments):
        variables = os.environ | {"PYTHONPATH": str(ROOT), "MNIST_HELPERS_OFFLINE": "1"}
        variables |= {"KERAS_HOME": str(folder / "keras"), "HOME": str(folder)}
        command = [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]
        return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=900)

    folder, source, canary = tmp_path / "home", tmp_path / "source", tmp_path / "canary"
    places = ["", "DATA", "DATA/raw", "DATA/MNIST/raw", "CACHE", "keras/datasets", "keras/models", "results"]
    places += ["results/runs", "lessons", ".keras/datasets", ".keras/models"]
    source.mkdir()
    for place in places:
        (folder / place).mkdir(parents=True, exist_ok=True)
    done = run(MAKE, source, canary)
    assert done.returncode == 0, done.stderr
    for place in places:
        for path in source.iterdir():
            for name in (path.name, f"mnist{path.suffix}", f"0123456789abcdef{path.suffix}"):
                (folder / place / name).write_bytes(path.read_bytes())
    for place, name in (("results/runs", "0123456789abcdef.json"), ("CACHE", "mnist.npz")):
        (folder / place / name).write_bytes((source / "model.keras").read_bytes())
    for name, content in pack_idx(arrays).items():
        (folder / "DATA" / "MNIST" / "raw" / name).write_bytes(content)
    (folder / "keras" / "datasets" / "mnist.npz").write_bytes(pack(**arrays)[:-1])
    (folder / "lessons" / "01_first.py").write_text("# %%\n")
    done = run(USE, folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("refused") >= 2
    assert "1 set aside" in done.stdout
    assert not canary.exists()
    done = run(LOAD, source / "model.keras")
    assert canary.exists(), f"the file must carry code, or the test shows nothing: {done.stderr[-500:]}"
