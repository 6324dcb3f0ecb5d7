"""Errors that this package raises on purpose.

Each message states what is wrong, where, and the next step; each class has its own exit code.
"""


class MnistHelpersError(Exception):
    """Base class of all errors of this package.

    Attributes
    ----------
    exit_code : int
        What `mnist-helpers` exits with after this error.
    """

    exit_code = 1

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows: one line, for the message says it all."""
        return [f"{type(self).__name__}: {self}"]


class UsageError(MnistHelpersError):
    """A name, type or value is invalid, whatever the data."""

    exit_code = 2


class DataError(MnistHelpersError):
    """Data is missing, cannot be downloaded, or fails verification."""

    exit_code = 3


class SetupError(MnistHelpersError):
    """The environment lacks something: a package, a kernel, a writable folder."""

    exit_code = 4


class LessonError(MnistHelpersError):
    """A lesson, or a run of the study, failed."""

    exit_code = 5
