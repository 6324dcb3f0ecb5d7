"""Replace the parts of documents that are generated.

Such a part stands between two marks, each on a line of its own, which no rendered page shows::

    <!-- name -->
    generated text
    <!-- end of name -->
"""

from pathlib import Path


def replace_marked(text: str, name: str, new: str) -> str:
    """Return a document's text with new content between the marks of a name.

    Parameters
    ----------
    text : str
        The document; its lines end with a line feed.
    name : str
        Name in the marks.
    new : str
        What stands between the marks from now on, without a line end of its own at the end.

    Returns
    -------
    str
        The document; all text outside the marks is unchanged.

    Raises
    ------
    ValueError
        If a mark is missing, or the end stands before the start.
    """
    start = f"<!-- {name} -->\n"
    end = f"\n<!-- end of {name} -->"
    before, found_start, rest = text.partition(start)
    if not found_start:
        raise ValueError(f"the document has lost {start.strip()}")
    # The line end of the start belongs to both marks where nothing stands between them.
    _, found_end, after = f"\n{rest}".partition(end)
    if not found_end:
        raise ValueError(f"the document has lost {end.strip()} after {start.strip()}")
    return "".join((before, start, new, end, after))


def update(path: Path, name: str, new: str) -> None:
    """Replace the content between the marks of a name in a file, completely or not at all.

    Parameters
    ----------
    path : Path
        The document, in UTF-8. Its lines end with a line feed alone on every system.
    name : str
        Name in the marks.
    new : str
        New content, without a line end of its own at the end.

    Raises
    ------
    ValueError
        If a mark is missing; the message names the file and the mark, and the file stays as it was.
    """
    try:
        text = replace_marked(path.read_text(encoding="utf-8"), name, new)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    draft = path.with_name(f"{path.name}.part")
    draft.write_text(text, encoding="utf-8", newline="\n")
    draft.replace(path)
