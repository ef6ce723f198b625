"""Voice activity detectors, one a file."""
