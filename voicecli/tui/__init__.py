"""The screen of a live call."""
