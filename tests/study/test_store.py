"""The files of a study: none lost, doubled or half written, whatever goes wrong."""

import base64
import json
import os
import shutil
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from mnist_rows import make_row

from mnist_helpers.errors import DataError, SetupError
from mnist_helpers.study import plan, store
from mnist_helpers.study.rows import SCORES


@pytest.fixture
def table(tmp_path):
    """Return the path of a table yet to be made, in a folder ready for runs."""
    (tmp_path / "runs").mkdir()
    return tmp_path / "study.csv"


def test_published_table_is_restored_byte_for_byte_without_run_files(table):
    rows = {key: make_row(key, seconds=seconds) for key, seconds in (("a" * 16, "1.0"), ("b" * 16, "0.1"))}
    extra = {f"validation_{name}": "0.9" for name in SCORES}
    rows["a" * 16] |= extra  # not every run has every column
    rows["b" * 16]["course"] = '{"epoch":[1,2],"test_accuracy":[null,0.5]}'
    for row in rows.values():
        store.write_run(table.parent, row)
    store.publish(rows.values(), table)
    before = table.read_bytes()
    shutil.rmtree(table.parent / "runs")
    (table.parent / "runs").mkdir()
    found, broken = store.read_runs(table)
    assert (list(found), broken) == (list(rows), [])
    store.publish(found.values(), table)
    assert table.read_bytes() == before
    about = json.loads(table.with_suffix(".json").read_text())
    assert [kind["runs"] for kind in about["environments"]] == [2]


def lacking(*names, **changes):
    row = make_row("b" * 16, **changes)
    return json.dumps({name: text for name, text in row.items() if name not in names})


