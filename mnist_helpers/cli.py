"""The `mnist-helpers` command: it parses arguments, calls the package, and prints."""

import contextlib
import io
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
from tqdm import tqdm

from mnist_helpers import __version__, environment
from mnist_helpers.errors import LessonError, MnistHelpersError, SetupError, UsageError

if TYPE_CHECKING:  # for type hints alone: importing it slows `--help` down
    from mnist_helpers.study.execute import Outcome


class _Commands(click.Group):
    """Commands whose errors end as one message and an exit code instead of a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            with _system_errors_typed():
                return super().invoke(ctx)
        except MnistHelpersError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("Interrupted; what was finished is kept.", err=True)
            ctx.exit(130)


@contextlib.contextmanager
def _system_errors_typed() -> Iterator[None]:
    """Raise SetupError for an error of the system, or a package that is missing, which no module explains."""
    try:
        yield
    except ImportError as error:
        raise SetupError(f"{error}. Install what the lessons need: {environment.INSTALL}") from error
    except BrokenPipeError:  # the reader, such as `head`, has seen enough: Click ends in silence
        raise
    except (OSError, MemoryError) as error:
        try:
            sys.stdout.flush()
        except OSError:  # it is full: Python would say so again at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        reason = " ".join(str(error).split()) or "too little memory"
        raise SetupError(f"The system refused: {reason}. Remove the cause and start again") from error


_DATASETS = click.Choice(["auto", "mnist", "uci"])
_jobs = click.option(
    "--jobs",
    type=click.IntRange(1),
    default=environment.count_jobs,
    help="Processes at once; default: a core each.",
)


@click.group(cls=_Commands)
@click.version_option(__version__)
def main() -> None:
    """Fetch the data, run the lessons and the study, check the environment."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a test's is another, a closed one is None
            stream.reconfigure(errors="replace")  # Windows' usual encoding lacks a letter of the study
    try:
        os.getcwd()
    except FileNotFoundError:
        raise SetupError("The current folder was removed: move to another one") from None


@main.command()
@click.option("--dataset", type=_DATASETS, default="auto", show_default=True)
def data(dataset: str) -> None:
    """Fetch the images if necessary, verify them, and describe them."""
    from mnist_helpers import datasets

    click.echo(datasets.load(dataset))


@main.command()
@click.argument("lessons", nargs=-1, metavar="[LESSON]...")
@click.option("--quick", is_flag=True, help="Small sizes, few epochs and seeds: a minute instead of many.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A parameter; may be repeated.")
@click.option("--output", type=click.Path(path_type=Path), default=Path("build/notebooks"), show_default=True)
@_jobs
@click.option("--timeout", type=click.IntRange(1), default=1800, show_default=True, help="Seconds per cell.")
@click.option("--folder", type=click.Path(path_type=Path), help="Folder of the lessons' texts.")
@click.option("--answers", is_flag=True, help="Also test the answers to all exercises, right and wrong.")
def run(
    lessons: tuple[str, ...],
    quick: bool,
    settings: tuple[str, ...],
    output: Path,
    jobs: int,
    timeout: int,
    folder: Path | None,
    answers: bool,
) -> None:
    """Execute lessons as notebooks and HTML pages.

    LESSON is a number, a name or a file, such as 02 or 02_baseline_cnn; without any, all lessons are
    executed.
    """
    from mnist_helpers.lessons import run as runner
    from mnist_helpers.lessons import texts

    for setting in settings:
        if "=" not in setting:
            raise UsageError(f"--set {setting}: NAME=VALUE is needed, such as --set epochs=2")
    pairs = dict(setting.split("=", 1) for setting in settings)
    chosen = texts.find_lessons(lessons, folder)
    terminal = sys.stderr.isatty()
    results = []
    running = runner.run_lessons(chosen, output, pairs, quick, jobs, timeout, answers, bars=terminal)
    with (
        _signals_as_interrupts(),
        contextlib.closing(running) as found,  # an interrupt ends what runs before anything else
        tqdm(found, "lessons", len(chosen), disable=not terminal, unit="lesson") as bar,
    ):
        for result in bar:
            results.append(result)
            outcome = f"failed: {result.error}" if result.error else f"done in {result.seconds:.0f} s"
            bar.write(f"{result.lesson} {outcome}", file=sys.stderr)
    click.echo(runner.format_results(results))
    failed = sorted(result.lesson for result in results if result.error)
    if len(failed) < len(results):
        click.echo(f"Notebooks and pages: {output}")
    if failed:
        kept = sorted(result.lesson for result in results if result.kept)
        reached = f". What {', '.join(kept)} reached is in {output} as NAME.failed.ipynb" if kept else ""
        raise LessonError(f"{len(failed)} of {len(results)} lessons failed: {', '.join(failed)}{reached}")


