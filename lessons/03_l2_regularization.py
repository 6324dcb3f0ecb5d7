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
# # 03 · Penalise large weights: L2 regularization
#
# Previous: [02 · Train a baseline CNN](02_baseline_cnn.ipynb) ·
# Next: [04 · Drop features at random](04_dropout.ipynb)
#
# **Time:** about 1 minute on 2 CPU cores.
#
# **You will do:** add the squared weights to the loss, see what becomes of the weights, and vary the
# penalty's strength.
#
# **You will learn:** what `kernel_regularizer` computes; why the reported loss is not comparable any more;
# how to compare two methods over paired seeds.
#
# **You need:** lesson 02's network and its curves.

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
from keras import layers, regularizers

from mnist_helpers import datasets, plots, recipes, statistics, training
from mnist_helpers.study import claims, results

digits = datasets.load(dataset)
print(digits)

# %% [markdown]
# ## The idea: simple explanations have small weights
#
# A network that learns noise by heart needs large weights, because its answer must change steeply between
# one training image and the next. So add to the cross-entropy $C$ a price on the weights $w$:
#
# $$L = C + \lambda \sum_i w_i^2 \qquad\Rightarrow\qquad
# \frac{\partial L}{\partial w_i} = \frac{\partial C}{\partial w_i} + 2 \lambda w_i$$
#
# Each step now also pulls each weight towards 0, in proportion to its size. A weight stays large only where
# the data pay for it. Biases are usually left free, and so they are here.
#
# Source: A. Krogh and J. A. Hertz, "A Simple Weight Decay Can Improve Generalization", NIPS 4 (1991).
#
# ## Before you run it
#
# With λ = 0.0001, as in the article: will accuracy rise visibly, a little, or not at all? And with λ =
# 0.01, a hundred times as much? Write down an order of the four strengths 0, 0.0001, 0.001 and 0.01.
#
# ## The penalty alone
#
# One dense layer whose weights we know. Keras adds its penalty to the layer's `losses`; by hand it is the
# same number.

# %% tags=["nbval-check-output"]
layer = layers.Dense(2, kernel_regularizer=regularizers.L2(0.01))
layer.build((None, 3))
layer.set_weights([np.array([[1, -2], [0, 3], [2, 1]], dtype="float32"), np.zeros(2)])
print("Keras:   ", round(float(layer.losses[0]), 4))
print("by hand: ", 0.01 * (1 + 4 + 0 + 9 + 4 + 1))

# %% [markdown]
# And what the penalty's gradient does, with no data at all: ten steps of plain gradient descent shrink each
# weight by the same factor, $(1 - 2 \eta \lambda)$ a step. That is why it is also called *weight decay*.

# %% tags=["nbval-check-output"]
weights, step_size, penalty = np.array([1.0, -2.0, 3.0]), 0.5, 0.1
for _ in range(10):
    weights = weights - step_size * 2 * penalty * weights
print("after ten steps:", weights.round(4))
print("factor:         ", round((1 - 2 * step_size * penalty) ** 10, 4))

# %% [markdown]
# ## Baseline and variants
#
# In the network, `kernel_regularizer=regularizers.L2(λ)` goes into each layer with weights;
# `build_cnn(l2=λ)` does that. The recipes below differ in λ and in nothing else. Each is trained once for
# each seed; a seed draws the training images, their order and the first weights, so that the differences
# within a seed are due to λ. This cell takes most of the lesson's time.

# %%
strengths = [0.0, 1e-4, 1e-3, 1e-2]
names = ["baseline", "L2, λ = 0.0001", "L2, λ = 0.001", "L2, λ = 0.01"]
baseline = recipes.Recipe(
    train_size=train_size, epochs=epochs, validation_size=validation_size, curve_size=validation_size // 20
)
variants = {name: replace(baseline, l2=value) for name, value in zip(names, strengths, strict=True)}
runs, networks = training.compare(variants, digits, range(n_seeds))

# %%
last = {name: runs[name][-1] for name in ("baseline", "L2, λ = 0.0001")}
title = f"One seed, without and with the article's L2 ({train_size:,} training images, {digits.name})"
plots.curves(last, title=title)

# %% [markdown]
# ## How to read them: the raw loss misleads
#
# The figure shows the cross-entropy, not the loss that Keras minimises. The loss holds the penalty too, so
# it can be higher for the penalised network even where the network is better. To compare raw losses is to
# compare a price with a price plus tax.

# %%
penalised = runs["L2, λ = 0.0001"][-1].history
raw, without = penalised["val_loss"][-1], penalised["val_cross_entropy"][-1]
print(f"L2 network on validation images: raw loss {raw:.4f} = cross-entropy {without:.4f} + penalty")
print(f"baseline's cross-entropy:        {runs['baseline'][-1].history['val_cross_entropy'][-1]:.4f}")
assert raw > without, "the raw loss must hold the penalty: is the regularizer in the network?"

# %% [markdown]
# ## The mechanism: what becomes of the weights
#
# All weights of the networks that the last seed gave, biases left out.

# %%
kernels = {
    name: np.concatenate([np.ravel(w) for w in network.get_weights() if w.ndim > 1])
    for name, network in networks.items()
}
shown = {name: kernels[name] for name in ("baseline", "L2, λ = 0.0001", "L2, λ = 0.01")}
plots.histograms(shown, title=f"Weights after training ({digits.name})", xlabel="weight")

