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
# # 05 · Which changes keep the label?
#
# Previous: [04 · What if a network cannot rely on any one feature?](04_dropout.ipynb) ·
# Next: [06 · When to stop?](06_early_stopping.ipynb)
#
# **Time:** about 2 minutes on 2 CPU cores; an hour with the exercises.
#
# **You will do:** shift digits until a network fails, train with ranges of your own, and prove that the
# article's changes never reached its training.
#
# **You will learn:** what augmentation tells a network, what it makes the network robust to, when it starts
# to pay, and whether a network is as sure of its answers as it should be.
#
# **You need:** lesson 02's network, lesson 03's way to compare over paired seeds.

# %% tags=["parameters"]
dataset: str = "auto"  # auto, mnist or uci: the images to use
train_size: int = 1_000  # 300 to 50_000: training images, few on purpose
epochs: int = 16  # 1 to 100: passes over the training images
n_seeds: int = 3  # 2 to 20: paired runs of each variant
validation_size: int = 2_000  # 100 to 10_000: images scored each epoch

# %%
from mnist_helpers.lessons import parameters

parameters.check()  # types and ranges, as stated above

# %%
import timeit
from functools import partial

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import layers

from mnist_helpers import (
    augmentation,
    datasets,
    exercises,
    plots,
    recipes,
    statistics,
    training,
)
from mnist_helpers.study import charts, findings, tables

keras.utils.set_random_seed(0)
digits = datasets.load(dataset)
print(digits)

# %% [markdown]
# ## Your guess
#
# Guess three numbers before you run on. *Gentle* changes turn, move, zoom and shear digits a little; the
# article's go much further, and mirror digits too. Replace any `None`; the end of the lesson compares.

# %%
guess = {
    "accuracy on digits shifted by 4 pixels (%)": None,
    "points gained by gentle changes": None,
    "points gained by the article's ranges": None,
}

# %% [markdown]
# ## The problem: a few pixels to the side
#
# We train lesson 02's network on few images. The argument `ranges` is for later: without it, images stay as
# they are.


# %%
def build(ranges=None):
    changes = [augmentation.RandomAffine(**ranges)] if ranges else []
    network = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *changes,
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
    )
    return network


# %%
def train(network, *data):
    progress = training.ProgressCallback()
    network.fit(*data, epochs=epochs, verbose=0, callbacks=[progress])
    return network


few = digits.subset(train_size, seed=0)
network = train(build(), few.x_train, few.y_train)

# %% [markdown]
# Now we move 1,000 validation digits to the right and down, pixel by pixel. You can still read the one
# shown here.


# %% tags=["nbval-check-picture", "mnist-only"]
def change(images, **ranges):
    layer = augmentation.RandomAffine(**ranges)
    return np.asarray(layer(images, training=True))


images, labels = digits.x_validation[:1000], digits.y_validation[:1000]
shifts = {p: change(images, shift=(p, p)) for p in (0, 1, 2, 3, 4, 5)}
plots.image_grid(
    [moved[0] for moved in shifts.values()],
    [f"{p} pixels" for p in shifts],
    columns=6,
    frame=True,
    title=f"The same {labels[0]}, moved right and down ({digits.name})",
)


# %%
def read(network, changed):
    """Return the accuracy after each change."""
    scores = [training.evaluate(network, x, labels) for x in changed.values()]
    return [accuracy for _, accuracy in scores]


before = read(network, shifts)
plots.lines(
    {"baseline": before},
    list(shifts),
    title=f"What one network reads of shifted digits ({digits.name})",
    xlabel="shift to the right and down (pixels)",
    ylabel="accuracy (share)",
    ylim=(0, 1),
)

