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
# # 03 · Do smaller weights help?
#
# Previous: [02 · How does a small CNN do, and how much does a run vary?](02_baseline_cnn.ipynb) ·
# Next: [04 · What if a network cannot rely on any one feature?](04_dropout.ipynb)
#
# **Time:** 1 to 2 minutes on 2 CPU cores; an hour with the exercises.
#
# **You will do:** charge a network for large weights, watch what becomes of them, and see when this helps.
#
# **You will learn:** what `kernel_regularizer` adds to the loss; why losses with and without it must not be
# compared; how to read a paired comparison.
#
# **You need:** lesson 02: the network, cross-entropy, overfitting, and why one run is not enough.

# %% tags=["parameters"]
dataset: str = "auto"  # auto, mnist or uci: the images to use
train_size: int = 1_000  # 100 to 50_000: training images of each run
epochs: int = 20  # 1 to 100: passes through the training images
n_seeds: int = 3  # 2 to 20: paired runs of each variant
validation_size: int = 1_000  # 100 to 10_000: validation images that judge

# %%
from mnist_helpers.lessons import parameters

parameters.check()  # types and ranges, as stated above

# %%
from functools import partial

import keras
import numpy as np
from keras import layers, regularizers

from mnist_helpers import datasets, exercises, plots, statistics, training
from mnist_helpers.study import charts, findings, tables

keras.utils.set_random_seed(0)
digits = datasets.load(dataset)
print(digits)

# %% [markdown]
# ## Your guess
#
# We redraw three tenths of the training labels at random. The network of lesson 02 trains on them, without
# and with L2, a penalty on large weights whose strength is called λ. The *length* of all weights says how
# large they are together. Replace `None` by your guesses.

# %%
guess = {
    "training labels learned without a penalty (%)": None,
    "validation accuracy without a penalty (%)": None,
    "validation accuracy with λ = 0.01 (%)": None,
    "λ = 0.0001: length of all weights, end / start": None,
}

# %% [markdown]
# ## The problem: a network learns mistakes too
#
# Real labels contain mistakes. We make some on purpose: [label noise](../docs/glossary.md#label-noise). A
# redrawn label can be any digit, so about a tenth of the redrawn ones stay right. Validation labels stay as
# they are.

# %% tags=["nbval-check-output", "mnist-only", "defaults-only"]
few = digits.subset(train_size, seed=0)
noisy = few.with_label_noise(0.3, seed=0)
wrong = noisy.y_train != few.y_train
print(f"{wrong.sum()} of {len(wrong):,} training labels are now wrong")

# %% tags=["nbval-check-picture", "mnist-only", "defaults-only"]
shown = np.flatnonzero(wrong)[:9]
titles = [f"{few.y_train[i]}, label {noisy.y_train[i]}" for i in shown]
title = f"Nine training images with a wrong label ({digits.name})"
plots.image_grid(noisy.x_train[shown], titles, title=title)

# %% [markdown]
# We use the network of lesson 02 with two changes. The metric `cross_entropy` reports the cross-entropy
# alone, whatever we add to the loss. And Adam's learning rate is twice its default, so that fewer epochs are
# enough to overfit. The argument `penalty` stays empty for now.


# %%
def build(penalty=None):
    relu = {"activation": "relu", "kernel_regularizer": penalty}
    network = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, (3, 3), **relu),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(64, (3, 3), **relu),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(64, (3, 3), **relu),
            layers.Flatten(),
            layers.Dense(64, **relu),
            layers.Dense(10, activation="softmax", kernel_regularizer=penalty),
        ]
    )
    clean = keras.metrics.SparseCategoricalCrossentropy("cross_entropy")
    network.compile(
        optimizer=keras.optimizers.Adam(2e-3),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy", clean],
    )
    return network


# %% [markdown]
# The *length* of all [kernels](../docs/glossary.md#kernel) (weights without biases) is the square root of
# their summed squares. A [callback](../docs/glossary.md#callback), an object whose methods Keras calls during
# training, notes it after each epoch, for later.


# %%
def length(network):
    kernels = [w for w in network.get_weights() if w.ndim > 1]
    return float(np.sqrt(sum((kernel**2).sum() for kernel in kernels)))


class WeightLength(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs):
        logs["weight_length"] = length(self.model)


