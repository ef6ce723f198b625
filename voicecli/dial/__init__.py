"""A caller for any agent that speaks a carrier's protocol, and what it measures."""
