"""Build the web book: lessons with their stored outputs, the study, its claims, and the API."""

import json
import re
import shutil
import sys
import tomllib
from pathlib import Path

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path[:0] = [str(ROOT), str(DOCS)]

import study as study_table  # noqa: E402 (docs/study.py)

import mnist_helpers  # noqa: E402
from mnist_helpers.study import claims, results  # noqa: E402

_SPEAKERS = {
    "article": "What the article concluded",
    "idea": "The article's ideas, applied to other training sizes",
    "lesson": "What the lessons say",
}


def tabulate_claims(runs):
    """Return the claims with the study's verdicts, one Markdown table per speaker."""
    lessons = {path.stem[:2]: path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    texts = []
    for speaker, title in _SPEAKERS.items():
        rows = ["| claim | verdict of the study |", "| --- | --- |"]
        for claim in claims.read_ledger():
            if claim["by"] == speaker:
                found, verdict = claims.evaluate(claim, runs)
                links = ", ".join(f"[{number}](notebooks/{lessons[number]})" for number in claim["lessons"])
                sentence = f"{claims.phrase(claim)} (`{claim['id']}`; lesson {links})"
                rows.append(f"| {sentence} | **{verdict}**: {found} |")
        texts += [f"## {title}", "\n".join(rows)]
    return "\n\n".join(texts)


def prepare_source(app, docname, source):
    """Make the sources fit the book.

    Links between docs/ and notebooks/ lead to where Sphinx has the notebooks. Alt texts and sizes of figures
    are passed on. Badges, whose images come from other servers, are left out.
    """
    if not docname.startswith("notebooks/"):
        source[0] = source[0].replace("](../notebooks/", "](notebooks/")
        return
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        text = re.sub(r"(?m)^\[!\[Open .*\n?", "", "".join(cell["source"]))
        cell["source"] = text.replace("](../docs/", "](../")
        # A notebook keeps alt text and size with the output; MyST-NB reads them from the cell.
        for output in cell.get("outputs", ()):
            shown = output.get("metadata", {}).get("image/png")
            if shown:
                image = {"alt": shown["alt"], "width": f"{shown['width']}px"}
                cell["metadata"]["mystnb"] = {"image": image}
    source[0] = json.dumps(notebook)


def visit_math(translator, node):
    """Write a formula as MathML, which browsers show and read aloud without a script."""
    # docutils sets the index of \tilde{x}_i below the letter. An empty group before the index prevents it.
    tex = re.sub(r"(\\(?:tilde|bar|hat)\s*(?:\w|\{\w\}))_", r"\1{}_", node.astext())
    try:
        mathml = tex2mathml(tex, as_block=isinstance(node, nodes.math_block))
    except MathError as error:
        logging.getLogger(__name__).warning("no MathML for %s: %s", tex, error, location=node)
    else:
        translator.body.append(mathml)
    raise nodes.SkipNode


def setup(app):
    """Connect the functions above, and copy the notebooks to where Sphinx looks for sources."""
    shutil.rmtree(DOCS / "notebooks", ignore_errors=True)
    shutil.copytree(ROOT / "notebooks", DOCS / "notebooks", ignore=shutil.ignore_patterns(".*"))
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math, None))
    app.connect("source-read", prepare_source)


project = "MNIST, measured"
author = copyright = "the MNIST lessons' authors"
version = release = mnist_helpers.__version__
language = "en"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

nb_execution_mode = "off"  # the book shows the committed outputs
nb_code_prompt_show = "Show the check"  # only checks of exercises are folded
nb_code_prompt_hide = "Hide the check"
myst_enable_extensions = ["dollarmath", "substitution"]
myst_heading_anchors = 2
_RUNS = results.read_study()
myst_substitutions = {
    "claims": tabulate_claims(_RUNS),
    "study": study_table.format_table(_RUNS),
    "parts": study_table.format_parts(),
    "comparisons": study_table.format_comparisons(),
}
default_role = "py:obj"  # single backticks in docstrings
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True  # shows defaults by name: paths differ between machines
autodoc_typehints_format = "short"
nitpick_ignore_regex = [("py:.*", r"(?!mnist_helpers).*")]  # names of other libraries have no page here

html_theme = "sphinx_book_theme"
html_title = project
html_math_renderer = "mathml"
html_context = {"default_mode": "auto"}  # without it the theme logs an error to the console
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
templates_path = ["_templates"]
html_css_files = ["book.css"]
html_theme_options = {"navbar_persistent": []}  # the default adds a second search field
urls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"].get("urls", {})
if "Repository" in urls:
    html_theme_options |= {
        "repository_url": urls["Repository"],
        "repository_branch": f"v{release}",
        "use_repository_button": True,
        "launch_buttons": {
            "binderhub_url": "https://mybinder.org",
            "colab_url": "https://colab.research.google.com",
            "notebook_interface": "jupyterlab",
        },
    }
linkcheck_retries = 3
