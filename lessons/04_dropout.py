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
# # 04 · What if a network cannot rely on any one feature?
#
# Previous: [03 · Do smaller weights help?](03_l2_regularization.ipynb) ·
# Next: [05 · Which changes keep the label?](05_data_augmentation.ipynb)
#
# **Time:** 1 to 2 minutes on 2 CPU cores; an hour with the exercises.
#
# **You will do:** delete features from a trained network, train a network that is used to missing ones, and
# see when it wins.
#
# **You will learn:** what a dropout layer does in training and at inference; why the training accuracy that
# `fit` reports looks too low; why the same rate hurts early and helps late.
#
# **You need:** lesson 02's network and overfitting; lesson 03's paired comparison and its intervals.

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
from keras import layers

from mnist_helpers import datasets, exercises, plots, statistics, training
from mnist_helpers.study import charts, findings, tables

keras.utils.set_random_seed(0)
digits = datasets.load(dataset)
images = digits.x_validation[:validation_size]
labels = digits.y_validation[:validation_size]
print(digits)

# %% [markdown]
# ## Your guess
#
# [Dropout](../docs/glossary.md#dropout) deletes features, numbers inside a network, at random while it
# trains; its *rate* is the share that it deletes. The *log* is what `fit` reports. The last guess asks from
# which epoch on validation loss is lower with dropout than without. Replace `None` by your guesses.

# %%
guess = {
    "accuracy after half of the features are deleted (%)": None,
    "rate 0.5: training accuracy in the log (%)": None,
    "rate 0.5: validation accuracy (%)": None,
    "rate 0.5: cross-entropy stays lower from epoch": None,
}

# %% [markdown]
# ## The problem: features that must not fail
#
# A [feature](../docs/glossary.md#feature) is a number that one layer computes for the next. The last layer of
# our network decides from 64 of them. Here is the network of lesson 02 again, with two more lines: the
# `Dropout` layers. At rate 0 they do nothing. The learning rate is that of lesson 03.


