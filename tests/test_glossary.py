"""The glossary explains each term that a lesson links, and names the lesson in which it first stands."""

import re
from pathlib import Path

from mnist_helpers.lessons import texts

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ENTRIES = dict(re.findall(r"(?m)^## (.+)\n\n((?:.+\n)+)", TEXT))


def find_first_lessons():
    """Return the number of the first lesson that links each anchor."""
    first = {}
    for lesson in texts.find_lessons():
        for anchor in re.findall(r"\(\.\./docs/glossary\.md#([^)]+)\)", lesson.read_text(encoding="utf-8")):
            first.setdefault(anchor, lesson.stem)
    return first


def test_each_term_is_linked_by_a_lesson_and_names_the_first_one():
    named = {
        name.lower().replace(" ", "-"): re.search(r"\(\[\d\d\]\(\.\./notebooks/(.+?)\.ipynb\)", text)[1]
        for name, text in ENTRIES.items()
    }
    assert len(named) > 50
    assert named == find_first_lessons()


def test_terms_are_in_alphabetical_order():
    assert list(ENTRIES) == sorted(ENTRIES, key=str.lower)
