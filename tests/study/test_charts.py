"""Pictures of the study, on a made-up study whose answers are known."""

import pytest

from mnist_helpers.study import analysis, charts, findings, plan


@pytest.fixture(scope="module")
def opener(courses):
    return charts.draw_courses(courses)


def test_opening_picture_has_a_panel_per_size_and_a_line_per_technique(opener, courses):
    assert [axis.get_title() for axis in opener.axes] == ["1,000 images", "5,000 images", "40,000 images"]
    for axis, size in zip(opener.axes, plan.MARGINS, strict=True):
        assert axis.get_xscale() == "log"
        table = analysis.compare_courses(courses, size)
        lines = {line.get_label(): line for line in axis.get_lines()}
        for name, label in (("dropout", "dropout"), ("augmentation", "augmentation (gentle)")):
            found = table[table["technique"] == name]
            assert list(lines[label].get_xdata()) == found["epoch"].to_list()
            assert list(lines[label].get_ydata()) == found["mean"].to_list()
        assert "augmentation (article)" not in lines
        bottom, top = axis.get_ylim()
        assert bottom == -top
        assert top > table[table["technique"] == "combined"]["high"].max()
    assert "dropout at every size" in opener.alt
    assert "L2 at no size" in opener.alt
    assert len(opener.alt) <= 250


def test_chosen_techniques_alone_are_drawn(courses):
    figure = charts.draw_courses(courses, ["augmentation", "augmentation (article)"])
    labels = {line.get_label() for line in figure.axes[0].get_lines()}
    assert {"augmentation (gentle)", "augmentation (article)"} == {x for x in labels if x[0] != "_"}


def test_gap_picture_has_a_line_per_size_and_part(courses):
    figure = charts.draw_gaps(courses)
    table = findings.measure_gaps(courses)
    lines = [line for axis in figure.axes for line in axis.get_lines() if len(line.get_xdata()) > 2]
    drawn = sorted(float(x) for line in lines for x in line.get_xdata())
    assert drawn == sorted(table["gap"])
    last = table.groupby(["part", "images"]).last()
    highest = last.loc[last["mean"].idxmax()]
    assert f"to {highest['mean']:+.2f} points at a gap of {highest['gap']:.2f} nats." in figure.alt