# %% [markdown]
# A convolution looks for its pattern everywhere. But the dense layers behind it have only met digits in the
# middle, and nobody told them that the place does not matter.
#
# ## The idea: say what does not matter
#
# A seven that leans a little is still a seven. The network does not know, unless it sees both. If a change
# $T$ keeps the label, each pair of an image $x$ (`few.x_train`) and its label $y$ (`few.y_train`) gives
# many new pairs:
#
# $$(x, y) \;\longrightarrow\; (T(x), y) \qquad \text{for random } T$$
#
# This is [data augmentation](../docs/glossary.md#data-augmentation). The network meets different pixels in
# every epoch, so it can hardly learn them by heart. By choosing $T$ you *state* that it keeps the label,
# and this must be true. Augmentation stretches the data you have. It is no substitute for more data: all
# copies of a seven come from the same pen.
#
# Source: P. Y. Simard, D. Steinkraus and J. C. Platt, "Best Practices for Convolutional Neural Networks
# Applied to Visual Document Analysis", ICDAR 2003, which used it on MNIST.
#
# ## The changes alone
#
# `RandomAffine` is a Keras layer that comes with this series. It turns, shifts, zooms and shears images.
# These are [affine changes](../docs/glossary.md#affine-change): they keep straight lines straight. Each
# change has a range. A single number is the largest change in either direction; a pair gives both ends. So
# `shift=(2, 2)` always shifts by two pixels, right and down. We can do that by hand.

# %% tags=["nbval-check-output"]
image = digits.x_train[0]
layer = augmentation.RandomAffine(shift=(2, 2))
by_hand = np.pad(image, ((2, 0), (2, 0), (0, 0)))[:28, :28]
in_training = np.asarray(layer(image, training=True))
at_prediction = np.asarray(layer(image, training=False))
print("in training, as by hand:", np.array_equal(in_training, by_hand))
print("at prediction, untouched:", np.array_equal(at_prediction, image))
changes = np.array_equal(in_training, by_hand)
assert changes, "the layer must change images in training"
quarter = augmentation.RandomAffine(rotation=(90, 90))  # in degrees
turned = np.asarray(quarter(image, training=True))
print("a quarter turn, as by hand:", np.array_equal(turned, np.rot90(image)))

# %% [markdown]
# The layer changes images while `fit` trains. At inference, when the network predicts, it switches itself
# off.
#
# Now the changes are random. `rotation` is in degrees, `shift` in pixels. `zoom=0.1` makes an image up to a
# tenth larger or smaller. `shear=0.1` moves each row up to a tenth of a pixel further than the row above,
# and columns likewise. These are the series' *gentle* ranges. **Edit them and run the cell again.**

# %%
seven = np.repeat(digits.x_train[digits.y_train == 7][:1], 18, axis=0)
own = augmentation.RandomAffine(rotation=10, shift=2, zoom=0.1, shear=0.1)
plots.image_grid(
    [seven[0], *np.asarray(own(seven[1:], training=True))],
    ["original", *[""] * 17],
    frame=True,
    title=f"One 7 and what your ranges make of it ({digits.name})",
)

# %% [markdown]
# How far may you go? As far as you still read the digit. A six turned by 180 degrees is a nine. At 90
# degrees it is already hard to tell which is which.

# %% tags=["nbval-check-picture", "mnist-only"]
first = [digits.x_train[digits.y_train == label][0] for label in range(10)]
turned = {
    f"{label}, {a}°": change(first[label], rotation=(a, a))
    for label in (6, 9)
    for a in (0, 20, 40, 90, 180)
}
plots.image_grid(
    list(turned.values()),
    list(turned),
    columns=5,
    frame=True,
    title=f"Turned far enough, a six is a nine ({digits.name})",
)

# %% [markdown]
# Mirroring cannot be done by a small amount. A mirrored 0 or 8 hardly changes; a mirrored 2 or 7 is no
# digit at all, and a mirrored 5 can look like a 2. It depends on the data: a mirrored cat is a cat.

# %% tags=["nbval-check-picture", "mnist-only"]
plots.image_grid(
    [*first, *[digit[:, ::-1] for digit in first]],
    [*range(10), *["mirrored"] * 10],
    columns=10,
    frame=True,
    title=f"Each digit and its mirror image ({digits.name})",
)

# %% [markdown]
# ## In a network: does it help?
#
# `build(ranges)` puts the layer at the front of the network, where you cannot forget to apply it. We
# compare three variants over paired seeds: no change, the gentle ranges, and those of the article that this
# series follows. The article turns images by up to 40 degrees, shifts them by up to a fifth of the image
# (5.6 pixels) and mirrors half of them, chosen at random. `fill_mode="nearest"` fills borders with the
# nearest pixels; the default, `"constant"`, with empty paper. This cell takes most of the lesson's time.