# %%
train = partial(
    training.compare,
    digits=digits,
    seeds=range(n_seeds),
    train_size=train_size,
    epochs=epochs,
    label_noise=0.3,
    validation_size=validation_size,
    callbacks=[WeightLength()],
)
runs, networks = train({"baseline": build})


# %%
def by_epoch(name, key):
    return [run.history[key] for run in runs[name]]


accuracies = {
    "baseline, training": by_epoch("baseline", "accuracy"),
    "baseline, validation": by_epoch("baseline", "val_accuracy"),
}
plots.lines(
    accuracies,
    title=f"Accuracy on given labels and on new images ({digits.name})",
    xlabel="epoch",
    ylabel="accuracy",
    horizontal={"right labels": 1 - wrong.mean()},
)

# %%
learned = np.mean([run.train_accuracy for run in runs["baseline"]])
new = np.mean(accuracies["baseline, validation"], axis=0)
print(f"training labels learned in the end: {learned:.1%}")
print(f"validation: best epoch {new.max():.1%}, last epoch {new[-1]:.1%}")
long_enough = epochs >= 15 and train_size >= 500  # quick runs are not
assert not long_enough or new[-1] < new.max() - 0.02, "no overfitting?"

# %% [markdown]
# The dotted line is the share of training labels that are right. A network that learned digits and no
# mistakes would stay below it. Where the solid line crosses it, the network is learning mistakes by heart.
# Meanwhile it gets worse at new images (dashed).
#
# ## The idea: charge for large weights
#
# A network that gives one image a wrong label, and similar images the right one, must change its output
# steeply from one to the other. That takes large weights.
# [L2 regularization](../docs/glossary.md#l2-regularization) adds a price on the weights $w_i$ to the
# cross-entropy $C$:
#
# $$L = C + \lambda \sum_i w_i^2 \qquad\Rightarrow\qquad
# \frac{\partial L}{\partial w_i} = \frac{\partial C}{\partial w_i} + 2 \lambda w_i$$
#
# $L$ is what Keras calls `loss`, $C$ our `cross_entropy`, the sum is `length(network) ** 2`. We choose λ
# before training: it is a [hyperparameter](../docs/glossary.md#hyperparameter). Each step pulls each weight
# towards 0, in proportion to its size. A weight stays large only if the data push back.
#
# Source: A. Krogh and J. A. Hertz, "A Simple Weight Decay Can Improve Generalization", NIPS 4 (1991).
#
# ## The penalty by hand
#
# We give a dense layer weights that we know. Keras stores its penalty in `layer.losses`.

# %% tags=["nbval-check-output"]
layer = layers.Dense(2, kernel_regularizer=regularizers.L2(0.01))
layer.build((None, 3))
kernel = np.array([[1, -2], [0, 3], [2, 1]], dtype="float32")
layer.set_weights([kernel, np.zeros(2)])
print("Keras:  ", round(float(layer.losses[0]), 4))
print("by hand:", 0.01 * (1 + 4 + 0 + 9 + 4 + 1))

# %% [markdown]
# Now we apply the pull alone, without data. Each step of gradient descent multiplies each weight by
# $1 - 2 \eta \lambda$, where $\eta$ is the step size. Hence the second name,
# [weight decay](../docs/glossary.md#weight-decay).

# %% tags=["nbval-check-output"]
weights = np.array([1.0, -2.0, 3.0])
step_size, strength = 0.5, 0.1
for _ in range(10):
    weights = weights - step_size * 2 * strength * weights
print("after ten steps:", weights.round(4))
print("factor:         ", round((1 - 2 * step_size * strength) ** 10, 4))

# %% [markdown]
# ## The penalty in a network
#
# In a network of your own, the penalty is one argument of a layer. `compile` and `fit` stay as they are:
#
# ```python
# layers.Dense(64, activation="relu", kernel_regularizer=regularizers.L2(0.01))
# ```
#
# `build` hands its `penalty` on to all five layers that have weights. In the log, `loss` minus
# `cross_entropy` is the penalty, as a mean over the epoch:

# %%
network = build(regularizers.L2(0.01))
print(f"penalty before training: {0.01 * length(network) ** 2:.2f}")
history = network.fit(noisy.x_train, noisy.y_train, epochs=2, verbose=2)

