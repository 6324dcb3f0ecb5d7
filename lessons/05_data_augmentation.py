# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags
#     notebook_metadata_filter: -jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 05 · Change images, keep labels: data augmentation
#
# Previous: [04 · Drop features at random](04_dropout.ipynb) ·
# Next: [06 · Stop in time](06_early_stopping.ipynb)
#
# **Time:** about 1 minute on 2 CPU cores.
#
# **You will do:** look at changed digits, find out which changes keep a label, and train with gentle
# and with harmful ones.
#
# **You will learn:** which knowledge augmentation brings in; how to see whether it reaches `fit` at all;
# what it costs.
#
# **You need:** lesson 02's network; lesson 03's way to compare over paired seeds.

# %% tags=["parameters"]
dataset: str = "auto"  # auto, mnist or uci: the images to use
train_size: int = 1_000  # 100 to 50_000: training images; few, so that overfitting shows
epochs: int = 16  # 1 to 100: passes over the training images
n_seeds: int = 3  # 2 to 20: paired runs of each variant
validation_size: int = 10_000  # 100 to 10_000: validation images that judge; a twentieth draws the curves

# %%
import timeit
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import layers
from scipy import ndimage

from mnist_helpers import augmentation, datasets, models, plots, recipes, statistics, training
from mnist_helpers.study import claims, results

keras.utils.set_random_seed(0)
digits = datasets.load(dataset)
print(digits)

# %% [markdown]
# ## The idea: say what does not matter
#
# A seven that leans a little is still a seven. We know that; the network does not, unless it sees both. If
# a change $T$ keeps the label, each training pair gives many:
#
# $$(x, y) \;\longrightarrow\; (T(x), y) \qquad \text{for random } T$$
#
# The network never sees the same pixels twice, so it can hardly learn them by heart. But the statement must
# be true: a change that turns one digit into another teaches a falsehood. And it is no new handwriting: all
# copies of a seven come from the same pen. Augmentation spreads out what is known about the data, it does
# not replace more data.
#
# Source: P. Y. Simard, D. Steinkraus and J. C. Platt, "Best Practices for Convolutional Neural Networks
# Applied to Visual Document Analysis", ICDAR 2003, which used it on MNIST.
#
# ## Before you run it
#
# Which of these keep every digit's label: a turn by 10°, a turn by 180°, a shift by two pixels, a mirror
# image? The article allows turns up to 40°, shifts and zooms of a fifth, and mirror images. Will that help,
# do nothing, or harm?
#
# ## The changes alone
#
# Two sets of ranges: rotation in degrees, shift in pixels, zoom and shear as fractions. Each change is drawn
# between minus and plus its range, anew for each image and epoch.

# %% tags=["nbval-check-output"]
for name in ("gentle", "article"):
    print(name, recipes.PRESETS[name])


# %%
def change(images, ranges):
    """Return changed copies of images."""
    return np.asarray(augmentation.RandomAffine(**ranges)(images, training=True))


digit = np.repeat(digits.x_train[:1], 18, axis=0)
title = f"A {digits.y_train[0]} and what gentle changes make of it ({digits.name})"
plots.image_grid(np.concatenate([digit[:1], change(digit[1:], recipes.GENTLE)]), title=title)

# %%
title = f"The same {digits.y_train[0]} under the article's ranges ({digits.name})"
plots.image_grid(np.concatenate([digit[:1], change(digit[1:], recipes.ARTICLE)]), title=title)

# %% [markdown]
# ## Which changes keep a label?
#
# A six turned by half is a nine. Long before that, a turn makes it hard to say which. And a mirror image is
# no digit at all for 2, 3, 5 and 7, while 0, 1 and 8 hardly change. What keeps a label depends on the data:
# a mirrored cat is a cat.

# %%
six, nine = (digits.x_train[np.flatnonzero(digits.y_train == label)[0]] for label in (6, 9))
angles = [0, 40, 90, 180]
turned = [ndimage.rotate(image[..., 0], angle, reshape=False) for image in (six, nine) for angle in angles]
titles = [f"{label}, {angle}°" for label in (6, 9) for angle in angles]
plots.image_grid(turned, titles, columns=8, title=f"A six and a nine, turned ({digits.name})")

# %%
samples = np.array([digits.x_train[np.flatnonzero(digits.y_train == label)[0]] for label in range(10)])
pairs = np.concatenate([samples, samples[:, :, ::-1]])
titles = [*range(10), *["mirrored"] * 10]
plots.image_grid(pairs, titles, columns=10, title=f"Each digit and its mirror image ({digits.name})")