# %%
def build(rate=0.0):
    network = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.Flatten(),
            layers.Dropout(rate),
            layers.Dense(64, activation="relu"),
            layers.Dropout(rate),
            layers.Dense(10, activation="softmax"),
        ]
    )
    network.compile(
        optimizer=keras.optimizers.Adam(2e-3),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return network


# %%
few = digits.subset(train_size, seed=0)
plain = build()
watch = [training.ProgressCallback()]
half = max(1, epochs // 2)  # enough to learn the training images
history = plain.fit(
    few.x_train, few.y_train, epochs=half, verbose=0, callbacks=watch
)

# %% [markdown]
# Now we delete features of the trained network: a share of the 64, chosen at random for each image, is set
# to 0. The others are scaled up to make up for it. The accuracy is the mean of ten such choices.


# %%
def last_features(network):
    body = keras.Model(network.inputs, network.layers[-2].output)
    return body.predict(images, verbose=0)  # 64 numbers for each image


def accuracy_without(network, shares):
    features = last_features(network)
    weights, biases = network.layers[-1].get_weights()
    draws = np.random.default_rng(0).random((10, *features.shape))
    found = []
    for share in shares:
        kept = features * (draws >= share) / (1 - share)  # see below
        said = (kept @ weights + biases).argmax(axis=-1)
        found.append(float((said == labels).mean()))
    return found


shares = np.arange(0, 1, 0.1).round(1)
deleted = {"baseline": accuracy_without(plain, shares)}
axes = {"xlabel": "share of the 64 features deleted", "ylabel": "accuracy"}
title = f"Accuracy after features are deleted ({digits.name})"
plots.lines(deleted, shares, title=title, **axes)

# %%
all_of_them, after_half = deleted["baseline"][0], deleted["baseline"][5]
print(f"all features: {all_of_them:.1%}, half of them: {after_half:.1%}")

# %% [markdown]
# Half of the features are still there, and yet many answers become wrong. The authors of dropout explain it
# like this: features that are always trained together come to rely on each other, so none can do the work of
# one that is missing. With few images, features can also team up to fit details that occur in those images
# only.
#
# ## The idea: hide features while training
#
# Dropout sets each feature to 0 with probability $p$, anew in each training step. No feature can count on
# any other one. The features that stay are divided by $1 - p$:
#
# $$\tilde{x}_i = \frac{m_i}{1 - p}\, x_i, \qquad m_i = 0 \text{ with probability } p \text{, else } 1$$
#
# $x_i$ is one of the `features`, $m_i$ its entry in the [mask](../docs/glossary.md#mask), $p$ the `rate`. The
# division keeps the mean: averaged over all masks, $\tilde{x}_i$ is $x_i$. So at
# [inference](../docs/glossary.md#inference), when a trained network is used, the layer can do nothing at all.
#
# Source: N. Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting",
# *Journal of Machine Learning Research* 15 (2014).
#
# ## A mask by hand
#
# We take ten features, all 1, and a rate of one half.

# %% tags=["nbval-check-output"]
rate = 0.5
features = np.ones(10)
mask = np.random.default_rng(seed=1).random(10) >= rate
print("mask:    ", mask.astype(int))
print("after it:", features * mask / (1 - rate))
masks = np.random.default_rng(seed=2).random((100_000, 10)) >= rate
mean = (features * masks / (1 - rate)).mean()
print("mean over 100,000 masks:", np.round(mean, 2))

# %% [markdown]
# The Keras layer does the same in training, and nothing at inference.

# %% tags=["nbval-check-output"]
dropout = layers.Dropout(0.2, seed=3)
ones = np.ones((1, 10), dtype="float32")
print("training: ", np.asarray(dropout(ones, training=True))[0])
print("inference:", np.asarray(dropout(ones, training=False))[0])

# %% tags=["nbval-check-output"]
many = np.ones((1_000, 100), dtype="float32")
many = np.asarray(dropout(many, training=True))
print("values that occur:", np.unique(many.round(2)))
print(f"share of zeros:    {(many == 0).mean():.1f}")

# %% [markdown]
# ## Dropout in a network
#
# In a network of your own, dropout is one line before a dense layer: `layers.Dropout(0.2)`. `fit` switches it
# on, `predict` and `evaluate` switch it off. If you call a network yourself, `network(images, training=True)`
# switches it on. A dropout layer has no parameters to learn.

# %% tags=["nbval-check-output"]
print(f"without: {build(0.0).count_params():,} parameters")
print(f"with:    {build(0.5).count_params():,} parameters")
head = [type(layer).__name__ for layer in build(0.5).layers[6:]]
print("after the convolutions:", *head)

# %% [markdown]
# ## Does it help? Not at first
#
# We compare the baseline with the rate of 0.2, as in the article that this series follows, and with 0.5.
# Variants with the same seed share training images and initial weights; only the rate differs. There is no
# penalty here, so `val_loss` is the cross-entropy.

# %%
variants = {
    "baseline": build,
    "dropout, rate 0.2": partial(build, 0.2),
    "dropout, rate 0.5": partial(build, 0.5),
}
runs, networks = training.compare(
    variants,
    digits,
    seeds=range(n_seeds),
    train_size=train_size,
    epochs=epochs,
    validation_size=validation_size,
)


# %%
def by_epoch(name, key):
    return np.array([run.history[key] for run in runs[name]])


curves = {name: by_epoch(name, "val_loss").tolist() for name in runs}
title = f"Cross-entropy on new images ({digits.name})"
plots.lines(curves, title=title, xlabel="epoch", ylabel="nats", y_log=True)

# %% [markdown]
# **The lines cross.** In the first epochs, rate 0.5 makes the network worse: in each step, half of its
# features are missing. Later the baseline has learned its training images by heart and stops improving, while
# the network with dropout still improves. If you stopped the comparison early, you would report the opposite.
# Here are the differences in accuracy, rate 0.5 minus the baseline of the same seed:

# %%
half_rate = "dropout, rate 0.5"
baseline = by_epoch("baseline", "val_accuracy")
ahead = 100 * (by_epoch(half_rate, "val_accuracy") - baseline)
for epoch in (1, 2, 5, 10, 15, 20):
    if epoch <= epochs:
        points = ahead[:, epoch - 1].round(1)
        print(f"epoch {epoch:2}, points by seed:", points)

# %%
gap = by_epoch(half_rate, "val_loss") - by_epoch("baseline", "val_loss")
behind = np.flatnonzero(gap.mean(axis=0) >= 0)  # 0 is the first epoch
first = int(behind.max()) + 2 if len(behind) else 1
crossing = first if first <= epochs else "not reached"
print("mean cross-entropy stays lower from this epoch on:", crossing)
long_enough = epochs >= 15 and train_size >= 500  # quick runs are not
assert (gap[:, 0] > 0).all(), "dropout must slow the first epoch: is it on?"
if digits.name == "MNIST" and long_enough:
    assert gap[:, -1].mean() < 0, "dropout did not help later"

# %%
accuracy = {
    name: [100 * run.validation_accuracy for run in same]
    for name, same in runs.items()
}
statistics.table(accuracy, "baseline")

# %% [markdown]
# In accuracy, the differences at the end are small, and few seeds give wide intervals. Read the verdicts
# as in lesson 03. The study below has more seeds. (The UCI digits are easier: there, the lines end close
# together.)
#
# ## Training accuracy looks too low
#
# A run with dropout has three accuracies. The *logged* one is measured during the last epoch, with features
# missing. The *evaluated* one is measured on the same training images afterwards, with all features.
# *Validation* is measured with all features on new images.

# %%
numbers = {
    "training, logged": [by_epoch(name, "accuracy")[:, -1] for name in runs],
    "training, evaluated": [
        [run.train_accuracy for run in same] for same in runs.values()
    ],
    "new images, validation": [
        np.divide(accuracy[name], 100) for name in runs
    ],
}
means = {key: np.mean(rows, axis=1).tolist() for key, rows in numbers.items()}
axes = {"xlabel": "dropout rate", "ylabel": "accuracy, mean over seeds"}
title = f"Three accuracies of the same networks ({digits.name})"
plots.lines(means, ["0", "0.2", "0.5"], title=title, **axes)

# %%
logged, evaluated, new = (line[-1] for line in means.values())
print(f"rate 0.5: logged {logged:.1%}, evaluated {evaluated:.1%}")
print(f"rate 0.5: new images {new:.1%}")
assert logged < evaluated, "was the log measured with features missing?"

# %% [markdown]
# So if the logged accuracy is near that of validation, or below it, this is no sign of
# [underfitting](../docs/glossary.md#underfitting), of having learned too little. Nor does it mean that
# validation images leaked into training. Two different networks were measured: one with features missing, and
# the full one.
#
# ## Why: many thinned networks, one answer
#
# Each mask leaves a different network, called a [thinned](../docs/glossary.md#thinned-network) one, and all
# of them share their weights. We take the validation image of which the network with rate 0.5 is least sure.
# Its 64 features are drawn as a square of 8 × 8: first all of them, then what three masks leave. Each title
# is the answer of the last layer.

# %%
network = networks[half_rate]
unsure = network.predict(images, verbose=0).max(axis=1).argmin()
features = last_features(network)[unsure]
masks = np.random.default_rng(0).random((3, 64)) >= 0.5
rows = [features, *(features * masks / 0.5)]
weights, biases = network.layers[-1].get_weights()
says = np.asarray(keras.ops.softmax(np.array(rows) @ weights + biases))
titles = [f"says {p.argmax()}, {p.max():.0%}" for p in says]
title = (
    f"An image, its 64 features, and three thinned networks ({digits.name})"
)
squares = [images[unsure], *(row.reshape(8, 8) for row in rows)]
titles = [f"label {labels[unsure]}", *titles]
plots.image_grid(squares, titles, columns=5, frame=True, title=title)

# %% [markdown]
# At inference the full network answers once. The authors of dropout read that answer as an approximation of
# the mean over all thinned networks, and a mean of many models usually errs less than one of them. We send
# the same image through 200 thinned networks, now with both dropout layers on:

# %%
copies = np.repeat(images[unsure : unsure + 1], 200, axis=0)
thinned = np.asarray(network(copies, training=True))
full = np.asarray(network(copies[:2], training=False))
lines = {
    "one thinned network": thinned[0].tolist(),
    "mean of 200 thinned": thinned.mean(axis=0).tolist(),
    "full network": full[0].tolist(),
}
axes = {"xlabel": "digit", "ylabel": "probability"}
title = f"One thinned network, 200 of them, the full one ({digits.name})"
plots.lines(lines, [str(digit) for digit in range(10)], title=title, **axes)

# %%
print("answers of the thinned networks:", np.unique(thinned.argmax(axis=1)))
print("answer of the full network:     ", np.unique(full.argmax(axis=1)))
assert thinned.std(axis=0).max() > 1e-3, (
    "two masks must differ: is dropout on?"
)
assert full.std(axis=0).max() < 1e-4, "at inference, dropout must do nothing"

# %% [markdown]
# Compare the mean with the full network: the probabilities are similar, not equal. For an image this
# unclear, the two can even name different digits, and both can be wrong.
#
# Does a network trained with dropout depend less on single features? We repeat the test of the first section:

# %%
deleted = {name: accuracy_without(networks[name], shares) for name in networks}
axes = {"xlabel": "share of the 64 features deleted", "ylabel": "accuracy"}
title = f"Accuracy after features are deleted ({digits.name})"
plots.lines(deleted, shares, title=title, **axes)

# %%
lost = {name: 100 * (line[0] - line[5]) for name, line in deleted.items()}
print({name: f"{points:.1f} points" for name, points in lost.items()})
robust = lost[half_rate] < lost["baseline"]
assert not long_enough or robust, "dropout taught no robustness"

# %% [markdown]
# The networks trained with dropout lose much less accuracy than the baseline. That is what they were trained
# for.
#
# We put dropout before both dense layers, and measured no other place.
#
# ## What the article did
#
# The article adds `Dropout(0.2)`, trains once on clean labels, and finds "a little improvement". Later it
# says that dropout does "by far the better job" of all techniques. Our table above has a row for its rate,
# after many epochs on few images. The article trained for five epochs on many images: there, the lines may
# not have crossed yet.
#
# ## The evidence
#
# The study trained with a dropout rate of 0.5, chosen on validation images, and long enough for the baseline
# to overfit. Read the table as in lesson 03. The picture shows the runs with a constant learning rate, epoch
# by epoch. Its bands are 95 % intervals that are not widened for many comparisons.

# %% tags=["nbval-check-picture"]
courses = findings.read_courses()
charts.draw_courses(courses, ["dropout"])

# %% tags=["nbval-check-output"]
tables.tabulate_technique(courses, "dropout")

# %% [markdown]
# What the study lets us say:
#
# - After 5 epochs on 1,000 images with a constant learning rate, dropout lowers accuracy by 1.37 points (0.48
#   to 2.27). (`dropout-1000-courses-5`)
# - After 100 epochs on 1,000 images with a constant learning rate, dropout raises accuracy by 1.68 points
#   (1.22 to 2.13). (`dropout-1000-courses`)
# - After 100 epochs on 1,000 images with an annealed learning rate, dropout raises accuracy by 1.60 points
#   (1.29 to 1.92). (`dropout-1000-ends`)
# - After 40 epochs on 5,000 images with an annealed learning rate, dropout raises accuracy by 0.39 points
#   (0.24 to 0.53). (`dropout-5000-ends`)
# - After 5 epochs on 40,000 images with a constant learning rate, it is undecided whether dropout changes
#   accuracy (-0.48 to +0.60 points). (`dropout-40000-courses-5`)
# - After 15 epochs on 40,000 images with a constant learning rate, it is undecided whether dropout changes
#   accuracy (-0.15 to +0.57 points). (`dropout-40000-courses`)
# - After 15 epochs on 40,000 images with an annealed learning rate, it is undecided whether dropout changes
#   accuracy (-0.02 to +0.13 points). (`dropout-40000-ends`)
# - After 15 epochs on 40,000 images with an annealed learning rate, dropout lowers cross-entropy by 0.008
#   nats (0.005 to 0.011). (`dropout-40000-ends-cross-entropy`)
# - After 30 epochs on 1,000 images with 30 % of their labels redrawn, dropout raises accuracy by 16.34 points
#   (15.04 to 17.65). (`dropout-1000-noise`)
# - After 20 epochs on 5,000 images with 30 % of their labels redrawn, dropout raises accuracy by 15.53 points
#   (12.42 to 18.64). (`dropout-5000-noise`)
#
# Early, dropout costs accuracy, where images are few; later it pays, and it pays the more the fewer they are.
# We had expected a gain with 40,000 images, too. The picture's band rises above 0 there, but each band is for
# itself; the widened intervals of the plan are undecided. Where labels are redrawn, dropout is worth more
# than anywhere else.

# %% [markdown]
# ## Exercises
#
# Each cell runs as it stands. Put in your answer and run it again: the check says what is right or wrong.
# To run a solution, copy it into a cell.
#
# ### Exercise 1 · Predict: what reaches the next layer?
#
# A feature has the value 3. A dropout layer with rate 0.2 is switched on. Which two values can the next
# layer get? Answer with a pair, in either order.


# %% tags=["check"]
@exercises.exercise(
    expects="two numbers, such as (1, 2)",
    second_hint="What stays is divided by the share that stays.",
    because="Dropped, it is 0; kept, it is 3 / (1 - 0.2).",
)
def check_values(answer):
    first, second = sorted(float(value) for value in answer)
    layer = layers.Dropout(0.2, seed=0)
    threes = np.full((1, 1_000), 3.0, dtype="float32")
    values = np.unique(np.asarray(layer(threes, training=True)))
    if np.allclose((first, second), values, atol=0.005):
        return None
    if first != 0:
        return "One of the two is the value of a dropped feature."
    if second == 3:
        return "Then the mean over all masks would be below 3."
    if np.isclose(second, 3 / 0.2):
        return "You divided by the share that is dropped."
    if second < 3:
        return "What stays must make up for what is dropped."
    return "By which number is a feature that stays divided?"


# %% tags=["nbval-check-output"]
answer = None  # your answer: (number, number)
check_values(answer)

# %% tags=["solution"]
answer = (0, 3 / (1 - 0.2))  # four of five stay, so each counts 5/4
check_values(answer)

# %% tags=["right"]
check_values([np.float32(3.75), "0"])

# %% tags=["wrong"]
# below 3
check_values((0, 3))

# %% tags=["wrong"]
# share that is dropped
check_values((0, 15))

# %% tags=["wrong"]
# make up for
check_values((2.4, 0))

# %% tags=["wrong"]
# a dropped feature
check_values((3, 3.75))

# %% tags=["wrong"]
# By which number
check_values((0, 6))

# %% tags=["error"]
# two numbers
check_values(3.75)

# %% [markdown]
# ### Exercise 2 · Modify: average the thinned networks
#
# The full network only approximates the mean of the thinned ones. Write a function
# `average_thinned(network, images, passes)` that sends the images through `passes` thinned networks and
# returns their mean probabilities, one row of ten for each image. The function below uses the full network;
# edit it.


# %% tags=["check"]
@exercises.exercise(
    expects="a function of network, images and passes",
    second_hint="Call the network `passes` times, and divide the sum.",
    because="Each pass drew its own masks, and you averaged the answers.",
)
def check_average(answer):
    keras.utils.set_random_seed(1)
    toy = keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten()])
    toy.add(layers.Dropout(0.5))
    toy.add(layers.Dense(10, activation="softmax"))
    some = images[:20].astype("float32") / 25
    found = np.asarray(answer(toy, some, 200), dtype=float)
    passes = [np.asarray(toy(some, training=True)) for _ in range(200)]
    if found.shape != (20, 10):
        return f"The result has the shape {found.shape}, not (20, 10)."
    if np.allclose(found, np.asarray(toy(some, training=False)), atol=1e-4):
        return "That is the full network: dropout is off."
    if not np.allclose(found.sum(axis=1), 1, atol=1e-3):
        return "The ten probabilities of an image do not add up to 1."
    if np.abs(found - np.mean(passes, axis=0)).mean() < 0.03:
        return None
    return "This is too far from the mean: did each pass count?"


