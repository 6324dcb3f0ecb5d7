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
from mnist_helpers import claims, evidence  # noqa: E402

_SPEAKERS = {
    "article": "What the article concluded",
    "idea": "Its ideas, carried over to other training sizes",
    "lesson": "What the lessons say",
}


def tabulate_claims():
    """Return the ledger with what the study makes of each claim, a table each speaker, in Markdown."""
    runs, texts = evidence.read_study(), []
    lessons = {path.stem[:2]: path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    for speaker, title in _SPEAKERS.items():
        rows = ["| claim | the study says |", "| --- | --- |"]
        for claim in evidence.read_ledger():
            if claim["by"] == speaker:
                found, verdict = claims.judge(claim, runs)
                shown = ", ".join(f"[{number}](notebooks/{lessons[number]})" for number in claim["lessons"])
                told = f"{claims.word(claim)} (`{claim['id']}`; lesson {shown})"
                rows.append(f"| {told} | **{verdict}**: {found} |")
        texts += [f"## {title}", "\n".join(rows)]
    return "\n\n".join(texts)


def prepare_notebook(app, docname, source):
    """Hand the figures' alt texts on, and leave out the badges, whose images would come from elsewhere."""
    if docname.startswith("notebooks/"):
        notebook = json.loads(source[0])
        for cell in notebook["cells"]:
            cell["source"] = re.sub(r"(?m)^\[!\[Open .*\n?", "", "".join(cell["source"]))
            # MyST-NB asks the cell for it; a notebook keeps it with the output.
            for output in cell.get("outputs", ()):
                if alt := output.get("metadata", {}).get("image/png", {}).get("alt"):
                    cell["metadata"]["mystnb"] = {"image": {"alt": alt}}
        source[0] = json.dumps(notebook)


def visit_math(translator, node):
    """Write a formula as MathML, which browsers show and read aloud without any script."""
    # docutils sets an index of an accented letter below it: \tilde{x}_i. An empty group keeps them apart.
    tex = re.sub(r"(\\(?:tilde|bar|hat)\s*(?:\w|\{\w\}))_", r"\1{}_", node.astext())
    try:
        mathml = tex2mathml(tex, as_block=isinstance(node, nodes.math_block))
    except MathError as error:
        logging.getLogger(__name__).warning("no MathML for %s: %s", tex, error, location=node)
    else:
        translator.body.append(mathml)
    raise nodes.SkipNode


def setup(app):
    """Connect what is above, and put the notebooks where Sphinx looks for sources."""
    shutil.rmtree(DOCS / "notebooks", ignore_errors=True)
    shutil.copytree(ROOT / "notebooks", DOCS / "notebooks", ignore=shutil.ignore_patterns(".*"))
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math, None))
    app.connect("source-read", prepare_notebook)


project = "MNIST, measured"
author = copyright = "the MNIST lessons' authors"
version = release = mnist_helpers.__version__
language = "en"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

nb_execution_mode = "off"  # outputs as committed
myst_enable_extensions = ["dollarmath", "substitution"]
myst_substitutions = {
    "claims": tabulate_claims(),
    "study": study_table.format_table(evidence.read_study()),
}
default_role = "py:obj"  # single backticks in docstrings
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True  # else a path shows where this machine keeps it
autodoc_typehints_format = "short"
nitpick_ignore_regex = [("py:.*", r"(?!mnist_helpers).*")]  # other libraries' names have no page here

html_theme = "sphinx_book_theme"
html_title = project
html_math_renderer = "mathml"
html_context = {"default_mode": "auto"}  # else the theme reports an error to the console
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
templates_path = ["_templates"]
html_css_files = ["book.css"]
html_theme_options = {"navbar_persistent": []}  # else a second search field
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
