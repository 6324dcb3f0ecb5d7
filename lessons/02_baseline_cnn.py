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
# # 02 · How does a small CNN do, and how much does a run vary?
#
# Previous: [01 · What does a computer see, and what must a network beat?](01_data_exploration.ipynb) ·
# Next: [03 · Do smaller weights help?](03_l2_regularization.ipynb)
#
# **Time:** about 2 minutes on 2 CPU cores; an hour with the exercises.
#
# **You will do:** write out a convolutional neural network (CNN), train it, look at its mistakes, repeat the
# training with other seeds, and train for too long.
#
# **You will learn:** what convolution and pooling do; what loss, optimizer and metric mean; how to read
# learning curves; what overfitting is.
#
# **You need:** lesson 01's idea of training and validation images.

# %% tags=["parameters"]
dataset: str = "auto"  # auto, mnist or uci: the images to use
train_size: int = 50_000  # 100 to 50_000: training images of the main run
epochs: int = 5  # 1 to 50: passes over the training images
n_seeds: int = 5  # 2 to 20: small runs that show how much a run varies
small_size: int = 1_000  # 100 to 5_000: training images of the small runs
long_epochs: int = 30  # 2 to 100: epochs of the run that is too long
seed: int = 0  # 0 to 1_000_000: start of all that is random

# %%
from mnist_helpers.lessons import parameters

parameters.check()  # types and ranges, as stated above

# %%
import keras
import numpy as np
import pandas as pd
from keras import layers

from mnist_helpers import datasets, exercises, plots, statistics, training
from mnist_helpers.study import analysis, findings, plan

# %%
digits = datasets.load(dataset)
print(digits)

# %% [markdown]
# ## Your guess
#
# Lesson 01's nearest mean reads about four of five MNIST digits. What will a network do? The last two guesses
# are about training on 1,000 images: several times with different random *seeds*, and once for thirty epochs
# (when is the *validation* loss lowest?).

# %%
guess = {
    "accuracy after the first epoch (%)": None,
    "accuracy after the last epoch (%)": None,
    "best seed minus worst (points)": None,
    "epoch with the lowest loss": None,  # of thirty, on 1,000 images
}

# %% [markdown]
# ## The problem: a weight for every place
#
# Lesson 01's nearest mean lost a digit that had moved. A [dense layer](../docs/glossary.md#dense-layer) has
# the same flaw. Each of its units is a weighted sum with one weight for each pixel, and must learn a stroke
# anew at every place. Compare the *parameters*, the numbers that training changes, of 32 such units and of 32
# filters, which come next:

# %% tags=["nbval-check-output"]
print("32 dense units:   ", 28 * 28 * 32 + 32, "parameters")
print("32 filters, 3 × 3:", 3 * 3 * 32 + 32, "parameters")

# %% [markdown]
# ## The idea: ask one small question everywhere
#
# A [convolution](../docs/glossary.md#convolution) slides a small [filter](../docs/glossary.md#filter) $w$
# over the image $x$. At row $i$, column $j$ it multiplies the filter with the patch that it covers and adds
# up. The sum is the filter's answer:
#
# $$y_{i,j} = \sum_{a=0}^{2} \sum_{b=0}^{2} w_{a,b}\; x_{i+a,\,j+b}$$
#
# In code: `(filter * image[i:i+3, j:j+3]).sum()`. All places share the same nine weights, so when a stroke
# moves, the answer moves with it. The answers of one filter form a
# [feature map](../docs/glossary.md#feature-map). [Pooling](../docs/glossary.md#pooling) then keeps the
# largest number of each 2 × 2 block. That halves height and width, and a shift by one pixel often changes
# nothing.
#
# Source: LeCun et al. (1998; see the end).
#
# ## One patch by hand
#
# This filter adds the top row of a patch and subtracts the bottom row. Its answer is large at the lower edge
# of a stroke: ink above, paper below.

