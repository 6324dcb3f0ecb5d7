"""Benchmarks: their arithmetic; and what the README quotes from them stands in their results."""

import importlib.util
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SPEC = importlib.util.spec_from_file_location("bench", ROOT / "benchmarks" / "bench.py")
bench = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(bench)


def test_what_was_measured_in_turns_is_compared_in_pairs():
    found = bench.compare([1.0, 4.0, 3.0], [2.0, 2.0, 1.0])
    assert found == {"ratio": 2.0, "lowest": 0.5, "highest": 3.0}


def test_one_reference_stands_for_each():
    assert bench.compare([1.0, 2.0], [4.0, 2.0, 3.0]) == {"ratio": 0.5, "lowest": 0.333, "highest": 0.667}


def test_tasks_take_turns_forth_and_back():
    order = []
    seconds = bench.take_turns(3, a=lambda: order.append("a"), b=lambda: order.append("b"))
    assert order == list("abbaab")
    assert {name: len(values) for name, values in seconds.items()} == {"a": 3, "b": 3}


def test_article_trains_six_times():
    assert len(bench.ARTICLE) == 6


def test_readme_quotes_the_results():
    results = json.loads(bench.RESULTS.read_text(encoding="utf-8"))
    assert results.keys() == {"environment", *bench.SECTIONS}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert bench.format_readme(results) in readme


def test_changed_result_changes_what_the_readme_must_say():
    text = bench.RESULTS.read_text(encoding="utf-8")
    quoted = bench.format_readme(json.loads(text))
    for name in ("fast", "tuned"):
        changed = json.loads(text)
        changed["trainings"]["mean test accuracy"][name] -= 0.1
        assert bench.format_readme(changed) != quoted
    assert re.search(r"\d", quoted)