# %%
norms = [float(np.linalg.norm(kernels[name])) for name in names]
for name, norm in zip(names, norms, strict=True):
    print(f"{name:15} length of the weight vector {norm:6.2f}")
assert norms[0] > norms[2] > norms[3], "a stronger penalty must give shorter weights"

# %% [markdown]
# The penalty does what its formula says: the stronger it is, the closer the weights gather around 0.
# Whether that helps with new images is another question, and one pair of runs cannot answer it.
#
# ## Vary the strength
#
# The validation images, not the test images, decide which strength is good.

# %%
plots.sweep(
    strengths,
    {
        "training": [[run.train_loss for run in runs[name]] for name in names],
        "validation": [[run.validation_loss for run in runs[name]] for name in names],
    },
    title=f"Strength of the penalty, {n_seeds} seeds ({digits.name})",
    xlabel="λ",
    ylabel="cross-entropy (nats)",
)

# %% [markdown]
# A penalty has a price: the network may fit its training images less well. Its aim is to do better on new
# ones. Where it does worse on both, the penalty is too strong, and the network underfits. Which of the
# three do you see at which λ?
#
# The next figure says how sure we can be. A dot is one seed's difference to the baseline; the marker is
# their mean, the bar its 95 % confidence interval. If the bar crosses 0, these runs cannot tell the two
# apart.

# %%
accuracy = {name: [100 * run.validation_accuracy for run in runs[name]] for name in names}
plots.differences(
    accuracy,
    "baseline",
    title=f"L2 against the baseline, {n_seeds} paired seeds ({train_size:,} images, {digits.name})",
    xlabel="difference of validation accuracy (percentage points)",
)

# %%
statistics.table(accuracy, "baseline")

# %% [markdown]
# ## What the article did
#
# The article sets λ = 0.0001, trains once, and concludes that L2 gives "a little improvement". The row for
# that strength answers it for few training images: read its verdict, and keep in mind that a handful of
# seeds can only see differences that are larger than their interval.
#
# ## The evidence: the study
#
# The runs above are few. The study (lesson 02) has L2 with λ = 0.0001 at three training sizes, always on
# MNIST, judged by the test set; its table names seeds and epochs, and where those are not the ones above,
# results need not agree. Its intervals are wider than they would be for one comparison alone: adjusted
# for their number, all intervals of one measure together hold the truth in 95 of 100 such studies. The
# last column says which true difference so many seeds would have found in four of five studies.

# %% tags=["nbval-check-output"]
study = results.read_study()
results.tabulate_study(study, "L2")

# %%
results.figure(study, ["L2"])

# %% [markdown]
# What the study lets us say:
#
# - With 1,000 training images, L2 does not detectably change accuracy. (`l2-1000`)
# - With 50,000 training images, L2 does not detectably change accuracy. (`l2-50000`)
#
# "Not detectable" is not "none": whatever lies inside an interval is compatible with these runs.
# These claims and the article's, with their numbers:

# %% tags=["nbval-check-output"]
print(claims.format_claims("03"))

# %% [markdown]
# ## AdamW: the same idea, taken out of the loss
#
# In plain gradient descent, penalty and decay are the same thing. In Adam they are not: Adam divides each
# weight's gradient, and with it the penalty's part, by a running estimate of its size, so weights with
# large gradients are penalised less. AdamW shrinks the weights in a step of its own, by the same share for
# all. In Keras it is one line, `keras.optimizers.AdamW(learning_rate=0.001, weight_decay=0.004)`, with no
# regularizer in the network. The next cell shows the difference on two weights of the same size, one with a
# large and one with a small gradient from the data.


# %% tags=["nbval-check-output"]
def train_two_weights(optimizer, penalty):
    weights = keras.Variable([1.0, 1.0])
    for step in range(100):
        data = np.array([10.0, 0.1], dtype="float32") * (-1) ** step  # its mean is 0: it pulls nowhere
        optimizer.apply([data + 2 * penalty * weights], [weights])
    return np.round(keras.ops.convert_to_numpy(weights), 2)


print("Adam with L2:", train_two_weights(keras.optimizers.Adam(0.01), penalty=0.05))
print("AdamW:       ", train_two_weights(keras.optimizers.AdamW(0.01, weight_decay=1.0), penalty=0))

# %% tags=["headline"]
found = statistics.paired_difference(accuracy["L2, λ = 0.0001"], accuracy["baseline"])
print(f"validation accuracy with λ = 0.0001: {found} ({digits.name})")

# %% [markdown]
# ## Recap
#
# - L2 adds λ times the squared weights to the loss; its gradient pulls each weight towards 0.
# - Compare cross-entropies, never the raw loss, because the penalty is part of the raw loss.
# - The weights shrink as λ grows: that is certain. Whether it helps depends on λ and on how much there is to
#   overfit, and is said with an interval.
#
# **In practice:** choose λ on validation images, on a logarithmic scale; with Adam, prefer AdamW.
#
# **Sources:** Krogh and Hertz, 1991. I. Loshchilov and F. Hutter, "Decoupled Weight Decay Regularization",
# ICLR 2019. Tanner Abraham, "Classify Handwritten-Digits With Tensorflow", 2021.
#
# **Next:** [04 · Drop features at random](04_dropout.ipynb)
