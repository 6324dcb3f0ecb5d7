"""Formulas as MathML, which browsers show and read aloud without a script."""

import re


def to_mathml(tex: str, block: bool) -> str:
    r"""Convert a formula from TeX.

    Parameters
    ----------
    tex : str
        The formula without its dollar signs, such as ``"\\lambda \\sum_i w_i^2"``.
    block : bool
        Whether it stands on a line of its own.

    Returns
    -------
    str
        A ``math`` element.

    Raises
    ------
    docutils.utils.math.MathError
        If the formula uses what MathML or its converter does not have.
    """
    from docutils.utils.math.latex2mathml import tex2mathml

    # docutils sets the index of \tilde{x}_i below the letter. An empty group before the index prevents it.
    return tex2mathml(re.sub(r"(\\(?:tilde|bar|hat)\s*(?:\w|\{\w\}))_", r"\1{}_", tex), as_block=block)
