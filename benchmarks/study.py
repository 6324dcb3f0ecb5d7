"""The quick study with two workers against one."""

import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.common import compare_ratios, take_turns


def run_quick_study(jobs: int) -> None:
    """Run the quick study into a temporary folder.

    Parameters
    ----------
    jobs : int
        Number of workers.

    Raises
    ------
    subprocess.CalledProcessError
        If the command fails.
    """
    command = Path(sys.executable).with_name("mnist-helpers")
    with tempfile.TemporaryDirectory() as folder:
        options = ["study", "--quick", "--jobs", str(jobs), "--output", folder]
        subprocess.run([command, *options], check=True, capture_output=True)


def measure(rounds: int = 3) -> dict[str, Any]:
    """Run the quick study with one worker and with two, in turns.

    Parameters
    ----------
    rounds : int, default 3
        Studies of each kind.

    Returns
    -------
    dict
        Seconds of every study, and how many times as fast two workers are.
    """
    seconds = take_turns(rounds, one=partial(run_quick_study, 1), two=partial(run_quick_study, 2))
    return {
        "seconds": {name: [round(value, 1) for value in values] for name, values in seconds.items()},
        "two workers' speed against one's": compare_ratios(seconds["one"], seconds["two"]),
    }
