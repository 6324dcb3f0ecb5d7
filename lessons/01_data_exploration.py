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
# # 01 · Look at the digits before you classify them
#
# Previous: – · Next: [02 · Train a baseline CNN](02_baseline_cnn.ipynb)
#
# **Time:** under 1 minute on 2 CPU cores.
#
# **You will do:** load and verify the data, look at images, labels and pixels, and classify digits with
# no neural network at all.
#
# **You will learn:** what an image is to a program; why pixels are scaled; why data is split in three;
# which accuracy a network has to beat.
#
# **You need:** Python and a little NumPy. No lesson needs the leftovers of another one.

# %% tags=["parameters"]
dataset: str = "auto"  # auto, mnist or uci: the images to use
n_examples: int = 5  # 1 to 10: images of each digit in the grid

# %%
import numpy as np
from sklearn.model_selection import train_test_split

from mnist_helpers import datasets, mnist_files, plots

digits = datasets.load(dataset)
print(digits)

# %% [markdown]
# The line above names the data set, and so does the title of every figure. **MNIST** is the work of Yann
# LeCun, Corinna Cortes and Christopher Burges, made from forms that NIST collected. Where it cannot be had,
# the lessons use the **UCI digits** of Ethem Alpaydin and Cenk Kaynak, which scikit-learn carries: real
# handwriting too, but fewer and coarser images. The text says so where the difference matters.
#
# ## The idea: a picture is a vector
#
# A grey image of 28 × 28 pixels is a list of 784 numbers, a point in a space of 784 dimensions. Two images
# that look alike are near each other there. The plainest classifier follows from that: average all images
# of a digit to a mean $\mu_k$, and give a new image $x$ the digit whose mean is nearest:
#
# $$\hat{y}(x) = \arg\min_k \lVert x - \mu_k \rVert^2$$
#
# Source: Yann LeCun et al., "Gradient-based learning applied to document recognition", *Proceedings of the
# IEEE* 86 (1998), which compares a dozen classifiers on MNIST and starts with such plain ones.
#
# On three pixels instead of 784, with two means, it can be followed by hand:

# %% tags=["nbval-check-output"]
toy_means = np.array([[0, 0, 0], [100, 200, 100]])
toy_image = np.array([50, 180, 60])
toy_distances = ((toy_image - toy_means) ** 2).sum(axis=1)
print("squared distances:", toy_distances, "- nearest mean:", toy_distances.argmin())

# %% [markdown]
# A picture becomes a vector row by row, so the pixel in row $r$ and column $c$ is number $28 r + c$ of 784.

# %% tags=["nbval-check-output"]
numbered = np.arange(784).reshape(28, 28)
print("row 2, column 5 is number", numbered[2, 5], "- and back:", divmod(61, 28))

# %% [markdown]
# ## Before you run it
#
# Write down three guesses. Which digit needs the least ink? Which two digits are confused most often? What
# share of the images will the nearest mean get right?
#
# ## What was loaded, and how we know
#
# MNIST comes in several archives. Whatever the archive, the four arrays in it are compared with known
# SHA-256 digests before a lesson sees them, so that everyone measures on the same pixels. These are the
# shapes that are accepted as MNIST: 60,000 images to learn from and 10,000 to be tested on.

# %% tags=["nbval-check-output"]
for name, (shape, digest) in mnist_files.ARRAYS.items():
    print(f"{name:8} {shape!s:16} SHA-256 {digest[:12]}…")

# %% [markdown]
# The series splits the 60,000 once more. The test images stay closed until lesson 07.

# %% tags=["nbval-check-output", "mnist-only"]
for part in ("train", "validation"):
    images, labels = getattr(digits, f"x_{part}"), getattr(digits, f"y_{part}")
    print(f"{part:10} images {images.shape} {images.dtype}, labels {labels.shape} {labels.dtype}")
print(f"together   {len(digits.x_train) + len(digits.x_validation):,} images")

# %% [markdown]
# ## Look at them
#
# The first nine training images, in three rows, as the article that this series follows shows them. (Tanner
# Abraham, "Classify Handwritten-Digits With Tensorflow", 2021.)

# %% tags=["nbval-check-output", "mnist-only"]
print("labels:", digits.y_train[:9])

# %%
plots.image_grid(
    digits.x_train[:9], digits.y_train[:9], columns=3, title=f"The first nine images ({digits.name})"
)

