"""Support for the MNIST lessons: data, models, training, figures and the `mnist-helpers` command.

Importing the package loads nothing else. Lessons import the module they need::

    from mnist_helpers import datasets, models, plots, training
"""

__version__ = "0.1.0"
