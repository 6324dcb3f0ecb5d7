"""Break the package or Keras in twenty ways and tabulate which cell of the notebooks notices each.

Usage: python tests/notebook_mutations.py [NAME...]

Each mutation stands in the first cell of copies of the lessons, which nbval runs with small values, as
`make test` does: on MNIST where it is there, and on the UCI digits. It takes half an hour on 2 cores.
"""

import os
import re
import subprocess
import sys
from concurrent import futures
from pathlib import Path

import mutations
import nbformat
import nbval_lessons

from mnist_helpers import mnist_files

ROOT = nbval_lessons.ROOT
FOLDER = ROOT / "build" / "mutations"
# Each mutation, and the lessons that might notice it, the likeliest first.
MUTATIONS = {
    "leak_validation": ("01", "02"),
    "scale_wrongly": ("02", "03"),
    "swap_labels": ("01", "02"),
    "augment_at_inference": ("05",),
    "strengthen_l2": ("03",),
    "ignore_patience": ("06",),
    "share_seeds": ("02", "03", "04", "05", "06", "07"),
    "draw_unstratified": ("01", "02", "03"),
    "measure_with_penalty": ("03", "02"),
    "use_normal_quantile": ("02", "03", "04", "07"),
    "reverse_pairs": ("03", "04", "05", "07"),
    "rotate_by_radians": ("05",),
    "drop_pixels": ("04",),
    "keep_rate": ("07",),
    "keep_last_weights": ("06",),
    "open_validation_as_test": ("07", "01"),
    "centre_by_box": ("07",),
    "calibrate_in_five_bins": ("05", "07"),
    "ignore_dropout": ("04",),
    "skip_steps": ("02",),
}

# Environment variables that choose each data set.
NOWHERE = dict.fromkeys(["MNIST_HELPERS_CACHE", "KERAS_HOME"], str(FOLDER))
DATA = {"UCI digits": {"MNIST_HELPERS_DATA": "", "MNIST_HELPERS_OFFLINE": "1", **NOWHERE}}
if mnist_files.find():
    DATA = {"MNIST": {}} | DATA


def copy_lesson(mutation: str, lesson: str, data: str) -> Path:
    """Copy one prepared lesson with a mutation, if any, in its first cell."""
    [source] = (FOLDER / "sound").glob(f"{lesson}_*.ipynb")
    notebook = nbformat.read(source, as_version=4)
    code = f"import mutations\n\nmutations.{mutation}()" if mutation else "pass"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(code))
    target = FOLDER / (mutation or "none") / data.partition(" ")[0] / source.name
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)
    return target


def find_failures(mutation: str, lesson: str, data: str) -> list[str]:
    """Run a lesson with nbval; return the first line of each cell that failed."""
    path = copy_lesson(mutation, lesson, data)
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-cell-timeout=1800", "-q", str(path)]
    variables = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])} | DATA[data]
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True)
    numbers = [int(number) for number in re.findall(r"FAILED .*::Cell (\d+)", done.stdout)]
    if done.returncode not in (0, 1) or bool(numbers) != done.returncode or 0 in numbers:
        raise SystemExit(f"{path} was not tested:\n{done.stdout[-3_000:]}")
    code = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    return [next(line for line in code[number].splitlines() if line.strip()) for number in numbers]


def find_first(mutation: str, data: str) -> str:
    """Return the first lesson and cell that notices a mutation, or nothing."""
    for lesson in MUTATIONS[mutation]:
        if failures := find_failures(mutation, lesson, data):
            return f"{lesson}: `{failures[0]}`"
    return ""


def main(names: list[str]) -> None:
    """Print a Markdown table, one row per mutation."""
    nbval_lessons.prepare(ROOT / "notebooks", FOLDER / "sound", quick=True)
    names = names or list(MUTATIONS)
    used = sorted({lesson for name in names for lesson in MUTATIONS[name]})
    with futures.ThreadPoolExecutor(2) as pool:
        places = [(lesson, data) for lesson in used for data in DATA]
        outcomes = pool.map(lambda place: find_failures("", *place), places)
        for place, failures in zip(places, outcomes, strict=True):
            if failures:
                raise SystemExit(f"without a mutation, lesson {' on '.join(place)} fails: {failures}")
        found = {name: [pool.submit(find_first, name, data) for data in DATA] for name in names}
        print(f"| mutation | {' | '.join(DATA)} |\n| --- |{' --- |' * len(DATA)}")
        for name, cells in found.items():
            first, *others = [cell.result() or "not noticed" for cell in cells]
            texts = [first, *("the same" if text == first else text for text in others)]
            print(f"| {getattr(mutations, name).__doc__} | {' | '.join(texts)} |", flush=True)
    for number, data in enumerate(DATA):
        noticed = sum(bool(cells[number].result()) for cells in found.values())
        print(f"\n{data}: {noticed} of {len(names)} noticed.")


if __name__ == "__main__":
    main(sys.argv[1:])
