"""Formulas become MathML of the right kind."""

import pytest
from bs4 import BeautifulSoup
from docutils.utils.math import MathError

from mnist_helpers.lessons.formulas import to_mathml


def test_formula_is_mathml_in_the_line_or_on_its_own():
    inline, block = (to_mathml(r"\lambda \sum_i w_i^2", block) for block in (False, True))
    assert BeautifulSoup(inline, "html.parser").math.text.split() == ["λ", "∑", "i", "w", "i", "2"]
    assert 'display="block"' not in inline
    assert 'display="block"' in block


@pytest.mark.parametrize("tex", [r"\tilde{x}_i", r"\tilde x_i", r"\bar{x}_i", r"\hat{x}_i"])
def test_index_of_an_accented_letter_stands_beside_it(tex):
    parsed = BeautifulSoup(to_mathml(tex, block=False), "html.parser")
    assert parsed.msub
    assert not parsed.munderover


def test_unknown_command_is_refused():
    with pytest.raises(MathError):
        to_mathml(r"\nosuchcommand", block=False)
