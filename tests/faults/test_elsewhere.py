"""The suite passes where paths, line ends and locale are unusual."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("mnist_helpers", "tests", "docs", "benchmarks", "lessons", "results", "requirements", "binder")
PARTS += (".devcontainer", ".github")
SUITE = (
    "tests/mnist_files",
    "tests/faults/test_cache.py",
    "tests/faults/test_downloads.py",
    "tests/faults/test_page.py",
    "tests/faults/test_properties.py",
    "tests/faults/test_study_files.py",
    "tests/faults/test_users.py",
    "tests/lessons/test_parameters.py",
    "tests/lessons/test_run.py",
    "tests/lessons/test_texts.py",
    "tests/study/test_analysis.py",
    "tests/study/test_history.py",
    "tests/study/test_plan.py",
    "tests/study/test_store.py",
    "tests/test_cli.py",
    "tests/test_datasets.py",
    "tests/test_environment.py",
    "tests/test_recipes.py",
    "tests/test_sources.py",
    "tests/test_statistics.py",
)
TEXTS = {".py", ".md", ".toml", ".csv", ".json", ".lock", ".js", ".css"}


@pytest.mark.full
def test_suite_passes_in_a_strange_folder_with_crlf_and_locale_c(tmp_path):
    """As in a checkout of Windows, in a home folder whose owner's name is not ASCII."""
    clone = tmp_path / "Übung 7, eins & zwei"
    clone.mkdir()
    for part in PARTS:
        ignored = shutil.ignore_patterns("__pycache__", "runs", "*.bad")
        shutil.copytree(ROOT / part, clone / part, ignore=ignored)
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, clone)
    for path in clone.rglob("*"):
        if path.suffix in TEXTS:
            path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    variables = os.environ | {"LC_ALL": "C", "PYTHONPATH": str(clone), "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *SUITE],
        cwd=clone,
        env=variables,
        capture_output=True,
    )
    output = done.stdout.decode(errors="replace")
    assert done.returncode == 0, output[-5_000:]
    assert int(re.search(r"(\d+) passed", output)[1]) > 700, output[-500:]
