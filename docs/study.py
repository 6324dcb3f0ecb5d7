"""Tabulate and draw the study for the README and the web book."""

from pathlib import Path

import pandas as pd

from mnist_helpers.study import analysis, charts, findings, history, plan, store, tables


def format_frame(frame: pd.DataFrame) -> str:
    """Return a table in Markdown.

    Parameters
    ----------
    frame : DataFrame
        Its index becomes the first columns; floats are shown with two decimals.

    Returns
    -------
    str
        One line per row below the head.
    """
    named = frame.reset_index() if any(frame.index.names) else frame
    rows = [map(str, named.columns), ["---"] * len(named.columns)]
    for values in named.itertuples(index=False):
        rows.append([f"{value:.2f}" if isinstance(value, float) else str(value) for value in values])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def format_ends(courses: pd.DataFrame) -> str:
    """Return the accuracy of all techniques at all training sizes as a Markdown table.

    Parameters
    ----------
    courses : DataFrame
        As `findings.read_courses` returns it.

    Returns
    -------
    str
        One column per size: the baseline's mean accuracy, then each technique's difference to it.
    """
    evaluated = findings.evaluate(courses)
    columns: dict[str, dict[str, str]] = {}
    for size, (epochs, n_seeds) in plan.PARTS["ends"].sizes.items():
        runs = analysis.select(courses, "ends", plan.BASELINE, size, epochs, "test_accuracy")
        cells = {"baseline: mean accuracy": f"{100 * runs.mean():.2f} %"}
        for technique in list(plan.TECHNIQUES)[1:]:
            row = evaluated.loc[f"{technique}-{size}-ends"]
            label = findings.name_technique(technique)
            cells[label] = f"{row['difference'].interval}, {findings.name_verdict(row['found'], size)}"
        columns[f"{size:,} images, {epochs} epochs, {n_seeds} seeds"] = cells
    return format_frame(pd.DataFrame(columns).rename_axis("technique"))


def format_claims(courses: pd.DataFrame) -> str:
    """Return all comparisons as Markdown tables, by whether they came out as expected.

    Parameters
    ----------
    courses : DataFrame
        As `findings.read_courses` returns it.

    Returns
    -------
    str
        A section for each status, with its number of comparisons.
    """
    texts = []
    evaluated = findings.evaluate(courses)
    for status in findings.STATUSES:
        rows = evaluated[evaluated["status"] == status]
        texts.append(f"## {status.capitalize()}: {len(rows)}")
        if rows.empty:
            continue
        table = pd.DataFrame(
            {
                "found": rows["sentence"],
                "seeds": [difference.pairs for difference in rows["difference"]],
                "detectable": [
                    f"{difference.detectable:.2f} {analysis.MEASURES[measure][2]}"
                    for difference, measure in zip(rows["difference"], rows["measure"], strict=True)
                ],
                "expected": [
                    findings.name_verdict(verdict, size) if verdict else ""
                    for verdict, size in zip(rows["expected"], rows["size"], strict=True)
                ],
                "expected because": rows["reason"],
                "name": [f"`{name}`" for name in rows.index],
            }
        )
        if status != "undecided":
            table = table.drop(columns="detectable")
        if not rows["expected"].any():
            table = table.drop(columns=["expected", "expected because"])
        texts.append(format_frame(table))
    return "\n\n".join(texts)


def format_history() -> dict[str, str]:
    """Return how the verdicts of the two earlier studies differ.

    Returns
    -------
    dict of str to str
        ``history_quoted``, ``history_count``, ``history_flipped`` and ``history_same`` are numbers;
        ``history`` is a table.
    """
    quoted = history.compare_studies()
    compared = quoted[~quoted["repeated"]]
    flipped = compared[compared["flipped"]]
    rows = []
    for row in flipped.itertuples():
        measure = row.measure.partition(",")[0]
        against = f" against {row.reference}" if row.reference != plan.BASELINE else ""
        if row.reference_measure != row.measure:
            against = ", stopped on the test set, against stopped on validation images"
        rows.append(
            {
                "comparison": f"{measure} of {row.technique}{against}, {row.size:,} images",
                "first study": str(row.first),
                "second study": str(row.second),
                "same recipes": "yes" if row.same_recipes else "no",
            }
        )
    return {
        "history_quoted": str(len(quoted)),
        "history_count": str(len(compared)),
        "history_flipped": str(len(flipped)),
        "history_same": str(int(flipped["same_recipes"].sum())),
        "history": format_frame(pd.DataFrame(rows)),
    }


