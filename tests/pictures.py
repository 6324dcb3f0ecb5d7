"""Photos of digits, made from images of digits: light, paper, pen and surroundings of every kind.

Each part is a function of its own, and `compose` puts one of each together: the digit in ink on a sheet, the
sheet on a table, and light on both.
"""

from functools import partial

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

SIDE = 200  # pixels of a sheet; what is read in photos has no size of its own
WHITE, BLACK = (236, 233, 226), (35, 34, 40)


def enlarge(digit, height=100):
    """Enlarge the ink of a digit, shape (28, 28, 1), to a height in pixels; return coverage from 0 to 1."""
    pixels = np.asarray(digit, np.float32).reshape(digit.shape[:2]) / 255
    rows, columns = (np.flatnonzero((pixels > 0.25).any(axis=axis)) for axis in (1, 0))
    pixels = np.pad(pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], 1)
    factor = height / max(pixels.shape)
    shape = [max(1, round(factor * side)) for side in pixels.shape[::-1]]
    smooth = np.asarray(Image.fromarray(pixels).resize(shape, Image.Resampling.BICUBIC))
    coverage = np.clip(3 * smooth - 1, 0, 1)
    rows, columns = (np.flatnonzero((coverage > 0).any(axis=axis)) for axis in (1, 0))
    return coverage[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def lay(coverage, random, shape=(SIDE, SIDE), centred=False):
    """Place the ink on a sheet, anywhere at least 8 % of the side from its edges."""
    room = np.subtract(shape, coverage.shape)
    least = np.minimum(np.multiply(0.08, shape), room / 2)
    top, left = (room / 2 if centred else random.uniform(least, room - least)).astype(int)
    return np.pad(coverage, [(top, room[0] - top), (left, room[1] - left)])


def grid(shape):
    """Return row and column of each pixel, from 0 to 1."""
    return np.mgrid[0 : 1 : shape[0] * 1j, 0 : 1 : shape[1] * 1j]


# Light: the share of it that reaches each pixel.


def even(shape, random):
    return np.ones(shape)


def gradient(shape, random, least=0.4):
    y, x = grid(shape)
    angle = random.uniform(0, 2 * np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    along = (along - along.min()) / np.ptp(along)
    return 1 - (1 - least) * along


def hard_shadow(shape, random, depth=0.5):
    y, x = grid(shape)
    angle = random.uniform(0, 2 * np.pi)
    along = (x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle)
    return 1 - depth * (along > random.uniform(-0.1, 0.25))


def hand(shape, random, depth=0.5):
    """Return the soft shadow of a hand that comes in from a corner."""
    y, x = grid(shape)
    corner = random.integers(0, 2, 2) * 0.9 + 0.05
    far = np.hypot(y - corner[0], (x - corner[1]) * random.uniform(0.7, 1.3))
    edge = random.uniform(0.45, 0.75)
    return 1 - depth / (1 + np.exp((far - edge) / 0.02))


def vignette(shape, random, least=0.6):
    y, x = grid(shape)
    return 1 - (1 - least) * 2 * ((y - 0.5) ** 2 + (x - 0.5) ** 2)


# Paper: the sheet in colour, without ink.


def plain(shape, random, colour=WHITE):
    return np.full((*shape, 3), colour, float)


def lines(shape, random, colour=(120, 120, 120), gap=None, squared=False):
    sheet = plain(shape, random)
    gap = gap or random.integers(14, 30)
    width = random.integers(1, 3)
    start = random.integers(0, gap)
    for k in range(width):
        sheet[start + k :: gap] = colour
        if squared:
            sheet[:, start + k :: gap] = colour
    return sheet


def squares(shape, random):
    return lines(shape, random, gap=random.integers(12, 23), squared=True)


def specks(shape, random):
    sheet = plain(shape, random)
    for _ in range(random.integers(1, 9)):
        size = random.integers(1, 5)
        top, left = random.integers(0, np.subtract(shape, size))
        sheet[top : top + size, left : left + size] = random.integers(20, 140)
    return sheet


# Surroundings: what stands around the sheet, which becomes smaller.


def nothing(picture, random):
    return picture


def table(picture, random, colour=None, sides=(1, 1, 1, 1), grain=0):
    colour = random.integers(20, 110, 3) if colour is None else colour
    pad = np.multiply(sides, random.integers(8, 45, 4))
    height, width = picture.shape[:2]
    around = np.full((height + pad[0] + pad[1], width + pad[2] + pad[3], 3), colour, float)
    around += random.normal(0, 4, (*around.shape[:2], 1))
    if grain:  # of wood: thin, straight and long
        lines = ndimage.gaussian_filter(random.normal(0, 1, around.shape[:2]), (1, 20))
        around += grain * (lines / lines.std())[..., np.newaxis]
    around[pad[0] : pad[0] + height, pad[2] : pad[2] + width] = picture
    return around


def table_at_one_side(picture, random):
    return table(picture, random, sides=random.permutation([1, 0, 0, 0]))


def torn_edge(picture, random):
    """Tear the sheet at its left side, over a dark ground."""
    ragged = random.integers(4, 16) + np.cumsum(random.normal(0, 1, len(picture)))
    torn = np.arange(picture.shape[1]) < ragged.clip(2, 0.15 * picture.shape[1])[:, np.newaxis]
    return np.where(torn[..., np.newaxis], (60, 50, 45), picture)


def salt_and_pepper(picture, random):
    """Replace one pixel in a hundred by white or black."""
    level = 255.0 * random.integers(0, 2, (*picture.shape[:2], 1))
    return np.where(random.random((*picture.shape[:2], 1)) < 0.01, level, picture)


def reflection(picture, random):
    """Let a lamp shine on a whiteboard, near its middle: additive light hides what is under it."""
    y, x = grid(picture.shape[:2])
    far = np.hypot(y - random.uniform(0.35, 0.65), x - random.uniform(0.35, 0.65))
    veil = 0.95 * np.exp(-((far / random.uniform(0.05, 0.12)) ** 2))[..., np.newaxis]
    return 0.88 * picture * (1 - veil) + 255 * veil


def scanner_edge(picture, random):
    turns = random.integers(4)
    turned = np.rot90(picture, turns).copy()
    turned[:, : random.integers(2, 7)] = 10
    return np.rot90(turned, -turns)


def turned_sheet(picture, random):
    """Lay the sheet on a table at an angle."""
    angle = random.uniform(-12, 12)
    colour = random.integers(30, 110, 3)
    room = int(random.integers(0, 25))
    turned = [
        np.pad(ndimage.rotate(channel, angle, order=1, cval=shade), room, constant_values=shade)
        for channel, shade in zip(np.moveaxis(picture, 2, 0), colour, strict=True)
    ]
    return np.stack(turned, axis=2)


def frame(coverage, random, sides=4):
    """Draw a box round the ink, or the bottom and both sides of a form's field."""
    rows, columns = (np.flatnonzero(coverage.any(axis=axis)) for axis in (1, 0))
    room = random.integers(6, 13, 4)
    height, width = coverage.shape
    top, bottom = max(rows[0] - room[0], 2), min(rows[-1] + room[1], height - 3)
    left, right = max(columns[0] - room[2], 2), min(columns[-1] + room[3], width - 3)
    corners = [(left, top), (left, bottom), (right, bottom), (right, top)]
    image = Image.new("L", (width, height))
    points = [*corners, corners[0]] if sides == 4 else corners
    ImageDraw.Draw(image).line(points, fill=255, width=int(random.integers(1, 4)))
    return np.maximum(coverage, np.asarray(image) / 255)


def compose(
    digit,
    random,
    *,
    height=100,
    light=even,
    paper=plain,
    ink=BLACK,
    opacity=1.0,
    drawn=None,
    around=nothing,
    noise=3.0,
    centred=False,
):
    """Make one picture, uint8 of shape (height, width, 3)."""
    coverage = digit if digit.shape[0] > 28 else lay(enlarge(digit, height), random, centred=centred)
    if drawn:
        coverage = drawn(coverage, random)
    coverage = opacity * coverage[..., np.newaxis]
    sheet = paper(coverage.shape[:2], random)
    picture = around(sheet * (1 - coverage) + coverage * ink, random)
    picture = picture * light(picture.shape[:2], random)[..., np.newaxis]
    picture = picture + random.normal(0, noise, (*picture.shape[:2], 1))
    return np.uint8(np.clip(np.rint(picture), 0, 255))


KINDS = {
    "clean": {},
    "bright on dark": {"paper": partial(plain, colour=(20, 20, 20)), "ink": (240, 240, 240)},
    "chalk": {"paper": partial(plain, colour=(40, 60, 50)), "ink": (225, 225, 220), "noise": 8},
    "grain": {"noise": 15},
    "small": {"height": 30},
    "pencil": {"ink": (130, 130, 135)},
    "blue ink": {"ink": (40, 60, 170)},
    "red ink": {"ink": (200, 40, 45)},
    "yellow marker": {"ink": (245, 225, 60)},
    "table": {"around": table},
    "table at one side": {"around": table_at_one_side},
    "wooden table": {"around": partial(table, colour=(140, 100, 60), grain=18), "centred": True},
    "turned sheet": {"around": turned_sheet},
    "torn edge": {"around": torn_edge},
    "salt and pepper": {"around": salt_and_pepper},
    "reflection": {"around": reflection, "centred": True},
    "scanner's edge": {"around": scanner_edge},
    "hard shadow": {"light": hard_shadow},
    "gradient": {"light": gradient},
    "hand's shadow": {"light": hand, "ink": (30, 50, 140)},
    "ruled": {"paper": lines},
    "ruled in blue": {"paper": partial(lines, colour=(150, 180, 225)), "ink": (35, 50, 140)},
    "squared": {"paper": squares},
    "specks": {"paper": specks},
    "box": {"drawn": frame},
    "form": {"drawn": partial(frame, sides=3)},
}

_PARTS = {
    "light": [even, gradient, hard_shadow, hand, vignette],
    "paper": [plain, partial(plain, colour=(225, 205, 160)), lines, squares, specks],
    "ink": [BLACK, (35, 50, 140), (190, 40, 45), (20, 110, 60), (110, 110, 115)],
    "around": [nothing, table, table_at_one_side, scanner_edge, turned_sheet],
}


def compose_at_random(digit, random):
    """Make a picture of random parts."""
    parts = {name: choices[random.integers(len(choices))] for name, choices in _PARTS.items()}
    height = int(random.integers(40, 130))
    return compose(digit, random, height=height, noise=random.uniform(0, 8), **parts)


def put_side_by_side(one, other, gap):
    """Return the ink of two digits, one beside the other."""
    drawn = [enlarge(digit, 80) for digit in (one, other)]
    height = max(map(len, drawn))
    drawn = [np.pad(ink, [(0, height - len(ink)), (0, gap)]) for ink in drawn]
    ink = np.hstack(drawn)
    return np.pad(ink, [(40, 40), (30, 30)])
