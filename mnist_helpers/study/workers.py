"""Call a function many times at once: in processes of this machine, or on a Dask cluster.

The processes talk through pipes. They open no port, through which another user of the machine could run code.
"""

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent import futures
from typing import Any

from mnist_helpers.errors import SetupError

# Environment variables of the processes on this machine, which TensorFlow reads as it is imported.
_VARIABLES = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
_MOST_CRASHES = 3  # of a process, before the remaining calls are given up

_Calls = Mapping[int, tuple]  # the arguments of each call, by its number
_Results = Iterator[tuple[int, Any]]


def call_all(
    function: Callable, arguments: Sequence[tuple], *, scheduler: str | None = None, jobs: int = 1
) -> _Results:
    """Call a function once with each tuple of arguments.

    Parameters
    ----------
    function : callable
        Defined in a module, which each process imports.
    arguments : sequence of tuple
        In the order in which the calls start.
    scheduler : str, optional
        Address of a Dask cluster. None uses processes of this machine.
    jobs : int, default 1
        Processes on this machine; TensorFlow has one thread in each.

    Yields
    ------
    index : int
        Number of the call, from 0, as calls finish.
    result : object or Exception
        What the function returned, or why the call failed.

    Raises
    ------
    SetupError
        If a cluster is asked for, and Dask is missing or no scheduler answers.
    KeyboardInterrupt
        After Ctrl-C, once the processes have ended.
    """
    calls = dict(enumerate(arguments))
    with _deferred_interrupt() as interrupted:
        if scheduler:
            yield from _call_on_cluster(function, calls, scheduler, interrupted)
        else:
            yield from _call_here(function, calls, jobs, interrupted)


def _call_here(function: Callable, calls: _Calls, jobs: int, interrupted: threading.Event) -> _Results:
    for crash in range(1, _MOST_CRASHES + 1):
        others = multiprocessing.active_children()
        context = multiprocessing.get_context("spawn")  # TensorFlow hangs in a forked process
        pool = futures.ProcessPoolExecutor(jobs, context, _enter_worker)
        # A terminal sends Ctrl-C to the workers too. They inherit that it is ignored: we end them.
        with _handle_interrupt(signal.SIG_IGN):
            pending = {pool.submit(function, *each): index for index, each in calls.items()}
        lost = {}
        try:
            while pending and not interrupted.is_set():
                # Wake up each second to look for an interrupt.
                for future in futures.wait(pending, 1, futures.FIRST_COMPLETED).done:
                    index = pending.pop(future)
                    result = _result(future)
                    if isinstance(result, futures.BrokenExecutor) and crash < _MOST_CRASHES:
                        lost[index] = calls[index]  # a process was killed: the calls of all are lost
                    else:
                        yield index, result
        finally:
            for child in multiprocessing.active_children():
                if pending and child not in others:
                    child.kill()
            pool.shutdown(cancel_futures=True)
        if not lost or interrupted.is_set():
            return
        calls = lost


def _enter_worker() -> None:
    os.environ.update(_VARIABLES)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process as soon as its parent has ended, even if that was killed."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _call_on_cluster(
    function: Callable, calls: _Calls, scheduler: str, interrupted: threading.Event
) -> _Results:
    try:
        import distributed
    except ModuleNotFoundError as missing:
        command = "python -m pip install -r requirements/dev.lock"
        raise SetupError(f"--scheduler needs {missing.name}: {command}") from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # failures are returned as results
    try:
        client = distributed.Client(scheduler, timeout="30s")
    except (OSError, ValueError) as error:
        raise SetupError(f"No Dask scheduler answers at {scheduler}: {error}: start one there") from error
    with client:
        pending = {client.submit(function, *each, pure=False): index for index, each in calls.items()}
        while pending and not interrupted.is_set():
            with contextlib.suppress(TimeoutError):  # wake up each second to look for an interrupt
                distributed.wait(list(pending), timeout=1, return_when="FIRST_COMPLETED")
            for future in [future for future in pending if future.done()]:
                yield pending.pop(future), _result(future)
                future.release()


@contextlib.contextmanager
def _deferred_interrupt() -> Iterator[threading.Event]:
    """Turn Ctrl-C into an event inside the block, and into KeyboardInterrupt after it.

    Raised in the midst of a library's code, the exception could make it print a traceback of its own.
    """
    interrupted = threading.Event()
    with _handle_interrupt(lambda *_: interrupted.set()):
        yield interrupted
    if interrupted.is_set():
        raise KeyboardInterrupt


@contextlib.contextmanager
def _handle_interrupt(handler: Any) -> Iterator[None]:
    """Set the handler of SIGINT inside the block; only the main thread can, and only it gets the signal."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _result(future: Any) -> Any:
    """Return what a call returned, or what failed: the call, its process, or a cluster that is gone."""
    try:
        return future.result()
    except Exception as error:
        return error
