"""The table of all errors that the package raises, read from its sources."""

import ast
from collections.abc import Iterator
from pathlib import Path

from mnist_helpers import errors

EXIT_CODES = {
    name: kind.exit_code
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.MnistHelpersError)
}


def format_table(package: Path) -> str:
    """Return every error that the package raises as a Markdown table.

    Parameters
    ----------
    package : Path
        Folder of the package.

    Returns
    -------
    str
        One row per place that makes an error, in the order of modules and lines. ``…`` stands for what is
        known only when it happens.
    """
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(package.rglob("*.py"))}
    codes = dict(EXIT_CODES)
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.bases and ast.unparse(node.bases[0]) in codes:
                codes.setdefault(node.name, codes[ast.unparse(node.bases[0])])
    # A text that modules share, such as the last words of several messages, is a constant of one of them.
    shared: dict[str, ast.expr] = {}
    for node in (node for tree in trees.values() for node in tree.body if isinstance(node, ast.Assign)):
        if (name := ast.unparse(node.targets[0])).isupper() and not name.startswith("_"):
            shared[name] = node.value
    rows = ["| module | error | exit code | message |", "| --- | --- | --- | --- |"]
    for path, tree in trees.items():
        module = path.relative_to(package).with_suffix("").as_posix()
        for name, message in find_errors(tree, shared):
            text = message.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;").replace("*", "\\*")
            rows.append(f"| {module} | {name} | {codes.get(name, '')} | {text} |")
    return "\n".join(rows)


def find_errors(tree: ast.AST, shared: dict[str, ast.expr] | None = None) -> Iterator[tuple[str, str]]:
    """Find the places that make an error.

    Parameters
    ----------
    tree : ast.AST
        A module.
    shared : dict, optional
        Names that other modules define, and what they hold.

    Yields
    ------
    name : str
        The error's class.
    message : str
        Its first argument, with ``…`` for each value.
    """
    for name, call, texts in _find_calls(tree, shared or {}):
        yield name, _format(call.args[0], texts) if call.args else ""


def _find_calls(
    node: ast.AST, texts: dict[str, ast.expr]
) -> Iterator[tuple[str, ast.Call, dict[str, ast.expr]]]:
    """Yield calls of error classes, and the texts that variables hold there."""
    if isinstance(node, ast.FunctionDef | ast.Module):
        assigned = [each for each in ast.walk(node) if isinstance(each, ast.Assign)]
        texts = texts | {ast.unparse(each.targets[0]): each.value for each in assigned}
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            name = ast.unparse(child.func)
            if name.endswith("Error") and name.isidentifier():
                yield name, child, texts
        yield from _find_calls(child, texts)


def _format(node: ast.expr, texts: dict[str, ast.expr], depth: int = 0) -> str:
    """Return an expression's text with … for its values."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.FormattedValue) else part for part in node.values)
        return "".join(_format(part, texts, depth) for part in parts)
    known = texts.get(ast.unparse(node))
    if depth < 4 and known is not None and isinstance(node, ast.Name):
        return _format(known, texts, depth + 1)
    return "…"
