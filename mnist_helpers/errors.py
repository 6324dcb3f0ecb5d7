"""Errors that say what went wrong, where, and the one next step.

Each class carries the exit code with which the command line ends.
"""


class MnistHelpersError(Exception):
    """Base of every error that this package raises on purpose."""

    exit_code = 1


class UsageError(MnistHelpersError):
    """The request cannot be right: a name, type or value that no data could make valid."""

    exit_code = 2


class DataError(MnistHelpersError):
    """Data could not be found, fetched or trusted."""

    exit_code = 3


class SetupError(MnistHelpersError):
    """The environment lacks something: a package, a kernel, a folder that can be written."""

    exit_code = 4


class LessonError(MnistHelpersError):
    """A lesson or a training run failed while it ran."""

    exit_code = 5