# %% tags=["nbval-check-output"]
ranges = {"baseline": None}
for name in ("gentle", "article"):
    ranges[f"augmentation ({name})"] = recipes.PRESETS[name]
    print(name, recipes.PRESETS[name])
plain, gentle, article = ranges

# %%
runs, networks = training.compare(
    {name: partial(build, ranges[name]) for name in ranges},
    digits,
    seeds=range(n_seeds),
    train_size=train_size,
    epochs=epochs,
    validation_size=validation_size,
)

# %%
scores = {
    name: [100 * run.validation_accuracy for run in runs[name]]
    for name in runs
}
statistics.table(scores, plain)

# %% [markdown]
# Beside the means stand the mean difference from the baseline, in percentage points, and its 95 % interval.
# On MNIST, gentle changes help and the article's harm. (The UCI digits all sit alike in their frames, and
# the baseline makes few errors there, so gentle changes have little to gain.) But *when* do gentle changes
# help? After each epoch, we subtract the baseline's validation accuracy from that of the augmented network
# with the same seed:


# %%
def by_epoch(name):
    return np.array([run.history["val_accuracy"] for run in runs[name]])


gain = 100 * (by_epoch(gentle) - by_epoch(plain))
if epochs >= 12:  # shorter runs end before it pays
    late, early = gain[:, -3:].mean(), gain[:, :2].mean()
    assert late > max(early, -1), "no gain: do the changes reach fit?"
plots.lines(
    {gentle: gain.tolist()},
    title=f"The gain by epoch, a thin line per seed ({digits.name})",
    xlabel="epoch",
    ylabel="accuracy minus baseline (points)",
    horizontal={plain: 0},
)

# %% [markdown]
# At first the harder task costs accuracy. Later the augmented network catches up and overtakes the
# baseline. A comparison after one epoch would have come out the other way. Compare what `fit` reports about
# the training images in the last epoch:

# %%
for name in runs:
    reported = np.mean([run.history["accuracy"][-1] for run in runs[name]])
    validated = np.mean(scores[name])
    print(f"{name:23} training {100 * reported:5.1f} %, ", end="")
    print(f"validation {validated:5.1f} %")

# %% [markdown]
# The baseline knows its training images by heart and has little left to learn from them. With augmentation,
# `fit` measures training accuracy on *changed* images, so it can even be below validation accuracy.
#
# ## Why: robust to what was stated, and to nothing else
#
# We repeat the test with shifts on all three networks (those of the last seed). Then we test turns, then
# noise.


# %%
after = {}


def draw(what, changed, unit):
    after[what] = {name: read(networks[name], changed) for name in networks}
    return plots.lines(
        after[what],
        list(changed),
        title=f"Accuracy after {what} ({digits.name})",
        xlabel=unit,
        ylabel="accuracy (share)",
        ylim=(0, 1),
    )


draw("a shift", shifts, "shift to the right and down (pixels)")

# %%
angles = (0, 10, 20, 30, 40, 60)
turns = {a: change(images, rotation=(a, a)) for a in angles}
draw("a turn", turns, "turn (degrees)")

# %%
noise = np.random.default_rng(0).normal(size=images.shape)
noisy = {
    strength: np.clip(images + strength * noise, 0, 255).astype("uint8")
    for strength in (0, 25, 50, 75, 100)
}
draw("noise", noisy, "standard deviation of the noise (of 255)")

# %% [markdown]
# The ranges contain shifts and turns. The networks that practised these are more
# [robust](../docs/glossary.md#robustness) to them: they lose less as the change grows. The ranges do not
# contain noise. On MNIST, strong noise hurts both augmented networks more than the baseline, and the
# article's most. Ask what will vary where your network is used, and put that into the ranges.

# %%
if epochs >= 12:  # shorter runs have learned too little
    moved, grey = after["a shift"], after["noise"]
    assert moved[gentle][4] > moved[plain][4], "stated: is the layer there?"
    assert grey[article][-1] < grey[plain][-1], "not stated: what helps?"