# %% tags=["nbval-check-output"]
def average_thinned(network, images, passes):
    return network(images, training=False)  # edit


answer = None  # your answer: average_thinned, once you have edited it
check_average(answer)


# %% tags=["solution"]
def mean_of_passes(network, images, passes):
    total = 0
    for _ in range(passes):
        total = total + np.asarray(network(images, training=True))
    return total / passes


check_average(mean_of_passes)


# %% tags=["right"]
def average_in_one_call(network, images, passes):
    copies = np.repeat(images, passes, axis=0)  # each copy has its own mask
    thinned = keras.ops.convert_to_numpy(network(copies, training=True))
    return thinned.reshape(len(images), passes, 10).mean(axis=1)


check_average(average_in_one_call)

# %% tags=["wrong"]
# dropout is off
check_average(average_thinned)

# %% tags=["wrong"]
# add up to 1
check_average(lambda n, x, k: sum(n(x, training=True) for _ in range(k)))

# %% tags=["wrong"]
# did each pass count
check_average(lambda n, x, k: n(x, training=True))

# %% tags=["wrong"]
# has the shape
check_average(lambda n, x, k: np.stack([n(x, training=True)] * k))

# %% tags=["error"]
# a function of
check_average(lambda network: network)

# %% [markdown]
# ### Exercise 3 · Break it: leave dropout on
#
# A colleague reads digits with `network(images, training=True)`. Which accuracy, in %, does that give on
# the first 300 validation images with `networks["dropout, rate 0.5"]`? Predict it, then try, and answer
# with what you found. Masks are random, so small differences do not matter.


