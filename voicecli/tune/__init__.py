"""Searches for better thresholds on recorded calls, without running a model."""
