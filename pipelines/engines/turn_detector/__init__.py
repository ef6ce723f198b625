"""End-of-turn detectors, one a file."""
