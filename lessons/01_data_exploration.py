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
# # 01 · What does a computer see, and what must a network beat?
#
# Previous: – · Next: [02 · How does a small CNN do, and how much does a run vary?](02_baseline_cnn.ipynb)
#
# **Time:** under 1 minute on 2 CPU cores; half an hour with the exercises.
#
# **You will do:** load and verify the data, look at it as pictures and as numbers, and read digits without
# a neural network.
#
# **You will learn:** what an image is to a program; why pixels are scaled; why data is split in three;
# which accuracy a network has to beat.
#
# **You need:** Python and a little NumPy. Each lesson runs on its own, and its settings are yours to
# change.

# %% tags=["parameters"]
dataset: str = "auto"  # auto, mnist or uci: the images to use
n_examples: int = 5  # 1 to 10: images of each digit in the grid
seed: int = 0  # 0 to 1_000_000: start of all that is random

# %%
from mnist_helpers.lessons import parameters

parameters.check()  # types and ranges, as stated above

# %%
import keras
import numpy as np
from keras import layers

from mnist_helpers import datasets, exercises, mnist_files, plots, training

# %%
digits = datasets.load(dataset)
print(digits)

# %% [markdown]
# **MNIST** is the work of Yann LeCun, Corinna Cortes and Christopher Burges. Where MNIST cannot be found,
# the lessons use the **UCI digits** of Ethem Alpaydin and Cenk Kaynak, which come with scikit-learn: real
# handwriting too, but fewer and coarser images. Your numbers then differ from those in the book.
#
# ## Your guess
#
# Replace `None` by what you expect, and run the cell. The end of the lesson shows your guesses beside what
# came out. The *nearest mean* gives a new image the digit whose average image it resembles most.

# %%
guess = {
    "best answer that is always the same (%)": None,
    "accuracy of the nearest mean (%)": None,
    "its accuracy on moved digits (%)": None,  # moved by 4 pixels
}

# %% [markdown]
# ## What was loaded?
#
# Before a lesson sees MNIST, the package compares its four arrays with known SHA-256
# [digests](../docs/glossary.md#digest), fingerprints that change if a single pixel does. An `x` contains
# images, a `y` their *labels*: the digits they show. After each name comes the shape: 60,000 images to
# learn from, and 10,000 for the test.

# %% tags=["nbval-check-output"]
for name, (shape, digest) in mnist_files.ARRAYS.items():
    print(f"{name:8} {shape!s:16} SHA-256 {digest[:12]}…")

# %% [markdown]
# This series splits the 60,000 once more, into images to train on and images to choose with. The test
# images stay closed until lesson 07. The last number of a shape counts the
# [channels](../docs/glossary.md#channel): one for grey; a coloured pixel would need three.

# %% tags=["nbval-check-output", "mnist-only"]
print("training:  ", digits.x_train.shape, digits.x_train.dtype)
print("validation:", digits.x_validation.shape, digits.x_validation.dtype)
print(f"together:   {len(digits.x_train) + len(digits.x_validation):,} images")
known = {bytes(image) for image in digits.x_train}
new = sum(bytes(image) not in known for image in digits.x_validation)
assert new > 0.99 * len(digits.x_validation), "new images must validate"

# %% [markdown]
# ## What do you see?
#
# This series follows an article (Tanner Abraham, "Classify Handwritten-Digits With Tensorflow", 2021). It
# shows the first nine training images.

# %% tags=["nbval-check-picture", "mnist-only"]
title = f"The first nine images and their labels ({digits.name})"
nine, labels = digits.x_train[:9], digits.y_train[:9]
plots.image_grid(nine, labels, columns=3, title=title)

# %% [markdown]
# A column for each digit shows how differently people write.

# %% tags=["nbval-check-picture", "mnist-only"]
places = [np.flatnonzero(digits.y_train == digit) for digit in range(10)]
rows = np.transpose([place[:n_examples] for place in places]).ravel()
title = f"Every column is one digit, and no two are alike ({digits.name})"
plots.image_grid(digits.x_train[rows], columns=10, title=title)

# %% [markdown]
# ## What does the computer see?
#
# Numbers. A [pixel](../docs/glossary.md#pixel) is a whole number from 0, paper, to 255, ink. Here is the
# upper part of the first digit, without its empty margin. You can still make out the stroke, because your
# eye knows which numbers are neighbours. A program that gets a list of numbers does not.

