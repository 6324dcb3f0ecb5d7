"""Exercises: each answer has one of four outcomes; guesses stand beside what came out."""

import numpy as np
import pytest

from mnist_helpers import exercises


@pytest.fixture
def check():
    @exercises.exercise(expects="a whole number", second_hint="Add the biases.", because="25 · 32 + 32.")
    def check_parameters(answer):
        """Find faults."""
        if answer % 1:
            return "Parameters are counted."
        return None if answer == 832 else "Something is left out."

    return check_parameters


@pytest.mark.parametrize("answer", [832, 832.0, np.int64(832)])
def test_right_answer_says_why(check, answer):
    assert repr(check(answer)) == "Right. 25 · 32 + 32."


@pytest.mark.parametrize("answer", [None, ..., (1, None), [], {"a": {"b": ...}}, [3, [None]]])
def test_gap_in_an_answer_is_not_answered(check, answer):
    if answer == []:
        assert check(answer).kind == "error", "an empty list has no gap"
    else:
        assert repr(check(answer)) == "Not answered yet. Give a whole number, and run this cell again."


def test_wrong_answer_gets_its_hint_and_the_second_time_another_one(check):
    assert repr(check(800)) == "Not yet. Something is left out."
    assert repr(check(0.5)) == "Not yet. Parameters are counted. Second hint: Add the biases."
    assert check(832).kind == "right"
    assert repr(check(1)) == "Not yet. Something is left out.", "a right answer starts anew"


def test_answer_that_the_check_cannot_read_is_an_error_and_no_wrong_try(check):
    outcome = check("many")
    assert outcome.kind == "error"
    assert "The check needs a whole number. Your answer led to TypeError: " in outcome.message
    assert "Second hint" not in repr(check(1))


def test_check_keeps_its_name_for_tracebacks_and_help(check):
    assert check.__name__ == "check_parameters"
    assert check.__doc__ == "Find faults."


def test_guesses_stand_beside_what_came_out(capsys):
    guess = {"accuracy (%)": 85, "pair": None, "digit": "five"}
    exercises.compare_guesses(guess, {"accuracy (%)": 79.6, "pair": (4, 9), "digit": "eight"})
    assert capsys.readouterr().out.splitlines() == [
        "              your guess  came out",
        "accuracy (%)  85          79.6      off by 5.4",
        "pair          no guess    (4, 9)",
        "digit         five        eight",
    ]


def test_guess_that_nothing_answers_is_a_fault_of_the_lesson():
    with pytest.raises(ValueError, match="differ in pair"):
        exercises.compare_guesses({"pair": None}, {})