# %% [markdown]
# ## Is the network as sure as it should be?
#
# A network also says how sure it is: its largest probability is its
# [confidence](../docs/glossary.md#confidence). It is [calibrated](../docs/glossary.md#calibration) if, of
# the answers it gives with 80 % confidence, 80 % are right, and so on for every confidence. We sort the
# answers into 15 bins by confidence, and compare each bin's mean confidence with its share of right
# answers. We show both as a table, as one number, and as a [reliability
# diagram](../docs/glossary.md#reliability-diagram), which draws the difference for each bin. The number is
# the [calibration error](../docs/glossary.md#calibration-error): the mean distance between the two,
# weighted by the number of answers $n_b$ in bin $b$:
#
# $$\text{calibration error} = \frac{1}{n} \sum_b n_b \, \left| \text{right}_b - \text{confidence}_b \right|$$


# %%
def reliability(network):
    parts = np.array_split(digits.x_validation, 100)  # saves memory
    found = np.concatenate([network(part) for part in parts])
    sure = found.max(axis=1)
    right = found.argmax(axis=1) == digits.y_validation
    table = pd.DataFrame({"n": 1, "confidence": sure, "right": right})
    bins = np.minimum(15 * sure, 14).astype(int)
    how = {"n": "sum", "confidence": "mean", "right": "mean"}
    return table.groupby(bins).agg(how)


bins = {name: reliability(networks[name]) for name in networks}
bins[plain].round(2)

# %%
for name, table in bins.items():
    weight = table["n"] / table["n"].sum()
    surplus = weight * (table["confidence"] - table["right"])
    error, sign = 100 * surplus.abs().sum(), 100 * surplus.sum()
    print(f"{name:23} calibration error {error:4.1f} points, ", end="")
    print(f"confidence minus accuracy {sign:+5.1f}")
toy = np.array([[0.65, 0.35], [0.75, 0.25]])  # the first right, both unsure
helper = statistics.score(toy, np.array([0, 1]))["calibration_error"]
assert np.isclose(helper, (0.35 + 0.75) / 2), "the gaps of two bins add up"

# %%
middle = (np.arange(15) + 0.5) / 15
gaps = {name: t["right"] - t["confidence"] for name, t in bins.items()}
plots.lines(
    {name: gap.reindex(range(6, 15)).tolist() for name, gap in gaps.items()},
    middle[6:].round(2),
    title=f"Reliability: below 0 the network is too sure ({digits.name})",
    xlabel="confidence (middle of the bin)",
    ylabel="right answers minus confidence",
    horizontal={"calibrated": 0},
)

# %% [markdown]
# On MNIST the baseline is too sure: it soon got nearly all of its training images right, and training made
# it ever surer of them. With the article's ranges the network is too cautious: unchanged digits are easier
# than those it practised on. (On the UCI digits, most bins hold too few answers to tell.)
#
# ## What the article did: a generator that `fit` never saw
#
# The article builds Keras's old `ImageDataGenerator`. Below are its seven arguments, and what they do to
# our 7. (`shear_range=0.2` is in degrees. It is the `shear` of 0.0035 pixels per row printed above, too
# small to see.)


# %% tags=["nbval-check-picture", "mnist-only"]
def make_generator():
    return tf.keras.preprocessing.image.ImageDataGenerator(
        rotation_range=40,
        width_shift_range=0.2,
        height_shift_range=0.2,
        shear_range=0.2,
        zoom_range=0.2,
        horizontal_flip=True,
        fill_mode="nearest",
    )


flow = make_generator().flow(seven[1:], batch_size=17, shuffle=False, seed=0)
plots.image_grid(
    [seven[0], *next(flow)],
    ["original", *[""] * 17],
    frame=True,
    title=f"The article's seven arguments at work ({digits.name})",
)

# %% [markdown]
# Then the article calls `fit` with its arrays as before, and reports "no improvement". Nothing connects the
# generator with `fit`. We can test this: we train from the same seed without a generator, with one that is
# only defined, and with one that is passed to `fit`. Identical weights mean that `fit` never used the
# generator.

# %%
x, y = few.x_train[:256], few.y_train[:256]


def weights_after(program):
    keras.utils.set_random_seed(1)
    network = build()
    program(network)
    return network.get_weights()


def without(network):
    network.fit(x, y, verbose=0)


def as_in_the_article(network):
    make_generator()
    network.fit(x, y, verbose=0)


