"""Functions that the agent may call: `@tool` in the Python file that a profile names."""

from pipelines.engines.tools import ThisCall
from voicecli.tools.declare import Quote, this_call, tool

__all__ = ["Quote", "ThisCall", "this_call", "tool"]