FOREIGN = {
    "torn": '{"key": "0123',
    "list": "[]",
    "empty": "",
    "null": "null",
    "another run": '{"key": "another", "schema": "1"}',
    "deep": '{"a":' * 100_000,
    "deep list": "[" * 100_000,
    "not text": "\udcff",
    "infinite schema": lacking(schema="1e400"),
    "number for a schema": lacking().replace(f'"schema": "{plan.SCHEMA}"', '"schema": 1e400'),
    "without a number": lacking("test_cross_entropy"),
    "without any score": lacking(*(f"test_{name}" for name in SCORES)),
    "without its course": lacking("course"),
    "torn course": lacking(course='{"epoch": [1'),
    "word for a number": lacking(train_accuracy="high"),
    "infinite number": lacking(seconds="inf"),
    "negative number": lacking(test_cross_entropy="-0.1"),
    "more than all right": lacking(train_accuracy="1.5"),
    "diverged with a number": lacking(train_cross_entropy="nan"),
    "sound without a number": lacking(test_accuracy="nan"),
    "key in capitals": json.dumps(make_row("B" * 16)),
    "larger than any run": lacking(course=" " * 2**20),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_torn_or_foreign_file_is_set_aside_alone(name, table):
    content = FOREIGN[name]
    store.write_run(table.parent, make_row("a" * 16))
    broken = table.parent / "runs" / f"{'b' * 16}.json"
    broken.write_text(content, encoding="utf-8", errors="surrogateescape")
    rows, aside = store.read_runs(table)
    assert (list(rows), aside) == (["a" * 16], [broken])
    assert Path(f"{broken}.bad").read_text(encoding="utf-8", errors="surrogateescape") == content


@pytest.mark.skipif(os.name != "posix", reason="needs named pipes and links")
@pytest.mark.parametrize("kind", ["folder", "pipe", "dangling link", "link to a device", "link to itself"])
def test_what_is_no_file_is_set_aside_and_never_opened(kind, table):
    store.write_run(table.parent, make_row("a" * 16))
    path = table.parent / "runs" / f"{'b' * 16}.json"
    {
        "folder": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
        "dangling link": lambda: path.symlink_to("nowhere"),
        "link to a device": lambda: path.symlink_to("/dev/zero"),
        "link to itself": lambda: path.symlink_to(path.name),
    }[kind]()
    rows, aside = store.read_runs(table)
    assert (list(rows), aside) == (["a" * 16], [path])
    assert os.path.lexists(f"{path}.bad")


def test_run_that_diverged_is_a_run(table):
    numbers = {f"{images}_{score}": "nan" for images in ("train", "test") for score in SCORES}
    store.write_run(table.parent, make_row("a" * 16, **numbers))
    rows, broken = store.read_runs(table)
    assert (list(rows), broken) == (["a" * 16], [])


def test_run_of_an_older_schema_is_kept(table):
    row = make_row("a" * 16, schema="1")
    del row["course"], row["test_cross_entropy"], row["part"]
    store.write_run(table.parent, row)
    assert store.read_runs(table) == ({"a" * 16: row}, [])


@pytest.mark.parametrize("key", ["../../../x", "/tmp/x", "..", "", "A" * 16, "a" * 15, "a" * 16 + "\n"])
def test_key_that_is_no_key_writes_no_file(key, table):
    store.publish([make_row(key)], table)
    before = sorted(path for path in table.parent.rglob("*"))
    with pytest.raises(DataError, match="is not 16 hexadecimal digits"):
        store.read_runs(table)
    assert sorted(path for path in table.parent.rglob("*")) == before


def test_table_of_a_newer_schema_is_refused_and_untouched(table):
    store.publish([make_row()], table)
    about = table.with_suffix(".json")
    about.write_text(about.read_text().replace(f'"schema": {plan.SCHEMA}', f'"schema": {plan.SCHEMA + 1}'))
    before = [table.read_bytes(), about.read_bytes()]
    for read in (store.read_table, store.read_runs):
        with pytest.raises(DataError, match="newer version"):
            read(table)
    assert [table.read_bytes(), about.read_bytes()] == before
    assert not list((table.parent / "runs").iterdir())


LONG = "key,schema\n" + "a" * 16 + ',"' + "3" * 200_000 + '"\n'


@pytest.mark.parametrize(
    "content", ["no,table\n1,2\n", LONG, 'key\n"torn', "\udcff", "key,schema\n1,2,3,4\n", "\0"], ids=range(6)
)
def test_table_that_is_none_is_refused(content, table):
    table.write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(DataError, match="git checkout it, or move it away"):
        store.read_runs(table)
    with pytest.raises(DataError, match="No study in"):
        store.read_table(table)
    about = {"schema": plan.SCHEMA, "sha256": store.hash_table(table)}
    table.with_suffix(".json").write_text(json.dumps(about))
    with pytest.raises(DataError, match="git checkout it, or move it away"):
        store.read_runs(table)


@pytest.mark.parametrize(
    "change", [{"key": "x"}, {"test_accuracy": "high"}, {"schema": "3.5"}, {"course": None}]
)
def test_table_with_a_row_that_is_no_run_is_refused_though_its_digest_fits(change, table):
    """Somebody edited the table and wrote a new digest."""
    row = {name: text for name, text in (make_row() | change).items() if text is not None}
    store.publish([row], table)
    with pytest.raises(DataError, match=r"is no table .*git checkout"):
        store.read_table(table)


@pytest.mark.parametrize(
    "about", ["", "[" * 100_000, "[]", "null", '{"sha256": 1, "schema": 1e400}', "\udcff", None], ids=range(7)
)
def test_digest_that_is_none_is_refused(about, table):
    store.publish([make_row()], table)
    path = table.with_suffix(".json")
    if about is None:
        path.unlink()
        path.mkdir()
    else:
        path.write_text(about, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(DataError, match="No study in"):
        store.read_table(table)


def test_wrong_images_that_are_none_are_refused_in_little_memory():
    bomb = base64.b64encode(zlib.compress(bytes(2**26))).decode()
    tracemalloc.start()
    for text in (bomb, "", "====", "äöü", store.pack_wrong(np.zeros(8, bool)), np.nan):
        with pytest.raises(DataError, match="test_wrong"):
            store.unpack_wrong(text, 10_000)
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "1", "[" * 100_000, '{"epoch": 1}', '{"epoch": ["x"]}', '{"a": [1], "b": []}'],
    ids=range(7),
)
def test_course_that_is_none_is_refused(text):
    with pytest.raises(DataError, match="is no course of a run"):
        store.unpack_course(text)


