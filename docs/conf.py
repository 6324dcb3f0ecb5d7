"""Build the web book: lessons with their stored outputs, the study, and the API."""

import html
import json
import re
import shutil
import sys
import tomllib
from pathlib import Path

import yaml
from docutils import nodes
from docutils.utils.math import MathError
from sphinx.util import logging

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path[:0] = [str(ROOT), str(DOCS)]

import pad  # noqa: E402 (docs/pad.py)
import study as study_pages  # noqa: E402 (docs/study.py)

import mnist_helpers  # noqa: E402
from mnist_helpers.lessons import formulas  # noqa: E402


def prepare_source(app, docname, source):
    """Make the sources fit the book.

    Links between docs/ and notebooks/ lead to where Sphinx has the notebooks. Alt texts and sizes of figures
    are passed on. Badges, whose images come from other servers, are left out.
    """
    if not docname.startswith("notebooks/"):
        text = source[0].replace("](../notebooks/", "](notebooks/")
        source[0] = re.sub(r"(?m)^:alt: {{ (\w+) }}$", _fill_alt, text)
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
    pad.replace_output(notebook)
    source[0] = json.dumps(notebook)


def _fill_alt(match):
    """MyST substitutes nothing in the options of a figure, so its alt text is filled in here."""
    return f":alt: {json.dumps(myst_substitutions[match[1]], ensure_ascii=False)}"


def load_pad(app, pagename, templatename, context, doctree):
    """Load the drawing pad's script and style on the pages that have a pad."""
    if "pad-place" in context.get("body", ""):
        app.add_css_file("drawing-pad.css")
        app.add_js_file("drawing-pad.js", loading_method="defer")


def visit_math(translator, node):
    """Write a formula as MathML, which browsers show and read aloud without a script."""
    tex = node.astext()
    try:
        mathml = formulas.to_mathml(tex, block=isinstance(node, nodes.math_block))
    except MathError as error:
        logging.getLogger(__name__).warning("no MathML for %s: %s", tex, error, location=node)
    else:
        translator.body.append(mathml)
    raise nodes.SkipNode


# Pages that Sphinx makes have no sentence of their own.
_DESCRIPTIONS = {
    "genindex": "Every name of the package mnist_helpers, from A to Z.",
    "py-modindex": "The modules of the package mnist_helpers, from A to Z.",
    "search": "Search the lessons, the study and the package's documentation.",
}


def describe_page(app, pagename, templatename, context, doctree):
    """Give a page a description, which search engines and link previews show, instead of docutils' own tags.

    It is the page's first sentence. A lesson begins with links, so its description says what one does there.
    """
    sentence = _DESCRIPTIONS.get(pagename)
    if doctree:
        paragraphs = [" ".join(node.astext().split()) for node in doctree.findall(nodes.paragraph)]
        chosen = [text for text in paragraphs if text.startswith("You will do:")]
        first, *_ = chosen or paragraphs or [context["title"]]
        sentence = re.split(r"(?<=[.?!]) ", first)[0]
    context["metatags"] = f'<meta name="description" content="{html.escape(sentence)}" />'


def format_citation():
    """Return how to cite the lessons, from CITATION.cff."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    authors = ", ".join(author["name"] for author in cited["authors"])
    return f"{authors}: *{cited['title']}*. Version {cited['version']}."


def setup(app):
    """Connect the functions above, and copy the notebooks to where Sphinx looks for sources."""
    shutil.rmtree(DOCS / "notebooks", ignore_errors=True)
    shutil.copytree(ROOT / "notebooks", DOCS / "notebooks", ignore=shutil.ignore_patterns(".*"))
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math, None))
    app.connect("source-read", prepare_source)
    app.connect("html-page-context", describe_page)
    app.connect("builder-inited", lambda app: pad.write_files(app.outdir / "_static"))
    app.connect("html-page-context", load_pad)


project = "MNIST, measured"
author = copyright = "the MNIST lessons' authors"
version = release = mnist_helpers.__version__
language = "en"
extensions = [
    "myst_nb",
    "notfound.extension",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]

nb_execution_mode = "off"  # the book shows the committed outputs
nb_code_prompt_show = "Show the check"  # only checks of exercises are folded
nb_code_prompt_hide = "Hide the check"
myst_enable_extensions = ["dollarmath", "substitution"]
myst_heading_anchors = 2
myst_substitutions = {
    "citation": format_citation(),
    "pad": pad.show(),
    **study_pages.substitute(),
}
copybutton_selector = "div:not(.output) > div.highlight > pre"  # code, not what it prints
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
# The page for wrong addresses can be shown at any depth, so its links begin at the root of GitHub's Pages.
notfound_urls_prefix = f"/{urls['Repository'].rpartition('/')[2]}/" if "Repository" in urls else "/"
linkcheck_retries = 3