# %% [markdown]
# Before training, the penalty is about as large as the cross-entropy of a network that only guesses. The
# first steps shrink it fast.
#
# ## Does it help?
#
# We train two variants: λ = 0.0001, as in the article that this series follows, and a λ a hundred times as
# large. Each seed draws its own training images, wrong labels and initial weights, the same for all variants.

# %%
weak, strong = "L2, λ = 0.0001", "L2, λ = 0.01"
variants = {
    weak: partial(build, regularizers.L2(0.0001)),
    strong: partial(build, regularizers.L2(0.01)),
}
more_runs, more_networks = train(variants)
runs |= more_runs
networks |= more_networks

# %%
curves = {name: by_epoch(name, "val_accuracy") for name in runs}
title = f"Validation accuracy after noisy labels ({digits.name})"
plots.lines(curves, title=title, xlabel="epoch", ylabel="accuracy")

# %%
accuracy = {
    name: [100 * run.validation_accuracy for run in same]
    for name, same in runs.items()
}
gain = np.subtract(accuracy[strong], accuracy["baseline"]).mean()
if digits.name == "MNIST" and long_enough:
    assert gain > 0, "L2 did not help: are the labels redrawn?"
statistics.table(accuracy, "baseline")

# %% [markdown]
# `minus baseline` is the mean of *paired* differences, in percentage points: each run minus the baseline with
# the same seed. `low` and `high` bound its 95 %
# [confidence interval](../docs/glossary.md#confidence-interval): if we repeated the comparison many times
# with new seeds, about 95 of 100 such intervals would contain the true difference. With few seeds they are
# wide. If one contains 0, these runs cannot tell the two variants apart, and the verdict is *undecided*.
#
# The strong penalty wins clearly on MNIST. Whether the article's λ helps, these runs cannot tell. But see the
# figure: in its best epoch, the baseline is about as good as the strong penalty, and gets worse later. Lesson
# 06 is about that epoch.
#
# ## Never compare the raw loss
#
# The loss that Keras reports is cross-entropy plus penalty; we call it the *raw loss*. The figure shows it
# and the cross-entropy alone for λ = 0.01, on the validation images, in [nats](../docs/glossary.md#nat), the
# unit of the natural logarithm. For the baseline they are equal.

# %%
judged = {
    "baseline": by_epoch("baseline", "val_cross_entropy"),
    "L2, raw loss": by_epoch(strong, "val_loss"),
    "L2, cross-entropy": by_epoch(strong, "val_cross_entropy"),
}
title = f"One network, two numbers: λ = 0.01 ({digits.name})"
plots.lines(judged, title=title, xlabel="epoch", ylabel="nats", y_log=True)

# %%
plain, raw, clean = (np.mean(curve, axis=0) for curve in judged.values())
disagree = 1 + np.flatnonzero((clean < plain) & (plain < raw))
print("raw loss says worse, cross-entropy says better, in epochs", disagree)
assert (raw > clean).all(), "the raw loss must hold the penalty"
kept = np.mean([run.validation_loss for run in runs[strong]])
assert abs(kept - clean[-1]) < 0.01, "the helper must leave out the penalty"
if digits.name == "MNIST" and long_enough:
    assert len(disagree) > 2, "raw loss and cross-entropy should disagree"

# %% [markdown]
# In these epochs λ = 0.01 has the higher raw loss, although its cross-entropy is lower. Compare
# cross-entropies. (On the UCI digits, the list can be empty.)
#
# ## Why: what becomes of the weights
#
# The figure follows the networks of the last seed. All start from the same weights.

# %%
keras.utils.set_random_seed(n_seeds - 1)  # as `compare` before it builds
start = length(build())
lengths = {
    name: [start, *by_epoch(name, "weight_length")[-1]] for name in runs
}
title = f"A stronger penalty keeps the weights shorter ({digits.name})"
where = {"xlabel": "epoch (0: before training)", "ylabel": "length"}
plots.lines(lengths, range(epochs + 1), title=title, **where)

# %%
growth = {name: line[-1] / start for name, line in lengths.items()}
print({name: f"end / start {factor:.2f}" for name, factor in growth.items()})
assert growth["baseline"] > growth[weak] > growth[strong], "λ must shorten"

