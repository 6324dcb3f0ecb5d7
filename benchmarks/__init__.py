"""Measure what the README says about time, memory and accuracy, each against a reference."""
