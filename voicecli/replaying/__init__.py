"""Recorded calls through the agent again: `voicecli replay`, and `voicecli.replay` in Python."""
