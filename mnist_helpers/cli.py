"""The `mnist-helpers` command: fetch the data, run the lessons, look at the environment."""

import contextlib
import os
import platform
import random
import sys
from pathlib import Path

import click
from tqdm import tqdm

from mnist_helpers import __version__
from mnist_helpers.errors import LessonError, MnistHelpersError, SetupError, UsageError

# Where Linux says how much memory a container may use, such as Binder's.
_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def count_jobs() -> int:
    """Return how many lessons this machine can run at once: one a core, with 2 GB of memory each."""
    import psutil

    memory = psutil.virtual_memory().total
    for limit in _LIMITS:
        with contextlib.suppress(OSError, ValueError):  # there is none
            memory = min(memory, int(limit.read_text()))
    return max(1, min(os.cpu_count() or 1, int(memory / 2e9)))


class _Commands(click.Group):
    """Commands whose errors end as one message and their exit code instead of a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except MnistHelpersError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("Interrupted; what was finished is kept.", err=True)
            ctx.exit(130)


@click.group(cls=_Commands)
@click.version_option(__version__)
def main() -> None:
    """Fetch the data, run the lessons, look at the environment."""


@main.command()
@click.option("--dataset", type=click.Choice(["auto", "mnist", "uci"]), default="auto", show_default=True)
def data(dataset: str) -> None:
    """Fetch the images if need be, verify them, and say what there is."""
    from mnist_helpers import datasets

    click.echo(datasets.load(dataset))


@main.command()
@click.argument("lessons", nargs=-1, metavar="[LESSON]...")
@click.option("--quick", is_flag=True, help="Small values for every parameter: a minute instead of many.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A parameter; may be repeated.")
@click.option("--output", type=click.Path(path_type=Path), default=Path("build/notebooks"), show_default=True)
@click.option(
    "--jobs", type=click.IntRange(1), default=count_jobs, help="Lessons run at once; unset: one a core."
)
@click.option("--timeout", type=click.IntRange(1), default=1800, show_default=True, help="Seconds a cell.")
def run(lessons: tuple, quick: bool, settings: tuple, output: Path, jobs: int, timeout: int) -> None:
    """Run lessons (all, or such as 02 or 02_baseline_cnn) into executed notebooks and HTML pages."""
    from mnist_helpers import notebooks

    if wrong := [setting for setting in settings if "=" not in setting]:
        raise UsageError(f"--set {wrong[0]}: NAME=VALUE is needed, such as --set epochs=2")
    pairs = dict(setting.split("=", 1) for setting in settings)
    texts, terminal, results = notebooks.find_lessons(lessons), sys.stderr.isatty(), []
    found = notebooks.run_lessons(texts, output, pairs, quick, jobs, timeout, bars=terminal)
    with tqdm(found, "lessons", len(texts), disable=not terminal, unit="lesson") as bar:
        for result in bar:
            results.append(result)
            outcome = f"failed: {result.error}" if result.error else f"done in {result.seconds:.0f} s"
            bar.write(f"{result.lesson} {outcome}", file=sys.stderr)
    click.echo(f"{_format_table(results)}\nNotebooks and pages: {output}")
    if failed := sorted(result.lesson for result in results if result.error):
        reached = f"What they reached is in {output} as NAME.failed.ipynb"
        raise LessonError(f"{len(failed)} of {len(results)} lessons failed: {', '.join(failed)}. {reached}")


@main.command()
@click.option("--quick", "plan", flag_value="quick", help="A small study, in under a minute.")
@click.option("--choice", "plan", flag_value="choice", help="The comparison that chose the strengths.")
@click.option("--rerun", type=click.IntRange(1), help="Make so many of the finished runs again, and compare.")
@click.option("--dataset", type=click.Choice(["auto", "mnist", "uci"]), help="Unset: mnist; quick: auto.")
@click.option("--output", type=click.Path(path_type=Path), help="Unset: results; quick: build/study.")
@click.option("--scheduler", metavar="ADDRESS", help="A Dask cluster to use, such as tcp://10.0.0.1:8786.")
@click.option(
    "--jobs", type=click.IntRange(1), default=count_jobs, help="Runs made at once; unset: one a core."
)
def study(plan, rerun, dataset, output, scheduler, jobs) -> None:
    """Make the runs of the study that are missing, and write its table."""
    from mnist_helpers import datasets, experiments, records

    quick, plan = plan == "quick", plan or "study"
    table = (output or Path("build/study" if quick else "results")) / f"{plan}.csv"
    with records.open_folder(table.parent):
        digits = datasets.load(dataset or ("auto" if quick else "mnist"))
        if digits.name != "MNIST" and not (quick or output):
            raise UsageError(f"{table.parent} is for runs on MNIST: use --output for the {digits.name}")
        tasks = experiments.name_runs(plan, digits)
        rows, broken = records.read_runs(table)
        if broken:
            names = ", ".join(path.name for path in broken)
            click.echo(f"{len(broken)} set aside as *.bad, to be made again: {names}", err=True)
        there = [key for key in tasks if key in rows]
        click.echo(f"{plan}, {digits.name}: {len(there)} of {len(tasks)} runs are there")
        if rerun and not there:
            raise UsageError(f"--rerun: {table.parent} has no finished run of this plan yet")
        if rerun:
            chosen = random.sample(there, min(rerun, len(there)))
        else:
            chosen = [key for key in tasks if key not in rows]
        todo, failed = {key: tasks[key] for key in chosen}, 0
        for key, row in _follow(experiments.compute(todo, digits, scheduler=scheduler, jobs=jobs), todo):
            if isinstance(row, Exception):
                failed += 1
            elif rerun:
                deviations = records.find_deviations(rows[key], row, rows.values())
                failed += bool(deviations)
                click.echo(f"{todo[key]}: {'; '.join(deviations) or 'agrees'}")
            else:
                records.write_run(table.parent, row)
                rows[key] = row
        if not rerun and (made := [rows[key] for key in tasks if key in rows]):
            records.publish(made, table)
            click.echo(f"Table: {table}")
    if failed:
        ended = (
            "failed or gave other numbers" if rerun else "failed; the others are kept. Start again to retry"
        )
        raise LessonError(f"{failed} of {len(todo)} runs {ended}")


def _follow(found, tasks: dict):
    """Pass finished runs on, and show each with its result and what remains."""
    from mnist_helpers import experiments

    work, terminal = sum(map(experiments.measure, tasks.values())), sys.stderr.isatty()
    with tqdm(total=work, unit=" images", unit_scale=True, disable=not terminal) as bar:
        for count, (key, row) in enumerate(found, 1):
            yield key, row
            if isinstance(row, Exception):
                outcome = f"failed: {type(row).__name__}: {row}"
            else:
                name = "test_accuracy" if "test_accuracy" in row else "validation_accuracy"
                outcome = f"{name.replace('_', ' ')} {float(row[name]):.2%}, {float(row['seconds']):.0f} s"
            bar.write(f"{count}/{len(tasks)} {tasks[key]}: {outcome}", file=sys.stderr)
            bar.update(experiments.measure(tasks[key]))


@main.command()
@click.argument("lesson", required=False)
def claims(lesson) -> None:
    """Print each claim of the lessons (or of one, such as 03) with what the study says of it."""
    from mnist_helpers import claims as ledger

    click.echo(ledger.format_claims(lesson))


@main.command()
def doctor() -> None:
    """Look at all that the lessons need: each line says ok, or the problem and what to do."""
    from mnist_helpers import notebooks

    looks = {"machine": _machine, "packages": _packages, "kernel": notebooks.check_kernel, "data": _data}
    failed = False
    for name, look in looks.items():
        try:
            state, text = "ok", look()
        except (MnistHelpersError, ImportError) as problem:
            state, text, failed = "problem", problem, True
        click.echo(f"{state:<8} {name:<9} {text}")
    if failed:
        raise SetupError("Something is missing: each line above that starts with 'problem' says what to do")


def _machine() -> str:
    import psutil

    memory = psutil.virtual_memory().total / 1e9
    python = f"Python {platform.python_version()} in {sys.prefix}"
    return f"{python}, {platform.platform()}, {os.cpu_count()} cores, {memory:.1f} GB memory"


def _packages() -> str:
    from mnist_helpers import environment

    environment.check("run")
    names = ("tensorflow", "keras", "numpy", "papermill")
    return ", ".join(f"{name} {environment.installed_version(name)}" for name in names)


def _data() -> str:
    from mnist_helpers import mnist_files

    if found := mnist_files.find():
        mnist_files.read(found[1])  # verifies it
        return f"MNIST ({found[0]}) in {found[1]}"
    return f"UCI digits; MNIST is not in {mnist_files.cache_folder()} until `mnist-helpers data` fetches it"


def _format_table(results: list) -> str:
    """Lay the results out in columns, in the order of the lessons."""
    rows = [("lesson", "data set", "seconds", "peak MB", "headline result")]
    for r in sorted(results, key=lambda result: result.lesson):
        peak = f"{r.peak_megabytes:.0f}" if r.peak_megabytes else "unknown"
        rows.append((r.lesson, r.dataset, f"{r.seconds:.0f}", peak, "FAILED" if r.error else r.headline))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
