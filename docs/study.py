"""Tabulate and draw the study for the README and the web book."""

from pathlib import Path

import pandas as pd

from mnist_helpers.study import results


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
