"""Exercises that answer back, and guesses that are compared with what came out.

A lesson defines each exercise's check in a folded cell::

    @exercises.exercise(expects="a number", second_hint="...", because="...")
    def check_size(answer):
        if answer == 576:
            return None
        return "What is wrong with this answer."

The learner calls it with an answer and sees one of four outcomes. Nothing leaves the notebook.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Outcome:
    """What a check says about an answer.

    Parameters
    ----------
    kind : {"unanswered", "right", "wrong", "error"}
        The outcome.
    message : str
        Why it is right, or what is wrong with it.
    second_hint : str, optional
        Shown in addition.
    """

    kind: Literal["unanswered", "right", "wrong", "error"]
    message: str
    second_hint: str = ""

    def __repr__(self) -> str:
        titles = {
            "unanswered": "Not answered yet.",
            "right": "Right.",
            "wrong": "Not yet.",
            "error": "Error.",
        }
        more = f" Second hint: {self.second_hint}" if self.second_hint else ""
        return f"{titles[self.kind]} {self.message}{more}".rstrip()


def exercise(
    *, expects: str, second_hint: str, because: str = ""
) -> Callable[[Callable[[Any], str | None]], Callable[[Any], Outcome]]:
    """Turn a function that finds faults in an answer into a check of an exercise.

    Parameters
    ----------
    expects : str
        The form of an answer, such as ``"a number"``; shown when there is none, and when the check raises an
        exception on one.
    second_hint : str
        Added to the hint from the second wrong answer in a row.
    because : str, optional
        Why the right answer is right.

    Returns
    -------
    callable
        A decorator. The decorated function takes an answer and returns None if it is right, else what is
        wrong with it, without the solution. What the decorator makes of it takes an answer and returns an
        `Outcome`; it raises nothing.

    Raises
    ------
    ValueError
        If a text is missing.
    """
    if not (expects and second_hint):
        raise ValueError("an exercise needs the form of its answers and a second hint")

    def decorate(find_fault: Callable[[Any], str | None]) -> Callable[[Any], Outcome]:
        wrong_answers = 0

        @functools.wraps(find_fault)
        def check(answer: Any) -> Outcome:
            nonlocal wrong_answers
            if not _is_answered(answer):
                return Outcome("unanswered", f"Give {expects}, and run this cell again.")
            try:
                fault = find_fault(answer)
            except Exception as error:  # whatever it is, it comes from the answer
                reason = f"{type(error).__name__}: {error}"
                return Outcome("error", f"The check needs {expects}. Your answer led to {reason}")
            if fault is None:
                wrong_answers = 0
                return Outcome("right", because)
            wrong_answers += 1
            return Outcome("wrong", fault, second_hint if wrong_answers > 1 else "")

        return check

    return decorate


def compare_guesses(guess: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Print each guess beside what came out.

    Parameters
    ----------
    guess : mapping of str to value
        The learner's guesses; None where there is none.
    found : mapping of str to value
        What the lesson found, with the same names. Numbers are shown with their distance from the guess.

    Raises
    ------
    ValueError
        If a guess has no finding, or a finding no guess.
    """
    if strangers := guess.keys() ^ found.keys():
        raise ValueError(f"guess and finding differ in {', '.join(sorted(strangers))}")
    rows = [("", "your guess", "came out", "")]
    for name, value in found.items():
        own = guess[name]
        rows.append((name, *_format_pair(own, value)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _format_pair(own: Any, value: Any) -> tuple[str, str, str]:
    """Return a guess, a finding and their distance as text."""
    if not _is_answered(own):
        return "no guess", str(value), ""
    try:
        return str(own), str(value), f"off by {abs(float(own) - float(value)):.3g}"
    except (TypeError, ValueError):  # not numbers
        return str(own), str(value), ""


def _is_answered(answer: Any) -> bool:
    """Return whether nothing in an answer is left empty."""
    if answer is None or answer is Ellipsis:
        return False
    parts: Iterable[Any] = ()
    if isinstance(answer, Mapping):
        parts = answer.values()
    elif isinstance(answer, tuple | list):
        parts = answer
    return all(map(_is_answered, parts))