# %% tags=["nbval-check-output", "mnist-only"]
with np.printoptions(linewidth=150):
    print(digits.x_train[0, 4:16, 4:24, 0])

# %% tags=["nbval-check-output", "mnist-only"]
print(f"{(digits.x_train == 0).mean():.0%} of the training pixels are 0")

# %% [markdown]
# A pixel takes one byte, `uint8`. That saves memory:

# %% tags=["nbval-check-output"]
for dtype in ("uint8", "float32"):
    print(f"an image as {dtype:7}: {np.zeros(28 * 28, dtype).nbytes:5,} bytes")

# %% [markdown]
# It has a trap, too: after 255 a byte [wraps around](../docs/glossary.md#wrap-around) to 0. Convert before
# you calculate.

# %% tags=["nbval-check-output"]
pixels = np.array([200, 100], dtype="uint8")
print("200 + 100 as bytes:  ", pixels[:1] + pixels[1:])
print("200 + 100 as float32:", pixels[:1].astype("float32") + pixels[1:])

# %% [markdown]
# ## Which accuracy needs no skill?
#
# [Accuracy](../docs/glossary.md#accuracy) is the share of right answers. If most images showed the same
# digit, a program that always gives that answer would look good. So count first.

# %% tags=["nbval-check-output", "mnist-only"]
few = digits.subset(500, seed)
parts = (few.y_train, digits.y_train, digits.y_validation)
rows = [np.bincount(labels) / len(labels) for labels in parts]
for shares in rows:
    print("share of each digit, 0 to 9:", shares.round(2))
assert abs(rows[0] - rows[1]).max() < 0.003, "a part must keep the shares"
print(f"always answering {shares.argmax()}: {shares.max():.1%} are right")
assert shares.min() > 0.7 * shares.max(), "the digits should be balanced"

# %% [markdown]
# The digits are [balanced](../docs/glossary.md#balanced), so accuracy is a fair measure, and about a tenth
# is the first number to beat. Our parts (500 images, those to train on, those to choose with) are
# [stratified](../docs/glossary.md#stratified): each keeps the digits' shares, so all rows agree.
#
# ## Why are pixels scaled?
#
# The article divides all pixels by 255. Why? A network computes weighted sums of its inputs, and learns by
# changing the [weights](../docs/glossary.md#weight) in small steps. With *Adam*, our rule for these steps,
# a weight changes by roughly the [learning rate](../docs/glossary.md#learning-rate), 0.001, whatever the
# pixels are. But the sum changes by that step *times the pixel*: up to 255 times as far.
#
# The smallest network shows it: ten weighted sums of all pixels, one for each digit. Lesson 02 explains it.