# %% [markdown]
# A penalty need not make weights smaller than they were at the start. The data lengthen them and the penalty
# pulls back. With the article's λ they shrink at first, then grow, and end longer than they began. With
# λ = 0.01 the pull wins at once and for good.
#
# What do short weights prevent? We ask each network about the training images with wrong labels.

# %%
few = digits.subset(train_size, n_seeds - 1)
noisy = few.with_label_noise(0.3, n_seeds - 1)
wrong = noisy.y_train != few.y_train
answers = {}
for name, network in networks.items():
    said = network.predict(noisy.x_train[wrong], verbose=0).argmax(axis=1)
    fooled = said == noisy.y_train[wrong]
    right = said == few.y_train[wrong]
    answers[name] = {
        "its wrong label": 100 * fooled.mean(),
        "the true digit": 100 * right.mean(),
        "any other digit": 100 * (~fooled & ~right).mean(),
    }
title = f"What a network says about mislabelled images ({digits.name})"
plots.bars(answers, title=title, xlabel="", ylabel="share of them (%)")

# %% [markdown]
# On MNIST, the network without a penalty repeats most of the mistakes it was taught. With λ = 0.01 it gives
# the true digit of most of these images, although nobody told it. Whatever keeps a network from fitting its
# training images too closely is called [regularization](../docs/glossary.md#regularization).
#
# ## What the article did
#
# The article adds L2 with λ = 0.0001, trains once on clean labels, and finds "a little improvement". One run
# cannot show that (lesson 02). Here there is much to repair, but our runs detect no effect of that λ either.
#
# ## The evidence
#
# The study of lesson 02 asks 18 times whether L2 makes a difference, with true and with redrawn labels. What
# it asks, and what we *expected*, was written down before its first run. *Seeds* is the number of pairs: two
# runs with the same seed see the same images in the same order. A *constant* learning rate stays the same, as
# in our runs. An [annealed](../docs/glossary.md#annealed) one falls to 0, so that the last steps hardly move
# the weights. The picture shows the difference from the baseline, epoch by epoch, at a constant rate and with
# true labels; its bands are 95 % intervals.

# %% tags=["nbval-check-picture"]
courses = findings.read_courses()
charts.draw_courses(courses, ["L2"])

# %% [markdown]
# Many comparisons give many chances to be fooled. So the table's intervals are widened: if we repeated the
# whole study 100 times, at least 95 times every interval of a family, a planned group of comparisons, would
# contain the true difference. If an interval lies above 0 we say *higher*, below 0 *lower*. *Within ±0.5*
# means that it includes 0 and lies within a [margin](../docs/glossary.md#margin) that the plan names: if
# there is a difference, it is too small to matter. [Undecided](../docs/glossary.md#undecided) is everything
# else.

# %% tags=["nbval-check-output"]
tables.tabulate_technique(courses, "L2")

# %% [markdown]
# What the study lets us say, with the interval in parentheses:
#
# - After 100 epochs on 1,000 images with an annealed learning rate, L2 changes accuracy by less than 0.5
#   points (-0.49 to +0.11 points). (`L2-1000-ends`)
# - After 40 epochs on 5,000 images with an annealed learning rate, L2 changes accuracy by less than 0.2
#   points (-0.11 to +0.08 points). (`L2-5000-ends`)
# - After 15 epochs on 40,000 images with an annealed learning rate, it is undecided whether L2 changes
#   accuracy (-0.10 to +0.11 points). (`L2-40000-ends`)
# - After 100 epochs on 1,000 images with an annealed learning rate, L2 lowers cross-entropy by 0.018 nats
#   (0.002 to 0.033). (`L2-1000-ends-cross-entropy`)
# - After 15 epochs on 40,000 images with an annealed learning rate, L2 lowers cross-entropy by 0.009 nats
#   (0.004 to 0.014). (`L2-40000-ends-cross-entropy`)
# - After 30 epochs on 1,000 images with 30 % of their labels redrawn, it is undecided whether L2 with λ =
#   0.001 changes accuracy (-2.58 to +2.08 points). (`L2-0.001-1000-noise`)
# - After 20 epochs on 5,000 images with 30 % of their labels redrawn, L2 with λ = 0.001 raises accuracy by
#   10.69 points (7.66 to 13.71). (`L2-0.001-5000-noise`)
# - After 30 epochs on 1,000 images with 30 % of their labels redrawn, L2 with λ = 0.01 raises accuracy by
#   10.85 points (8.55 to 13.16). (`L2-0.01-1000-noise`)
#
# So the article's λ = 0.0001 leaves accuracy as it is, or nearly: at 40,000 images the interval reaches just
# beyond the margin. It does lower cross-entropy, at every size, by little. Where labels are redrawn, λ = 0.01
# is worth more than ten points. So is λ = 0.001 with 5,000 images, while with 1,000 it is undecided. "Does L2
# help?" is no question without its λ and its data.