# %%
edge = np.array([[1, 1, 1], [0, 0, 0], [-1, -1, -1]], dtype="float32")
image = digits.x_train[0, :, :, 0] / np.float32(255)
answers = keras.ops.conv(image[None, :, :, None], edge[:, :, None, None])
feature_map = np.array(answers)[0, :, :, 0]
pooled = np.array(keras.ops.max_pool(answers, 2))[0, :, :, 0]
row, column = np.unravel_index(feature_map.argmax(), feature_map.shape)
patch = image[row : row + 3, column : column + 3]

# %% tags=["nbval-check-output", "mnist-only"]
by_hand, by_keras = (edge * patch).sum(), feature_map[row, column]
print(patch.round(2))
print(f"row {row}, column {column}: {by_hand:.2f}, by Keras {by_keras:.2f}")
assert np.isclose(by_hand, by_keras), "does Keras still convolve like this?"

# %% tags=["nbval-check-picture", "mnist-only"]
pictures = [image, patch, edge, edge * patch, feature_map, pooled]
pictures = [picture / abs(picture).max() for picture in pictures]
titles = ["image", "its patch", "filter", "product", "map", "pooled"]
marks = {0: (row, column, 3, 3), 4: (row, column, 1, 1)}
marks[5] = (row // 2, column // 2, 1, 1)
title = f"One patch × one filter = one number of the map ({digits.name})"
look = {"columns": 6, "frame": True, "shared_scale": True, "marks": marks}
plots.image_grid(pictures, titles, title=title, **look)

# %% [markdown]
# Grey is 0, dark is positive, light is negative. We set this filter by hand; a network *learns* its filters,
# because they are weights.
#
# ## The network
#
# This is the network of the article that the series follows. [ReLU](../docs/glossary.md#relu), $\max(0, x)$,
# follows each layer that has weights, except the last. Without it, several layers could do no more than one.
# `Flatten` makes one list of the last maps. [Softmax](../docs/glossary.md#softmax) turns the last ten numbers
# into probabilities. `compile` says how to train:
#
# - The **loss** is what training makes small, here the [cross-entropy](../docs/glossary.md#cross-entropy),
#   $-\log p_y$: the smaller the probability $p_y$ of the right digit, the more an image costs. *Sparse*, in
#   its Keras name, means that a label is a number such as 7.
# - The **optimizer** changes the weights. The [gradient](../docs/glossary.md#gradient) says for each weight
#   which way the loss falls. *Adam* adapts each weight's step to its recent gradients.
# - A **metric** is only reported. Accuracy cannot be the loss: it moves in jumps, so it has no useful
#   gradient.


# %%
def build():
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
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    network.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=32,  # same result, fewer returns to Python
    )
    return network


# %% tags=["nbval-check-output"]
keras.utils.set_random_seed(seed)
network = build()
network.summary()

# %% [markdown]
# Follow the shapes (`None` stands for the number of images). A 3 × 3 convolution takes two pixels off the
# height and the width, and pooling halves both, rounding down. A filter has nine weights for each incoming
# map, and one [bias](../docs/glossary.md#bias), a number that it adds.

# %% tags=["nbval-check-output"]
convolutions = [9 * 1 * 32 + 32, 9 * 32 * 64 + 64, 9 * 64 * 64 + 64]
flattened = 3 * 3 * 64
dense = [flattened * 64 + 64, 64 * 10 + 10]
print(f"convolutions {convolutions}, {flattened} numbers, dense {dense}")
total = sum(convolutions + dense)
print(f"in all: {total:,}, Keras counts {network.count_params():,}")

# %% [markdown]
# Before training, each digit gets a probability of about a tenth, so the loss is near $-\log 0.1$. This quick
# check finds many bugs.

# %%
images, labels = digits.x_validation, digits.y_validation
loss, accuracy = network.evaluate(images, labels, verbose=0)
print(f"untrained: loss {loss:.2f}, accuracy {accuracy:.1%}")
print(f"-log 0.1 = {-np.log(0.1):.2f}")

# %% [markdown]
# ## Train
#
# An [epoch](../docs/glossary.md#epoch) is one pass over the training images, in
# [batches](../docs/glossary.md#batch) of 32, in a new random order. Each batch gives one step of the
# optimizer. `training.batch` makes these batches and saves memory; `ProgressCallback` shows how far `fit`
# is. After each epoch Keras evaluates the network on the validation images. It learns nothing from them.