# %%
def train_smallest_network(scale):
    keras.utils.set_random_seed(seed)
    network = keras.Sequential(
        [
            layers.Rescaling(scale),  # multiplies each pixel
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    loss = "sparse_categorical_crossentropy"
    network.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss)
    few = digits.subset(2_000, seed)
    network.fit(few.x_train, few.y_train, epochs=3, verbose=0)
    return training.evaluate(network, digits.x_validation, digits.y_validation)


# %% tags=["nbval-tolerance=2", "mnist-only"]
raw, scaled = train_smallest_network(1), train_smallest_network(1 / 255)
print(f"pixels 0 to 255: loss {raw[0]:5.2f}, accuracy {raw[1]:.1%}")
print(f"pixels 0 to 1:   loss {scaled[0]:5.2f}, accuracy {scaled[1]:.1%}")
assert scaled[0] < raw[0], "does Rescaling still scale the pixels?"

# %% [markdown]
# Training makes the [loss](../docs/glossary.md#loss) small; being sure and wrong costs most. Unscaled, this
# network does worse. Ours scale in their first layer, so the arrays stay bytes.
#
# ## The idea: images that look alike are near each other
#
# An image of 28 × 28 pixels is a [vector](../docs/glossary.md#vector) of 784 numbers, a point in a space of
# 784 dimensions. Average all training images of digit $k$ to their mean $\mu_k$. A new image $x$ gets the
# digit whose mean is nearest:
#
# $$\hat{y}(x) = \underset{k}{\arg\min} \; \lVert x - \mu_k \rVert^2$$
#
# $\lVert x - \mu_k \rVert^2$ is the *squared distance*: subtract pixel by pixel, square, add up, or in code
# `((x - mean) ** 2).sum()`. $\arg\min_k$ picks the $k$ with the smallest one; $\hat{y}$ ("y hat") is the
# answer.
#
# Source: LeCun et al. (1998; see the end), who compare many classifiers on MNIST.
#
# Check it by hand, on three pixels and two means:

# %% tags=["nbval-check-output"]
toy_means = np.array([[0, 0, 0], [100, 200, 100]])
toy_image = np.array([50, 180, 60])
toy_distances = ((toy_image - toy_means) ** 2).sum(axis=1)
print("squared distances:", toy_distances)
print("nearest mean: number", toy_distances.argmin())

# %% [markdown]
# ## The nearest mean, on all images
#
# The second function uses
# $\lVert x - \mu \rVert^2 = \lVert x \rVert^2 - 2\,x \cdot \mu + \lVert \mu \rVert^2$, so that one matrix
# product (`@`) compares all images with all means.


# %% tags=["nbval-check-output"]
def as_vectors(images):
    """Images as rows of 784 numbers from 0 to 1."""
    vectors = images.reshape(len(images), -1).astype("float32")
    vectors /= 255  # in place: no second copy
    return vectors


def squared_distances(points, centres):
    """One row for each point, one column for each centre."""
    lengths = np.array([[point @ point] for point in points])
    return lengths - 2 * (points @ centres.T) + (centres**2).sum(axis=1)


toy = squared_distances(toy_image[np.newaxis], toy_means)
print("for three pixels, as by hand:", toy)
assert (toy == toy_distances).all(), "both ways must give the same distances"


# %% tags=["nbval-check-picture", "mnist-only"]
def mean_image(digit):
    return as_vectors(digits.x_train[digits.y_train == digit]).mean(axis=0)


means = np.stack([mean_image(digit) for digit in range(10)])
title = (
    f"The more a digit varies, the more its mean is blurred ({digits.name})"
)
plots.image_grid(means.reshape(-1, 28, 28), columns=10, title=title)

# %% tags=["nbval-check-output", "mnist-only"]
distances = squared_distances(as_vectors(digits.x_validation), means)
predicted = distances.argmin(axis=1)
accuracy = (predicted == digits.y_validation).mean()
print(f"nearest mean: {accuracy:.1%} of {len(predicted):,} images are right")
suspect = f"found {accuracy:.1%}: are images and labels in step?"
assert accuracy > 0.75, f"the nearest mean should reach 75 %, {suspect}"

# %% [markdown]
# **This is the number to beat.** A network that does no better is not worth its effort: ten averages do the
# same.
#
# ## Why does it err?
#
# Look at the first image that it misreads. The third and fifth pictures show the squared differences to
# both means, dark where large. Their sums are the squared distances.

# %% tags=["nbval-check-picture", "mnist-only"]
case = np.flatnonzero(predicted != digits.y_validation)[0]
label, answer = digits.y_validation[case], predicted[case]
point = digits.x_validation[case].ravel() / 255
pictures = [point]
titles = [f"image of a {label}"]
for digit in (label, answer):
    pictures += [means[digit], (point - means[digit]) ** 2]
    titles += [f"mean {digit}", f"distance {distances[case, digit]:.1f}"]
title = f"This {label} is nearer to the mean {answer} ({digits.name})"
pictures = np.reshape(pictures, (-1, 28, 28))
plots.image_grid(pictures, titles, columns=5, shared_scale=True, title=title)

# %% [markdown]
# In a [confusion matrix](../docs/glossary.md#confusion-matrix) a row is a true digit and a column an
# answer. The right answers stand on the diagonal. The darker any other cell, the more errors of that kind.

# %% tags=["nbval-check-picture", "mnist-only"]
title = (
    f"Nearest mean: some digits are confused far more often ({digits.name})"
)
plots.confusion(digits.y_validation, predicted, title=title)

# %% [markdown]
# ## Move the digit, and it is lost
#
# `np.roll` moves images to the right. The titles give the accuracy on *all* validation images after that.

# %%
by_shift = {}
for shift in range(5):
    moved = np.roll(digits.x_validation, shift, axis=2)  # axis 2: columns
    answers = squared_distances(as_vectors(moved), means).argmin(axis=1)
    by_shift[shift] = (answers == digits.y_validation).mean()
assert by_shift[4] < by_shift[0] / 2, "did np.roll move the images?"

# %% tags=["nbval-check-picture", "mnist-only"]
moved = [np.roll(digits.x_train[0], shift, axis=1) for shift in by_shift]
titles = [f"{shift} px: {share:.1%}" for shift, share in by_shift.items()]
title = f"The same digit to you, not to the nearest mean ({digits.name})"
plots.image_grid(moved, titles, columns=5, frame=True, title=title)

# %% [markdown]
# The nearest mean ties every stroke to fixed pixels. We need a classifier that looks for a stroke
# *wherever* it is. That is what the convolutions of lesson 02 are for.
#
# ## Odd digits
#
# These images are much nearer to another mean than to their own. Would you have read them as their labels
# say? A classifier that gets every such image right may have learned the labels by heart.

# %% tags=["nbval-check-picture", "mnist-only"]
own = distances[np.arange(len(distances)), digits.y_validation]
odd = np.argsort(own - distances.min(axis=1))[-9:]
images = as_vectors(digits.x_validation[odd])
pairs = np.concatenate([images, means[predicted[odd]]])
titles = [f"label {label}" for label in digits.y_validation[odd]]
titles += [f"nearest: {answer}" for answer in predicted[odd]]
title = f"Odd digits above their nearest means ({digits.name})"
plots.image_grid(pairs.reshape(-1, 28, 28), titles, title=title)

# %% [markdown]
# ## Why three splits?
#
# - A model learns from the [training](../docs/glossary.md#training-set) images. It can learn them by heart,
#   so its score on them says little about new ones.
# - The [validation](../docs/glossary.md#validation-set) images choose: how long to train, which technique.
#   Each choice fits them a little, so their score slowly becomes too good.
# - The [test](../docs/glossary.md#test-set) images are opened once, after the last choice. Only then do
#   they say what to expect of new digits.
#
# ## What the article did
#
# It loads MNIST with Keras, prints the shapes, shows nine digits, divides by 255 and builds a network. It
# names no score to beat, and later it uses the test images to decide when to stop training. Lesson 06 shows
# what that does. In this series `digits.open_test()` is the only door to the test images, and a check fails
# if a lesson before 07 uses it.

# %% tags=["headline", "nbval-check-output", "mnist-only"]
print(f"nearest mean: {accuracy:.1%} of the validation images ({digits.name})")

# %% [markdown]
# ## Exercises
#
# Each exercise has a cell to fill in. As it stands it says "Not answered yet". Replace `None` by your
# answer and run it again: the check tells you what is wrong with *your* answer. Try twice before you open
# the solution. To run a solution, copy it into a cell.
#
# ### Exercise 1 · Predict: what if all pixels are shuffled?
#
# Draw one random order of the 784 pixels. Put the pixels of *every* image, and of the ten means, into that
# same order. You could not read a single digit any more. How many per cent does the nearest mean get right?


# %% tags=["check"]
@exercises.exercise(
    expects="a number in per cent",
    second_hint="The distance is a sum. Does the order of its terms count?",
    because="A sum does not depend on the order of its terms. "
    "The nearest mean never knew which pixels are neighbours.",
)
def check_shuffled(answer):
    points = as_vectors(digits.x_validation)
    order = np.random.default_rng(1).permutation(784)
    shuffled = squared_distances(points[:, order], means[:, order])
    truth = 100 * (shuffled.argmin(axis=1) == digits.y_validation).mean()
    answer = float(answer)
    if abs(answer - truth) <= 0.5:
        return None
    if abs(100 * answer - truth) <= 0.5:
        return "Is that a share? Give it in per cent."
    if abs(answer - 10) <= 2:
        return "That is guessing. What exactly would the distances lose?"
    if answer < truth:
        return "Something would have to be lost. Which term changes?"
    return "Better than before? Shuffling adds no information."


# %% tags=["nbval-check-output"]
answer = None  # your answer: a number in per cent
check_shuffled(answer)

# %% tags=["solution"]
points = as_vectors(digits.x_validation)
order = np.random.default_rng(0).permutation(784)  # one order for all
shuffled = squared_distances(points[:, order], means[:, order])
answer = 100 * (shuffled.argmin(axis=1) == digits.y_validation).mean()
print(f"{answer:.1f} %, as before: the same terms in a different order")
check_shuffled(answer)

# %% tags=["right"]
check_shuffled(f"{100 * accuracy:.1f}")

# %% tags=["wrong"]
# in per cent
check_shuffled(accuracy)

# %% tags=["wrong"]
# That is guessing
check_shuffled(10)

# %% tags=["wrong"]
# Something would have to be lost
check_shuffled(60)

# %% tags=["wrong"]
# adds no information
check_shuffled(100)

# %% tags=["error"]
# a number in per cent
check_shuffled("much less")

# %% [markdown]
# ### Exercise 2 · Modify: answer with the nearest single image
#
# A mean washes out the many ways to write a digit. Compare with single training images instead, and answer
# with the label of the nearest one. Change the function's last line: it must return one label for each
# image.


# %% tags=["check"]
@exercises.exercise(
    expects="a function of images, examples and labels",
    second_hint="Which column is smallest in each row? Whose label is that?",
    because="This is the nearest-neighbour classifier. It keeps all variants.",
)
def check_nearest_image(answer):
    rng = np.random.default_rng(seed)
    examples = rng.integers(0, 256, (6, 28, 28, 1), dtype="uint8")
    labels = np.array([7, 1, 4, 9, 2, 5])
    nearest = np.array([3, 0, 5, 5])
    images = examples[nearest]
    images[:, :9] = 0  # near their example, not equal to it
    gaps = squared_distances(as_vectors(images), as_vectors(examples))
    found = np.asarray(answer(images, examples, labels))
    if found.shape != (4,):
        return f"4 images, but shape {found.shape} came out: one label each."
    if np.array_equal(found, labels[nearest]):
        return None
    if np.array_equal(found, nearest):
        return "Those are numbers of examples. What are their labels?"
    if np.array_equal(found, labels[gaps.argmax(axis=1)]):
        return "Those are the labels of the farthest examples."
    return "One label each, but not the labels of the nearest examples."


# %% tags=["nbval-check-output"]
def nearest_image(images, examples, labels):
    gaps = squared_distances(as_vectors(images), as_vectors(examples))
    return gaps  # change this: return labels instead of distances


answer = None  # when your function is ready: answer = nearest_image
check_nearest_image(answer)


# %% tags=["solution"]
def nearest_neighbour(images, examples, labels):
    gaps = squared_distances(as_vectors(images), as_vectors(examples))
    return labels[gaps.argmin(axis=1)]  # from the example to its label


some = digits.subset(1_000, seed)
found = nearest_neighbour(digits.x_validation, some.x_train, some.y_train)
print(f"1,000 examples: {(found == digits.y_validation).mean():.1%} are right")
answer = nearest_neighbour
check_nearest_image(answer)


# %% tags=["right"]
def one_by_one(images, examples, labels):
    answers = []
    for image in images.astype(float):
        gaps = ((examples - image) ** 2).sum(axis=(1, 2, 3))
        answers.append(int(labels[np.argsort(gaps)[0]]))
    return answers


check_nearest_image(one_by_one)


# %% tags=["wrong"]
# What are their labels?
def gaps_between(images, examples):
    return squared_distances(as_vectors(images), as_vectors(examples))


check_nearest_image(lambda i, e, y: gaps_between(i, e).argmin(axis=1))

# %% tags=["wrong"]
# shape (6,) came out
check_nearest_image(lambda i, e, y: gaps_between(i, e).argmin(axis=0))

# %% tags=["wrong"]
# farthest
check_nearest_image(lambda i, e, y: y[gaps_between(i, e).argmax(axis=1)])

# %% tags=["wrong"]
# but not the labels of the nearest
check_nearest_image(lambda i, e, y: y[: len(i)])

# %% tags=["wrong"]
# shape (4, 6) came out
check_nearest_image(nearest_image)

# %% tags=["error"]
# a function of images, examples and labels
check_nearest_image("nearest_image")

# %% [markdown]
# ### Exercise 3 · Break it: which differences can bytes not see?
#
# Somebody forgets `astype("float32")`: the differences and their squares stay bytes and wrap around. Find
# two *different* pixel values whose squared difference, in bytes, is 0. Then guess what this mistake does
# to the accuracy; the solution measures it.


# %% tags=["check"]
@exercises.exercise(
    expects="two whole numbers, such as (0, 1)",
    second_hint="256 counts as 0. Which number has the square 256?",
    because="They differ by a multiple of 16, so the square is a multiple of "
    "256. A byte keeps only the remainder, 0.",
)
def check_invisible(answer):
    first, second = (int(value) for value in answer)
    if not (0 <= first <= 255 and 0 <= second <= 255):
        return "A pixel lies between 0 and 255."
    if first == second:
        return "Those two are equal: 0 is the right distance."
    difference = np.array([first], "uint8") - np.array([second], "uint8")
    square = (difference * difference)[0]
    if square == 0:
        return None
    return f"In bytes, that difference squared is {square}, which is not 0."


# %% tags=["nbval-check-output"]
answer = None  # your answer: two pixel values, such as (0, 1)
check_invisible(answer)

# %% tags=["solution"]
answer = (0, 16)  # 16 squared is 256, and 256 is one more than a byte can hold
mean_bytes = (255 * means).astype("uint8")
images = digits.x_validation.reshape(-1, 784)
in_bytes = [((images - mean) ** 2).sum(axis=1) for mean in mean_bytes]
found = np.argmin(in_bytes, axis=0)
print(f"nearest mean in bytes: {(found == digits.y_validation).mean():.1%}")
check_invisible(answer)

# %% tags=["right"]
check_invisible([np.uint8(250), np.uint8(10)])

# %% tags=["wrong"]
# between 0 and 255
check_invisible((0, 256))

# %% tags=["wrong"]
# Those two are equal
check_invisible((128, 128))

# %% tags=["wrong"]
# is 225, which is not 0
check_invisible((15, 0))

# %% tags=["error"]
# two whole numbers
check_invisible(16)

# %% [markdown]
# ## Quiz
#
# **1. A program is right for 95 % of the images, and 95 % of the images show a 0. Is it good?** (a) Yes.
# (b) Nobody can say: compare with the plainest answer first. (c) No.
#
# <details><summary>Answer</summary>
#
# (b). Always answering 0 scores 95 % here, so this number shows nothing yet. (a) takes a high number for a
# good one. (c) goes too far: the program may find every other digit and stumble over a few zeros.
#
# </details>
#
# **2. Why do we divide pixels by 255 before a network sees them?** (a) To save memory. (b) So that one step
# of the optimizer does not change the sums too much. (c) Because the nearest mean needs it.
#
# <details><summary>Answer</summary>
#
# (b). (a) is the wrong way round: float32 takes four times the memory of bytes. (c) fails because dividing
# all pixels by 255 divides all distances by the same number: the nearest mean stays the nearest.
#
# </details>
#
# **3. You compare ten variants a day. By their score on which images do you choose?** (a) Test images, if
# you do not train on them. (b) Validation images. (c) Training images.
#
# <details><summary>Answer</summary>
#
# (b). They are there for choosing; lesson 06 shows what many choices cost. (a) is tempting, but to choose
# by a score is to fit it. (c) would leave you without a way to notice that a model only learned by heart.
#
# </details>
#
# ## Your guesses, and what came out

# %%
found = {
    "best answer that is always the same (%)": round(100 * shares.max(), 1),
    "accuracy of the nearest mean (%)": round(100 * accuracy, 1),
    "its accuracy on moved digits (%)": round(100 * by_shift[4], 1),
}
exercises.compare_guesses(guess, found)

# %% [markdown]
# ## Recap
#
# - **What does a computer see?** 784 numbers, without any idea which of them are neighbours.
# - **What must a network beat?** The nearest mean, not just guessing. And a small shift should not ruin it.
# - With scaled pixels, one step of the optimizer does not change the sums too much.
# - Training images teach, validation images choose, test images judge, once.
#
# **In practice:** verify and look at your data before you train on it, and write down the score of the
# plainest method that works.
#
# **Sources:** Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document
# recognition", *Proceedings of the IEEE* 86, 1998. E. Alpaydin and C. Kaynak, "Optical Recognition of
# Handwritten Digits", UCI Machine Learning Repository, 1998. Tanner Abraham, as above.
#
# **Next:** [02 · How does a small CNN do, and how much does a run vary?](02_baseline_cnn.ipynb)