def passed_to_fit(network):
    network.fit(make_generator().flow(x, y, seed=0), verbose=0)


# %% tags=["nbval-check-output"]
reference = weights_after(without)


def takes_no_part(program):
    pairs = zip(reference, weights_after(program), strict=True)
    return all(np.array_equal(one, other) for one, other in pairs)


print("as in the article, same weights:", takes_no_part(as_in_the_article))
print("passed to fit, same weights:", takes_no_part(passed_to_fit))

# %% [markdown]
# Every weight is equal to the last bit: the article's generator took no part in training. So "no
# improvement" compares a training with itself, and says nothing about augmentation. Applied for real, the
# article's ranges lower accuracy. Our layer showed it above; next comes its own generator.

# %%
keras.utils.set_random_seed(0)
flow = make_generator().flow(few.x_train, few.y_train, batch_size=32)
by_generator = train(build(), flow)

# %%
reached = training.evaluate(by_generator, images, labels)[1]
print(f"without: {100 * before[0]:.1f} %")
print(f"by the generator: {100 * reached:.1f} %")
if epochs >= 12:
    assert reached < before[0], "no harm: did the generator reach fit?"

# %% [markdown]
# ## What it costs
#
# Each turn, shift, zoom or shear can be written as a matrix, and a product of matrices is again a matrix.
# So `RandomAffine` first multiplies the matrices, then computes the pixels of each image only once. How
# long does that take, compared with training?


# %%
def microseconds(step, repeats=10):
    step()  # the first call builds the graph
    return timeit.timeit(step, number=repeats) / repeats / len(x) * 1e6


layer = tf.function(partial(own, training=True))
flow = make_generator().flow(x, batch_size=len(x))
fastest = min(run.seconds for run in runs[plain])
cost = {
    "fit, with scoring": 1e6 * fastest / epochs / len(few.x_train),
    "RandomAffine": microseconds(lambda: layer(x)),
    "ImageDataGenerator": microseconds(lambda: next(flow)),
}
for name, value in cost.items():
    share = 100 * value / cost["fit, with scoring"]
    print(f"{name:18} {value:4.0f} µs per image, {share:3.0f} % of fit")

# %% [markdown]
# That is the price per epoch. The gain by epoch showed the other price: augmentation pays only after
# several epochs.
#
# ## The evidence
#
# The study trained with both ranges on MNIST. Picture and table show the gentle ones: the picture their
# difference from the baseline at a constant learning rate, epoch by epoch. Its bands are 95 % intervals that
# are not widened for many comparisons. Read the table as in lesson 03.

# %% tags=["nbval-check-picture"]
courses = findings.read_courses()
charts.draw_courses(courses, ["augmentation"])

# %% tags=["nbval-check-output"]
tables.tabulate_technique(courses, "augmentation")

# %% [markdown]
# What the study lets us say:
#
# - After 5 epochs on 1,000 images with a constant learning rate, it is undecided whether augmentation
#   (gentle) changes accuracy (-0.93 to +2.04 points). (`augmentation-1000-courses-5`)
# - After 100 epochs on 1,000 images with a constant learning rate, augmentation (gentle) raises accuracy by
#   2.56 points (2.15 to 2.97). (`augmentation-1000-courses`)
# - After 100 epochs on 1,000 images with an annealed learning rate, augmentation (gentle) raises accuracy by
#   2.50 points (2.10 to 2.91). (`augmentation-1000-ends`)
# - After 40 epochs on 5,000 images with an annealed learning rate, augmentation (gentle) raises accuracy by
#   0.80 points (0.68 to 0.93). (`augmentation-5000-ends`)
# - After 5 epochs on 40,000 images with a constant learning rate, it is undecided whether augmentation
#   (gentle) changes accuracy (-0.39 to +0.64 points). (`augmentation-40000-courses-5`)
# - After 15 epochs on 40,000 images with a constant learning rate, it is undecided whether augmentation
#   (gentle) changes accuracy (-0.22 to +0.70 points). (`augmentation-40000-courses`)
# - After 15 epochs on 40,000 images with an annealed learning rate, augmentation (gentle) raises accuracy by
#   0.20 points (0.10 to 0.30). (`augmentation-40000-ends`)
# - After 5 epochs on 40,000 images with a constant learning rate, augmentation (article) lowers accuracy by
#   3.15 points (1.86 to 4.43). (`augmentation-article-40000-courses-5`)
# - After 30 epochs on 1,000 images with 30 % of their labels redrawn, augmentation (gentle) raises accuracy
#   by 16.71 points (15.08 to 18.35). (`augmentation-1000-noise`)
# - After 20 epochs on 5,000 images with 30 % of their labels redrawn, augmentation (gentle) raises accuracy
#   by 16.65 points (13.53 to 19.77). (`augmentation-5000-noise`)
#
# The gentle ranges cost accuracy for a short time, if at all, and pay at every size, most with few images. At
# 40,000 images it takes an annealed rate to show it in a widened interval. The article's ranges change too
# much. In the study they lie below the baseline at every checkpoint, even after 100 epochs on 1,000 images.

