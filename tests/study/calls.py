"""Functions that tests call in other processes, which import them from here."""

import os
import signal
import time
from pathlib import Path


def double(number):
    return 2 * number, os.environ["TF_NUM_INTRAOP_THREADS"]


def fail(number):
    raise ValueError(f"{number} on purpose")


def die(_):
    os._exit(1)


def die_once(folder, number):
    """As if memory had run out: the first call kills its process."""
    mark = Path(folder) / "died"
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(600)
    return number


def write_pid_and_sleep(folder):
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(600)