# %% [markdown]
# Nine images hide how differently people write. A grid with one column for each digit shows more: sevens
# with and without a bar, twos with and without a loop, ones that lean.

# %%
columns = [np.flatnonzero(digits.y_train == digit)[:n_examples] for digit in range(10)]
rows = np.transpose(columns).ravel()
plots.image_grid(
    digits.x_train[rows], digits.y_train[rows], columns=10, title=f"Some of each digit ({digits.name})"
)

# %% [markdown]
# ## Count them
#
# If one digit made up most of the data, a classifier that always answers with it would look good, as on
# these hundred made-up labels. So count first.

# %% tags=["nbval-check-output"]
unbalanced = np.array([0] * 95 + [1] * 5)
print(f"always answering 0 is right for {(unbalanced == 0).mean():.0%}, and never finds a 1")

# %% [markdown]
# Here are the counts of the real ones.

# %%
counts = np.bincount(digits.y_train, minlength=10)
plots.bars(
    dict(enumerate(counts)),
    title=f"Training images of each digit ({digits.name})",
    xlabel="digit",
    ylabel="number of images",
)

# %%
most_frequent = counts.argmax()
share = (digits.y_validation == most_frequent).mean()
print(f"always answering {most_frequent} is right for {share:.1%} of the validation images")
assert counts.min() > 0.7 * counts.max(), "the digits should be roughly balanced"

# %% [markdown]
# The classes are roughly balanced, so accuracy is a fair first measure. On data where one class dominates
# it would not be.
#
# ## Pixels: range and type
#
# A pixel is a whole number from 0, paper, to 255, ink, and takes one byte. Here is the upper half of the
# first image in numbers.

# %%
with np.printoptions(linewidth=150):
    print(digits.x_train[0, 4:16, 4:24, 0])

# %% [markdown]
# Most of an image is paper. The count in this histogram is logarithmic, because otherwise the bar at 0
# would hide everything else.

# %%
plots.histograms(
    {"pixels of 1,000 images": digits.x_train[:1000]},
    title=f"Pixel values ({digits.name})",
    xlabel="pixel value (0 is paper, 255 is ink)",
)

# %% [markdown]
# Bytes are small, which keeps the memory of these lessons low, but they have a trap: arithmetic wraps
# around at 256.

# %% tags=["nbval-check-output"]
two_pixels = np.array([200, 100], dtype=np.uint8)
print("200 + 100 as bytes: ", two_pixels[:1] + two_pixels[1:])
print("as float32:         ", two_pixels[:1].astype("float32") + two_pixels[1:])

# %% [markdown]
# And this is what wider types would cost for all 60,000 images.

# %% tags=["nbval-check-output"]
for dtype in ("uint8", "float32", "float64"):
    print(f"{dtype:8} {60_000 * 28 * 28 * np.dtype(dtype).itemsize / 1e6:4.0f} MB")

# %% [markdown]
# Networks compute in float32, and they learn best from inputs of about the size of 1: a weight's gradient
# is proportional to its input, so pixels up to 255 would make the first steps far too long. The usual cure
# is to divide by 255. The article does it to the whole array at once; our networks do it in their first
# layer, so that the arrays can stay four times smaller.

# %% tags=["nbval-check-output"]
pixels = np.array([0, 51, 255], dtype=np.uint8)
scaled = pixels.astype("float32") / 255
print("values:", scaled, "dtype:", scaled.dtype)
print("dividing without the cast gives", (pixels / 255).dtype, "- twice the memory")

# %% [markdown]
# ## The mean digit, and how much ink it takes

# %%
vectors = digits.x_train.reshape(len(digits.x_train), -1)
means = np.array([vectors[digits.y_train == digit].mean(axis=0) for digit in range(10)])
plots.image_grid(
    means.reshape(-1, 28, 28), range(10), columns=10, title=f"The mean of each digit ({digits.name})"
)

# %% tags=["nbval-check-output", "mnist-only"]
ink = means.mean(axis=1) / 255
print("from least to most ink:", np.argsort(ink))
print(f"digit {ink.argmin()} covers {ink.min():.1%} of the image, digit {ink.argmax()} {ink.max():.1%}")