# %% [markdown]
# ## AdamW: decay outside the loss
#
# With Adam, an L2 penalty and weight decay are not the same. Adam divides each gradient, the penalty's part
# included, by a running estimate of its size, so a weight with large gradients is pulled less.
# [AdamW](../docs/glossary.md#adamw) shrinks all weights by the same share, in a step of its own. Two weights
# show the difference: the first gets large gradients from the data, the second small ones.


# %% tags=["nbval-check-output"]
def train_two_weights(optimizer, strength):
    weights = keras.Variable([1.0, 1.0])
    data = np.array([10.0, 0.1], dtype="float32")
    for step in range(100):
        push = data * (-1) ** step  # its mean is 0: it pushes nowhere
        optimizer.apply([push + 2 * strength * weights], [weights])
    return np.round(keras.ops.convert_to_numpy(weights), 2)


adam, adamw = keras.optimizers.Adam, keras.optimizers.AdamW
print("Adam with L2:", train_two_weights(adam(0.01), 0.05))
print("AdamW:       ", train_two_weights(adamw(0.01, weight_decay=1.0), 0))

# %% [markdown]
# This lesson has not measured which of the two gives better networks, so it gives no advice.
#
# ## Exercises
#
# Each cell runs as it stands. Put in your answer and run it again: the check says what is right or wrong.
# To run a solution, copy it into a cell.
#
# ### Exercise 1 · Predict: what does the raw loss hide?
#
# The last run with λ = 0.01 ended with the two numbers below. What was its cross-entropy on the validation
# images? Work it out before you look at `run.history`.


# %% tags=["check"]
@exercises.exercise(
    expects="a number, such as 1.234",
    second_hint="The penalty is λ times the sum of squares, length².",
    because="Raw loss minus λ × length² leaves the cross-entropy.",
)
def check_cross_entropy(answer):
    last = {key: v[-1] for key, v in runs["L2, λ = 0.01"][-1].history.items()}
    raw, size = last["val_loss"], last["weight_length"]
    typical = {
        raw: "That is the raw loss. The penalty is still in it.",
        raw - 0.01 * size: "You took off λ × length: what is squared?",
        raw + 0.01 * size**2: "The loss already contains the penalty once.",
        0.01 * size**2: "That is the penalty. What is left of the loss?",
    }
    value = float(answer)
    if abs(value - last["val_cross_entropy"]) < 0.005:
        return None
    for number, hint in typical.items():
        if abs(value - number) < 0.005:
            return hint
    return "Find the penalty first, from λ and the length."


# %%
run = runs["L2, λ = 0.01"][-1]
raw, size = run.history["val_loss"][-1], run.history["weight_length"][-1]
print(f"λ = 0.01, raw validation loss {raw:.3f}, length {size:.2f}")
answer = None  # your answer: a number
check_cross_entropy(answer)

# %% tags=["solution"]
answer = raw - 0.01 * size**2  # the penalty is λ times the squared length
check_cross_entropy(answer)

# %% tags=["right"]
check_cross_entropy(np.float32(round(run.validation_loss, 3)))

# %% tags=["right"]
check_cross_entropy(f"{run.history['val_cross_entropy'][-1]:.3f}")

# %% tags=["wrong"]
# still in it
check_cross_entropy(raw)

# %% tags=["wrong"]
# what is squared
check_cross_entropy(raw - 0.01 * size)

# %% tags=["wrong"]
# contains the penalty once
check_cross_entropy(raw + 0.01 * size**2)

# %% tags=["wrong"]
# What is left
check_cross_entropy(0.01 * size**2)

# %% tags=["wrong"]
# Find the penalty first
check_cross_entropy(-1)

