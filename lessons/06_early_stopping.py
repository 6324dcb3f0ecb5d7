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
# # 06 · Stop in time: early stopping
#
# Previous: [05 · Change images, keep labels](05_data_augmentation.ipynb) ·
# Next: [07 · What helped](07_conclusion.ipynb)
#
# **Time:** about 1 minute on 2 CPU cores.
#
# **You will do:** train a network for too long, stop it where it was best, vary the patience, and measure
# what happens when the images that stop it are also those that judge it.
#
# **You will learn:** what `monitor`, `patience` and `restore_best_weights` do; why a score that was used to
# choose is too good; how to spend a budget of epochs.
#
# **You need:** lesson 02's curves; lesson 01's reasons for three splits.

# %% tags=["parameters"]
dataset: str = "auto"  # auto, mnist or uci: the images to use
train_size: int = 2_000  # 100 to 50_000: training images; few, so that overfitting shows
epochs: int = 20  # 2 to 200: passes over the training images, too many on purpose
patience: int = 5  # 0 to 50: epochs without improvement that are waited for
n_seeds: int = 4  # 2 to 20: runs

# %%
from dataclasses import replace

import numpy as np
import pandas as pd

from mnist_helpers import datasets, plots, recipes, training
from mnist_helpers.study import claims, results

digits = datasets.load(dataset)
print(digits)

# %% [markdown]
# ## The idea: the best network may not be the last
#
# While a network overfits, its loss on training images goes on falling, and that on new images rises. The
# number of epochs is then a choice like any other, and validation images can make it:
#
# $$t^* = \arg\min_t \; C_{\text{validation}}(t)$$
#
# Nobody knows at epoch $t$ whether a better one will come. *Patience* says how many epochs to wait for it.
#
# Source: L. Prechelt, "Early Stopping – But When?", in *Neural Networks: Tricks of the Trade*, Springer
# 1998.
#
# ## Before you run it
#
# With a few thousand training images: after how many epochs will validation cross-entropy be lowest? Will
# accuracy be best at the same epoch? And if the test set decides when to stop, by how much will the test
# accuracy be too good?
#
# ## The rule alone
#
# Early stopping needs no network. Here is all of it, on losses that somebody wrote down: it returns after
# how many epochs training ends, and which epoch was best by then.


# %% tags=["nbval-check-output"]
def stop(losses, patience):
    """Return the number of epochs trained and the best epoch, both counted from 1."""
    best = 1
    for epoch, loss in enumerate(losses, start=1):
        if loss < losses[best - 1]:
            best = epoch
        elif epoch - best >= max(patience, 1):
            return epoch, best
    return len(losses), best


losses = [0.9, 0.5, 0.4, 0.41, 0.39, 0.42, 0.45, 0.38, 0.5]
for waiting in (1, 2, 3):
    print(
        f"patience {waiting}: stops after epoch {stop(losses, waiting)[0]}, best {stop(losses, waiting)[1]}"
    )

# %% [markdown]
# Impatience misses the better epoch that comes later; patience pays for epochs that lead nowhere.
#
# ## Train for too long
#
# The baseline, on few images, with no limit but the number of epochs; steps of 16 images make it overfit
# sooner. The validation images watch in two separate groups, of a thousand if there are so many. The
# *first* draws the curves below. The *second* only looks on, through a callback, and is needed at the end
# of this lesson.

