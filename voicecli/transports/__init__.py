"""Ways in which a caller's audio reaches the agent and back."""