# %% tags=["check"]
@exercises.exercise(
    expects="an accuracy in %, such as 12.3",
    second_hint="Compare `np.asarray(...).argmax(axis=1)` with `labels`.",
    because="One thinned network answers each image, not the full one.",
)
def check_left_on(answer):
    value = float(answer)
    network, found = networks["dropout, rate 0.5"], []
    for dropout_on in [True] * 6 + [False]:
        said = np.asarray(network(images[:300], training=dropout_on))
        right = said.argmax(axis=1) == labels[:300]
        found.append(100 * right.mean())
    truth, full = np.mean(found[:-1]), found[-1]
    near = max(3, 4 * np.std(found[:-1]))  # masks are random
    if 0 < value <= 1:
        return "Give the accuracy in %, from 0 to 100."
    if abs(value - full) < 0.05 and full != found[0]:
        return "That is the full network, with dropout off."
    if abs(value - truth) < near:
        return None
    return "Too high." if value > truth else "Too low: it trained this way."


# %% tags=["nbval-check-output"]
network = networks["dropout, rate 0.5"]
answer = None  # your answer: a number
check_left_on(answer)

# %% tags=["solution"]
thinned = network(images[:300], training=True)  # a mask for each image
said = np.asarray(thinned).argmax(axis=1)
answer = 100 * (said == labels[:300]).mean()
print(f"with dropout left on: {answer:.1f} %")
check_left_on(answer)

