"""Measurements behind the tables of the docs; `python -m benchmarks.NAME --help` says what each
needs."""
