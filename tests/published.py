"""What may be wrong with a published lesson: checks of a notebook and its text."""

import ast
import functools
import re
from itertools import pairwise

import jupytext

from mnist_helpers.errors import UsageError
from mnist_helpers.lessons import parameters, texts
from mnist_helpers.study import findings

MOST_BYTES = 1_000_000  # of a notebook
MOST_LINES = 25  # of a code cell that is not folded
MOST_CHARACTERS = 79  # of a line of code
CHECK = "from mnist_helpers.lessons import parameters\n\nparameters.check()"
CLAIM = r" \(`([\w.-]+-\d+-(?:ends|courses|noise)[\w-]*)`\)"  # as in (`dropout-1000-ends`)
COMPARED = ("nbval-check-output", "nbval-check-picture", "nbval-tolerance=")  # tags
TAGS = {"parameters", "headline", "mnist-only", "defaults-only", "check", "hide-input", "solution"}


def find_problems(notebook_path, lesson_path):
    """Return what is wrong with a published notebook, one line each."""
    notebook = jupytext.read(notebook_path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    yield from find_stale_parts(notebook, code, lesson_path)
    if notebook_path.stat().st_size >= MOST_BYTES:
        yield f"is larger than {MOST_BYTES:,} bytes"
    if "widgets" in notebook.metadata:
        yield "holds widget state"
    for tag in ("parameters", "headline"):
        if sum(tag in cell.metadata.get("tags", ()) for cell in code) != 1:
            yield f"needs one cell tagged {tag}"
    yield from find_parameter_problems(code)
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for link in re.findall(r"\]\((?!\w+:)([^)#\s]+)", prose):
        if not (notebook_path.parent / link).exists():
            yield f"links to {link}, which is missing"
    if re.search(r"!\[\s*\]\(", prose):
        yield "has an image without alt text in its prose"
    if found := re.findall(r"(?m)^(?:%|\+\+\+).*", prose):
        yield f"has a line that the web book takes for a command: {found[0]}"
    yield from find_claim_problems(prose)
    for number, cell in enumerate(code, 1):
        for problem in find_cell_problems(cell):
            yield f"code cell {number} {problem}"


def find_stale_parts(notebook, code, lesson_path):
    """Compare a notebook with its text, and its outputs with its code."""
    if list(map(describe_cell, notebook.cells)) != list(
        map(describe_cell, texts.read_lesson(lesson_path).cells)
    ):
        yield "differs from its text"
    if notebook.metadata.get("mnist_helpers", {}).get("code_sha256") != texts.hash_code(notebook):
        yield "was not executed from the text as it stands"
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        yield "was not executed once, in order"


def describe_cell(cell):
    return cell.cell_type, cell.source, cell.metadata.get("tags", [])


def find_parameter_problems(code):
    """Each line of the parameters cell must be `name: type = value  # allowed values: meaning`."""
    for cell, following in pairwise(code):
        if "parameters" not in cell.metadata.get("tags", ()):
            continue
        known = parameters.read_declarations(cell.source)
        for line in ast.parse(cell.source).body:
            name = getattr(getattr(line, "target", None), "id", ast.unparse(line))
            if name not in known or not allows_its_values(known[name]):
                yield f"parameter {name} needs a type and a range that holds its values"
        if not following.source.startswith(CHECK):
            yield "does not check its parameters in the cell after them"


def allows_its_values(parameter):
    """Return whether a parameter allows its default and its value in the quick profile."""
    default = ast.literal_eval(parameter.default)
    values = [str(default).lower() if isinstance(default, bool) else str(default)]
    if parameter.name in parameters.QUICK:
        values.append(str(parameters.QUICK[parameter.name]))
    try:
        for value in values:
            parameters.parse_value(parameter, value)
    except UsageError:
        return False
    return True


@functools.cache
def read_sentences():
    """Return what the study says now, by the names of its comparisons."""
    return findings.evaluate(findings.read_courses())["sentence"].to_dict()


def find_claim_problems(prose):
    """A sentence before a comparison's name, as in (`dropout-1000-ends`), must be what the study says."""
    words = " ".join(prose.split())
    for match in re.finditer(CLAIM, words):
        sentence = read_sentences().get(match[1])
        if sentence is None:
            yield f"names {match[1]}, which the study does not compare"
        elif not words[: match.start()].endswith(f"- {sentence}"):
            yield f"does not state {match[1]} as the study does: {sentence}"


def find_cell_problems(cell):
    tags = set(cell.metadata.get("tags", ()))
    if len(cell.source.splitlines()) > MOST_LINES and "check" not in tags:
        yield f"is longer than {MOST_LINES} lines"
    if max(map(len, cell.source.splitlines())) > MOST_CHARACTERS:
        yield f"has a line of more than {MOST_CHARACTERS} characters"
    for tag in sorted(tags - TAGS):
        if not tag.startswith(COMPARED):
            yield f"has the unknown tag {tag}"
    compared = {tag for tag in tags if tag.startswith(COMPARED)}
    if (compared or "headline" in tags) and not cell.outputs:
        yield "is marked for its output and has none"
    for tag in sorted(tags & {"mnist-only", "defaults-only"}) if not compared else ():
        yield f"is {tag} and not compared anyway"
    if "nbval-check-picture" in tags and not any("image/png" in out.get("data", {}) for out in cell.outputs):
        yield "is marked for its picture and has none"
    for output in cell.outputs:
        yield from find_output_problems(output)


def find_output_problems(output):
    if output.output_type == "error":
        yield f"ended in {output.ename}"
    if output.get("name") == "stderr":
        yield "wrote to stderr"
    for kind, content in output.get("data", {}).items():
        if kind.startswith("image/") and not output.metadata.get(kind, {}).get("alt"):
            yield "shows an image without alt text"
        if re.search("javascript|widget", kind) or re.search("<script", str(content), re.IGNORECASE):
            yield "shows something that runs in the browser"
