"""Recorded calls through the agent again."""
