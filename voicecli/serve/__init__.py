"""The agent as a service: a phone number's calls, each in a process of its own."""