# %% tags=["headline"]
found = {
    name: statistics.paired_difference(scores[name], scores[plain])
    for name in (gentle, article)
}
print(f"gentle {found[gentle].interval} points, ", end="")
print(f"article {found[article].interval} points ({digits.name})")

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 · Predict: which of these reach the network?
#
# ```python
# # a
# generator = make_generator()
# generator.fit(x)
# network.fit(x, y)
#
# # b
# network.fit(make_generator().flow(x, y))
#
# # c
# layer = augmentation.RandomAffine(rotation=40, seed=0)
# layer(x, training=True)
# network.fit(x, y)
#
# # d
# layer = augmentation.RandomAffine(rotation=40, seed=0)
# network.fit(layer(x, training=True), y)
# ```
#
# Which of the four end with exactly the weights that `without` gave above, so that the changes took no
# part? Answer with letters, such as `"bcd"`. The check trains all four.


# %% tags=["check"]
def program_a(network):
    generator = make_generator()
    generator.fit(x)
    network.fit(x, y, verbose=0)


def program_b(network):
    network.fit(make_generator().flow(x, y), verbose=0)


def program_c(network):
    layer = augmentation.RandomAffine(rotation=40, seed=0)
    layer(x, training=True)
    network.fit(x, y, verbose=0)


def program_d(network):
    layer = augmentation.RandomAffine(rotation=40, seed=0)
    network.fit(layer(x, training=True), y, verbose=0)


programs = {"a": program_a, "b": program_b, "c": program_c, "d": program_d}
without_changes = set()  # filled by the first answer


@exercises.exercise(
    expects='letters from a to d, such as "bcd"',
    second_hint=(
        "In each program, look only at what stands in the brackets of "
        "network.fit."
    ),
    because=(
        "In a and c, network.fit gets x itself: what happened before went "
        "nowhere."
    ),
)
def check_programs(answer):
    words = (
        answer.replace(",", " ").lower().split()
        if isinstance(answer, str)
        else answer
    )
    chosen = {
        letter for word in words for letter in word if set(word) <= set("abcd")
    }
    if not chosen:
        raise ValueError(f"no letter from a to d in {answer!r}")
    if not without_changes:
        same = {
            name for name, train in programs.items() if takes_no_part(train)
        }
        without_changes.update(same)
    if chosen == without_changes:
        return None
    if "b" in chosen:
        return (
            "flow hands out changed images, and in b it is flow that "
            "network.fit gets."
        )
    if "a" not in chosen:
        return (
            "generator.fit sounds like training, but it only computes means "
            "of pixels for later."
        )
    if "c" not in chosen:
        return "A layer returns changed copies. Who uses those of program c?"
    return "One of your programs does train on changed images."


# %% tags=["nbval-check-output"]
answer = None  # your answer: letters
check_programs(answer)

# %% tags=["solution"]
# generator.fit computes statistics of the pixels, and nothing else (a).
# The layer of c returns changed copies that nobody keeps.
answer = "ac"
check_programs(answer)

# %% tags=["right"]
check_programs({"c", "a"})

# %% tags=["right"]
check_programs("C and a")

# %% tags=["wrong"]
# flow hands out changed images
check_programs("abc")

# %% tags=["wrong"]
# sounds like training
check_programs("c")

# %% tags=["wrong"]
# returns changed copies
check_programs(["a"])

