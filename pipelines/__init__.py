"""The voice agent: the turn-taking core, the engines, and the two shells that run them."""