# %% [markdown]
# Compare with your first guess. A blurred mean is a digit that people write in many ways; a sharp one is a
# digit that most people write alike.
#
# ## A classifier without a network: the nearest mean
#
# Expanding the square, $\lVert x - \mu \rVert^2 = \lVert x \rVert^2 - 2\,x \cdot \mu + \lVert \mu
# \rVert^2$. The first term is the same for all digits, so one matrix product ranks them. On the three pixels
# from above:

# %% tags=["nbval-check-output"]
expanded = (toy_image**2).sum() - 2 * toy_means @ toy_image + (toy_means**2).sum(axis=1)
print("directly:", toy_distances, "- expanded:", expanded)

# %% [markdown]
# Now for all validation images at once.


# %%
def squared_distances(images):
    """Squared distance of each image to each mean digit, less the image's own squared length."""
    points = images.reshape(len(images), -1).astype("float32") / 255
    centres = means.astype("float32") / 255
    return (centres**2).sum(axis=1) - 2 * points @ centres.T


predicted = squared_distances(digits.x_validation).argmin(axis=1)
accuracy = (predicted == digits.y_validation).mean()
print(f"nearest mean: {accuracy:.1%} of {len(predicted):,} validation images are right")

# %% [markdown]
# This is the number to beat. A network that does no better has learned nothing that an average does not
# know. The next cell checks that the number is where it should be, far above one in ten: if labels and
# images ever got out of step, this check would fail first.

# %%
assert accuracy > 0.75, f"the nearest mean should reach 75 %, found {accuracy:.1%}: are labels in step?"
plots.confusion(digits.y_validation, predicted, title=f"Nearest mean: what is confused ({digits.name})")

# %% [markdown]
# The diagonal holds the right answers, in bold; the shade shows the errors. Look for your second guess.
#
# ## Odd digits
#
# The training images that lie farthest from their own mean, and those that lie much nearer to another
# digit's mean than to their own. Would you have read the label that is given above each? A few labels in
# MNIST are open to dispute; a classifier that is always right about such images would be suspicious.

# %%
distances = squared_distances(digits.x_train)
own = distances[np.arange(len(distances)), digits.y_train]
lengths = ((digits.x_train.reshape(len(own), -1) / np.float32(255)) ** 2).sum(axis=1)
far = np.argsort(own + lengths)[-9:]
plots.image_grid(
    digits.x_train[far], digits.y_train[far], title=f"Farthest from the mean of their label ({digits.name})"
)

# %%
margin = own - distances.min(axis=1)
odd = np.argsort(margin)[-9:]
titles = [f"{digits.y_train[i]}, or {distances[i].argmin()}?" for i in odd]
plots.image_grid(digits.x_train[odd], titles, title=f"Nearest to another digit ({digits.name})")

# %% [markdown]
# ## Why three splits
#
# - The **training** images are those that a model learns from. It can learn them by heart, so its score on
#   them says little about new ones.
# - The **validation** images choose: how long to train, which strength, which technique. With every choice
#   their score becomes a little too good, because the choice fits them.
# - The **test** images are opened once, after the last choice. Only then do they say what to expect of new
#   digits.
#
# Each split keeps the digits' shares: it is *stratified*. On twelve labels, a third of them ones:

# %% tags=["nbval-check-output"]
labels = np.array([0, 0, 1] * 4)
larger, smaller = train_test_split(labels, test_size=3, stratify=labels, random_state=0)
print(f"share of ones: {labels.mean():.2f} of all, {larger.mean():.2f} and {smaller.mean():.2f} after it")

# %% [markdown]
# The article stops its training on the test images, and so do many tutorials. Lesson 06 asks what that
# does. In this series `digits.open_test()` is the only door to the test set, and a check of the project
# fails if a lesson before 07 calls it.

# %% tags=["headline"]
print(f"nearest mean: {accuracy:.1%} of the validation images ({digits.name})")

# %% [markdown]
# ## Recap
#
# - An image is 784 bytes; a network gets them as float32 from 0 to 1.
# - The classes are balanced, so accuracy is a fair measure.
# - The nearest mean is the number to beat, and odd digits say why no classifier will reach 100 %.
# - Training images teach, validation images choose, test images judge, once.
#
# **In practice:** look at your data before you train on it, verify what you downloaded, and write down the
# score of the plainest method that works.
#
# **Sources:** LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition",
# 1998. E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
# Repository, 1998. Tanner Abraham, "Classify Handwritten-Digits With Tensorflow", 2021.
#
# **Next:** [02 · Train a baseline CNN](02_baseline_cnn.ipynb)
