"""Compare outputs with stored ones: text exactly, floats within a tolerance, pictures by coarse pixels."""

import base64
import copy
import io
import re
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
from PIL import Image

# A number stands alone: "conv2d_1" and the version "2.21.0" are text.
NUMBER = re.compile(r"(?<![\w.])[+-]?\d+(?:,\d{3})*(?:\.\d*)?(?:e[+-]?\d+)?(?!\w|\.\d)", re.IGNORECASE)
COARSE = (64, 64)  # pixels
MOST_LEVELS = 16  # of 255, between coarse pixels: changed letters differ by more, smoothed edges by less


class Change(NamedTuple):
    """A number that is not what it was."""

    old: str
    new: str
    allowed: float

    @property
    def is_allowed(self):
        distance = abs(read_number(self.old) - read_number(self.new))
        return distance <= self.allowed + 1e-9  # 98.3 - 98.2 is a little more than 0.1

    def __str__(self):
        return f"{self.old} became {self.new} (allowed: ± {self.allowed:g})"


def read_number(text):
    return float(text.replace(",", ""))


def accept(new_outputs, old_outputs, tolerances):
    """Return the new outputs, with the old texts where floats moved within the tolerances, and all changes.

    `tolerances` holds those of floats ("") and of percentages ("%"), which else have that of floats. Without
    any, no text is replaced, so that an exact comparison sees every difference.
    """
    accepted = copy.deepcopy(new_outputs)
    changes = []
    for new, old in zip(map(_read_content, accepted), map(_read_content, old_outputs), strict=False):
        for key in [key for key in new if key.startswith("text") and key in old]:
            found = find_changes(old[key], new[key], tolerances)
            changes += found or ()
            if tolerances and found is not None and all(change.is_allowed for change in found):
                new[key] = old[key]
    return accepted, list(dict.fromkeys(changes))  # a table shows its numbers as HTML and as text


def find_changes(old, new, tolerances):
    """Return the numbers that differ; None if more differs than numbers and the gaps between words.

    Whole numbers must be the same whatever the tolerances: they count, name or order something.
    """
    if _read_words(old) != _read_words(new):
        return None
    changes = []
    for was, now in zip(NUMBER.finditer(old), NUMBER.finditer(new), strict=True):
        if was[0] != now[0]:
            unit = "%" if re.match(" ?%", old[was.end() :]) else ""
            allowed = tolerances.get(unit, tolerances.get("", 0.0))
            is_float = _is_float(was[0]) or _is_float(now[0])
            changes.append(Change(was[0], now[0], allowed if is_float else 0.0))
    return changes


def find_changed_line(new_outputs, old_outputs):
    """Return the first line that differs, with what it was; empty if only kinds or numbers of outputs do."""
    for new, old in zip(map(_read_content, new_outputs), map(_read_content, old_outputs), strict=False):
        for key in ("text", "text/plain"):
            texts = [strip_colours(content.get(key, "")).splitlines() for content in (old, new)]
            for was, now in zip_longest(*texts, fillvalue=""):
                if was != now:
                    return f"{was.strip()[:60]!r} became {now.strip()[:60]!r}"
    return ""


def strip_colours(text):
    return re.sub(r"\x1b\[[\d;]*m", "", text)


def find_changed_pictures(new_outputs, old_outputs):
    """Return a line for each stored picture that is missing, or that now looks different."""
    news, olds = _read_pictures(new_outputs), _read_pictures(old_outputs)
    if len(news) != len(olds):
        return [f"{len(olds)} pictures became {len(news)}"]
    levels = list(map(measure_difference, olds, news))
    return [
        f"picture {number} differs by {level} levels (allowed: {MOST_LEVELS} of 255)"
        for number, level in enumerate(levels, 1)
        if level > MOST_LEVELS
    ]


def measure_difference(old, new):
    """Return the largest difference between the coarse pixels of two PNG files, in levels from 0 to 255."""
    pictures = [Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB") for picture in (old, new)]
    coarse = [np.asarray(picture.resize(COARSE, Image.Resampling.BOX), dtype=int) for picture in pictures]
    return int(abs(coarse[0] - coarse[1]).max())


def _read_content(output):
    """Return what an output shows, by kind."""
    return output if output["output_type"] == "stream" else output.get("data", {})


def _read_pictures(outputs):
    return [content["image/png"] for content in map(_read_content, outputs) if "image/png" in content]


def _read_words(text):
    """Return what stands between the numbers; not the gaps, because wider numbers move a table's columns."""
    return [re.findall(r"[^ \n]+|\n", part) for part in NUMBER.split(text)]


def _is_float(number):
    return re.search(r"\.\d|e", number, re.IGNORECASE) is not None
