"""Reports on cells: the table of what moved, and cells that take more of the time."""

import pytest
from cell_report import Cell, find_slower, format_changes, measure_shares, record_shares
from outputs import Change


def make_cell(code, seconds=1.0, lesson="01_first", profile="defaults", problem="", changes=()):
    return Cell(lesson, "Cell 3", code, profile, seconds, problem, list(changes))


def test_table_names_lesson_cell_numbers_and_problems():
    changes = [Change("98.2", "97.0", 0.5), Change("0.10", "0.11", 0.5)]
    cells = [
        make_cell("print(a | b)", changes=changes),
        make_cell("import keras"),
        make_cell("fit()", problem="ValueError: no"),
    ]
    assert format_changes(cells).splitlines()[2:] == [
        r"| 01_first | Cell 3: print(a \| b) | 98.2 | 97.0 | 0.5 | **moved** |",
        r"| 01_first | Cell 3: print(a \| b) | 0.10 | 0.11 | 0.5 | within |",
        "| 01_first | Cell 3: fit() | | | | **ValueError: no** |",
    ]


def test_without_changes_there_is_no_table():
    assert format_changes([make_cell("import keras")]) == ""


RECORDED = {"defaults": {"01_first": {"import keras": 0.3, "fit()": 0.6}}}


def find(*cells):
    return list(find_slower(measure_shares(cells), RECORDED))


@pytest.mark.parametrize("factor", [1, 10])
def test_shares_do_not_depend_on_the_speed_of_the_machine(factor):
    cells = [make_cell(code, factor * seconds) for code, seconds in (("import keras", 3.2), ("fit()", 6.8))]
    assert find(*cells) == []


def test_cell_that_doubles_its_share_is_named():
    assert find(make_cell("import keras", 7), make_cell("fit()", 3)) == [
        "01_first (import keras): 70% of the lesson's time, 30% as recorded"
    ]


def test_cell_that_was_quick_and_became_slow_is_named():
    [line] = find(make_cell("import keras", 3), make_cell("fit()", 6), make_cell("plot()", 2))
    assert line.startswith("01_first (plot()): 18%")


def test_short_cells_failed_lessons_and_other_profiles_are_not_judged():
    slow = {"code": "plot()", "seconds": 9}
    assert find(make_cell("plot()", 0.9)) == []
    assert find(make_cell(**slow), make_cell("fit()", problem="KeyError")) == []
    assert find(make_cell(**slow, profile="changed")) == []
    assert find(make_cell(**slow, lesson="02_second")) == []


def test_recorded_are_the_slowest_cells_of_the_lessons_that_ran():
    cells = [make_cell("a", 1, "02_second"), make_cell("b", 4, "02_second"), make_cell("c", 0.1, "02_second")]
    table = record_shares(measure_shares(cells), RECORDED)
    assert table == {"defaults": {**RECORDED["defaults"], "02_second": {"b": 0.78, "a": 0.2}}}
    assert list(table["defaults"]["02_second"]) == ["b", "a"]