# %%
subset = digits.subset(train_size, seed)
history = network.fit(
    training.batch(subset.x_train, subset.y_train, 32, shuffle=True),
    epochs=epochs,
    validation_data=training.batch(images, labels),
    verbose=0,
    callbacks=[training.ProgressCallback()],
)

# %%
title = f"Solid: training images, dashed: validation images ({digits.name})"
plots.curves({"baseline": history}, title=title)

# %% [markdown]
# How to read [learning curves](../docs/glossary.md#learning-curve): a training number is the mean over an
# epoch in which the network still improves, so validation can look better at first. If the dashed line turns
# for a single epoch, that may be chance. Look for a turn that *lasts*.

# %% tags=["nbval-tolerance=1.1", "mnist-only", "defaults-only"]
loss, accuracy = network.evaluate(images, labels, verbose=0)
print(f"validation: loss {loss:.4f}, accuracy {accuracy:.2%} ({digits.name})")
is_full = len(subset.x_train) == 50_000 and epochs >= 5
needed = 0.97 if is_full else 0.2  # fewer images or epochs: less is learned
assert accuracy >= needed, f"{accuracy:.1%}: something broke in training"

# %% [markdown]
# ## What does it answer?
#
# The network gives ten probabilities for each image, which add up to 1 whatever the image shows. The digit
# with the largest one is its answer.

# %%
probabilities = network.predict(images, verbose=0)
predicted = probabilities.argmax(axis=1)
print(probabilities[0].round(3))
print(f"label {labels[0]}, answer {predicted[0]}")

# %%
title = f"Numbers off the diagonal are errors ({digits.name})"
plots.confusion(labels, predicted, title=title)

# %% [markdown]
# Look down the columns: one with many dark cells is an answer that this network gives too often. Next come
# the costliest mistakes, where the right digit got the least probability. Are they all the network's fault?

# %%
worst = probabilities[np.arange(len(labels)), labels].argsort()[:9]
sure = probabilities.max(axis=1)
titles = [f"{labels[i]}, read {predicted[i]} ({sure[i]:.0%})" for i in worst]
title = f"The nine costliest mistakes: label, answer, how sure ({digits.name})"
plots.image_grid(images[worst], titles, columns=9, title=title)

# %% [markdown]
# ## Why does it work?
#
# Follow one image through the layers. The maps get smaller, and each number sees a larger part of the image.
# The titles give height × width × number of maps.

# %%
outputs = [layer.output for layer in network.layers[:6]]
stages = keras.Model(network.inputs[0], outputs)
maps = [np.array(stage)[0] for stage in stages(images[:1])]
assert np.isclose(maps[0].max(), images[0].max() / 255), "is 255 now 1?"
strongest = [stage[:, :, stage.sum(axis=(0, 1)).argmax()] for stage in maps]
titles = [" × ".join(map(str, stage.shape)) for stage in maps]
title = (
    f"Maps shrink from layer to layer; one of each is drawn ({digits.name})"
)
look = {"columns": 6, "to_scale": True, "frame": True}
plots.image_grid(strongest, titles, title=title, **look)

# %% [markdown]
# The next figure shows every fourth of the 32 filters of the first convolution, strongest answers first. Grey
# is 0 again.

# %%
filters = network.layers[1].get_weights()[0][:, :, 0].transpose(2, 0, 1)
answers = maps[1].transpose(2, 0, 1)
order = answers.sum(axis=(1, 2)).argsort()[::-4]
pairs = [*filters[order] / abs(filters).max(), *answers[order] / answers.max()]
title = f"Learned filters, and their maps below ({digits.name})"
plots.image_grid(pairs, columns=8, shared_scale=True, title=title)

# %% [markdown]
# Does the network survive the shift that ruined lesson 01's nearest mean?

# %%
for shift in (0, 2, 4):
    moved = np.roll(images, shift, axis=2)
    _, share = network.evaluate(moved, labels, verbose=0)
    print(f"{shift} pixels to the right: {share:.1%}")

