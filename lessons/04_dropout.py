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
# # 04 · Drop features at random
#
# Previous: [03 · Penalise large weights](03_l2_regularization.ipynb) ·
# Next: [05 · Change images, keep labels](05_data_augmentation.ipynb)
#
# **Time:** about 1 minute on 2 CPU cores.
#
# **You will do:** draw a dropout mask, watch a network with dropout in training and in use, and vary the
# rate.
#
# **You will learn:** why the features that remain are scaled up; why training accuracy looks too low with
# dropout; where dropout belongs in a convolutional network.
#
# **You need:** lesson 02's network; lesson 03's way to compare over paired seeds.

# %% tags=["parameters"]
dataset: str = "auto"  # auto, mnist or uci: the images to use
train_size: int = 1_000  # 100 to 50_000: training images; few, so that overfitting shows
epochs: int = 10  # 1 to 100: passes over the training images
n_seeds: int = 3  # 2 to 20: paired runs of each variant
validation_size: int = 10_000  # 100 to 10_000: validation images that judge; a twentieth draws the curves

# %%
from dataclasses import replace

import keras
import numpy as np
from keras import layers

from mnist_helpers import datasets, plots, recipes, statistics, training
from mnist_helpers.study import claims, results

keras.utils.set_random_seed(0)
digits = datasets.load(dataset)
print(digits)

# %% [markdown]
# ## The idea: do not rely on any one feature
#
# A network that has few examples can tie its answer to one detail that happens to mark an image. Dropout
# takes each feature away with probability $p$, anew in each training step, so that no detail is there to be
# relied on. The features that stay are divided by $1 - p$:
#
# $$\tilde{x}_i = \frac{m_i}{1 - p}\, x_i, \qquad m_i = 0 \text{ with probability } p \text{, else } 1$$
#
# The division keeps the expected value, $\mathrm{E}[\tilde{x}_i] = x_i$, so in use the layer does nothing.
#
# Source: N. Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting",
# *Journal of Machine Learning Research* 15 (2014).
#
# ## Before you run it
#
# With $p = 0.2$, as in the article: will training accuracy rise or fall? And validation accuracy? Which
# rate will be best of 0, 0.2, 0.5 and 0.8?
#
# ## A mask, by hand
#
# Ten features, all 1, and a rate of one half.

# %% tags=["nbval-check-output"]
rate = 0.5
features = np.ones(10)
mask = np.random.default_rng(seed=1).random(10) >= rate
print("mask:       ", mask.astype(int))
print("after it:   ", features * mask / (1 - rate))
means = np.random.default_rng(seed=2).random((100_000, 10)) >= rate
print("mean of 100,000 masks:", np.round((features * means / (1 - rate)).mean(), 2))

# %% [markdown]
# ## The layer does the same, in training only

# %% tags=["nbval-check-output"]
dropout = layers.Dropout(0.2)
ones = np.ones((1, 10), dtype="float32")
print("training:", keras.ops.convert_to_numpy(dropout(ones, training=True)))
print("in use:  ", keras.ops.convert_to_numpy(dropout(ones, training=False)))

# %% tags=["nbval-check-output"]
many = keras.ops.convert_to_numpy(dropout(np.ones((1000, 100), dtype="float32"), training=True))
print("values that occur:", sorted({float(round(value, 2)) for value in np.unique(many)}))
print("share of zeros:   ", f"{(many == 0).mean():.1f}")
print("in use, unchanged:", bool((keras.ops.convert_to_numpy(dropout(ones)) == ones).all()))

# %% [markdown]
# ## Baseline and variants
#
# Our network has a dropout layer before each of its two dense layers; `build_cnn(dropout_rate=p)` puts them
# there. The recipes differ in the rate and in nothing else; the seeds are the same for all. This cell takes
# most of the lesson's time.

# %%
rates = [0.0, 0.2, 0.5, 0.8]
names = ["baseline", "dropout, rate 0.2", "dropout, rate 0.5", "dropout, rate 0.8"]
baseline = recipes.Recipe(
    train_size=train_size, epochs=epochs, validation_size=validation_size, curve_size=validation_size // 20
)
variants = {name: replace(baseline, dropout_rate=rate) for name, rate in zip(names, rates, strict=True)}
runs, networks = training.compare(variants, digits, range(n_seeds))

# %%
last = {name: runs[name][-1] for name in ("baseline", "dropout, rate 0.5")}
title = f"One seed, without and with dropout of 0.5 ({train_size:,} training images, {digits.name})"
plots.curves(last, title=title)

# %% [markdown]
# ## How to read them: training looks worse than it is
#
# The solid line of the dropout run is measured while features are missing, the dashed one with all of them.
# So the network can look better on new images than on its own training images. That is no miracle; it is
# two networks. Evaluated on the training images with all features, the number is another one:

# %%
run = runs["dropout, rate 0.5"][-1]
print(f"last epoch, features missing: {run.history['accuracy'][-1]:.2%} of the training images")
print(f"afterwards, all features:     {run.train_accuracy:.2%}")

# %% [markdown]
# ## The mechanism: many networks in training, one in use
#
# Each mask leaves another, thinner network, and all of them share their weights. The authors of dropout
# read the full network as an approximate average of those many thin ones, and averages of many models err
# less. One can also read the mask as noise: the next layer has to find the answer from whatever part of the
# features it gets, so it spreads its trust.
#
# The same image goes through the same trained network 200 times. In training mode each pass has another
# mask, hence another answer; in use all answers are equal. The spread also says how much the network's
# answer hangs on single features.

