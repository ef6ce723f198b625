"""Speech synthesisers, one a file."""