# %% [markdown]
# ## What the article did: a generator that `fit` never saw
#
# The article builds Keras's old `ImageDataGenerator` with seven arguments, and then trains with the arrays,
# as before. Nothing connects the two. It reports "no improvement", which is what must happen when nothing
# has changed. (It also counts its shear in degrees, where 0.2 is invisible.)

# %%
generator = tf.keras.preprocessing.image.ImageDataGenerator(
    rotation_range=40, width_shift_range=0.2, height_shift_range=0.2, shear_range=0.2,
    zoom_range=0.2, horizontal_flip=True, fill_mode="nearest",
)  # fmt: skip
seen = next(generator.flow(digit[1:], batch_size=17, shuffle=False, seed=0))
title = f"What the article's generator makes, if it is asked ({digits.name})"
plots.image_grid(np.concatenate([digit[:1], seen]), title=title)

# %% [markdown]
# The test of such a claim is short: train with and without a generator, from the same seed. If all
# weights come out the same to the last bit, the generator took no part.


# %% tags=["nbval-check-output"]
def train_briefly(build_generator):
    keras.utils.set_random_seed(1)
    network = models.build_cnn(seed=1)
    network.compile("adam", "sparse_categorical_crossentropy")
    if build_generator:
        tf.keras.preprocessing.image.ImageDataGenerator(rotation_range=40, horizontal_flip=True)
    network.fit(digits.x_train[:256], digits.y_train[:256], epochs=1, verbose=0)
    return network.get_weights()


without, with_generator = train_briefly(False), train_briefly(True)
print("same weights:", all(np.array_equal(a, b) for a, b in zip(without, with_generator, strict=True)))

# %% [markdown]
# ## Really applied
#
# Here the changes are a layer of the network, `build_cnn(augment=ranges)`: they cannot be forgotten on the
# way to `fit`, and they do nothing at inference. The recipes differ in the ranges and in nothing else. This
# cell takes most of the lesson's time.

# %%
baseline = recipes.Recipe(
    train_size=train_size, epochs=epochs, validation_size=validation_size, curve_size=validation_size // 20
)
variants = {
    "baseline": baseline,
    "augmentation (gentle)": replace(baseline, augmentation="gentle"),
    "augmentation (article)": replace(baseline, augmentation="article"),
}
runs, networks = training.compare(variants, digits, range(n_seeds))

# %%
first_layer = networks["augmentation (gentle)"].layers[0]
images = digits.x_train[:9]
assert not np.array_equal(first_layer(images, training=True), images), "the changes must reach training"
assert np.array_equal(first_layer(images, training=False), images), "and must not reach inference"
last = {name: run[-1] for name, run in runs.items()}
title = f"One seed without and with augmentation ({train_size:,} training images, {digits.name})"
plots.curves(last, title=title)

# %% [markdown]
# ## How to read them
#
# Training is harder than use now: solid lines are measured on changed images, dashed ones on images as they
# are. With gentle changes the two stay close, because there is little to learn by heart. With the article's
# ranges both stay poor: the network spends itself on digits that nobody writes.
#
# ## Vary the strength

# %%
names = list(variants)
plots.sweep(
    ["none", "gentle", "article"],
    {
        "training": [[run.train_loss for run in runs[name]] for name in names],
        "validation": [[run.validation_loss for run in runs[name]] for name in names],
    },
    title=f"Ranges of the changes, {n_seeds} seeds ({digits.name})",
    xlabel="ranges",
    ylabel="cross-entropy (nats), unchanged images",
)

# %% [markdown]
# With the uncertainty: a dot is one seed's difference to the baseline, the marker the mean, the bar its 95
# % confidence interval.

# %%
accuracy = {name: [100 * run.validation_accuracy for run in runs[name]] for name in names}
plots.differences(
    accuracy,
    "baseline",
    title=f"Augmentation against the baseline, {n_seeds} paired seeds ({train_size:,} images, {digits.name})",
    xlabel="difference of validation accuracy (percentage points)",
)

# %%
statistics.table(accuracy, "baseline")

# %% [markdown]
# ## What it costs
#
# The changes are computed on the processor that trains. Keras has a layer for each kind, and four in a row
# resample each image four times. A turn, a shift, a zoom and a shear are all affine, though: each is a
# matrix, and the product of matrices is a matrix. `RandomAffine` multiplies them first and resamples once,
# which also blurs less.

