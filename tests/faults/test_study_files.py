"""A study's files on a machine that fails: full, killed at random moments, without rights."""

import itertools
import os
import random
import signal
import sys
import time

import pytest
from machine import call_without_rights, shared_folder, small_file_system
from mnist_rows import make_row

from mnist_helpers.errors import SetupError
from mnist_helpers.study import store

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX rights and processes")
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


def make_rows(count):
    return [make_row(f"{number:016x}", seed=str(number)) for number in range(count)]


def test_full_file_system_keeps_finished_runs_and_the_table(tmp_path):
    with small_file_system("128k") as folder:
        (folder / "runs").mkdir()
        table = folder / "study.csv"
        first, *rows = make_rows(200)
        store.write_run(folder, first)
        store.publish([first], table)
        before = [table.read_bytes(), table.with_suffix(".json").read_bytes()]
        finished = [first]

        def fill():
            for row in rows:
                store.write_run(folder, row)
                finished.append(row)

        with pytest.raises(SetupError, match=r"\(No space left on device\): free some space, or use --outp"):
            fill()
        assert 1 < len(finished) < 200
        with pytest.raises(SetupError, match="No space left on device"):
            store.publish(finished * 20, table)
        assert [table.read_bytes(), table.with_suffix(".json").read_bytes()] == before
        assert not list(folder.rglob("*.part"))
        found, broken = store.read_runs(table)
        assert (list(found.values()), broken) == (finished, [])


@posix
def test_writer_that_is_killed_at_20_random_moments_leaves_whole_runs_alone(tmp_path):
    """The runs of the same study are written again and again, with other times, while the kill comes."""
    (tmp_path / "runs").mkdir()
    table = tmp_path / "study.csv"
    rows = make_rows(10)
    store.publish(rows, table)
    expected = {row["key"]: row for row in rows}
    moments = random.Random(16)
    for _ in range(20):
        writer = os.fork()
        if not writer:
            for number in itertools.count():
                timed = [row | {"seconds": f"{number}.0"} for row in rows]
                for row in timed:
                    store.write_run(tmp_path, row)
                store.publish(timed, table)
        time.sleep(moments.uniform(0, 0.2))
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
        found, broken = store.read_runs(table)
        assert {key: row | {"seconds": "1.5"} for key, row in found.items()} == expected
        # A kill between the table and its digest sets the table aside: the files hold the runs.
        assert [path for path in broken if path != table] == []
        store.publish(rows, table)


@posix
def test_run_that_may_not_be_read_is_not_set_aside(tmp_path):
    with shared_folder() as folder:
        (folder / "runs").mkdir()
        [row] = make_rows(1)
        store.write_run(folder, row)
        [path] = (folder / "runs").iterdir()
        path.chmod(0)
        found = call_without_rights(lambda: store.read_runs(folder / "study.csv"))
        assert found.startswith(f"SetupError: {path} cannot be read (Permission denied)"), found
        path.chmod(0o644)
        assert store.read_runs(folder / "study.csv")[0] == {row["key"]: row}


@posix
def test_broken_run_that_cannot_be_set_aside_is_named(tmp_path):
    with shared_folder() as folder:
        (folder / "runs").mkdir()
        path = folder / "runs" / "0123456789abcdef.json"
        path.write_text("{")
        path.chmod(0o644)
        (folder / "runs").chmod(0o555)
        found = call_without_rights(lambda: store.read_runs(folder / "study.csv"))
        (folder / "runs").chmod(0o755)
        assert found.startswith(f"SetupError: {path} is broken and cannot be renamed"), found


@posix
def test_folder_without_rights_is_named_before_any_run(tmp_path):
    with shared_folder() as folder:
        folder.chmod(0o555)
        found = call_without_rights(lambda: store.open_folder(folder / "study").__enter__())
        folder.chmod(0o755)
        assert found.startswith(f"SetupError: {folder / 'study'} cannot be written (Permission denied)"), (
            found
        )


def test_draft_of_a_killed_study_is_swept(tmp_path):
    (tmp_path / "runs").mkdir()
    for draft in (tmp_path / "study.csv.part", tmp_path / "runs" / "0123456789abcdef.json.part"):
        draft.write_text("half")
    with store.open_folder(tmp_path):
        assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["lock"]


@pytest.mark.skipif(sys.platform == "win32", reason="a lock file cannot be a folder's name there")
def test_folder_in_the_place_of_the_lock_is_named(tmp_path):
    (tmp_path / "runs" / "lock").mkdir(parents=True)
    with pytest.raises(SetupError, match="cannot be written"), store.open_folder(tmp_path):
        pass
