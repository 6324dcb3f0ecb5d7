"""The `mnist-helpers` command: fetch the data, run the lessons, look at the environment."""

import os
import platform
import sys
from pathlib import Path

import click
from tqdm import tqdm

from mnist_helpers import __version__
from mnist_helpers.errors import LessonError, MnistHelpersError, SetupError, UsageError


def count_jobs() -> int:
    """Return how many lessons this machine can run at once: one a core, with 2 GB of memory each."""
    import psutil

    return max(1, min(os.cpu_count() or 1, int(psutil.virtual_memory().total / 2e9)))


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

    environment.check()
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
