"""What came of the cells that nbval ran: numbers that moved, and cells that take more of the time."""

import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from outputs import Change, strip_colours

SHARES = Path(__file__).with_name("cell_shares.json")
LEAST_SHARE = 0.05  # of a lesson's time: cells below it are not in the table
LEAST_SECONDS = 1.0  # shorter cells double by chance


class Cell(NamedTuple):
    """A cell that has run."""

    lesson: str
    number: str  # as in "Cell 3"
    code: str  # its first line
    profile: str  # whether parameters were changed, and the data set, as in "defaults, MNIST"
    seconds: float
    problem: str  # empty if it passed
    changes: list  # numbers that moved

    def __str__(self):
        return f"{self.lesson}, {self.number} ({self.code})"


def read_cells(reports):
    """Return the cells among pytest's reports of passed and failed tests."""
    for report in reports:
        facts = dict(report.user_properties)
        if report.when != "call" or "profile" not in facts:
            continue
        path, _, number = report.nodeid.partition("::")
        changes = [Change(*change) for change in facts.get("changes", ())]
        problem = facts.get("problem") or (_read_last_line(report.longreprtext) if report.failed else "")
        where = (Path(path).stem, number, facts["code"], facts["profile"])
        yield Cell(*where, report.duration, problem, changes)


def format_changes(cells):
    """Return a Markdown table of the numbers that moved and of other problems; empty if there are none."""
    rows = []
    for cell in cells:
        where = f"{cell.lesson} | {cell.number}: {_escape(cell.code)}"
        for change in cell.changes:
            verdict = "within" if change.is_allowed else "**moved**"
            rows.append(f"| {where} | {change.old} | {change.new} | {change.allowed:g} | {verdict} |")
        if cell.problem:
            rows.append(f"| {where} | | | | **{_escape(cell.problem)}** |")
    head = ["| lesson | cell | was | is | allowed ± | |", "| --- | --- | --- | --- | --- | --- |"]
    return "\n".join([*head, *rows]) if rows else ""


def measure_shares(cells):
    """Return each lesson's cells by first line, with their shares of its time, by profile.

    A lesson with a problem is left out: the cells after it did not do their work.
    """
    seconds, failed = {}, set()
    for cell in cells:
        key = cell.profile, cell.lesson
        seconds.setdefault(key, Counter())[cell.code] += cell.seconds
        if cell.problem:
            failed.add(key)
    return {
        key: {code: (time / sum(times.values()), time) for code, time in times.items()}
        for key, times in seconds.items()
        if key not in failed
    }


def find_slower(shares, known):
    """Return a line for each cell whose share of its lesson's time has doubled."""
    for (profile, lesson), cells in shares.items():
        before = known.get(profile, {}).get(lesson)
        for code, (share, seconds) in cells.items() if before else ():
            usual = max(before.get(code, 0), LEAST_SHARE)
            if share > 2 * usual and seconds > LEAST_SECONDS:
                yield f"{lesson} ({code}): {share:.0%} of the lesson's time, {usual:.0%} as recorded"


def record_shares(shares, known):
    """Return the table of shares with new ones for the lessons that ran: the slowest cells, slowest first."""
    table = {profile: dict(lessons) for profile, lessons in known.items()}
    for (profile, lesson), cells in shares.items():
        slow = {code: round(share, 2) for code, (share, _) in cells.items() if share >= LEAST_SHARE}
        ordered = dict(sorted(slow.items(), key=lambda item: -item[1]))
        table[profile] = dict(sorted({**table.get(profile, {}), lesson: ordered}.items()))
    return dict(sorted(table.items()))


def read_shares(path=SHARES):
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _read_last_line(text):
    """Return the last line of what nbval says, without colours: the error and its message."""
    lines = [line.strip() for line in strip_colours(text).splitlines() if line.strip()]
    return lines[-1] if lines else "failed"


def _escape(text):
    return text.replace("|", "\\|")
