"""Tabulate and draw the study for the README and the web book."""

from pathlib import Path

import pandas as pd

from mnist_helpers.study import plan, results


def format_table(study: pd.DataFrame) -> str:
    """Return the accuracy of all techniques at all training sizes as a Markdown table.

    Parameters
    ----------
    study : DataFrame
        Runs, as `mnist_helpers.study.results.read_study` returns them.

    Returns
    -------
    str
        One column per size: the baseline's mean accuracy, then each technique's difference to it.
    """
    found = results.compare_by_size(study)
    heads = ["technique"]
    means = ["baseline: mean accuracy"]
    for size in found:
        accuracy = results.select(study, "baseline", size, "accuracy")
        epochs = results.select(study, "baseline", size, "epochs").max()
        heads.append(f"{size:,} images, {epochs} epochs, {accuracy.count()} seeds")
        means.append(f"{accuracy.mean():.2f} %")
    techniques = next(iter(found.values()))
    differences = [[name, *(str(found[size][name]) for size in found)] for name in techniques]
    rows = [heads, ["---"] * len(heads), means, *differences]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def format_parts() -> str:
    """Return the planned runs as a Markdown table.

    Returns
    -------
    str
        One row per part and training size.
    """
    rows = [
        ["part", "training images", "epochs", "techniques", "seeds", "runs"],
        ["---"] * 6,
    ]
    for name, part in plan.PARTS.items():
        for size, (epochs, n_seeds) in part.sizes.items():
            techniques = ", ".join(part.techniques)
            seeds = f"{part.first_seed} to {part.first_seed + n_seeds - 1}"
            rows.append(
                [name, f"{size:,}", str(epochs), techniques, seeds, str(n_seeds * len(part.techniques))]
            )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def format_comparisons() -> str:
    """Return the planned comparisons with their expected verdicts as a Markdown table.

    Returns
    -------
    str
        One row per technique, measure and epoch.
    """
    sizes = sorted(plan.MARGINS)
    rows = [
        ["family", "technique", "measure", "epoch", *(f"{size:,}" for size in sizes), "reason"],
        ["---"] * (5 + len(sizes)),
    ]
    expected: dict[tuple, dict] = {}
    for each in plan.read_comparisons():
        name = tuple(each[field] for field in ("family", "technique", "measure", "epoch", "reason"))
        expected.setdefault(name, {})[each["size"]] = each["expected"]
    for (family, technique, measure, epoch, reason), verdicts in expected.items():
        found = [verdicts.get(size, "") for size in sizes]
        rows.append([family, technique, measure, str(epoch or "last"), *found, reason])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def draw(study: pd.DataFrame, path: Path) -> None:
    """Draw all techniques against the baseline and save the figure as PNG.

    Parameters
    ----------
    study : DataFrame
        Runs, as `mnist_helpers.study.results.read_study` returns them.
    path : Path
        The file. Its metadata hold the alt text, by which a test compares figure and study.
    """
    figure = results.figure(study)
    figure.savefig(path, metadata={"Description": figure.alt, "Software": None})