# %% tags=["wrong"]
# does train on changed images
check_programs("a, c, d")

# %% tags=["error"]
# letters from a to d
check_programs(2)

# %% [markdown]
# ### Exercise 2 · Modify: state what your scanner does
#
# A scanner pulls its sheets in at an angle. They come out turned **clockwise**, by anything from 0 to 30
# degrees, never the other way, and nothing else happens to them. Give the layer that states exactly this.
# `help(augmentation.RandomAffine)` says which direction is positive. To look at your layer, put it into the
# cell with the 18 sevens above.


# %% tags=["check"]
@exercises.exercise(
    expects="a layer, such as augmentation.RandomAffine(rotation=10)",
    second_hint="A range may be a pair of numbers, the smaller first.",
    because="It turns clockwise by up to 30 degrees, and does nothing else.",
)
def check_scanner(answer):
    spot = np.zeros((300, 28, 28, 1), "float32")
    spot[:, 12:16, 20:24] = 255  # to the right of the centre
    ink = np.asarray(answer(spot, training=True))[..., 0]
    ink = ink / ink.sum(axis=(1, 2), keepdims=True)
    down, right = (
        np.tensordot(ink.sum(axis), np.arange(28) - 13.5, 1) for axis in (2, 1)
    )
    turned = np.degrees(np.arctan2(-down, right))  # counter-clockwise
    if turned.max() - turned.min() < 1:
        return "All copies of an image come out alike: nothing is random here."
    if np.ptp(np.hypot(down, right)) > 0.8:
        return "It does more than turn: sheets are neither moved nor enlarged."
    if np.abs(turned).max() > 32:
        return (
            "Some images turn by more than 30 degrees. In which unit does "
            "this layer count?"
        )
    if turned.min() > -2:
        return "It turns the wrong way: counter-clockwise is positive."
    if turned.max() > 2:
        return (
            "Half of the sheets turn the other way, which your scanner never "
            "does."
        )
    if turned.min() > -27:
        return "The right way, but not as far as the scanner."
    return None


# %% tags=["nbval-check-output"]
answer = None  # your answer: a layer
check_scanner(answer)

# %% tags=["solution"]
# Counter-clockwise is positive, so clockwise is negative.
answer = augmentation.RandomAffine(rotation=(-30, 0))
check_scanner(answer)

# %% tags=["right"]
# Keras's own layer counts in full turns.
check_scanner(layers.RandomRotation((-30 / 360, 0), fill_mode="constant"))

# %% tags=["wrong"]
# Half of the sheets
check_scanner(augmentation.RandomAffine(rotation=30))

# %% tags=["wrong"]
# wrong way
check_scanner(augmentation.RandomAffine(rotation=(0, 30)))

# %% tags=["wrong"]
# In which unit
check_scanner(layers.RandomRotation((-30, 0), fill_mode="constant"))

# %% tags=["wrong"]
# more than turn
check_scanner(augmentation.RandomAffine(rotation=(-30, 0), shift=2))

# %% tags=["wrong"]
# nothing is random
check_scanner(augmentation.RandomAffine(rotation=(-30, -30)))

# %% tags=["wrong"]
# not as far
check_scanner(augmentation.RandomAffine(rotation=(-10, 0)))

# %% tags=["error"]
# a layer
check_scanner((-30, 0))

# %% [markdown]
# ### Exercise 3 · Break it: two answers to one digit
#
# At inference the layer is off. Switch it on: write a function `answer(network, images)` that returns the
# ten probabilities of each image, and that gives a *different* result each time it is called with the
# network trained on gentle changes. With the baseline, which has no such layer, it must agree with the
# usual prediction.


# %% tags=["check"]
@exercises.exercise(
    expects="a function that takes a network and images",
    second_hint=(
        "A network can be called like a layer, and it passes on the same "
        "argument."
    ),
    because=(
        "Each call draws new changes. The mean of many such answers is known "
        "as test-time augmentation."
    ),
)
def check_two_answers(answer):
    shown = digits.x_validation[:50]
    usual = np.asarray(networks[plain](shown, training=False))
    first, second = (
        np.asarray(answer(networks[gentle], shown)) for _ in range(2)
    )
    if first.shape != usual.shape:
        return "Return ten probabilities for each image."
    if np.allclose(first, second, atol=1e-6):
        return (
            "Both calls give the same answers: the layer is off, as it is at "
            "inference."
        )
    if not np.allclose(
        np.asarray(answer(networks[plain], shown)), usual, atol=1e-4
    ):
        return (
            "The baseline's answers change too, so the chance comes from your"
            " function, not from the layer."
        )
    return None