# %%
size = min(1_000, len(digits.x_validation) // 2)
first, second = (
    replace(digits, x_validation=digits.x_validation[part], y_validation=digits.y_validation[part])
    for part in (slice(size), slice(-size, None))
)
baseline = recipes.Recipe(train_size=train_size, epochs=epochs, batch_size=16)


# %%
runs, seen_by_others = [], []
for seed in range(n_seeds):
    onlooker = training.EvaluationCallback(second.x_validation, second.y_validation)
    _, run = training.train(replace(baseline, seed=seed), first, callbacks=[onlooker])
    runs.append(run)
    seen_by_others.append(100 * np.array(onlooker.accuracy))
n_images = min(train_size, len(digits.x_train))
title = f"Trained for {epochs} epochs on {n_images:,} images ({digits.name})"
plots.curves({"baseline": runs[0]}, title=title, mark_best=True)

# %% [markdown]
# ## How to read them
#
# The dotted line marks the best epoch. Left: while the solid line falls on, out of the panel in the end, the
# dashed one has its lowest point and, once the network overfits, rises again. The network grows more and
# more sure of itself, also where it is wrong, and cross-entropy charges for that. Right: accuracy hardly
# suffers, because it does not ask how sure an answer is. So *what* is monitored matters.

# %%
history = runs[0].history
by_loss, by_accuracy = np.argmin(history["val_cross_entropy"]) + 1, np.argmax(history["val_accuracy"]) + 1
print(f"lowest validation cross-entropy: epoch {by_loss}; highest accuracy: epoch {by_accuracy}")
print(f"cross-entropy at the best epoch {min(history['val_cross_entropy']):.3f}, at the last one ", end="")
print(f"{history['val_cross_entropy'][-1]:.3f}")

# %% [markdown]
# ## The callback does the same, while it trains
#
# `training.fit` hands Keras an `EarlyStopping(patience=…, restore_best_weights=True)` that monitors the
# validation cross-entropy. It must stop where the rule above says, and it may not change anything before.

# %%
_, stopped = training.train(replace(baseline, patience=patience), first)
expected_stop, expected_best = stop(history["val_cross_entropy"], patience)
trained = len(stopped.history["val_cross_entropy"])
print(f"patience {patience}: trained for {trained} epochs, kept the weights of epoch {stopped.best_epoch}")
assert (trained, stopped.best_epoch) == (expected_stop, expected_best), "rule and callback must agree"
assert stopped.history["val_cross_entropy"] == history["val_cross_entropy"][:trained], "same run, cut short"
assert np.isclose(stopped.validation_loss, min(stopped.history["val_cross_entropy"]), rtol=1e-3)

# %% [markdown]
# The last check is that the best weights really came back: the network that is left has the lowest
# cross-entropy of its run, not the last.
#
# ## Vary the patience
#
# Since stopping only cuts a run short, the runs above already hold the answer for every patience.

# %%
curves = [run.history["val_cross_entropy"] for run in runs]
patiences = [1, 2, 3, 5, 10]
rows, costs = [], []
for waiting in patiences:
    stops = [stop(curve, waiting) for curve in curves]
    kept = [curve[best - 1] for curve, (_, best) in zip(curves, stops, strict=True)]
    costs.append([trained for trained, _ in stops])
    rows.append((waiting, np.mean(costs[-1]), np.mean(kept)))
table = pd.DataFrame(rows, columns=["patience", "epochs trained", "cross-entropy kept (nats)"])
table.set_index("patience").round(3)

# %%
plots.sweep(
    patiences,
    {"epochs trained": costs},
    title=f"What patience costs, {n_seeds} seeds ({digits.name})",
    xlabel="patience (epochs)",
    ylabel="epochs trained",
)

# %% [markdown]
# Read table and figure as a price list: each line says what more waiting costs and what it brings. Where
# the last column no longer falls, waiting is wasted. Against training to the end, over paired seeds:

# %%
comparison = {
    "trained to the end": [curve[-1] for curve in curves],
    "early stopping": [curve[stop(curve, patience)[1] - 1] for curve in curves],
}
plots.differences(
    comparison,
    "trained to the end",
    title=f"Early stopping, {n_seeds} paired seeds ({n_images:,} images, {digits.name})",
    xlabel="difference of validation cross-entropy (nats)",
)

# %% [markdown]
# Part of that difference is real, and part is not: the epoch was chosen on the same images on which it is
# scored here. How large is that part?
#
# ## What the article did: it stopped on the test set
#
# The article gives the test set to `fit` as validation data, lets it decide when to stop, and then reports
# the accuracy on it. We do not open our test set to show what that does: the two groups of validation
# images play the parts, and now accuracy chooses the epoch.

# %%
chosen_by_first = [int(np.argmax(run.history["val_accuracy"])) for run in runs]
fair = [curve[epoch] for curve, epoch in zip(seen_by_others, chosen_by_first, strict=True)]
reported = [max(curve) for curve in seen_by_others]
optimism = np.subtract(reported, fair)
scores = {"chosen by others": fair, "chosen by themselves": reported, "optimism": optimism}
pd.DataFrame(scores, index=pd.Index(range(n_seeds), name="seed")).round(2)

# %% [markdown]
# All are accuracies of the second group, in percent. In the first column others chose the epoch, as
# validation images should. In the second the images chose it themselves, as in the article. The difference
# is the optimism of choosing and judging on the same images: it is no better network, only a better number.
# It cannot be negative, so there is nothing to test, only a size to measure. It grows with everything else
# that is tried, and it shrinks with more images that judge. And it looks just like the small improvements
# that one hopes for.
#
# ## A budget of epochs
#
# The article concludes that early stopping finds the number of epochs. It finds one for *this* amount of
# data and *this* network. Where the budget of epochs ends before overfitting begins there is nothing to
# stop, and the callback costs only its evaluations. If time is what limits you, set the number of epochs by
# the clock and use early stopping as a guard.
#
# ## The evidence: the study
#
# The runs above are few, of another length and size. The study (lesson 02) has early stopping with a
# patience of 5 at three training sizes; read its table and figure as in lesson 03: the intervals are
# adjusted for the number of comparisons, and the last column says which true difference so many seeds
# would have found in four of five studies.

# %% tags=["nbval-check-output"]
study = results.read_study()
results.tabulate_study(study, "early stopping")

# %%
results.figure(study, ["early stopping"])

# %% [markdown]
# And the article's mistake, in earnest: after each epoch of the baseline's runs the study also noted the
# accuracy on the test set, and chose nothing by it. Below is the test accuracy at the epoch that the test
# set itself would have chosen, minus that at the epoch which validation images chose. Again only its size
# counts, for it would be credited to the technique; an interval that reaches below 0 says that ten runs do
# not fix that size well. Part of it may be a better epoch, chosen with more images; on other images, only
# that part would remain.

# %%
chosen_by = {by: f"accuracy, stopped on {by}" for by in ("the test set", "validation images")}
found = {
    f"{size:,} images": results.compare(
        study, "baseline", size, chosen_by["the test set"], "baseline", chosen_by["validation images"]
    )
    for size in (5_000, 50_000)
}
plots.intervals(
    {"stopped on the test set minus stopped on validation images": found},
    title="What stopping on the test set adds (the study, MNIST)",
    units=["percentage points of test accuracy"],
)

# %% tags=["nbval-check-output"]
for size in (5_000, 50_000):
    by_test, by_validation = (results.select(study, "baseline", size, by) for by in chosen_by.values())
    added = by_test - by_validation
    print(f"{size:,} images: mean {added.mean():.2f} points, largest {added.max():.2f}, ", end="")
    print(f"above 0 in {(added > 0).sum()} of {len(added)} runs")

# %% [markdown]
# What the study lets us say:
#
# - With 1,000 training images, early stopping lowers accuracy. (`stopping-1000`)
# - With 1,000 training images, early stopping lowers the number of epochs. (`stopping-1000-epochs`)
# - Stopping on the test set instead of validation images raises the accuracy that is reported on it
#   (50,000 images). (`optimism-50000`)
#
# With 50,000 images and five epochs a patience of 5 cannot stop anything: there it only brings back the
# weights of the best epoch.
#
# These claims and the article's, with their numbers:

# %% tags=["nbval-check-output"]
print(claims.format_claims("06"))

# %% tags=["headline"]
print("optimism of choosing and judging on the same images: ", end="")
print(f"mean {optimism.mean():.2f}, largest {optimism.max():.2f} percentage points ({digits.name})")

# %% [markdown]
# ## Recap
#
# - Early stopping keeps the weights of the epoch with the lowest validation cross-entropy.
# - Patience is a price: epochs that may lead nowhere, against a better one that may still come.
# - Images that choose cannot judge. Keep the test set out of `fit`.
#
# **In practice:** monitor cross-entropy on validation data, restore the best weights, and choose the
# patience on validation data as well, like any other strength.
#
# **Sources:** Prechelt, 1998. Tanner Abraham, "Classify Handwritten-Digits With Tensorflow", 2021.
#
# **Next:** [07 · What helped](07_conclusion.ipynb)
