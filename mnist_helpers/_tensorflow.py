"""Everything that touches TensorFlow's, glibc's or the interpreter's inside.

Each function saves memory, time or log lines. None changes a number, and each does nothing where the inside
that it reaches for has changed.
"""

import contextlib
import ctypes
import functools
import gc
import logging
import os
import re
from collections.abc import Iterator


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Keep TensorFlow's C++ log lines off the terminal, as while it is imported.

    The environment variable ``TF_CPP_MIN_LOG_LEVEL`` does not cover all of them, so standard error itself is
    redirected. Python's own logger of TensorFlow reports errors only from then on.

    Yields
    ------
    None
        Standard error (file descriptor 2) is closed to everybody inside the block.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    terminal = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        os.close(nowhere)


@contextlib.contextmanager
def forget_gradients() -> Iterator[None]:
    """Drop the gradient functions that TensorFlow registers inside the block.

    TensorFlow registers one per traced training step and never removes it, which keeps the step's graph in
    memory: 4 MB per network of these lessons, 11 to 20 MB with larger graphs. Nothing asks for the gradient
    again after the training.

    Yields
    ------
    None
        Trace and train inside the block.
    """
    registry = _gradient_registry()
    known = set(registry)
    try:
        yield
    finally:
        for name in set(registry) - known:
            del registry[name]


def _gradient_registry() -> dict[str, object]:
    """Return TensorFlow's registry of gradient functions; an empty dict where it cannot be found."""
    try:
        from tensorflow.python.framework import ops

        registry = ops.gradient_registry._registry
    except (ImportError, AttributeError):
        return {}
    return registry if isinstance(registry, dict) else {}


def release_memory() -> None:
    """Collect unreachable networks and return their memory to the system: 40 MB after seven of them.

    The parts of a network refer to each other, so only the garbage collector frees them; glibc then keeps
    the freed memory until it is trimmed. Other C libraries have no such call.
    """
    gc.collect()
    with contextlib.suppress(AttributeError, OSError, TypeError):  # no glibc
        ctypes.CDLL(None).malloc_trim(0)


def release_libraries() -> None:
    """Unmap the parts of shared libraries that nothing has written to: 300 of 650 MB after the import.

    Most of TensorFlow's code runs once, while it starts. What is needed again is mapped again from the file,
    at no noticeable cost. Only Linux tells which parts are unwritten.
    """
    with contextlib.suppress(AttributeError, OSError):  # not Linux
        advise = ctypes.CDLL(None).madvise
        with open("/proc/self/smaps", encoding="utf-8", errors="replace") as file:
            parts = re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", file.read())
        for part in parts:
            library = re.match(r"([0-9a-f]+)-([0-9a-f]+) r-[-x]p .*\.so[.\d]*\n", part)
            if library and re.search(r"(?m)^Anonymous: +0 kB", part):
                start, end = (int(number, 16) for number in library.groups())
                advise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), 4)  # MADV_DONTNEED


@functools.cache
def freeze_imports() -> None:
    """Exempt the objects that exist now from garbage collection, once per process.

    Otherwise each full collection walks through all objects of TensorFlow's modules, a quarter of a second
    every time and a tenth of a short comparison.
    """
    gc.freeze()
