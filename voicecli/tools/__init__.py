"""Functions that the agent may call: `@tool` in the Python file that a profile names."""

from voicecli.tools.declare import tool

__all__ = ["tool"]
