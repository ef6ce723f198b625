"""The phone network between a caller and an agent, simulated; knows nothing of either."""
