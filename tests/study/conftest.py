"""A made-up study for the tests of what the study found."""

import pytest
import synthetic

from mnist_helpers.study import analysis


@pytest.fixture(scope="session")
def study():
    return synthetic.make_study()


@pytest.fixture(scope="session")
def courses(study):
    return analysis.read_courses(study)