# %% tags=["error"]
# a number, such as
check_cross_entropy("small")

# %% [markdown]
# ### Exercise 2 · Modify: penalise the dense layers only
#
# Write a function `build_dense(penalty)` that returns the same network, but with the penalty on the kernels
# of its two dense layers alone. You can copy `build` and edit it. Your answer is the function itself.


# %% tags=["check"]
@exercises.exercise(
    expects="a function that takes a regularizer and returns a network",
    second_hint="Only `Dense(...)` gets `kernel_regularizer=penalty`.",
    because="The penalty covers both dense kernels, and nothing else.",
)
def check_dense(answer):
    network = answer(regularizers.L2(0.5))
    network(digits.x_train[:1])  # creates all weights
    price = {"Dense": [], "Conv2D": []}
    for layer in network.layers:
        if layer.weights:
            layer.bias.assign(np.ones(layer.bias.shape))
            squared = layer.kernel.numpy() ** 2
            price[type(layer).__name__].append(0.5 * float(squared.sum()))
    found = float(sum(network.losses))
    dense, conv = sum(price["Dense"]), sum(price["Conv2D"])
    if np.isclose(found, dense, rtol=1e-4) and len(price["Conv2D"]) == 3:
        return None
    if found == 0:
        return "No layer has a penalty: hand yours on to the layers."
    if np.isclose(found, dense + conv, rtol=1e-4):
        return "The convolutions are penalised too."
    if np.isclose(found, price["Dense"], rtol=1e-4).any():
        return "One dense layer is still free."
    return "The penalty covers something else: biases, or other layers?"


# %% tags=["nbval-check-output"]
def build_dense(penalty):
    return build(penalty)  # edit: here all five layers are penalised


answer = None  # your answer: build_dense, once you have edited it
check_dense(answer)


# %% tags=["solution"]
def build_with_free_convolutions(penalty):
    relu = {"activation": "relu", "kernel_regularizer": penalty}
    convolutions = build().layers[:-2]  # without a penalty, up to Flatten
    network = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *convolutions,
            layers.Dense(64, **relu),
            layers.Dense(10, activation="softmax", kernel_regularizer=penalty),
        ]
    )
    loss = "sparse_categorical_crossentropy"
    network.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    return network


check_dense(build_with_free_convolutions)


# %% tags=["right"]
def build_by_add(rule):
    network = keras.Sequential(build().layers[:-2])
    network.add(layers.Dense(64, "relu", kernel_regularizer=rule))
    network.add(layers.Dense(10, "softmax", kernel_regularizer=rule))
    return network


check_dense(build_by_add)

# %% tags=["wrong"]
# convolutions are penalised too
check_dense(build)

# %% tags=["wrong"]
# No layer has a penalty
check_dense(lambda penalty: build())


# %% tags=["wrong"]
# still free
def build_last_only(penalty):
    last = layers.Dense(10, "softmax", kernel_regularizer=penalty)
    return keras.Sequential([*build().layers[:-1], last])


check_dense(build_last_only)


# %% tags=["wrong"]
# something else
def build_with_biases(penalty):
    both = {"kernel_regularizer": penalty, "bias_regularizer": penalty}
    head = [layers.Dense(64, "relu", **both), layers.Dense(10, **both)]
    return keras.Sequential([*build().layers[:-2], *head])


check_dense(build_with_biases)

# %% tags=["error"]
# a function that takes
check_dense("build_dense")

# %% [markdown]
# ### Exercise 3 · Break it: what does λ = 1 leave?
#
# A penalty can be too strong. Predict the cross-entropy on validation images after training with λ = 1, to
# one decimal. Then remove the `#` signs, train (a few seconds), and answer.


# %% tags=["check"]
@exercises.exercise(
    expects="a number, such as 1.2",
    second_hint="Lesson 02 computed the loss of a network that knows nothing.",
    because="All weights are near 0, so each digit gets 1/10: log 10 = 2.3.",
)
def check_broken(answer):
    value = float(answer)
    if abs(value - np.log(10)) < 0.06:
        return None
    if abs(value - 0.1) < 0.001:
        return "That is each digit's probability. The loss is minus its log."
    if value < 0.1:
        return "Near 0 means sure and right. Can it be, with weights near 0?"
    if value > 3:
        return "Worse than a guess means sure and wrong. Sure of what?"
    return "What does a network say when all its weights are almost 0?"


