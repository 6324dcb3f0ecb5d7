"""Copy the figure that the README shows out of the committed notebook of lesson 07."""

import base64
from pathlib import Path

import nbformat

DOCS = Path(__file__).resolve().parent


def find_figure() -> bytes:
    """Return the PNG of lesson 07's comparison of all techniques."""
    notebook = nbformat.read(DOCS.parent / "notebooks" / "07_conclusion.ipynb", as_version=4)
    bundles = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", ())]
    [figure] = [data["image/png"] for data in bundles if data.get("text/plain", "").startswith("Against")]
    return base64.b64decode(figure)


if __name__ == "__main__":
    (DOCS / "figure.png").write_bytes(find_figure())
