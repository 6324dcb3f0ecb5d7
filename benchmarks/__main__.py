"""Command: python -m benchmarks [BENCHMARK]..."""

import json
import os

import click

from benchmarks import layers, memory, peers, report, series, steps, study, trainings
from mnist_helpers import datasets

BENCHMARKS = {
    module.__name__.rpartition(".")[2]: module
    for module in (trainings, peers, layers, memory, series, steps, study)
}
HELP = "\n".join(f"{name:<10} {module.__doc__}" for name, module in BENCHMARKS.items())


@click.command(
    help=f"Run benchmarks, or all of them: about 50 minutes on 2 cores.\n\n\b\n{HELP}\n\n"
    "Each result goes into results/benchmarks.json and replaces the former one. docs/update.py writes the "
    "README's table of the results."
)
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)), metavar="[BENCHMARK]...")
def main(names: tuple[str, ...]) -> None:
    """Run the benchmarks named and store each result as it comes."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    datasets.load("mnist")  # without MNIST the command ends here, before any work
    for name in names or BENCHMARKS:
        found = BENCHMARKS[name].measure()
        report.store(name, found)
        click.echo(f"{name}\n{json.dumps(found, indent=1, ensure_ascii=False)}")


if __name__ == "__main__":
    main()
