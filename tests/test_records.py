"""What a study keeps: nothing lost, doubled or half written, whatever went wrong."""

import json
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from mnist_helpers import environment, evidence, records
from mnist_helpers.errors import DataError, SetupError
from mnist_helpers.recipes import Recipe


def make_row(key="0123456789abcdef", **changes):
    recipe = {name: str(value) for name, value in asdict(Recipe()).items()}
    row = {"key": key, "schema": "1", "technique": "baseline", "dataset": "MNIST", "seconds": "1.5"}
    numbers = {"train_accuracy": "0.500000", "test_accuracy": "0.250000", "threads": "1"}
    return recipe | row | numbers | environment.describe() | changes


@pytest.fixture
def table(tmp_path):
    """Return the path of a table yet to be made, in a folder ready for runs."""
    (tmp_path / "runs").mkdir()
    return tmp_path / "study.csv"


def test_published_table_comes_back_byte_for_byte_without_the_files_of_its_runs(table):
    rows = {key: make_row(key, seconds=seconds) for key, seconds in (("a" * 16, "1.0"), ("b" * 16, "0.1"))}
    rows["a" * 16]["stopped_on_test"] = "0.9"  # not every run has every column
    for row in rows.values():
        records.write_run(table.parent, row)
    records.publish(rows.values(), table)
    before = table.read_bytes()
    shutil.rmtree(table.parent / "runs")
    (table.parent / "runs").mkdir()
    found, broken = records.read_runs(table)
    assert (list(found), broken) == (list(rows), [])
    records.publish(found.values(), table)
    assert table.read_bytes() == before
    about = json.loads(table.with_suffix(".json").read_text())
    assert [kind["runs"] for kind in about["environments"]] == [2]


@pytest.mark.parametrize("content", ['{"key": "0123', "[]", "", "null", '{"key": "another", "schema": "1"}'])
def test_torn_or_foreign_file_is_set_aside_alone(content, table):  # 17
    records.write_run(table.parent, make_row("a" * 16))
    broken = table.parent / "runs" / f"{'b' * 16}.json"
    broken.write_text(content)
    rows, aside = records.read_runs(table)
    assert (list(rows), aside) == (["a" * 16], [broken])
    assert Path(f"{broken}.bad").read_text() == content


def test_run_of_a_newer_schema_is_refused_and_untouched(table):  # 19
    records.write_run(table.parent, make_row("a" * 16, schema=str(records.SCHEMA + 1)))
    path = table.parent / "runs" / f"{'a' * 16}.json"
    before = path.read_bytes()
    with pytest.raises(DataError, match="newer version"):
        records.read_runs(table)
    assert path.read_bytes() == before


def test_table_that_does_not_fit_its_digest_is_refused_while_it_is_all_there_is(table):
    records.publish([make_row()], table)
    assert len(evidence.read_study(table)) == 1
    changed = table.read_text().replace("0.250000", "0.260000")
    table.write_text(changed)
    with pytest.raises(DataError, match="does not fit its digest"):
        evidence.read_study(table)
    with pytest.raises(DataError, match="git checkout it, or move it away"):
        records.read_runs(table)
    assert table.read_text() == changed
    records.write_run(table.parent, make_row())  # as after a kill between the table and its digest
    rows, broken = records.read_runs(table)
    assert (list(rows), broken) == ([make_row()["key"]], [table])
    assert rows[make_row()["key"]]["test_accuracy"] == "0.250000"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device")
def test_full_disk_leaves_the_old_file_and_no_draft(table):  # 13
    records.write_run(table.parent, make_row())
    [path] = (table.parent / "runs").glob("*.json")
    before = path.read_bytes()
    path.with_name(f"{path.name}.part").symlink_to("/dev/full")
    with pytest.raises(SetupError, match=f"{path.name} cannot be written"):
        records.write_run(table.parent, make_row(seconds="2.0"))
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_second_study_in_a_folder_is_refused_and_free_again_after_a_kill(tmp_path):  # 18
    code = f"""
import time
from dataclasses import asdict
from pathlib import Path
from mnist_helpers import records
with records.open_folder(Path({str(tmp_path)!r})):
    print("open", flush=True)
    time.sleep(600)
"""
    first = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert first.stdout.readline() == "open\n"
    with pytest.raises(SetupError, match="Another study is running"), records.open_folder(tmp_path):
        pass
    first.kill()
    first.wait()
    with records.open_folder(tmp_path):
        pass


# Made again.


def test_same_run_again_must_be_equal_here_and_within_the_seeds_spread_elsewhere():
    rows = [make_row(str(n), test_accuracy=f"0.2{n}0000") for n in (4, 5, 6)]  # standard deviation 0.01
    rows += [make_row("quick", test_accuracy="0.9", epochs="8"), make_row("uci", dataset="UCI digits")]
    assert records.find_deviations(rows[1], rows[1], rows) == []
    for column in ("test_accuracy", "train_accuracy"):
        [found] = records.find_deviations(rows[1], rows[1] | {column: "0.250001"}, rows)
        assert found == f"{column} {rows[1][column]} was 0.250001 again, tolerance 0.000000"
    for again, agrees in (("0.250000", True), ("0.289000", True), ("0.291000", False), ("nan", False)):
        elsewhere = make_row(processor="another", test_accuracy=again)
        assert (records.find_deviations(rows[1], elsewhere, rows) == []) == agrees, again
