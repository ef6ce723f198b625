"""The turn-taking core: a synchronous, deterministic state machine without I/O.

Start with `conversation.py`; `events.py` is what goes in, `commands.py` is what comes out and
`policy.py` holds every threshold.
"""
