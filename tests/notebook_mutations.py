"""Break the package or Keras in twenty ways and tabulate which cell of the notebooks notices each.

Usage: python tests/notebook_mutations.py [NAME...]

Each mutation stands in the first cell of copies of the lessons, which nbval runs with small values, as
`make test` does. It takes an hour or two on 2 cores.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import mutations
import nbformat
import nbval_lessons

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
    "share_seeds": ("03", "04", "05", "06", "07"),
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


def break_copies(mutation: str, lesson: str) -> Path:
    """Copy one prepared lesson with a mutation in its first cell."""
    [source] = (FOLDER / "sound").glob(f"{lesson}_*.ipynb")
    notebook = nbformat.read(source, as_version=4)
    code = f"import mutations\n\nmutations.{mutation}()"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(code))
    target = FOLDER / mutation / source.name
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)
    return target


def find_failures(path: Path) -> list[str]:
    """Run a notebook with nbval; return the first line of each cell that failed."""
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-cell-timeout=1800", "-q", str(path)]
    variables = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True)
    numbers = [int(number) for number in re.findall(r"FAILED .*::Cell (\d+)", done.stdout)]
    code = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    return [next(line for line in code[number].splitlines() if line.strip()) for number in numbers]


def main(names: list[str]) -> None:
    """Print a Markdown table, one row per mutation."""
    nbval_lessons.prepare(ROOT / "notebooks", FOLDER / "sound", quick=True)
    print("| mutation | lesson | first cell that notices |\n| --- | --- | --- |")
    caught = 0
    for name in names or MUTATIONS:
        row = f"| {getattr(mutations, name).__doc__} | none | |"
        for lesson in MUTATIONS[name]:
            if failures := find_failures(break_copies(name, lesson)):
                row = f"| {getattr(mutations, name).__doc__} | {lesson} | `{failures[0]}` |"
                caught += 1
                break
        print(row, flush=True)
    print(f"\n{caught} of {len(names or MUTATIONS)} are noticed.")


if __name__ == "__main__":
    main(sys.argv[1:])