# %% tags=["nbval-check-output"]
# broken = build(regularizers.L2(1.0))
# broken.fit(noisy.x_train, noisy.y_train, epochs=10, verbose=0)
# print(training.evaluate(broken, digits.x_validation, digits.y_validation))
answer = None  # your answer: a number
check_broken(answer)

# %% tags=["solution"]
broken = build(regularizers.L2(1.0))
broken.fit(noisy.x_train, noisy.y_train, epochs=10, verbose=0)
images, labels = digits.x_validation[:1_000], digits.y_validation[:1_000]
answer, share = training.evaluate(broken, images, labels)
print(f"cross-entropy {answer:.3f}, accuracy {share:.1%}")  # a guess's
check_broken(answer)

# %% tags=["right"]
check_broken("2.3")

# %% tags=["wrong"]
# minus its log
check_broken(0.1)

# %% tags=["wrong"]
# Can it be
check_broken(0)

# %% tags=["wrong"]
# Sure of what
check_broken(100)

# %% tags=["wrong"]
# almost 0
check_broken(0.7)

# %% tags=["error"]
# a number, such as
check_broken("high")

# %% [markdown]
# ## Quiz
#
# **1. Network A reports `val_loss` 0.31 with L2, network B 0.29 without. Which is better on new images?**
# (a) A, (b) B, (c) these numbers cannot tell.
#
# <details><summary>Answer</summary>
#
# (c). A's number contains the penalty, so its cross-entropy is below 0.31, and may be below 0.29. (b)
# compares a loss with a penalty to one without. (a) may be true, but nothing here says so: compare
# cross-entropies.
#
# </details>
#
# **2. L2 minus baseline: −0.2 points, interval [−0.7, +0.3]. What follows?**
# (a) L2 has no effect, (b) L2 is slightly worse, (c) anything from −0.7 to +0.3 fits these runs.
#
# <details><summary>Answer</summary>
#
# (c). (a) takes "not detected" for "not there". (b) takes the mean for the truth: an interval that
# contains 0 leaves even the sign open. More seeds would narrow it.
#
# </details>
#
# **3. You use Adam with L2. Which of two equal weights is pulled towards 0 more slowly?**
# (a) the one with large gradients from the data, (b) the one with small ones, (c) both alike.
#
# <details><summary>Answer</summary>
#
# (a). Adam divides the whole gradient, penalty included, by its usual size. (c) is true of plain gradient
# descent and of AdamW. (b) is the wrong way round.
#
# </details>
#
# ## Your guesses, and what came out
#
# Accuracies are means over the seeds.

# %%
found = [
    100 * learned,
    *map(np.mean, (accuracy["baseline"], accuracy[strong])),
]
found = [float(round(value, 1)) for value in found] + [round(growth[weak], 2)]
exercises.compare_guesses(guess, dict(zip(guess, found, strict=True)))

# %% tags=["headline"]
found = statistics.paired_difference(accuracy[strong], accuracy["baseline"])
print(f"noisy labels, λ = 0.01: accuracy {found} ({digits.name})")

# %% [markdown]
# ## Recap: do smaller weights help?
#
# - **They help where a network should not learn all of its training data.** With wrong labels, a strong
#   penalty kept the network from learning them by heart. On true labels, the article's weak λ = 0.0001
#   lowers cross-entropy a little and hardly changes accuracy; the study tried no stronger one there.
# - L2 adds λ times the sum of the squared weights to the loss; its gradient pulls each weight towards 0.
# - Compare cross-entropies, never raw losses.
# - A penalty pulls against the data; weights need not end smaller than they began.
#
# **In practice:** choose λ on validation images, on a logarithmic scale; report differences over several
# seeds with their intervals.
#
# **Sources:** Krogh and Hertz, 1991. I. Loshchilov and F. Hutter, "Decoupled Weight Decay Regularization",
# ICLR 2019. C. Zhang et al., "Understanding Deep Learning Requires Rethinking Generalization", ICLR 2017,
# for networks that learn random labels by heart. Tanner Abraham, "Classify Handwritten-Digits With
# Tensorflow", 2021.
#
# **Next:** [04 · What if a network cannot rely on any one feature?](04_dropout.ipynb)
