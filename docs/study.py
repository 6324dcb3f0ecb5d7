"""Draw the README's figure and write its table, both from the study."""

from pathlib import Path

from mnist_helpers import evidence, plots

DOCS = Path(__file__).resolve().parent
README = DOCS.parent / "README.md"
MARKS = ("<!-- study -->\n", "\n<!-- end of study -->")


def format_table(study):
    """Return the table of all techniques at all sizes, in Markdown."""
    found = evidence.compare_by_size(study)
    baselines = [evidence.select(study, "baseline", size, "accuracy") for size in found]
    epochs = [evidence.select(study, "baseline", size, "epochs").max() for size in found]
    each = zip(found, epochs, baselines, strict=True)
    head = [f"{size:,} images, {passes} epochs, {runs.count()} seeds" for size, passes, runs in each]
    rows = [["technique", *head], ["---"] * (1 + len(found))]
    rows.append(["baseline: mean accuracy", *(f"{runs.mean():.2f} %" for runs in baselines)])
    for name in next(iter(found.values())):
        rows.append([name, *(str(found[size][name]) for size in found)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    study = evidence.read_study()
    figure = plots.study(study)
    figure.savefig(DOCS / "study.png", metadata={"Description": figure.alt, "Software": None})
    before, start, rest = README.read_text(encoding="utf-8").partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not (start and end):
        raise SystemExit(f"{README} has lost {' or '.join(MARKS)}")
    README.write_text(
        "".join((before, start, format_table(study), end, after)), encoding="utf-8", newline="\n"
    )