# %% tags=["right"]
check_left_on(f"{answer:.2f}")

# %% tags=["wrong"]
# full network
said = np.asarray(network(images[:300], training=False))
check_left_on(100 * (said.argmax(axis=1) == labels[:300]).mean())

# %% tags=["wrong"]
# in %
check_left_on(answer / 100)

# %% tags=["wrong"]
# Too low
check_left_on(0)

# %% tags=["wrong"]
# Too high
check_left_on(100)

# %% tags=["error"]
# an accuracy in %
check_left_on("lower")

# %% [markdown]
# ## Quiz
#
# **1. Training log 89.8 %, validation 94 %, with a dropout rate of 0.5. What happened?** (a) validation
# images leaked into training, (b) the log was measured with features missing, (c) the network underfits.
#
# <details><summary>Answer</summary>
#
# (b). Evaluate the network on its training images: with all features, it will know most of them. (a) is not
# needed to explain the gap: missing features alone open it. (c) may be true as well, but this pair of
# numbers does not show it.
#
# </details>
#
# **2. After 10 epochs, dropout is 0.3 points behind; after 30, a point ahead. Which result is wrong?**
# (a) the first, (b) the second, (c) neither.
#
# <details><summary>Answer</summary>
#
# (c). Dropout slows learning and slows overfitting. Early on the first matters more, later the second. (a)
# and (b) assume that a technique has one fixed effect; it depends on how long you train.
#
# </details>
#
# **3. Why does Keras divide the features that stay by 1 − p?** (a) to make training faster, (b) so that
# the next layer gets the same mean with and without dropout, (c) so that the probabilities add up to 1.
#
# <details><summary>Answer</summary>
#
# (b). Without the division, the next layer would get larger sums at inference than it was trained on. (a) is
# false: dropout makes training slower. (c) is the work of softmax.
#
# </details>
#
# ## Your guesses, and what came out