# %% [markdown]
# Better than the nearest mean, but not perfectly. A map moves along with the stroke, but the dense layers at
# the end have a weight for each place. Lesson 05 trains with moved digits.
#
# ## How much does a run vary?
#
# A [seed](../docs/glossary.md#seed) fixes all that is random: the first weights, the order of the images,
# and here also which images are drawn. `training.compare` trains with several seeds, on few images.

# %%
runs, _ = training.compare(
    {"baseline": build},
    digits,
    seeds=range(n_seeds),
    train_size=small_size,
    epochs=epochs,
)

# %%
courses = [run.history["val_accuracy"] for run in runs["baseline"]]
plots.lines(
    {"baseline, validation": courses},
    title=f"Thin: one seed each, thick: their mean ({digits.name})",
    xlabel="epoch",
    ylabel="validation accuracy",
)

# %%
accuracies = np.array([run.validation_accuracy for run in runs["baseline"]])
losses = [run.validation_loss for run in runs["baseline"]]
assert np.ptp(losses) > 1e-4, "each seed must give a run of its own"
spread = 100 * accuracies.std(ddof=1)
n = min(2_000, len(labels))  # images that judge each run
floor = 100 * np.sqrt((1 - accuracies.mean()) / (2 * n))
print("accuracy by seed, %:", (100 * accuracies).round(1))
print(f"standard deviation: {spread:.2f} points, √(error / 2n): {floor:.2f}")

# %% [markdown]
# The [standard deviation](../docs/glossary.md#standard-deviation) is how far a run typically lies from the
# mean. The difference of two runs varies √2 times as much. So a technique that wins a comparison of two runs
# by that much has shown nothing.
#
# Part of this spread is unavoidable: on hard images, chance decides. With $n$ images to judge by, that alone
# gives a standard deviation of about $\sqrt{\text{error} / 2n}$, a rule of thumb (K. Jordan, 2023); *error*
# is the share of wrong answers. With few seeds, the measured spread is itself rough. From here on we compare
# several runs, over the *same* seeds.
#
# ## Thirty epochs on 1,000 images
#
# The same small training, with one seed, but six times as long.

# %%
long_runs, _ = training.compare(
    {"baseline": build},
    digits,
    seeds=[seed],
    train_size=small_size,
    epochs=long_epochs,
)

# %%
history_of = long_runs["baseline"][0].history
losses, shares = history_of["val_loss"], history_of["val_accuracy"]
best = int(np.argmin(losses))
plots.lines(
    {"training": history_of["loss"], "validation": losses},
    title=f"Does validation loss follow training loss? ({digits.name})",
    xlabel="epoch",
    ylabel="cross-entropy (nats)",
    vertical={"lowest validation loss": best + 1},
    ylim=(0, 3 * losses[best]),
)

# %%
for name, at in {"lowest loss": best, "last": len(losses) - 1}.items():
    numbers = f"validation loss {losses[at]:.3f}, accuracy {shares[at]:.1%}"
    print(f"{name:11} epoch {at + 1:2}: {numbers}")
if small_size >= 1_000 and long_epochs >= 30:  # else it may not turn
    assert losses[-1] > 1.02 * losses[best], "does fit still train?"

# %% [markdown]
# A network **[overfits](../docs/glossary.md#overfitting)** when further training lowers its loss on the
# training images and raises it on new ones. It learns its images by heart. Here the validation loss turns,
# and the turn lasts (on the UCI digits it is slight). Accuracy hardly moves; lesson 06 asks why.
#
# The next four lessons fight overfitting: with smaller weights (03), a network that cannot rely on single
# features (04), more varied images (05), and stopping in time (06).
#
# ## What the article did
#
# It trains this network for five epochs on all 60,000 images, in the same batches, and reports that 98.92 %
# of the test images are right. Then it compares techniques by one run each.
#
# ## The evidence
#
# A **study** trained this network 494 times on MNIST: with many seeds, with each technique of the next
# lessons and without any (the *baseline*), and long enough to overfit. What it would compare, and what we
# expected, was written down [before its first run](../docs/plan.md). Test images scored the runs; no choice
# was based on them. The table shows test accuracy in %: of the article's training, made ten times, and of the
# baseline after its last epoch.

