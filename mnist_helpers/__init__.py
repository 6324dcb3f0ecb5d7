"""Support for the MNIST lessons: importing it loads nothing, lessons import the module that they need."""

__version__ = "0.1.0"
