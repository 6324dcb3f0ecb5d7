"""What benchmarks share: a process of one's own, turns, and ratios.

Machines differ and are noisy. So each benchmark measures its reference in the same session, in turns, and
reports ratios with the lowest and the highest.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from concurrent import futures
from multiprocessing import get_context
from typing import Any


def run_apart(function: Callable, *arguments: Any) -> Any:
    """Call a function in a new process, which nothing has warmed up and whose memory is its own.

    Parameters
    ----------
    function : callable
        A function of a module, since it is pickled.
    *arguments : Any
        Its arguments.

    Returns
    -------
    Any
        What the function returns.
    """
    with futures.ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


def take_turns(rounds: int, **tasks: Callable[[], object]) -> dict[str, list[float]]:
    """Time tasks in turns, in reversed order in every second round.

    Parameters
    ----------
    rounds : int
        How often each task is called.
    **tasks : callable
        The tasks by name.

    Returns
    -------
    dict of str to list of float
        Seconds of each round by task.
    """
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for number in range(rounds):
        for name in in_turn(tasks, number):
            start = time.perf_counter()
            tasks[name]()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def in_turn(names: Sequence[str] | dict[str, Any], number: int) -> list[str]:
    """Return the names in the order of a round: reversed in rounds of odd number.

    Parameters
    ----------
    names : sequence of str or dict
        The names, or a dict with them as keys.
    number : int
        The round, from 0.

    Returns
    -------
    list of str
        The names in their order.
    """
    return list(names)[:: -1 if number % 2 else 1]


def compare_ratios(measured: Sequence[float], reference: Sequence[float]) -> dict[str, float]:
    """Return the ratios of what was measured to its reference, pair by pair.

    Parameters
    ----------
    measured, reference : sequence of float
        Seconds, bytes or rates. Where their lengths differ, each value of `measured` is divided by the
        median of `reference`.

    Returns
    -------
    dict of str to float
        ``ratio`` (the median), ``lowest`` and ``highest``, rounded to three decimals.
    """
    if len(reference) != len(measured):
        reference = [statistics.median(reference)] * len(measured)
    ratios = [one / other for one, other in zip(measured, reference, strict=True)]
    summary = {"ratio": statistics.median(ratios), "lowest": min(ratios), "highest": max(ratios)}
    return {name: round(value, 3) for name, value in summary.items()}