# %% tags=["nbval-check-output"]
courses = findings.read_courses()
which = {"the article's training": ("article", "article", 60_000, 5)}
for size, (last, _) in plan.PARTS["courses"].sizes.items():
    name = f"{size:,} images, {last} epochs"
    which[name] = ("courses", "baseline", size, last)
tested = pd.DataFrame(
    {
        name: 100 * analysis.select(courses, *each, "test_accuracy")
        for name, each in which.items()
    }
)
tested.agg(["count", "mean", "std", "min", "max"]).T.round(2)

# %% [markdown]
# Our run above is judged by validation images. If its last epoch was unlucky, it can lie outside the ranges
# of this table. Two questions remain: could one run of the article's training give 98.92 %? And do its ten
# runs give that on average?

# %% tags=["nbval-check-output"]
reached = tested["the article's training"].dropna()
one_run = findings.predict_one_run(courses)
print(f"one more run: {one_run.low:.2f} to {one_run.high:.2f} % (95 %)")
difference = statistics.paired_difference(reached, [98.92] * len(reached))
print(f"mean of the runs minus 98.92: {difference}")
print(f"√(error / 2n): {np.sqrt(100 * (100 - reached.mean()) / 20_000):.2f}")

# %% [markdown]
# The first line is a [prediction interval](../docs/glossary.md#prediction-interval), the range in which one
# more run lies 95 times out of 100. The second is about the mean: the interval in brackets very likely
# contains the true difference (lesson 03 explains it). The third is the rule of thumb from above.
#
# So 98.92 % would be low for one run of this training, just outside the range, and the ten runs reach more
# on average. One published number cannot say why: we know neither the article's seed nor its versions, nor
# how many runs it made.

# %% tags=["headline", "nbval-tolerance=1.1", "mnist-only", "defaults-only"]
result = f"validation accuracy {accuracy:.2%} after {epochs} epochs"
print(f"{result} ({digits.name})")

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 · Predict: what if the first filters are 5 × 5?
#
# Only `layers.Conv2D(32, (3, 3))`, the first convolution, becomes `layers.Conv2D(32, (5, 5))`. How many
# parameters does the *whole* network have then? Follow the shapes as well.


# %% tags=["check"]
@exercises.exercise(
    expects="a whole number",
    second_hint="The sizes become 24, 12, 10, 5, 3. What does Flatten give?",
    because="25 weights and a bias, 32 times. Flatten still gives 576.",
)
def check_parameters(answer):
    first = layers.Conv2D(32, (5, 5))
    first.build((None, 28, 28, 1))
    rest = network.count_params() - network.layers[1].count_params()
    answer = float(answer)
    if answer == first.count_params() + rest:
        return None
    if answer == first.count_params():
        return "That is this layer alone. How many has the whole network?"
    if answer in (first.count_params() - 32 + rest, first.count_params() - 32):
        return "You counted the weights and left something out."
    if answer == network.count_params():
        return "That is the network as it was. What does a filter add?"
    return "Which layers change? Start with the weights of one filter."


# %% tags=["nbval-check-output"]
answer = None  # your answer: a whole number
check_parameters(answer)

# %% tags=["solution"]
before = 3 * 3 * 1 * 32 + 32
after = 5 * 5 * 1 * 32 + 32
answer = network.count_params() - before + after  # Flatten still gives 576
check_parameters(answer)

# %% tags=["right"]
check_parameters("93834")

# %% tags=["wrong"]
# this layer alone
check_parameters(832)

# %% tags=["wrong"]
# left something out
check_parameters(93_802)

# %% tags=["wrong"]
# the network as it was
check_parameters(93_322)

# %% tags=["wrong"]
# Which layers change?
check_parameters(100_000)

# %% tags=["error"]
# a whole number
check_parameters("many")

# %% [markdown]
# ### Exercise 2 · Modify: take the neighbours away
#
# Exercise 1 of lesson 01 put the pixels of all images into the same random order. The nearest mean did not
# change at all. What happens to a CNN? Guess, then make this function do the same to *every* image, at every
# call. The solution trains on such images.


