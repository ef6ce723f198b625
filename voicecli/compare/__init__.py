"""The same calls under several profiles, judged by their labels."""
