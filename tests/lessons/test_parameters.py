"""Parameters of lessons: which values are accepted, with which type, and what the others are told."""

import pytest

from mnist_helpers.errors import UsageError
from mnist_helpers.lessons import texts
from mnist_helpers.lessons.parameters import QUICK, choose_parameters

PARAMETERS = """# %% tags=["parameters"]
dataset: str = "auto"  # auto, mnist or uci: the images to use
epochs: int = 5  # 1 to 100: passes over the training images
train_size: int = 2_000  # 10 to 50_000: number of training images
rate: float = 1e-3  # 1e-6 to 1: learning rate
shuffle: bool = True  # true or false: a new order in each epoch
label: str = "a"  # 1 to 9: no text lies in a range
width: complex = 1  # 1 to 9: no parameter has this type"""


@pytest.fixture
def notebook(make_lesson):
    return texts.read_lesson(make_lesson("01_first", PARAMETERS))


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("epochs", "1", 1),
        ("epochs", "100", 100),
        ("train_size", "50_000", 50_000),
        ("rate", "0.5", 0.5),
        ("dataset", "uci", "uci"),
        ("dataset", "auto", "auto"),
        ("shuffle", "true", True),
        ("shuffle", "false", False),
    ],
)
def test_allowed_setting_becomes_a_value_of_its_type(name, text, value, notebook):
    [chosen] = choose_parameters([notebook], {name: text})
    assert chosen == {name: value}
    assert type(chosen[name]) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        *(("epochs", text, "1 to 100") for text in ("0", "-1", "101", "abc", "nan", "inf", "1e9", "2.5", "")),
        *(("rate", text, "1e-6 to 1") for text in ("nan", "inf", "-inf", "0", "1e9")),
        *(("dataset", text, "auto, mnist or uci") for text in ("cifar", "auto, mnist", '"; import os')),
        ("shuffle", "1", "true or false"),
        ("label", "5", "1 to 9"),
        ("width", "5", "1 to 9"),
        ("epoch", "3", "Did you mean epochs"),
        ("epochs; import os", "3", "no parameter"),
    ],
)
def test_impossible_setting_is_refused_with_what_is_possible(name, text, hint, notebook):
    with pytest.raises(UsageError, match=hint):
        choose_parameters([notebook], {name: text})


def test_quick_profile_sets_what_each_lesson_has_and_settings_win(notebook, make_lesson):
    second = make_lesson("02_second", '# %% tags=["parameters"]\nepochs: int = 5  # 1 to 9: passes')
    notebooks = [notebook, texts.read_lesson(second)]
    chosen = choose_parameters(notebooks, {"train_size": "50"}, quick=True)
    assert chosen == [{"train_size": 50, "epochs": QUICK["epochs"]}, {"epochs": QUICK["epochs"]}]


def test_setting_that_only_one_lesson_has_is_accepted_for_that_one(notebook, make_lesson):
    second = make_lesson("02_second", '# %% tags=["parameters"]\nwidth: int = 5  # 1 to 9: pixels')
    assert choose_parameters([notebook, texts.read_lesson(second)], {"rate": "0.1"}) == [{"rate": 0.1}, {}]