# %% tags=["nbval-check-output"]
answer = None  # your answer: a function
check_two_answers(answer)


# %% tags=["solution"]
# A layer is told by the argument `training` whether it is in training.
def answer(network, images):
    return network(images, training=True)


check_two_answers(answer)

# %% tags=["right"]
check_two_answers(
    lambda network, images: network.call(
        np.float32(images), training=True
    ).numpy()
)

# %% tags=["wrong"]
# the layer is off
check_two_answers(lambda network, images: network.predict(images, verbose=0))

# %% tags=["wrong"]
# Return ten probabilities
check_two_answers(
    lambda network, images: (
        network(images, training=True).numpy().argmax(axis=1)
    )
)

# %% tags=["wrong"]
# not from the layer
check_two_answers(lambda network, images: network(change(images, rotation=10)))

# %% tags=["error"]
# takes a network and images
check_two_answers(networks[plain])

# %% [markdown]
# ## Quiz
#
# **1. Two trainings from one seed end with bit-equal weights; one of them defined a generator. What
# follows?** (a) This augmentation is useless. (b) The generator took no part. (c) The ranges were too
# narrow to matter.
#
# <details><summary>Answer</summary>
#
# (b). Changed images give changed gradients, and those give changed weights. Narrow ranges (c) would change
# weights a little, but not leave every bit alone. Nobody has tested whether the augmentation would have
# been useful (a).
#
# </details>
#
# **2. Suppose that a study trains on 50,000 images for five epochs, and that the interval of gentle
# augmentation contains 0. May you leave augmentation out?** (a) Yes: it does nothing with enough data. (b)
# No: it must help. (c) This study cannot tell.
#
# <details><summary>Answer</summary>
#
# (c). The interval also contains gains you would like to have, and five epochs say nothing about what
# longer training would bring. (a) takes "not detected" for "not there". (b) believes more than was
# measured.
#
# </details>
#
# **3. With augmentation, `fit` reports a training accuracy below the validation accuracy. Why?** (a) The
# network underfits, so augmentation must go. (b) Training images are changed and therefore harder. (c)
# There is a bug: training accuracy is always higher.
#
# <details><summary>Answer</summary>
#
# (b). Validation images are not changed, so the two numbers belong to different tasks. Evaluate the
# training images as they are to compare the two fairly. (a) can be true, but this does not show it. (c) is
# no rule: with dropout, with wrong labels, or in the first epochs, training accuracy is often the lower
# one.
#
# </details>
#
# ## Your guesses, and what came out

# %%
exercises.compare_guesses(
    guess,
    {
        "accuracy on digits shifted by 4 pixels (%)": round(
            100 * before[4], 1
        ),
        "points gained by gentle changes": round(found[gentle].mean, 1),
        "points gained by the article's ranges": round(found[article].mean, 1),
    },
)

# %% [markdown]
# ## Recap
#
# Which changes keep the label? Those after which *you* still read the digit without hesitating.
#
# - Augmentation tells a network what does not matter. If that is true, it can help; if it is false, it
#   harms.
# - It makes a network robust to the changes in its ranges, and to nothing else.
# - It costs accuracy at first and pays later, so it needs longer training.
# - Bit-equal weights prove that changes never reached `fit`.
#
# **In practice:** look at changed images first, begin gently, and put the changes into the network, where
# nobody can forget them.
#
# **Sources:** Simard, Steinkraus and Platt, 2003. C. Shorten and T. M. Khoshgoftaar, "A survey on Image
# Data Augmentation for Deep Learning", *Journal of Big Data* 6 (2019). C. Guo and others, "On Calibration
# of Modern Neural Networks", ICML 2017. Tanner Abraham, "Classify Handwritten-Digits With Tensorflow",
# 2021.
#
# **Next:** [06 · When to stop?](06_early_stopping.ipynb)
