"""Render executed lessons as HTML pages that need no script, no server and no other file."""

import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bs4 import BeautifulSoup
    from nbformat import NotebookNode

_STYLE = Path(__file__).with_name("page.css")
_GLOSSARY = Path(__file__).resolve().parents[2] / "docs" / "glossary.md"
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def render(notebook: "NotebookNode", name: str) -> str:
    """Render a notebook as a page.

    Formulas become MathML, links to other lessons lead to their pages, links to the glossary to its entries
    at the end of the page, and checks of exercises are folded. Images of other servers become their alt text.

    Parameters
    ----------
    notebook : NotebookNode
        An executed lesson.
    name : str
        The title of the page if the notebook has no heading.

    Returns
    -------
    str
        The HTML.
    """
    import bs4

    exporter = _make_exporter()
    page = bs4.BeautifulSoup(exporter.from_notebook_node(notebook)[0], "html.parser")
    for image in page.select('img[src^="http"]'):  # badges
        image.replace_with(str(image.get("alt", "")))
    terms = _redirect_links(page)
    if terms and _GLOSSARY.exists():
        text = _write_glossary(_GLOSSARY.read_text(encoding="utf-8"), terms)
        page.append(bs4.BeautifulSoup(text, "html.parser"))
        _redirect_links(page)
    for mark in page.select("a.anchor-link"):
        mark.decompose()
    for table in page.select("table"):
        table.wrap(page.new_tag("div", attrs={"class": "wide"}))
    for code in page.select(".celltag_hide-input > .input"):
        summary = page.new_tag("summary")
        summary.string = "Show the check"
        code.wrap(page.new_tag("details")).insert(0, summary)
    title = page.h1.get_text() if page.h1 else name
    return _PAGE.format(title=escape(title), style=_STYLE.read_text(encoding="utf-8"), body=page)


def _make_exporter() -> Any:
    """Return nbconvert's exporter of a bare page body, whose formulas are MathML."""
    from jinja2 import pass_context
    from nbconvert import HTMLExporter
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        def block_math(self, body: str) -> str:
            return _render_formula(body, block=True)

        def inline_math(self, body: str) -> str:
            return _render_formula(body, block=False)

        def _html_embed_images(self, html: str) -> str:
            return html  # nbconvert's own closes a <details> whose end is another piece of HTML

    class Exporter(HTMLExporter):
        @pass_context
        def markdown2html(self, context: Any, source: str) -> str:
            attachments = context.get("cell", {}).get("attachments", {})
            renderer = Renderer(escape=False, attachments=attachments, embed_images=True)
            return MarkdownWithMath(renderer=renderer).render(source)

    return Exporter(template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True)


def _render_formula(tex: str, block: bool) -> str:
    from docutils.utils.math import MathError

    from mnist_helpers.lessons.formulas import to_mathml

    try:
        return to_mathml(tex, block)
    except MathError:  # hours of training are worth more than a formula: show its source
        return f"<code>{escape(tex)}</code>"


def _redirect_links(page: "BeautifulSoup") -> set[str]:
    """Let links lead to pages and to the page's own glossary; return the anchors of its entries."""
    terms = set()
    for link in page.select("a[href]"):
        target = str(link["href"])
        if found := re.fullmatch(r"(?:\.\./notebooks/)?([\w-]+)\.ipynb(#.*)?", target):
            link["href"] = f"{found[1]}.html{found[2] or ''}"
        elif found := re.fullmatch(r"\.\./docs/glossary\.md#(.+)", target):
            link["href"] = f"#term-{found[1]}"
            terms.add(found[1])
        elif target.startswith("../docs/"):  # a page of the book, which need not lie beside this one
            link.unwrap()
    return terms


def _write_glossary(text: str, terms: set[str]) -> str:
    """Return the entries of a glossary, a text in Markdown, as HTML."""
    from nbconvert.filters import markdown2html

    entries = []
    for name, meaning in re.findall(r"(?m)^## (.+)\n\n((?:.+\n)+)", text):
        anchor = name.lower().replace(" ", "-")
        if anchor in terms:
            entries.append(f'<dt id="term-{anchor}">{escape(name)}</dt>\n<dd>{markdown2html(meaning)}</dd>')
    return "<section>\n<h2>Terms</h2>\n<dl>\n{}\n</dl>\n</section>".format("\n".join(entries))
