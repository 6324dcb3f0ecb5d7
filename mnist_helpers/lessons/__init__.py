"""The lessons as texts: their parameters, their execution, their notebooks and pages."""