@contextlib.contextmanager
def _signals_as_interrupts() -> Iterator[None]:
    """Treat SIGTERM and SIGHUP as Ctrl-C inside the block, except where they are ignored, as under nohup."""
    names = {"SIGTERM", "SIGHUP"} & vars(signal).keys()  # Windows has no SIGHUP
    caught = [sent for sent in map(signal.Signals.__getitem__, names) if not signal.getsignal(sent)]
    for sent in caught:
        signal.signal(sent, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        for sent in caught:
            signal.signal(sent, signal.SIG_DFL)


@main.command()
@click.option("--quick", is_flag=True, help="A small study, in about a minute.")
@click.option("--choice", is_flag=True, help="The comparison that selects the strengths.")
@click.option("--rerun", type=click.IntRange(1), help="Make this many finished runs again, and compare.")
@click.option("--dataset", type=_DATASETS, help="Default: mnist; with --quick: auto.")
@click.option("--output", type=click.Path(path_type=Path), help="Default: results; --quick: build/study.")
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="A Dask cluster, such as tcp://10.0.0.1:8786, whose network must be trusted: all can run code.",
)
@_jobs
def study(
    quick: bool,
    choice: bool,
    rerun: int | None,
    dataset: str | None,
    output: Path | None,
    scheduler: str | None,
    jobs: int,
) -> None:
    """Make the runs of the study that are missing, and write its table."""
    from mnist_helpers.study import execute

    if quick and choice:
        raise UsageError("--quick and --choice are two plans: use one of them")
    name = "quick" if quick else "choice" if choice else "study"
    table = (output or Path("build/study" if quick else "results")) / f"{name}.csv"
    dataset = dataset or ("auto" if quick else "mnist")
    with (
        _signals_as_interrupts(),
        execute.open_study(name, table, dataset, mnist_only=not (quick or output)) as opened,
    ):
        if opened.broken:
            names = ", ".join(path.name for path in opened.broken)
            click.echo(f"{len(opened.broken)} unreadable files renamed to *.bad: {names}", err=True)
        finished = len(opened.finished)
        click.echo(f"{name}, {opened.digits.name}: {finished} of {len(opened.tasks)} runs are finished")
        tasks = opened.sample(rerun) if rerun else opened.missing
        failed = 0
        try:
            for outcome in _report_progress(opened.make(tasks, scheduler, jobs), list(tasks.values())):
                failed += bool(outcome.error)
                if rerun:
                    click.echo(f"{outcome.task}: {outcome.error or 'agrees'}")
        finally:  # an interrupted study has a table as well
            if not rerun and opened.publish():
                click.echo(f"Table: {table}")
    if failed and rerun:
        raise LessonError(f"{failed} of {len(tasks)} runs failed or gave other numbers: see above")
    if failed:
        raise LessonError(f"{failed} of {len(tasks)} runs failed; the others are kept. Start again to retry")


def _report_progress(outcomes: Iterable["Outcome"], tasks: list) -> Iterator["Outcome"]:
    """Yield the outcomes while updating a progress bar."""
    from mnist_helpers.study import plan
    from mnist_helpers.study.rows import has_diverged

    cost = sum(map(plan.estimated_cost, tasks))
    with tqdm(total=cost, unit=" images", unit_scale=True, disable=not sys.stderr.isatty()) as bar:
        for count, outcome in enumerate(outcomes, 1):
            # No result is shown: nobody should look at one before the last run is made.
            text = f"failed: {outcome.error}"
            if outcome.row:
                diverged = ", diverged" if has_diverged(outcome.row) else ""
                text = f"{float(outcome.row['seconds']):.0f} s{diverged}"
            bar.write(f"{count}/{len(tasks)} {outcome.task}: {text}", file=sys.stderr)
            bar.update(plan.estimated_cost(outcome.task))
            yield outcome


@main.command()
def claims() -> None:
    """Print what the study was expected to show, and what it shows."""
    from mnist_helpers.study import findings

    for name, row in findings.evaluate(findings.read_courses()).iterrows():
        click.echo(f"{row['status']}: {row['sentence']}")
        expected = ""
        if row["status"] in ("not as expected", "undecided"):
            expected = f"expected: {findings.name_verdict(row['expected'], row['size'])}; "
        click.echo(f"    {expected}{name}")


@main.command()
def doctor() -> None:
    """Check what the lessons need.

    Each line says ok, or the problem and the next step.
    """
    from mnist_helpers.lessons.doctor import examine

    failed = False
    for name, ok, text in examine():
        click.echo(f"{'ok' if ok else 'problem':<8} {name:<9} {text}")
        failed |= not ok
    if failed:
        raise SetupError("Something is missing: each line above that starts with 'problem' says what to do")
