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
# # 06 · When to stop?
#
# Previous: [05 · Which changes keep the label?](05_data_augmentation.ipynb) ·
# Next: [07 · What helped, and when?](07_conclusion.ipynb)
#
# **Time:** about 2 minutes on 2 CPU cores; an hour with the exercises.
#
# **You will do:** watch a network get worse while it trains, write the rule that stops training in time,
# use it in Keras, and look for a case where it does harm.
#
# **You will learn:** what `monitor`, `patience` and `restore_best_weights` do; why loss and accuracy can
# disagree; what validation images cost; why a score is too good if it was used to choose.
#
# **You need:** lesson 02's learning curves, lesson 03's redrawn labels, lesson 01's reasons for three
# splits.

# %% tags=["parameters"]
dataset: str = "auto"  # auto, mnist or uci: the images to use
train_size: int = 2_000  # 200 to 50_000: training images, few on purpose
epochs: int = 15  # 2 to 200: passes over the images, too many on purpose
patience: int = 3  # 1 to 50: epochs to wait for a lower loss
n_seeds: int = 3  # 2 to 20: runs with different seeds
validation_size: int = 1_000  # 100 to 5_000: deciding images; as many look on

# %%
from mnist_helpers.lessons import parameters

parameters.check()  # types and ranges, as stated above

# %%
from functools import partial

import keras
import numpy as np
import pandas as pd
from keras import layers

from mnist_helpers import datasets, exercises, plots, statistics, training
from mnist_helpers.study import analysis, findings, tables

digits = datasets.load(dataset)
print(digits)

# %% [markdown]
# ## Your guess
#
# Guess three numbers before you run on. Replace any `None`; the end of the lesson compares.

# %%
guess = {
    "redrawn labels: points lost after the best epoch": None,
    "clean labels: points gained after the lowest loss": None,
    "best of 30 equal networks on 100 images: points too good": None,
}

# %% [markdown]
# ## The problem: a network that gets worse
#
# Lesson 02's network again.


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
    )
    return network


# %% [markdown]
# We train it for too long, in batches of 16 images, on labels of which 30 % are redrawn at random.
# Validation images keep their labels. We split them into two groups. The first *decides* when to stop, and
# gives the validation curves. The second only looks on: its scores never influence training. We call it the
# *onlookers*.

