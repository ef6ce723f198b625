"""Engines behind five protocols (`protocols.py`); the file name is the engine's name."""