# %% tags=["check"]
@exercises.exercise(
    expects="a function that takes images and returns images",
    second_hint="Draw one order outside. Inside, index `pixels[:, order]`.",
    because="A filter looks at neighbours, and these are now far apart.",
)
def check_scramble(answer):
    images = np.arange(3 * 784).reshape(3, 28, 28, 1)
    found, again = (np.array(answer(images.copy())) for _ in range(2))
    if found.shape != images.shape:
        return f"Shape {images.shape} went in, and {found.shape} came out."
    origin = found.reshape(3, 784) - 784 * np.arange(3)[:, None]
    if not np.array_equal(np.sort(origin), np.tile(np.arange(784), (3, 1))):
        return "Every image must keep its own pixels, each of them once."
    if (origin != origin[0]).any():
        return "Every image got an order of its own. Use one for all."
    if (found != again).any():
        return "The second call used a new order. Use one for all calls."
    places, near = origin[0].reshape(28, 28), (1, 28)
    across = np.isin(abs(np.diff(places, axis=1)), near)
    down = np.isin(abs(np.diff(places, axis=0)), near)
    if max(across.mean(), down.mean()) > 0.5:
        return "Most pixels still have their old neighbours."
    return None


# %% tags=["nbval-check-output"]
def scramble(images):
    pixels = images.reshape(len(images), 784)
    return pixels.reshape(images.shape)  # change this function


answer = None  # when your function is ready: answer = scramble
check_scramble(answer)

# %% tags=["solution"]
order = np.random.default_rng(0).permutation(784)  # drawn once


def mix(images):
    return images.reshape(len(images), 784)[:, order].reshape(images.shape)


keras.utils.set_random_seed(seed)
few = digits.subset(small_size, seed)
blind = build()
blind.fit(mix(few.x_train), few.y_train, epochs=epochs, verbose=0)
found = training.evaluate(blind, mix(images[:2_000]), labels[:2_000])[1]
print(f"{accuracies[0]:.1%} with neighbours, {found:.1%} without")
answer = mix
check_scramble(answer)


# %% tags=["right"]
def move_rows_and_columns(images):
    rng = np.random.default_rng(5)  # the same at each call
    return images[:, rng.permutation(28)][:, :, rng.permutation(28)]


check_scramble(move_rows_and_columns)

# %% tags=["wrong"]
# came out
check_scramble(lambda images: images.reshape(len(images), 784))

# %% tags=["wrong"]
# keep its own pixels
check_scramble(lambda images: images[[1, 2, 0]])

# %% tags=["wrong"]
# an order of its own
rng = np.random.default_rng(0)
check_scramble(
    lambda x: rng.permuted(x.reshape(-1, 784), axis=1).reshape(x.shape)
)

# %% tags=["wrong"]
# The second call used a new order
check_scramble(lambda x: x[:, rng.permutation(28)][:, :, rng.permutation(28)])

# %% tags=["wrong"]
# their old neighbours
check_scramble(scramble)

# %% tags=["wrong"]
# their old neighbours
rows = np.random.default_rng(0).permutation(28)
check_scramble(lambda images: images[:, rows])

# %% tags=["error"]
# takes images and returns images
check_scramble("scramble")

# %% [markdown]
# ### Exercise 3 · Break it: what does the network see in noise?
#
# Make 1,000 images of noise, `noise = np.random.default_rng(0).integers(0, 256, (1000, 28, 28, 1))`, and let
# the network answer with `network.predict(noise)`. How many per cent of the images get the *most frequent* of
# its answers? Guess first.


# %% tags=["check"]
@exercises.exercise(
    expects="a number in per cent",
    second_hint="`network.predict(noise).argmax(axis=1)`, then `np.bincount`.",
    because="None of the ten answers means 'not a digit'.",
)
def check_noise(answer):
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, (1_000, 28, 28, 1))
    answers = network.predict(noise, verbose=0).argmax(axis=1)
    truth = 100 * np.bincount(answers).max() / len(answers)
    answer = float(answer)
    if abs(answer - truth) <= 8:
        return None
    if abs(100 * answer - truth) <= 8:
        return "Is that a share? Give it in per cent."
    if answer == 0:
        return "No answer at all? Softmax always gives ten probabilities."
    if abs(answer - 10) <= 2:
        return "A tenth each means guessing evenly. Does this network do that?"
    return "Let the network answer, and count the answers."