# %%
n_images = min(train_size, len(digits.x_train))
half = min(validation_size, len(digits.x_validation) // 2)
x_decide, x_onlook = np.split(digits.x_validation[: 2 * half], 2)
y_decide, y_onlook = np.split(digits.y_validation[: 2 * half], 2)
repeat = partial(
    training.compare,
    {"baseline": build},
    digits,
    seeds=range(n_seeds),
    epochs=epochs,
    validation_size=half,
)

# %%
runs, _ = repeat(train_size=n_images // 2, batch_size=16, label_noise=0.3)
redrawn = runs["baseline"]

# %%
plots.curves(
    {"baseline": redrawn[0]},
    title=f"Redrawn labels: dotted, the lowest loss ({digits.name})",
    mark_best=True,
)

# %% [markdown]
# Training loss keeps falling. Validation loss bottoms out at the dotted line and then climbs, and
# validation accuracy falls: the network has learned the digits, and now it learns wrong labels by heart.

# %%
found = redrawn[0].history["val_accuracy"]
lost = 100 * (max(found) - found[-1])
print(f"best accuracy {100 * max(found):.1f} % after epoch ", end="")
print(f"{np.argmax(found) + 1}, {lost:.1f} points lost by the last epoch")
if epochs >= 12:  # in a shorter run there may be nothing to lose
    assert lost > 3, "nothing was learned by heart: are labels redrawn?"

# %% [markdown]
# ## The idea: keep the best network, not the last
#
# The number of epochs is a choice, and validation images can make it. With $C(t)$ the validation loss after
# epoch $t$ (`history["val_loss"]`), [early stopping](../docs/glossary.md#early-stopping) keeps the network
# of epoch
#
# $$t^* = \arg\min_t \; C(t)$$
#
# Nobody knows at epoch $t$ whether a better one will come. [Patience](../docs/glossary.md#patience) is the
# number of epochs that you are ready to wait for it.
#
# Source: L. Prechelt, "Early Stopping – But When?", in *Neural Networks: Tricks of the Trade*, Springer
# 1998.
#
# ## The rule alone
#
# The rule needs no network. Here is all of it, tried on made-up losses. It returns the epoch at which
# training stops and the epoch it keeps, both counted from 1.


# %%
def stop(losses, patience):
    best = 1
    for epoch, loss in enumerate(losses, start=1):
        if loss < losses[best - 1]:
            best = epoch
        elif epoch - best >= patience:
            return epoch, best
    return len(losses), best


# %% tags=["nbval-check-output"]
losses = [0.90, 0.50, 0.40, 0.41, 0.39, 0.42, 0.45, 0.38, 0.50]
for wait in (1, 2, 3):
    stopped, kept = stop(losses, wait)
    print(f"patience {wait}: stops after epoch {stopped}, keeps epoch {kept}")

# %% [markdown]
# With patience 1, training stops at the first epoch that is not better, and misses 0.39 and 0.38. With
# patience 2 it still misses 0.38.
#
# ## The rule in Keras
#
# `EarlyStopping` is a [callback](../docs/glossary.md#callback): an object that `fit` calls after each
# epoch. `monitor` names the number to watch, as `history` spells it. Without `restore_best_weights=True`
# you would be left with the network of the last epoch, which by the rule is not the best one.

# %%
few = digits.subset(n_images // 2, seed=0).with_label_noise(0.3, seed=0)
keras.utils.set_random_seed(0)
network = build()
early_stopping = keras.callbacks.EarlyStopping(
    monitor="val_loss", patience=patience, restore_best_weights=True
)
history = network.fit(
    few.x_train,
    few.y_train,
    batch_size=16,
    epochs=epochs,
    validation_data=(x_decide, y_decide),
    callbacks=[early_stopping, training.ProgressCallback()],
    verbose=0,
).history

# %%
trained = len(history["val_loss"])
kept = early_stopping.best_epoch + 1  # Keras counts from 0
print(f"trained for {trained} of {epochs} epochs, kept epoch {kept}")
loss, _ = training.evaluate(network, x_decide, y_decide)
assert (trained, kept) == stop(history["val_loss"], patience), "rules differ"
assert np.isclose(loss, min(history["val_loss"]), rtol=1e-3), "not restored"

# %% [markdown]
# (The picture above shows a different run: `fit` shuffles the images in a different order here, so its best
# epoch may differ.) The assertions say that Keras follows our rule, and that the network we are left with
# is the best one.
#
# ## Does it help?
#
# A stop only cuts a run short. So the long runs above, one per seed, already contain what early stopping
# would have kept. The same images choose and score here, so the number for early stopping is slightly too
# good. (In the next comparison, the onlookers score.) Validation accuracy in percent:


# %%
def accuracy(runs, epochs_kept):
    """Return each run's validation accuracy (%) after its epoch."""
    pairs = zip(runs, epochs_kept, strict=True)
    return [100 * run.history["val_accuracy"][at - 1] for run, at in pairs]


def stopped_at(runs):
    return [stop(run.history["val_loss"], patience)[1] for run in runs]


ends = [epochs] * n_seeds
with_redrawn = {
    "all epochs": accuracy(redrawn, ends),
    "early stopping": accuracy(redrawn, stopped_at(redrawn)),
}
statistics.table(with_redrawn, "all epochs")

# %% [markdown]
# On MNIST, where the network learns mistakes by heart, early stopping is worth a lot. (On the UCI digits it
# learns fewer, and these runs may not settle it.) Now we train on clean labels, of which none is redrawn,
# with all `n_images` images and in batches of 32. A callback of our own scores the onlookers: after each
# epoch it stores the network's answers for them.


# %%
class Onlookers(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        answers.append([])

    def on_epoch_end(self, epoch, logs=None):
        parts = [self.model(part) for part in np.array_split(x_onlook, 10)]
        answers[-1].append(np.concatenate(parts))


# %%
answers = []  # by seed and epoch
runs, _ = repeat(train_size=n_images, callbacks=[Onlookers()])
clean = runs["baseline"]

# %%
plots.curves(
    {"baseline": clean[0]},
    title=f"Clean labels: dotted, the lowest loss ({digits.name})",
    mark_best=True,
)

# %% [markdown]
# Which epoch should we keep: the last, the one of lowest loss, or the one that early stopping keeps? The
# share of the onlookers' digits that are read correctly, in percent:


# %%
def accuracy_of(answers, epochs_kept):
    right = np.array(answers).argmax(axis=3) == y_onlook
    rows = zip(right, epochs_kept, strict=True)
    return [100 * by_epoch[at - 1].mean() for by_epoch, at in rows]


lowest = [np.argmin(run.history["val_loss"]) + 1 for run in clean]
with_clean = {
    "all epochs": accuracy_of(answers, ends),
    "lowest loss": accuracy_of(answers, lowest),
    "early stopping": accuracy_of(answers, stopped_at(clean)),
}
if epochs >= 12 and n_images >= 1_000:  # else accuracy has not settled
    risen = np.subtract(with_clean["all epochs"], with_clean["lowest loss"])
    assert risen.mean() > -0.5, "accuracy fell with the loss: clean labels?"
statistics.table(with_clean, "all epochs")

# %% [markdown]
# Validation loss turns early, but accuracy does not fall with it. On MNIST, the networks read more digits
# on average after all epochs than at the epoch that early stopping keeps. If the interval contains 0, this
# many seeds cannot settle whether stopping *costs* accuracy. The study, below, has more seeds. (The last two
# rows agree if early stopping keeps the epoch of lowest loss.)
#
# ## Why: loss and accuracy ask different questions
#
# Accuracy asks whether the right digit has the largest probability. Loss asks how large that digit's
# probability is, so a confident mistake is expensive. Split the onlookers' loss into the part from right
# answers and the part from wrong ones:

# %%
of_right = np.array(answers)[:, :, np.arange(half), y_onlook]
paid = -np.log(np.maximum(of_right, 1e-7))  # by seed, epoch and image
wrong = np.array(answers).argmax(axis=3) != y_onlook
plots.lines(
    {
        "right answers": np.where(wrong, 0, paid).mean(axis=2).tolist(),
        "wrong answers": np.where(wrong, paid, 0).mean(axis=2).tolist(),
    },
    title=f"Wrong answers make most of the validation loss ({digits.name})",
    xlabel="epoch",
    ylabel="part of the loss (nats per image)",
)

# %%
number = wrong.sum(axis=2).mean(axis=0)
total = (paid * wrong).sum(axis=2).mean(axis=0)
price = total / np.maximum(number, 1e-9)  # one may make no mistake
rows = {"wrong answers": number, "loss of each (nats)": price}
by_epoch = pd.DataFrame(rows, index=range(1, epochs + 1)).round(1)
by_epoch.rename_axis("epoch").iloc[[0, epochs // 3, -1]]

# %% [markdown]
# As training goes on, there are fewer mistakes, so accuracy rises. But each one costs more loss, because
# the network grows sure of itself where it is wrong. On MNIST the two effects roughly cancel: the loss of
# the wrong answers stops falling while accuracy still rises. In a single run, such as the one drawn above,
# the second effect can win, and the loss climbs. With redrawn labels the number of mistakes grew as well,
# so both loss and accuracy got worse.
#
# So which of the two should you monitor? It depends on what you use the network for:
#
# - If you use its probabilities, to rank answers or to pass on doubtful ones: `"val_loss"`.
# - If only right or wrong counts: `"val_accuracy"`. It moves in jumps of one image, so give it more
#   patience.
# - If training labels may be wrong and validation labels are right: either, because both turn.
#
# ## Patience as a price
#
# The same runs on clean labels show, for every patience, what you pay in epochs and which loss you keep.
# Each dot is one patience; the number at the top says which.

# %%
waits = range(1, 7)
curves = [run.history["val_loss"] for run in clean]
stops = {wait: [stop(curve, wait) for curve in curves] for wait in waits}
epochs_paid = [np.mean([end for end, _ in stops[w]]) for w in waits]
loss_kept = [
    np.mean(
        [c[kept - 1] for c, (_, kept) in zip(curves, stops[w], strict=True)]
    )
    for w in waits
]
plots.lines(
    {"loss kept": loss_kept},
    epochs_paid,
    title=f"What patience buys, from 1 to {max(waits)} ({digits.name})",
    xlabel="epochs paid (mean over seeds)",
    ylabel="lowest validation loss found (nats)",
    vertical={f"{w}": e for w, e in zip(waits, epochs_paid, strict=True)},
)

# %% [markdown]
# With more patience you pay extra epochs for the chance of a better one. Where the line is level, more
# patience buys nothing.
#
# ## What the deciding images cost
#
# Images that decide need labels too, and could have been training images. Suppose you have `n_images`
# labelled images in all. You can train on all of them for a fixed number of epochs. Or you can train on one
# half, and let as many other images decide when to stop. Which is better? Accuracy of the onlookers, in
# percent:

# %%
all_answers, answers = answers, []
runs, _ = repeat(train_size=n_images // 2, callbacks=[Onlookers()])
one_half = runs["baseline"]

# %%
judged = {
    "all labels, all epochs": accuracy_of(all_answers, ends),
    "half, all epochs": accuracy_of(answers, ends),
    "half, stopped": accuracy_of(answers, stopped_at(one_half)),
}
statistics.table(judged, "all labels, all epochs")

# %% [markdown]
# Trained on half of the labels, the network reads fewer digits, stopped or not: here labels are worth more
# as training images. (Whether the stopped half differs from the unstopped one, three seeds cannot say.) A
# [budget of epochs](../docs/glossary.md#budget-of-epochs), fixed in advance, is better when labels are
# scarce and clean, when only accuracy counts, or when the learning rate is to fall to zero: such a
# [schedule](../docs/glossary.md#learning-rate-schedule) must know the number of epochs before training
# starts. Early stopping is then only a safeguard against a run that goes wrong.
#
# ## What the article did: it stopped on the test set
#
# In short, its lines are these:
#
# ```python
# callback = EarlyStopping(monitor="val_loss", patience=2)
# model.fit(x_train, y_train, epochs=..., callbacks=[callback],
#           validation_data=(x_test, y_test))
# ```
#
# Then it reports the accuracy on `x_test`. Each epoch was a try, and the test images chose which one is
# reported. How much too good is such a number? Our test set stays closed, so the onlookers play its part.
# First we let the deciding images choose the epoch of highest accuracy, then the onlookers themselves. (The
# article chose by loss. We choose by accuracy, the number that is reported, because it shows the effect
# most plainly.)

# %%
right = np.array(all_answers).argmax(axis=3) == y_onlook
own_choice = right.mean(axis=2).argmax(axis=1) + 1
fair_choice = [np.argmax(run.history["val_accuracy"]) + 1 for run in clean]
chosen = {
    "by the deciding images": accuracy_of(all_answers, fair_choice),
    "by the onlookers": accuracy_of(all_answers, own_choice),
}
optimism = np.subtract(*reversed(chosen.values()))
pd.DataFrame({**chosen, "too good by": optimism}).round(2)

# %% [markdown]
# Each row is one seed. The last column cannot be negative, because the onlookers chose their own best
# epoch. The network did not become better, only the number did. This surplus is called
# [optimism](../docs/glossary.md#optimism). What does it depend on? Imagine networks that are all equally
# good: each reads 97 % of all digits. Try some of them on equally many images, and report the best. Each
# printed row goes through the numbers of `tries`, from one to many.

# %% tags=["nbval-check-output"]
random = np.random.default_rng(0)
tries = [1, 3, 10, 30, 100]
too_good = {}
for n in (100, 1_000, 10_000):
    found = 100 * random.binomial(n, 0.97, size=(2_000, 100)) / n
    best = [found[:, :k].max(axis=1).mean() - 97 for k in tries]
    too_good[f"{n:,} images"] = best
    print(f"{n:6,} images:", *[f"{points:+.1f}" for points in best])

# %% tags=["nbval-check-picture"]
plots.lines(
    too_good,
    tries,
    title="How much too good the best of several equal networks looks",
    xlabel="tries",
    ylabel="points above the truth (mean)",
    x_log=True,
)

# %% [markdown]
# Optimism grows with the number of alternatives you try, and shrinks with the number of images you score
# on. The epochs of one run resemble each other, so they count as fewer tries. But tries add up: each epoch,
# learning rate and idea that you score on the same images is one.
#
# ## The evidence
#
# Early stopping needs no training of its own: it is a rule that reads the baseline's
# [courses](../docs/glossary.md#course), its scores epoch by epoch, here on MNIST and at a constant learning
# rate. The tables show how many runs it would have stopped, after how many epochs on average, and how the
# epoch that it keeps compares with the last one. Their intervals are not widened for many comparisons.

# %% tags=["nbval-check-output"]
courses = findings.read_courses()
tables.tabulate_stopping(courses)

# %% tags=["nbval-check-output"]
# The same with 30 % of the training labels redrawn
tables.tabulate_stopping(courses, "noise")

# %% [markdown]
# On true labels (the first table), stopping lowers cross-entropy at nearly every patience, and with 1,000 and
# 5,000 images it costs accuracy: the sooner it stops, the more. If right answers are what you need, monitor
# accuracy and be patient: that costs least. With 40,000 images no difference in accuracy is shown. On redrawn
# labels (the second table) stopping is worth more than ten points, whatever it monitors. So the labels
# decide whether stopping pays.
#
# Validation images have a price too. The 2,000 that this rule watches come on top of the training images.
# How much accuracy would they have brought as training images? We estimate it from a line through the
# baseline's accuracy at two training sizes:

# %% tags=["nbval-check-output"]
for size in (1_000, 5_000, 40_000):
    value, error = analysis.estimate_label_value(courses, size)
    print(f"{size:6,} images + 2,000: {value:+.2f} points of accuracy", end="")
    print(f" (standard error {error:.2f})")

# %% tags=["headline"]
gain, price = (
    statistics.paired_difference(
        scores["early stopping"], scores["all epochs"]
    )
    for scores in (with_redrawn, with_clean)
)
print(f"early stopping, redrawn labels: {gain}; ", end="")
print(f"clean ones: {price} ({digits.name})")

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 · Predict: where does it stop?
#
# The validation losses are 0.60, 0.50, 0.55, 0.52, 0.48, 0.49, 0.50, 0.47, and the patience is 2. On paper:
# after which epoch does training stop, and whose weights are kept? Answer with the two numbers of the
# epochs, counted from 1, such as `(3, 1)`.


# %% tags=["check"]
@exercises.exercise(
    expects="two numbers, such as (3, 1)",
    second_hint=(
        "Write the best loss so far under each epoch, and count the epochs "
        "since it was reached."
    ),
    because=(
        "0.50 comes in epoch 2. Epochs 3 and 4 are not better, so 0.48 is "
        "never seen."
    ),
)
def check_stop(answer):
    stopped, kept = (int(part) for part in answer)
    truth = stop([0.60, 0.50, 0.55, 0.52, 0.48, 0.49, 0.50, 0.47], patience=2)
    if (stopped, kept) == truth:
        return None
    if (stopped + 1, kept + 1) == truth:
        return "Count the epochs from 1."
    if kept > stopped:
        return (
            "The kept epoch would come after the stop: nobody trains on to "
            "see it."
        )
    if stopped == truth[0]:
        return (
            "It stops there, but restore_best_weights brings back an earlier "
            "network."
        )
    if stopped > truth[0]:
        return (
            "That is too late: patience is used up earlier. Later, better "
            "epochs do not undo a stop."
        )
    return (
        "That is too early: with a patience of 2, one epoch that is not "
        "better does not stop it."
    )


# %% tags=["nbval-check-output"]
answer = None  # your answer: (stops after epoch, keeps epoch)
check_stop(answer)

# %% tags=["solution"]
# Best so far: 0.60, 0.50, 0.50, 0.50. Two epochs without a better one: stop.
answer = (4, 2)
check_stop(answer)

# %% tags=["right"]
check_stop(np.array([4.0, 2.0]))

# %% tags=["wrong"]
# after the stop
check_stop((4, 5))

# %% tags=["wrong"]
# do not undo a stop
check_stop([8, 8])

# %% tags=["wrong"]
# brings back an earlier network
check_stop((4, 4))

# %% tags=["wrong"]
# Count the epochs from 1
check_stop((3, 1))

# %% tags=["wrong"]
# too early
check_stop((3, 2))

# %% tags=["error"]
# two numbers
check_stop(4)

# %% [markdown]
# ### Exercise 2 · Modify: stop by accuracy
#
# Only right or wrong counts for you. Give an `EarlyStopping` that watches the accuracy on the validation
# images, waits for 2 epochs, and leaves you with the best network. The check plays made-up epochs to it.


# %% tags=["check"]
MADE_UP = {
    "val_loss": [0.50, 0.30, 0.40, 0.45, 0.50, 0.55, 0.60, 0.65],
    "val_accuracy": [0.90, 0.92, 0.93, 0.93, 0.95, 0.94, 0.95, 0.94],
    "loss": [0.80, 0.50, 0.30, 0.20, 0.15, 0.10, 0.08, 0.06],
    "accuracy": [0.80, 0.90, 0.94, 0.96, 0.97, 0.98, 0.99, 1.00],
}


def play(callback):
    """Return the epoch at which a callback stops, and the one it keeps."""
    network = keras.Sequential([keras.Input((1,)), layers.Dense(10)])
    network.compile(loss="mse", metrics=["accuracy"])
    network.train_on_batch(
        np.zeros((1, 1)), np.zeros((1, 10))
    )  # creates the metrics
    network.stop_training = False
    callback.set_model(network)
    callback.on_train_begin()
    epoch, mark = 0, network.layers[-1].bias
    while epoch < 8 and not network.stop_training:
        mark.assign(np.full(10, epoch + 1.0))
        callback.on_epoch_end(
            epoch, {name: values[epoch] for name, values in MADE_UP.items()}
        )
        epoch += 1
    callback.on_train_end()
    return epoch, int(mark.numpy()[0])


@exercises.exercise(
    expects="a callback, as in keras.callbacks.EarlyStopping(...)",
    second_hint=(
        "history.keys() lists the names you can monitor. Better accuracy is "
        "higher, better loss lower."
    ),
    because=(
        "It stops after epoch 7 and keeps epoch 5, where val_accuracy was "
        "highest."
    ),
)
def check_by_accuracy(answer):
    stopped, kept = play(answer)
    if (stopped, kept) == (7, 5):
        return None
    if stopped == 4:
        return "It still watches the loss."
    if (stopped, kept) == (8, 8):
        return (
            "It never stops in these eight epochs. Is it a validation number "
            "that it watches, and how long does it wait?"
        )
    if (stopped, kept) == (3, 1):
        return "It takes a lower accuracy for a better one: look at mode."
    if stopped == 7:
        return "It stops in time, but leaves you with the last network."
    return (
        f"It stops after epoch {stopped} and keeps {kept}: look at the "
        "patience."
    )


# %% tags=["nbval-check-output"]
answer = None  # your answer: a callback
check_by_accuracy(answer)

# %% tags=["solution"]
# mode="max": higher is better. Keras finds that out by itself for accuracy.
answer = keras.callbacks.EarlyStopping(
    monitor="val_accuracy", mode="max", patience=2, restore_best_weights=True
)
check_by_accuracy(answer)

# %% tags=["right"]
check_by_accuracy(
    keras.callbacks.EarlyStopping(
        "val_accuracy", 0, 2, restore_best_weights=True
    )
)

# %% tags=["wrong"]
# still watches the loss
check_by_accuracy(
    keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
)

# %% tags=["wrong"]
# Is it a validation number
check_by_accuracy(
    keras.callbacks.EarlyStopping(
        "accuracy", patience=2, restore_best_weights=True
    )
)

# %% tags=["wrong"]
# look at mode
check_by_accuracy(
    keras.callbacks.EarlyStopping(
        "val_accuracy", patience=2, mode="min", restore_best_weights=True
    )
)

# %% tags=["wrong"]
# with the last network
check_by_accuracy(
    keras.callbacks.EarlyStopping("val_accuracy", patience=2, mode="max")
)

# %% tags=["wrong"]
# look at the patience
check_by_accuracy(
    keras.callbacks.EarlyStopping(
        "val_accuracy", patience=4, restore_best_weights=True
    )
)

# %% tags=["error"]
# a callback
check_by_accuracy("val_accuracy")

# %% [markdown]
# ### Exercise 3 · Break it: a better number for the same network
#
# You want to show an improvement of a whole point on 500 images, but you have none: all your networks are
# equally good, right on 97 % of all digits. How many of them must you try, so that the best one looks at
# least one point too good on average? Any number up to 1,000 that is enough counts as right.


# %% tags=["check"]
@exercises.exercise(
    expects="a whole number of tries",
    second_hint=(
        "Read the picture above: 500 images lie between two of its lines."
    ),
    because="Nothing became better. You only looked often enough.",
)
def check_tries(answer):
    tries = int(answer)
    if tries < 1 or tries > 1_000:
        return "Give a number from 1 to 1,000."
    if tries == 1:
        return (
            "With a single try there is nothing to choose from, and no "
            "optimism."
        )
    found = (
        100
        * np.random.default_rng(1).binomial(500, 0.97, size=(2_000, tries))
        / 500
    )
    points = found.max(axis=1).mean() - 97
    if points >= 1:
        return None
    return f"Not enough: the best of them looks {points:.2f} points too good."


# %% tags=["nbval-check-output"]
answer = None  # your answer: a number of tries
check_tries(answer)

# %% tags=["solution"]
# At 500 images one standard deviation is 0.76 points. The best of ten is
# about one and a half of those above the mean.
answer = 10
check_tries(answer)

# %% tags=["right"]
check_tries(np.float64(200))

# %% tags=["wrong"]
# nothing to choose from
check_tries(1)

# %% tags=["wrong"]
# from 1 to 1,000
check_tries(1_000_000)

# %% tags=["wrong"]
# Not enough
check_tries(3)

# %% tags=["error"]
# a whole number
check_tries("many")

# %% [markdown]
# ## Quiz
#
# **1. Why can accuracy rise while validation loss rises as well?** (a) One of them was measured on other
# images. (b) A few wrong answers become very confident. (c) The network is not overfitting yet.
#
# <details><summary>Answer</summary>
#
# (b). Each confident mistake adds much to the loss and nothing to the number of mistakes. Both are measured
# on the same images, so not (a). A rising validation loss beside a falling training loss is overfitting, so
# not (c).
#
# </details>
#
# **2. Suppose that patience 10 keeps the same loss as patience 3. Which do you take?** (a) 3, for this
# network and this amount of data. (b) 3, always. (c) 10, because more patience is never worse.
#
# <details><summary>Answer</summary>
#
# (a). Patience 10 costs more epochs here and finds nothing. With other data, or a noisier curve, a better
# epoch may come later, so not (b). (c) is true of the loss kept, but forgets the price.
#
# </details>
#
# **3. You let the test set choose among 20 epochs, and the best gives 97.7 %. What may you report?** (a)
# 97.7 %. (b) The test accuracy at the epoch that validation images choose. (c) The mean over the 20 epochs.
#
# <details><summary>Answer</summary>
#
# (b). The number in (a) was picked because it is high. (c) mixes in epochs that nobody would use. Even (b)
# is only clean if you settle on the validation images without looking at 97.7 %.
#
# </details>
#
# ## Your guesses, and what came out

# %%
exercises.compare_guesses(
    guess,
    {
        "redrawn labels: points lost after the best epoch": round(lost, 1),
        "clean labels: points gained after the lowest loss": round(
            np.subtract(*list(with_clean.values())[:2]).mean(), 1
        ),
        "best of 30 equal networks on 100 images: points too good": round(
            too_good["100 images"][3], 1
        ),
    },
)

# %% [markdown]
# ## Recap
#
# When to stop? When what you need from the network, right answers or good probabilities, no longer improves
# on validation images. Report the score of other images.
#
# - Early stopping keeps the epoch with the lowest validation loss. Where labels are wrong, that is worth a
#   lot.
# - Loss can turn while accuracy still rises: there are fewer mistakes, but each costs more.
# - Patience costs epochs, and validation images cost labels. Know what you buy.
# - A score is too good if the same images chose the epoch. Keep the test set out of `fit`.
#
# **In practice:** decide first whether probabilities count or only right and wrong, and monitor that.
# Restore the best weights. With few, clean labels, a fixed budget of epochs may serve you better.
#
# **Sources:** Prechelt, 1998. Tanner Abraham, "Classify Handwritten-Digits With Tensorflow", 2021.
#
# **Next:** [07 · What helped, and when?](07_conclusion.ipynb)