# %%
network = networks["dropout, rate 0.5"]
run_predictions = network.predict(digits.x_validation[:500], verbose=0)
unsure = run_predictions.max(axis=1).argmin()
copies = np.repeat(digits.x_validation[unsure : unsure + 1], 200, axis=0)
modes = {"training": True, "in use": False}
answers = {
    name: keras.ops.convert_to_numpy(network(copies, training=mode))[:, digits.y_validation[unsure]]
    for name, mode in modes.items()
}
label = digits.y_validation[unsure]
plots.histograms(
    answers,
    title=f"200 passes of one {label} that the network is unsure of ({digits.name})",
    xlabel=f"probability of the digit {label}",
)

# %%
print({name: f"spread {values.std():.4f}" for name, values in answers.items()})
assert answers["training"].std() > 1e-3, "two training passes must differ: is dropout in the network?"
assert answers["in use"].std() < 1e-4, "in use, the network must give one answer"

# %% [markdown]
# ## Vary the rate

# %%
plots.sweep(
    rates,
    {
        "training": [[run.train_loss for run in runs[name]] for name in names],
        "validation": [[run.validation_loss for run in runs[name]] for name in names],
    },
    title=f"Dropout rate, {n_seeds} seeds ({digits.name})",
    xlabel="dropout rate",
    ylabel="cross-entropy (nats)",
)

# %% [markdown]
# Training cross-entropy is measured with all features, after training. The distance between the two lines
# is what dropout works on. A rate that is too high slows learning: with the same number of epochs the
# network underfits, and it might catch up with more of them.
#
# Now with the uncertainty. A dot is one seed's difference to the baseline, the marker the mean, the bar its
# 95 % confidence interval.

# %%
accuracy = {name: [100 * run.validation_accuracy for run in runs[name]] for name in names}
plots.differences(
    accuracy,
    "baseline",
    title=f"Dropout against the baseline, {n_seeds} paired seeds ({train_size:,} images, {digits.name})",
    xlabel="difference of validation accuracy (percentage points)",
)

# %%
statistics.table(accuracy, "baseline")

# %% [markdown]
# ## Where it goes in a CNN
#
# Neighbours in a feature map tell nearly the same, so a missing value is guessed from those around it: the
# mask in the middle hides little. `SpatialDropout2D` drops whole maps instead. The usual place is where we
# put it, before dense layers, where each feature has weights of its own.

# %%
block = np.repeat(digits.x_train[:1].astype("float32"), 4, axis=-1)  # four equal maps of one digit
pixelwise = layers.Dropout(0.5)(block, training=True)
mapwise = layers.SpatialDropout2D(0.5, seed=4)(block, training=True)
maps = np.concatenate([np.moveaxis(np.asarray(part)[0], -1, 0) for part in (block, pixelwise, mapwise)])
plots.image_grid(
    maps,
    ["map"] * 4 + ["Dropout"] * 4 + ["SpatialDropout2D"] * 4,
    columns=4,
    title=f"Four feature maps, dropped by value and by map ({digits.name})",
)

# %% [markdown]
# ## What the article did
#
# The article adds dropout of 0.2, trains once, and finds "a little improvement", later even that dropout
# does "by far the better job" of the techniques. Read the verdict for that rate above. It is an answer for
# few training images and a handful of seeds.
#
# ## The evidence: the study
#
# The runs above are few. The study (lesson 02) has dropout at three training sizes, with a rate of 0.5:
# validation images preferred it to the article's 0.2 (`results/earlier/choice.csv`). Read its table and
# figure as in lesson 03: the intervals are adjusted for the number of comparisons, and the last column is
# the smallest true difference that this many seeds find in four of five studies. Its runs have more epochs
# than ours with 1,000 images: results need not agree.

# %% tags=["nbval-check-output"]
study = results.read_study()
results.tabulate_study(study, "dropout")

# %%
results.figure(study, ["dropout"])

# %% [markdown]
# What the study lets us say:
#
# - With 1,000 training images, dropout raises accuracy. (`dropout-1000`)
# - With 1,000 training images, dropout lowers cross-entropy. (`dropout-1000-cross-entropy`)
# - With 50,000 training images, dropout does not detectably change accuracy. (`dropout-50000`)
#
# These claims and the article's, with their numbers:

# %% tags=["nbval-check-output"]
print(claims.format_claims("04"))

# %% tags=["headline"]
found = statistics.paired_difference(accuracy["dropout, rate 0.5"], accuracy["baseline"])
print(f"validation accuracy with dropout 0.5: {found} ({digits.name})")

# %% [markdown]
# ## Recap
#
# - Dropout hides each feature with probability $p$ in training and scales up the rest, so that in use
# nothing needs to be done.
# - Training numbers with dropout are those of a handicapped network: compare on validation images.
# - The rate is chosen on validation data, and a difference is said with its interval.
#
# **In practice:** start with 0.2 to 0.5 before dense layers; train longer than without; try it where
# training and validation curves have parted.
#
# **Sources:** Srivastava et al., 2014. J. Tompson et al., "Efficient Object Localization Using
# Convolutional Networks", CVPR 2015, for dropping whole maps. Tanner Abraham, "Classify Handwritten-Digits
# With Tensorflow", 2021.
#
# **Next:** [05 · Change images, keep labels](05_data_augmentation.ipynb)
