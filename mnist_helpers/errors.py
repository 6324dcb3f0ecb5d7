"""Errors that say what went wrong, where, and the one next step; each carries its exit code."""


class MnistHelpersError(Exception):
    """Base of every error that this package raises on purpose."""

    exit_code = 1


class UsageError(MnistHelpersError):
    """A name, type or value that cannot be right, whatever the data."""

    exit_code = 2


class DataError(MnistHelpersError):
    """Data that could not be found, fetched or trusted."""

    exit_code = 3


class SetupError(MnistHelpersError):
    """An environment that lacks something: a package, a kernel, a folder that can be written."""

    exit_code = 4


class LessonError(MnistHelpersError):
    """A lesson that failed while it ran."""

    exit_code = 5
