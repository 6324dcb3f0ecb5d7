"""The drawing pad of the web book: train its network, keep the weights, and write what its pages load."""

import base64
import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

import mnist_helpers
from mnist_helpers import datasets, drawing, environment, figures, recipes

FOLDER = Path(__file__).resolve().parent / "pad"
WEIGHTS = FOLDER / "weights.f16"  # the network's arrays, one after the other, as float16 (little-endian)
NOTES = FOLDER / "weights.json"  # where they come from
PICTURE = FOLDER / "pad.png"  # stands in for the pad on paper, and where there is no JavaScript
# The fast recipe on all images, with more passes: augmentation shows each image differently in each pass.
RECIPE = replace(recipes.FAST, train_size=60_000, validation_size=0, epochs=12, augmentation="gentle")
# The pad on a page. The script of the page puts the pad into the container and hides the picture.
_PLACE = """\
````{{container}} pad-place
```{{figure}} /pad/pad.png
:alt: "A drawn 4, the same in 28 by 28 pixels, and 16 maps: some show level strokes, some upright ones."

On a screen, with JavaScript, this is a pad to draw on: a network reads the digit while you draw it.
```
````

The network here is the fast one of these lessons, trained on MNIST's 60,000 training images. It reads
{percent:.1f} % of the test images right, and it runs in this page: what you draw stays on your device. In the
notebook of lesson 07, the network that you trained reads your digits."""


def read_network() -> Any:
    """Build the pad's network with the kept weights.

    Returns
    -------
    keras.Model
        It reads what the pages read.
    """
    from mnist_helpers import models

    network = models.build_fast()
    shapes = [weight.shape for weight in network.get_weights()]
    ends = np.cumsum([np.prod(shape) for shape in shapes])
    parts = np.split(np.fromfile(WEIGHTS, "<f2").astype(np.float32), ends[:-1])
    network.set_weights([part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)])
    return network


def train() -> None:
    """Train the network, keep its weights, and open the test set once, to note how well it reads."""
    from mnist_helpers import training

    digits = datasets.load("mnist")
    trained, _ = training.train(RECIPE, digits)
    FOLDER.mkdir(exist_ok=True)
    WEIGHTS.write_bytes(b"".join(weight.astype("<f2").tobytes() for weight in trained.get_weights()))
    network = read_network()
    _, accuracy = training.evaluate(network, *digits.open_test())
    scaling = network.get_layer(index=0).get_config()
    notes = {
        "recipe": asdict(RECIPE),
        "test_accuracy": accuracy,
        "sha256": hashlib.sha256(WEIGHTS.read_bytes()).hexdigest(),
        "data_sha256": digits.digest(),
        "environment": environment.describe(),
        "network": {
            "scale": scaling["scale"],
            "offset": scaling["offset"],
            "shapes": [weight.shape for weight in network.get_weights()],
        },
    }
    NOTES.write_text(json.dumps(notes, indent=1) + "\n", encoding="utf-8", newline="\n")
    _draw_picture(network)
    print(f"{WEIGHTS}: {accuracy:.2%} of the test images are read right")


def _draw_picture(network: Any) -> None:
    """Draw what the pad shows of a 4."""
    paper = Image.new("L", (280, 280))
    for stroke in ([(110, 50), (75, 160), (215, 150)], [(170, 55), (160, 235)]):
        ImageDraw.Draw(paper).line(stroke, fill=255, width=24, joint="curve")
    frame = drawing.to_mnist_frame(np.asarray(paper))
    shares = np.asarray(network(frame[np.newaxis]))[0]
    first = network.layers[1]
    maps = np.maximum(0, first(network.layers[0](frame[np.newaxis])))[0]
    images = [np.asarray(paper), frame[..., 0], *np.moveaxis(maps, 2, 0)]
    titles = ["the drawing", "28 \N{MULTIPLICATION SIGN} 28", *(f"filter {each}" for each in range(1, 17))]
    title = f"A drawing that is read as {shares.argmax()}, {shares.max():.1%} sure"
    figures.image_grid(images, titles, title=title).savefig(PICTURE, dpi=200, metadata={"Software": None})


def show() -> str:
    """Return the pad's place on a page.

    Returns
    -------
    str
        Markdown: the pad, and what reads there.
    """
    return _PLACE.format(percent=100 * _read_notes()["test_accuracy"])


def replace_output(notebook: dict[str, Any]) -> None:
    """Put the pad's place after the cell of a notebook that shows one, instead of the cell's output.

    Parameters
    ----------
    notebook : dict
        In nbformat 4; changed in place.
    """
    cells = notebook["cells"]
    for index, cell in enumerate(cells):
        if cell["cell_type"] == "code" and "DrawingPad(" in cell["source"]:
            cell["outputs"] = []
            cells.insert(
                index + 1, {"cell_type": "markdown", "id": "pad", "metadata": {}, "source": "{{ pad }}"}
            )


def write_files(folder: Path) -> None:
    """Write the script and the style sheet of the pages that have a pad.

    The script is a classic one that carries the weights: a page that was opened as a file may load neither
    modules nor data.

    Parameters
    ----------
    folder : Path
        Where to put ``drawing-pad.js`` and ``drawing-pad.css``; it is created if it is missing.
    """
    page = Path(mnist_helpers.__file__).parent / "drawing"
    network = _read_notes()["network"] | {"weights": base64.b64encode(WEIGHTS.read_bytes()).decode()}
    pad = _read(page / "pad.js").replace("export default { render };", "")
    script = ["(() => {", pad, f"const NETWORK = {json.dumps(network)};", _read(FOLDER / "page.js"), "})();"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "drawing-pad.js").write_text("\n".join(script), encoding="utf-8")
    style = _read(page / "pad.css") + _read(FOLDER / "page.css")
    (folder / "drawing-pad.css").write_text(style, encoding="utf-8")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _read_notes() -> dict[str, Any]:
    return json.loads(_read(NOTES))


if __name__ == "__main__":
    train()