# %%
paper = {"fill_mode": "constant"}
four_layers = keras.Sequential(
    [
        layers.RandomRotation(10 / 360, **paper),  # a share of a full turn
        layers.RandomTranslation(2 / 28, 2 / 28, **paper),  # a share of height and width
        layers.RandomZoom(0.1, 0.1, **paper),
        layers.RandomShear(0.1, 0.1, **paper),
    ]
)
one_layer = augmentation.RandomAffine(**recipes.GENTLE)
batch, rate = digits.x_train[:256].astype("float32"), {}
for name, layer in {"four Keras layers": four_layers, "RandomAffine": one_layer}.items():
    compiled = tf.function(lambda images, layer=layer: layer(images, training=True))
    compiled(batch)  # the first call builds the graph
    rate[name] = 20 * len(batch) / timeit.timeit(lambda change=compiled: change(batch), number=20)
    print(f"{name:17} {rate[name]:9,.0f} images a second")
print(f"one instead of four: {rate['RandomAffine'] / rate['four Keras layers']:.1f} times as fast")

# %% [markdown]
# And in training? The first run of a variant also builds its graph, so the fastest run of each counts. The
# other price is hidden in the curves: a harder task takes more epochs, so a comparison at equal epochs is a
# little unfair to augmentation, and one at equal time more so. With few images an epoch is short, and what
# it costs beside its images counts as well; `make bench` measures the ratio on all of them.

# %%
seconds = {name: min(run.seconds for run in runs[name]) / epochs for name in names}
pd.DataFrame(
    {
        "seconds an epoch": seconds,
        "times the baseline": {name: value / seconds["baseline"] for name, value in seconds.items()},
    }
).round(2)

# %% [markdown]
# ## The evidence: the study
#
# The runs above are few, and have fewer epochs than the study's with as many images. The study (lesson
# 02) has both ranges at three training sizes; read its table and figure as in lesson 03: the intervals
# are adjusted for the number of comparisons, and the last column says which true difference so many seeds
# would have found in four of five studies.

# %% tags=["nbval-check-output"]
study = results.read_study()
results.tabulate_study(study, "augmentation (gentle)")

# %% tags=["nbval-check-output"]
results.tabulate_study(study, "augmentation (article)")

# %%
results.figure(study, ["augmentation (gentle)", "augmentation (article)"])

# %% [markdown]
# What the study lets us say:
#
# - With 1,000 training images, augmentation (gentle) raises accuracy. (`gentle-1000`)
# - With 50,000 training images, augmentation (gentle) does not detectably change accuracy.
#   (`gentle-50000`)
# - With 50,000 training images, augmentation (gentle) does not detectably change calibration error.
#   (`gentle-50000-calibration`)
# - With 1,000 training images, augmentation (article) lowers accuracy. (`article-ranges-1000`)
# - With 50,000 training images, augmentation (article) lowers accuracy. (`article-ranges-50000`)
#
# The calibration error asks whether a network that is 90 % sure is right in nine of ten cases. It can show
# what accuracy near its ceiling hides. These claims and the article's, with their numbers:

# %% tags=["nbval-check-output"]
print(claims.format_claims("05"))

# %% tags=["headline"]
found = {name: statistics.paired_difference(accuracy[name], accuracy["baseline"]) for name in names[1:]}
gentle, article = found["augmentation (gentle)"], found["augmentation (article)"]
print(f"validation accuracy, gentle: {gentle}; article's ranges: {article} ({digits.name})")

# %% [markdown]
# ## Recap
#
# - Augmentation states which changes do not matter. True statements help, false ones harm.
# - Look at changed images before you train on them: if you hesitate to read one, so will the network.
# - Check that the changes reach `fit`. Equal weights to the last bit are proof that they did not.
#
# **In practice:** begin gently, put the changes into the network or the input pipeline where they cannot be
# bypassed, and train longer than without.
#
# **Sources:** Simard, Steinkraus and Platt, 2003. C. Shorten and T. M. Khoshgoftaar, "A survey on Image
# Data Augmentation for Deep Learning", *Journal of Big Data* 6 (2019). Tanner Abraham, "Classify
# Handwritten-Digits With Tensorflow", 2021.
#
# **Next:** [06 · Stop in time](06_early_stopping.ipynb)