# %%
found = [round(100 * float(share), 1) for share in (after_half, logged, new)]
found = dict(zip(guess, [*found, crossing], strict=True))
exercises.compare_guesses(guess, found)

# %% tags=["headline"]
end = statistics.paired_difference(accuracy[half_rate], accuracy["baseline"])
early = f"{ahead[:, 0].mean():+.1f} points after epoch 1"
print(f"dropout 0.5: {early}, {end} after {epochs} ({digits.name})")

# %% [markdown]
# ## Recap: what if a network cannot rely on any one feature?
#
# - **It learns more slowly, but still improves when the baseline already overfits.** The lines cross.
# - Dropout hides each feature with probability $p$ in training and scales up the rest, so that nothing has to
#   be done at inference.
# - The training log measures a network with features missing. Evaluate it on the training images afterwards,
#   or compare on validation images.
# - A network trained with dropout loses less accuracy when features are deleted.
#
# **In practice:** try dropout when the training and validation curves have moved apart, choose its rate on
# validation images, and train longer than without it.
#
# **Sources:** Srivastava et al., 2014. Y. Gal and Z. Ghahramani, "Dropout as a Bayesian Approximation",
# ICML 2016, for averaging thinned networks at inference. Tanner Abraham, "Classify Handwritten-Digits With
# Tensorflow", 2021.
#
# **Next:** [05 · Which changes keep the label?](05_data_augmentation.ipynb)