def test_run_of_a_newer_schema_is_refused_and_untouched(table):
    store.write_run(table.parent, make_row("a" * 16, schema=str(plan.SCHEMA + 1)))
    path = table.parent / "runs" / f"{'a' * 16}.json"
    before = path.read_bytes()
    with pytest.raises(DataError, match="newer version"):
        store.read_runs(table)
    assert path.read_bytes() == before


def test_table_without_its_digest_is_refused_if_it_is_all_there_is(table):
    store.publish([make_row()], table)
    assert len(store.read_table(table)) == 1
    changed = table.read_text().replace("0.250000", "0.260000")
    table.write_text(changed)
    with pytest.raises(DataError, match="does not fit its digest"):
        store.read_table(table)
    with pytest.raises(DataError, match="git checkout it, or move it away"):
        store.read_runs(table)
    assert table.read_text() == changed
    head, _, _ = changed.partition("\n")
    for torn in (head, f"{head}\n", head[:20]):
        table.write_text(torn)
        with pytest.raises(DataError, match="git checkout it, or move it away"):
            store.read_runs(table)
    table.write_text(changed)
    store.write_run(table.parent, make_row())  # as after a kill between the table and its digest
    rows, broken = store.read_runs(table)
    assert (list(rows), broken) == ([make_row()["key"]], [table])
    assert rows[make_row()["key"]]["test_accuracy"] == "0.250000"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device")
def test_full_disk_leaves_the_old_file_and_no_draft(table):
    store.write_run(table.parent, make_row())
    [path] = (table.parent / "runs").glob("*.json")
    before = path.read_bytes()
    path.with_name(f"{path.name}.part").symlink_to("/dev/full")
    with pytest.raises(SetupError, match=f"{path.name} cannot be written"):
        store.write_run(table.parent, make_row(seconds="2.0"))
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_second_study_in_a_folder_is_refused_until_a_kill_frees_it(tmp_path):
    code = f"""
import time
from dataclasses import asdict
from pathlib import Path
from mnist_helpers.study import store
with store.open_folder(Path({str(tmp_path)!r})):
    print("open", flush=True)
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "open\n"
        try:
            with pytest.raises(SetupError, match="Another study is running"), store.open_folder(tmp_path):
                pass
        finally:
            first.kill()
    with store.open_folder(tmp_path):
        pass


def test_rerun_must_be_equal_here_and_within_the_spread_elsewhere():
    rows = [make_row(str(n), test_accuracy=f"0.2{n}0000") for n in (4, 5, 6)]  # standard deviation 0.01
    rows += [make_row("quick", test_accuracy="0.9", epochs="8"), make_row("uci", dataset="UCI digits")]
    assert store.find_deviations(rows[1], rows[1], rows) == []
    for column in ("test_accuracy", "train_accuracy"):
        [found] = store.find_deviations(rows[1], rows[1] | {column: "0.250001"}, rows)
        assert found == f"{column} {rows[1][column]} was 0.250001 again, tolerance 0.000000"
    for again, agrees in (("0.250000", True), ("0.289000", True), ("0.291000", False), ("nan", False)):
        elsewhere = make_row(processor="a different one", test_accuracy=again)
        assert (store.find_deviations(rows[1], elsewhere, rows) == []) == agrees, again


def test_packed_columns_must_be_equal_here_and_are_not_compared_elsewhere():
    row = make_row(test_wrong="abc", course="{}")
    again = row | {"course": '{"epoch":[1]}'}
    assert store.find_deviations(row, again, [row, row]) == ["course differs"]
    assert store.find_deviations(row, again | {"processor": "a different one"}, [row, row]) == []


@pytest.mark.parametrize("count", [1, 8, 9, 10_000])
def test_wrong_images_survive_packing(count):
    wrong = np.random.default_rng(count).random(count) < 0.02
    packed = store.pack_wrong(wrong)
    assert np.array_equal(store.unpack_wrong(packed, count), wrong)
    assert len(packed) < 500


def test_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match="file cannot be written"), store.open_folder(tmp_path / "file"):
        pass


def test_missing_study_is_named_with_the_command_that_makes_it(table):
    with pytest.raises(DataError, match="`mnist-helpers study` makes it"):
        store.read_table(table)