def substitute() -> dict[str, str]:
    """Return every generated text of the book's pages.

    Returns
    -------
    dict of str to str
        By the name that a page uses.
    """
    study = store.read_table()
    courses = analysis.read_courses(study)
    values = [
        f"{gain:.2f} points at {size:,} (standard error {error:.3f})"
        for size in plan.PARTS["courses"].sizes
        for gain, error in [analysis.estimate_label_value(courses, size)]
    ]
    spread = tables.tabulate_spread(courses).map(
        lambda cell: cell if isinstance(cell, str) else f"{cell:.3f}"
    )
    gaps = findings.measure_gaps(courses)
    ends = gaps.groupby(["part", "images"], sort=False).last().reset_index().sort_values("gap")
    early = gaps[(gaps["part"] == "courses") & (gaps["images"] == 1_000) & (gaps["epoch"] < 5)].iloc[-1]
    costs = study[study["part"] == "courses"]
    scoring = costs["seconds"].sum() / (costs["seconds"] - costs["seconds_scoring"]).sum()
    return {
        "courses_alt": charts.draw_courses(courses).alt,
        "gaps_alt": charts.draw_gaps(courses).alt,
        "ends": format_frame(tables.tabulate_ends(study, courses)),
        "crossings": format_frame(tables.tabulate_crossings(courses)),
        "stopping": format_frame(tables.tabulate_stopping(courses)),
        "stopping_noise": format_frame(tables.tabulate_stopping(courses, "noise")),
        "label_value": ", ".join(values),
        "spread": format_frame(spread.rename_axis("training images")),
        "gap_ends": _tell_gaps(ends[ends["part"] == "courses"]),
        "gap_noise": _tell_gaps(ends[ends["part"] == "noise"]),
        "gap_early": f"with 1,000 images after {early['epoch']} epochs it is {early['gap']:.2f} nats, and the"
        f" technique is {-early['mean']:.2f} points below the baseline",
        "pairs": format_frame(analysis.correlate_pairs(courses).rename(index=findings.name_technique)),
        "scoring": f"{scoring:.2f}",
        "hours": f"{study['seconds'].sum() / 2 / 3600:.0f}",
        "choice": format_choice(),
        "claims": format_claims(courses),
        "article": format_frame(tables.tabulate_article(courses)),
        "parts": format_parts(),
        "comparisons": format_comparisons(),
        **format_history(),
    }


def _tell_gaps(rows: pd.DataFrame) -> str:
    """Return gains with their gaps in words."""
    return ", ".join(
        f"{row.mean:+.2f} points at {row.gap:.2f} nats ({row.images:,} images)" for row in rows.itertuples()
    )


def format_choice() -> str:
    """Return what the candidates for peak rate and strengths reached, as a Markdown table.

    Returns
    -------
    str
        One row per candidate: the mean validation accuracy at each training size, and whether it was
        selected.
    """
    runs = store.read_table(store.RESULTS / "choice.csv")
    selected = {f"{name}={value}" for name, value in plan.select_candidates(runs).items()}
    means = 100 * runs.pivot_table(
        index="technique", columns="train_size", values="validation_accuracy", sort=False
    )
    table = means.rename(columns="{:,} images (%)".format).rename_axis("candidate", columns=None)
    table["selected"] = ["yes" if name in selected else "" for name in table.index]
    return format_frame(table)


def format_parts() -> str:
    """Return the planned runs as a Markdown table.

    Returns
    -------
    str
        One row per part and training size.
    """
    rows = [
        {
            "part": name,
            "training images": f"{size:,}",
            "epochs": epochs,
            "techniques": ", ".join(part.techniques),
            "seeds": f"{part.first_seed} to {part.first_seed + n_seeds - 1}",
            "runs": n_seeds * len(part.techniques),
        }
        for name, part in plan.PARTS.items()
        for size, (epochs, n_seeds) in part.sizes.items()
    ]
    return format_frame(pd.DataFrame(rows))


def format_comparisons() -> str:
    """Return the planned comparisons with their expected verdicts as a Markdown table.

    Returns
    -------
    str
        One row per technique, measure and epoch.
    """
    expected: dict[tuple, dict] = {}
    for each in plan.read_comparisons():
        name = tuple(each[field] for field in ("family", "technique", "measure", "epoch", "reason"))
        expected.setdefault(name, {})[each["size"]] = each["expected"]
    rows = []
    for (family, technique, measure, epoch, reason), verdicts in expected.items():
        row = {"family": family, "technique": technique, "measure": measure, "epoch": str(epoch or "last")}
        row |= {f"{size:,}": verdicts.get(size, "") for size in sorted(plan.MARGINS)}
        rows.append(row | {"reason": reason})
    return format_frame(pd.DataFrame(rows))


def draw(courses: pd.DataFrame, folder: Path) -> None:
    """Draw both pictures of the study as PNG files.

    Parameters
    ----------
    courses : DataFrame
        As `findings.read_courses` returns it.
    folder : Path
        Where study.png and study_gaps.png go. Their metadata hold the alt texts and the study's digest, by
        which a test compares them with the study.
    """
    drawn = {"study.png": charts.draw_courses(courses), "study_gaps.png": charts.draw_gaps(courses)}
    for name, figure in drawn.items():
        figure.savefig(
            folder / name,
            dpi=200,
            metadata={"Description": figure.alt, "Source": digest(courses), "Software": None},
        )


def digest(courses: pd.DataFrame) -> str:
    """Return a fingerprint of all scores.

    Parameters
    ----------
    courses : DataFrame
        As `findings.read_courses` returns it.

    Returns
    -------
    str
        Equal for equal scores in the same columns.
    """
    return str(pd.util.hash_pandas_object(courses, index=False).sum())