# %% tags=["nbval-check-output"]
answer = None  # your answer: a number in per cent
check_noise(answer)

# %% tags=["solution"]
noise = np.random.default_rng(0).integers(0, 256, (1_000, 28, 28, 1))
found = network.predict(noise, verbose=0)
counts = np.bincount(found.argmax(axis=1), minlength=10)
answer = 100 * counts.max() / len(noise)
print(f"{answer:.0f} % are a {counts.argmax()} to the network")
print(f"mean probability of its answer: {found.max(axis=1).mean():.2f}")
check_noise(answer)

# %% tags=["right"]
check_noise(f"{answer:.0f}")

# %% tags=["wrong"]
# in per cent
check_noise(answer / 100)

# %% tags=["wrong"]
# No answer at all?
check_noise(0)

# %% tags=["wrong"]
# A tenth each
check_noise(10)

# %% tags=["wrong"]
# count the answers
check_noise(answer + 30)

# %% tags=["error"]
# a number in per cent
check_noise("none")

# %% [markdown]
# ## Quiz
#
# **1. Before training, the loss is 2.3 and the accuracy 10 %. Is the network broken?** (a) Yes. (b) No. (c)
# Only the loss is wrong.
#
# <details><summary>Answer</summary>
#
# (b). Ten equal probabilities cost $-\log 0.1 \approx 2.3$, and a tenth of the guesses are right. (a) and
# (c) expect a loss between 0 and 1; cross-entropy has no upper limit. Suspect a first loss that is much
# *larger*.
#
# </details>
#
# **2. After the first epoch, validation accuracy is above training accuracy. Why?** (a) Validation images
# leaked into training. (b) Training accuracy is the mean over the epoch, validation accuracy comes after
# it. (c) Validation images are easier.
#
# <details><summary>Answer</summary>
#
# (b). The first batches of the epoch met an untrained network. (a) is worth checking, but a leak would still
# show after a few epochs. (c) is unlikely for a random, stratified split.
#
# </details>
#
# **3. Runs of one method have a standard deviation of 0.7 points. A technique wins by 0.9 points in one
# run. Is it better?** (a) Yes. (b) Unknown. (c) No.
#
# <details><summary>Answer</summary>
#
# (b). The difference of two runs has a standard deviation of √2 × 0.7, about 1 point: chance alone often
# gives 0.9. (a) compares a difference with the spread of one run. (c) takes "not shown" for "shown to be
# false".
#
# </details>
#
# ## Your guesses, and what came out

# %%
found = {
    "accuracy after the first epoch (%)": history.history["val_accuracy"][0],
    "accuracy after the last epoch (%)": accuracy,
    "best seed minus worst (points)": np.ptp(accuracies),
}
found = {name: round(100 * share, 2) for name, share in found.items()}
found["epoch with the lowest loss"] = best + 1
exercises.compare_guesses(guess, found)

# %% [markdown]
# ## Recap
#
# - **How does a small CNN do?** Far better than the nearest mean: its filters ask small questions everywhere.
# - **How much does a run vary?** The standard deviation over seeds tells; one run is only one draw.
# - Where training loss falls and validation loss rises, the network overfits.
#
# **In practice:** check the loss before training, look at the costliest mistakes, and repeat a run before
# you believe it.
#
# **Sources:** Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document
# recognition", *Proceedings of the IEEE* 86, 1998. D. P. Kingma and J. Ba, "Adam: A Method for Stochastic
# Optimization", ICLR 2015. K. Jordan, "Calibrated Chaos: Variance Between Runs of Neural Network Training
# is Harmless and Inevitable", arXiv:2304.01910, 2023. Tanner Abraham, "Classify Handwritten-Digits With
# Tensorflow", 2021.
#
# **Next:** [03 · Do smaller weights help?](03_l2_regularization.ipynb)
